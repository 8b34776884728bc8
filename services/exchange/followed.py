"""One followed log as the receiver sees it: its run, where reading stands, and whether something is amiss."""

from dataclasses import dataclass, field
from typing import Self

from services.exchange.buffer import Buffer, Fate
from services.exchange.hints import Hint
from services.exchange.wire import Slot
from services.ledger.logs import State

PATIENCE = 0.2
"""Seconds that the topic itself has for putting right what is amiss, before holders are asked."""
LONGEST = 60.0
REWIND_AFTER = 3
"""When holders could not help so often, the topic is read from its beginning, once."""


@dataclass
class Trouble:
    """The record at position `missing` did not come in its place, and others from `offset` on were dropped.

    Holders are asked at `due` (monotonic seconds).
    """

    missing: int
    offset: int
    due: float
    asked: int = 0

    def postpone(self, now: float) -> None:
        """Nobody could help just now."""
        self.asked += 1
        self.due = now + min(PATIENCE * 2**self.asked, LONGEST)


@dataclass
class Followed:
    """A log that is received; `next` is the offset to read next under the topic's `identity`.

    `found`: there is a topic. `lost`: it no longer has what was to be read next. `moved`: reading must go
    on elsewhere than it stopped. `paused`: a holder is being asked.
    """

    log: str
    buffer: Buffer
    identity: str = ""
    next: int = 0
    trouble: Trouble | None = None
    stopped: bool = False
    paused: bool = False
    moved: bool = False
    found: bool = False
    lost: bool = False
    repeats: dict[int, set[str]] = field(default_factory=dict)
    """Notes that came again with records that are stored: they must say the same as the ledger."""

    @classmethod
    def of(cls, state: State, hint: Hint | None) -> Self:
        """As the ledger and the hint have it."""
        self = cls(state.log, Buffer(state.head), stopped=state.state == "stopped")
        if hint is not None:
            self.identity, self.next = hint.identity, hint.next
        return self

    def restart(self, identity: str, begin: int) -> None:
        """The topic is another one, or lost what was read: what was read there proves nothing about it."""
        self.identity, self.next, self.trouble, self.lost, self.moved = identity, begin, None, False, True
        self.buffer.clear()

    def take(self, slot: Slot, value: bytes, offset: int, now: float) -> Fate:
        """Offer a record; what does not follow is dropped, and something is amiss."""
        fate = self.buffer.take(slot.position, value, offset)
        if fate is Fate.AHEAD:
            self.amiss(offset, now)
        elif slot.note is not None:
            self._mark(slot.position, slot.note)
        return fate

    def _mark(self, position: int, note: str) -> None:
        if position > self.buffer.stored:
            self.buffer.mark(position, note)
        else:
            self.repeats.setdefault(position, set()).add(note)

    def amiss(self, offset: int, now: float) -> None:
        """Something from `offset` on was dropped or cannot be read."""
        if self.trouble is None:
            self.trouble = Trouble(self.buffer.next, offset, now + PATIENCE)

    def drop(self, now: float) -> None:
        """The run did not prove itself, or its place is needed: it must come again, or from a holder."""
        offset = self.hint(self.buffer.stored)
        self.buffer.clear()
        self.amiss(offset, now)

    def advance(self, stored: int) -> int:
        """The topic itself has led on to `stored`. How many records that is."""
        new = max(0, stored - self.buffer.stored)
        if new:
            self.buffer.advance(stored)
        if self._amiss(self.buffer.stored) is None:
            self.trouble = None
        return new

    def _amiss(self, stored: int) -> Trouble | None:
        """What is amiss still, once everything up to `stored` is held."""
        return self.trouble if self.trouble is not None and stored < self.trouble.missing else None

    def healed(self, stored: int) -> int:
        """A holder has led on to `stored`: read again whatever was dropped. How many records that is."""
        new = stored - self.buffer.stored
        self.next, self.trouble, self.moved = self.hint(self.buffer.stored), None, True
        self.buffer.advance(stored)
        self.buffer.clear()
        return new

    def unhealed(self, now: float) -> None:
        """Nobody could help: ask later; once read the topic from 0 again: it may have been cut and grown."""
        if self.trouble is not None:
            self.trouble.postpone(now)
            if self.trouble.asked == REWIND_AFTER:
                self.next, self.moved = 0, True
                self.buffer.clear()

    def hint(self, stored: int) -> int:
        """The offset from which everything beyond `stored` would be read again."""
        begin = self.buffer.offset(stored)
        begin = self.next if begin is None else begin
        trouble = self._amiss(stored)
        return min(begin, trouble.offset) if trouble else begin
