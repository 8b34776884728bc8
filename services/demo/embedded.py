"""The demo in one process: embedded PostgreSQL, the in-process exchange, four nodes with loops and pages."""

import socket
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from services.demo import expander, play, world
from services.demo.play import Player
from services.demo.world import NODES, World
from services.node.node import Node
from services.runtime.database import Database
from services.runtime.embedded import EmbeddedPostgres
from services.transport.inprocess import InProcessExchange


class Embedded:
    """Four running nodes over one folder. `durable` False: for data that nobody will miss."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder
        self._server = EmbeddedPostgres(folder / "postgres", durable=durable)
        self._open = ExitStack()
        self._stop = threading.Event()
        self.nodes: dict[str, Node] = {}
        self.sockets: Mapping[str, socket.socket] = {}

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
        self._stop.set()
        self._open.close()

    def _start(self) -> None:
        self._open.enter_context(self._server)
        self.world = World(self._folder, self._server.dsn)
        self.sockets = world.bind(self._folder)
        for bound in self.sockets.values():
            self._open.callback(bound.close)
        self.alliance = self.world.prepare({name: world.port_of(s) for name, s in self.sockets.items()})
        exchange = self._open.enter_context(InProcessExchange(self._folder / "exchange"))
        for name in NODES:
            node = Node(self.world.settings(name), self.alliance, exchange)
            self._open.callback(node.close)
            node.open()
            node.start()
            self.nodes[name] = node

    def databases(self) -> dict[str, Database]:
        """The database of each node."""
        return {name: node.database for name, node in self.nodes.items()}

    def load(self) -> int:
        """Play the whole script, each node its share at the same time; how many events were new."""
        if all(self._marker(name).exists() for name in NODES):
            return 0
        script = expander.expand(self.alliance.id)
        return play.play_all([Player(node, script) for node in self.nodes.values()], self._stop)

    def _marker(self, name: str) -> Path:
        return self.world.node(name) / "loaded"
