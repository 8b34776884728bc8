"""A hint that there is something to do; who waits looks for itself, so a lost hint costs a pause only."""

import math
import threading
import time


class Wake:
    """Set from any thread, waited for by one; many hints before the wait are one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due = math.inf
        self._woken = -math.inf

    def set(self, rest: float = 0.0) -> None:
        """Give the hint, after what it hints at is committed.

        `rest`: so many seconds shall lie between the last hint that was taken and this one.
        """
        with self._changed:
            due = max(time.monotonic(), self._woken + rest)
            if due < self._due:
                self._due = due
                self._changed.notify()

    def wait(self, timeout: float) -> bool:
        """Wait for a hint, `timeout` seconds at most; whether there was one.

        The hint is taken before the caller looks at the state, so one given while it works is not lost.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while (now := time.monotonic()) < min(self._due, deadline):
                self._changed.wait(min(self._due, deadline) - now)
            if woken := now >= self._due:
                self._due, self._woken = math.inf, now
        return woken
