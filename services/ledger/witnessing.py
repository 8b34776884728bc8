"""How far each log is witnessed, by whom, how far that lags, and which logs have fallen silent."""

from typing import NamedTuple

from events.alliance import Alliance
from services.ledger import receipts
from services.runtime.database import Connection

SILENT_AFTER = 3
"""So many heartbeats missed are silence."""


class Cosigned(NamedTuple):
    """A node's newest receipt of a log; `counts`: named by the policy, and hosted by another operator."""

    node: str
    size: int
    time: int
    counts: bool


class Standing(NamedTuple):
    """One log: `witnessed` is the size that enough nodes cosigned, 0 for none; `needed` how many these are.

    `behind` counts the covered records beyond it, and `behind_seconds` how long the first checkpoint over
    them has been here. `heartbeat` is when the log's own node cosigned it last (seconds since 1970), None
    when never; `silent` whether that is too long ago.
    """

    log: str
    own: bool
    state: str
    covered: int
    witnessed: int
    needed: int
    behind: int
    behind_seconds: float
    receipts: tuple[Cosigned, ...]
    heartbeat: int | None
    silent: bool


def standings(conn: Connection, alliance: Alliance, now: int) -> list[Standing]:
    """All logs of this node that the alliance knows, by name; `now` in seconds since 1970."""
    newest = _newest(conn, alliance)
    rows = conn.execute(_LOGS).fetchall()
    return [
        _standing(conn, alliance, row, newest.get(str(row[0]), ()), now)
        for row in rows
        if row[0] in alliance.logs
    ]


def _standing(
    conn: Connection, alliance: Alliance, row: tuple[object, ...], found: tuple[Cosigned, ...], now: int
) -> Standing:
    log, own, state, covered = row
    name, size = str(log), int(covered)  # type: ignore[call-overload]  # bigint
    witnessed = receipts.witnessed_size(conn, alliance, name)
    beat = next((c.time for c in found if c.node == alliance.log(name).node), None)
    beats = beat is not None and now - beat <= SILENT_AFTER * alliance.heartbeat_seconds
    silent = size > 0 and not beats and state != "closed"
    behind = max(0, size - witnessed)
    return Standing(
        name, bool(own), str(state), size, witnessed, alliance.needed(name), behind,
        _waits(conn, name, witnessed) if behind else 0.0, found, beat, silent,
    )  # fmt: skip


_LOGS = """
SELECT l.log, l.own, l.state, coalesce((SELECT max(size) FROM ledger.checkpoint c WHERE c.log = l.log), 0)
FROM ledger.log l ORDER BY l.log
"""


def _newest(conn: Connection, alliance: Alliance) -> dict[str, tuple[Cosigned, ...]]:
    found: dict[str, tuple[Cosigned, ...]] = {}
    rows = conn.execute(_NEWEST).fetchall()
    for log, node, size, time in rows:
        if log in alliance.logs:
            counts = node in alliance.counted(str(log))
            found[str(log)] = (*found.get(str(log), ()), Cosigned(str(node), int(size), int(time), counts))  # type: ignore[call-overload]  # bigint
    return found


_NEWEST = """
SELECT DISTINCT ON (log, node) log, node, size, time FROM ledger.receipt WHERE held
ORDER BY log, node, size DESC
"""


def _waits(conn: Connection, log: str, size: int) -> float:
    row = conn.execute(
        "SELECT extract(epoch FROM clock_timestamp() - stored)::float8 FROM ledger.checkpoint"
        " WHERE log = %s AND size > %s ORDER BY size LIMIT 1",
        [log, size],
    ).fetchone()
    return row[0] if row else 0.0  # type: ignore[return-value]  # float8
