"""Group commit: what several threads append to one log at the same moment goes in one transaction.

Appends to a log take turns under its head row's lock, which is held until the commit is on the disk: alone,
each would wait for the flushes of all before it.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from services.ledger import append
from services.ledger.append import Batch
from services.runtime.database import Database

MOST = 200
"""Entries in one transaction, unless a single batch has more."""


@dataclass(eq=False)
class _Turn:
    """A batch that waits; once `ready` it stands from `position` on, or its thread leads, or is alone."""

    batch: Batch
    ready: threading.Event = field(default_factory=threading.Event)
    position: int | None = None
    leads: bool = False


class Grouping:
    """Appends to the logs of one database; any number of threads may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: defaultdict[str, deque[_Turn]] = defaultdict(deque)
        self._led: set[str] = set()

    def append(self, batch: Batch) -> int:
        """See `append.append`: committed on return. What is wrong with one batch is its own thread's matter.

        Nobody waits for company: who comes first leads at once, and takes those along who came meanwhile.
        """
        turn = self._enter(batch)
        turn.ready.wait()
        group = self._take(batch.log, turn) if turn.leads else []
        if len(group) > 1:
            self._together(batch.log, group)
        try:
            return self._alone(batch) if turn.position is None else turn.position
        finally:
            if len(group) == 1:
                self._hand_over(batch.log)

    def _enter(self, batch: Batch) -> _Turn:
        turn = _Turn(batch)
        with self._lock:
            if batch.log in self._led:
                self._waiting[batch.log].append(turn)
            else:
                self._led.add(batch.log)
                _appoint(turn)
        return turn

    def _take(self, log: str, leader: _Turn) -> list[_Turn]:
        """The leader's turn and, in their order, those that have nothing in common with any before them.

        What closes a log says how many entries stand before it, and goes alone.
        """
        if leader.batch.closes is not None:
            return [leader]
        group, left = [leader], deque[_Turn]()
        touched, entries = _touched(leader.batch), len(leader.batch.entries)
        with self._lock:
            for turn in self._waiting[log]:
                mine, size = _touched(turn.batch), len(turn.batch.entries)
                if turn.batch.closes is None and entries + size <= MOST and touched.isdisjoint(mine):
                    group.append(turn)
                    entries += size
                else:
                    left.append(turn)
                touched |= mine
            self._waiting[log] = left
        return group

    def _together(self, log: str, group: Sequence[_Turn]) -> None:
        """One transaction for all; if it fails, whatever the cause, each is on its own."""
        try:
            position = self._alone(_merged(log, [turn.batch for turn in group]))
        except Exception:  # noqa: BLE001, S110  (each meets its own cause, or none, when it appends alone)
            pass
        else:
            for turn in group:
                turn.position = position
                position += len(turn.batch.entries)
        finally:
            self._hand_over(log)
            for turn in group:
                turn.ready.set()

    def _alone(self, batch: Batch) -> int:
        with self._database.connection() as conn:
            return append.append(conn, batch)

    def _hand_over(self, log: str) -> None:
        with self._lock:
            if self._waiting[log]:
                _appoint(self._waiting[log].popleft())
            else:
                self._led.discard(log)


def _appoint(turn: _Turn) -> None:
    turn.leads = True
    turn.ready.set()


def _touched(batch: Batch) -> set[Hashable]:
    """Streams, commands and claims: batches with none in common come to the same in any order."""
    claims = ((claim.kind, claim.key) for claim in batch.claims)
    return {
        *(entry.stream for entry in batch.entries), *(stream for stream, _ in batch.expects),
        *(command.id for command in batch.commands), *claims, *batch.releases,
    }  # fmt: skip


def _merged(log: str, batches: Sequence[Batch]) -> Batch:
    return Batch(
        log,
        [entry for batch in batches for entry in batch.entries],
        [command for batch in batches for command in batch.commands],
        [expect for batch in batches for expect in batch.expects],
        [claim for batch in batches for claim in batch.claims],
        [release for batch in batches for release in batch.releases],
    )
