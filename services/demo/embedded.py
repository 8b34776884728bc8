"""The demo in one process: embedded PostgreSQL, the in-process exchange, four nodes with loops and pages."""

import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from events import errors
from services.demo import expander, play, world
from services.demo.play import Player
from services.demo.script import Script
from services.demo.world import NODES, World
from services.node import site
from services.node.node import Node
from services.node.serving import Server
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
        self._pages: dict[str, Server] = {}
        self.nodes: dict[str, Node] = {}

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
        self._sockets = world.bind(self._folder)
        for bound in self._sockets.values():
            self._open.callback(bound.close)
        self.alliance = self.world.prepare({name: world.port_of(s) for name, s in self._sockets.items()})
        exchange = self._open.enter_context(InProcessExchange(self._folder / "exchange"))
        for name in NODES:
            node = self.nodes[name] = Node(self.world.settings(name), self.alliance, exchange)
            self._open.callback(node.close)
            node.open()
        self.serve()  # before the loops: they ask one another
        for node in self.nodes.values():
            node.start()
        self._open.callback(self._tell_all)

    def _tell_all(self) -> None:
        """Have all loops end at the same time, before each node is closed in its turn."""
        for node in self.nodes.values():
            node.loops.tell()

    def databases(self) -> dict[str, Database]:
        """The database of each node."""
        return {name: node.database for name, node in self.nodes.items()}

    def load(self, script: Script | None = None) -> None:
        """Play the demo's script, or another, each node its share; nothing when that was done before."""
        if self.world.is_loaded():
            return
        script = script or expander.expand(self.alliance.id)
        play.play_all([Player(node, script) for node in self.nodes.values()], self._stop)
        for name in NODES:
            self.world.mark_loaded(name)

    def serve(self) -> None:
        """Open the pages of all nodes; again is harmless."""
        from services.gateway.app import create_app  # loading goes without pages

        for name, node in self.nodes.items():
            if name in self._pages:
                continue
            server = self._pages[name] = Server(create_app(site.site(node)), self._sockets[name])
            server.start(name)
            self._open.callback(server.stop)

    def watch(self) -> None:
        """Raises Unavailable when a node's pages have ended by themselves."""
        if dead := [name for name, server in self._pages.items() if not server.alive]:
            raise errors.Unavailable(
                f"the pages of {', '.join(dead)} ended; the folder's file `log` says why"
            )
