"""Whether records claim the places at which they stand: log and position, and a time that goes on.

All that stands at fixed offsets, so a page is looked at in columns of bytes. What an envelope must be beyond
that, and whether the columns beside it say the same, is looked at where it is decoded, by replaying.
"""

from collections.abc import Sequence

from events import envelope, errors
from services.ledger.findings import Report
from services.ledger.pages import Row
from services.runtime.database import Connection

_HEAD = b'{"specversion":"1.0","sequence":"%020d","time":"'
_SEQUENCE = slice(0, envelope.TIME_AT)
_TIME = slice(envelope.TIME_AT, envelope.TIME_AT + envelope.TIME_WIDTH)
_ANY_TIME = b"0000-00-00T00:00:00.000000Z"
_ZEROS = bytes(ord("0") if byte in b"0123456789" else byte for byte in range(256))


class Fields:
    """Goes through the rows of a log; `time` (27 characters, or none) is that of the record before them."""

    def __init__(self, alliance: str, report: Report, time: bytes) -> None:
        self._report, self._time = report, time
        self._home = (alliance.encode(), report.log.encode())
        source = f'//{alliance}/{report.log}","type":"yinqiao.'.encode()
        self._source = slice(envelope.SOURCE_AT, envelope.SOURCE_AT + len(source))
        self._due = (_HEAD, source)

    def check(self, rows: Sequence[Row]) -> None:
        """The next rows."""
        if not self._in_order(rows):
            self._one_by_one(rows)

    def _in_order(self, rows: Sequence[Row]) -> bool:
        head, source = self._due
        positions, values, _ = zip(*rows, strict=True)
        times = [value[_TIME] for value in values]
        good = (
            b"".join([value[_SEQUENCE] for value in values]) == head * len(rows) % positions
            and b"".join([value[self._source] for value in values]) == source * len(rows)
            and b"".join(times).translate(_ZEROS) == _ANY_TIME * len(rows)
            and self._time <= times[0]
            and times == sorted(times)
        )
        self._time = times[-1] if good else self._time
        return good

    def _one_by_one(self, rows: Sequence[Row]) -> None:
        find = self._report.find
        for position, value, _ in rows:
            try:
                alliance, log, sequence, time = envelope.place(value)[:4]
            except errors.Damage as error:
                find(position, "source", error.message)
                continue
            if (alliance, log) != self._home:
                find(position, "source", f"it is of //{alliance.decode()}/{log.decode()}")
            if int(sequence) != position:
                find(position, "position", f"it claims {int(sequence)}")
            if time < self._time:
                find(position, "time", f"{time.decode()} comes after {self._time.decode()}")
            else:
                self._time = time


def time_at(conn: Connection, log: str, position: int) -> bytes:
    """The time (27 characters) that a record claims; nothing when there is none, or none that can be read."""
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(
            "SELECT value FROM ledger.entry WHERE log = %s AND position = %s", [log, position]
        ).fetchone()
    try:
        return envelope.place(row[0])[3] if row else b""  # type: ignore[arg-type]  # bytea
    except errors.Damage:  # found where that record is looked at
        return b""
