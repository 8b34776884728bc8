"""Replaying a log: records are of their types, columns say the same, streams are histories that can be."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from psycopg.rows import args_row

from events import catalogue, envelope, errors
from events.envelope import Envelope
from events.event import Event, Record
from services.ledger import logs, pages, read, redaction
from services.ledger.findings import Report
from services.runtime.database import Connection

_PAGE = 1_000


def replay(conn: Connection, log: str, start: int = 0) -> Report:
    """Decode every record and fold every stream, one in memory at a time. Raises NotFound.

    With `start` only streams that went on after that position, and what is to be found after it. A stream
    with a record of an unknown type, or a redacted one, is folded up to that. What is appended meanwhile is
    left out.
    """
    with pages.snapshot(conn), conn.transaction():
        state = logs.state(conn, log)
        report = Report(log, start, state.head)
        for _, rows in groupby(_rows(conn, report), attrgetter("stream")):
            report.streams += 1
            _fold(report, _whole(conn, list(_decoded(conn, report, rows, own=state.own))))
    report.findings = sorted(finding for finding in report.findings if finding.position > start)
    return report


class _Row(NamedTuple):
    """A record as it is stored, with the owner that its log has; `stream` as text."""

    stream: str | None
    position: int
    version: int | None
    own: bool
    value: bytes
    leaf: bytes


def _rows(conn: Connection, report: Report) -> Iterator[_Row]:
    with conn.cursor("replay", binary=True, row_factory=args_row(_Row)) as cursor:
        cursor.itersize = _PAGE
        cursor.execute(_ALL if report.start == 0 else _TOUCHED, report.__dict__)
        yield from cursor


_ALL = """
SELECT stream::text, position, version, own, value, leaf FROM ledger.entry
WHERE log = %(log)s AND position <= %(end)s ORDER BY stream, position
"""
_TOUCHED = """
SELECT stream::text, position, version, own, value, leaf FROM ledger.entry
WHERE log = %(log)s AND position <= %(end)s AND (stream IS NULL OR stream IN (
    SELECT stream FROM ledger.entry WHERE log = %(log)s AND position > %(start)s
)) ORDER BY stream, position
"""


def _decoded(conn: Connection, report: Report, rows: Iterable[_Row], *, own: bool) -> Iterator[Record[Event]]:
    """The records of a stream up to the first that cannot be read; the others are looked at all the same."""
    whole = True
    for due, row in enumerate(rows, 1):
        report.entries += 1
        if row.value == redaction.GONE and redaction.decided(conn, report.log, row.position, row.leaf):
            report.redacted += 1
            whole = False
            continue
        try:
            found = envelope.read(row.value)
            _check_columns(report, row, found, due, own=own)
            record = catalogue.decode_envelope(found)
        except errors.UnknownType:
            report.unknown += 1
            whole = False
        except errors.BadRecord as error:
            report.find(row.position, "payload", error.message)
            whole = False
        else:
            if whole:
                yield record


def _check_columns(report: Report, row: _Row, found: Envelope, due: int, *, own: bool) -> None:
    if (row.stream, row.version, row.own) != (found.stream, found.version, own):
        text = f"{row.stream} {row.version} {row.own} stand for {found.stream} {found.version} {own}"
        report.find(row.position, "columns", text)
    if row.stream is not None and row.version != due:
        report.find(row.position, "stream", f"{row.stream} has version {row.version} where {due} is due")


def _whole(conn: Connection, records: list[Record[Event]]) -> list[Record[Event]]:
    """With what it goes on from in other logs; nothing when that cannot be read: it is found there."""
    try:
        return read.whole(conn, records)
    except errors.BadRecord:
        return []


def _fold(report: Report, records: Sequence[Record[Event]]) -> None:
    if not records:
        return
    aggregate = catalogue.AGGREGATES[records[0].aggregate]
    for record in records:
        if record.aggregate != aggregate.name and record.log == report.log:
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
            if records[end - 1].log == report.log:  # else it is found where it stands
                report.find(records[end - 1].position, "history", error.message)
            return
