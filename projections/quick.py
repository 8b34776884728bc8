"""Fold a few records into read models that stand at one vector, waiting for the database as little as can be.

For models in which nothing waits and nothing was skipped; `projections.apply` takes its time for all else.
"""

from collections.abc import Collection, Sequence
from typing import Any, cast

import psycopg
from psycopg import Connection, Cursor

from projections import judge, tables
from projections.apply import Fold
from projections.effective import Histories
from projections.judge import Judge, Lately
from projections.model import Instance
from projections.source import Entry, Source
from projections.tables import Table
from projections.track import Vector

REFUSED = (
    psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError,
    psycopg.InternalError, psycopg.errors.PipelineAborted,
)  # fmt: skip
"""What the database has against rows; it comes up with a later statement, or when the transaction ends."""


class Unsuited(Exception):
    """Something of the records must be set aside: look at each of them, in a new transaction."""


class Quick:
    """Keeps between the batches what is dear to look up. Not shared between threads."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, int], dict[str, Table]] = {}
        self._lately = Lately()

    def fold(
        self,
        conn: Connection[Any],
        instances: Sequence[Instance],
        entries: Sequence[Entry],
        vector: Vector,
        source: Source,
        followed: Collection[str],
    ) -> tuple[Vector, Cursor[Any]]:
        """Send what becomes of entries that continue `vector`, in replay order, over the caller's pipeline.

        Gives the new vector, and rows (name, when it moved) to be read after the commit. Raises Unsuited.
        """
        batch = Judge(source, followed, self._lately).fresh(judge.decoded(entries), vector)
        histories, writes = Histories(source), _Writes()
        for instance in instances:
            tables_ = self._tables_of(conn, instance)
            fold = Fold(cast("Connection[Any]", writes), instance, tables_, histories, (False, False))
            if not fold.fold_quickly(batch):
                raise Unsuited
        ends = {entry.log: entry.position for entry in entries}
        return batch.ends, writes.send(conn, [i.name for i in instances], ends)

    def _tables_of(self, conn: Connection[Any], instance: Instance) -> dict[str, Table]:
        key = instance.name, instance.model.version
        if key not in self._tables:
            self._tables[key] = tables.load(conn, instance.schema, instance.model.local_tables)
        return self._tables[key]


class _Writes:
    """Stands where a fold writes, and sends all that it wrote with the new positions, as one statement."""

    def __init__(self) -> None:
        self._all: list[tuple[bytes, list[object]]] = []

    def execute(self, statement: bytes, values: list[object]) -> None:
        self._all.append((statement, values))

    def send(self, conn: Connection[Any], names: list[str], ends: Vector) -> Cursor[Any]:
        """One statement, unless it would meet its own rows; gives the rows of `Quick.fold`."""
        if not self._apart():
            for statement, values in self._all:
                conn.execute(statement, values)
            self._all.clear()
        parts = b"".join(b"write_%d AS (" % n + write[0] + b"), " for n, write in enumerate(self._all))
        values = [value for write in self._all for value in write[1]]
        return conn.execute(
            b"WITH " + parts + _MOVE, [*values, names, list(ends), list(ends.values()), names]
        )

    def _apart(self) -> bool:
        """Whether these are inserts and nothing else: no two of them write the same row."""
        return all(statement.startswith(b"INSERT INTO ") for statement, _ in self._all)


_MOVE = b"""
position AS (
    INSERT INTO projection.position (model, log, position)
    SELECT m.name, p.log, p.position FROM unnest(%s::text[]) AS m (name),
        unnest(%s::text[], %s::bigint[]) AS p (log, position)
    ON CONFLICT (model, log) DO UPDATE SET position = EXCLUDED.position
)
UPDATE projection.model SET moved = clock_timestamp() WHERE name = ANY (%s) RETURNING name, moved
"""
