"""The projector: folds what is new into the running read models, one transaction a batch."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from events import errors
from projections import quarantine, track, waiting
from projections.apply import Engine
from projections.judge import Cause
from projections.model import Instance, ReadModel, live
from projections.track import Vector
from services.ledger import redaction
from services.projector import news
from services.projector.quick import QuickStep
from services.projector.source import LedgerSource, Reader, covered, reachable
from services.runtime import logs
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint
from services.runtime.signals import Wake

BATCH = 2_000
PAUSE = 1.0
"""Seconds without a hint after which the ledger is looked at anyway."""
log = logs.get(__name__)


class Projector:
    """Keeps the live read models of one node's database up to date. One thread uses it.

    Several may run against one database, by mistake too: each instance is locked while it is folded.
    """

    def __init__(self, database: Database, models: Sequence[ReadModel], *, batch: int = BATCH) -> None:
        self._database, self._batch = database, batch
        self._instances = {model.name: live(model) for model in models}
        self._engine = Engine()
        self._quick = QuickStep(database, list(self._instances.values()), min(batch, news.MOST))
        self._readers: dict[tuple[str, ...], Reader] = {}
        self._reachable: set[str] = set()
        self._ends: Mapping[str, int] = {}
        self.handled = 0

    def prepare(self) -> list[str]:
        """Make the tables that are missing, and let records be tried again whose type may be known now.

        Returns the models whose tables are of another version: they stand still until they are rebuilt.
        """
        with self._database.transaction() as conn:
            conn.execute("LOCK TABLE projection.model IN SHARE ROW EXCLUSIVE MODE")
            known = {state.name: state for state in track.states(conn)}
            for name, instance in self._instances.items():
                if name not in known:
                    track.create(conn, instance)
                quarantine.retry(conn, model=name, causes=[Cause.UNKNOWN])
        return [n for n, i in self._instances.items() if n in known and known[n].version != i.model.version]

    def step(self) -> int:
        """Fold at most one batch into each group of models that stand at one vector.

        Returns how many records were handled; 0 when there is nothing to do. Raises Unavailable; then
        nothing was written and the next call begins where this one did.
        """
        told = self._quick.step(self._ends, self._reachable)
        if told is None:
            handled = self._step_thoroughly()
        else:
            handled, self._ends = len(told.entries), told.ends
        self.handled += handled
        return handled

    def _step_thoroughly(self) -> int:
        handled = 0
        try:
            with self._database.transaction() as conn:
                # A crash of the server may take back whole batches, which are then folded again.
                conn.execute("SET LOCAL synchronous_commit = off")
                ends = self._ends_now(conn)
                self._notice_followed(conn)
                for group, vector in self._groups(conn):
                    handled += self._fold(conn, group, vector, ends)
                stand = news.stand(conn, self._named()) if handled < self._batch else None
                failpoint("project.folded")
        except BaseException:
            self._readers.clear()
            raise
        failpoint("project.committed")
        self._quick.stand = stand
        return handled

    def _named(self) -> list[tuple[str, int]]:
        return [(i.name, i.model.version) for i in self._instances.values()]

    def _ends_now(self, conn: Connection) -> Mapping[str, int]:
        """As far as there is anything; where a log was closed before, what was read ahead is forgotten."""
        before, self._ends = self._ends, covered(conn)
        if any(self._ends.get(log, 0) < at for log, at in before.items()):
            self._readers.clear()
        return self._ends

    def _groups(self, conn: Connection) -> list[tuple[list[Instance], Vector]]:
        """The instances to fold, locked, those at the same vector together."""
        found: dict[tuple[tuple[str, int], ...], list[Instance]] = defaultdict(list)
        running = _running(conn, self._named())
        for name, vector in track.vectors(conn, running).items():
            found[tuple(vector.items())].append(self._instances[name])
        return [(group, dict(items)) for items, group in found.items()]

    def _fold(self, conn: Connection, group: list[Instance], vector: Vector, ends: Mapping[str, int]) -> int:
        reader = self._reader(group, vector)
        entries = reader.take(conn, ends, self._batch)
        source = LedgerSource(conn)
        handled = self._engine.apply(
            conn, group, entries, source, self._reachable,
            lambda: self._engine.decode_ahead(reader.peek(self._batch)),
        )  # fmt: skip
        if decisions := [(e.log, e.position) for e in entries if redaction.decides(e.value)]:
            redaction.apply(conn, source.records(decisions).values())
        return handled

    def _reader(self, group: list[Instance], vector: Vector) -> Reader:
        names = tuple(i.name for i in group)
        reader = self._readers.get(names)
        if reader is None or reader.vector != vector:
            self._readers = {n: r for n, r in self._readers.items() if not set(n) & set(names)}
            reader = self._readers[names] = Reader(vector)
        return reader

    def _notice_followed(self, conn: Connection) -> None:
        now = reachable(conn)
        if now != self._reachable:
            for name in self._instances:
                waiting.refresh_causes(conn, name, now)
            self._reachable = now

    def run(self, stop: threading.Event, wake: Wake) -> None:
        """Fold until told to stop; without work wait for hints, without a database for its return.

        Less than a batch was all there was: what came since has given a hint.
        """
        while not stop.is_set():
            try:
                if self.step() < self._batch:
                    wake.wait(PAUSE)
            except errors.Unavailable as error:
                log.warning("projector-waits", kind=error.kind(), reason=error.message)
                stop.wait(PAUSE)


def _running(conn: Connection, names: Sequence[tuple[str, int]]) -> list[str]:
    """The instances of these versions that run and that nobody else folds or switches now, locked."""
    rows: list[Any] = conn.execute(
        "SELECT m.name FROM projection.model m JOIN unnest(%s::text[], %s::int[]) AS w (name, version)"
        " ON m.name = w.name AND m.version = w.version WHERE m.state = 'running'"
        " ORDER BY m.name FOR NO KEY UPDATE OF m SKIP LOCKED",
        [[n for n, _ in names], [v for _, v in names]],
    ).fetchall()
    return [name for (name,) in rows]
