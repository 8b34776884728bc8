"""The demo over Kafka: a broker, one PostgreSQL server with a database per node, and one process per node."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import httpx

from events import errors
from services.demo import world
from services.demo.world import NODES, World
from services.runtime.database import Database
from services.runtime.embedded import EmbeddedPostgres

_LOOK = 0.1
_PATIENCE = 20.0


class Broker(Protocol):
    """What is asked of the broker for development."""

    @property
    def bootstrap(self) -> str: ...

    def alive(self) -> bool: ...

    def stop(self) -> None: ...


class Separate:
    """Four node processes over one folder. `start_broker` starts Kafka on a folder of its own.

    `durable` False: for data that nobody will miss.
    """

    def __init__(
        self,
        folder: Path,
        start_broker: Callable[[Path], Broker],
        *,
        durable: bool = True,
    ) -> None:
        self._folder, self._start_broker = folder, start_broker
        self._server = EmbeddedPostgres(folder / "postgres", durable=durable)
        self._open = ExitStack()
        self._databases: dict[str, Database] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _start(self) -> None:
        self._open.enter_context(self._server)
        self._broker = self._start_broker(self._folder / "kafka")
        self._open.callback(self._broker.stop)
        self.world = World(self._folder, self._server.dsn, self._broker.bootstrap)
        self.alliance = self.world.prepare(self._ports())
        for name in NODES:
            self._databases[name] = Database(self.world.database(name), size=4).open()
            self._open.callback(self._databases[name].close)
        self._open.callback(self._end)
        for name in NODES:
            self._processes[name] = self._spawn(name)

    def _ports(self) -> dict[str, int]:
        """Each node binds its port itself, a moment after this let go of it."""
        sockets = world.bind(self._folder)
        ports = {name: world.port_of(bound) for name, bound in sockets.items()}
        for bound in sockets.values():
            bound.close()
        return ports

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "services.demo.member", str(self._folder.absolute()), name]
        with (self.world.node(name) / "log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def _end(self) -> None:
        """Tell all to stop at once, and wait for each."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def databases(self) -> dict[str, Database]:
        """The database of each node."""
        return self._databases

    def load(self) -> None:
        """Wait until each node played its share. Raises Unavailable when one ends."""
        while not self.world.is_loaded():
            self.watch()
            time.sleep(_LOOK)

    def serve(self) -> None:
        """Wait until the pages of all nodes answer; each opens its own. Raises Unavailable."""
        for node in self.alliance.document.node:
            while not _answers(f"{node.url}/healthz"):
                self.watch()
                time.sleep(_LOOK)

    def watch(self) -> None:
        """Raises Unavailable when a node, or the broker, has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                place = self.world.node(name) / "log"
                raise errors.Unavailable(f"{name} ended; {place} ends with: {_last_line(place)}")
        if not self._broker.alive():
            raise errors.Unavailable(f"the broker ended: see {self._folder / 'kafka' / 'broker.log'}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def _last_line(place: Path) -> str:
    lines = place.read_text("utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line), "nothing")
