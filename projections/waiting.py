"""The one table of records that wait: held, unknown, failed, foreign, basis-missing.

A record waits with its whole stream. Each row names the one record it waits for now; when that one is folded
or skipped the row becomes ready and is tried again, and may then wait for another.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from events.event import Event, Key, Record
from events.membership import RecordRedacted
from projections.judge import Aside, Asides, Cause


@dataclass
class Troubles:
    """What waits in one model and stands in the way of a batch; kept up to date while the batch is folded."""

    keys: set[Key] = field(default_factory=set)
    streams: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.streams)

    def of(self, record: Record[Event]) -> Aside | None:
        """Why the record must wait here: for its stream, or for its basis."""
        for position in self.streams.get((record.log, record.stream), ()):
            if position < record.position:
                key = record.log, position
                return Aside(Cause.HELD, key, f"its stream waits at {key[0]}:{key[1]}")
        for key in record.basis:
            if key in self.keys:
                return Aside(Cause.HELD, key, f"rests on {key[0]}:{key[1]}, which waits itself")
        return None

    def add(self, record: Record[Event]) -> None:
        """The record waits from now on."""
        self.keys.add(record.key)
        positions = self.streams.setdefault((record.log, record.stream), [])
        if record.position not in positions:
            positions.append(record.position)

    def remove(self, record: Record[Event]) -> None:
        """The record was folded."""
        self.keys.discard(record.key)
        positions = self.streams.get((record.log, record.stream))
        if positions is not None and record.position in positions:
            positions.remove(record.position)


def any_(conn: Connection[Any], models: Collection[str]) -> dict[str, tuple[bool, bool]]:
    """For each model whether anything waits in it, and whether anything was skipped."""
    query = (
        "SELECT m.name, EXISTS (SELECT FROM projection.waiting WHERE model = m.name),"
        " EXISTS (SELECT FROM projection.skipped WHERE model = m.name) FROM unnest(%s::text[]) AS m (name)"
    )
    rows = conn.execute(query, [list(models)]).fetchall()
    return {name: (waits, skips) for name, waits, skips in rows}


def troubles(conn: Connection[Any], model: str, records: Iterable[Record[Event]]) -> Troubles:
    """What waits of the streams and of the basis of these records."""
    streams = list({(r.log, r.stream) for r in records})
    basis = list({key for r in records for key in r.basis})
    found = Troubles()
    for log, stream, position in conn.execute(
        "SELECT w.log, w.stream::text, w.position FROM unnest(%s::text[], %s::uuid[]) AS s (log, stream)"
        ' JOIN projection.waiting w ON w.model = %s AND w.log = s.log COLLATE "C" AND w.stream = s.stream'
        " ORDER BY w.position",
        [[s[0] for s in streams], [s[1] for s in streams], model],
    ).fetchall():
        found.keys.add((log, position))
        found.streams.setdefault((log, stream), []).append(position)
    found.keys.update(
        conn.execute(
            "SELECT w.log, w.position FROM unnest(%s::text[], %s::bigint[]) AS b (log, position)"
            ' JOIN projection.waiting w ON w.model = %s AND w.log = b.log COLLATE "C"'
            " AND w.position = b.position",
            [[b[0] for b in basis], [b[1] for b in basis], model],
        ).fetchall()
    )
    return found


def save(conn: Connection[Any], model: str, records: Iterable[Record[Event]], asides: Asides) -> None:
    """Write the rows of records that are set aside, or set aside again.

    What fails beside a redacted record is tried once more: it may have come before the decision did.
    """
    columns = list(zip(*[_row(r, asides[r.key]) for r in records if r.key in asides], strict=True))
    if columns:
        conn.execute(_SAVE, [model, *[list(c) for c in columns]])
        conn.execute(_ONCE_MORE, [*[list(c) for c in columns[:2]], model])


def _row(record: Record[Event], aside: Aside) -> tuple[Any, ...]:
    log, position = aside.missing or (None, None)
    return (
        record.log, record.position, record.stream, record.time, record.type,
        aside.cause.value, log, position, aside.detail,
    )  # fmt: skip


_SAVE = """
INSERT INTO projection.waiting
    (model, log, position, stream, time, type, cause, missing_log, missing_position, detail)
SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::bigint[], %s::text[])
ON CONFLICT (model, log, position) DO UPDATE SET cause = EXCLUDED.cause, missing_log = EXCLUDED.missing_log,
    missing_position = EXCLUDED.missing_position, detail = EXCLUDED.detail, attempts = waiting.attempts + 1
