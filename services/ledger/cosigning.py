"""A node's cosignatures: never a smaller size than before, never another root, and guarded before they leave.

All witnesses that hold the same records choose the same checkpoint: the largest whose last record was
recorded before the moment that the caller names, which is the same for all (the start of a minute).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from events import errors, notes
from events.alliance import Alliance
from services.ledger import guard, receipts, store
from services.ledger.guard import Guard, GuardFile, Head
from services.ledger.receipts import Receipt
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint

_LOCK = 7_100_003


class Moment(NamedTuple):
    """When it is: `seconds` since 1970; what was recorded before `until` (27 characters) is cosigned."""

    seconds: int
    until: str


class _Due(NamedTuple):
    log: str
    own: bool
    before: int
    before_root: bytes
    size: int
    root: bytes
    note: str


class Cosigner:
    """Cosigns what node `name` holds. Two by mistake take turns, and cannot undo each other."""

    def __init__(
        self, database: Database, alliance: Alliance, name: str, signer: notes.Signer, guard_file: GuardFile
    ) -> None:
        self.database, self.alliance, self.name = database, alliance, name
        self._signer, self._guard = signer, guard_file

    def round(self, moment: Moment) -> list[Receipt]:
        """Cosign each log that moved, and own logs whose heartbeat is due; gives all that may leave now.

        Size check and new size are one transaction; then the guard file holds it. Killed before the commit:
        nothing happened. After it: the next round gives what was not sent. A log whose ledger no longer leads
        to what was cosigned is passed over by `round` and found by `broken`. Raises ReadOnly, Unavailable.
        """
        with self.database.transaction() as conn:
            conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            found = self._guard.read()
            guard.check(conn, found)
            made = list(self._made(conn, found, moment))
            receipts.keep_own(conn, made)
            _remember(conn, made)
            for receipt in made:
                receipts.prune(conn, self.alliance, receipt.log)
            failpoint("cosign.signed")
        failpoint("cosign.committed")
        with self.database.connection() as conn:
            self._guard.advance(guard.identity(conn), self._heads(conn))
            failpoint("cosign.guarded")
            return receipts.unsent(conn, self.name)

    def _made(self, conn: Connection, found: Guard | None, moment: Moment) -> Iterator[Receipt]:
        silent = moment.seconds - self.alliance.heartbeat_seconds
        rows = conn.execute(_DUE, {"until": moment.until, "silent": silent}).fetchall()
        for due in (_Due._make(row) for row in rows):
            guarded = found.size(due.log) if found else 0
            free = due.size <= guarded if due.own else due.size >= guarded
            if free and not _differs(conn, self.alliance, due):
                note = notes.cosign(due.note, self._signer, moment.seconds)
                yield Receipt(due.log, self.name, due.size, due.root, moment.seconds, note)

    def _heads(self, conn: Connection) -> Mapping[str, Head]:
        rows = conn.execute("SELECT log, size, root FROM ledger.cosigned").fetchall()
        return {str(log): Head(size, root) for log, size, root in rows}  # type: ignore[arg-type]  # the table's own types


def _differs(conn: Connection, alliance: Alliance, due: _Due) -> bool:
    """Whether the ledger does not lead from what was cosigned before to what would be cosigned now."""
    try:
        checkpoint = alliance.checkpoint(due.log, due.note)
        if (checkpoint.size, checkpoint.root) != (due.size, due.root):
            return True
        if due.before and store.root_at(conn, due.log, due.before) != due.before_root:
            return True
        return store.tree_root(conn, due.log, due.size) != due.root
    except errors.Damage:
        return True


_DUE = """
SELECT l.log, l.own, coalesce(c.size, 0), coalesce(c.root, sha256('')), n.size, n.root, n.note
FROM ledger.log l LEFT JOIN ledger.cosigned c USING (log) CROSS JOIN LATERAL (
    SELECT p.size, p.root, p.note FROM ledger.checkpoint p
    JOIN ledger.entry e ON e.log = p.log AND e.position = p.size
    WHERE p.log = l.log AND p.size >= coalesce(c.size, 1)
        AND substring(e.value FROM 64 FOR 27) < convert_to(%(until)s, 'UTF8')
    ORDER BY p.size DESC LIMIT 1
) AS n
WHERE l.state <> 'stopped' AND (n.size > coalesce(c.size, 0) OR (l.own AND c.time <= %(silent)s))
ORDER BY l.log
"""


def _remember(conn: Connection, made: list[Receipt]) -> None:
    columns = [[r.log for r in made], [r.size for r in made], [r.root for r in made], [r.time for r in made]]
    conn.execute(_REMEMBER, columns)


_REMEMBER = """
INSERT INTO ledger.cosigned (log, size, root, time)
SELECT * FROM unnest(%s::text[], %s::bigint[], %b::bytea[], %s::bigint[])
ON CONFLICT (log) DO UPDATE SET size = excluded.size, root = excluded.root, time = excluded.time
"""


def broken(conn: Connection) -> list[str]:
    """The logs whose ledger no longer holds what this node cosigned of them."""
    rows = conn.execute("SELECT log, size, root FROM ledger.cosigned ORDER BY log").fetchall()
    heads = {str(log): Head(size, root) for log, size, root in rows}  # type: ignore[arg-type]  # the table's own types
    return [log for log in guard.missing(conn, heads) if not _leads(conn, log, heads[log])]


def _leads(conn: Connection, log: str, head: Head) -> bool:
    try:
        return store.tree_root(conn, log, head.size) == head.root
    except errors.Damage:
        return False
