"""Stores what was read while the next records are read: one transaction at a time, in a thread of its own."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from events.alliance import Alliance
from services.exchange import hints, settle
from services.exchange.hints import Hint
from services.exchange.settle import Order, Round
from services.runtime.database import Database
from services.runtime.failpoints import failpoint


class Batch(NamedTuple):
    """One transaction: what to store, the hints that will be true then, and what was dropped meanwhile."""

    orders: Sequence[Order]
    hints: Sequence[Hint]
    dropped: Counter[tuple[str, str]]


class Storing:
    """One batch under way at most; `begin` and `finish` belong to one thread.

    `batch` is the last one that was begun. `wake` is called after a commit.
    """

    def __init__(self, database: Database, alliance: Alliance, wake: Callable[[], object]) -> None:
        self._database, self._alliance, self._wake = database, alliance, wake
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store")
        self.batch = Batch((), (), Counter())
        self._future: Future[Round] | None = None

    @property
    def logs(self) -> set[str]:
        """Those that are being stored."""
        return {order.log for order in self.batch.orders} if self._future else set()

    @property
    def busy(self) -> bool:
        """Whether a batch is under way, or finished and not yet taken back."""
        return self._future is not None

    def begin(self, batch: Batch) -> None:
        """Store the batch; nothing of it may be changed meanwhile."""
        self.batch = batch
        self._future = self._pool.submit(self._store, batch)

    def finish(self, *, wait: bool) -> tuple[Batch, Round] | None:
        """The batch and what came of it, once it is committed. Raises Unavailable: nothing was stored."""
        if self._future is None or not (wait or self._future.done()):
            return None
        future, self._future = self._future, None
        return self.batch, future.result()

    def close(self) -> None:
        """Wait for the batch that is under way."""
        self._pool.shutdown()

    def _store(self, batch: Batch) -> Round:
        """Killed before the commit, the hints still point before it; killed after it, behind it."""
        with self._database.transaction() as conn:
            done = settle.settle(conn, self._alliance, batch.orders)
            with conn.pipeline():
                hints.save(conn, [hint for hint in batch.hints if hint.log not in done.failed])
                hints.damage(conn, batch.dropped + done.dropped)
                hints.received(conn, done.stored)
        failpoint("receive.stored")
        if done.stored:
            self._wake()
        return done
