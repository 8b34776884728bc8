"""What a topic told of one log beyond its last checkpoint: one slot after the other, rivals beside it. Pure.

Only the next expected position is taken, so a buffer is a run without gaps; nothing in it is believed.
A checkpoint closes the run, and its root decides which of two rivals for a slot was meant.
"""

from collections.abc import Iterator
from enum import Enum
from itertools import islice, product

RUN_BYTES = 4 * 2**20
"""A checkpoint stands after at most this many bytes (contracts.md, "Kafka")."""
OVERHEAD = 250
"""Bytes that a record costs beside its value."""
TRIES = 64
RIVALS = 4


class Fate(Enum):
    """What became of a record that was offered to a buffer."""

    KEPT = "kept"
    REPEAT = "repeat"
    RIVAL = "rival"
    AHEAD = "ahead"


class Buffer:
    """The run after position `stored`; `next` is expected next, `bytes` is what the run costs in memory."""

    __slots__ = ("_offsets", "_rivals", "_values", "bytes", "marks", "next", "stored")

    def __init__(self, stored: int) -> None:
        self.stored = stored
        self.clear()

    def clear(self) -> None:
        """Forget the run: the bytes did not prove themselves, or their place is needed."""
        self.bytes = 0
        self.marks: dict[tuple[int, str], None] = {}
        self.next = self.stored + 1
        self._values: list[bytes] = []
        self._offsets: list[int] = []
        self._rivals: dict[int, list[bytes]] = {}

    def offset(self, stored: int) -> int | None:
        """Where on the topic the rest of the run begins once the ledger holds all up to `stored`."""
        rest = self._offsets[max(0, stored - self.stored) :]
        return rest[0] if rest else None

    def take(self, position: int, value: bytes, offset: int) -> Fate:
        """Offer the record that claims `position`."""
        if position == self.next:
            self._values.append(value)
            self._offsets.append(offset)
            self.next = position + 1
            self.bytes += len(value) + OVERHEAD
            return Fate.KEPT
        if position > self.next:
            return Fate.AHEAD
        return Fate.REPEAT if position <= self.stored else self._compare(position, value)

    def _compare(self, position: int, value: bytes) -> Fate:
        rivals = self._rivals.get(position, [])
        if value == self._values[position - self.stored - 1] or value in rivals:
            return Fate.REPEAT
        if len(rivals) == RIVALS:
            self.bytes -= len(rivals.pop(0)) + OVERHEAD
        self._rivals[position] = [*rivals, value]
        self.bytes += len(value) + OVERHEAD
        return Fate.RIVAL

    def mark(self, position: int, note: str) -> None:
        """A note came with the record at `position`, which is in the run: try it with `runs`."""
        if (position, note) not in self.marks:
            self.marks[position, note] = None
            self.bytes += len(note) + OVERHEAD

    def unmark(self, position: int, note: str) -> None:
        """The note proved worthless; the run stays."""
        del self.marks[position, note]
        self.bytes -= len(note) + OVERHEAD

    def runs(self, end: int) -> Iterator[list[bytes]]:
        """The ways to fill the slots up to `end`: first come, last come, then mixtures; `TRIES` at most."""
        run = self._values[: end - self.stored]
        rivals = {p: r for p, r in sorted(self._rivals.items()) if p <= end}
        yield run
        if rivals:
            yield self._filled(run, {p: r[-1] for p, r in rivals.items()})
            choices = product(*([run[p - self.stored - 1], *r] for p, r in rivals.items()))
            for choice in islice(choices, 1, TRIES):
                yield self._filled(run, dict(zip(rivals, choice, strict=True)))

    def _filled(self, run: list[bytes], chosen: dict[int, bytes]) -> list[bytes]:
        filled = run.copy()
        for position, value in chosen.items():
            filled[position - self.stored - 1] = value
        return filled

    def advance(self, stored: int) -> None:
        """The ledger now holds everything up to `stored`, from this run or from elsewhere."""
        gone = max(0, stored - self.stored)
        self._values, self._offsets = self._values[gone:], self._offsets[gone:]
        self._rivals = {p: r for p, r in self._rivals.items() if p > stored}
        self.marks = {mark: None for mark in self.marks if mark[0] > stored}
        self.stored, self.next = stored, max(self.next, stored + 1)
        if self._values:
            self._weigh()
        else:
            self.clear()

    def _weigh(self) -> None:
        parts = [
            *self._values,
            *(r for rivals in self._rivals.values() for r in rivals),
            *(n for _, n in self.marks),
        ]
        self.bytes = sum(map(len, parts)) + OVERHEAD * len(parts)
