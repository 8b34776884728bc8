"""The catalogue as a page for people: every event with its sentence, its fields and who it waits for."""

from events import catalogue
from events.event import Event
from events.history import GENERIC, Aggregate
from events.loops import Answer, Asking, Ending, Settling

_OPENING = """# What can happen

Every event there is, made from the catalogue (`python -m tests.events.golden` writes this page). Names stand
in signed bytes and are kept for ever; a changed payload is a new version. Every fact can be corrected (更正)
and voided (作废), and every stream of a closed log continued (续接) in another. A field with `?` may be
left out. **asks** puts a question to bureaus, **answers** is a promise, **settles** decides, **ends** leaves
nobody asked.
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
    role = ", ".join(word for base, word in _ROLES if issubclass(event, base))
    return f"| `{name}` | {says} | {event.zh or '（旧版）'} | {_fields(event)} | {role} |"


def _fields(event: type[Event]) -> str:
    return ", ".join(name + ("" if f.is_required() else "?") for name, f in event.model_fields.items())
