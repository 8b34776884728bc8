"""What decisions look up: own streams, verified records of others, and what read models say of others."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from eventsourcing.persistence import EventStore

from events.event import Event, Key, Record
from events.history import Continued
from projections import cooperation, inbox, model
from services.ledger import append, closing, read
from services.ledger.closing import Closing
from services.ledger.recorder import Gap
from services.runtime.database import Connection, Database


class LedgerReading:
    """The Reading of a case over one node's database."""

    def __init__(self, database: Database, store: EventStore[str]) -> None:
        self._database, self._store = database, store

    def own(self, stream: str) -> list[Record[Event]]:
        """An own stream, recorded a moment ago or covered long since."""
        return self.held(stream)[0]

    def held(self, stream: str) -> tuple[list[Record[Event]], int]:
        """An own stream, and its last version: that of its last record, or of a redacted one after that."""
        found: list[Record[Event] | Gap] = list(self._store.get(stream))  # type: ignore[arg-type]  # our mapper gives these
        records = [each for each in found if isinstance(each, Record)]
        last = found[-1].version if found else 0
        if not records or not isinstance(records[0].data, Continued):
            return records, last
        with self._database.connection() as conn:
            return read.whole(conn, records), last

    def history(self, log: str, stream: str) -> list[Record[Event]]:
        """Another bureau's stream, as far as checkpoints cover it."""
        with self._database.connection() as conn:
            return read.history(conn, log, stream)

    def record(self, key: Key) -> Record[Event]:
        """One record of any log."""
        with self._database.connection() as conn:
            return read.record(conn, key)

    def holder(self, log: str, kind: str, key: str) -> str | None:
        """The own stream that holds a claim."""
        with self._database.connection() as conn:
            return append.holder(conn, log, kind, key)

    def end(self, log: str) -> tuple[int, bytes]:
        """Size and root of an own log as it stands now."""
        with self._database.connection() as conn:
            return closing.end(conn, log)

    def closing(self, log: str) -> Closing | None:
        """How a log was closed; None while it is open."""
        with self._database.connection() as conn:
            return closing.of(conn, log)

    def closings(self) -> Iterable[Closing]:
        """All that are known here."""
        with self._database.connection() as conn:
            return closing.closings(conn).values()

    def streams(self, closed: Closing) -> Iterator[list[Record[Event]]]:
        """The streams of a closed log, whole."""
        with self._database.connection() as conn:
            yield from closing.streams(conn, closed)

    def answers(self, log: str, stream: str) -> list[Key]:
        """Answers that other bureaus gave to a stream's questions, in replay order."""
        with self._model(inbox.MODEL) as conn:
            return inbox.answers(conn, log, stream)

    def in_force(self, ours: Sequence[str], theirs: Sequence[str], subject: str, day: date) -> Key | None:
        """The entry into force of what opens the subject on that day between two of the bureaus."""
        with self._model(cooperation.MODEL) as conn:
            return cooperation.in_force(conn, ours, theirs, subject, day)

    @contextmanager
    def _model(self, which: model.ReadModel) -> Iterator[Connection]:
        with self._database.connection() as conn, model.reading(conn, which):
            yield conn
