"""Storing what a log's key signed: a run of values goes in whole, proved by its note, or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from events import checkpoints, errors, holes, merkle
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from events.holes import Held
from services.ledger import rows, tree
from services.ledger.redaction import Holes
from services.runtime.database import Connection

CHUNK = 1_000


class Run(NamedTuple):
    """The values from position `after` + 1 on, and the signed note over the log up to the last of them.

    A hole stands for a redacted one; the decision must be among the values that follow.
    """

    after: int
    values: Iterable[Held]
    note: str


class Stored(NamedTuple):
    """How a log stands here, its row locked; `size`, `root` and `note` are those of its latest checkpoint."""

    log: str
    own: bool
    state: str
    head: int
    time: str
    size: int
    root: bytes
    note: str


def accept(conn: Connection, alliance: Alliance, log: str, values: Sequence[bytes], note: str) -> Checkpoint:
    """Store the values that end where the note ends, in the caller's transaction; gives what is now proved.

    Values that are stored already may stand before the new ones. Nothing is left behind when it raises:

        Damage: the note is none of this log, or the values do not lead from what is stored to its root, or
            one of them is withheld without a decision.
        WrongSource, WrongPosition: the note covers a value that does not belong there.
        Fork: the note contradicts what is stored; both notes are the evidence.
        Reopened: the log is closed, and the note is over more than that.
        Conflict: the log was stopped. Invalid: it is an own log. NotFound: it is not followed.
    """
    after = checkpoints.unverified(note).size - len(values)
    return accept_run(conn, alliance, log, Run(after, values, note))


def accept_run(conn: Connection, alliance: Alliance, log: str, run: Run) -> Checkpoint:
    """As `accept`, for values that come one by one and may be more than memory holds."""
    checkpoint = alliance.checkpoint(log, run.note)
    with conn.transaction():
        stored = locked(conn, log)
        if stored.own:
            raise errors.Invalid(f"log {log} is written here and received by nobody")
        if stored.state == "stopped":
            raise errors.Conflict(f"log {log} was stopped at position {stored.head}")
        if checkpoint.size <= stored.size:
            check_repeat(conn, stored, checkpoint, run.note)
        elif stored.state == "closed":
            raise _beyond(conn, stored, checkpoint, run.note)
        else:
            extend(conn, alliance, stored, run, checkpoint)
    return checkpoint


def locked(conn: Connection, log: str) -> Stored:
    """The state of a log, which nobody else can move until the transaction ends. Raises NotFound."""
    with conn.pipeline():
        held = conn.execute(_LOCKED, [log])
        covered = conn.execute(_LATEST, [log])
    row = held.fetchone()
    if row is None:
        raise errors.NotFound(f"log {log} is not held at this node")
    return Stored._make((*row, *or_nothing(covered.fetchone())))


_LOCKED = "SELECT log, own, state, head, time FROM ledger.log WHERE log = %s FOR NO KEY UPDATE"
_LATEST = "SELECT size, root, note FROM ledger.checkpoint WHERE log = %s ORDER BY size DESC LIMIT 1"


def latest(conn: Connection, log: str) -> tuple[int, bytes, str]:
    """Size, root and note of a log's latest stored checkpoint; of nothing when there is none."""
    return or_nothing(conn.execute(_LATEST, [log]).fetchone())


def or_nothing(row: tuple[object, ...] | None) -> tuple[int, bytes, str]:
    """Size, root and note as they were found, or those of nothing."""
    return row or (0, merkle.EMPTY_ROOT, "")  # type: ignore[return-value]  # the table's own types


def check_repeat(conn: Connection, stored: Stored, checkpoint: Checkpoint, note: str) -> None:
    """Fork, with both notes, unless a checkpoint of what is covered already says the same as the ledger."""
    if root_at(conn, stored.log, checkpoint.size) != checkpoint.root:
        raise errors.Fork(
            f"log {stored.log} signed two histories of its first {checkpoint.size} records",
            position=checkpoint.size,
            evidence=[stored.note.encode(), note.encode()],
        )


def _beyond(
    conn: Connection, stored: Stored, checkpoint: Checkpoint, note: str
) -> errors.Damage | errors.Reopened:
    """What a closed log signs is a breach of its word, or void where the alliance document closed it."""
    if conn.execute("SELECT FROM ledger.closed WHERE log = %s", [stored.log]).fetchone() is not None:
        return errors.Damage(
            f"log {stored.log} was closed by the alliance document; what lies beyond is void"
        )
    return errors.Reopened(
        f"log {stored.log} was closed at {stored.head} and signed {checkpoint.size} records",
        position=stored.head + 1,
        evidence=[stored.note.encode(), note.encode()],
    )


