"""From a run and its notes to the ledger: what a checkpoint covers is stored, the rest is told apart."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from events import checkpoints, errors
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from services.exchange.followed import Followed
from services.ledger import store, tree
from services.ledger.store import Run
from services.runtime.database import Connection, Database

_STEP = 4_096
"""Records between two sizes up to which growing a tree is quicker than reading it anew."""


@dataclass
class Round:
    """What one transaction over all logs came to; it counts once that is committed.

    `stored`: how far the ledger now holds a log. `doubtful`: notes or values that do not fit are left.
    """

    stored: dict[str, int] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)
    breaches: dict[str, errors.Breach] = field(default_factory=dict)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)


def settle(conn: Connection, alliance: Alliance, logs: Iterable[Followed]) -> Round:
    """Store each log's run up to its last note, in the caller's transaction; each log's trouble is its own.

    Notes in between are passed over, because the last one covers the same records.
    """
    done = Round()
    for followed in logs:
        try:
            if followed.repeats:
                done.dropped[followed.log, "forged-note"] += contradicted(conn, alliance, followed)
            if followed.buffer.marks:
                _settle(conn, alliance, followed, done)
        except errors.Breach as breach:
            done.breaches[followed.log] = breach
    return done


def _settle(conn: Connection, alliance: Alliance, followed: Followed, done: Round) -> None:
    buffer = followed.buffer
    end, note = max(buffer.marks)
    run = Run(buffer.stored, next(buffer.runs(end)), note)
    try:
        fits = store.accept_run(conn, alliance, followed.log, run).size == end
    except errors.Damage:
        fits = False
    if fits:
        done.stored[followed.log] = end
    else:
        done.doubtful.append(followed.log)


def examine(database: Database, alliance: Alliance, followed: Followed, now: float) -> Counter[str]:
    """Take a doubtful run apart, note by note; gives what was dropped, by kind. Raises Breach, Unavailable.

    A forged note is dropped and the run stays. Under a valid one, the ways to fill the slots are tried; when
    none leads to its root, the run is dropped.
    """
    dropped: Counter[str] = Counter()
    for position, note in sorted(followed.buffer.marks):
        checkpoint = _signed(alliance, followed.log, note)
        if checkpoint is None or checkpoint.size != position:
            followed.buffer.unmark(position, note)
            dropped["forged-note"] += 1
        elif _fits(database, alliance, followed, position, note):
            followed.advance(position)
        else:
            followed.drop(now)
            dropped["mismatch"] += 1
            break
    return dropped


def _signed(alliance: Alliance, log: str, note: str) -> Checkpoint | None:
    try:
        return alliance.checkpoint(log, note)
    except errors.Damage:
        return None


def _fits(database: Database, alliance: Alliance, followed: Followed, end: int, note: str) -> bool:
    """Whether one of the ways to fill the slots up to `end` led to the note's root, and is stored."""
    if end <= followed.buffer.stored:
        return True
    for values in followed.buffer.runs(end):
        try:
            with database.transaction() as conn:
                store.accept_run(conn, alliance, followed.log, Run(followed.buffer.stored, values, note))
            return True
        except errors.Damage:
            continue
    return False


def contradicted(conn: Connection, alliance: Alliance, followed: Followed) -> int:
    """Look at the notes that came again with stored records; how many were forged. Raises Fork.

    Most say the same as the ledger, which is seen without checking a signature.
    """
    claims, forged = _claims(conn, followed)
    roots = dict(_roots(conn, followed.log, sorted({claim.size for claim, _ in claims})))
    others = [note for claim, note in claims if claim.root != roots[claim.size]]
    return forged + sum(_is_forged(conn, alliance, followed.log, note) for note in others)


def _is_forged(conn: Connection, alliance: Alliance, log: str, note: str) -> bool:
    try:
        store.accept(conn, alliance, log, (), note)
    except errors.Damage:
        return True
    return False


def _claims(conn: Connection, followed: Followed) -> tuple[list[tuple[Checkpoint, str]], int]:
    """The notes that do not stand in the ledger word for word, and how many are none for their place."""
    notes = followed.repeats
    rows = conn.execute(
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s AND size = ANY(%s)",
        [followed.log, list(notes)],
    ).fetchall()
    new = {(size, note) for size in notes for note in notes[size]} - set(rows)
    read = [(_claim(note, size), note) for size, note in sorted(new)]
    claims = [(claim, note) for claim, note in read if claim is not None]
    return claims, len(read) - len(claims)


def _claim(note: str, size: int) -> Checkpoint | None:
    try:
        claim = checkpoints.unverified(note)
    except errors.Damage:
        return None
    return claim if claim.size == size else None


def _roots(conn: Connection, log: str, sizes: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The ledger's own roots at these sizes, in order."""
    grown = None
    for size in sizes:
        if grown is None or size - grown.size > _STEP:
            grown = tree.restore(conn, log, size)
        leaves = tree.hashes(conn, log, 0, grown.size, size - grown.size)
        grown.extend([leaf for _, leaf in sorted(leaves.items())])
        yield size, grown.root()
