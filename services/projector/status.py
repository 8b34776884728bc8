"""How far each read model is behind the ledger, and what waits in it: for operators and `doctor`."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from services.runtime.database import Connection


class Status(NamedTuple):
    """One instance of a read model.

    `events` were folded or set aside, `behind` are covered and not yet looked at, the first of them since
    `lag_seconds` (0: none). `waiting` counts what is set aside, by cause; `oldest` is since when, `skipped`
    what was left out for good. `moved` is when its positions last grew.
    """

    name: str
    model: str
    version: int
    state: str
    logs: int
    events: int
    behind: int
    lag_seconds: float
    waiting: Mapping[str, int]
    oldest: datetime | None
    skipped: int
    moved: datetime

    def is_frozen(self, seconds: float) -> bool:
        """Whether it should move and has not for so long, although checkpoints came."""
        return self.state == "running" and self.behind > 0 and self.lag_seconds > seconds


def statuses(conn: Connection) -> list[Status]:
    """All instances, by name."""
    with conn.cursor(row_factory=class_row(Status)) as cursor:
        return cursor.execute(_STATUSES).fetchall()


# The lag counts from when the first checkpoint beyond the position was stored here, not from when an event
# was recorded somewhere: a late joiner is not years behind.
_STATUSES = """
SELECT m.name, m.model, m.version, m.state, count(p.log)::int AS logs,
    coalesce(sum(p.position), 0)::bigint AS events,
    coalesce(sum(greatest(c.size - coalesce(p.position, 0), 0)), 0)::bigint AS behind,
    coalesce(extract(epoch FROM clock_timestamp() - min(c.since)), 0)::float8 AS lag_seconds,
    w.waiting, w.oldest, (SELECT count(*) FROM projection.skipped s WHERE s.model = m.name) AS skipped,
    m.moved
FROM projection.model m CROSS JOIN ledger.log l
LEFT JOIN projection.position p ON p.model = m.name AND p.log = l.log
CROSS JOIN LATERAL (
    SELECT max(size) AS size, min(stored) FILTER (WHERE size > coalesce(p.position, 0)) AS since
    FROM ledger.checkpoint WHERE log = l.log AND size > coalesce(p.position, 0)
) c
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(cause, n), '{}') AS waiting, min(oldest) AS oldest FROM (
        SELECT cause, count(*) AS n, min(since) AS oldest FROM projection.waiting
        WHERE model = m.name GROUP BY cause
    ) AS by_cause
) w
GROUP BY m.name, w.waiting, w.oldest ORDER BY m.name COLLATE "C"
"""