def root_at(conn: Connection, log: str, size: int) -> bytes:
    """The ledger's root at a covered size: its checkpoint's, or that of its tree. Raises Damage."""
    row = conn.execute(
        "SELECT root FROM ledger.checkpoint WHERE log = %s AND size = %s", [log, size]
    ).fetchone()
    return row[0] if row else tree_root(conn, log, size)  # type: ignore[return-value]  # bytea


def tree_root(conn: Connection, log: str, size: int) -> bytes:
    """The root that the stored leaf hashes and nodes lead to. Raises Damage when a part is missing."""
    return tree.restore(conn, log, size).root()


def extend(conn: Connection, alliance: Alliance, stored: Stored, run: Run, checkpoint: Checkpoint) -> None:
    """Store the values after the latest checkpoint, its nodes, the checkpoint, and move the head.

    Entries of an own log that stand beyond its latest checkpoint must be the same as the run's; Conflict
    otherwise. Run it in a transaction: what it wrote before it raised is not proved.
    """
    if stored.size < run.after:
        raise errors.Damage(f"log {stored.log} lacks what stands between {stored.size} and {run.after}")
    values = islice(run.values, stored.size - run.after, None)
    grown = tree.TREES.at(conn, stored.log, stored.size, stored.root)
    nodes, packer = _take(conn, alliance, stored, values, checkpoint, grown, run.note)
    head = {
        "log": stored.log,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "note": run.note,
        "time": packer.time,
        "closed": packer.closed,
    }
    conn.execute(_COVER, head | tree.columns(nodes))
    tree.TREES.keep(grown, checkpoint.root)


_COVER = f"""
WITH node AS ({tree.INSERT}), checkpoint AS (
    INSERT INTO ledger.checkpoint (log, size, root, note) VALUES (%(log)s, %(size)s, %(root)b, %(note)s)
)
UPDATE ledger.log SET head = greatest(head, %(size)s), time = %(time)s,
    state = CASE WHEN %(closed)s THEN 'closed' ELSE state END WHERE log = %(log)s
"""  # noqa: S608  (two constants)


def _take(
    conn: Connection,
    alliance: Alliance,
    stored: Stored,
    values: Iterator[Held],
    checkpoint: Checkpoint,
    grown: tree.Tree,
    note: str,
) -> tuple[list[tree.Node], rows.Rows]:
    """Copy the values, growing the tree; a breach counts only when the root proves that it was signed."""
    packer = rows.Rows(
        alliance.id, stored.log, stored.head, stored.time, own=stored.own, closed=stored.state == "closed"
    )
    nodes: list[tree.Node] = []
    breach: errors.Breach | None = None
    gone = Holes(stored.log)
    while chunk := list(islice(values, CHUNK)):
        leaves = [holes.leaf_hash(value) for value in chunk]
        present = _present(conn, stored, grown.size, leaves)
        gone.see(grown.size, chunk)
        nodes += grown.extend(leaves)
        if grown.size >= checkpoint.size:
            _check_root(grown, checkpoint)
        try:
            if breach is None:
                rows.copy(conn, packer.pack(chunk[present:], leaves[present:]))
        except errors.Breach as found:
            breach = found
    _check_root(grown, checkpoint)
    if breach is not None:
        breach.evidence = (*breach.evidence, note.encode())
        raise breach
    gone.store(conn, stored.head)
    return nodes, packer


def _check_root(grown: tree.Tree, checkpoint: Checkpoint) -> None:
    if grown.size != checkpoint.size or grown.root() != checkpoint.root:
        raise errors.Damage(f"the values do not lead to the root of {checkpoint.origin} at {checkpoint.size}")


def _present(conn: Connection, stored: Stored, first: int, leaves: Sequence[bytes]) -> int:
    """How many of the values stand here already, beyond the latest checkpoint: own ones only can."""
    count = max(0, min(len(leaves), stored.head - first))
    known = tree.hashes(conn, stored.log, 0, first, count) if count else {}
    for index in range(first, first + count):
        if known.get(index) != leaves[index - first]:
            raise errors.Conflict(f"log {stored.log} was signed with another record at position {index + 1}")
    return count
