"""Redacted records: their bytes are gone by decision, their leaf hashes stay, and so do all proofs."""

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from events import catalogue, errors
from events.event import Event, Record
from events.holes import Held, Hole
from events.membership import LogClosed, RecordRedacted
from services.ledger import logs, read
from services.runtime.database import Connection

GONE = b""
"""What stands in the place of a redacted value."""
_SPAN = 5_000
"""Records of a log that one statement reads: measured 10 ms for one digest, 0.4 s for a hundred."""
_LOOK = 20
"""Redacted records whose attachments are sought together."""
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
    if not _may(record, decision):
        return 0
    return conn.execute(_APPLY, {
        "log": decision.log, "position": decision.position, "leaf": base64.b64decode(decision.leaf),
        "stream": decision.stream, "decision": record.position, "binding": _BINDING,
    }).rowcount  # fmt: skip


def _may(record: Record[Event], decision: RecordRedacted) -> bool:
    return decision.log == record.log and decision.position < record.position


# What holds logs together stays: without the decisions, nobody could tell a redacted record from a taken one.
_BINDING = [
    f'%","type":"{kind}","subject":%'.encode()
    for kind in (RecordRedacted.type, LogClosed.type, "yinqiao.%-continued.v1")
]
_APPLY = """
WITH known AS (
    SELECT log, position, encode(value, 'escape') AS value FROM ledger.entry
    WHERE log = %(log)s AND position = %(position)s AND leaf = %(leaf)b AND stream = %(stream)s::text::uuid
        AND value <> '' AND NOT value LIKE ANY (%(binding)s::bytea[]) FOR UPDATE
), gone AS (
    UPDATE ledger.entry e SET value = '' FROM known k WHERE (e.log, e.position) = (k.log, k.position)
)
INSERT INTO ledger.redacted (log, position, decision, attachments)
SELECT log, position, %(decision)s, ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(value,
    '"algorithm":"hmac-sha256","digest":"([A-Za-z0-9+/]{43}=)"', 'g') AS m) FROM known
ON CONFLICT DO NOTHING
"""


class _Decided(NamedTuple):
    """A hole, the stream that it is of, and the position of the decision."""

    position: int
    stream: str
    decision: int


class Holes:
    """The holes of a run: each counts only with the decision, which the same run must bring after it."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._open: dict[int, bytes] = {}
        self._decided: list[_Decided] = []

    def see(self, after: int, values: Sequence[Held]) -> None:
        """The next values, which follow position `after`."""
        for position, value in enumerate(values, after + 1):
            if isinstance(value, Hole):
                self._open[position] = value.leaf
            elif self._open and decides(value):
                self._decide(value)

    def _decide(self, value: bytes) -> None:
        try:
            record = catalogue.decode(value)
        except errors.BadRecord:
            return
        said = record.data
        if not isinstance(said, RecordRedacted) or record.log != self._log or not _may(record, said):
            return
        if self._open.get(said.position) == base64.b64decode(said.leaf):
            del self._open[said.position]
            self._decided.append(_Decided(said.position, said.stream, record.position))

    def store(self, conn: Connection, head: int) -> None:
        """Say of the rows beyond `head` what is known of them. Raises Damage when a decision is lacking.

        A hole is the next of its stream: what its bytes said of that, the record after it says too.
        """
        if self._open:
            raise errors.Damage(f"record {min(self._open)} of log {self._log} is withheld without a decision")
        for hole in sorted(self._decided):
            if hole.position > head:
                conn.execute(_STORE, {"log": self._log} | hole._asdict())


_STORE = """
WITH gone AS (
    INSERT INTO ledger.redacted (log, position, decision) VALUES (%(log)s, %(position)s, %(decision)s)
)
UPDATE ledger.entry SET stream = %(stream)s::text::uuid, version = 1 + coalesce(greatest((
    SELECT max(version) FROM ledger.entry
    WHERE own AND log = %(log)s AND stream = %(stream)s::text::uuid AND position < %(position)s
), (
    SELECT max(version) FROM ledger.entry
    WHERE NOT own AND log = %(log)s AND stream = %(stream)s::text::uuid AND position < %(position)s
)), 0) WHERE log = %(log)s AND position = %(position)s
"""


class Gone(NamedTuple):
    """How many records of a log lost their bytes here, and the last of them."""

    records: int = 0
    last: int = 0


def gone(conn: Connection, logs: Iterable[str]) -> dict[str, Gone]:
    """For each log of which any is gone."""
    rows = conn.execute(
        "SELECT log, count(*), max(position) FROM ledger.redacted WHERE log = ANY(%s) GROUP BY log",
        [list(logs)],
    ).fetchall()
    return {str(log): Gone(records, last) for log, records, last in rows}  # type: ignore[arg-type]  # bigint


class Named(NamedTuple):
    """A redacted record, and the digests of the attachments that it named."""

    log: str
    position: int
    digests: list[str]


def named(conn: Connection) -> list[Named]:
    """Of the redacted records those whose attachments were not looked at yet, some at a time."""
    rows = conn.execute(
        "SELECT log, position, attachments FROM ledger.redacted WHERE attachments <> '{}'"
        " ORDER BY 1, 2 LIMIT %s",
        [_LOOK],
    ).fetchall()
    return [Named(*row) for row in rows]  # type: ignore[arg-type]  # the table's own types


def standing(conn: Connection, digests: Iterable[str]) -> set[str]:
    """Those of the attachments that any record which is held here names. Reads all records once.

    On a connection in autocommit mode each span is a statement of its own, far from any deadline, however
    large the ledger is; what is appended meanwhile is read too.
    """
    sought, found, seen = set(digests), set[str](), dict[str, int]()
    while ahead := {
        log: head for log, head in logs.heads(conn).items() if sought and head > seen.get(log, 0)
    }:
        for log, head in ahead.items():
            for after in range(seen.get(log, 0), head, _SPAN):
                found |= _naming(conn, log, after, sought)
            seen[log] = head
    return found


def _naming(conn: Connection, log: str, after: int, digests: Iterable[str]) -> set[str]:
    rows = conn.execute(_NAMING, [[*digests], log, after, after + _SPAN]).fetchall()
    return {str(digest) for (digest,) in rows}


_NAMING = """
SELECT DISTINCT d FROM ledger.entry e, unnest(%s::text[]) AS d
WHERE e.log = %s AND e.position > %s AND e.position <= %s AND position(convert_to(d, 'UTF8') IN e.value) > 0
"""


def looked_at(conn: Connection, record: Named) -> None:
    """Its attachments are erased, or named by another record."""
    conn.execute(
        "UPDATE ledger.redacted SET attachments = '{}' WHERE log = %s AND position = %s", [*record[:2]]
    )


def decided(conn: Connection, log: str, position: int, leaf: bytes) -> int | None:
    """Where the log itself says that this record was redacted; None: its bytes were taken by somebody."""
    row = conn.execute(
        "SELECT decision FROM ledger.redacted WHERE log = %s AND position = %s", [log, position]
    ).fetchone()
    at: int | None = row[0] if row else None  # type: ignore[assignment]  # bigint
    try:
        found = read.record(conn, (log, at)).data if at else None
    except (errors.NotFound, errors.BadRecord):
        return None
    named = isinstance(found, RecordRedacted) and (found.log, found.position) == (log, position)
    return at if named and base64.b64decode(found.leaf) == leaf else None  # type: ignore[union-attr]  # it is one
