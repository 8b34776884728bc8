"""Long work that a page asks for, done in a thread, one piece after the other; its page looks again."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from fastapi import Request

from events import errors
from services.runtime import database, logs
from services.runtime.database import Connection

KEPT, WAITING = 50, 8
"""Ended pieces that are remembered; pieces that may wait at once."""
_log = logs.get(__name__)

Progress: TypeAlias = Callable[[int, int], object]
Work: TypeAlias = Callable[[Progress], Any]
"""Does it, and says how much is done of how much; what it returns is the result."""


@dataclass
class Job:
    """One piece of work; `state`: waiting, running, done, failed. `error` says why it failed.

    Pages get copies: a page that is begun while the work runs must not see it end halfway.
    """

    key: str
    begun: datetime
    state: str = "waiting"
    done: int = 0
    total: int = 0
    result: Any = None
    error: errors.YinqiaoError | None = None
    ended: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in {"waiting", "running"}

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.total) if self.total else 0

    def progress(self, done: int, total: int) -> None:
        """How far it is."""
        self.done, self.total = done, total


@dataclass
class Jobs:
    """The work of one process. What is lost with it can be asked for again."""

    clock: Callable[[], datetime]
    _kept: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: str) -> Job | None:
        """The work of a key as it is at this moment, open or ended; None when there is none."""
        with self._lock:
            found = self._kept.get(key)
        return replace(found) if found else None

    def open(self, beginning: str) -> list[Job]:
        """The work that waits or runs whose key begins so, as it is at this moment."""
        with self._lock:
            found = [replace(job) for key, job in self._kept.items() if key.startswith(beginning)]
        return [job for job in found if job.is_open]

    def start(self, key: str, work: Work) -> Job:
        """Begin it unless the same is under way already. Raises Busy."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found.is_open:
                return found
            if sum(job.is_open for job in self._kept.values()) >= WAITING:
                raise errors.Busy("much is being worked out already; come back in a minute")
            job = self._kept[key] = Job(key, self.clock())
            self._kept.move_to_end(key)
            self._forget()
        threading.Thread(target=self._run, args=[job, work], name=f"audit-{key[:40]}", daemon=True).start()
        return job

    def _forget(self) -> None:
        ended = [key for key, job in self._kept.items() if not job.is_open]
        for key in ended[: max(0, len(self._kept) - KEPT)]:
            del self._kept[key]

    def _run(self, job: Job, work: Work) -> None:
        """Killed at any point nothing is half done: scratch schemas are swept, results are kept whole."""
        with self._turn:
            job.state = "running"
            try:
                job.result = work(job.progress)
                job.state = "done"
            except errors.YinqiaoError as error:
                job.error, job.state = error, "failed"
            except Exception as error:  # noqa: BLE001  (the last line of a thread: its page says that it failed)
                _log.exception("audit-failed", key=job.key, kind=type(error).__name__)
                job.error = errors.Unavailable("something unexpected happened; it was noted")
                job.state = "failed"
            finally:
                job.ended = self.clock()


def of(request: Request) -> Jobs:
    """The application's."""
    found: Jobs = request.app.state.jobs
    return found


def patient(dsn: str) -> Connection:
    """A connection of its own on which long statements may run; close it. Raises Unavailable."""
    return database.connect(dsn, options=database.PATIENT)
