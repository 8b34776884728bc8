"""Attachments of redacted records: they are erased, unless a record that stands names them too."""

from collections.abc import Collection

from services.ledger import redaction
from services.ledger.redaction import Named
from services.people.holdings import Holdings
from services.runtime import logs
from services.runtime.database import Database

PAUSE = 2.0
"""Seconds between two looks."""
_log = logs.get(__name__)


def attachments(database: Database, holdings: Holdings) -> int:
    """Erase them, own ones and copies; how many. Killed at any point, it begins again. Raises Unavailable."""
    with database.connection() as conn:
        records = redaction.named(conn)
        standing = redaction.standing(conn, {digest for record in records for digest in record.digests})
    return sum(_removed(database, holdings, record, standing) for record in records)


def _removed(database: Database, holdings: Holdings, record: Named, standing: Collection[str]) -> int:
    left = [digest for digest in record.digests if digest not in standing]
    for digest in left:
        holdings.remove(digest)
    with database.transaction() as conn:
        redaction.looked_at(conn, record)
    _log.info("attachments-redacted", log=record.log, position=record.position, count=len(left))
    return len(left)
