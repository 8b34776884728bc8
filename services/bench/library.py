"""The limit of saving and projecting: the event-sourcing library as it comes, on the same server."""

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from events.event import Event, Record
from projections import model, models, tables, track
from projections.rows import Rows
from services.bench.load import Entry
from services.ledger.recorder import EnvelopeMapper

_PATIENCE = 600.0
_BULK = 500


def environment(dsn: str) -> dict[str, str]:
    """The library's settings for this database; everything else is its own choice."""
    parts = urlsplit(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": parts.hostname or "",
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": unquote(parts.password or ""),
    }


class Note(Aggregate):
    """An aggregate of one event that holds as many bytes as one of our values."""

    class Noted(Aggregate.Created):
        """The event."""

        text: str

    def __init__(self, text: str) -> None:
        self.text = text


def note(entry: Entry) -> Note:
    """An aggregate that was not saved yet."""
    text = entry.value.decode().replace('"', "'")
    return Note._create(Note.Noted, text=text)  # noqa: SLF001  (how the library makes one without its decorator)


def saving(dsn: str) -> Application[Any]:
    """An application to save to."""
    return Application(environment(dsn))


class Recorded(Application[Any]):
    """An application that recorded our very events, decoded as we decode them."""

    def construct_mapper(self) -> Mapper[Any]:
        """Ours: so decoding costs both sides the same."""
        return EnvelopeMapper()

    def record(self, entries: Sequence[Entry]) -> int:
        """Record frozen values as they are; the last one's notification id."""
        last = 0
        for start in range(0, len(entries), _BULK):
            stored = [
                StoredEvent(e.fact.stream, e.fact.version, e.fact.data.type, e.value)
                for e in entries[start : start + _BULK]
            ]
            last = (self.recorder.insert_events(stored) or [0])[-1]
        return last


class View(PostgresTrackingRecorder):
    """All our read models, their rows and the tracking written in one transaction an event."""

    began = ended = 0.0

    def show(self, record: Record[Event], tracking: Tracking) -> None:
        """The same handlers and the same rows as in our projector."""
        self.began = self.began or time.perf_counter()
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for each, known in self._models(cursor.connection):
                rows = Rows(known)
                for handler in each.handlers.of(type(record.data)):
                    handler(record, rows)
                rows.flush(cursor.connection)
        self.ended = time.perf_counter()

    def _models(self, conn: psycopg.Connection[Any]) -> list[tuple[model.ReadModel, dict[str, tables.Table]]]:
        if not hasattr(self, "_known"):
            with psycopg.connect(conn.info.dsn, password=conn.info.password) as plain:
                self._known = [
                    (m, tables.load(plain, model.live(m).schema, m.local_tables)) for m in models.MODELS
                ]
        return self._known


class Shown(Projection[View]):
    """What the library's runner calls."""

    name = "shown"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """One event, one transaction."""
        self.view.show(domain_event, tracking)


def prepare_view(dsn: str) -> None:
    """Make the tables of the read models."""
    with psycopg.connect(dsn) as conn:
        conn.execute(track.schema().encode())
        for each in models.MODELS:
            track.create(conn, model.live(each))


def project(dsn: str, last: int, count: int) -> float:
    """Run the library's runner up to a notification; events a second, from its first event on."""
    with ProjectionRunner(
        application_class=Recorded, projection_class=Shown, view_class=View, env=environment(dsn)
    ) as runner:
        runner.wait(last, timeout=_PATIENCE)
        return count / (runner.view.ended - runner.view.began)
