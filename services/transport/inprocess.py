"""The exchange within one process: a file per log that only grows, and threads that wait for it to grow."""

import fcntl
import itertools
import tempfile
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from events import errors
from services.transport import files, topics
from services.transport.base import Damaged, Lost, Message, Notice, NoTopic, Record

WRITE_BYTES = 256 * 1024


@dataclass(eq=False)
class _Topic:
    file: files.LogFile
    identity: str
    writing: threading.Lock = field(default_factory=threading.Lock)
    cut: int = 0
    """How often its end was cut off; places that readers remember hold only until then."""
    dropped: bool = False


class InProcessExchange:
    """See `base.Exchange`. Files in `folder` survive a restart; without one they end with the exchange.

    Raises:
        errors.Unavailable: another process has the folder open.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="yinqiao-exchange-") if folder is None else None
        self._folder = folder or Path(self._temporary.name if self._temporary else "")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = _only_one(self._folder / "lock")
        self._topics: dict[str, _Topic] = {}
        self.grown = threading.Condition()
        self.closed = False
        for path in sorted(self._folder.glob("*.id")):
            self._open(path.stem)

    def create(self, log: str) -> None:
        topics.named("in-process", log)  # refuses what could not be a file's name
        with self.grown:
            if log not in self._topics:
                self._path(log, "id").write_text(str(uuid.uuid4()))
                self._open(log)

    def identity(self, log: str) -> str | None:
        topic = self._topics.get(log)
        return topic.identity if topic else None

    def begins(self, logs: Iterable[str]) -> dict[str, int]:
        return {log: 0 for log in logs if log in self._topics}

    def ends(self, logs: Iterable[str]) -> dict[str, int]:
        return {log: self._topics[log].file.count for log in logs if log in self._topics}

    def publisher(self) -> "InProcessPublisher":
        return InProcessPublisher(self)

    def reader(self) -> "InProcessReader":
        return InProcessReader(self)

    def drop(self, log: str) -> None:
        with self.grown:
            if (topic := self._topics.pop(log, None)) is None:
                return
            topic.dropped = True
            self._path(log, "id").unlink()
            self._path(log, "records").unlink()
            self.grown.notify_all()

    def truncate(self, log: str, offset: int) -> None:
        """Lose record `offset` and all behind it, as a cluster might."""
        topic = self.topic(log)
        with topic.writing, self.grown:
            topic.file.truncate(offset)
            topic.cut += 1
            self.grown.notify_all()

    def close(self) -> None:
        with self.grown:
            self.closed = True
            self.grown.notify_all()
        self._lock_file.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def topic(self, log: str) -> _Topic:
        self.refuse_closed()
        topic = self._topics.get(log)
        if topic is None:
            raise NoTopic(f"log {log} has no topic; create it before it is used")
        return topic

    def refuse_closed(self) -> None:
        if self.closed:
            raise errors.Unavailable("the in-process exchange is closed")

    def _open(self, log: str) -> None:
        identity = self._path(log, "id").read_text()
        self._topics[log] = _Topic(files.LogFile(self._path(log, "records")), identity)

    def _path(self, log: str, kind: str) -> Path:
        return self._folder / f"{log}.{kind}"


class InProcessPublisher:
    """See `base.Publisher`."""

    def __init__(self, exchange: InProcessExchange) -> None:
        self._exchange = exchange

    def publish(self, log: str, records: Iterable[Record]) -> None:
        topic = self._exchange.topic(log)
        waiting: list[bytes] = []
        size = 0
        for key, value, headers in records:
            frame = files.encode(key, value, headers)
            waiting.append(frame)
            size += len(frame)
            if size >= WRITE_BYTES:
                self._write(log, topic, waiting)
                waiting, size = [], 0
        self._write(log, topic, waiting)

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, log: str, topic: _Topic, frames: list[bytes]) -> None:
        self._exchange.refuse_closed()
        with topic.writing:
            if topic.dropped:
                raise NoTopic(f"the topic of log {log} was deleted")
            try:
                topic.file.append(frames)
            except OSError as error:
                raise errors.Unavailable(
                    f"the in-process exchange cannot write log {log}: {error}"
                ) from error
        with self._exchange.grown:
            self._exchange.grown.notify_all()


@dataclass
class _Place:
    """Where a reader stands in a log: the next record, and its place in the file while `cut` still holds."""

    topic: _Topic
    offset: int
    place: int = -1
    cut: int = -1


class InProcessReader:
    """See `base.Reader`."""

    def __init__(self, exchange: InProcessExchange) -> None:
        self._exchange = exchange
        self._places: dict[str, _Place] = {}
        self._notices: list[Notice] = []

    def assign(self, offsets: Mapping[str, int]) -> None:
        self._places = {log: _Place(self._exchange.topic(log), offset) for log, offset in offsets.items()}

    def positions(self) -> dict[str, int]:
        return {log: place.offset for log, place in self._places.items()}

    def notices(self) -> list[Notice]:
        noticed, self._notices = self._notices, []
        return noticed

    def poll(self, timeout_s: float, most: int = 1000) -> list[Message]:
        with self._exchange.grown:
            self._exchange.grown.wait_for(self._something, timeout_s)
        self._exchange.refuse_closed()
        self._notice_lost()
        out: list[Message] = []
        for log, place in list(self._places.items()):
            if len(out) < most and place.offset < place.topic.file.count:
                self._places[log] = self._places.pop(log)  # to the end: the next log has its turn first
                out += self._take(log, place, most - len(out))
        return out

    def close(self) -> None:
        self._places = {}

    def _something(self) -> bool:
        return self._exchange.closed or any(
            place.topic.dropped or place.offset != place.topic.file.count for place in self._places.values()
        )

    def _notice_lost(self) -> None:
        for log, place in list(self._places.items()):
            why = "its topic was deleted" if place.topic.dropped else ""
            if place.offset > place.topic.file.count:
                why = why or "out of range: the topic was cut"
            if why:
                self._lose(log, why)

    def _lose(self, log: str, why: str) -> None:
        self._notices.append(Lost(log, self._places.pop(log).offset, why))

    def _take(self, log: str, place: _Place, most: int) -> list[Message]:
        out: list[Message] = []
        with place.topic.writing:  # or the end could be cut off under us
            if place.cut != place.topic.cut:
                place.place, place.cut = place.topic.file.place_of(place.offset), place.topic.cut
            frames = list(itertools.islice(place.topic.file.read(place.place), most))
        if not frames:
            self._lose(log, "its file is damaged, and what follows cannot be found")
        for frame in frames:
            if frame.body is None:
                self._damaged(log, place.offset)
            else:
                out.append(files.decode(log, place.offset, frame.body))
            place.offset, place.place = place.offset + 1, frame.end
        return out

    def _damaged(self, log: str, offset: int) -> None:
        last = self._notices[-1] if self._notices else None
        if isinstance(last, Damaged) and (last.log, last.next) == (log, offset):
            self._notices[-1] = last._replace(next=offset + 1)
        else:
            self._notices.append(Damaged(log, offset, offset + 1, "bad checksum"))


def _only_one(path: Path) -> IO[str]:
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise errors.Unavailable(
            f"another process uses the exchange in {path.parent}; end it first"
        ) from error
    return handle
