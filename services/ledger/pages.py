"""A log as it is stored, page after page in constant memory: records, and the hashes and notes over them."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from psycopg.pq import TransactionStatus

from services.ledger import tree
from services.runtime.database import Connection

SIZE = 2_000
Row: TypeAlias = tuple[int, bytes, bytes]
"""Position, value, leaf."""


class Mark(NamedTuple):
    """What was signed about the first `size` records: a checkpoint, or what `node` cosigned.

    Without a note it is what this node remembers that it cosigned. `time` is that of a cosignature, in
    seconds since 1970.
    """

    size: int
    root: bytes
    note: str
    node: str
    time: int


class Page(NamedTuple):
    """What is stored of the positions after `after` up to `end`.

    `marks` in order of size, what nodes cosigned before the checkpoint; `nodes`: hashes of the tree by level
    and number, of the subtrees that end within the page.
    """

    after: int
    end: int
    rows: Sequence[Row]
    marks: Sequence[Mark]
    nodes: Mapping[tuple[int, int], bytes]


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """All that is read within is of one moment, whoever writes; a transaction that was begun just goes on."""
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        yield
        return
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def pages(conn: Connection, log: str, after: int, end: int) -> Iterator[Page]:
    """What there is after a position, up to `end`, each page fetched while the one before is worked on."""
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(_page, conn, log, after, end)
        while (page := coming.result()).rows:
            coming = ahead.submit(_page, conn, log, page.end, end)
            yield page


def _page(conn: Connection, log: str, after: int, end: int) -> Page:
    """The next page that holds a record; an empty one when there is none."""
    page = _fetched(conn, log, after, min(after + SIZE, end))
    if page.rows or page.end >= end:
        return page
    row = conn.execute(_NEXT, {"log": log, "after": page.end, "end": end}).fetchone()
    if row is None:
        return page
    before: int = row[0]  # type: ignore[assignment]  # bigint
    return _fetched(conn, log, before, min(before + SIZE, end))


def _fetched(conn: Connection, log: str, after: int, end: int) -> Page:
    """Everything about a range of positions. No pipeline: another thread may be asking on the connection."""
    stretch = {"log": log, "after": after, "end": end} | _subtrees(after, end)
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(_ENTRIES, stretch).fetchall()
        nodes = cursor.execute(_NODES, stretch).fetchall()
    marks = conn.execute(_MARKS, stretch).fetchall()
    return Page(
        after,
        end,
        rows,  # type: ignore[arg-type]  # the table's own types
        [Mark._make(mark) for mark in marks],
        {(level, number): node for level, number, node in nodes},  # type: ignore[misc]  # as above
    )


def _subtrees(after: int, end: int) -> dict[str, list[int]]:
    """By level, the numbers of the complete subtrees that end after one position and up to another."""
    levels = [level for level in range(1, tree.LEVELS) if end // tree.WIDTH**level]
    return {
        "levels": levels,
        "firsts": [after // tree.WIDTH**level for level in levels],
        "ends": [end // tree.WIDTH**level for level in levels],
    }


_ENTRIES = """
SELECT position, value, leaf FROM ledger.entry
WHERE log = %(log)s AND position > %(after)s AND position <= %(end)s ORDER BY position
"""
_NODES = """
SELECT n.level, n.index, n.hash
FROM unnest(%(levels)s::smallint[], %(firsts)s::bigint[], %(ends)s::bigint[]) AS s (level, first, stop)
JOIN ledger.node n ON n.level = s.level AND n.index >= s.first AND n.index < s.stop WHERE n.log = %(log)s
"""
_MARKS = """
SELECT size, root, note, '' AS node, 0 AS time FROM ledger.checkpoint
WHERE log = %(log)s AND size > %(after)s AND size <= %(end)s
UNION ALL SELECT size, root, note, node, time FROM ledger.receipt
WHERE log = %(log)s AND size > %(after)s AND size <= %(end)s
UNION ALL SELECT size, root, '', 'this node', time FROM ledger.cosigned
WHERE log = %(log)s AND size > %(after)s AND size <= %(end)s ORDER BY 1, 4 DESC
"""
_NEXT = """
SELECT position - 1 FROM ledger.entry WHERE log = %(log)s AND position > %(after)s AND position <= %(end)s
ORDER BY position LIMIT 1
"""
