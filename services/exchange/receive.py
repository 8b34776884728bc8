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
from services.exchange.tiles_client import Holder
from services.ledger import logs
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint
from services.transport import base

BATCH = 4_000
_LEAST_CAP = 64 * 2**20
_SLACK = 2**20
_HINT_SECONDS = 1.0
_BACKOFF = 0.5


class Receiver:
    """Receives `follow`, logs that are not this node's own. Belongs to one thread.

    `holders` are asked for tiles when a topic does not lead on. `wake` is called after something was stored;
    `monotonic` gives seconds.
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
    ) -> None:
        self._database, self._alliance, self._wake, self._now = database, alliance, wake, monotonic
        self._logs: dict[str, Followed] = {}
        self._names = list(follow)
        self._assignment = Assignment(exchange)
        self._healer = Healer(database, alliance, holders)
        self._cap = max(_LEAST_CAP, len(self._names) * (RUN_BYTES + _SLACK))
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._saved: dict[str, Hint] = {}
        self._saved_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Receive until told to stop; while database or exchange are away, wait and try again."""
        while not stop.is_set():
            try:
                self.step(1.0)
            except errors.Unavailable:
                stop.wait(_BACKOFF)

    def step(self, timeout: float) -> int:
        """Read what there is, waiting up to `timeout` seconds, and store it; how many records were new.

        Raises Unavailable; what was read is kept, and the next call stores it before it reads on.
        """
        if not self._logs:
            self._open()
        stored = self._store() + self._heal()
        self._assignment.refresh(self._logs.values(), self._now())
        self._take(self._assignment.poll(timeout, BATCH))
        failpoint("receive.buffered")
        return stored + self._store()

    def close(self) -> None:
        """Stop asking holders, and give the reader back."""
        self._healer.close()
        self._assignment.close()

    def _open(self) -> None:
        with self._database.transaction() as conn:
            for log in self._names:
                logs.follow(conn, log)
            states = [logs.state(conn, log) for log in self._names]
            self._saved = hints.load(conn, self._names)
        self._logs = {s.log: Followed.of(s, self._saved.get(s.log)) for s in states}

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
        weights = {log: f.buffer.bytes for log, f in self._logs.items()}
        while sum(weights.values()) > self._cap:
            log = max(weights, key=weights.__getitem__)
            self._logs[log].drop(self._now())
            self._dropped[log, "uncovered"] += 1
            weights[log] = 0

    def _store(self) -> int:
        """Store what is covered, of all logs in one transaction, with the hints and the counts.

        Killed before the commit, the hints still point before it; killed after it, they point behind it.
        """
        if not self._has_news():
            return 0
        with self._database.transaction() as conn:
            done = settle.settle(conn, self._alliance, self._logs.values())
            saved = self._remember(conn, done)
        failpoint("receive.stored")
        self._saved, self._saved_at = self._saved | saved, self._now()
        self._dropped.clear()
        new = sum(self._logs[log].advance(stored) for log, stored in done.stored.items())
        for followed in self._logs.values():
            followed.repeats.clear()
        for log, breach in done.breaches.items():
            self._stop(log, breach)
        return self._told(new + sum(self._examine(self._logs[log]) for log in done.doubtful))

    def _has_news(self) -> bool:
        if any(f.buffer.marks or f.repeats for f in self._logs.values()):
            return True
        late = self._now() > self._saved_at + _HINT_SECONDS
        return late and bool(self._dropped or self._hints({}))

    def _remember(self, conn: Connection, done: settle.Round) -> dict[str, Hint]:
        moved = self._hints(done.stored)
        hints.save(conn, moved.values())
        hints.damage(conn, self._dropped + done.dropped)
        hints.received(conn, done.stored)
        return moved

    def _hints(self, stored: Mapping[str, int]) -> dict[str, Hint]:
        """Those that moved."""
        found = (
            Hint(f.log, f.identity, f.hint(stored.get(f.log, f.buffer.stored)))
            for f in self._logs.values()
            if f.identity
        )
        return {hint.log: hint for hint in found if hint != self._saved.get(hint.log)}

    def _examine(self, followed: Followed) -> int:
        """Take a run apart that did not prove itself as a whole; how many records were new all the same."""
        before = followed.buffer.stored
        try:
            dropped = settle.examine(self._database, self._alliance, followed, self._now())
        except errors.Breach as breach:
            self._stop(followed.log, breach)
        else:
            self._dropped.update({(followed.log, kind): count for kind, count in dropped.items()})
        return followed.buffer.stored - before

    def _heal(self) -> int:
        """Take in what holders gave, and ask them where a topic did not lead on in time."""
        new = sum(self._taken_in(answer) for answer in self._healer.finished())
        now = self._now()
        for followed in self._logs.values():
            trouble = followed.trouble
            if trouble is not None and trouble.due <= now and not followed.paused and not followed.stopped:
                followed.paused = True
                self._healer.start(followed.log)
        return self._told(new)

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
        """Keep the evidence; this log is read no more, the others go on."""
        logs.stop(self._database, log, breach)
        self._logs[log].stopped = True
        self._logs[log].buffer.clear()

    def _told(self, new: int) -> int:
        if new:
            self._wake()
        return new
