"""Build a read model anew beside the running one and switch, or build one as it stood at a past vector."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from events import errors
from projections import quarantine, rebuild, track
from projections.apply import Engine
from projections.judge import Cause
from projections.model import Instance, ReadModel, live
from projections.rebuild import Difference, LeftOut
from services.projector.source import LedgerSource, Reader, covered, reachable
from services.runtime.database import Connection, Database

BATCH = 2_000
Progress: TypeAlias = Callable[[int, int], object]
"""Called after each batch with how many records were folded, and how many there are."""


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


def _quiet(_done: int, _all: int) -> None:
    """Nobody watches."""


class Builder:
    """Folds one instance of its own, a transaction a batch, while everything else goes on."""

    def __init__(self, database: Database, instance: Instance, progress: Progress = _quiet) -> None:
        self._database, self.instance, self._progress = database, instance, progress
        self._engine, self._reader = Engine(), Reader({})
        self.records = 0

    def begin(
        self, until: Mapping[str, int] | None = None, left_out: Sequence[LeftOut] | None = None
    ) -> None:
        """Start from nothing."""
        with self._database.transaction() as conn:
            rebuild.begin(conn, self.instance, until, left_out)

    def build(self, ends: Callable[[Connection], Mapping[str, int]]) -> None:
        """Fold until it has come to `ends`, which may move meanwhile. Raises Unavailable."""
        handled = 1
        while handled:
            with self._database.transaction() as conn:
                handled = self.step(conn, ends(conn))

    def step(self, conn: Connection, ends: Mapping[str, int]) -> int:
        """One batch in the caller's transaction; how many records were handled."""
        track.lock(conn, self.instance.name)
        vector = track.vector(conn, self.instance.name)
        if self._reader.vector != vector:
            self._reader = Reader(vector)
        entries = self._reader.take(conn, ends, BATCH)
        handled = self._engine.apply(
            conn, [self.instance], entries, LedgerSource(conn), reachable(conn), self._look_ahead
        )
        self.records += len(entries)
        self._progress(self.records, sum(ends.values()))
        return handled

    def _look_ahead(self) -> None:
        self._engine.decode_ahead(self._reader.peek(BATCH))


def anew(
    database: Database, model: ReadModel, *, accept: bool = False, progress: Progress = _quiet
) -> Report:
    """Rebuild beside the running instance, compare row by row at the same vector, switch.

    Between instances of the same version any difference is a fault: then the switch is made only with
    `accept`, and otherwise the new instance stays beside the live one to be looked at. A live instance of
    another version is replaced in any case. Killed at any point, the live one serves on, and the next rebuild
    begins anew. Raises Unavailable.
    """
    builder = Builder(database, rebuild.beside(model), progress)
    builder.begin()
    builder.build(lambda conn: _ends(conn, model))
    with database.transaction() as conn:
        before, found = _compared(conn, builder, model)
        switched = accept or not found
        if switched:
            rebuild.switch(conn, model)
    version = before.version if before else None
    return Report(model.name, version, model.version, builder.records, found, switched)


def check(database: Database, model: ReadModel, progress: Progress = _quiet) -> Report:
    """Fold the model anew, compare with the live instance row by row at its vector, and drop the copy again.

    Nothing is compared, and `before` says why, unless the live instance is one of this version. Raises
    Unavailable.
    """
    builder = Builder(database, rebuild.past(model, "check"), progress)
    builder.begin()
    try:
        builder.build(lambda conn: _ends(conn, model))
        with database.transaction() as conn:
            before, found = _compared(conn, builder, model)
    finally:
        with database.transaction() as conn:
            track.drop(conn, builder.instance.name)
    version = before.version if before else None
    return Report(model.name, version, model.version, builder.records, found, switched=False)


def _compared(
    conn: Connection, builder: Builder, model: ReadModel
) -> tuple[track.State | None, list[Difference]]:
    """The live instance, locked, and the rows on which the one that was built differs at the same vector."""
    conn.execute("SET LOCAL statement_timeout = 0")
    before = _live(conn, model)
    while builder.step(conn, _ends(conn, model)):
        continue
    comparable = before is not None and before.version == model.version
    return before, rebuild.compare(conn, live(model), builder.instance) if comparable else []


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
    return [anew(database, model, accept=True).model for model in models if model.name in beyond]


def past(
    database: Database,
    model: ReadModel,
    label: str,
    until: Mapping[str, int],
    progress: Progress = _quiet,
    left_out: Sequence[LeftOut] | None = None,
) -> Instance:
    """The model as it stood at a past vector, in a schema of its own; `track.drop` removes it.

    What was `left_out` then may be given; otherwise it is what the live one leaves out. Read it with
    `model.reading(conn, instance)`. Raises Invalid for a bad label, or when the vector is not covered here.
    """
    builder = Builder(database, rebuild.past(model, label), progress)
    with database.transaction() as conn:
        ends = covered(conn)
    if any(at > ends.get(log, 0) for log, at in until.items()):
        raise errors.Invalid("the vector lies beyond what is covered here", field="until")
    builder.begin(until, left_out)
    builder.build(lambda _: until)
    return builder.instance
