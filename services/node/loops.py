"""The loops of a node, one thread each; a loop that fails is said, waits, and begins anew."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from events import errors
from services.runtime import logs

PATIENCE = 2.0
"""Seconds before a failed loop begins anew."""
_log = logs.get(__name__)


@dataclass
class Loop:
    """A named piece of endless work; `failures` counts how often it had to begin anew."""

    name: str
    body: Callable[[threading.Event], None]
    failures: int = 0
    thread: threading.Thread | None = field(default=None, repr=False)
    halt: threading.Event = field(default_factory=threading.Event, repr=False)
    """Ends the body: for good, or to begin anew."""

    def run(self, stop: threading.Event) -> None:
        """Run the body until told to stop, whatever it raises."""
        while not stop.is_set():
            self.halt.clear()
            if stop.is_set():  # it was set before `halt`, which must not be lost here
                return
            try:
                self.body(self.halt)
            except errors.Unavailable:
                self._failed(stop)
            except Exception as error:  # noqa: BLE001  (the last line of a thread: it says what happened, begins anew)
                _log.exception("loop-failed", loop=self.name, kind=type(error).__name__)
                self._failed(stop)

    def _failed(self, stop: threading.Event) -> None:
        self.failures += 1
        stop.wait(PATIENCE)


class Loops:
    """All loops of a node."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.all: list[Loop] = []

    def start(self, name: str, body: Callable[[threading.Event], None]) -> None:
        """Run a body in a thread of its own until `end`."""
        loop = Loop(name, body)
        loop.thread = threading.Thread(target=loop.run, args=[self.stop], name=name, daemon=True)
        self.all.append(loop)
        loop.thread.start()

    def restart(self, name: str) -> None:
        """Let a loop end its body in order and begin anew, with what holds now."""
        for loop in self.all:
            if loop.name == name:
                loop.halt.set()

    def tell(self) -> None:
        """Tell all to stop."""
        self.stop.set()
        for loop in self.all:
            loop.halt.set()

    def end(self, patience: float = 10.0) -> list[str]:
        """Tell all to stop and wait; the names of those that did not."""
        self.tell()
        for loop in self.all:
            if loop.thread is not None:
                loop.thread.join(patience)
        return [loop.name for loop in self.all if loop.thread is not None and loop.thread.is_alive()]
