"""What is done with a ledger: project it, rebuild the read models, verify it."""

import hashlib
import os
import time
from collections.abc import Sequence
from functools import partial

from events import errors
from projections.models import MODELS
from services.auditor import checking
from services.auditor.checking import How
from services.auditor.workers import Workers
from services.bench import library
from services.bench.harness import rate
from services.bench.load import Entry
from services.node.node import Node
from services.projector import rebuild
from services.runtime.database import Connection

_PAGE = 2_000


class Reading:
    """One node's ledger, and the library with a database of its own; of each round it projects `part`."""

    def __init__(self, node: Node, dsn: str, part: int, workers: Workers) -> None:
        self._node, self._dsn, self._part, self._workers = node, dsn, part, workers
        library.prepare_view(dsn)
        self._application = library.Recorded(library.environment(dsn))

    @property
    def processes(self) -> int:
        """How many of them verify."""
        return self._workers.count

    def project(self, entries: Sequence[Entry]) -> float:
        """All read models over what was received last."""
        return rate(len(entries), self.settle)

    def settle(self) -> None:
        """Project all there is."""
        while self._node.projector.step():
            pass

    def limit_project(self, entries: Sequence[Entry]) -> float:
        """The library's runner writes the same rows of the same read models, one transaction an event."""
        part = entries[: self._part]
        return library.project(self._dsn, self._application.record(part), len(part))

    def rebuild(self) -> float:
        """All read models anew beside the running ones, compared row by row, switched."""
        begin = time.perf_counter()
        reports = rebuild.anew(self._node.database, MODELS, processes=os.cpu_count() or 1)
        seconds = time.perf_counter() - begin
        if wrong := [report.model for report in reports if not report.switched]:
            raise errors.Unavailable(f"rebuilt, {', '.join(wrong)} came out differently: measured nothing")
        return max(report.records for report in reports) / seconds

    def verify(self, logs: Sequence[str]) -> float:
        """Everything about these logs derived again from the raw bytes, by one process a core."""
        begin = time.perf_counter()
        run = partial(self._workers.run, self._node.database.dsn, "", self._node.alliance)
        with self._node.database.connection() as conn:
            outcome = checking.verify_all(conn, self._node.alliance, logs, how=How(run))
        if not outcome.ok:
            raise errors.Unavailable(f"the logs do not verify: {outcome.findings[0]}")
        return outcome.events / (time.perf_counter() - begin)

    def limit_verify(self, logs: Sequence[str]) -> float:
        """Nothing but reading the same bytes in pages and hashing them, in one process."""
        begin = time.perf_counter()
        with self._node.database.connection() as conn:
            count = sum(_read_and_hash(conn, log) for log in logs)
        return count / (time.perf_counter() - begin)

    def close(self) -> None:
        """Give the library's connections back."""
        self._application.close()


def _read_and_hash(conn: Connection, log: str) -> int:
    at = count = 0
    with conn.cursor(binary=True) as cursor:
        while True:
            rows = cursor.execute(
                "SELECT position, value FROM ledger.entry WHERE log = %s AND position > %s"
                " ORDER BY position LIMIT %s",
                [log, at, _PAGE],
            ).fetchall()
            for _, value in rows:
                hashlib.sha256(value).digest()  # type: ignore[arg-type]  # bytea
            if not rows:
                return count
            at, count = int(rows[-1][0]), count + len(rows)  # type: ignore[call-overload]  # bigint
