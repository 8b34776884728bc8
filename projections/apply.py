"""Fold a batch of covered records into read models: rows, what waits, and positions in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import Connection

from events import errors
from events.event import Event, Key, Record
from events.history import GENERIC, Continued
from events.membership import RecordRedacted
from projections import judge, tables, track, waiting
from projections.effective import Histories, nothing
from projections.judge import Aside, Asides, Batch, Cause, Judge, Lately
from projections.model import Handler, Instance
from projections.rows import Draft, Rows
from projections.source import Entry, Source
from projections.tables import Table
from projections.waiting import Troubles

ATTEMPTS = 3
"""How often a handler is tried before its record is set aside."""
ROUNDS = 8
"""How often what became ready is tried within one transaction; the rest waits for the next."""
_OURS = (
    psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError,
    KeyError, TypeError, ValueError,
)  # fmt: skip
"""What a record can cause when its rows are written; anything else is the database's own trouble."""


class Fold:
    """One instance during one transaction."""

    def __init__(
        self,
        conn: Connection[Any],
        instance: Instance,
        found: dict[str, Table],
        histories: Histories,
        left: tuple[bool, bool],
    ) -> None:
        """`left`: whether anything waits, and whether anything was skipped."""
        self.instance = instance
        self._conn, self._tables, self._histories = conn, found, histories
        self._routes: dict[type[Event], tuple[Handler, ...]] = {}
        self.waits, self.skips = left
        self._gone: set[Key] = set()

    def fold_quickly(self, batch: Batch) -> bool:
        """Fold a batch in which nothing waits and nothing fails, without waiting for the database.

        False when it is another kind of batch; then nothing was sent. The database's refusal comes later,
        when the caller's pipeline ends.
        """
        if self.waits or self.skips or batch.asides:
            return False
        rows = self._handle_all(batch)
        if rows is None:
            return False
        rows.flush(self._conn)
        return True

    def fold(self, batch: Batch) -> None:
        """Fold what may be folded and set the rest aside, looking at each record.

        When the rows cannot be written, the batch is folded again in halves, down to the one record that
        cannot: it is set aside as failed, and everything else goes on.
        """
        batch = self._without_skipped(batch) if self.skips else batch
        rows, asides = self._handle_each(batch)
        try:
            with self._conn.transaction():
                rows.flush(self._conn)
        except _OURS as error:
            self._fold_in_halves(batch, error)
        else:
            self._settle(batch, asides)

    def _troubles(self, batch: Batch) -> Troubles:
        return waiting.troubles(self._conn, self.instance.name, batch.records) if self.waits else Troubles()

    def _without_skipped(self, batch: Batch) -> Batch:
        gone = waiting.skipped(self._conn, self.instance.name, batch.records)
        return batch.only({r.key for r in batch.records} - gone) if gone else batch

    def _fold_in_halves(self, batch: Batch, error: Exception) -> None:
        if len(batch.records) > 1:
            for half in batch.halves():
                self.fold(half)
        else:
            failed = Aside(Cause.FAILED, None, _said(error))
            self._settle(batch, {record.key: failed for record in batch.records})

    def _handle_all(self, batch: Batch) -> Rows | None:
        rows = Rows(self._tables, batch.begun, local=not self.instance.scratch)
        routes = {kind: route for kind in batch.kinds if (route := self._route(kind))}
        if not routes:
            return rows
        try:
            for record in batch.records:
                for handler in routes.get(type(record.data), ()):
                    handler(record, rows)
        except psycopg.errors.PipelineAborted:
            return None
        except psycopg.OperationalError:
            raise
        except Exception:  # noqa: BLE001  (what failed is found again, and set aside, record by record)
            return None
        return rows

    def _handle_each(self, batch: Batch) -> tuple[Rows, Asides]:
        troubles = self._troubles(batch)
        rows, asides = Rows(self._tables, local=not self.instance.scratch), Asides()
        for record in batch.records:
            aside = troubles.of(record) or batch.asides.get(record.key) or self._try(record, rows)
            if aside is None:
                troubles.remove(record)
            else:
                asides[record.key] = aside
                troubles.add(record)
        return rows, asides

    def _try(self, record: Record[Event], rows: Rows) -> Aside | None:
        cause, said = Cause.FAILED, ""
        for _ in range(ATTEMPTS):
            draft = Draft()
            try:
                for handler in self._route(type(record.data)):
                    handler(record, draft)
                draft.into(rows)
            except psycopg.OperationalError:
                raise
            except errors.UnknownType as error:
                cause, said = Cause.UNKNOWN, error.message
            except Exception as error:  # noqa: BLE001  (a handler's failure is a decision: set aside)
                said = _said(error)
            else:
                return None
        return Aside(cause, None, said)

    def _settle(self, batch: Batch, asides: Asides) -> None:
        asides = {key: aside for key, aside in asides.items() if key not in self._gone}
        if asides:
            waiting.save(self._conn, self.instance.name, batch.records, asides)
            self.waits = True
        if self.waits:
            folded = [record.key for record in batch.records if record.key not in asides]
            waiting.clear(self._conn, self.instance.name, folded)

    def _route(self, kind: type[Event]) -> tuple[Handler, ...]:
        found = self._routes.get(kind)
        if found is None:
            model = self.instance.model
            again = issubclass(kind, GENERIC) and not model.verbatim
            found = (self._fold_again,) if again else model.handlers.of(kind)
            found = (self._redact, *found) if issubclass(kind, RecordRedacted) else found
            self._routes[kind] = found
        return found

    def _fold_again(self, record: Record[Any], rows: Rows) -> None:
        """A correction or voiding: the stream's rows go, and its effective history is handled anew.

        So do those of the stream that it goes on from, if it does: its facts are the new one's from now on.
        Raises ImpossibleHistory when the facts that remain cannot follow one another.
        """
        facts = self._histories.effective(record, self._skipped if self.skips else nothing)
        rows.drop_stream((record.log, record.stream))
        if isinstance(record.data, Continued):
            rows.drop_stream((record.data.continues.log, record.data.continues.subject))
        for fact in facts:
            for handler in self.instance.model.handlers.of(type(fact.data)):
                handler(fact, rows)

    def _redact(self, record: Record[Any], rows: Rows) -> None:
        """A record's bytes are gone by decision: its stream is handled anew without it.

        Whether the bytes are here still, or were never here, the model comes to the same.
        """
        decision: RecordRedacted = record.data
        if decision.log != record.log or decision.position >= record.position:
            return
        waiting.redact(self._conn, self.instance.name, decision)
        self._gone.add((decision.log, decision.position))
        self.waits = self.skips = True
        rows.drop_stream((decision.log, decision.stream))
        for fact in self._left(decision, record.position):
            for handler in self.instance.model.handlers.of(type(fact.data)):
                handler(fact, rows)

    def _left(self, decision: RecordRedacted, before: int) -> list[Record[Event]]:
        """What was folded of the stream, without what is gone; of a verbatim model every record."""
        until = waiting.first(self._conn, self.instance.name, decision.log, decision.stream, before) - 1
        if not self.instance.model.verbatim:
            return self._histories.left(decision.log, decision.stream, until, self._skipped)
        gone = self._skipped(decision.log, decision.stream)
        return self._histories.source.history(decision.log, decision.stream, until, gone)

    def _skipped(self, log: str, stream: str) -> frozenset[int]:
        found = self._conn.execute(
            "SELECT position FROM projection.skipped"
            " WHERE model = %s AND log = %s AND stream = %s::text::uuid",
            [self.instance.name, log, stream],
        ).fetchall()
        return frozenset(position for (position,) in found)


