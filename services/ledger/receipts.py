"""Receipts: what nodes, this one among them, cosigned of each log, and what is thereby witnessed.

A receipt is a log's checkpoint with a node's timestamped cosignature (contracts.md, "Log and checkpoint"):
consistent with all I saw, the largest I have seen, durably held. Of each log the newest ones stay, and the
newest witnessed size: as many rows as there are logs times witnesses, whatever comes.
"""

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from events import checkpoints, errors, notes
from events.alliance import Alliance
from services.ledger import store
from services.runtime.database import Connection

KEPT = 64
"""So many sizes of one node that are not witnessed yet are kept of a log."""


class Receipt(NamedTuple):
    """One cosignature; `time` in seconds since 1970."""

    log: str
    node: str
    size: int
    root: bytes
    time: int
    note: str


class Taken(StrEnum):
    """What became of a receipt that came in."""

    HELD = "held"
    AHEAD = "ahead"
    """Of records that are not stored here yet: kept, and compared when they are."""
    STRANGE = "strange"
    """Of a log that is not held here."""


def take(conn: Connection, alliance: Alliance, receipt: Receipt) -> Taken:
    """Take in a receipt that was `opened`; again changes nothing but its time.

    Raises Fork when the ledger has another root at its size; both notes are the evidence then.
    """
    covered = _covered(conn, receipt.log)
    if covered is None:
        return Taken.STRANGE
    held = receipt.size <= covered
    if held:
        compare(conn, receipt)
    _keep(conn, receipt, held=held)
    prune(conn, alliance, receipt.log)
    return Taken.HELD if held else Taken.AHEAD


def opened(alliance: Alliance, node: str, note: str) -> Receipt:
    """What a receipt says, both signatures verified. Raises Damage."""
    claimed = checkpoints.unverified(note)
    name, log = checkpoints.log_of(claimed.origin)
    if name != alliance.id or log not in alliance.logs:
        raise errors.Damage(f"the receipt is of {claimed.origin!r}, which is no log of {alliance.id}")
    keys = alliance.verifiers(log, claimed.size)
    checkpoint, time = checkpoints.open_receipt(note, alliance.cosigner(node), *keys)
    return Receipt(log, node, checkpoint.size, checkpoint.root, time, note)


def trouble(alliance: Alliance, row: Receipt) -> str | None:
    """What is wrong with a receipt as it is stored: signatures, or a row that says what its note does not."""
    try:
        said = opened(alliance, row.node, row.note)
    except (errors.Damage, errors.NotFound) as error:
        return f"of {row.node}: {error.message}"
    return None if said == row else f"the note of {row.node} says another log, size, root or time"


def ahead(conn: Connection, log: str, covered: int) -> Iterator[Receipt]:
    """What is kept of a log beyond this size, as it is stored, by size and node."""
    rows = conn.execute(_AHEAD, [log, covered]).fetchall()
    return map(Receipt._make, rows)


_AHEAD = """
SELECT log, node, size, root, time, note FROM ledger.receipt WHERE log = %s AND size > %s ORDER BY size, node
"""


def compare(conn: Connection, receipt: Receipt) -> None:
    """Raises Fork unless the ledger, which covers the receipt's size, leads to the same root there."""
    if store.tree_root(conn, receipt.log, receipt.size) != receipt.root:
        ours = store.latest(conn, receipt.log)[2]
        raise errors.Fork(
            f"log {receipt.log} signed two histories of its first {receipt.size} records: "
            f"{receipt.node} cosigned another than is held here",
            position=receipt.size,
            evidence=[ours.encode(), receipt.note.encode()],
        )


def catch_up(conn: Connection, alliance: Alliance) -> Iterator[tuple[str, errors.Fork | None]]:
    """Compare what was ahead and is not any more: each log so met, and the fork when it is one."""
    rows = conn.execute(_DUE).fetchall()
    for receipt in (Receipt._make(row) for row in rows):
        try:
            compare(conn, receipt)
        except errors.Fork as fork:
            yield receipt.log, fork
        else:
            _keep(conn, receipt, held=True)
            prune(conn, alliance, receipt.log)
            yield receipt.log, None


_DUE = """
SELECT r.log, r.node, r.size, r.root, r.time, r.note FROM ledger.receipt r JOIN ledger.log l USING (log)
WHERE NOT r.held AND l.state <> 'stopped'
    AND r.size <= (SELECT max(c.size) FROM ledger.checkpoint c WHERE c.log = r.log)
ORDER BY r.log, r.size, r.node
"""


def beyond(conn: Connection) -> tuple[str, int] | None:
    """An own log of which somebody cosigned more than is here, and how much: then this is an old backup."""
    return conn.execute(  # type: ignore[return-value]  # the table's own types
        "SELECT l.log, max(r.size) FROM ledger.receipt r JOIN ledger.log l USING (log)"
        " WHERE l.own AND r.size > l.head GROUP BY l.log ORDER BY l.log LIMIT 1"
    ).fetchone()


def of(conn: Connection, logs: Collection[str] = ()) -> list[Receipt]:
    """The receipts that are kept and compared, of these logs or of all, by log, size and node."""
    rows = conn.execute(_OF, [list(logs) or None, list(logs)]).fetchall()
    return [Receipt._make(row) for row in rows]


