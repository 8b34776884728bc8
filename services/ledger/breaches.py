"""Breaches as they are kept: what a log is accused of must be shown by the evidence beside it."""

from collections.abc import Iterator
from typing import NamedTuple

from events import errors
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from services.ledger import closing, fields, rows, store
from services.ledger.findings import Report
from services.ledger.logs import State
from services.runtime.database import Connection


class Kept(NamedTuple):
    """As it is stored."""

    position: int
    kind: str
    evidence: list[bytes]


def of(conn: Connection, log: str) -> list[Kept]:
    """The breaches that are kept of a log, by position."""
    found = conn.execute(
        "SELECT position, kind, evidence FROM ledger.breach WHERE log = %s ORDER BY 1, 2", [log]
    ).fetchall()
    return [Kept._make(row) for row in found]


def check(conn: Connection, alliance: Alliance, state: State, covered: int, report: Report) -> None:
    """What a log is accused of is shown by notes under its own signature, or it is a slander."""
    for breach in of(conn, state.log):
        signed = list(_signed(alliance, state.log, breach.evidence))
        if not _shown(conn, alliance, state, covered, breach, signed):
            text = f"a breach ({breach.kind}) is kept, and its evidence does not show it"
            report.find(breach.position, "breach", text)


def _signed(alliance: Alliance, log: str, evidence: list[bytes]) -> Iterator[Checkpoint]:
    for each in evidence:
        try:
            yield alliance.checkpoint(log, each)
        except errors.Damage:  # a value, or nothing that the log signed
            continue


def _shown(
    conn: Connection, alliance: Alliance, state: State, covered: int, breach: Kept, signed: list[Checkpoint]
) -> bool:
    """Whether the evidence shows it, as far as that can be told from what is held here.

    A note to which the records here lead covers nothing else than these, which are verified by themselves.
    """
    roots = {c.size: c.root for c in signed}
    other = [c for c in signed if c.size > covered or _another(conn, state.log, c)]
    if breach.kind == errors.Fork.kind():
        return bool(other) or any(c.root != roots[c.size] for c in signed)
    if max((c.size for c in other), default=0) < breach.position:
        return False
    if breach.kind == errors.Reopened.kind():
        before = breach.position - 1
        return before > state.head or closing.by_record(conn, alliance, state.log, before)
    return _misplaced(conn, alliance, state, breach)


def _another(conn: Connection, log: str, signed: Checkpoint) -> bool:
    try:
        return store.root_at(conn, log, signed.size) != signed.root
    except errors.Damage:  # what lacks here is found where it lacks
        return True


def _misplaced(conn: Connection, alliance: Alliance, state: State, breach: Kept) -> bool:
    """Whether a value of the evidence is one that does not belong at the position."""
    before = breach.position - 1
    time = fields.time_at(conn, state.log, before).decode() if before else ""
    place = rows.Rows(alliance.id, state.log, before, time, own=state.own)
    try:
        place.place(breach.evidence[0])
    except errors.Breach as found:
        return found.kind() == breach.kind
    return before > state.head  # then what came before it is not held, and its time not known
