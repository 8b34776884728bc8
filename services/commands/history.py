"""`yinqiao audit at|state`: read models and single streams as they were, and what differs to another day."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Annotated, Any

import typer

from events import errors
from projections import digest, model
from projections.model import Instance, ReadModel
from projections.models import BY_NAME, MODELS
from projections.track import Vector
from services.auditor import changes, differences, states
from services.auditor.changes import Changed
from services.auditor.states import State
from services.commands import known, options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.commands.reports import asked_at
from services.projector.scratch import Scratch
from services.runtime.database import Connection

LIMIT = 100
Log = Annotated[str, typer.Option("--log", help="The log of the stream.")]
Stream = Annotated[str, typer.Option("--stream", help="The stream's UUID.")]


def at(
    day: known.Date = None,
    vector: known.Positions = None,
    which: Annotated[str | None, typer.Option("--model", help="Only this read model.")] = None,
    diff_to: Annotated[
        str, typer.Option("--diff-to", help="live (the running one), a date, a vector, or none.")
    ] = "live",
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many rows of each model.")] = LIMIT,
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """Read models as of a date or vector, in scratch schemas, and row by row what is otherwise elsewhere."""
    if which is not None and which not in BY_NAME:
        raise errors.NotFound(
            f"there is no read model {which}; there are {', '.join(BY_NAME)}", field="model"
        )
    place = options.place(settings)
    with asked_at(place, "build") as (conn, build):
        then = known.vector(conn, day, vector)
        if then is None:
            raise errors.Invalid("give --date or --vector", field="date")
        other = known.either(conn, diff_to) if diff_to not in {"live", "none"} else diff_to
        told = [
            _model(conn, build, each, then, other, limit) for each in MODELS if which in {None, each.name}
        ]
    _tell(then, told, as_json=as_json)


def _model(
    conn: Connection, build: Scratch, which: ReadModel, then: Vector, other: Vector | str, limit: int
) -> dict[str, Any]:
    """Digest of one model at a vector, and the first rows that differ elsewhere."""
    with ExitStack() as stack:
        before = stack.enter_context(build(which, then))
        after = _other(stack, build, which, other)
        found = list(islice(changes.changes(conn, before, after), limit + 1)) if after else []
        return {
            "model": which.name,
            "digest": digest.digest(conn, before),
            "changes": [_changed(each) for each in found[:limit]],
            "more": len(found) > limit,
        }


def _other(stack: ExitStack, build: Scratch, which: ReadModel, other: Vector | str) -> Instance | None:
    if isinstance(other, str):
        return model.live(which) if other == "live" else None
    return stack.enter_context(build(which, other))


def _changed(each: Changed) -> dict[str, Any]:
    return {
        "table": each.table, "key": each.key, "before": each.before, "after": each.after,
        "fields": [f._asdict() for f in each.fields],
    }  # fmt: skip


def _tell(then: Vector, told: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        screen.document({"positions": then, "models": told})
        return
    screen.line(",".join(f"{log}:{at}" for log, at in then.items()))
    screen.table(("model", "digest"), [(each["model"], each["digest"]) for each in told])
    screen.table(("model", "table", "key", "field", "before", "after"), _lines(told))
    for each in told:
        if each["more"]:
            screen.line(f"{each['model']}: more than {len(each['changes'])} rows differ: see --limit")


def _lines(told: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for each in told:
        for row in each["changes"]:
            key = " ".join(map(str, row["key"].values()))
            for f in row["fields"]:
                yield each["model"], row["table"], key, f["place"], f["before"], f["after"]


def state(
    log: Log,
    stream: Stream,
    version: Annotated[int | None, typer.Option("--version", min=0, help="Up to this version.")] = None,
    day: known.Date = None,
    vector: known.Positions = None,
    against: Annotated[
        int | None, typer.Option("--against", min=0, help="And what differs to this version.")
    ] = None,
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """The state of one stream at a version or as known then, its records, and what differs to a version."""
    if version is not None and (day or vector):
        raise errors.Invalid("give --version, or --date or --vector", field="version")
    with options.place(settings).connection() as conn:
        then = known.vector(conn, day, vector)
        if then is None:
            found = states.at_version(conn, log, stream, version)
        else:
            found = states.known(conn, log, stream, then)
        other = states.at_version(conn, log, stream, against) if against is not None else None
    _tell_state(found, other, as_json=as_json)


def _tell_state(found: State, other: State | None, *, as_json: bool) -> None:
    differing = list(states.between(other, found)) if other else []
    facts = [
        (f.record.log, f.record.position, f.record.version, f.record.time, f.record.type, _changes(f))
        for f in found.facts
    ]
    if as_json:
        names = ("log", "position", "version", "time", "type", "changed_by")
        screen.document({
            **found._asdict(), "facts": [dict(zip(names, fact, strict=True)) for fact in facts],
            "differences": [d._asdict() for d in differing],
        })  # fmt: skip
        return
    screen.line(
        f"{found.aggregate or '-'} {found.stream} version {found.version} {found.time or ''}".rstrip()
    )
    if found.broken:
        screen.line(f"cannot be folded: {found.broken}")
    flat = [(d.place, d.after) for d in differences.fields({}, found.fields or {})]
    screen.table(("field", "value"), flat)
    screen.table(("log", "position", "version", "time", "type", "changed by"), facts)
    screen.table(("field", "before", "after"), differing)


def _changes(fact: states.Fact) -> str:
    return ", ".join(map(str, fact.changed_by))
