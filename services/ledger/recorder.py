"""The event-sourcing library's recorder and mapper over the ledger: its events are our entries."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import AggregateRecorder, EventStore, JSONTranscoder, Mapper, StoredEvent

from events import catalogue, envelope, merkle
from events.event import Event, Key, Record
from services.ledger import append
from services.ledger.grouping import Grouping
from services.runtime.database import Database


class Fact(NamedTuple):
    """An event before it has a position: everything that its envelope will say but position and time."""

    alliance: str
    log: str
    id: str
    aggregate: str
    stream: str
    version: int
    actor: str
    data: Event
    causation: str | None
    correlation: str | None
    basis: tuple[Key, ...]

    @property
    def originator_id(self) -> str:
        """The stream, as the library names it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version, as the library names it."""
        return self.version


class Gap(NamedTuple):
    """What a stream has in the place of a redacted event."""

    version: int


class EnvelopeMapper(Mapper[str]):
    """Facts to frozen bytes, bytes to records; types are looked up in the catalogue, never imported."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Freeze the bytes. Raises Invalid when they are over the limits."""
        fact: Fact = domain_event
        return StoredEvent(fact.stream, fact.version, fact.data.type, envelope.prepare(**fact._asdict()))

    def to_domain_event(self, stored_event: StoredEvent) -> Record[Event] | Gap:  # type: ignore[override]  # gaps are ours
        """Decode through the pydantic model. Raises Damage, UnknownType."""
        if not stored_event.state:
            return Gap(stored_event.originator_version)
        return catalogue.decode(stored_event.state, merkle.leaf_hash(stored_event.state))


class LedgerRecorder(AggregateRecorder):
    """Inserts by one call of the append function, without the library's pipeline, retries or table lock."""

    def __init__(self, database: Database) -> None:
        self._database, self._grouping = database, Grouping(database)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append to `log` at `times`, with the other parts of a batch; gives positions."""
        times: Sequence[str] = kwargs.pop("times")
        entries = [
            append.Entry(e.state, time, str(e.originator_id), e.originator_version)
            for e, time in zip(stored_events, times, strict=True)
        ]
        first = self._grouping.append(append.Batch(entries=entries, **kwargs))
        return range(first, first + len(entries))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The entries of an own stream, by version."""
        query = _SELECT_DOWN if desc else _SELECT_UP
        with self._database.connection() as conn:
            rows = conn.execute(query, [str(originator_id), gt or 0, lte or 2**31 - 1, limit]).fetchall()
        return [StoredEvent(originator_id, version, "", bytes(value)) for version, value in rows]  # type: ignore[arg-type,call-overload]  # the table's own types


# The index begins with the log, which the library does not name.
_SELECT = """
SELECT version, value FROM ledger.entry WHERE own AND log = ANY (ARRAY(SELECT log FROM ledger.log WHERE own))
    AND stream = %s AND version > %s AND version <= %s ORDER BY version
"""
_SELECT_UP, _SELECT_DOWN = f"{_SELECT} ASC LIMIT %s", f"{_SELECT} DESC LIMIT %s"


def event_store(database: Database) -> EventStore[str]:
    """The library's event store over our ledger."""
    return EventStore(EnvelopeMapper(), LedgerRecorder(database))
