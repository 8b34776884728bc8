"""Redacted records: their bytes are gone by decision, their leaf hashes stay, and so do all proofs."""

import base64
from collections.abc import Iterable

from events import errors
from events.event import Event, Record
from events.membership import RecordRedacted
from services.ledger import read
from services.runtime.database import Connection

GONE = b""
"""What stands in the place of a redacted value."""
_MARK = f'"type":"{RecordRedacted.type}","subject":'.encode()


def decides(value: bytes) -> bool:
    """Whether a value may be a decision to redact."""
    return _MARK in value


def apply(conn: Connection, decisions: Iterable[Record[Event]]) -> int:
    """Remove the bytes of what was decided, in the caller's transaction; how many records. Again is harmless.

    A decision that names another leaf hash than that of the record, or another log, removes nothing.
    """
    return sum(_apply(conn, r, r.data) for r in decisions if isinstance(r.data, RecordRedacted))


def _apply(conn: Connection, record: Record[Event], decision: RecordRedacted) -> int:
    if decision.log != record.log or decision.position >= record.position:
        return 0
    return conn.execute(_APPLY, [
        decision.log, decision.position, base64.b64decode(decision.leaf), record.position,
    ]).rowcount  # fmt: skip


_APPLY = """
WITH gone AS (
    UPDATE ledger.entry SET value = '' WHERE log = %s AND position = %s AND leaf = %b AND value <> ''
    RETURNING log, position
)
INSERT INTO ledger.redacted (log, position, decision) SELECT log, position, %s FROM gone
ON CONFLICT DO NOTHING
"""


def decided(conn: Connection, log: str, position: int, leaf: bytes) -> bool:
    """Whether the log itself says that this record was redacted: else its bytes were taken by somebody."""
    row = conn.execute(
        "SELECT decision FROM ledger.redacted WHERE log = %s AND position = %s", [log, position]
    ).fetchone()
    try:
        found = read.record(conn, (log, row[0])).data if row else None  # type: ignore[arg-type]  # bigint
    except (errors.NotFound, errors.BadRecord):
        return False
    named = isinstance(found, RecordRedacted) and (found.log, found.position) == (log, position)
    return named and base64.b64decode(found.leaf) == leaf  # type: ignore[union-attr]  # it is one
