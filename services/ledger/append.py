"""Appending to an own log: position, time, bytes, command id, expectations and claims in one server call."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from psycopg import errors as pg

from events import errors
from services.runtime.database import Connection


class Entry(NamedTuple):
    """A prepared value (events.envelope.prepare), the clock's 27 characters, and its place in a stream."""

    value: bytes
    time: str
    stream: str
    version: int


class Command(NamedTuple):
    """A command that is answered by this append: its id, its request's digest, how many events it became."""

    id: str
    digest: bytes
    events: int


class Claim(NamedTuple):
    """What may be held once in a log: an expert's half-day, a stream's natural key."""

    kind: str
    key: str
    stream: str


class Batch(NamedTuple):
    """One transaction's worth for one log.

    `expects` are streams that the decision only read, with the versions it saw (0: did not exist). `closes`:
    the last entry closes the log, and says that so many stand before it.
    """

    log: str
    entries: Sequence[Entry]
    commands: Sequence[Command]
    expects: Sequence[tuple[str, int]] = ()
    claims: Sequence[Claim] = ()
    releases: Sequence[tuple[str, str]] = ()
    closes: int | None = None


class Repeated(errors.Conflict):
    """A command of the batch was answered before; look its first answer up."""


_APPEND = (
    "SELECT ledger.append(%s, %b::bytea[], %s::text[], %s::uuid[], %b::int4[], %s::text[], %b::bytea[],"
    " %b::int4[], %s::uuid[], %b::int4[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[],"
    " %s::int8)"
)


def append(conn: Connection, batch: Batch) -> int:
    """The position of the batch's first entry, once everything of it stands in the open transaction.

    On a connection in autocommit mode the call is its own transaction. Raises Stale, Taken, Repeated,
    NotAllowed (the log is not open for writing here), Invalid (a time of another width).
    """
    try:
        row = conn.execute(_APPEND, _arguments(batch)).fetchone()
    except pg.UniqueViolation as error:
        raise _taken(error) from None
    except psycopg.Error as error:
        raise _known(error) from error
    if row is None or not isinstance(row[0], int):
        raise errors.Unavailable("the append gave no position")
    return row[0]


def _arguments(batch: Batch) -> list[object]:
    entries, commands, claims = batch.entries, batch.commands, batch.claims
    return [
        batch.log,
        [e.value for e in entries], [e.time for e in entries],
        [e.stream for e in entries], [e.version for e in entries],
        [c.id for c in commands], [c.digest for c in commands], [c.events for c in commands],
        [s for s, _ in batch.expects], [v for _, v in batch.expects],
        [c.kind for c in claims], [c.key for c in claims], [c.stream for c in claims],
        [k for k, _ in batch.releases], [k for _, k in batch.releases], batch.closes,
    ]  # fmt: skip


def _taken(error: pg.UniqueViolation) -> errors.Conflict:
    match error.diag.constraint_name:
        case "command_once":
            return Repeated("the command was answered before")
        case "claim_once":
            return errors.Taken("somebody was quicker: what you asked for is taken; choose another")
        case _:
            return errors.Stale("the record has moved on since you read it; read it again")


def _known(error: psycopg.Error) -> errors.YinqiaoError:
    match error.sqlstate:
        case "YQ001":
            return errors.NotAllowed("this log is not open for writing at this node")
        case "YQ002":
            return errors.Stale("something the decision rests on has moved on; read it again")
        case "YQ003":
            return errors.Invalid("a record's time must have 27 characters")
        case _:
            return errors.Unavailable(
                "the database did not record the command; the same key may be sent again"
            )


class Answered(NamedTuple):
    """What a command id was answered with."""

    digest: bytes
    position: int
    events: int


def answered(conn: Connection, log: str, command: str, event: str) -> Answered | None:
    """The first answer of a command id, whose first event has this id; None when it was never answered.

    In a log that was restored the event alone tells of the command; its digest is then empty.
    """
    row = conn.execute(
        "SELECT digest, position, count FROM ledger.command WHERE log = %s AND command = ANY (%s)",
        [log, [command, event]],
    ).fetchone()
    return Answered(*row) if row else None  # type: ignore[arg-type]  # the table's own types


def reserve(conn: Connection, log: str, command: str, event: str, digest: bytes) -> bool:
    """Take a command id for an answer that records nothing; False when it is another request's.

    Waits for a transaction that is about to take it. As in `answered`, the event alone may tell of a command.
    """
    conn.execute(
        "INSERT INTO ledger.command VALUES (%s, %s, %b, 0, 0) ON CONFLICT DO NOTHING", [log, command, digest]
    )
    row = conn.execute(
        "SELECT bool_and(digest = %b) FROM ledger.command WHERE log = %s AND command = ANY (%s)",
        [digest, log, [command, event]],
    ).fetchone()
    return row == (True,)


def holder(conn: Connection, log: str, kind: str, key: str) -> str | None:
    """The stream that holds a claim."""
    row = conn.execute(
        "SELECT stream::text FROM ledger.claim WHERE log = %s AND kind = %s AND key = %s", [log, kind, key],
    ).fetchone()  # fmt: skip
    return str(row[0]) if row else None