"""


_ONCE_MORE = """
UPDATE projection.waiting w SET cause = 'held', missing_log = NULL, missing_position = NULL
FROM unnest(%s::text[], %s::bigint[]) AS r (log, position)
WHERE w.model = %s AND w.log = r.log COLLATE "C" AND w.position = r.position
    AND w.cause = 'failed' AND w.attempts = 1 AND EXISTS (
        SELECT FROM projection.skipped s
        WHERE s.model = w.model AND s.log = w.log AND s.stream = w.stream AND s.kind = 'redacted'
    )
"""


def clear(conn: Connection[Any], model: str, keys: Collection[Key]) -> None:
    """Records were folded: they wait no longer, and what waited for them is ready."""
    lists = [[k[0] for k in keys], [k[1] for k in keys]]
    conn.execute(
        "DELETE FROM projection.waiting w USING unnest(%s::text[], %s::bigint[]) AS f (log, position)"
        ' WHERE w.model = %s AND w.log = f.log COLLATE "C" AND w.position = f.position',
        [*lists, model],
    )
    free(conn, model, keys)


def free(conn: Connection[Any], model: str, keys: Collection[Key]) -> None:
    """Make ready what waits for these records."""
    conn.execute(
        "UPDATE projection.waiting w SET missing_log = NULL, missing_position = NULL"
        " FROM unnest(%s::text[], %s::bigint[]) AS f (log, position)"
        ' WHERE w.model = %s AND w.missing_log = f.log COLLATE "C" AND w.missing_position = f.position',
        [[k[0] for k in keys], [k[1] for k in keys], model],
    )


def ready(conn: Connection[Any], model: str, limit: int) -> list[Key]:
    """Records to try again, in replay order, and with each what waits behind it in its stream."""
    return conn.execute(_READY, {"model": model, "limit": limit}).fetchall()


_READY = """
WITH first AS (
    SELECT log, stream, position FROM projection.waiting
    WHERE model = %(model)s AND missing_log IS NULL AND cause IN ('held', 'basis-missing')
    ORDER BY time, log, position LIMIT %(limit)s
), behind AS (
    SELECT w.log, w.position FROM projection.waiting w JOIN first f ON w.log = f.log AND w.stream = f.stream
    WHERE w.model = %(model)s AND w.position > f.position AND w.cause IN ('held', 'basis-missing')
    LIMIT %(limit)s
)
SELECT log, position FROM first UNION SELECT log, position FROM behind
"""


def skipped(conn: Connection[Any], model: str, records: Iterable[Record[Event]]) -> set[Key]:
    """Those of the records that a person, or redaction, left out."""
    keys = [r.key for r in records]
    return set(
        conn.execute(
            "SELECT s.log, s.position FROM unnest(%s::text[], %s::bigint[]) AS r (log, position)"
            ' JOIN projection.skipped s ON s.model = %s AND s.log = r.log COLLATE "C"'
            " AND s.position = r.position",
            [[k[0] for k in keys], [k[1] for k in keys], model],
        ).fetchall()
    )


def refresh_causes(conn: Connection[Any], model: str, followed: Collection[str]) -> None:
    """Tell apart again what can still come and what cannot, after the set of followed logs changed."""
    conn.execute(
        "UPDATE projection.waiting SET cause = CASE WHEN missing_log = ANY (%(followed)s) THEN 'held'"
        " ELSE 'basis-missing' END WHERE model = %(model)s AND missing_log IS NOT NULL"
        " AND cause IN ('held', 'basis-missing')"
        " AND (cause = 'held') <> (missing_log = ANY (%(followed)s))",
        {"followed": list(followed), "model": model},
    )


def redact(conn: Connection[Any], model: str, decision: RecordRedacted) -> None:
    """Leave a record out for good because its bytes are gone; what waits for it or failed for it goes on."""
    key = decision.log, decision.position
    conn.execute(_REDACT, [model, *key, decision.stream, decision.reason.code])
    conn.execute(_WITHOUT_IT, [model, decision.log, decision.stream])
    clear(conn, model, [key])


_REDACT = """
INSERT INTO projection.skipped (model, log, position, stream, kind, reason)
VALUES (%s, %s, %s, %s::text::uuid, 'redacted', %s) ON CONFLICT DO NOTHING
"""


_WITHOUT_IT = """
UPDATE projection.waiting SET cause = 'held', missing_log = NULL, missing_position = NULL
WHERE model = %s AND log = %s AND stream = %s::text::uuid AND cause = 'failed'
"""


def first(conn: Connection[Any], model: str, log: str, stream: str, before: int) -> int:
    """The first record of a stream that waits before a position, or that position."""
    row = conn.execute(
        "SELECT min(position) FROM projection.waiting"
        " WHERE model = %s AND log = %s AND stream = %s::text::uuid AND position < %s",
        [model, log, stream, before],
    ).fetchone()
    return int(row[0]) if row and row[0] else before
