"""The timeline: every record there is, the newest first, or as they came here, for live pages."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

from psycopg import Connection
from psycopg.rows import class_row

from events import catalogue
from events.event import Event, Key, Record
from events.history import Corrected
from projections.model import Handlers, ReadModel
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("timeline", version=2, handlers=on, verbatim=True, local_tables=frozenset({"arrival"}))


@on(Event)
def show_record(record: Record[Event], rows: Rows) -> None:
    rows.add(
        "entry", record, position=record.position, time=record.time, type=record.type, actor=record.actor,
        causation=record.causation, correlation=record.correlation,
    )  # fmt: skip
    rows.add("arrival", record, position=record.position)
    for log, at in dict.fromkeys(record.basis):
        rows.add("basis", record, position=record.position, basis_log=log, basis_position=at)


@on(Event, when=lambda kind: "title" in kind.model_fields)
def show_title(record: Record[Any], rows: Rows) -> None:
    rows.put("subject", record, title=record.data.title)


@on(Corrected)
def show_corrected_title(record: Record[Corrected], rows: Rows) -> None:
    new = catalogue.decode_value(record.data.fact, record.data.payload)
    if "title" in type(new).model_fields:
        rows.put("subject", record, title=getattr(new, "title"))  # noqa: B009  (only some events have one)


@dataclass(frozen=True)
class Line:
    """One record; `time` is the envelope's text, `title` what its stream is called, if it said so.

    Its sentence is made by `sentences.sentence` from the record itself, which the ledger holds.
    """

    log: str
    stream: str
    position: int
    time: str
    type: str
    actor: str
    causation: str | None
    correlation: str | None
    title: str | None

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return self.time, self.log, self.position


@dataclass(frozen=True)
class Arrived(Line):
    """One record, and its arrival number at this node."""

    number: int


@dataclass(frozen=True)
class Chosen:
    """Which records: every given condition holds; `stream` is (log, stream).

    `first` and `last` bound when they were recorded, as the envelope writes it, both inclusive.
    """

    bureau: str | None = None
    context: str | None = None
    stream: tuple[str, str] | None = None
    correlation: str | None = None
    type: str | None = None
    first: str | None = None
    last: str | None = None

    def values(self) -> dict[str, Any]:
        """The parameters of `_CHOSEN`."""
        log, stream = self.stream or (None, None)
        types = None if self.context is None else types_of(self.context)
        return {
            "bureau": self.bureau, "types": types, "log": log, "stream": stream,
            "correlation": self.correlation, "type": self.type, "first": self.first, "last": self.last,
        }  # fmt: skip


Cursor: TypeAlias = tuple[str, str, int]


def types_of(context: str) -> list[str]:
    """The names of a context's events."""
    return [e.type for a in catalogue.AGGREGATES.values() if a.context == context for e in a.events]


_LINE = """
    e.log, e.stream::text, e.position,
    to_char(e.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time,
    e.type, e.actor, e.causation::text, e.correlation::text, s.title
"""
_CHOSEN = """
    (%(bureau)s::text IS NULL OR left(e.log, 6) = %(bureau)s)
    AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s))
    AND (%(stream)s::text IS NULL OR (e.log = %(log)s AND e.stream = %(stream)s::text::uuid))
    AND (%(correlation)s::text IS NULL OR e.correlation = %(correlation)s::text::uuid)
    AND (%(type)s::text IS NULL OR e.type = %(type)s)
    AND (%(first)s::text IS NULL OR e.time >= %(first)s::text::timestamptz)
    AND (%(last)s::text IS NULL OR e.time <= %(last)s::text::timestamptz)
"""


def page(
    conn: Connection[Any], chosen: Chosen, *, limit: int = 50, before: Cursor | None = None
) -> list[Line]:
    """Newest first by the time that the records say; `before` is the cursor of the last line so far."""
    older = "AND (e.time, e.log, e.position) < (%(t)s::timestamptz, %(l)s, %(p)s)" if before else ""
    query = f"""SELECT {_LINE} FROM entry e LEFT JOIN subject s ON s.log = e.log AND s.stream = e.stream
        WHERE {_CHOSEN} {older}
        ORDER BY e.time DESC, e.log DESC, e.position DESC LIMIT %(limit)s"""  # noqa: S608  (constants)
    values = {**chosen.values(), "limit": limit, **dict(zip("tlp", before or (), strict=False))}
    with conn.cursor(row_factory=class_row(Line)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def arrivals(conn: Connection[Any], chosen: Chosen, *, after: int, limit: int = 100) -> list[Arrived]:
    """What came to this node after an arrival number, in that order."""
    query = f"""SELECT {_LINE}, r.number FROM arrival r
        JOIN entry e ON e.log = r.log AND e.stream = r.stream AND e.position = r.position
        LEFT JOIN subject s ON s.log = e.log AND s.stream = e.stream
        WHERE r.number > %(after)s AND {_CHOSEN} ORDER BY r.number LIMIT %(limit)s"""  # noqa: S608  (constants)
    values = {**chosen.values(), "after": after, "limit": limit}
    with conn.cursor(row_factory=class_row(Arrived)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def last_arrival(conn: Connection[Any]) -> int:
    """The latest arrival number; 0 when nothing came yet."""
    row = conn.execute("SELECT coalesce(max(number), 0) FROM arrival").fetchone()
    return int(row[0]) if row else 0


def resting_on(conn: Connection[Any], keys: Collection[Key], limit: int) -> list[tuple[Key, Key]]:
    """Pairs of a record and one of `keys` that it names as its basis, at most `limit`, in order."""
    query = """SELECT b.log, b.position, b.basis_log, b.basis_position
        FROM unnest(%s::text[], %s::bigint[]) AS k (log, position)
        JOIN basis b ON b.basis_log = k.log COLLATE "C" AND b.basis_position = k.position
        ORDER BY 3, 4, 1, 2 LIMIT %s"""
    rows = conn.execute(query, [[k[0] for k in keys], [k[1] for k in keys], limit]).fetchall()
    return [((log, at), (basis_log, basis_at)) for log, at, basis_log, basis_at in rows]


def of_correlation(conn: Connection[Any], correlation: str, limit: int) -> list[Key]:
    """The records of one correlation, the oldest first, at most `limit`."""
    query = """SELECT log, position FROM entry WHERE correlation = %s::text::uuid
        ORDER BY time, log, position LIMIT %s"""
    return conn.execute(query, [correlation, limit]).fetchall()
