"""Logs with redacted records: the decisions, and a ledger that carried them out."""

import base64
from collections.abc import Iterator, Sequence
from uuid import uuid4

from events import catalogue, envelope, merkle
from events.membership import RecordRedacted
from events.values import Reason, Why
from services.ledger import append, redaction
from tests.services.ledger.nodes import ALLIANCE, LOG, TIME, Ledger


def decision(values: Sequence[bytes], redacts: int, **other: str | int) -> append.Entry:
    """To redact that record of a log; `other` fields of the decision say something else."""
    value, stream = values[redacts - 1], str(uuid4())
    said: dict[str, str | int] = {
        "log": LOG, "position": redacts, "leaf": base64.b64encode(merkle.leaf_hash(value)).decode(),
        "stream": envelope.read(value).stream,
    }  # fmt: skip
    data = RecordRedacted(**said | other, reason=Why(code=Reason.OTHER))  # type: ignore[arg-type]  # as said
    prepared = envelope.prepare(
        alliance=ALLIANCE, log=LOG, id=str(uuid4()), aggregate="record", stream=stream, version=1,
        actor="system", data=data,
    )  # fmt: skip
    return append.Entry(prepared, TIME, stream, 1)


def decided(values: Sequence[bytes], *positions: int) -> list[bytes]:
    """The log, and then the decisions to redact these of its records."""
    return [*values, *stamped(len(values), *(decision(values, position) for position in positions))]


def stamped(after: int, *entries: append.Entry) -> Iterator[bytes]:
    """Finished values that follow a position."""
    return (envelope.stamp(entry.value, n, TIME) for n, entry in enumerate(entries, after + 1))


def redact(ledger: Ledger, decisions: Sequence[bytes]) -> int:
    """Carry decisions out; how many records lost their bytes."""
    with ledger.database.transaction() as conn:
        return redaction.apply(conn, map(catalogue.decode, decisions))
