"""What a node remembers beside the records: which logs are its own, what it cosigned, whom it answered."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from events import errors
from events.alliance import Alliance
from services.auditor.checking import Found
from services.ledger import logs, pages
from services.ledger.guard import Guard, GuardFile
from services.ledger.logs import State
from services.runtime.database import Connection


def check(
    conn: Connection, alliance: Alliance, node: str, file: GuardFile, names: Collection[str] = ()
) -> list[Found]:
    """What is wrong with that in the database of `node`, in these logs or in all.

    Kinds are `owner`, `cosigned` and, where the guard file remembers more or less, `guard`.
    """
    before = _read(file)
    with pages.snapshot(conn):
        states = [state for state in logs.states(conn) if not names or state.log in names]
        known = [state for state in states if state.log in alliance.logs]  # others are found by verifying
        found = [*_owners(alliance, node, known), *_cosigned(conn, node)]
        pairs = _guarded(conn, node)
    found += [*_unguarded(pairs, _read(file)), *_forgotten(pairs, before)]
    return [each for each in found if not names or each.log in names]


def _owners(alliance: Alliance, node: str, states: Collection[State]) -> Iterator[Found]:
    for state in states:
        host = alliance.log(state.log).node
        if state.own is not (host == node):
            said = "written" if state.own else "received"
            yield Found(state.log, 0, "owner", f"it is {said} here, and the alliance document names {host}")


def _cosigned(conn: Connection, node: str) -> Iterator[Found]:
    rows: list[tuple[str, int, str]] = conn.execute(_COSIGNED, {"node": node}).fetchall()  # type: ignore[assignment]  # the table's own types
    for log, size, what in rows:
        yield Found(log, size, "cosigned", what)


# What is cosigned is remembered in the transaction that stores the receipt, and the newest one stays. One
# that is not held yet may be this node's own, learnt anew from another after its database was lost.
_COSIGNED = """
SELECT c.log, c.size, 'this node remembers that it cosigned this size, and keeps no such receipt'
FROM ledger.cosigned c LEFT JOIN ledger.receipt r ON r.log = c.log AND r.size = c.size AND r.node = %(node)s
WHERE (r.root, r.time, r.held) IS DISTINCT FROM (c.root, c.time, true)
UNION ALL
SELECT r.log, max(r.size), 'this node keeps a receipt of its own, and does not remember that it cosigned that'
FROM ledger.receipt r LEFT JOIN ledger.cosigned c USING (log)
WHERE r.node = %(node)s AND r.held AND r.size > coalesce(c.size, 0) GROUP BY r.log
ORDER BY 1, 2
"""


class _Pair(NamedTuple):
    """A log: what this node cosigned and published, what it remembers of that, and how far it is here."""

    log: str
    own: bool
    sent: int
    cosigned: int
    covered: int


def _guarded(conn: Connection, node: str) -> list[_Pair]:
    return [_Pair._make(row) for row in conn.execute(_PAIRS, [node]).fetchall()]


_PAIRS = """
SELECT l.log, l.own, coalesce(max(r.size), 0), coalesce(max(c.size), 0),
    coalesce((SELECT max(size) FROM ledger.checkpoint p WHERE p.log = l.log), 0)
FROM ledger.log l LEFT JOIN ledger.receipt r ON r.log = l.log AND r.node = %s AND r.held AND r.sent
LEFT JOIN ledger.cosigned c ON c.log = l.log WHERE l.state <> 'stopped' GROUP BY l.log ORDER BY l.log
"""


def _read(file: GuardFile) -> Guard | None:
    try:
        return file.read()
    except errors.ReadOnly:  # said by `guarding`
        return None


def _unguarded(pairs: Collection[_Pair], now: Guard | None) -> Iterator[Found]:
    """What was published was guarded before. The file is read after the database, and may say more."""
    if now is None:
        return
    for pair in pairs:
        at = now.size(pair.log)
        if pair.sent > at:
            text = f"this node published its cosignature of {pair.sent} records; the guard file says {at}"
            yield Found(pair.log, at + 1, "guard", text)


def _forgotten(pairs: Collection[_Pair], before: Guard | None) -> Iterator[Found]:
    """Of a foreign log nothing is guarded but what was cosigned. The file is read before the database."""
    if before is None:
        return
    for pair in pairs:
        at = before.size(pair.log)
        if not pair.own and pair.cosigned < at <= pair.covered:
            text = f"the guard file says that this node cosigned {at} records; it remembers {pair.cosigned}"
            yield Found(pair.log, at, "guard", text)
