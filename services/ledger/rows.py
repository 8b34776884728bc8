"""Values of a log as rows of ledger.entry: what a covered value must say, and PostgreSQL's binary COPY."""

import struct
from collections.abc import Sequence

from events import envelope, errors
from events.holes import Held, Hole
from events.membership import LogClosed
from services.runtime.database import Connection

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_COLUMNS = struct.Struct(
    ">iqi?i16siii32si"
)  # a length before each: position, own, stream, version, leaf, value
_HOLE = struct.Struct(">iqi?iii32si")
_NONE = -1
_COPY = "COPY ledger.entry (log, position, own, stream, version, leaf, value) FROM STDIN (FORMAT BINARY)"


class Rows:
    """Checks that values follow one another in a log and packs them.

    `head` and `time` (27 characters) are the position and the time of the entry before the first value;
    `closed`: that entry closed the log.
    """

    def __init__(
        self, alliance: str, log: str, head: int, time: str, *, own: bool, closed: bool = False
    ) -> None:
        self.head, self._time, self._own, self.closed = head, time.encode(), own, closed
        self._closing = _closing(alliance, log)
        self._home = (alliance.encode(), log.encode())
        self._start = struct.pack(">hi", 7, len(log)) + log.encode()

    @property
    def time(self) -> str:
        """Of the last value packed."""
        return self._time.decode()

    def pack(self, values: Sequence[Held], leaves: Sequence[bytes]) -> list[bytes]:
        """One packed row a value; a Breach, with the value, for one that does not belong where it stands.

        WrongSource when it is no readable envelope of this log, WrongPosition when it claims another position
        or a time before that of the entry before it; Reopened when the log was closed before it. A hole is a
        row of no bytes, of which stream and version are not known yet.
        """
        return [
            self._hole(leaf) if isinstance(value, Hole) else self._row(value, leaf)
            for value, leaf in zip(values, leaves, strict=True)
        ]

    def _hole(self, leaf: bytes) -> bytes:
        if self.closed:
            raise self._breach(errors.Reopened, "comes after the one that closed it", b"")
        self.head += 1
        return self._start + _HOLE.pack(8, self.head, 1, self._own, _NONE, _NONE, 32, leaf, 0)

    def _row(self, value: bytes, leaf: bytes) -> bytes:
        position, stream, version = self.place(value)
        columns = _COLUMNS.pack(
            8, position, 1, self._own, 16, bytes.fromhex(stream.replace(b"-", b"").decode()),
            4, version, 32, leaf, len(value),
        )  # fmt: skip
        return b"".join((self._start, columns, value))

    def place(self, value: bytes) -> tuple[int, bytes, int]:
        """Position, stream (as written) and version of the next value; a Breach as `pack`."""
        position = self.head + 1
        try:
            alliance, log, sequence, time, stream, version = envelope.place(value)
        except errors.Damage as error:
            raise self._breach(errors.WrongSource, f"holds {error.message}", value) from None
        if (alliance, log) != self._home:
            raise self._breach(errors.WrongSource, f"belongs to //{alliance.decode()}/{log.decode()}", value)
        if int(sequence) != position:
            raise self._breach(errors.WrongPosition, f"claims position {int(sequence)}", value)
        if time < self._time:
            raise self._breach(errors.WrongPosition, f"says {time.decode()}, before {self.time}", value)
        if self.closed:
            raise self._breach(errors.Reopened, "comes after the one that closed it", value)
        self.head, self._time, self.closed = position, time, value.startswith(*self._closing)
        return position, stream, int(version)

    def _breach(self, kind: type[errors.Breach], what: str, value: bytes) -> errors.Breach:
        position = self.head + 1
        where = f"log {self._home[1].decode()} covers a value at position {position} that {what}"
        return kind(where, position=position, evidence=[value])


def _closing(alliance: str, log: str) -> tuple[bytes, int]:
    """What a value that closes its log holds, and at which offset."""
    return f'","type":"{LogClosed.type}",'.encode(), envelope.SOURCE_AT + len(f"//{alliance}/{log}")


def closes(alliance: str, log: str, value: bytes) -> bool:
    """Whether a value of this log closes it."""
    return value.startswith(*_closing(alliance, log))


def copy(conn: Connection, rows: Sequence[bytes]) -> None:
    """Write packed rows."""
    with conn.cursor() as cursor, cursor.copy(_COPY) as to:
        to.write(b"".join((_HEADER, *rows, _TRAILER)))
