"""Whether a node may write: not while its database lacks what it signed (design.md, decision 13)."""

import threading

from events import errors


class Standing:
    """Shared by the loops and the pages of one node; `cause` says why it is read-only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cause: str | None = "the node has not compared its database with its guard file yet"

    @property
    def cause(self) -> str | None:
        """Why the node is read-only; None when it may write."""
        with self._lock:
            return self._cause

    def refuse(self, cause: str) -> None:
        """From now on nothing is written."""
        with self._lock:
            self._cause = cause

    def admit(self) -> None:
        """From now on it may write."""
        with self._lock:
            self._cause = None

    def check(self) -> None:
        """Raises ReadOnly."""
        cause = self.cause
        if cause is not None:
            raise errors.ReadOnly(f"this node is read-only: {cause}")
