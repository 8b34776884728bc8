"""Fetches what a topic does not give from any holder's tiles, beside the reading of the other logs."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from events import errors
from events.alliance import Alliance
from services.exchange import hints
from services.exchange.tiles_client import Holder
from services.ledger import store, tiles
from services.runtime.database import Database


class Healed(NamedTuple):
    """How asking the holders ended: the ledger holds the log up to `stored`, or nobody could help (None)."""

    log: str
    stored: int | None = None
    breach: errors.Breach | None = None


class Healer:
    """Asks one holder after the other in a thread of its own. `start` and `finished` belong to one thread."""

    def __init__(self, database: Database, alliance: Alliance, holders: Sequence[Holder]) -> None:
        self._database, self._alliance, self.holders = database, alliance, holders
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="heal")
        self._asked: dict[str, Future[Healed]] = {}
        self._looks: dict[str, Future[bool]] = {}

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._asked)

    def start(self, log: str) -> None:
        """Ask for what follows our last checkpoint of a log; nothing else may store it meanwhile."""
        self._asked[log] = self._pool.submit(self.heal, log)

    def finished(self) -> list[Healed]:
        """The answers that came since the last call."""
        done = [log for log, future in self._asked.items() if future.done()]
        return [self._asked.pop(log).result() for log in done]

    def look(self, log: str, held: int) -> None:
        """Find out whether a holder has more of a log than `held`; nothing is fetched."""
        self._looks[log] = self._pool.submit(self.ahead, log, held)

    def seen(self) -> list[str]:
        """The logs of which a holder has more, of those that were looked at."""
        done = [log for log, future in self._looks.items() if future.done()]
        return [log for log in done if self._looks.pop(log).result()]

    def ahead(self, log: str, held: int) -> bool:
        """Whether a holder shows a checkpoint of the log's own key over more than `held` records."""
        return any(self._size(holder, log) > held for holder in self.holders)

    def _size(self, holder: Holder, log: str) -> int:
        try:
            return self._alliance.checkpoint(log, holder(log, "checkpoint").decode()).size
        except (errors.Unavailable, errors.Refused, errors.BadRecord, UnicodeDecodeError):
            return 0

    def close(self) -> None:
        """Wait for the holder that is being asked, and ask no more."""
        self._pool.shutdown(cancel_futures=True)

    def heal(self, log: str) -> Healed:
        """Ask now. A holder that is away, behind or wrong costs its turn only; two histories are a breach."""
        for holder in self.holders:
            try:
                stored = self._ask(partial(holder, log), log)
            except errors.Breach as breach:
                return Healed(log, breach=breach)
            except (errors.Unavailable, errors.Refused, errors.BadRecord):
                continue
            if stored is not None:
                return Healed(log, stored)
        return Healed(log)

    def _ask(self, fetch: tiles.Fetch, log: str) -> int | None:
        """Store what one holder has beyond ours, whole or not at all; the new size, None for nothing new."""
        with self._database.connection() as conn:
            size, root, note = store.latest(conn, log)
        run = tiles.proved_entries(fetch, self._alliance, log, size, root, note)
        if run is None:
            return None
        with self._database.transaction() as conn:
            hints.received(conn, [log])
            return store.accept_run(conn, self._alliance, log, run).size
