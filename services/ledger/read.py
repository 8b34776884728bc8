"""Reading the ledger: entries in order, single records, streams, and how far each log is covered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from events import catalogue, errors
from events.event import Event, Key, Record
from events.history import Continued
from services.runtime.database import Connection

_PAGE = 1_000


class Entry(NamedTuple):
    """One stored record: its position, its frozen bytes, its leaf hash."""

    position: int
    value: bytes
    leaf: bytes


def entries(conn: Connection, log: str, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
    """The entries after a position, covered or not, in pages: memory stays flat however many there are."""
    left = limit
    while left is None or left > 0:
        page = _page(conn, log, after, _PAGE if left is None else min(left, _PAGE))
        yield from page
        if len(page) < _PAGE:
            return
        after, left = page[-1].position, None if left is None else left - len(page)


def _page(conn: Connection, log: str, after: int, limit: int) -> list[Entry]:
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(
            "SELECT position, value, leaf FROM ledger.entry WHERE log = %s AND position > %s"
            " ORDER BY position LIMIT %s",
            [log, after, limit],
        ).fetchall()
    return [Entry._make(row) for row in rows]


def record(conn: Connection, key: Key) -> Record[Event]:
    """One record, decoded. Raises NotFound, Gone; Damage or UnknownType when it cannot be decoded."""
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(
            "SELECT value, leaf FROM ledger.entry WHERE log = %s AND position = %s", [*key]
        ).fetchone()
    if row is None:
        raise errors.NotFound(f"record {key[0]}:{key[1]} is not held at this node")
    if not row[0]:
        raise errors.Gone(f"record {key[0]}:{key[1]} was redacted: its bytes are served by nobody")
    return catalogue.decode(*row)  # type: ignore[arg-type]  # the table's own types


_VERSIONS = """
SELECT t.log, t.stream, v.version FROM unnest(%(logs)s::text[], %(streams)s::text[], %(at)s::bigint[])
    AS t (log, stream, at) CROSS JOIN LATERAL (
    SELECT max(version) AS version FROM (
        SELECT max(e.version) AS version FROM ledger.entry e
        WHERE e.own AND e.log = t.log AND e.stream = t.stream::uuid AND e.position <= t.at
        UNION ALL SELECT max(e.version) FROM ledger.entry e
        WHERE NOT e.own AND e.log = t.log AND e.stream = t.stream::uuid AND e.position <= t.at
    ) e
) v WHERE v.version IS NOT NULL
"""


def versions(
    conn: Connection, streams: Sequence[tuple[str, str]], vector: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """The version of each stream (log, subject) after the records up to these positions."""
    logs = [log for log, _ in streams]
    values = {"logs": logs, "streams": [s for _, s in streams], "at": [vector.get(log, 0) for log in logs]}
    rows = conn.execute(_VERSIONS, values).fetchall()
    return {(str(log), str(stream)): int(version) for log, stream, version in rows}  # type: ignore[call-overload]  # the table's own types


def history(conn: Connection, log: str, stream: str) -> list[Record[Event]]:
    """A stream in order, decoded: an own one whole, another bureau's as far as it is covered.

    Nothing of another bureau's log is stored before it is covered, so that is all there is. Empty when the
    stream is not known here. One that goes on from a closed log has the records there before its own.
    Raises Damage or UnknownType when a record cannot be decoded.
    """
    return whole(conn, _stream(conn, log, stream))


def whole(conn: Connection, records: list[Record[Event]]) -> list[Record[Event]]:
    """A stream's records, with those that it goes on from before them. Raises Damage, UnknownType."""
    seen: set[str] = set()  # a stream that says it goes on from itself would lead round for ever
    while records and isinstance(records[0].data, Continued) and records[0].log not in seen:
        seen.add(records[0].log)
        old = records[0].data.continues
        records = [*(r for r in _stream(conn, old.log, old.subject) if r.position <= old.position), *records]
    return records


def _stream(conn: Connection, log: str, stream: str) -> list[Record[Event]]:
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(_HISTORY, {"log": log, "stream": stream}).fetchall()
    return [catalogue.decode(value, leaf) for _, value, leaf in rows]  # type: ignore[arg-type]  # the table's own types


# Two halves, because each of the two partial indexes serves one.
_HISTORY = """
SELECT * FROM (
    SELECT position, value, leaf FROM ledger.entry WHERE own AND log = %(log)s AND stream = %(stream)s::uuid
    UNION ALL
    SELECT position, value, leaf FROM ledger.entry
    WHERE NOT own AND log = %(log)s AND stream = %(stream)s::uuid
) AS e WHERE value <> ''
    AND position <= coalesce((SELECT size FROM ledger.closed WHERE log = %(log)s), position)
ORDER BY position
"""


def covered(conn: Connection) -> dict[str, int]:
    """The size of the latest stored checkpoint of every log that is held here, 0 where there is none.

    What the alliance document closes is covered up to there; records beyond it are void.
    """
    return {str(log): size for log, size in conn.execute(_COVERED).fetchall()}  # type: ignore[misc]  # the table's own types


_COVERED = """
SELECT l.log, least(coalesce((SELECT max(size) FROM ledger.checkpoint c WHERE c.log = l.log), 0),
    (SELECT size FROM ledger.closed d WHERE d.log = l.log))
FROM ledger.log l ORDER BY l.log
"""


def vector_at(conn: Connection, when: str) -> dict[str, int]:
    """For every log the last covered position whose time is not after `when` (27 characters); 0 for none.

    Time never goes back within a log, so this is a search by halves, one query a step for all logs.
    """
    high = covered(conn)
    low = dict.fromkeys(high, 0)
    while open_ := [log for log in high if low[log] < high[log]]:
        middle = {log: (low[log] + high[log] + 1) // 2 for log in open_}
        reached = _reached(conn, middle, when)
        for log in open_:
            if log in reached:
                low[log] = middle[log]
            else:
                high[log] = middle[log] - 1
    return low


def _reached(conn: Connection, positions: dict[str, int], when: str) -> set[str]:
    """The logs whose entry there is not after `when`; a redacted one counts with the one before it."""
    rows = conn.execute(
        "SELECT at.log FROM unnest(%s::text[], %s::bigint[]) AS at (log, position)"
        " LEFT JOIN LATERAL (SELECT value FROM ledger.entry e"
        " WHERE e.log = at.log COLLATE \"C\" AND e.position <= at.position AND e.value <> ''"
        " ORDER BY e.position DESC LIMIT 1) AS e ON true"
        " WHERE coalesce(substring(e.value FROM 64 FOR 27) <= convert_to(%s, 'UTF8'), true)",
        [list(positions), list(positions.values()), when],
    ).fetchall()
    return {str(log) for (log,) in rows}
