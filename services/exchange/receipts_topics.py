"""The receipts topics of the other nodes: found when they are there, read from where it was left off."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.exchange.hints import Hint
from services.transport import base

LOOK_AGAIN = 2.0
"""Seconds between looking for topics that were not there."""
BATCH = 1_000


@dataclass
class _Topic:
    identity: str = ""
    next: int = 0
    end: int = 0
    """Where it ended when it was found: read so far, it is caught up."""


class Topics:
    """Belongs to one thread. Every method raises Unavailable."""

    def __init__(self, exchange: base.Exchange, names: Sequence[str], monotonic: Callable[[], float]) -> None:
        self._exchange, self._reader, self._now = exchange, exchange.reader(), monotonic
        self.names = tuple(names)
        self.resume({})

    @property
    def caught_up(self) -> bool:
        """Whether all that stood there when the topics were first looked for has been read."""
        return self._looked and all(t.next >= t.end for t in self._topics.values())

    def resume(self, known: Mapping[str, Hint]) -> None:
        """Go on where it was left off, on the topics that are still the same; forgets what was read since."""
        self._topics = {name: _Topic() for name in self.names}
        self._topics |= {name: _Topic(hint.identity, hint.next) for name, hint in known.items()}
        self._assigned: set[str] = set()
        self._look_at, self._looked = 0.0, False

    def refresh(self) -> None:
        """Look for topics that are not read."""
        missing = [name for name in self._topics if name not in self._assigned]
        if missing and self._now() >= self._look_at:
            self._find(missing)
            self._look_at = self._now() + LOOK_AGAIN
        self._looked = True

    def _find(self, names: Sequence[str]) -> None:
        begins, ends = self._exchange.begins(names), self._exchange.ends(names)
        for name in begins:
            topic, identity = self._topics[name], self._exchange.identity(name) or ""
            if identity != topic.identity or topic.next > ends.get(name, 0):
                topic.identity, topic.next = identity, begins[name]
            topic.end = ends.get(name, 0)
        wanted = self._assigned | set(begins)
        if wanted != self._assigned:
            self._reader.assign({name: self._topics[name].next for name in sorted(wanted)})
            self._assigned = wanted

    def poll(self, timeout: float) -> list[base.Message]:
        """What came, in order within a topic; while there is no topic, nothing, after that time."""
        if not self._assigned:
            time.sleep(timeout)
            return []
        messages = self._reader.poll(timeout, BATCH)
        for name, position in self._reader.positions().items():
            self._topics[name].next = position
        for notice in self._reader.notices():
            if isinstance(notice, base.Lost):
                self._topics[notice.log] = _Topic()
                self._assigned.discard(notice.log)
                self._look_at = 0.0
        return messages

    def hints(self) -> list[Hint]:
        """Where it stands."""
        return [Hint(n, t.identity, t.next) for n, t in self._topics.items() if t.identity]

    def close(self) -> None:
        """Give the reader back."""
        self._reader.close()
