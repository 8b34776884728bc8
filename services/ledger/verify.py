"""Verifying a log as it is stored: all is derived again from the raw bytes, in constant memory, and compared.

Stored leaf hashes, nodes and columns are believed nowhere. After a finding the tree goes on from the next
checkpoint to which the stored hashes lead, so that one changed record is one finding and not a thousand.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from events import envelope, errors, merkle
from events.alliance import Alliance
from services.ledger import logs, store, tree
from services.ledger.findings import Report
from services.runtime.database import Connection

_PAGE = 2_000


_Row: TypeAlias = tuple[int, bytes, bytes, str, int]
"""Position, value, leaf, stream, version."""


class _Signed(NamedTuple):
    size: int
    root: bytes
    note: str


def verify(conn: Connection, alliance: Alliance, log: str, start: int = 0) -> Report:
    """Check the records after position `start` and all that is stored about them. Raises NotFound.

    The tree of the first `start` records is taken as it is stored.
    """
    state = logs.state(conn, log)
    report = Report(log, start, state.head)
    walk = _Walk(conn, alliance, report)
    for page in _pages(conn, log, start, state.head):
        walk.page(page)
    walk.finish()
    _check_end(conn, report, own=state.own)
    _check_streams(conn, report)
    report.findings.sort()
    return report


class _Walk:
    """Grows the tree that the bytes give, and from a changed leaf on also the one that stored hashes give."""

    def __init__(self, conn: Connection, alliance: Alliance, report: Report) -> None:
        self._conn, self._alliance, self._report = conn, alliance, report
        self._home = (alliance.id.encode(), report.log.encode())
        self._time = b""
        self._good = self.position = report.start
        self._covered = store.latest(conn, report.log)[0]
        self._derived: tree.Tree | None = _restored(conn, report.log, report.start)
        self._stored: tree.Tree | None = None

    def page(self, rows: Sequence[_Row]) -> None:
        """The next rows, as they come."""
        self._check_fields(rows)
        leaves = [merkle.leaf_hash(row[1]) for row in rows]
        done = 0
        for signed in _signed(self._conn, self._report.log, self.position, rows[-1][0]):
            end = bisect_right(rows, signed.size, done, key=itemgetter(0))
            self._grow(rows[done:end], leaves[done:end])
            self._check_signed(signed)
            done = end
        self._grow(rows[done:], leaves[done:])
        self._report.entries += len(rows)

    def finish(self) -> None:
        """What should have come after the last row."""
        if self.position < self._report.end:
            self._report.find(self.position + 1, "missing", f"and all up to {self._report.end}")

    def _check_fields(self, rows: Sequence[_Row]) -> None:
        for position, value, _, stream, version in rows:
            try:
                alliance, log, sequence, time, subject, number = envelope.place(value)
            except errors.Damage as error:
                self._report.find(position, "source", error.message)
                continue
            if (alliance, log) != self._home:
                self._report.find(position, "source", f"it is of //{alliance.decode()}/{log.decode()}")
            if int(sequence) != position:
                self._report.find(position, "position", f"it claims {int(sequence)}")
            if subject.decode() != stream or int(number) != version:
                self._report.find(position, "columns", f"{stream} {version} stand for version {int(number)}")
            if time < self._time:
                self._report.find(position, "time", f"{time.decode()} comes after {self._time.decode()}")
            else:
                self._time = time

    def _grow(self, rows: Sequence[_Row], leaves: Sequence[bytes]) -> None:
        if not rows:
            return
        if rows[-1][0] - self.position != len(rows):
            self._find_missing(rows)
        elif self._derived is not None:
            self._extend(self._derived, rows, leaves)
        self.position = rows[-1][0]

    def _find_missing(self, rows: Sequence[_Row]) -> None:
        self._derived = self._stored = None
        due = self.position + 1
        for position, *_ in rows:
            if position > due:
                self._report.find(due, "missing", f"{position - due} before position {position}")
            due = position + 1

    def _extend(self, derived: tree.Tree, rows: Sequence[_Row], leaves: Sequence[bytes]) -> None:
        stored = [row[2] for row in rows]
        if stored != leaves:
            self._stored = self._stored or derived.copy()
            for (position, _, kept, *_), leaf in zip(rows, leaves, strict=True):
                if kept != leaf:
                    self._report.find(position, "leaf", "the stored hash is not that of the bytes")
        nodes = derived.extend(leaves)
        self._check_nodes(nodes, self._stored.extend(stored) if self._stored else nodes)

    def _check_nodes(self, derived: Sequence[tree.Node], stored: Sequence[tree.Node]) -> None:
        """Each covered node stands as the bytes give it, or as leaf hashes do that were found wrong."""
        known = _nodes(self._conn, self._report.log, derived) if derived else {}
        for either in zip(derived, stored, strict=True):
            level, number, _ = either[0]
            first, end = (n * tree.WIDTH**level for n in (number, number + 1))
            if end <= self._covered and known.get((level, number)) not in {node.hash for node in either}:
                text = f"the stored hash of the records {first + 1} to {end} is missing or another"
                self._report.find(first + 1, "node", text)

    def _check_signed(self, signed: _Signed) -> None:
        self._report.checkpoints += 1
        self._check_note(signed)
        if self._derived and self._derived.root() == signed.root:
            self._stored, self._good = None, signed.size
        elif self._stored and self._stored.root() == signed.root:
            self._derived, self._stored, self._good = self._stored, None, signed.size
        else:
            self._start_anew(signed)

    def _start_anew(self, signed: _Signed) -> None:
        """Say that the records do not lead to the root, unless one is missing; go on if stored hashes do."""
        if self._derived and self._derived.size == signed.size:
            where = f"the checkpoint of size {signed.size} is not over the records after {self._good}"
            self._report.find(self._good + 1, "root", where)
        again = _restored(self._conn, self._report.log, signed.size)
        self._derived, self._stored = again if again and again.root() == signed.root else None, None
        self._good = signed.size if self._derived else self._good

    def _check_note(self, signed: _Signed) -> None:
        try:
            checkpoint = self._alliance.checkpoint(self._report.log, signed.note)
        except errors.Damage as error:
            return self._report.find(signed.size, "signature", error.message)
        if (checkpoint.size, checkpoint.root) != (signed.size, signed.root):
            self._report.find(signed.size, "signature", "the note says another size or root than its row")
        return None


def _restored(conn: Connection, log: str, size: int) -> tree.Tree | None:
    try:
        return tree.restore(conn, log, size)
    except errors.Damage:  # the lack of a hash is found, with its place, where the walk compares it
        return None


def _pages(conn: Connection, log: str, after: int, head: int) -> Iterator[list[_Row]]:
    """Page after page, each fetched while the one before it is worked on."""
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(_page, conn, log, after, head)
        while page := coming.result():
            coming = ahead.submit(_page, conn, log, page[-1][0], head)
            yield page


def _page(conn: Connection, log: str, after: int, head: int) -> list[_Row]:
    with conn.cursor(binary=True) as cursor:
        return cursor.execute(  # type: ignore[return-value]  # the table's own types
            "SELECT position, value, leaf, stream::text, version FROM ledger.entry"
            " WHERE log = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s",
            [log, after, head, _PAGE],
        ).fetchall()


def _signed(conn: Connection, log: str, after: int, end: int) -> list[_Signed]:
    rows = conn.execute(
        "SELECT size, root, note FROM ledger.checkpoint WHERE log = %s AND size > %s AND size <= %s"
        " ORDER BY size",
        [log, after, end],
    ).fetchall()
    return [_Signed._make(row) for row in rows]


def _nodes(conn: Connection, log: str, nodes: Sequence[tree.Node]) -> dict[tuple[int, int], bytes]:
    rows = conn.execute(
        "SELECT level, index, hash FROM ledger.node"
        " JOIN unnest(%s::smallint[], %s::bigint[]) AS n (level, index) USING (level, index) WHERE log = %s",
        [[n.level for n in nodes], [n.number for n in nodes], log],
    ).fetchall()
    return {(level, index): node for level, index, node in rows}  # type: ignore[misc]  # the table's own types


def _check_end(conn: Connection, report: Report, *, own: bool) -> None:
    """The head, the last record and the last checkpoint must agree: nothing cut off, nothing put on."""
    ends: list[tuple[int, int, int]] = conn.execute(_END, {"log": report.log}).fetchall()  # type: ignore[assignment]  # the table's own types
    ((head, last, size),) = ends
    if last > head:
        report.find(head + 1, "beyond", f"the head says {head}, and there are records up to {last}")
    if size > last:
        report.find(last + 1, "missing", f"a checkpoint covers {size} records")
    if not own and size < head:
        report.find(size + 1, "beyond", f"nothing signed covers the records up to {head}")


_END = """
SELECT head, coalesce((SELECT max(position) FROM ledger.entry WHERE log = %(log)s), 0),
    coalesce((SELECT max(size) FROM ledger.checkpoint WHERE log = %(log)s), 0)
FROM ledger.log WHERE log = %(log)s
"""


def _check_streams(conn: Connection, report: Report) -> None:
    rows = conn.execute(_STREAMS, {"log": report.log, "start": report.start, "end": report.end}).fetchall()
    for position, stream, version, due in rows:
        report.find(position, "stream", f"{stream} has version {version} where {due} is due")  # type: ignore[arg-type]  # bigint


# By the columns: that they say what the bytes say was checked before.
_STREAMS = """
SELECT position, stream, version, due FROM (
    SELECT position, stream, version, row_number() OVER (PARTITION BY stream ORDER BY position) AS due
    FROM ledger.entry WHERE log = %(log)s AND position <= %(end)s
) AS v WHERE version IS DISTINCT FROM due AND position > %(start)s ORDER BY position LIMIT 1000
"""
