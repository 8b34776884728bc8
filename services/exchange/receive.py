"""The receiver: reads the topics of the logs this node follows, and stores what their checkpoints cover.

Offsets are hints, stored with the entries. Killed at any instant, it reads a stretch again and stores nothing
twice; the topic's own repeats are recognised in the same way.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from events import errors
from events.alliance import Alliance
from services.exchange import hints, settle, wire
from services.exchange.assignment import Assignment
from services.exchange.buffer import RUN_BYTES, Fate
from services.exchange.followed import Followed
from services.exchange.heal import Healed, Healer
from services.exchange.hints import Hint
from services.exchange.settle import Order, Round
from services.exchange.storing import Batch, Storing
from services.exchange.tiles_client import Holder
from services.ledger import closing, logs
from services.runtime.database import Database
from services.runtime.failpoints import failpoint
from services.transport import base

BATCH = 4_000
_LEAST_CAP = 64 * 2**20
_SLACK = 2**20
QUIET = 300.0
"""Seconds without anything new after which holders are asked whether they have more of a log."""
_HINT_SECONDS = 1.0
_BACKOFF = 0.5
_BRIEFLY = 0.005
"""Seconds to wait for records while others are being stored."""
_SHORTLY = 0.05
"""And while a holder is being asked."""


def cap(logs: int) -> int:
    """Bytes for the runs of so many logs together: one whole run of each has its place."""
    return max(_LEAST_CAP, logs * (RUN_BYTES + _SLACK))


class Receiver:
    """Receives `follow`, logs that are not this node's own. Belongs to one thread.

    `holders` are asked for tiles when a topic does not lead on. `wake` is called after something was stored;
    `monotonic` gives seconds; so long is `quiet`.
    """

    def __init__(
        self,
        database: Database,
        exchange: base.Exchange,
        alliance: Alliance,
        follow: Sequence[str],
        holders: Sequence[Holder] = (),
        *,
        wake: Callable[[], object] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        quiet: float = QUIET,
    ) -> None:
        self._database, self._alliance, self._wake, self._now = database, alliance, wake, monotonic
        self._logs: dict[str, Followed] = {}
        self._names = list(follow)
        self._assignment = Assignment(exchange)
        self._healer = Healer(database, alliance, holders)
        self._cap = cap(len(self._names))
        self._storing = Storing(database, alliance, wake)
        self._stuck = False
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._found: dict[str, errors.Breach] = {}
        self._saved: dict[str, Hint] = {}
        self._saved_at = 0.0
        self._quiet, self._look_at = quiet, self._now() + quiet
        self._stood: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Receive until told to stop; while database or exchange are away, wait and try again."""
        while not stop.is_set():
            try:
                self.step(1.0)
            except errors.Unavailable:
                stop.wait(_BACKOFF)

    def step(self, timeout: float) -> int:
        """Read what there is, waiting up to `timeout` seconds, and have it stored; how many records were new.

        What is read is stored while the next call reads, which then counts it. Raises Unavailable; nothing is
        forgotten then, and nothing more read before it is stored.
        """
        if not self._logs:
            self._open()
        self._keep_evidence()
        new = self._store(wait=self._stuck or self._weight() > self._cap // 2) + self._heal()
        self._assignment.refresh(self._logs.values(), self._now())
        self._take(self._assignment.poll(self._pause(timeout), BATCH))
        failpoint("receive.buffered")
        return new + self._store(wait=False)

    def _pause(self, timeout: float) -> float:
        if self._storing.busy:
            return _BRIEFLY
        return min(timeout, _SHORTLY) if self._healer.busy else timeout

    def close(self) -> None:
        """Finish what is being stored, stop asking holders, and give the reader back."""
        self._storing.close()
        self._healer.close()
        self._assignment.close()

    def _open(self) -> None:
        with self._database.transaction() as conn:
            for log in self._names:
                logs.follow(conn, log)
            states = [logs.state(conn, log) for log in self._names]
            self._saved = hints.load(conn, self._names)
            ended = closing.ended(conn)
        self._logs = {s.log: Followed.of(s, self._saved.get(s.log)) for s in states}
        for log in ended & self._logs.keys():
            self._logs[log].stopped = True

    def _take(self, messages: Sequence[base.Message]) -> None:
        now = self._now()
        for message in messages:
            followed = self._logs[message.log]
            followed.next = message.offset + 1
            slot = wire.read(message)
            if isinstance(slot, wire.Unusable):
                self._dropped[message.log, slot.kind] += 1
                continue
            fate = followed.take(slot, message.value or b"", message.offset, now)
            if fate is Fate.AHEAD or fate is Fate.RIVAL:
                self._dropped[message.log, fate.value] += 1
        for notice in self._assignment.notices(self._logs, now):
            self._dropped[notice] += 1
        self._fit()

    def _fit(self) -> None:
        """One cap for all runs, in which one of each log has its place; the largest gives way."""
        while self._weight() > self._cap:
            largest = max(self._logs.values(), key=lambda f: f.buffer.bytes)
            largest.drop(self._now())
            self._dropped[largest.log, "uncovered"] += 1

    def _weight(self) -> int:
        return sum(f.buffer.bytes for f in self._logs.values())

    def _store(self, *, wait: bool) -> int:
        """Take back what is stored by now, and have what came since stored; how many records were new."""
        self._stuck = True  # until both succeed: while the database is away, nothing more is read
        if wait and not self._storing.busy:
            self._begin()
        new = self._finish(wait=wait)
        if not self._storing.busy:
            self._begin()
        self._stuck = False
        return new

    def _begin(self) -> None:
        orders = [order for f in self._logs.values() if not f.paused and (order := Order.of(f))]
        if not orders and self._now() < self._saved_at + _HINT_SECONDS:
            return
        moved = self._moved({order.log: order.end for order in orders})
        if orders or moved or self._dropped:
            dropped, self._dropped = self._dropped, Counter()
            self._saved_at = self._now()
            self._storing.begin(Batch(orders, moved, dropped))

    def _moved(self, ends: Mapping[str, int]) -> list[Hint]:
        """The hints that will be true when the logs are held up to these ends, and are not remembered yet."""
        found = (
            Hint(f.log, f.identity, f.hint(max(ends.get(f.log, 0), f.buffer.stored)))
            for f in self._logs.values()
            if f.identity
        )
        return [hint for hint in found if hint != self._saved.get(hint.log)]

    def _finish(self, *, wait: bool) -> int:
        try:
            finished = self._storing.finish(wait=wait)
        except errors.Unavailable:
            self._give_back(self._storing.batch)
            raise
        return self._taken_back(*finished) if finished else 0

    def _give_back(self, batch: Batch) -> None:
        """Nothing of it was stored: it is still to do."""
        self._dropped += batch.dropped
        for order in batch.orders:
            for position, notes in order.repeats.items():
                self._logs[order.log].repeats.setdefault(position, set()).update(notes)

    def _taken_back(self, batch: Batch, done: Round) -> int:
        self._saved |= {hint.log: hint for hint in batch.hints if hint.log not in done.failed}
        new = sum(self._logs[log].advance(stored) for log, stored in done.stored.items())
        for log in done.stopped:
            self._leave(log)
        for log, breach in done.breaches.items():
            self._stop(log, breach)
        self._keep_evidence()
        examined = sum(self._examine(self._logs[log]) for log in done.doubtful)
        self._keep_evidence()
        return new + self._told(examined)

    def _examine(self, followed: Followed) -> int:
        """Take a run apart that did not prove itself as a whole; how many records were new all the same."""
        before = followed.buffer.stored
        try:
            dropped = settle.examine(self._database, self._alliance, followed, self._now())
        except errors.Breach as breach:
            self._stop(followed.log, breach)
        except errors.Conflict:
            self._leave(followed.log)
        else:
            self._dropped.update({(followed.log, kind): count for kind, count in dropped.items()})
        return followed.buffer.stored - before

    def _heal(self) -> int:
        """Take in what holders gave, and ask them where a topic did not lead on in time."""
        new = self._told(sum(self._taken_in(answer) for answer in self._healer.finished()))
        self._keep_evidence()
        now = self._now()
        self._look_beyond(now)
        for followed in self._logs.values():
            trouble = followed.trouble
            free = not (followed.paused or followed.stopped or followed.log in self._storing.logs)
            if free and trouble is not None and trouble.due <= now:
                self._ask(followed)
        return new

    def _look_beyond(self, now: float) -> None:
        """A topic may simply end early, its owner down: what others hold beyond it is asked for from them."""
        for log in self._healer.seen():
            self._logs[log].amiss(self._logs[log].next, now)
        if now < self._look_at or not self._healer.holders:
            return
        self._look_at = now + self._quiet
        for followed in self._logs.values():
            stored, before = followed.buffer.stored, self._stood.get(followed.log)
            self._stood[followed.log] = stored
            if stored == before and followed.trouble is None and not followed.stopped:
                self._healer.look(followed.log, stored)

    def _ask(self, followed: Followed) -> None:
        if self._healer.holders:
            followed.paused = True
            self._healer.start(followed.log)
        else:
            followed.unhealed(self._now())

    def _taken_in(self, answer: Healed) -> int:
        followed = self._logs[answer.log]
        followed.paused = False
        if answer.breach is not None:
            self._stop(answer.log, answer.breach)
        elif answer.stored is None:
            followed.unhealed(self._now())
        else:
            return followed.healed(answer.stored)
        return 0

    def _stop(self, log: str, breach: errors.Breach) -> None:
        """This log is read no more, the others go on; nothing is stored before the evidence is."""
        self._found[log] = breach
        self._leave(log)

    def _keep_evidence(self) -> None:
        """While the database is away it is held here; killed then, the log's hint still points before it."""
        for log, breach in list(self._found.items()):
            logs.stop(self._database, log, breach)
            del self._found[log]

    def _leave(self, log: str) -> None:
        self._logs[log].stopped = True
        self._logs[log].buffer.clear()

    def _told(self, new: int) -> int:
        if new:
            self._wake()
        return new
