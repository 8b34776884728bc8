"""The ledger as the machinery needs it."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from events.envelope import TIME_AT, TIME_WIDTH
from events.event import Event, Key, Record

if TYPE_CHECKING:
    from projections.parties import Closing


class Entry(NamedTuple):
    """One covered record as the ledger holds it."""

    log: str
    position: int
    value: bytes
    leaf: bytes

    @property
    def time(self) -> bytes:
        """The time it says, in its place in every envelope, so that it needs no decoding."""
        return self.value[TIME_AT : TIME_AT + TIME_WIDTH]

    @property
    def order(self) -> tuple[bytes, str, int]:
        """Replay order: (time, log, position)."""
        return self.time, self.log, self.position


class Place(NamedTuple):
    """Where in a stream a record stands."""

    log: str
    stream: str
    position: int


class Source(Protocol):
    """Reads of the ledger; there is one over SQL, and one in memory for tests."""

    def entries(self, keys: Collection[Key]) -> list[Entry]:
        """The raw entries of these keys, as many as are stored."""

    def records(self, keys: Collection[Key]) -> dict[Key, Record[Event]]:
        """The records of these keys; those that are not stored or cannot be decoded are left out."""

    def history(self, log: str, stream: str, until: int, without: Collection[int]) -> list[Record[Event]]:
        """A stream up to and including a position, less some positions. Raises Damage, UnknownType."""

    def versions_before(self, places: Sequence[Place]) -> list[int]:
        """For each place the version of the record just before it in its stream; 0 where it is the first."""

    def closing(self, log: str) -> "Closing | None":
        """How the alliance document closes a log that could not close itself; None for any other."""
