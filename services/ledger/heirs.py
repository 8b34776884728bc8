"""Who stands for a bureau in a stream of its closed log: what else belongs to that stream goes with it."""

from collections.abc import Mapping

from events.history import stream_of
from services.ledger import closing, read
from services.ledger.closing import Closing
from services.runtime.database import Connection


def inherits(conn: Connection, bureau: str, owner: str, text: str) -> bool:
    """Whether the closings here give this bureau a stream of the owner's in which `text` stands.

    Finished streams too, although nobody goes on with them. Reads the owner's closed logs from end to end.
    """
    found = closing.closings(conn)
    return any(
        _heir(found, c.log, stream)[:6] == bureau
        for c in found.values()
        if c.log[:6] == owner
        for stream in _streams(conn, c, text)
    )


def stand(conn: Connection) -> dict[str, str]:
    """Who stands for a bureau whose log is closed, by its code: the default successor, at last."""
    next_ = {
        c.log[:6]: c.succession.successor[:6]
        for c in closing.closings(conn).values()
        if c.succession.successor and c.succession.successor[:6] != c.log[:6]
    }
    return {bureau: _last(next_, bureau) for bureau in next_}


def _last(next_: Mapping[str, str], bureau: str) -> str:
    seen: set[str] = set()
    while bureau in next_ and bureau not in seen:
        seen.add(bureau)
        bureau = next_[bureau]
    return bureau


def goes_on(conn: Connection, log: str, stream: str) -> tuple[str, str]:
    """Where a stream stands now: the log and stream in which it goes on at last, as far as that is held."""
    closed = closing.of(conn, log)
    successor = closed.succession.of(stream) if closed else None
    if successor is None:
        return log, stream
    there = successor, stream_of(log, stream, successor)
    return goes_on(conn, *there) if read.history(conn, *there) else (log, stream)


def _heir(closings: Mapping[str, Closing], log: str, stream: str) -> str:
    """The log in which a stream goes on at last; its own where it goes on nowhere."""
    seen: set[str] = set()
    while log in closings and log not in seen and (new := closings[log].succession.of(stream)):
        seen.add(log)
        log, stream = new, stream_of(log, stream, new)
    return log


def _streams(conn: Connection, closed: Closing, text: str) -> list[str]:
    rows = conn.execute(_NAMING, {"log": closed.log, "size": closed.size, "text": text}).fetchall()
    return [str(stream) for (stream,) in rows]


_NAMING = """
SELECT DISTINCT stream::text FROM ledger.entry
WHERE log = %(log)s AND position <= %(size)s AND position(convert_to(%(text)s, 'UTF8') IN value) > 0
"""
