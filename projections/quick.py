"""Fold a few records into read models that stand at one vector, waiting for the database as little as can be.

For models in which nothing waits and nothing was skipped; `projections.apply` takes its time for all else.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection, Cursor

from projections import judge, tables
from projections.apply import Fold, Histories
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
        histories = Histories(source)
        for instance in instances:
            fold = Fold(conn, instance, self._tables_of(conn, instance), histories, (False, False))
            if not fold.fold_quickly(batch):
                raise Unsuited
        return batch.ends, _move(conn, [i.name for i in instances], {e.log: e.position for e in entries})

    def _tables_of(self, conn: Connection[Any], instance: Instance) -> dict[str, Table]:
        key = instance.name, instance.model.version
        if key not in self._tables:
            self._tables[key] = tables.load(conn, instance.schema, instance.model.local_tables)
        return self._tables[key]


def _move(conn: Connection[Any], names: list[str], ends: Vector) -> Cursor[tuple[str, datetime]]:
    return conn.execute(_MOVE, {"names": names, "logs": list(ends), "positions": list(ends.values())})


_MOVE = """
WITH position AS (
    INSERT INTO projection.position (model, log, position)
    SELECT m.name, p.log, p.position FROM unnest(%(names)s::text[]) AS m (name),
        unnest(%(logs)s::text[], %(positions)s::bigint[]) AS p (log, position)
    ON CONFLICT (model, log) DO UPDATE SET position = EXCLUDED.position
)
UPDATE projection.model SET moved = clock_timestamp() WHERE name = ANY (%(names)s) RETURNING name, moved
"""
