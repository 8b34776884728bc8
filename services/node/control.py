"""What an operator may see and do at a running node beyond its tables."""

import threading
from typing import Any

from events import errors
from projections.models import BY_NAME
from services.exchange import status
from services.ledger.guard import Guard
from services.node import alliances
from services.node.node import Node
from services.projector import rebuild
from services.runtime import logs

_log = logs.get(__name__)


class Control:
    """See services.gateway.site.Control."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._rebuilds: dict[str, str] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def read_only(self) -> str | None:
        """Why the node may not write now; None when it may."""
        return self._node.standing.cause

    def guard(self) -> Guard | None:
        """The guard file as it stands. Raises ReadOnly when it cannot be read."""
        return self._node.guard_file.read()

    def exchange(self) -> list[dict[str, Any]]:
        """One line a log; its keys are those of services.exchange.status.Standing."""
        with self._node.database.connection() as conn:
            return [standing._asdict() for standing in status.standings(conn)]

    def version(self, number: int) -> str | None:
        """The note of a version of the alliance document."""
        return self._node.versions.note(number)

    def trouble(self) -> list[str]:
        """What an operator must settle: the alliance document signed twice, a key or a good topic lacking."""
        refused = [self._node.refused] if self._node.refused else []
        topics = self._node.topics.causes.values()
        return [*alliances.troubles(self._node.versions), *refused, *self._node.standing.lacking, *topics]

    def failures(self) -> dict[str, int]:
        """How often each loop of the node had to begin anew."""
        return {loop.name: loop.failures for loop in self._node.loops.all}

    def rebuilding(self) -> dict[str, str]:
        """The rebuilds of this process by read model: running, or how they ended."""
        with self._lock:
            return dict(self._rebuilds)

    def rebuild(self, name: str) -> None:
        """Begin to build a read model beside the running one. Raises NotFound, Conflict."""
        if name not in BY_NAME:
            raise errors.NotFound(f"there is no read model {name[:40]!r}", field="model")
        with self._lock:
            if name in self._threads and self._threads[name].is_alive():
                raise errors.Conflict(f"the read model {name} is being rebuilt already")
            self._rebuilds[name] = "running"
            called = f"{self._node.name}-rebuild-{name}"
            self._threads[name] = threading.Thread(
                target=self._rebuild, args=[name], name=called, daemon=True
            )
            self._threads[name].start()

    def _rebuild(self, name: str) -> None:
        """Killed at any point, the live read model serves on."""
        try:
            (report,) = rebuild.anew(self._node.database, [BY_NAME[name]])
        except Exception as error:  # noqa: BLE001  (the last line of a thread: the operator sees how it ended)
            _log.exception("rebuild-failed", node=self._node.name, model=name, kind=type(error).__name__)
            self._say(name, f"failed: {type(error).__name__}")
        else:
            self._say(name, _ended(report))

    def _say(self, name: str, text: str) -> None:
        with self._lock:
            self._rebuilds[name] = text


def _ended(report: rebuild.Report) -> str:
    if report.switched:
        return f"done, {report.records} records"
    return f"kept the old one: {len(report.differences)} rows differ"
