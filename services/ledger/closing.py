"""The end of a log: what closed it, where its streams go on, and the size and root it is closed at."""

import base64
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from events import catalogue, errors
from events.alliance import Alliance
from events.event import Event, Record
from events.membership import LogClosed, Succession
from services.ledger import logs, read, rows, store, tree
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


class Stated(NamedTuple):
    """That the alliance document closes a log, and in favour of whom."""

    size: int
    root: bytes
    succession: Succession


def stated(alliance: Alliance, log: str) -> Stated | None:
    """What the alliance document says; None when it does not close the log. Raises NotFound."""
    entry = alliance.log(log)
    if not entry.closed_size:
        return None
    return Stated(entry.closed_size, base64.b64decode(entry.closed_root or ""), entry.succession)


def kept(conn: Connection, log: str) -> Stated | None:
    """What was taken over of that."""
    row = conn.execute(_KEPT, [log]).fetchone()
    return Stated(row[0], row[1], Succession.model_validate_json(str(row[2]))) if row else None  # type: ignore[arg-type]  # the table's own types


_KEPT = "SELECT size, root, succession::text FROM ledger.closed WHERE log = %s"


def by_record(conn: Connection, alliance: Alliance, log: str, position: int) -> bool:
    """Whether the record at this position is one that closes its log."""
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(
            "SELECT value FROM ledger.entry WHERE log = %s AND position = %s", [log, position]
        ).fetchone()
    return row is not None and rows.closes(alliance.id, log, row[0])  # type: ignore[arg-type]  # bytea


def closings(conn: Connection) -> dict[str, Closing]:
    """All closed logs that are held here, by name."""
    rows = conn.execute("SELECT log FROM ledger.log WHERE state <> 'open' ORDER BY log").fetchall()
    found = {str(log): of(conn, str(log)) for (log,) in rows}
    return {log: closing for log, closing in found.items() if closing is not None}


def state(conn: Connection, alliance: Alliance) -> list[str]:
    """Take over which logs the alliance document closes, of those held here; the ones that it closes newly.

    What is stored beyond is void from then on: read by nobody, kept as evidence. A log that is not held up to
    there stays open until it is. One whose records are others than the document says is stopped: this node
    was on the other side of a fork.
    """
    held = logs.heads(conn)
    said = {log: stated(alliance, log) for log in alliance.logs if log in held}
    return [log for log, how in said.items() if how and _state(conn, log, how, held[log])]


def _state(conn: Connection, log: str, how: Stated, head: int) -> bool:
    new = conn.execute(_DECLARE, [log, how.size, how.root, how.succession.model_dump_json()]).rowcount
    if head >= how.size:
        found = "closed" if _root(conn, log, how.size) == how.root else "stopped"
        conn.execute("UPDATE ledger.log SET state = %s WHERE log = %s AND state <> %s", [found, log, found])
    return bool(new)


def _root(conn: Connection, log: str, size: int) -> bytes | None:
    """The root of records that may not be covered yet."""
    covered, root, _ = store.latest(conn, log)
    if covered >= size:
        return store.tree_root(conn, log, size)
    grown = tree.TREES.at(conn, log, covered, root)
    grown.extend([leaf for _, leaf in sorted(tree.hashes(conn, log, 0, covered, size - covered).items())])
    return grown.root()


_DECLARE = """
INSERT INTO ledger.closed (log, size, root, succession) VALUES (%s, %s, %b, %s) ON CONFLICT DO NOTHING
"""


def ended(conn: Connection) -> set[str]:
    """The logs that the alliance document closes, and that are held that far: no more of them is wanted."""
    rows = conn.execute(
        "SELECT log FROM ledger.closed JOIN ledger.log USING (log) WHERE head >= size"
    ).fetchall()
    return {str(log) for (log,) in rows}


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
