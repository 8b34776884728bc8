"""The logs of a node: own and followed ones, how far they go, and stopping one that broke its promise."""

from typing import NamedTuple

from events import errors
from services.runtime.database import Connection, Database


class State(NamedTuple):
    """`head` is the last position stored; `state` is `open`, `closed`, or `stopped` after a breach."""

    log: str
    own: bool
    head: int
    state: str


def open_own(conn: Connection, log: str) -> None:
    """Make `log` one that is written here; again does nothing. Raises Invalid when it is followed here."""
    _open(conn, log, own=True)


def follow(conn: Connection, log: str) -> None:
    """Make `log` one that is received here; again does nothing. Raises Invalid when it is written here."""
    _open(conn, log, own=False)


def _open(conn: Connection, log: str, *, own: bool) -> None:
    conn.execute("INSERT INTO ledger.log (log, own) VALUES (%s, %s) ON CONFLICT DO NOTHING", [log, own])
    if state(conn, log).own is not own:
        raise errors.Invalid(f"log {log} is {'followed' if own else 'written'} at this node already")


def state(conn: Connection, log: str) -> State:
    """How a log stands. Raises NotFound."""
    row = conn.execute("SELECT log, own, head, state FROM ledger.log WHERE log = %s", [log]).fetchone()
    if row is None:
        raise errors.NotFound(f"log {log} is not held at this node")
    return State(*row)  # type: ignore[arg-type]  # the table's own types


def states(conn: Connection) -> list[State]:
    """All logs of this node, by name."""
    rows = conn.execute("SELECT log, own, head, state FROM ledger.log ORDER BY log").fetchall()
    return [State(*row) for row in rows]  # type: ignore[arg-type]  # the table's own types


def heads(conn: Connection) -> dict[str, int]:
    """The last position stored of every log, covered or not."""
    return {s.log: s.head for s in states(conn)}


def stop(database: Database, log: str, breach: errors.Breach) -> None:
    """Keep the evidence and stop the log, in a transaction of its own: what the finder did is rolled back.

    The same breach again changes nothing.
    """
    with database.transaction() as conn:
        stopped(conn, log, breach)


def stopped(conn: Connection, log: str, breach: errors.Breach) -> None:
    """As `stop`, in the caller's transaction."""
    conn.execute("UPDATE ledger.log SET state = 'stopped' WHERE log = %s", [log])
    conn.execute(
        "INSERT INTO ledger.breach (log, position, kind, detail, evidence) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [log, breach.position, breach.kind(), breach.message, list(breach.evidence)],
    )


def breached(conn: Connection, log: str) -> list[int]:
    """The positions of the breaches that are kept of a log."""
    rows = conn.execute(
        "SELECT position FROM ledger.breach WHERE log = %s ORDER BY position", [log]
    ).fetchall()
    return [position for (position,) in rows]  # type: ignore[misc]  # bigint
