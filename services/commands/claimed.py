"""What own streams hold once only, made anew from their records and compared with the claims that stand."""

import re
from collections.abc import Collection, Iterator

from events import errors
from services.auditor.checking import Found
from services.bureau import reclaiming
from services.bureau import registry as _contexts  # noqa: F401  (each registers what its facts hold)
from services.bureau.reading import LedgerReading
from services.ledger.recorder import event_store
from services.runtime.database import Connection, Database

_TRIES = 5
_STREAM = re.compile(r"([0-9-]+)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def check(conn: Connection, database: Database, names: Collection[str] = ()) -> Iterator[Found]:
    """Where own logs lack a claim, or hold one without a record: kind `claim`, at the stream's last record.

    A stream with a redacted record, or whose question is void or redacted, may hold more than can be told.
    """
    reading = LedgerReading(database, event_store(database))
    with conn.transaction(), conn.cursor("streams") as cursor:
        cursor.execute(_STREAMS, {"logs": list(names) or None})
        for log, stream, last in cursor:
            if trouble := _trouble(database, reading, str(log), str(stream)):
                yield Found(str(log), last, "claim", trouble)  # type: ignore[arg-type]  # bigint
    for log, kind, key in conn.execute(_NOBODYS, {"logs": list(names) or None}).fetchall():
        yield Found(str(log), 0, "claim", f"{kind} {key} is held by a stream that there is not")


_STREAMS = """
SELECT log, stream::text, max(position) FROM ledger.entry
WHERE own AND stream IS NOT NULL AND (%(logs)s::text[] IS NULL OR log = ANY (%(logs)s))
    AND (log, stream) NOT IN (SELECT log, stream FROM ledger.reclaim) GROUP BY log, stream
"""
_NOBODYS = """
SELECT c.log, c.kind, c.key FROM ledger.claim c WHERE (%(logs)s::text[] IS NULL OR c.log = ANY (%(logs)s))
    AND NOT EXISTS (SELECT FROM ledger.entry e WHERE e.own AND e.log = c.log AND e.stream = c.stream)
ORDER BY 1, 2, 3
"""


def _trouble(database: Database, reading: LedgerReading, log: str, stream: str) -> str | None:
    """What is wrong with one stream; when anything seems so, it is looked at while it does not move."""
    version, said = -1, _compared(database, reading, log, stream)
    for _ in range(_TRIES):
        if said is None or version == (now := reading.held(stream)[1]):
            return said
        version, said = now, _compared(database, reading, log, stream)
    return None


def _compared(database: Database, reading: LedgerReading, log: str, stream: str) -> str | None:
    try:
        due = set(reclaiming.held(reading, log, stream))
    except (errors.NotFound, errors.BadRecord):  # found by replaying, or still to come
        return None
    with database.connection() as conn:
        kept = {(str(kind), str(key)) for kind, key in conn.execute(_KEPT, [log, stream]).fetchall()}
        if missing := due - kept:
            return f"{' '.join(min(missing))} is not held, and a record says so"
        more = {each for each in kept - due if not _void(conn, each[1])}
        if more and not _gone(conn, log, stream):
            return f"{' '.join(min(more))} is held, and no record says so"
    return None


_KEPT = "SELECT kind, key FROM ledger.claim WHERE log = %s AND stream = %s"


def _gone(conn: Connection, log: str, stream: str) -> bool:
    """Whether nothing of a stream counts any more, or a part of it was redacted."""
    row = conn.execute(_GONE, {"log": log, "stream": stream}).fetchone()
    return row == (True,)


_GONE = """
SELECT count(*) FILTER (WHERE position <= coalesce(c.size, position)) = 0
    OR coalesce(bool_or(value = ''), false)
FROM ledger.entry e LEFT JOIN ledger.closed c USING (log)
WHERE e.log = %(log)s AND e.stream = %(stream)s::text::uuid
"""


def _void(conn: Connection, key: str) -> bool:
    """Whether the claim is on a stream, named by log and subject, of which not all can be read."""
    found = _STREAM.fullmatch(key)
    return found is not None and _gone(conn, *found.groups())
