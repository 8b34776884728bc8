"""What auditors keep at this node, looked at again: reports by their digests, verifications by the logs."""

from collections.abc import Iterator

from services.auditor import answers, reports
from services.auditor.checking import Found
from services.auditor.reports import Report
from services.ledger import pages
from services.runtime.database import Connection


def check(conn: Connection) -> list[Found]:
    """What contradicts itself; kinds `report`, whose position is the report's number, and `verification`.

    A digest is signed by nobody: whoever can write here can make another. Making a report again tells.
    """
    with pages.snapshot(conn):
        return [*_reports(conn), *_verifications(conn)]


def _reports(conn: Connection) -> Iterator[Found]:
    for (number,) in conn.execute("SELECT id FROM auditor.report ORDER BY id").fetchall():
        try:
            trouble = _trouble(conn, reports.load(conn, str(number)))
        except (ValueError, TypeError, KeyError):  # what stands there is no report any more
            trouble = "cannot be read"
        if trouble:
            yield Found("", number, "report", f"report {number} {trouble}")  # type: ignore[arg-type]  # bigint


def _trouble(conn: Connection, report: Report) -> str | None:
    if answers.digest(report.content) != report.digest:
        return "is not what its digest is over"
    counted = {(f.name, *stream) for f in report.answer.figures for stream in f.streams}
    rows = conn.execute(_COUNTED, [report.id]).fetchall()
    return None if counted == set(rows) else "does not count the streams that are listed for it"


_COUNTED = "SELECT figure, log, stream::text FROM auditor.counted WHERE report = %s"


def _verifications(conn: Connection) -> Iterator[Found]:
    for log, upto, head in conn.execute(_BEYOND).fetchall():
        text = f"it is said to have been verified up to {upto}, and ends at {head}"
        yield Found(str(log), head + 1, "verification", text)  # type: ignore[operator]  # bigint


_BEYOND = """
SELECT v.log, max(v.upto), coalesce(l.head, 0) FROM auditor.verification v LEFT JOIN ledger.log l USING (log)
WHERE v.upto > coalesce(l.head, 0) GROUP BY v.log, l.head ORDER BY v.log
"""
