"""The end of a log: what closed it, where its streams go on, and the size and root it is closed at."""

from typing import NamedTuple

from events import errors
from events.event import Event, Record
from events.membership import LogClosed, Succession
from services.ledger import logs, read, store, tree
from services.runtime.database import Connection


class Closing(NamedTuple):
    """A closed log: the last record that counts, and where its streams go on.

    `record` is the one that closed it; None when the alliance document did, because the log could not sign.
    """

    log: str
    size: int
    succession: Succession
    record: Record[Event] | None


def of(conn: Connection, log: str) -> Closing | None:
    """How a log was closed; None while it is open, as far as is known here."""
    row = conn.execute(_CLOSED, [log]).fetchone()
    if row is not None:
        return Closing(log, int(row[0]), Succession.model_validate_json(str(row[1])), None)  # type: ignore[call-overload]  # bigint
    try:
        last = read.record(conn, (log, logs.state(conn, log).head))
    except (errors.NotFound, errors.BadRecord):  # an unreadable record closes nothing
        return None
    if not isinstance(last.data, LogClosed):
        return None
    return Closing(log, last.position, last.data.succession, last)


_CLOSED = "SELECT size, succession FROM ledger.closed WHERE log = %s"


def closings(conn: Connection) -> dict[str, Closing]:
    """All closed logs that are held here, by name."""
    rows = conn.execute("SELECT log FROM ledger.log WHERE state <> 'open' ORDER BY log").fetchall()
    found = {str(log): of(conn, str(log)) for (log,) in rows}
    return {log: closing for log, closing in found.items() if closing is not None}


def end(conn: Connection, log: str) -> tuple[int, bytes]:
    """Size and root of a log as it stands here, covered or not. Raises NotFound, Damage."""
    head, (size, root, _) = logs.state(conn, log).head, store.latest(conn, log)
    grown = tree.TREES.at(conn, log, size, root)
    leaves = tree.hashes(conn, log, 0, size, head - size)
    grown.extend([leaf for _, leaf in sorted(leaves.items())])
    return head, grown.root()
