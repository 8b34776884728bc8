"""Decodes Kafka's record batches (format 2) into messages, and steps over exactly those that are damaged.

Of our own because kafka-python loops for ever at a batch with a bad checksum, inflates whatever a stranger
compressed, and takes twice the time for a record.
Source: Kafka documentation, "Implementation / Message Format / Record Batch".
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from crc32c import crc32c

from services.transport.base import Headers, Message

FRAME = struct.Struct(">qi")  # base offset; length of what follows
HEADER = struct.Struct(">qiibIhiqqqhii")
CHECKED_FROM = struct.calcsize(">qiibI")  # the checksum covers everything after itself
FORMAT = 2
COMPRESSION, CONTROL = 0x07, 0x20
MORE = 0x80  # this bit of a varint's byte says that another one follows


class Batch(NamedTuple):
    """The messages of one stored batch, or `why` they cannot be read; `sure`: one begins at `next`."""

    first: int
    next: int
    epoch: int
    messages: list[Message]
    why: str = ""
    sure: bool = True


class _BadBatch(ValueError):
    """A batch that is not what its writer wrote, or that none of our writers would write."""


def batches(log: str, data: bytes) -> Iterator[Batch]:
    """All whole batches in `data`; a cut one at the end is left to the next fetch."""
    pos, size = 0, len(data)
    while pos + FRAME.size <= size:
        length = FRAME.unpack_from(data, pos)[1]
        end = pos + FRAME.size + length
        if length < HEADER.size - FRAME.size or end > size:
            return
        yield decode(log, data[pos:end], _next_base(data, end))
        pos = end


def decode(log: str, raw: bytes, following: int | None) -> Batch:
    """Decode one batch.

    Args:
        log: name for the messages.
        raw: the whole batch.
        following: base offset of the batch after it, if known; a damaged one's own word may be wrong.
    """
    base, _, epoch, magic, checksum, attributes, last, *_, count = HEADER.unpack_from(raw)
    after = base + last + 1
    try:
        _check(raw, magic, checksum, attributes)
        messages = [] if attributes & CONTROL else _messages(log, raw, base, count)
    except (ValueError, IndexError) as error:
        sure = following is not None
        return Batch(base, following if following is not None else after, epoch, [], str(error), sure)
    return Batch(base, after, epoch, messages)


def _next_base(data: bytes, pos: int) -> int | None:
    return int.from_bytes(data[pos : pos + 8], "big") if pos + 8 <= len(data) else None


def _check(raw: bytes, magic: int, checksum: int, attributes: int) -> None:
    if magic != FORMAT:
        raise _BadBatch(f"batch format {magic} instead of {FORMAT}")
    if crc32c(memoryview(raw)[CHECKED_FROM:]) != checksum:
        raise _BadBatch("bad checksum")
    if attributes & COMPRESSION:
        raise _BadBatch("compressed, which no writer of ours does")


def _messages(log: str, raw: bytes, base: int, count: int) -> list[Message]:
    """The records of a checked batch.

    Record: length, attributes (1 byte), time delta, offset delta, key, value, headers; numbers are zigzag
    varints, a length of -1 means null. Varints of one byte are read in place: receiving spends its time here.
    """
    out: list[Message] = []
    pos = HEADER.size
    for _ in range(count):
        length = raw[pos]
        pos += 1
        if length >= MORE:
            length, pos = _long(raw, pos, length)
        end = pos + (length >> 1)
        pos += 1
        while raw[pos] >= MORE:  # the time delta is skipped
            pos += 1
        pos += 1
        delta = raw[pos]
        pos += 1
        if delta >= MORE:
            delta, pos = _long(raw, pos, delta)
        key, pos = _nullable(raw, pos)
        value, pos = _nullable(raw, pos)
        number = raw[pos]
        pos += 1
        if number >= MORE:
            number, pos = _long(raw, pos, number)
        headers, pos = _headers(raw, pos, number >> 1)
        if pos != end:
            raise _BadBatch("a record's parts do not fill it")
        out.append(Message(log, base + (delta >> 1), key, value, headers))
    if pos != len(raw):
        raise _BadBatch("the records do not fill the batch")
    return out


def _headers(raw: bytes, pos: int, number: int) -> tuple[Headers, int]:
    out = []
    for _ in range(number):
        name, pos = _nullable(raw, pos)
        text, pos = _nullable(raw, pos)
        out.append(((name or b"").decode(), text))
    return tuple(out), pos


def _nullable(raw: bytes, pos: int) -> tuple[bytes | None, int]:
    length = raw[pos]
    pos += 1
    if length >= MORE:
        length, pos = _long(raw, pos, length)
    if length & 1:
        return None, pos
    end = pos + (length >> 1)
    return raw[pos:end], end


def _long(raw: bytes, pos: int, first: int) -> tuple[int, int]:
    """The rest of a varint whose first byte said that there is more; still zigzag."""
    value, shift = first - MORE, 7
    while True:
        byte = raw[pos]
        pos += 1
        value |= (byte % MORE) << shift
        if byte < MORE:
            return value, pos
        shift += 7
