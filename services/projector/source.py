"""The ledger as the machinery of read models reads it: SQL over covered entries."""

import heapq
from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from events import catalogue, errors
from events.event import Event, Key, Record
from events.membership import Succession
from projections import tables
from projections.parties import Closing
from projections.source import Entry, Place
from services.runtime import logs
from services.runtime.database import Connection

READ_AHEAD = 8_000
"""Entries kept in memory between batches, for all logs together: about 8 MB."""
_KINDS = ("text", "uuid", "bigint")
log = logs.get(__name__)


class LedgerSource:
    """Single records and streams; one for each transaction. See projections.source.Source."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def entries(self, keys: Collection[Key]) -> list[Entry]:
        """The raw entries of these keys, as many as are stored."""
        return [Entry._make(row) for row in self._query(_BY_KEY, _lists(keys))]

    def records(self, keys: Collection[Key]) -> dict[Key, Record[Event]]:
        """The records of these keys; those that are not stored or cannot be decoded are left out."""
        found = {}
        for entry in self.entries(keys):
            try:
                found[entry.log, entry.position] = catalogue.decode(entry.value, entry.leaf)
            except errors.BadRecord as error:
                log.info("record-not-readable", log=entry.log, position=entry.position, kind=error.kind())
        return found

    def history(self, log: str, stream: str, until: int, without: Collection[int]) -> list[Record[Event]]:
        """A stream up to and including a position, less some positions. Raises Damage, UnknownType."""
        rows = self._query(_HISTORY, {"log": log, "stream": stream, "until": until, "without": list(without)})
        return [catalogue.decode(value, leaf) for _, value, leaf in rows]

    def versions_before(self, places: Sequence[Place]) -> list[int]:
        """For each place the version of the record just before it in its stream; 0 where it is the first."""
        if not places:
            return []
        columns = zip(_KINDS, Place._fields, zip(*places, strict=True), strict=True)
        lists = {name: tables.encoder(kind)(column) for kind, name, column in columns}
        return [version for (version,) in self._query(_VERSIONS, lists)]

    def closing(self, log: str) -> Closing | None:
        """How the alliance document closes a log that could not close itself; None for any other."""
        row = self._conn.execute(
            "SELECT size, succession::text FROM ledger.closed WHERE log = %s", [log]
        ).fetchone()
        return Closing(log, row[0], Succession.model_validate_json(row[1])) if row else None  # type: ignore[arg-type]  # the table's own types

    def _query(self, query: bytes, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._conn.cursor(binary=True) as cursor:
            return cursor.execute(query, values).fetchall()


def _lists(keys: Collection[Key]) -> dict[str, list[Any]]:
    return {"logs": [k[0] for k in keys], "positions": [k[1] for k in keys]}


_BY_KEY = b"""
SELECT e.log, e.position, e.value, e.leaf
FROM unnest(%(logs)s::text[], %(positions)s::bigint[]) AS k (log, position)
JOIN ledger.entry e ON e.log = k.log COLLATE "C" AND e.position = k.position
"""
# Own and received entries apart, because each of the two partial indexes serves one.
_HISTORY = b"""
SELECT position, value, leaf FROM ledger.entry
WHERE own AND log = %(log)s AND stream = %(stream)s::text::uuid
    AND position <= %(until)s AND position <> ALL (%(without)s) AND value <> ''
UNION ALL
SELECT position, value, leaf FROM ledger.entry
WHERE NOT own AND log = %(log)s AND stream = %(stream)s::text::uuid
    AND position <= %(until)s AND position <> ALL (%(without)s) AND value <> ''
ORDER BY position
"""
_VERSIONS = b"""
SELECT coalesce((
    SELECT e.version FROM (
        SELECT e.position, e.version FROM ledger.entry e
        WHERE own AND e.log = p.log COLLATE "C" AND e.stream = p.stream AND e.position < p.position
        UNION ALL
        SELECT e.position, e.version FROM ledger.entry e
        WHERE NOT own AND e.log = p.log COLLATE "C" AND e.stream = p.stream AND e.position < p.position
    ) e ORDER BY e.position DESC LIMIT 1), 0)
