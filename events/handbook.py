"""The catalogue as a page for people: every event with its sentence, its fields and who it waits for."""

from events import catalogue
from events.event import Event, fixed
from events.history import GENERIC, Aggregate
from events.loops import Answer, Asking, Ending, Settling

_OPENING = """# What can happen

Every event there is, made from the catalogue (`python -m tests.events.golden` writes this page). Names stand
in signed bytes and are kept for ever; a changed payload is a new version. Every fact can be corrected (更正)
and voided (作废), and every stream of a closed log continued (续接) in another. A field with `?` may be
left out. **asks** puts a question to bureaus, **answers** is a promise, **settles** decides, **ends** leaves
nobody asked.

A field with `*` is a term: once any bureau was asked in the stream, no correction changes it; amend, change
or withdraw, and ask anew. A field with `=` no correction ever changes. What **binds** is corrected and voided
at the word of the bureau's leader only, as is voided what others who were asked rely on.
"""
_ROLES: tuple[tuple[type[Event], str], ...] = (
    (Asking, "asks"),
    (Answer, "answers"),
    (Settling, "settles"),
    (Ending, "ends"),
)


def markdown() -> str:
    """The page, in Markdown."""
    contexts: dict[str, list[Aggregate]] = {}
    for aggregate in catalogue.AGGREGATES.values():
        contexts.setdefault(aggregate.context, []).append(aggregate)
    parts = [_OPENING]
    for context, aggregates in contexts.items():
        parts += [f"## {context}\n", *(_section(a) for a in aggregates)]
    return "\n".join(parts)


def _section(aggregate: Aggregate) -> str:
    rows = "\n".join(_row(event) for event in aggregate.events if not issubclass(event, GENERIC))
    head = f"### {aggregate.name}: {aggregate.zh} · {aggregate.en}\n"
    return f"{head}\n| event | what it says | 时间线 | fields | |\n|---|---|---|---|---|\n{rows}\n"


def _row(event: type[Event]) -> str:
    name = event.type.rpartition("yinqiao.")[2]
    says = (event.__doc__ or "").partition("\n")[0]
    roles = [word for base, word in _ROLES if issubclass(event, base)]
    role = ", ".join([*roles, *(["binds"] if event.binding else [])])
    return f"| `{name}` | {says} | {event.zh or '（旧版）'} | {_fields(event)} | {role} |"


def _fields(event: type[Event]) -> str:
    return ", ".join(name + _marks(event, name) for name in event.model_fields)


def _marks(event: type[Event], name: str) -> str:
    optional = "" if event.model_fields[name].is_required() else "?"
    kept = "=" if name in fixed(event) else "*" if name in event.terms else ""
    return optional + kept
