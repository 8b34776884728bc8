"""Projects that bureaus introduced: the list and counts (their rows are written in `tasks.py`)."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class Project:
    """A project that `bureau` introduced on `day`, recorded by one side where `outside` parties share it."""

    log: str
    stream: str
    bureau: str
    stage: str
    title: str
    field: str
    day: date
    partners: list[str]
    outside: list[str]
    division: str | None
    place: str | None
    fen: int | None
    percent: int
    ended: date | None
    outcome: str | None

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.day, self.log, self.stream)


@dataclass(frozen=True)
class Chosen:
    """Which projects: every given condition holds. A bureau's are those it introduced itself.

    `title` is any part of it.
    """

    bureau: str | None = None
    partner: str | None = None
    stage: str | None = None
    field: str | None = None
    title: str | None = None
    first: date | None = None
    last: date | None = None


Cursor: TypeAlias = tuple[date, str, str]

_CHOSEN = """
    (%(bureau)s::text IS NULL OR left(log, 6) = %(bureau)s)
    AND (%(partner)s::text IS NULL OR %(partner)s = ANY (partners))
    AND (%(stage)s::text IS NULL OR stage = %(stage)s) AND (%(field)s::text IS NULL OR field = %(field)s)
    AND (%(title)s::text IS NULL OR position(lower(%(title)s) IN lower(title)) > 0)
    AND (%(first)s::date IS NULL OR day >= %(first)s) AND (%(last)s::date IS NULL OR day <= %(last)s)
"""
_ROW = """
SELECT log, stream::text, left(log, 6) AS bureau, stage, title, field, day, partners, outside,
    division, place, fen, percent, ended, outcome FROM project
"""


def projects(
    conn: Connection[Any], chosen: Chosen, *, limit: int = 50, after: Cursor | None = None
) -> list[Project]:
    """The newest first; `after` is the cursor of the last row of the page before."""
    day, log, stream = after or (None, None, None)
    query = f"""{_ROW} WHERE {_CHOSEN} AND (%(day)s::date IS NULL OR (day, log, stream)
            < (%(day)s, %(log)s::text COLLATE "C", %(stream)s::text::uuid))
        ORDER BY day DESC, log DESC, stream DESC LIMIT %(limit)s"""
    values = {**vars(chosen), "day": day, "log": log, "stream": stream, "limit": limit}
    with conn.cursor(row_factory=class_row(Project)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def one(conn: Connection[Any], log: str, stream: str) -> Project | None:
    """One project; None when there is none."""
    query = f"{_ROW} WHERE log = %s AND stream = %s::text::uuid"
    with conn.cursor(row_factory=class_row(Project)) as cursor:
        return cursor.execute(query.encode(), [log, stream]).fetchone()


def count(conn: Connection[Any], chosen: Chosen) -> int:
    """How many were introduced, by the day of introduction."""
    query = f"SELECT count(*) FROM project WHERE {_CHOSEN}"  # noqa: S608  (constants)
    row = conn.execute(query.encode(), vars(chosen)).fetchone()
    return row[0] if row else 0