def _said(error: Exception) -> str:
    """The kind of the error and, when it is ours, what it says; a stranger's may repeat payload values."""
    kind = type(error).__name__
    return f"{kind}: {error.message}" if isinstance(error, errors.YinqiaoError) else kind


class Interwoven(Exception):
    """Logs that are folded apart depend on one another in more than their bases: fold them in one."""


def _check_apart(batch: Batch, folds: Sequence[Fold], elsewhere: Collection[str]) -> None:
    """Nothing waits, since what rests on it may be folded elsewhere; no stream goes on from there."""
    if any(fold.waits for fold in folds) or any(
        isinstance(r.data, Continued) and r.data.continues.log in elsewhere for r in batch.records
    ):
        raise Interwoven


_NOWHERE: Mapping[str, int] = {}
_NOTHING_AHEAD: tuple[list[Entry], Batch] = ([], Batch([], {}, {}))


class Engine:
    """Applies batches; keeps between them what is dear to look up. Not shared between threads."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, int], dict[str, Table]] = {}
        self._lately = Lately()
        self._ahead = _NOTHING_AHEAD

    def apply(
        self,
        conn: Connection[Any],
        instances: Sequence[Instance],
        entries: list[Entry],
        source: Source,
        followed: Collection[str],
        meanwhile: Callable[[], object] = lambda: None,
        elsewhere: Mapping[str, int] = _NOWHERE,
    ) -> int:
        """Fold entries, each log's in order, into instances that stand at one vector.

        What lies within the vector was folded before and is passed over; a gap after it is a ValueError.
        All in the caller's transaction, rows and positions together. `followed` are the logs whose records
        can still come, `meanwhile` is called once while the database works. Returns how many records were
        handled, entries and those that had waited; 0 when there was nothing to do.

        `elsewhere` are logs that another engine folds into the same instances up to these positions at the
        same time. Raises Interwoven where that cannot be done apart.
        """
        judging, histories = Judge(source, followed, self._lately), Histories(source)
        left = waiting.any_(conn, [i.name for i in instances])
        folds = [Fold(conn, i, self._tables_of(conn, i), histories, left[i.name]) for i in instances]
        vector = {**track.vector(conn, instances[0].name), **elsewhere}
        entries = _continuing(entries, vector)
        if entries:
            batch = judging.fresh(self._decoded(entries), vector)
            _fold_all(conn, folds, batch, meanwhile)
            ends = {log: at for log, at in batch.ends.items() if log not in elsewhere}
            track.move(conn, [i.name for i in instances], ends)
            vector = batch.ends
            if elsewhere:
                _check_apart(batch, folds, elsewhere)
        return len(entries) + _release(conn, folds, judging, source, vector)

    def decode_ahead(self, entries: list[Entry]) -> None:
        """Decode what the next call will be given, if it is this very list."""
        self._ahead = entries, judge.decoded(entries)

    def _decoded(self, entries: list[Entry]) -> Batch:
        ahead, batch = self._ahead
        self._ahead = _NOTHING_AHEAD
        return batch if ahead is entries else judge.decoded(entries)

    def _tables_of(self, conn: Connection[Any], instance: Instance) -> dict[str, Table]:
        key = instance.name, instance.model.version
        if key not in self._tables:
            self._tables[key] = tables.load(conn, instance.schema, instance.model.local_tables)
        return self._tables[key]


def _fold_all(
    conn: Connection[Any], folds: Sequence[Fold], batch: Batch, meanwhile: Callable[[], object]
) -> None:
    """The quick way for every model that can go it, all statements in one pipeline; else record by record."""
    left: list[Fold] = []
    try:
        with conn.transaction(), conn.pipeline():
            left = [fold for fold in folds if not fold.fold_quickly(batch)]
            meanwhile()
    except (*_OURS, psycopg.InternalError, psycopg.errors.PipelineAborted):
        left = list(folds)  # one refusal takes the whole pipeline with it; the savepoint undid it
    for fold in left:
        fold.fold(batch)


def _continuing(entries: list[Entry], vector: track.Vector) -> list[Entry]:
    last, found = dict(vector), []
    for entry in entries:
        at = last.get(entry.log, 0)
        if entry.position > at:
            if entry.position != at + 1:
                raise ValueError(f"{entry.log}:{entry.position} does not follow position {at}")
            last[entry.log] = entry.position
            found.append(entry)
    return entries if len(found) == len(entries) else found


def _release(
    conn: Connection[Any], folds: Sequence[Fold], judging: Judge, source: Source, vector: track.Vector
) -> int:
    """Try again what became ready, which may make more ready."""
    handled = 0
    for _ in range(ROUNDS):
        ready = {fold: set(waiting.ready(conn, fold.instance.name, 1_000)) for fold in folds if fold.waits}
        keys = set().union(*ready.values())
        entries = sorted(source.entries(keys), key=lambda e: e.order) if keys else []
        if not entries:
            break
        batch = judging.again(entries, vector)
        for fold, mine in ready.items():
            fold.fold(batch.only(mine))
        handled += len(entries)
    return handled
