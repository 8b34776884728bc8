"""From a figure or a row to the records behind it: those of its streams that were folded, and their basis."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from events import envelope, errors
from events.event import Key
from projections.track import Vector
from services.auditor.answers import Stream
from services.auditor.asking import Aside
from services.runtime.database import Connection

_PAGE = 500


class Behind(NamedTuple):
    """A record of a stream that a figure counts, and the records that it rests on itself."""

    log: str
    position: int
    stream: str
    basis: tuple[Key, ...]

    @property
    def key(self) -> Key:
        """(log, position)."""
        return self.log, self.position


def behind(conn: Connection, streams: Iterable[Stream], vector: Vector, aside: Aside) -> Iterator[Behind]:
    """The records of these streams within a vector, less what was aside, a page of streams in memory.

    Streams come in the order given, each one's records in theirs.
    """
    passed = {*aside.waiting, *((x.log, x.position) for x in aside.left_out)}
    left = iter(streams)
    while page := list(islice(left, _PAGE)):
        for each in _records(conn, page, vector):
            if each.key not in passed:
                yield each


def _records(conn: Connection, page: Sequence[Stream], vector: Vector) -> Iterator[Behind]:
    values = {
        "logs": [log for log, _ in page],
        "streams": [stream for _, stream in page],
        "ends": [vector.get(log, 0) for log, _ in page],
    }
    with conn.cursor(binary=True) as cursor:
        rows: list[Any] = cursor.execute(_RECORDS, values).fetchall()
    for log, position, stream, value in rows:
        yield Behind(log, position, stream, _basis(value))


def _basis(value: bytes | None) -> tuple[Key, ...]:
    """What a record names; nothing where its bytes are gone or no envelope."""
    if value is None:
        return ()
    try:
        return envelope.read(value).basis
    except errors.Damage:
        return ()


# Two halves, because each of the two partial indexes serves one.
_RECORDS = """
WITH wanted AS (
    SELECT * FROM unnest(%(logs)s::text[], %(streams)s::uuid[], %(ends)s::bigint[])
        WITH ORDINALITY AS w (log, stream, last, n)
), found AS (
    SELECT w.n, e.log, e.position, e.stream, e.value FROM wanted w JOIN ledger.entry e
        ON e.own AND e.log = w.log COLLATE "C" AND e.stream = w.stream AND e.position <= w.last
    UNION ALL
    SELECT w.n, e.log, e.position, e.stream, e.value FROM wanted w JOIN ledger.entry e
        ON NOT e.own AND e.log = w.log COLLATE "C" AND e.stream = w.stream AND e.position <= w.last
)
SELECT log, position, stream::text, value FROM found ORDER BY n, position
"""
