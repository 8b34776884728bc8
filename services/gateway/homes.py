"""Where a record is shown: the page of its thing, or of the thing that it answers."""

from events import catalogue, errors
from events.event import Event, Record
from projections.timeline import Line
from services.gateway import kinds, things
from services.ledger import read
from services.runtime.database import Connection


def of(conn: Connection, record: Record[Event]) -> str:
    """The path of the page on which the record stands; its own when its question is not held here."""
    kind = kinds.BY_AGGREGATE.get(record.aggregate)
    if kind is not None:
        return f"{kind.path}/{record.log}/{record.stream}"
    try:
        return of(conn, read.record(conn, things.question_of(read.history(conn, record.log, record.stream))))
    except errors.NotFound:
        return f"/records/{record.log}/{record.position}"


def short(line: Line) -> str | None:
    """The page of a line's thing, as far as its type tells without looking further."""
    kind = kinds.BY_AGGREGATE.get(catalogue.aggregate_of(line.type).name)
    return f"{kind.path}/{line.log}/{line.stream}" if kind else None
