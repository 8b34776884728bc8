"""Reports: answers that are kept with everything that makes them come out the same again."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from events import errors
from projections.track import Vector
from services.auditor import answers, asking
from services.auditor.answers import Answer, Figure, Stream
from services.auditor.asking import Aside, Asked
from services.runtime.database import Connection


class Head(NamedTuple):
    """A report in a list."""

    id: int
    name: str
    query: str
    digest: str
    locked: bool
    made: datetime
    made_by: str


class Report(NamedTuple):
    """A kept answer; `versions` are those of the query and its read model, `code` that of the program.

    `locked`: it cites witnessed positions only.
    """

    id: int
    name: str
    query: str
    parameters: dict[str, Any]
    versions: dict[str, int]
    vector: Vector
    aside: Aside
    answer: Answer
    digest: str
    locked: bool
    code: str
    made: datetime
    made_by: str

    @property
    def content(self) -> dict[str, Any]:
        """What its digest is over; see services.auditor.asking.Asked."""
        return {
            "format": asking.FORMAT, "query": self.query, "parameters": self.parameters,
            "versions": self.versions, "vector": self.vector, "aside": asking.document(self.aside),
            "answer": answers.document(self.answer),
        }  # fmt: skip

    def figure(self, name: str) -> Figure:
        """Raises NotFound."""
        found = next((f for f in self.answer.figures if f.name == name), None)
        if found is None:
            names = ", ".join(f.name for f in self.answer.figures)
            raise errors.NotFound(
                f"report {self.name} has no figure {name[:40]}; it has {names}", field="figure"
            )
        return found


class Made(NamedTuple):
    """Who makes a report, when, and with which version of the program."""

    at: datetime
    by: str
    code: str


_SAVE = """
INSERT INTO auditor.report
    (name, query, parameters, versions, vector, aside, answer, digest, locked, code, made, made_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_NAME_LENGTH = 100


def save(conn: Connection, name: str, asked: Asked, made: Made, *, locked: bool = False) -> int:
    """Keep an answer under a name of its own; its number. Raises Invalid, Taken."""
    check_name(conn, name)
    content = asked.content
    texts = [
        answers.canonical(content[part]) for part in ("parameters", "versions", "vector", "aside", "answer")
    ]
    values = [name, asked.query.name, *texts, asked.digest, locked, made.code, made.at, made.by]
    try:
        with conn.transaction():
            row = conn.execute(_SAVE, values).fetchone()
            number = int(row[0]) if row else 0  # type: ignore[call-overload]  # the table's own type
            _count(conn, number, asked.answer)
    except psycopg.errors.UniqueViolation:
        raise errors.Taken(f"there is a report {name} already: choose another name", field="name") from None
    return number


def check_name(conn: Connection, name: str) -> None:
    """Raises Invalid for what is no name, Taken when there is such a report already."""
    if not name.strip() or not name.isprintable() or len(name) > _NAME_LENGTH or name.isdecimal():
        raise errors.Invalid("a report's name has 1 to 100 characters, and is no number", field="name")
    if conn.execute("SELECT 1 FROM auditor.report WHERE name = %s", [name]).fetchone():
        raise errors.Taken(f"there is a report {name} already: choose another name", field="name")


def _count(conn: Connection, report: int, answer: Answer) -> None:
    with (
        conn.cursor() as cursor,
        cursor.copy("COPY auditor.counted (report, figure, log, stream) FROM STDIN") as copy,
    ):
        for figure in answer.figures:
            for log, stream in figure.streams:
                copy.write_row((report, figure.name, log, stream))


def heads(conn: Connection) -> list[Head]:
    """All reports, the newest first."""
    with conn.cursor(row_factory=class_row(Head)) as cursor:
        return cursor.execute(
            "SELECT id, name, query, digest, locked, made, made_by FROM auditor.report ORDER BY id DESC"
        ).fetchall()


def load(conn: Connection, which: str) -> Report:
    """A report by its name or number. Raises NotFound."""
    row = conn.execute(
        "SELECT id, name, query, parameters, versions, vector, aside, answer, digest, locked, code, made,"
        " made_by FROM auditor.report WHERE name = %s OR id::text = %s",
        [which, which],
    ).fetchone()
    if row is None:
        raise errors.NotFound(f"there is no report {which[:100]} here", field="report")
    return _report(row)


def _report(row: tuple[Any, ...]) -> Report:
    parameters, versions, vector, aside, answer = map(json.loads, row[3:8])
    kept = (parameters, versions, vector, asking.read(aside), answers.read(answer))
    return Report._make([*row[:3], *kept, *row[8:]])


class Touched(NamedTuple):
    """A figure of a report that counts a stream."""

    report: int
    name: str
    figure: str
    zh: str
    en: str
    value: int


def touched(conn: Connection, stream: Stream, position: int) -> Iterator[Touched]:
    """The figures of reports that count this stream and knew its record at `position`."""
    for report in _counting(conn, stream):
        if _knew(report, stream[0], position):
            for figure in report.answer.figures:
                if stream in figure.streams:
                    yield Touched(report.id, report.name, figure.name, figure.zh, figure.en, figure.value)


def _counting(conn: Connection, stream: Stream) -> Iterator[Report]:
    rows = conn.execute(
        "SELECT DISTINCT report FROM auditor.counted WHERE log = %s AND stream = %s::text::uuid ORDER BY 1",
        [*stream],
    ).fetchall()
    for (number,) in rows:
        yield load(conn, str(number))


def _knew(report: Report, log: str, position: int) -> bool:
    passed = {(log, at) for log, at in report.aside.waiting} | {
        (x.log, x.position) for x in report.aside.left_out
    }
    return position <= report.vector.get(log, 0) and (log, position) not in passed
