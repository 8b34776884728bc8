"""An append-only file of records, numbered from 0: what the in-process exchange keeps instead of a topic.

Frame: length of the body and its CRC-32, 4 bytes each; body: key, value, number of headers (2 bytes), then
name and text of each; every text behind its length in 4 bytes, -1 for none; all numbers big-endian.
"""

import os
import struct
import weakref
import zlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from services.transport.base import Headers, Message, check_record

FRAME = struct.Struct(">II")
LENGTH = struct.Struct(">i")
NUMBER = struct.Struct(">H")
CHUNK = 256 * 1024
MARK_EVERY = 256
"""One in so many records has its place remembered; memory stays flat, and a jump reads little."""


class Frame(NamedTuple):
    """A stored body and the place behind it; `body` is None when the checksum is wrong."""

    body: bytes | None
    end: int


def encode(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> bytes:
    """One frame, ready to be written."""
    pairs = list(headers)
    check_record(key, value, pairs)
    parts = [_text(key), _text(value), NUMBER.pack(len(pairs))]
    for name, text in pairs:
        parts += [_text(name.encode()), _text(text)]
    body = b"".join(parts)
    return FRAME.pack(len(body), zlib.crc32(body)) + body


def _text(text: bytes | None) -> bytes:
    return LENGTH.pack(-1) if text is None else LENGTH.pack(len(text)) + text


def decode(log: str, offset: int, body: bytes) -> Message:
    key, pos = _read(body, 0)
    value, pos = _read(body, pos)
    headers, pos = _headers(body, pos)
    return Message(log, offset, key, value, headers)


def _headers(body: bytes, pos: int) -> tuple[Headers, int]:
    out = []
    (number,) = NUMBER.unpack_from(body, pos)
    pos += NUMBER.size
    for _ in range(number):
        name, pos = _read(body, pos)
        text, pos = _read(body, pos)
        out.append(((name or b"").decode(), text))
    return tuple(out), pos


def _read(body: bytes, pos: int) -> tuple[bytes | None, int]:
    (length,) = LENGTH.unpack_from(body, pos)
    pos += LENGTH.size
    return (None, pos) if length < 0 else (body[pos : pos + length], pos + length)


class LogFile:
    """One writer at a time, any number of readers; `count` moves only once the bytes are in the file.

    A crash may leave half a frame at the end; opening cuts it off. Bytes are not fsynced: the exchange is not
    where the truth is kept.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        weakref.finalize(self, os.close, self._file)  # not before the last reader has gone
        self._marks = array("Q")
        self.count = 0
        self.size = 0
        for frame in self._whole_frames():
            self._count_one(frame.end)
        os.ftruncate(self._file, self.size)

    def append(self, frames: Iterable[bytes]) -> None:
        """Write frames in one go.

        Raises:
            OSError: nothing was added; what was half written is cut off again.
        """
        whole = list(frames)
        data = memoryview(b"".join(whole))
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        for frame in whole:
            self._count_one(self.size + len(frame))

    def read(self, place: int) -> Iterator[Frame]:
        """The frames from a place in the file on, as far as one chunk goes; at least one if there is one."""
        data = os.pread(self._file, min(CHUNK, self.size - place), place)
        if data and place + _end(data, 0) <= self.size and _end(data, 0) > len(data):
            data = os.pread(self._file, _end(data, 0), place)
        pos = 0
        while pos + FRAME.size <= len(data) and (end := _end(data, pos)) <= len(data):
            yield Frame(_checked(data, pos, end), place + end)
            pos = end

    def place_of(self, offset: int) -> int:
        """Where record `offset` begins; `size` for the one that comes next."""
        if offset == self.count:
            return self.size
        place, at = self._marks[offset // MARK_EVERY], offset - offset % MARK_EVERY
        while at < offset:
            for frame in self.read(place):
                place, at = frame.end, at + 1
                if at == offset:
                    break
        return place

    def truncate(self, offset: int) -> None:
        """Forget record `offset` and all behind it."""
        self.size = self.place_of(offset)
        self.count = offset
        del self._marks[-(-offset // MARK_EVERY) :]
        os.ftruncate(self._file, self.size)

    def _whole_frames(self) -> Iterator[Frame]:
        place, end = 0, os.fstat(self._file).st_size
        while place < end:
            head = os.pread(self._file, FRAME.size, place)
            if len(head) < FRAME.size or place + _end(head, 0) > end:
                return
            place += _end(head, 0)
            yield Frame(None, place)

    def _count_one(self, end: int) -> None:
        if self.count % MARK_EVERY == 0:
            self._marks.append(self.size)
        self.count, self.size = self.count + 1, end


def _end(data: bytes, pos: int) -> int:
    return pos + FRAME.size + int(FRAME.unpack_from(data, pos)[0])


def _checked(data: bytes, pos: int, end: int) -> bytes | None:
    body = data[pos + FRAME.size : end]
    return body if zlib.crc32(body) == FRAME.unpack_from(data, pos)[1] else None
