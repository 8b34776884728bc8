"""Durable saves: one event by one, by eight writers at once, and a hundred in a transaction."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from services.bench import library
from services.bench.harness import rate
from services.bench.load import Entry
from services.ledger import append
from services.ledger.recorder import event_store
from services.runtime.database import Database

WRITERS = 8
BATCH = 100


class Saving:
    """Our event store and the library's, each in a database of its own on one server."""

    def __init__(self, database: Database, limit: Application[Any]) -> None:
        self._store = event_store(database)
        self._limit = limit

    def one_by_one(self, entries: Sequence[Entry]) -> float:
        """One transaction an event."""
        return rate(len(entries), lambda: self._save_each(entries))

    def limit_one_by_one(self, entries: Sequence[Entry]) -> float:
        """As `one_by_one`, by the library."""
        notes = list(map(library.note, entries))
        return rate(len(notes), lambda: self._limit_each(notes))

    def at_once(self, entries: Sequence[Entry]) -> float:
        """One transaction an event, by eight writers in one log."""
        return rate(len(entries), lambda: _at_once(self._save_each, entries))

    def limit_at_once(self, entries: Sequence[Entry]) -> float:
        """As `at_once`, by the library."""
        notes = list(map(library.note, entries))
        return rate(len(notes), lambda: _at_once(self._limit_each, notes))

    def bulk(self, entries: Sequence[Entry]) -> float:
        """A hundred commands a transaction, log by log."""
        return rate(len(entries), lambda: self._save_all(entries))

    def limit_bulk(self, entries: Sequence[Entry]) -> float:
        """As `bulk`, by the library."""
        notes = [library.note(entry) for entry in entries]
        parts = [notes[start : start + BATCH] for start in range(0, len(notes), BATCH)]
        return rate(len(notes), lambda: [self._limit.save(*part) for part in parts])

    def _save_each(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._save([entry])

    def _save_all(self, entries: Iterable[Entry]) -> None:
        for batch in batches(entries):
            self._save(batch)

    def _save(self, batch: Sequence[Entry]) -> None:
        """From facts to frozen bytes to a commit: what the office does once a command is decided."""
        self._store.recorder.insert_events(
            [self._store.mapper.to_stored_event(entry.fact) for entry in batch],
            log=batch[0].fact.log, times=[entry.time for entry in batch],
            commands=[append.Command(entry.fact.id, entry.leaf, 1) for entry in batch],
        )  # fmt: skip

    def _limit_each(self, notes: Iterable[Aggregate]) -> None:
        for each in notes:
            self._limit.save(each)


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """A hundred entries of one log each, every log's in order."""
    by_log = sorted(entries, key=lambda entry: entry.fact.log)
    for _, group in groupby(by_log, key=lambda entry: entry.fact.log):
        mine = list(group)
        yield from (mine[start : start + BATCH] for start in range(0, len(mine), BATCH))


def _at_once(save: Any, items: Sequence[Any]) -> None:
    """Eight writers; the streams of different writers are different ones."""
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(save, items[n::WRITERS]) for n in range(WRITERS)]:
            done.result()
