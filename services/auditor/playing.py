"""Replay of the alliance's logs, one record after the other: basis first, then (time, log, position).

Of the next records of all logs that rest on nothing still to come, the smallest comes first; so each log
keeps its order, no record comes before what it rests on, and the order is the same at every node that follows
the same logs. It depends on nothing but how far each log was played, and that is the cursor.
"""

import heapq
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter

from events import catalogue, envelope, errors
from events.envelope import Envelope
from events.event import Event, Key, Record
from events.values import POSITION_LIMIT, Log
from projections.source import Entry
from projections.track import Vector
from services.auditor.answers import Stream
from services.ledger import read
from services.runtime.database import Connection

READ_AHEAD = 8_000
"""Entries kept in memory, for all logs together: about 8 MB."""
_VECTOR: TypeAdapter[Vector] = TypeAdapter(dict[Log, Annotated[int, Field(ge=0, le=POSITION_LIMIT)]])
_BASIS = re.compile(rb'"basis":"([^"]*)"')


@dataclass(frozen=True)
class Filter:
    """Which records to show; every given condition holds. The others are passed in silence."""

    bureau: str | None = None
    stream: Stream | None = None
    context: str | None = None
    type: str | None = None
    correlation: str | None = None

    def holds(self, entry: Entry, envelope_: Envelope | None) -> bool:
        """Whether a record is shown; one that is no readable envelope has a bureau only."""
        if self.bureau is not None and entry.log[:6] != self.bureau:
            return False
        if {self.stream, self.context, self.type, self.correlation} == {None}:
            return True
        return envelope_ is not None and self._says(entry, envelope_)

    def _says(self, entry: Entry, e: Envelope) -> bool:
        return (
            self.stream in {None, (entry.log, e.stream)}
            and self.type in {None, e.type}
            and self.context in {None, e.type.split(".")[1]}
            and self.correlation in {None, e.correlation}
        )


EVERYTHING = Filter()


class Played(NamedTuple):
    """A record, and the vector of everything that was played, it included; give that to go on behind it."""

    entry: Entry
    vector: Vector

    @property
    def cursor(self) -> str:
        """The vector as text; `resumed` reads it."""
        return ",".join(f"{log}:{at}" for log, at in sorted(self.vector.items()) if at)

    def record(self) -> Record[Event]:
        """The record, decoded. Raises Damage, UnknownType."""
        return catalogue.decode(self.entry.value, self.entry.leaf)


def resumed(cursor: str) -> Vector:
    """The vector that a cursor wrote. Raises Invalid."""
    try:
        pairs = [part.rsplit(":", 1) for part in cursor.split(",")] if cursor else []
        return _VECTOR.validate_python({log: int(at) for log, at in pairs})
    except ValueError:
        raise errors.Invalid("a cursor is written log:position,…", field="cursor") from None


def play(
    conn: Connection, end: Vector, after: Mapping[str, int] | None = None, chosen: Filter = EVERYTHING
) -> Iterator[Played]:
    """The records after a vector up to another one, those of the filter; memory stays flat.

    What rests on a record beyond `end` does not wait for it, and neither do records that rest on one another
    in a circle, which no honest log holds.
    """
    merge = Merge(conn, end, after or {})
    for entry in merge:
        if is_chosen(entry, chosen):
            yield Played(entry, dict(merge.vector))


def is_chosen(entry: Entry, chosen: Filter) -> bool:
    """Whether a filter shows a record."""
    return chosen == EVERYTHING or chosen.holds(entry, _envelope(entry.value))


def _envelope(value: bytes) -> Envelope | None:
    try:
        return envelope.read(value)
    except errors.Damage:
        return None


class Merge:
    """All logs as one, in replay order; `vector` is what was given so far."""

    def __init__(self, conn: Connection, end: Mapping[str, int], after: Mapping[str, int]) -> None:
        self.vector = {log: min(after.get(log, 0), size) for log, size in end.items()}
        self._conn, self._end = conn, end
        self._piece = max(READ_AHEAD // max(len(end), 1), 16)
        self._queues: dict[str, deque[Entry]] = {log: deque() for log in end}
        self._read_to = dict(self.vector)
        self._free: list[tuple[tuple[bytes, str, int], str]] = []
        self._held: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def __iter__(self) -> Iterator[Entry]:
        for log in self._end:
            self._offer(log)
        while entry := self._next():
            self.vector[entry.log] = entry.position
            yield entry
            self._offer(entry.log)
            self._release(entry.log)

    def _next(self) -> Entry | None:
        if not self._free:
            self._break_circle()
        return self._queues[heapq.heappop(self._free)[1]].popleft() if self._free else None

    def _offer(self, log: str) -> None:
        """Put the next record of a log among those that may come, or hold it for its basis."""
        queue = self._filled(log)
        if not queue:
            return
        missing = self._missing(queue[0])
        if missing is None:
            heapq.heappush(self._free, (queue[0].order, log))
        else:
            heapq.heappush(self._held[missing[0]], (missing[1], log))

    def _missing(self, entry: Entry) -> Key | None:
        """The first record of its basis that is still to come."""
        return next(
            (k for k in basis(entry.value) if self._is_to_come(k) and k != (entry.log, entry.position)), None
        )

    def _is_to_come(self, key: Key) -> bool:
        return self.vector.get(key[0], 0) < key[1] <= self._end.get(key[0], 0)

    def _release(self, log: str) -> None:
        held, at = self._held[log], self.vector[log]
        while held and held[0][0] <= at:
            self._offer(heapq.heappop(held)[1])

    def _break_circle(self) -> None:
        held = [log for each in self._held.values() for _, log in each]
        if held:
            order, log = min((self._queues[log][0].order, log) for log in held)
            for each in self._held.values():
                each[:] = sorted(pair for pair in each if pair[1] != log)
            heapq.heappush(self._free, (order, log))

    def _filled(self, log: str) -> deque[Entry]:
        queue = self._queues[log]
        if not queue and (left := self._end[log] - self._read_to[log]) > 0:
            page = read.entries(self._conn, log, self._read_to[log], min(self._piece, left))
            queue.extend(Entry(log, *each) for each in page)
            self._read_to[log] = queue[-1].position if queue else self._end[log]
        return queue


def basis(value: bytes) -> tuple[Key, ...]:
    """The records that a value names as its basis, found without reading the rest."""
    head = value[: value.find(b',"data":')]
    found = _BASIS.search(head)
    return tuple(_keys(found[1])) if found else ()


def _keys(text: bytes) -> Iterator[Key]:
    for part in text.decode("ascii", "replace").split(" "):
        log, _, position = part.partition(":")
        if position.isdecimal():
            yield log, int(position)
