"""Build read models anew beside the running ones and switch, or one as it stood at a past vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from events import errors
from projections import quarantine, rebuild, track
from projections.judge import Cause
from projections.model import Instance, ReadModel, live
from projections.rebuild import Difference, LeftOut
from services.projector import guarded, parts
from services.projector.building import Builder, Progress, quiet
from services.projector.source import covered, signed
from services.runtime.database import Connection, Database


@dataclass(frozen=True)
class Report:
    """What a rebuild found; `switched` tells whether the new tables are the live ones now.

    `before` and `after` are the versions of the tables; `before` is None when there was no live instance.
    """

    model: str
    before: int | None
    after: int
    records: int
    differences: list[Difference]
    switched: bool


def anew(
    database: Database,
    models: Sequence[ReadModel],
    *,
    accept: bool = False,
    progress: Progress = quiet,
    processes: int = 1,
) -> list[Report]:
    """Rebuild beside the running instances in one pass, compare row by row at the same vectors, switch.

    Between instances of the same version any difference is a fault: then the switch is made only with
    `accept`, and otherwise the new instance stays beside the live one to be looked at. A live instance of
    another version is replaced in any case. Killed at any point, the live ones serve on, and the next rebuild
    begins anew. Raises Unavailable.
    """
    _build(Builder(database, [rebuild.beside(m) for m in models], progress), models, processes)
    return [_taken_over(database, model, accept=accept) for model in models]


def _taken_over(database: Database, model: ReadModel, *, accept: bool) -> Report:
    with database.transaction() as conn:
        report = _compared(conn, database, rebuild.beside(model))
        if switched := accept or not report.differences:
            rebuild.switch(conn, model)
    return replace(report, switched=switched)


def check(
    database: Database, models: Sequence[ReadModel], progress: Progress = quiet, processes: int = 1
) -> list[Report]:
    """Fold the models anew, compare with the live ones row by row at their vectors, and drop the copies.

    Several may do so at once.

    Nothing is compared, and `before` says why, unless the live instance is one of this version. Raises
    Unavailable.
    """
    with guarded.label(database, models) as label:
        copies = [rebuild.past(model, label) for model in models]
        _build(Builder(database, copies, progress), models, processes)
        return [_checked(database, copy) for copy in copies]


def _checked(database: Database, copy: Instance) -> Report:
    """What waits is compared too: such a row hides a record from reports, though all others are right."""
    with database.transaction() as conn:
        report = _compared(conn, database, copy)
        comparable = report.before == report.after
        waits = rebuild.compare_waiting(conn, live(copy.model), copy) if comparable else []
    return replace(report, differences=[*report.differences, *waits])


def _build(builder: Builder, models: Sequence[ReadModel], processes: int) -> None:
    """From nothing to the vector that all live instances have passed."""
    with builder.database.transaction() as conn:
        each = [_ends(conn, model) for model in models]
    builder.begin()
    parts.build(builder, {log: min(ends[log] for ends in each) for log in each[0]}, processes)
    builder.finish()


def _compared(conn: Connection, database: Database, copy: Instance) -> Report:
    """The rows on which a copy differs from the live instance, which is locked, at the same vector."""
    conn.execute("SET LOCAL statement_timeout = 0")
    model = copy.model
    before, rest = _live(conn, model), Builder(database, [copy])
    while rest.step(conn, _ends(conn, model)):
        continue
    comparable = before is not None and before.version == model.version
    found = rebuild.compare(conn, live(model), copy) if comparable else []
    records = sum(track.vector(conn, copy.name).values())
    version = before.version if before else None
    return Report(model.name, version, model.version, records, found, switched=False)


def _live(conn: Connection, model: ReadModel) -> track.State | None:
    """The live instance, locked: the projector leaves it out until the switch is done."""
    try:
        return track.lock(conn, model.name)
    except errors.NotFound:
        return None


def _ends(conn: Connection, model: ReadModel) -> Mapping[str, int]:
    """As far as the live instance has come, when rows can be compared; else as far as there is anything."""
    state = next((s for s in track.states(conn) if s.name == model.name), None)
    if state is None or state.version != model.version:
        return covered(conn)
    return rebuild.capped(covered(conn), track.vector(conn, model.name))


def without_void(database: Database, models: Sequence[ReadModel]) -> list[str]:
    """After the alliance document closed a log: build anew the models that folded beyond; their names."""
    with database.transaction() as conn:
        ends = covered(conn)
        beyond = {
            name
            for name, vector in track.vectors(conn, [m.name for m in models]).items()
            if any(at > ends.get(log, at) for log, at in vector.items())
        }
        quarantine.retry(conn, causes=[Cause.FOREIGN])  # what goes on with a closed log may have come before
    stale = [model for model in models if model.name in beyond]
    return [report.model for report in anew(database, stale, accept=True)] if stale else []


def past(
    database: Database,
    model: ReadModel,
    label: str,
    until: Mapping[str, int],
    progress: Progress = quiet,
    left_out: Sequence[LeftOut] | None = None,
) -> Instance:
    """The model as it stood at a past vector, in a schema of its own; `track.drop` removes it.

    What was `left_out` then may be given: the past is made again, and records count that were declared void
    since. Otherwise it is what the live one leaves out. Read it with `model.reading(conn, instance)`. Raises
    Invalid for a bad label, or when the vector is not covered here.
    """
    builder = Builder(database, [rebuild.past(model, label)], progress)
    with database.transaction() as conn:
        ends = covered(conn) if left_out is None else signed(conn)
    if any(at > ends.get(log, 0) for log, at in until.items()):
        raise errors.Invalid("the vector lies beyond what is covered here", field="until")
    builder.begin(until, left_out)
    builder.build(until)
    builder.finish()
    return builder.instances[0]
