"""The state of any stream at a version or at what was known then, and what lies between two of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from events import catalogue, errors, history
from events.event import Event, Record
from events.history import Continued, Corrected, Voided, stream_of
from projections.track import Vector
from services.auditor import differences
from services.auditor.differences import Difference
from services.ledger import closing, read
from services.runtime.database import Connection


class Fact(NamedTuple):
    """A record of the stream as it stands in the log.

    `payload` is what it says now: None when it was voided, or is itself a correction or voiding.
    `changed_by` are the positions of the corrections and voidings of it.
    """

    record: Record[Event]
    payload: dict[str, Any] | None
    changed_by: tuple[int, ...]


class State(NamedTuple):
    """A stream folded up to a version; `fields` are None before its first record, or when it cannot be.

    `broken` says why its history cannot be folded; then the facts are all there is to show.
    """

    log: str
    stream: str
    aggregate: str | None
    version: int
    time: str | None
    fields: dict[str, Any] | None
    facts: tuple[Fact, ...]
    broken: str | None


def known(conn: Connection, log: str, stream: str, vector: Vector, date: str | None = None) -> State:
    """The stream as it was known at a vector, and not after `date` (27 characters). Raises NotFound, Damage.

    A stream of which nothing was known yet has version 0. Once its first record was known, so was all that it
    goes on from in a closed log: that record rests on it, whatever the vector says of that log.
    """
    known_to = vector.get(log, 0)
    records = _history(conn, log, stream)
    return _state(
        log, stream,
        _cut(log, records, lambda r: r.position <= known_to and (date is None or r.time <= date)),
    )  # fmt: skip


def at_version(conn: Connection, log: str, stream: str, version: int | None = None) -> State:
    """The stream up to a version, or all of it that is held here. Raises NotFound, Damage.

    Versions count in this log. From version 1 on, the state of a stream that goes on from a closed log has
    in it all that it goes on from; the versions there are those of the stream there.
    """
    records = _history(conn, log, stream)
    if version is not None and not 0 <= version <= records[-1].version:
        raise errors.NotFound(
            f"the stream has versions 1 to {records[-1].version}, not {version}", field="version"
        )
    return _state(log, stream, _cut(log, records, lambda r: version is None or r.version <= version))


def _cut(
    log: str, records: Sequence[Record[Event]], keep: Callable[[Record[Event]], bool]
) -> list[Record[Event]]:
    """The stream's own records that are kept, after those of other logs; nothing when none is."""
    own = [record for record in records if record.log == log and keep(record)]
    return [*(record for record in records if record.log != log), *own] if own else []


def before(conn: Connection, log: str, stream: str, version: int) -> State:
    """What a version changed: the one before, and for the first one what the stream goes on from, if any."""
    records = _history(conn, log, stream)
    first = next(record for record in records if record.log == log)
    if version == 1 and isinstance(first.data, Continued) and records[0] is not first:
        old = first.data.continues
        return at_version(conn, old.log, old.subject, old.version)
    return at_version(conn, log, stream, max(version - 1, 0))


def goes_on(conn: Connection, log: str, stream: str) -> tuple[str, str] | None:
    """The log and stream in which a stream of a closed log goes on, as far as that is held here."""
    closed = closing.of(conn, log)
    successor = closed.succession.of(stream) if closed else None
    if successor is None:
        return None
    there = successor, stream_of(log, stream, successor)
    return there if read.history(conn, *there) else None


def between(before: State, after: State) -> Iterator[Difference]:
    """What differs, field by field; of a state that is not there, every field."""
    return differences.fields(before.fields or {}, after.fields or {})


def _history(conn: Connection, log: str, stream: str) -> Sequence[Record[Event]]:
    try:
        records = read.history(conn, log, str(UUID(stream)))
    except ValueError:
        raise errors.Invalid("a stream is named by a UUID", field="stream") from None
    if not records:
        raise errors.NotFound(f"there is no stream {stream[:36]} of log {log} here", field="stream")
    return records


def _state(log: str, stream: str, records: Sequence[Record[Event]]) -> State:
    if not records:
        return State(log, stream, None, 0, None, None, (), None)
    last = records[-1]
    facts, state, broken = _folded(records)
    return State(log, stream, last.aggregate, last.version, last.time, state, facts, broken)


def _folded(
    records: Sequence[Record[Event]],
) -> tuple[tuple[Fact, ...], dict[str, Any] | None, str | None]:
    try:
        now = {record.key: record.data for record in history.effective(records)}
        state = catalogue.AGGREGATES[records[0].aggregate].fold(records)
    except errors.BadRecord as error:
        return tuple(Fact(r, plain(r.data), ()) for r in records), None, error.message
    facts = tuple(Fact(r, plain(now[r.key]) if r.key in now else None, _changes(records, r)) for r in records)
    return facts, None if state is None else plain(state), None


def _changes(records: Sequence[Record[Event]], fact: Record[Event]) -> tuple[int, ...]:
    at = fact.position
    return tuple(r.position for r in records if changed(r.data) == at and fact.key in history.meant(r, at))


def changed(event: Event) -> int | None:
    """The position of the fact that a correction or voiding changes; None for any other event."""
    match event:
        case Corrected(corrects=position) | Voided(voids=position):
            return position
    return None


def plain(value: Any) -> Any:
    """A payload or a state as JSON values, the same each time: sets sorted, keys of several parts joined."""
    match value:
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {_key(name): plain(part) for name, part in sorted(value.items())}
        case list() | tuple():
            return [plain(part) for part in value]
        case frozenset() | set():
            return sorted((plain(part) for part in value), key=str)
        case _ if is_dataclass(value):
            return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return to_jsonable_python(value)


def _key(name: Any) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
