"""Processes that verify stretches of logs side by side, each with a connection of its own.

They are forked, so begin them before there are threads: a child has none of the parent's.
"""

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from events.alliance import Alliance
from events.alliance_document import Document
from services.auditor import checking
from services.auditor.checking import Task
from services.ledger.findings import Report
from services.runtime import database
from services.runtime.database import Connection


class _Place(NamedTuple):
    """What a child opens: a DSN, libpq options, and the alliance, whose keys it parses itself."""

    dsn: str
    options: str
    document: Document
    digest: str


class Workers:
    """As many processes as there are processors, until the block ends."""

    def __init__(self, count: int = 0) -> None:
        self.count = count or os.cpu_count() or 1
        self._pool = ProcessPoolExecutor(self.count, multiprocessing.get_context("fork"))

    def __enter__(self) -> Self:
        self._pool.submit(int).result()  # forks them all, before the pool's own thread begins
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(self, dsn: str, options: str, alliance: Alliance, tasks: Iterable[Task]) -> Iterator[Report]:
        """Do the tasks; the reports in their order. Raises what a task raises."""
        place = _Place(dsn, options, alliance.document, alliance.digest)
        return self._pool.map(partial(_do, place), tasks)


def _do(place: _Place, task: Task) -> Report:
    conn, alliance = _opened(place)
    return checking.do(conn, alliance, task)


_KEPT: dict[str, tuple[Connection, Alliance]] = {}


def _opened(place: _Place) -> tuple[Connection, Alliance]:
    """The child's own connection, and the alliance with its keys read once."""
    if place.dsn not in _KEPT:
        conn = database.connect(place.dsn, options=place.options)
        _KEPT[place.dsn] = conn, Alliance(place.document, place.digest)
    return _KEPT[place.dsn]
