"""From a run and its notes to the ledger: what a checkpoint covers is stored, the rest is told apart."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from events import checkpoints, errors
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from services.exchange import hints
from services.exchange.followed import Followed
from services.ledger import store, tree
from services.ledger.store import Run
from services.runtime.database import Connection, Database

_STEP = 4_096
"""Records between two sizes up to which growing a tree is quicker than reading it anew."""


class Order(NamedTuple):
    """What is to be stored of one log: its run up to its last note, and notes that came again. A snapshot."""

    log: str
    run: Run | None
    end: int
    repeats: Mapping[int, set[str]]

    @classmethod
    def of(cls, followed: Followed) -> Self | None:
        """None when there is nothing to do. The last note is enough: it covers what those before it do."""
        buffer, repeats = followed.buffer, followed.repeats
        end, note = max(buffer.marks, default=(0, ""))
        if not end and not repeats:
            return None
        followed.repeats = {}
        run = Run(buffer.stored, next(buffer.runs(end)), note) if end else None
        return cls(followed.log, run, end, repeats)


@dataclass
class Round:
    """What one transaction over all logs came to; it counts once that is committed.

    `stored`: how far the ledger now holds a log. `doubtful`: notes or values that do not fit are left.
    `stopped`: others found a breach of theirs meanwhile.
    """

    stored: dict[str, int] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    breaches: dict[str, errors.Breach] = field(default_factory=dict)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def failed(self) -> set[str]:
        """The logs whose order was not carried out."""
        return {*self.doubtful, *self.stopped, *self.breaches}


def settle(conn: Connection, alliance: Alliance, orders: Iterable[Order]) -> Round:
    """Do what is ordered in the caller's transaction; each log's trouble is its own."""
    done = Round()
    for order in orders:
        try:
            if order.repeats:
                done.dropped[order.log, "forged-note"] += contradicted(conn, alliance, order)
            if order.run is not None and _fits(conn, alliance, order.log, order.run, order.end):
                done.stored[order.log] = order.end
            elif order.run is not None:
                done.doubtful.append(order.log)
        except errors.Breach as breach:
            done.breaches[order.log] = breach
        except errors.Conflict:
            done.stopped.append(order.log)
    return done


def _fits(conn: Connection, alliance: Alliance, log: str, run: Run, end: int) -> bool:
    try:
        return store.accept_run(conn, alliance, log, run).size == end
    except errors.Damage:
        return False


def examine(database: Database, alliance: Alliance, followed: Followed, now: float) -> Counter[str]:
    """Take a doubtful run apart, note by note; gives what was dropped, by kind. Raises Breach, Unavailable.

    Conflict: it was stopped meanwhile. A forged note is dropped and the run stays. Under a valid one, the
    ways to fill the slots are tried; when none leads to its root, the run is dropped.
    """
    dropped: Counter[str] = Counter()
    for position, note in sorted(followed.buffer.marks):
        checkpoint = _signed(alliance, followed.log, note)
        if checkpoint is None or checkpoint.size != position:
            followed.buffer.unmark(position, note)
            dropped["forged-note"] += 1
        elif _found(database, alliance, followed, position, note):
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


def _found(database: Database, alliance: Alliance, followed: Followed, end: int, note: str) -> bool:
    """Whether one of the ways to fill the slots up to `end` led to the note's root, and is stored."""
    if end <= followed.buffer.stored:
        return True
    for values in followed.buffer.runs(end):
        run = Run(followed.buffer.stored, values, note)
        with database.transaction() as conn:
            if _fits(conn, alliance, followed.log, run, end):
                hints.received(conn, [followed.log])
                return True
    return False


def contradicted(conn: Connection, alliance: Alliance, order: Order) -> int:
    """Look at the notes that came again with stored records; how many were forged. Raises Fork.

    Most say the same as the ledger, which is seen without checking a signature.
    """
    claims, forged = _claims(conn, order)
    roots = dict(_roots(conn, order.log, sorted({claim.size for claim, _ in claims})))
    others = [note for claim, note in claims if claim.root != roots[claim.size]]
    return forged + sum(_is_forged(conn, alliance, order.log, note) for note in others)


def _is_forged(conn: Connection, alliance: Alliance, log: str, note: str) -> bool:
    try:
        store.accept(conn, alliance, log, (), note)
    except errors.Damage:
        return True
    return False


def _claims(conn: Connection, order: Order) -> tuple[list[tuple[Checkpoint, str]], int]:
    """The notes that do not stand in the ledger word for word, and how many are none for their place."""
    notes = order.repeats
    rows = conn.execute(
        "SELECT size, note FROM ledger.checkpoint WHERE log = %s AND size = ANY(%s)",
        [order.log, list(notes)],
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