FROM unnest(%(log)s::text[], %(stream)s::uuid[], %(position)s::bigint[])
    WITH ORDINALITY AS p (log, stream, position, n)
ORDER BY p.n
"""


def covered(conn: Connection) -> dict[str, int]:
    """How far each log is covered by its latest stored checkpoint; its keys are all logs held here."""
    rows = conn.execute(
        "SELECT l.log, least(coalesce((SELECT max(c.size) FROM ledger.checkpoint c WHERE c.log = l.log), 0),"
        " (SELECT size FROM ledger.closed d WHERE d.log = l.log)) FROM ledger.log l"
    ).fetchall()
    return dict(rows)  # type: ignore[arg-type]  # the table's own types


def signed(conn: Connection) -> dict[str, int]:
    """How far checkpoints go, void or not: what once could be folded, and is kept as evidence."""
    return dict(conn.execute("SELECT log, max(size) FROM ledger.checkpoint GROUP BY log").fetchall())  # type: ignore[arg-type]  # the table's own types


def reachable(conn: Connection) -> set[str]:
    """The logs whose records can still come: held here, and not stopped by a breach."""
    return {
        str(log) for (log,) in conn.execute("SELECT log FROM ledger.log WHERE state <> 'stopped'").fetchall()
    }


class Reader:
    """Covered entries of all logs after a vector, in the order of their times, read ahead in pieces.

    Order across logs only spares holding records back; nothing rests on it.
    """

    def __init__(self, vector: Mapping[str, int]) -> None:
        self.vector = dict(vector)
        self._read_to = dict(vector)
        self._covered: Mapping[str, int] = {}
        self._queues: dict[str, deque[Entry]] = defaultdict(deque)
        self._next: list[Entry] = []

    def take(self, conn: Connection, covered: Mapping[str, int], limit: int) -> list[Entry]:
        """The next entries, at most `limit`; `vector` moves with them."""
        self._covered = covered
        taken, self._next = self._next or self._merged(limit, conn), []
        self.vector.update((entry.log, entry.position) for entry in taken)
        return taken

    def peek(self, limit: int) -> list[Entry]:
        """What the next call of `take` will give, as far as it was read already; needs no database."""
        self._next = self._merged(limit, None)
        return self._next

    def _merged(self, limit: int, conn: Connection | None) -> list[Entry]:
        if conn is None and any(map(self._runs_dry, self._covered)):
            return []
        heap = [(queue[0].order, log) for log in self._covered if (queue := self._filled(log, conn))]
        heapq.heapify(heap)
        taken: list[Entry] = []
        while heap and len(taken) < limit:
            log = heap[0][1]
            taken.append(self._queues[log].popleft())
            if queue := self._filled(log, conn):
                heapq.heapreplace(heap, (queue[0].order, log))
            elif conn is None and self._runs_dry(log):
                break
            else:
                heapq.heappop(heap)
        return taken

    def _runs_dry(self, log: str) -> bool:
        """Whether the next entry of a log must be read first."""
        return not self._queues[log] and self._read_to.get(log, 0) < self._covered[log]

    def _filled(self, log: str, conn: Connection | None) -> deque[Entry]:
        """The queue of a log, not empty while there is more."""
        queue = self._queues[log]
        if conn is not None and self._runs_dry(log):
            piece = max(READ_AHEAD // len(self._covered), 4)
            with conn.cursor(binary=True) as cursor:
                values = [log, self._read_to.get(log, 0), self._covered[log], piece]
                queue.extend(map(Entry._make, cursor.execute(_NEXT, values).fetchall()))
            self._read_to[log] = queue[-1].position if queue else self._covered[log]
        return queue


_NEXT = b"""
SELECT log, position, value, leaf FROM ledger.entry
WHERE log = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s
"""
