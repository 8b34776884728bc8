"""Replaying a log: every payload is one of its type, and every stream a history that can be."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from events import catalogue, errors
from events.event import Event, Record
from services.ledger import logs
from services.ledger.findings import Report
from services.runtime.database import Connection

_PAGE = 1_000


def replay(conn: Connection, log: str) -> Report:
    """Decode every record and fold every stream, one in memory at a time. Raises NotFound.

    A stream with a record of an unknown type is folded up to that.
    """
    report = Report(log, 0, logs.state(conn, log).head)
    with conn.transaction():
        for _, rows in groupby(_rows(conn, log, report.end), itemgetter(0)):
            report.streams += 1
            _fold(report, _decoded(report, [(position, value) for _, position, value in rows]))
    report.findings.sort()
    return report


def _rows(conn: Connection, log: str, head: int) -> Iterator[tuple[object, int, bytes]]:
    with conn.cursor("replay", binary=True) as cursor:
        cursor.itersize = _PAGE
        cursor.execute(
            "SELECT stream, position, value FROM ledger.entry WHERE log = %s AND position <= %s"
            " ORDER BY stream, position",
            [log, head],
        )
        yield from cursor


def _decoded(report: Report, rows: Iterable[tuple[int, bytes]]) -> list[Record[Event]]:
    records: list[Record[Event]] = []
    whole = True
    for position, value in rows:
        report.entries += 1
        try:
            record = catalogue.decode(value)
        except errors.UnknownType:
            report.unknown += 1
            whole = False
        except errors.BadRecord as error:
            report.find(position, "payload", error.message)
            whole = False
        else:
            records += [record] if whole else []
    return records


def _fold(report: Report, records: Sequence[Record[Event]]) -> None:
    if not records:
        return
    aggregate = catalogue.AGGREGATES[records[0].aggregate]
    for record in records:
        if record.aggregate != aggregate.name:
            report.find(record.position, "history", f"a stream of {aggregate.name} has no {record.type}")
            return
    try:
        aggregate.fold(records)
    except errors.ImpossibleHistory:
        _locate(report, records)


def _locate(report: Report, records: Sequence[Record[Event]]) -> None:
    """Find the first record with which the stream cannot be: a correction can make an old one impossible."""
    fold = catalogue.AGGREGATES[records[0].aggregate].fold
    for end in range(1, len(records) + 1):
        try:
            fold(records[:end])
        except errors.ImpossibleHistory as error:
            report.find(records[end - 1].position, "history", error.message)
            return
