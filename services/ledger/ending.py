"""What the rows beside a log's records say of it as a whole: how far it goes, how it ended, what became void.

Each must follow from the records, from the alliance document, or from notes that the log's own key signed.
"""

from events.alliance import Alliance
from services.ledger import breaches, closing, fields, receipts
from services.ledger.findings import Report
from services.ledger.logs import State
from services.runtime.database import Connection


def check(conn: Connection, alliance: Alliance, state: State, report: Report) -> None:
    """Nothing cut off, nothing put on, nothing void that counts, and nobody accused without evidence."""
    covered = _check_rows(conn, state, report)
    if state.log not in alliance.logs:
        return report.find(1, "state", "the alliance document has no such log")
    _check_ahead(conn, alliance, state, covered, report)
    _check_closing(conn, alliance, state, report)
    breaches.check(conn, alliance, state, covered, report)
    for position in _bytes_back(conn, state.log):
        report.find(position, "redacted", "it is listed as redacted, and its bytes are here or never were")
    return None


def _check_rows(conn: Connection, state: State, report: Report) -> int:
    """The head, the last record and the last checkpoint must agree; gives how far that covers."""
    log, head = state.log, state.head
    ends: list[tuple[int, int, int, str]] = conn.execute(_END, {"log": log}).fetchall()  # type: ignore[assignment]  # the table's own types
    ((last, size, cosigned, time),) = ends
    if last > head:
        report.find(head + 1, "beyond", f"the head says {head}, and there are records up to {last}")
    if size > last:
        report.find(last + 1, "missing", f"a checkpoint covers {size} records")
    if cosigned > last:
        report.find(last + 1, "missing", f"this node cosigned {cosigned} records")
    if not state.own and size < head:
        report.find(size + 1, "beyond", f"nothing signed covers the records up to {head}")
    if last == head and (kept := fields.time_at(conn, log, head)) and kept.decode() != time:
        report.find(head, "time", f"the head says {time}, the record {kept.decode()}")
    return size


_END = """
SELECT coalesce((SELECT max(position) FROM ledger.entry WHERE log = %(log)s), 0),
    coalesce((SELECT max(size) FROM ledger.checkpoint WHERE log = %(log)s), 0),
    coalesce((SELECT size FROM ledger.cosigned WHERE log = %(log)s), 0), time
FROM ledger.log WHERE log = %(log)s
"""


def _check_ahead(conn: Connection, alliance: Alliance, state: State, covered: int, report: Report) -> None:
    """Receipts of what is not here: of a followed log it is still to come, of an own one it was taken away.

    An own log's note leaves only after its checkpoint stands here, so nobody can be ahead of that.
    """
    signed: dict[int, str] = {}
    for row in receipts.ahead(conn, state.log, covered):
        if trouble := receipts.trouble(alliance, row):
            report.find(row.size, "receipt", trouble)
        else:
            signed.setdefault(row.size, row.node)
    if state.own and signed:
        size = max(signed)
        text = f"{signed[size]} cosigned {size} records with this log's signature; here is a checkpoint of"
        report.find(covered + 1, "missing", f"{text} {covered}")


def _check_closing(conn: Connection, alliance: Alliance, state: State, report: Report) -> None:
    """A closing hides all that comes after it, so it must stand in the document, or be the last record."""
    kept, stated = closing.kept(conn, state.log), closing.stated(alliance, state.log)
    if kept is not None and kept != stated:
        said = f"at {stated.size}, and maybe in favour of others" if stated else "nowhere"
        first = min(kept.size, stated.size) if stated else kept.size
        text = f"the ledger says that the alliance document closes it at {kept.size}; it does so {said}"
        report.find(first + 1, "closing", text)
    reached = kept is not None and state.head >= kept.size
    if trouble := _state_trouble(conn, alliance, state, reached=reached):
        report.find(max(1, state.head), "state", trouble)


def _state_trouble(conn: Connection, alliance: Alliance, state: State, *, reached: bool) -> str | None:
    closed = closing.by_record(conn, alliance, state.log, state.head)
    accused = bool(breaches.of(conn, state.log))
    match state.state:
        case "closed" if not closed and not reached:
            return "it is said to be closed, and neither its last record nor the alliance document does that"
        case "open" if closed:
            return "it is said to be open, and its last record closed it"
        case "open" if accused:
            return "it is said to be open, and a breach of it is kept"
        case "stopped" if not accused and not reached:
            return "it is said to be stopped, and no breach of it is kept"
        case _:
            return None


def _bytes_back(conn: Connection, log: str) -> list[int]:
    found = conn.execute(_BYTES_BACK, [log]).fetchall()
    return [position for (position,) in found]  # type: ignore[misc]  # bigint


_BYTES_BACK = """
SELECT r.position FROM ledger.redacted r LEFT JOIN ledger.entry e USING (log, position)
WHERE r.log = %s AND e.value IS DISTINCT FROM '' ORDER BY 1
"""
