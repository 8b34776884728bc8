"""Verifying a log as it is stored: all is derived again from the raw bytes, in constant memory, and compared.

What the bytes mean is looked at by replaying them. Stored leaf hashes and nodes are believed nowhere. After a
finding the tree goes on from the next checkpoint to which the stored hashes lead, so that one changed record
is one finding and not a thousand.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import itemgetter

from events import errors, merkle
from events.alliance import Alliance
from services.ledger import ending, fields, logs, pages, receipts, redaction, store, tree
from services.ledger.findings import Report
from services.ledger.pages import Mark, Page, Row
from services.ledger.receipts import Receipt
from services.runtime.database import Connection


def verify(conn: Connection, alliance: Alliance, log: str, start: int = 0, end: int | None = None) -> Report:
    """Check the records after position `start`, and all that is stored about them. Raises NotFound.

    The tree of the first `start` records is taken as it is stored. With `end`, the size of a checkpoint, it
    goes so far; without, to the log's end, which is checked too. What is appended meanwhile is left out.
    """
    with pages.snapshot(conn):
        state = logs.state(conn, log)
        report = Report(log, start, state.head if end is None else end)
        walk = _Walk(conn, alliance, report)
        for page in pages.pages(conn, log, start, report.end):
            walk.page(page)
        walk.finish()
        if end is None:
            ending.check(conn, alliance, state, report)
    report.findings.sort()
    return report


def stretches(conn: Connection, log: str, start: int, length: int) -> list[int]:
    """Sizes of checkpoints after `start`, about `length` records apart: where a check can be divided."""
    rows = conn.execute(
        "SELECT max(size) FROM ledger.checkpoint WHERE log = %s AND size > %s GROUP BY (size - 1) / %s"
        " ORDER BY 1",
        [log, start, length],
    ).fetchall()
    return [size for (size,) in rows]  # type: ignore[misc]  # bigint


class _Walk:
    """Grows the tree that the bytes give, and from a changed leaf on also the one that stored hashes give."""

    def __init__(self, conn: Connection, alliance: Alliance, report: Report) -> None:
        self._conn, self._alliance, self._report = conn, alliance, report
        time = fields.time_at(conn, report.log, report.start) if report.start else b""
        self._fields = fields.Fields(alliance.id, report, time)
        self._good = self._position = report.start
        self._covered = store.latest(conn, report.log)[0]
        self._derived: tree.Tree | None = _restored(conn, report.log, report.start)
        self._stored: tree.Tree | None = None
        self._nodes: Mapping[tuple[int, int], bytes] = {}
        self._doubtful: list[Mark] = []

    def page(self, page: Page) -> None:
        """The next rows, as they come."""
        rows, self._nodes = page.rows, page.nodes
        gone = {} if all(map(itemgetter(1), rows)) else self._redacted(rows)
        if there := [row for row in rows if row[0] not in gone] if gone else rows:
            self._fields.check(there)
        leaves = merkle.leaf_hashes(map(itemgetter(1), rows))
        if gone:
            leaves = [gone.get(row[0], leaf) for row, leaf in zip(rows, leaves, strict=True)]
        done = 0
        for mark in page.marks:
            end = bisect_right(rows, mark.size, done, key=itemgetter(0))
            self._grow(rows[done:end], leaves[done:end])
            self._check_mark(mark)
            done = end
        self._grow(rows[done:], leaves[done:])
        self._report.entries += len(rows)

    def _redacted(self, rows: Sequence[Row]) -> dict[int, bytes]:
        """The leaf hashes, which are taken as stored, of records whose bytes their own log removed."""
        found = {
            position: leaf
            for position, value, leaf in rows
            if not value and redaction.decided(self._conn, self._report.log, position, leaf)
        }
        self._report.redacted += len(found)
        return found

    def finish(self) -> None:
        """What should have come after the last row."""
        self._find_doubtful()
        if self._position < self._report.end:
            self._report.find(self._position + 1, "missing", f"and all up to {self._report.end}")

    def _grow(self, rows: Sequence[Row], leaves: Sequence[bytes]) -> None:
        if not rows:
            return
        if rows[-1][0] - self._position != len(rows):
            self._find_missing(rows)
        elif self._derived is not None:
            self._extend(self._derived, rows, leaves)
        self._position = rows[-1][0]

    def _find_missing(self, rows: Sequence[Row]) -> None:
        self._derived = self._stored = None
        due = self._position + 1
        for position, *_ in rows:
            if position > due:
                self._report.find(due, "missing", f"{position - due} before position {position}")
            due = position + 1

    def _extend(self, derived: tree.Tree, rows: Sequence[Row], leaves: Sequence[bytes]) -> None:
        stored = list(map(itemgetter(2), rows))
        if stored != leaves:
            self._stored = self._stored or derived.copy()
            for (position, _, kept), leaf in zip(rows, leaves, strict=True):
                if kept != leaf:
                    self._report.find(position, "leaf", "the stored hash is not that of the bytes")
        nodes = derived.extend(leaves)
        self._check_nodes(nodes, self._stored.extend(stored) if self._stored else nodes)

    def _check_nodes(self, derived: Sequence[tree.Node], stored: Sequence[tree.Node]) -> None:
        """Each covered node stands as the bytes give it, or as leaf hashes do that were found wrong."""
        for either in zip(derived, stored, strict=True):
            level, number, _ = either[0]
            first, end = (n * tree.WIDTH**level for n in (number, number + 1))
            if end <= self._covered and self._nodes.get((level, number)) not in {n.hash for n in either}:
                text = f"the stored hash of the records {first + 1} to {end} is missing or another"
                self._report.find(first + 1, "node", text)

    def _check_mark(self, mark: Mark) -> None:
        if mark.node:
            self._check_receipt(mark)
        else:
            self._check_checkpoint(mark)

    def _check_checkpoint(self, signed: Mark) -> None:
        self._report.checkpoints += 1
        self._check_note(signed)
        if self._derived and self._derived.root() == signed.root:
            self._stored, self._good = None, signed.size
            self._find_doubtful()
        elif self._stored and self._stored.root() == signed.root:
            self._derived, self._stored, self._good = self._stored, None, signed.size
            self._find_doubtful()
        else:
            self._start_anew(signed)

    def _start_anew(self, signed: Mark) -> None:
        """Say that the records do not lead to the root, unless one is missing; go on if stored hashes do."""
        if self._derived and self._derived.size == signed.size:
            where = f"the checkpoint of size {signed.size} is not over the records after {self._good}"
            self._report.find(self._good + 1, "root", where)
        again = _restored(self._conn, self._report.log, signed.size)
        self._derived, self._stored = again if again and again.root() == signed.root else None, None
        self._good = signed.size if self._derived else self._good
        self._doubtful.clear()

    def _check_note(self, signed: Mark) -> None:
        try:
            checkpoint = self._alliance.checkpoint(self._report.log, signed.note)
        except errors.Damage as error:
            return self._report.find(signed.size, "signature", error.message)
        if (checkpoint.size, checkpoint.root) != (signed.size, signed.root):
            self._report.find(signed.size, "signature", "the note says another size or root than its row")
        return None

    def _check_receipt(self, mark: Mark) -> None:
        """A root that differs is the receipt's fault only if the next checkpoint is over these records."""
        row = Receipt(self._report.log, mark.node, mark.size, mark.root, mark.time, mark.note)
        if mark.note and (trouble := receipts.trouble(self._alliance, row)):
            self._report.find(mark.size, "receipt", trouble)
        trees = [t for t in (self._derived, self._stored) if t and t.size == mark.size]
        if trees and mark.root not in {t.root() for t in trees}:
            self._doubtful.append(mark)

    def _find_doubtful(self) -> None:
        for mark in self._doubtful:
            text = f"{mark.node} cosigned another root than that of these records"
            self._report.find(mark.size, "receipt", text)
        self._doubtful.clear()


def _restored(conn: Connection, log: str, size: int) -> tree.Tree | None:
    try:
        return tree.restore(conn, log, size)
    except errors.Damage:  # the lack of a hash is found, with its place, where the walk compares it
        return None
