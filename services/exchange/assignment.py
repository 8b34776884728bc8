"""Which topics are read from where: found, lost, made anew, and left alone while a holder is asked."""

from collections.abc import Collection, Iterator, Mapping

from services.exchange.followed import Followed
from services.transport import base

LOOK_AGAIN = 2.0
"""Seconds between looking for topics that were not there."""


class Assignment:
    """The reader of a receiver, and what it is assigned. Belongs to one thread."""

    def __init__(self, exchange: base.Exchange) -> None:
        self._exchange = exchange
        self._reader = exchange.reader()
        self._assigned: set[str] = set()
        self._look_at = 0.0

    def refresh(self, logs: Collection[Followed], now: float) -> None:
        """Have exactly those read that can be: not stopped, not paused, with a topic. Raises Unavailable."""
        wanted = {f.log: f for f in logs if not f.stopped and not f.paused}
        lost = [f for f in wanted.values() if f.log not in self._assigned]
        if lost and now >= self._look_at:
            self._locate(lost)
            self._look_at = now + LOOK_AGAIN
        found = {log: f for log, f in wanted.items() if log in self._assigned or f.found}
        if found.keys() != self._assigned or any(f.moved for f in found.values()):
            self._assign(found)

    def _assign(self, found: Mapping[str, Followed]) -> None:
        """Refused in here, everything is looked up anew."""
        self._assigned = set()
        try:
            self._reader.assign({log: f.next for log, f in found.items()})
        except base.NoTopic:
            self._look_at = 0.0
            raise
        self._assigned = set(found)
        for followed in found.values():
            followed.moved = False

    def _locate(self, logs: Collection[Followed]) -> None:
        """Find their topics; what was known of another topic of that name means nothing on this one."""
        begins = self._exchange.begins([f.log for f in logs])
        for followed in logs:
            identity = self._exchange.identity(followed.log) if followed.log in begins else None
            followed.found = identity is not None
            if identity is not None and (identity != followed.identity or followed.lost):
                followed.restart(identity, begins[followed.log])

    def poll(self, timeout: float, most: int) -> list[base.Message]:
        """See `base.Reader.poll`."""
        return self._reader.poll(timeout, most)

    def notices(self, logs: Mapping[str, Followed], now: float) -> Iterator[tuple[str, str]]:
        """Act on what went wrong; gives (log, kind of damage) for each."""
        for notice in self._reader.notices():
            followed = logs[notice.log]
            match notice:
                case base.Damaged(first=first, next=after):
                    followed.next = max(followed.next, after)
                    followed.amiss(first, now)
                    yield notice.log, "unreadable"
                case base.Stalled(offset=offset):
                    followed.amiss(offset, now)
                    yield notice.log, "stalled"
                case base.Lost():
                    self._assigned.discard(notice.log)
                    followed.lost, followed.found = True, False
                    self._look_at = 0.0
                    yield notice.log, "lost"

    def close(self) -> None:
        """Give the reader back."""
        self._reader.close()
