"""Folding instances of one's own from nothing, in one pass over the ledger, while everything else goes on."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from projections import rebuild, track
from projections.apply import Engine
from projections.model import Instance
from projections.rebuild import LeftOut
from services.projector.source import LedgerSource, Reader, reachable
from services.runtime.database import Connection, Database

BATCH = 4_000
Progress: TypeAlias = Callable[[int, int], object]
"""Called after each batch with how many records were folded, and how many there are."""


def quiet(_done: int, _all: int) -> None:
    """Nobody watches."""


class Builder:
    """Folds instances that stand at one vector, a transaction a batch.

    `elsewhere`: logs that another process folds into the same instances, and up to where.
    """

    def __init__(
        self,
        database: Database,
        instances: Sequence[Instance],
        progress: Progress = quiet,
        elsewhere: Mapping[str, int] | None = None,
    ) -> None:
        self.database, self.instances, self.progress = database, instances, progress
        self._elsewhere = elsewhere or {}
        self._engine, self._reader = Engine(), Reader({})
        self._indexes: list[str] = []

    def begin(
        self, until: Mapping[str, int] | None = None, left_out: Sequence[LeftOut] | None = None
    ) -> None:
        """Start from nothing, without the indexes that only queries need."""
        with self.database.transaction() as conn:
            self._indexes = []
            for instance in self.instances:
                rebuild.begin(conn, instance, until, left_out)
                self._indexes += rebuild.drop_indexes(conn, instance)

    def build(self, ends: Mapping[str, int]) -> None:
        """Fold up to `ends`. Raises Unavailable, Interwoven."""
        handled = 1
        while handled:
            with self.database.transaction() as conn:
                conn.execute("SET LOCAL synchronous_commit = off")  # what is lost in a crash is begun anew
                handled = self.step(conn, ends)

    def step(self, conn: Connection, ends: Mapping[str, int]) -> int:
        """One batch in the caller's transaction; how many records were handled."""
        for instance in () if self._elsewhere else self.instances:
            track.lock(conn, instance.name)
        vector = track.vector(conn, self.instances[0].name)
        vector = {log: at for log, at in vector.items() if log not in self._elsewhere}
        if self._reader.vector != vector:
            self._reader = Reader(vector)
        entries = self._reader.take(conn, ends, BATCH)
        handled = self._engine.apply(
            conn, self.instances, entries, LedgerSource(conn), reachable(conn), self._look_ahead,
            self._elsewhere,
        )  # fmt: skip
        self.progress(sum(self._reader.vector.values()), sum(ends.values()))
        return handled

    def finish(self) -> None:
        """Make the indexes."""
        with self.database.transaction() as conn:
            conn.execute("SET LOCAL statement_timeout = 0")
            conn.execute("SET LOCAL maintenance_work_mem = '256MB'")
            for definition in self._indexes:
                conn.execute(definition.encode())
        self._indexes = []

    def _look_ahead(self) -> None:
        self._engine.decode_ahead(self._reader.peek(BATCH))
