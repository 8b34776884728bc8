"""`yinqiao projections`: how far the read models are; build them anew, or as they were on a past day."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from events import errors
from projections import digest, model, track
from projections.model import ReadModel
from projections.models import BY_NAME, MODELS
from projections.track import Vector
from services.commands import moments, options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.ledger import read
from services.projector import rebuild as building
from services.projector import status as standing
from services.projector.rebuild import Report
from services.projector.scratch import Scratch
from services.projector.status import Status
from services.runtime.database import Connection, Database

app = typer.Typer(no_args_is_help=True, help="Read models: status, rebuild, pause, resume.")
Model = Annotated[str, typer.Argument(help="The read model's name; `status` lists them.")]
Models = Annotated[str | None, typer.Argument(help="A read model's name; all of them without.")]
FROZEN_SECONDS = 30.0
_SHOWN = 20


@app.command()
def status(which: Models = None, settings: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """How far each read model is behind what is covered, and what waits in it."""
    with options.place(settings).connection() as conn:
        shown = [s for s in standing.statuses(conn) if which in {None, s.name}]
        if not shown and which is not None:
            _find(which)
        documents = [_document(conn, s) for s in shown] if as_json else []
    if as_json:
        screen.document(documents)
    else:
        screen.table(_COLUMNS, map(_row, shown))


_COLUMNS = (
    "model", "version", "state", "logs", "events", "behind", "lag in s", "waiting", "oldest",
    "skipped",
)  # fmt: skip


def _row(s: Status) -> tuple[object, ...]:
    return (
        s.name, s.version, _state(s), s.logs, s.events, s.behind, s.lag_seconds, s.waiting, s.oldest,
        s.skipped,
    )  # fmt: skip


def _state(s: Status) -> str:
    known = BY_NAME.get(s.model)
    if known is not None and known.version != s.version:
        return "to rebuild"
    return "frozen" if s.is_frozen(FROZEN_SECONDS) else s.state


def _document(conn: Connection, s: Status) -> dict[str, Any]:
    known = BY_NAME.get(s.model)
    instance = model.Instance(s.name, known) if known and known.version == s.version else None
    return {
        **s._asdict(),
        "state": _state(s),
        "positions": track.vector(conn, s.name),
        "digest": digest.digest(conn, instance) if instance else None,
    }


@app.command()
def pause(which: Model, settings: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """Let a read model stand still; the others go on."""
    _set_state(which, settings, "paused", as_json=as_json)


@app.command()
def resume(which: Model, settings: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """Let a paused read model go on."""
    _set_state(which, settings, "running", as_json=as_json)


def _set_state(which: str, settings: SettingsFile, state: str, *, as_json: bool) -> None:
    with options.place(settings).connection() as conn:
        track.set_state(conn, _find(which).name, state)
    if as_json:
        screen.document({"model": which, "state": state})
    else:
        screen.line(f"{which} {state}")


@app.command()
def rebuild(
    which: Models = None,
    settings: SettingsFile = NODE_TOML,
    at: Annotated[str | None, typer.Option("--at", help="As of the end of this day (YYYY-MM-DD).")] = None,
    until: Annotated[str | None, typer.Option("--until", help="As of a vector: log:position,…")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Switch although rows differ.")] = False,
    as_json: Json = False,
) -> None:
    """Build anew beside the running one, compare row by row, switch; exit code 1 when rows differ.

    With --at or --until nothing is switched: the model is built in a scratch schema as it was, and its digest
    printed.
    """
    if at is not None and until is not None:
        raise typer.BadParameter("give --at or --until, not both")
    models = _chosen(which)
    with options.place(settings).pool(2) as database:
        if at is None and until is None:
            _tell_rebuilt(_anew(database, models, accept=accept), as_json=as_json)
        else:
            vector = _vector(database, at, until)
            _tell_past(vector, {m.name: _past(database, m, vector) for m in models}, as_json=as_json)


def _anew(database: Database, models: Sequence[ReadModel], *, accept: bool) -> list[Report]:
    with screen.progress("rebuild " + (models[0].name if len(models) == 1 else "all read models")) as show:
        processes = os.cpu_count() or 1
        return building.anew(database, models, accept=accept, progress=show, processes=processes)


def _tell_rebuilt(reports: Sequence[Report], *, as_json: bool) -> None:
    if as_json:
        screen.document([asdict(r) for r in reports])
    else:
        screen.table(
            ("model", "version before", "version", "records", "rows that differ", "switched"),
            [(r.model, r.before, r.after, r.records, len(r.differences), r.switched) for r in reports],
        )
        for r in reports:
            screen.table(
                ("model", "table", "key", "before", "after"),
                [(r.model, *each) for each in r.differences[:_SHOWN]],
            )
    raise typer.Exit(1 if any(r.differences for r in reports) else 0)


def _past(database: Database, which: ReadModel, vector: Vector) -> str:
    """The digest at a past vector."""
    with (
        screen.progress(f"rebuild {which.name}") as show,
        Scratch(database, show)(which, vector) as instance,
        database.connection() as conn,
    ):
        return digest.digest(conn, instance)


def _tell_past(vector: Vector, digests: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        screen.document({"positions": vector, "digests": digests})
        return
    screen.line(",".join(f"{log}:{at}" for log, at in vector.items()))
    screen.table(("model", "digest"), digests.items())


def _vector(database: Database, at: str | None, until: str | None) -> Vector:
    """Raises Invalid."""
    if until is not None:
        return dict(moments.key(part) for part in until.split(","))
    with database.connection() as conn:
        return read.vector_at(conn, moments.end_of_day(at or ""))


def _chosen(which: str | None) -> Sequence[ReadModel]:
    return MODELS if which is None else (_find(which),)


def _find(which: str) -> ReadModel:
    if which not in BY_NAME:
        names = ", ".join(BY_NAME)
        raise errors.NotFound(f"there is no read model {which}; there are {names}", field="model")
    return BY_NAME[which]
