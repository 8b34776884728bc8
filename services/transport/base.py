"""The exchange: one interface for moving the raw bytes of logs between nodes, and what every channel owes.

Two channels exist, `kafka` and `inprocess`, under one contract test. A channel carries one topic per log, in
the order of publishing, at least once. It knows nothing of events, positions or signatures: what it loses,
repeats or damages is noticed and repaired above it, so what it must never do is to be silent about it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol, Self

from events import errors

LARGEST = 256 * 1024
"""Most bytes of key, value and headers of one record; well above the 60,000 bytes of a value and its note."""

Headers = tuple[tuple[str, bytes | None], ...]
Record = tuple[bytes | None, bytes | None, Iterable[tuple[str, bytes]]]
"""What is published: key, value, headers; not both key and value None."""


class Message(NamedTuple):
    """One record as it was read, byte for byte."""

    log: str
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Damaged(NamedTuple):
    """Offsets `first` … `next - 1` hold nothing readable; the reader has stepped over them and reads on."""

    log: str
    first: int
    next: int
    why: str


class Lost(NamedTuple):
    """The reader reads this log no more: the offset or the topic it was assigned is gone.

    Assign it again: from `begins()` when its `identity()` is another one, or when offsets fell out of range.
    """

    log: str
    offset: int
    why: str


class Stalled(NamedTuple):
    """Records from `offset` on exist and do not come, although the channel answers; told while it lasts."""

    log: str
    offset: int
    why: str


Notice = Damaged | Lost | Stalled


class NoTopic(errors.Unavailable):
    """The log has no topic in this channel: `create` it if it is an own log, else wait for its node."""

    title_zh = "日志尚无主题"


class Publisher(Protocol):
    """Writes records; belongs to one thread."""

    def publish(self, log: str, records: Iterable[Record]) -> None:
        """Append `records` to the log's topic, in order, and return when all of them are acknowledged.

        `records` is read while sending; at most about 1,000 records or 8 MiB are under way. After an error
        some of them may have been stored, or still arrive: read the topic's end before shipping on.

        Raises:
            NoTopic: there is no such topic; none is made.
            errors.Unavailable: the channel took nothing for `patience`; what was not sent yet is dropped.
            errors.Invalid: a record is too large, or has neither key nor value.
        """

    def close(self) -> None: ...


class Reader(Protocol):
    """Reads records of many logs; belongs to one thread. An offset is where to read next, from 0."""

    def assign(self, offsets: Mapping[str, int]) -> None:
        """Read exactly these logs, from these offsets on; replaces what was assigned before.

        Raises:
            NoTopic: some have no topic (`ends` tells which); the assignment stays as it was.
            errors.Unavailable: the channel does not answer.
        """

    def positions(self) -> dict[str, int]:
        """Each assigned log with the offset read next; lost logs are not in it."""

    def poll(self, timeout_s: float, most: int = 1000) -> list[Message]:
        """Up to `most` records, those of one log in order; waits up to `timeout_s` for the first one.

        Look at `notices()` after each call, also after an empty one.

        Raises:
            errors.Unavailable: the channel did not answer for `patience`; poll again, it heals by itself.
        """

    def notices(self) -> list[Notice]:
        """What went wrong since the last call, oldest first."""

    def close(self) -> None: ...


class Exchange(Protocol):
    """A channel between nodes; safe to share between threads."""

    def create(self, log: str) -> None:
        """Have a topic for an own log: one partition, kept for ever. Does nothing when there is a good one.

        Raises:
            errors.Invalid: there is a topic, and it would lose or reorder records; says what to alter.
            errors.Unavailable: the channel does not answer.
        """

    def drop(self, log: str) -> None:
        """Delete the topic of an own log with all that it holds, for all its readers; without one do nothing.

        When it returns, the topic is gone, and `create` makes another one.

        Raises:
            errors.Unavailable: the channel does not answer in time, or this node may not delete there.
        """

    def identity(self, log: str) -> str | None:
        """Changes when the topic was deleted and made again, or is another cluster's; None without a topic.

        An offset is worth keeping only beside the identity that it was read under.
        """

    def begins(self, logs: Iterable[str]) -> dict[str, int]:
        """First offset that is still there, per log; logs without a topic are left out."""

    def ends(self, logs: Iterable[str]) -> dict[str, int]:
        """Offset that the next record will get, per log; logs without a topic are left out."""

    def publisher(self) -> Publisher: ...

    def reader(self) -> Reader: ...

    def close(self) -> None:
        """Its publishers and readers are closed by those who opened them, before."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def check_record(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> int:
    """Size of a record in bytes, once it is known to be one that every channel takes."""
    if key is None and value is None:
        raise errors.Invalid("a record needs a key or a value", field="value")
    size = len(key or b"") + len(value or b"") + sum(len(name) + len(text) for name, text in headers)
    if size > LARGEST:
        raise errors.Invalid(f"a record of {size} bytes is larger than {LARGEST} bytes", field="value")
    return size
