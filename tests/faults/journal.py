"""What a client outside the system writes down: each command before it is sent, each answer after it came."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

Word = Literal["sent", "ok", "refused", "unknown"]


class Said(NamedTuple):
    """One line: `sent` or an answer; `position` is where an `ok` one says that its first event stands."""

    word: Word
    log: str
    key: str
    position: int = 0


class Journal:
    """A file on disk; a line that was written survives whatever happens to anybody else."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._path, self._lock = path, threading.Lock()

    def say(self, word: Word, log: str, key: str, position: int = 0) -> None:
        """Write a line and have it on disk."""
        with self._lock:
            self._file.write(json.dumps([word, log, key, position]) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def read(self) -> list[Said]:
        """All lines."""
        return list(self._lines())

    def _lines(self) -> Iterator[Said]:
        for line in self._path.read_text("utf-8").splitlines():
            yield Said(*json.loads(line))

    def close(self) -> None:
        self._file.close()
