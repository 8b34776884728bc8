"""Whether a node may write: not while its database lacks what it signed (design.md, decision 13)."""

import threading
from collections.abc import Mapping

from events import errors

GUARD, WITNESSES = "guard", "witnesses"
"""Who may refuse: the loop that signs, and the one that reads what others cosigned."""


class Standing:
    """Shared by the loops and the pages of one node; each loop refuses and admits for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._causes = {GUARD: "the node has not compared its database with its guard file yet"}
        self._lacking: dict[str, str] = {}

    @property
    def cause(self) -> str | None:
        """Why the node, or a log of it, is read-only; None when all may be written."""
        with self._lock:
            return next(iter((*self._causes.values(), *self._lacking.values())), None)

    def refuse(self, cause: str, by: str = GUARD) -> None:
        """From now on nothing is written."""
        with self._lock:
            self._causes[by] = cause

    def admit(self, by: str = GUARD) -> None:
        """From now on it may write, as far as this loop can tell."""
        with self._lock:
            self._causes.pop(by, None)

    def refused(self, by: str) -> str | None:
        """Why this loop refuses."""
        with self._lock:
            return self._causes.get(by)

    def lack(self, causes: Mapping[str, str]) -> None:
        """From now on these logs, and no others, are read-only because nobody here can sign them."""
        with self._lock:
            self._lacking = dict(causes)

    @property
    def lacking(self) -> list[str]:
        """What is said of the logs that nobody here can sign."""
        with self._lock:
            return list(self._lacking.values())

    def check(self, log: str) -> None:
        """Raises ReadOnly when nothing, or nothing in this log, may be written."""
        with self._lock:
            cause = next(iter(self._causes.values()), self._lacking.get(log))
        if cause is not None:
            raise errors.ReadOnly(f"this node is read-only: {cause}")
