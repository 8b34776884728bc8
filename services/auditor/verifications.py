"""What verification found of each log, kept, so that everybody sees how far it was checked, and when."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from events.alliance import Alliance
from services.ledger import replay, verify
from services.ledger.findings import Report
from services.runtime.database import Connection

KEPT = 20
"""Verifications of one log that stay."""


class Verification(NamedTuple):
    """What was looked at (positions `start` + 1 to `upto`) and how much was found; the first fault, if any.

    `replayed`: payloads and histories too, beside bytes, tree and signatures. `code`: the program's version.
    """

    log: str
    start: int
    upto: int
    events: int
    replayed: bool
    findings: int
    first_position: int | None
    first_kind: str | None
    first_detail: str | None
    code: str
    at: datetime

    @property
    def ok(self) -> bool:
        return not self.findings


def run(conn: Connection, alliance: Alliance, log: str, code: str, at: datetime) -> Verification:
    """Verify and replay a whole log now. Raises NotFound."""
    return summed([verify.verify(conn, alliance, log), replay.replay(conn, log)], code, at, replayed=True)


def keep_all(conn: Connection, reports: Iterable[Report], code: str, at: datetime, *, replayed: bool) -> None:
    """Store what was found of every log, whose stretches may have been looked at one by one."""
    by_log: dict[str, list[Report]] = {}
    for report in reports:
        by_log.setdefault(report.log, []).append(report)
    for found in by_log.values():
        keep(conn, summed(found, code, at, replayed=replayed))


def summed(found: Sequence[Report], code: str, at: datetime, *, replayed: bool) -> Verification:
    """The reports of one log as one."""
    faults = sorted(finding for report in found for finding in report.findings)
    first: tuple[int | None, str | None, str | None] = faults[0] if faults else (None, None, None)
    count = len(faults) + sum(report.more for report in found)
    upto = max(report.end for report in found)
    start = min(report.start for report in found)
    return Verification(found[0].log, start, upto, upto - start, replayed, count, *first, code, at)


def keep(conn: Connection, found: Verification) -> None:
    """Store it; the oldest ones of its log go."""
    with conn.transaction():
        conn.execute(_KEEP, found._asdict())
        conn.execute(_PRUNE, [found.log, found.log, KEPT])


_KEEP = """
INSERT INTO auditor.verification (log, start, upto, events, replayed, findings,
    first_position, first_kind, first_detail, code, at)
VALUES (%(log)s, %(start)s, %(upto)s, %(events)s, %(replayed)s, %(findings)s,
    %(first_position)s, %(first_kind)s, %(first_detail)s, %(code)s, %(at)s)
"""
_PRUNE = """
DELETE FROM auditor.verification WHERE log = %s AND id NOT IN (
    SELECT id FROM auditor.verification WHERE log = %s ORDER BY id DESC LIMIT %s
)
"""


def kept(conn: Connection) -> dict[str, list[Verification]]:
    """The verifications that are kept, by log, the newest first."""
    found: dict[str, list[Verification]] = {}
    with conn.cursor(row_factory=class_row(Verification)) as cursor:
        for each in cursor.execute(_KEPT):
            found.setdefault(each.log, []).append(each)
    return found


_KEPT = """
SELECT log, start, upto, events, replayed, findings, first_position, first_kind, first_detail, code, at
FROM auditor.verification ORDER BY log, id DESC
"""


def covered(newest_first: Iterable[Verification]) -> int:
    """How many positions of a log were found good since the last fault; each counts once."""
    end = total = 0
    for start, upto in sorted(_good(newest_first)):
        total += max(0, upto - max(start, end))
        end = max(end, upto)
    return total


def _good(newest_first: Iterable[Verification]) -> Iterator[tuple[int, int]]:
    for each in newest_first:
        if not each.ok:
            return
        yield each.start, each.upto
