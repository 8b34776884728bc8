"""Where a record is shown: the page of its thing, or of the thing that it answers."""

from events import errors
from events.event import Event, Record
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
