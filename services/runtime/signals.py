"""A hint that there is something to do; who waits looks for itself, so a lost hint costs a pause only."""

import threading


class Wake:
    """Set from any thread, waited for by one; many hints before the wait are one."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Give the hint, after what it hints at is committed."""
        self._event.set()

    def wait(self, timeout: float) -> bool:
        """Wait for a hint, `timeout` seconds at most; whether there was one.

        The hint is taken before the caller looks at the state, so one given while it works is not lost.
        """
        woken = self._event.wait(timeout)
        self._event.clear()
        return woken
