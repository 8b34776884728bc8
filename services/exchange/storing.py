"""Stores what was read while the next records are read: one transaction at a time, in a thread of its own."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import psycopg

from events.alliance import Alliance
from services.exchange import hints, settle
from services.exchange.hints import Hint
from services.exchange.settle import Order, Round
from services.ledger import short
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint


class Batch(NamedTuple):
    """One transaction: what to store, the hints that will be true then, and what was dropped meanwhile."""

    orders: Sequence[Order]
    hints: Sequence[Hint]
    dropped: Counter[tuple[str, str]]

    @property
    def short(self) -> bool:
        """Whether it is only a few records, and nothing that came again."""
        sizes = [o.end - o.run.after if o.run and not o.repeats else short.MOST + 1 for o in self.orders]
        return 0 < sum(sizes) <= short.MOST


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
        """Store the batch, a short one at once; nothing of it may be changed meanwhile."""
        self.batch = batch
        if batch.short:
            self._future = Future()
            self._store_now(batch, self._future)
        else:
            self._future = self._pool.submit(self._store, batch)

    def _store_now(self, batch: Batch, future: Future[Round]) -> None:
        """To hand a few records over to a thread takes as long as to store them."""
        try:
            future.set_result(self._store(batch))
        except Exception as error:  # noqa: BLE001  (as a pool has it: `finish` raises it)
            future.set_exception(error)

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
        done = (batch.short and self._store_shortly(batch)) or self._store_thoroughly(batch)
        failpoint("receive.stored")
        if done.stored:
            self._wake()
        return done

    def _store_shortly(self, batch: Batch) -> Round | None:
        """None when there is more to it; nothing was stored then."""
        runs = {order.log: order.run for order in batch.orders if order.run is not None}
        done = Round({order.log: order.end for order in batch.orders})
        try:
            with self._database.pipelined() as conn:
                if not short.accept(conn, self._alliance, runs):
                    return None
                _remember(conn, batch, done)
        except (psycopg.DataError, psycopg.IntegrityError):
            return None
        return done

    def _store_thoroughly(self, batch: Batch) -> Round:
        with self._database.transaction() as conn:
            done = settle.settle(conn, self._alliance, batch.orders)
            with conn.pipeline():
                _remember(conn, batch, done)
        return done


def _remember(conn: Connection, batch: Batch, done: Round) -> None:
    hints.arrived(conn, [hint for hint in batch.hints if hint.log not in done.failed], done.stored)
    hints.damage(conn, batch.dropped + done.dropped)