_OF = """
SELECT log, node, size, root, time, note FROM ledger.receipt
WHERE held AND (%s::text[] IS NULL OR log = ANY(%s)) ORDER BY log, size, node
"""


def witnessed(conn: Connection, alliance: Alliance, log: str, at_least: int = 0) -> tuple[int, str] | None:
    """The smallest witnessed checkpoint that is kept and covers `at_least`: its size, and the note.

    The note carries the log's signatures and those of the witnesses that count. None when there is none yet.
    """
    found = _by_size(conn, alliance, log)
    for size, receipts in sorted(found.items()):
        if size >= at_least and len(receipts) >= alliance.needed(log):
            keys = [*alliance.verifiers(log, size), *alliance.witnesses(log)]
            return size, notes.keep(notes.join(receipt.note for receipt in receipts), keys)
    return None


def witnessed_size(conn: Connection, alliance: Alliance, log: str) -> int:
    """The largest witnessed size; 0 when there is none."""
    found = _by_size(conn, alliance, log)
    return max((s for s, receipts in found.items() if len(receipts) >= alliance.needed(log)), default=0)


def cosigned(conn: Connection, log: str, size: int, note: str) -> str:
    """A checkpoint's note with the cosignatures that are kept of exactly this checkpoint."""
    text = notes.split(note)[0]
    found = [receipt.note for receipt in of(conn, [log]) if receipt.size == size]
    return notes.join([note, *(other for other in found if notes.split(other)[0] == text)])


def served(alliance: Alliance, log: str, note: str) -> str:
    """The note with the log's signatures and those of as many witnesses that count as the policy needs."""
    signed = {line[:2] for line in notes.split(note)[1]}
    witnesses = [each for each in alliance.witnesses(log) if (each.name, each.id) in signed]
    size = checkpoints.unverified(note).size
    return notes.keep(note, [*alliance.verifiers(log, size), *witnesses[: alliance.needed(log)]])


def prune(conn: Connection, alliance: Alliance, log: str) -> None:
    """Let go of what lies below the newest witnessed size, and of too much that is not witnessed."""
    newest = witnessed_size(conn, alliance, log)
    conn.execute(_PRUNE, {"log": log, "newest": newest, "kept": KEPT})


_PRUNE = """
DELETE FROM ledger.receipt r USING (
    SELECT node, size, row_number() OVER (PARTITION BY node ORDER BY size DESC) AS n
    FROM ledger.receipt WHERE log = %(log)s
) AS o WHERE r.log = %(log)s AND o.node = r.node AND o.size = r.size AND o.n > 1
    AND (r.size < %(newest)s OR o.n > %(kept)s)
"""


def _by_size(conn: Connection, alliance: Alliance, log: str) -> dict[int, list[Receipt]]:
    """The receipts of witnesses that count, by their size."""
    counted = set(alliance.counted(log))
    found: dict[int, list[Receipt]] = {}
    for receipt in of(conn, [log]):
        if receipt.node in counted:
            found.setdefault(receipt.size, []).append(receipt)
    return found


def _covered(conn: Connection, log: str) -> int | None:
    row = conn.execute(
        "SELECT coalesce((SELECT max(size) FROM ledger.checkpoint WHERE log = l.log), 0)"
        " FROM ledger.log l WHERE log = %s",
        [log],
    ).fetchone()
    return row[0] if row else None  # type: ignore[return-value]  # bigint


def _keep(conn: Connection, receipt: Receipt, *, held: bool, sent: bool = True) -> None:
    conn.execute(_KEEP, {**receipt._asdict(), "held": held, "sent": sent})


_KEEP = """
INSERT INTO ledger.receipt AS r (log, node, size, root, time, note, held, sent)
VALUES (%(log)s, %(node)s, %(size)s, %(root)b, %(time)s, %(note)s, %(held)s, %(sent)s)
ON CONFLICT (log, node, size) DO UPDATE SET root = excluded.root, time = excluded.time, note = excluded.note,
    held = excluded.held, sent = excluded.sent WHERE excluded.time >= r.time
"""


def keep_own(conn: Connection, receipts: Iterable[Receipt]) -> None:
    """Store what this node cosigned; it is to be published."""
    for receipt in receipts:
        _keep(conn, receipt, held=True, sent=False)


def unsent(conn: Connection, node: str) -> list[Receipt]:
    """What this node cosigned and does not know to stand on its topic, oldest first."""
    rows = conn.execute(
        "SELECT log, node, size, root, time, note FROM ledger.receipt WHERE node = %s AND NOT sent"
        " ORDER BY time, log, size",
        [node],
    ).fetchall()
    return [Receipt._make(row) for row in rows]


def mark_sent(conn: Connection, receipts: Iterable[Receipt]) -> None:
    """They stand on the topic."""
    for receipt in receipts:
        conn.execute(
            "UPDATE ledger.receipt SET sent = true WHERE log = %s AND node = %s AND size = %s AND time = %s",
            [receipt.log, receipt.node, receipt.size, receipt.time],
        )
