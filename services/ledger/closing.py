"""The end of a log: what closed it, where its streams go on, and the size and root it is closed at."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from events import catalogue, errors
from events.event import Event, Record
from events.membership import LogClosed, Succession
from services.ledger import logs, read, store, tree
from services.runtime.database import Connection


class Closing(NamedTuple):
    """A closed log: the last record that counts, and where its streams go on.

    `record` is the one that closed it; None when the alliance document did, because the log could not sign.
    """

    log: str
    size: int
    succession: Succession
    record: Record[Event] | None


def of(conn: Connection, log: str) -> Closing | None:
    """How a log was closed; None while it is open, as far as is known here."""
    row = conn.execute(_CLOSED, [log]).fetchone()
    if row is not None:
        return Closing(log, int(row[0]), Succession.model_validate_json(str(row[1])), None)  # type: ignore[call-overload]  # bigint
    try:
        last = read.record(conn, (log, logs.state(conn, log).head))
    except (errors.NotFound, errors.BadRecord):  # an unreadable record closes nothing
        return None
    if not isinstance(last.data, LogClosed):
        return None
    return Closing(log, last.position, last.data.succession, last)


_CLOSED = "SELECT size, succession::text FROM ledger.closed WHERE log = %s"


def closings(conn: Connection) -> dict[str, Closing]:
    """All closed logs that are held here, by name."""
    rows = conn.execute("SELECT log FROM ledger.log WHERE state <> 'open' ORDER BY log").fetchall()
    found = {str(log): of(conn, str(log)) for (log,) in rows}
    return {log: closing for log, closing in found.items() if closing is not None}


def end(conn: Connection, log: str) -> tuple[int, bytes]:
    """Size and root of a log as it stands here, covered or not. Raises NotFound, Damage."""
    head, (size, root, _) = logs.state(conn, log).head, store.latest(conn, log)
    grown = tree.TREES.at(conn, log, size, root)
    leaves = tree.hashes(conn, log, 0, size, head - size)
    grown.extend([leaf for _, leaf in sorted(leaves.items())])
    return head, grown.root()


def streams(conn: Connection, closing: Closing) -> Iterator[list[Record[Event]]]:
    """The streams of a closed log as far as it counts, whole, one in memory at a time.

    Those with a record that this version cannot read are left out.
    """
    with conn.transaction(), conn.cursor("streams", binary=True) as cursor:
        cursor.itersize = _PAGE
        cursor.execute(_STREAMS, [closing.log, closing.size])
        for _, rows in groupby(cursor, itemgetter(0)):
            values: list[tuple[bytes, bytes]] = [(value, leaf) for _, value, leaf in rows]  # type: ignore[misc]  # bytea
            try:
                records = [catalogue.decode(value, leaf) for value, leaf in values]
                whole = read.whole(conn, records)
            except errors.BadRecord:  # they can go on after an upgrade
                continue
            yield whole


_PAGE = 1_000
_STREAMS = (
    "SELECT stream, value, leaf FROM ledger.entry WHERE log = %s AND position <= %s ORDER BY stream, position"
)
