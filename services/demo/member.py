"""One node of the demo in a process of its own: serves its pages, and plays its share of the script once.

`python -m services.demo.member FOLDER NAME`. It ends on a signal, or when its standard input does: whoever
started it is gone then.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from services.demo import expander
from services.demo.play import Player
from services.demo.world import World
from services.gateway.app import create_app
from services.node import alliances, channel, running, serving, site
from services.node.node import Node
from services.node.serving import Server
from services.runtime import clock, logs

_LOOK = 0.2


def run(world: World, name: str) -> None:
    """Open, serve, load, until told to stop. Raises whatever ends the load."""
    signal.pthread_sigmask(signal.SIG_BLOCK, running.SIGNALS)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    settings = world.settings(name)
    alliance = alliances.load(settings.alliance.file, settings.alliance.digest)
    with serving.listen(settings.http.address) as bound, channel.opened(settings, alliance.id) as exchange:
        node = Node(settings, alliance, exchange)
        try:
            node.open()
            _run(world, node, Server(create_app(site.site(node)), bound))
        finally:
            node.close()


def _run(world: World, node: Node, server: Server) -> None:
    server.start(node.name)  # before the loops: nodes ask one another
    try:
        node.start()
        if _loaded(world, node):
            while server.alive and not _told_to_stop(_LOOK):
                pass
    finally:
        server.stop()


def _loaded(world: World, node: Node) -> bool:
    """Play this node's share, unless that was done before; False when told to stop before the end."""
    if world.is_loaded(node.name):
        return True
    stop, share = threading.Event(), _Share(node)
    thread = threading.Thread(target=share.play, args=[stop], name=f"{node.name}-load")
    thread.start()
    while thread.is_alive() and not stop.is_set():
        if _told_to_stop(_LOOK):
            stop.set()
    thread.join()
    if share.error is not None:
        raise share.error
    if not stop.is_set():
        world.mark_loaded(node.name)
    return not stop.is_set()


class _Share:
    def __init__(self, node: Node) -> None:
        self._node = node
        self.error: Exception | None = None

    def play(self, stop: threading.Event) -> None:
        try:
            Player(self._node, expander.expand(self._node.alliance.id)).play(stop)
        except Exception as error:  # noqa: BLE001  (raised where all come together)
            self.error = error


def _told_to_stop(seconds: float) -> bool:
    return signal.sigtimedwait(running.SIGNALS, seconds) is not None


def _end_with_parent() -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock a thread must not hold when Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    logs.configure(clock.now)
    run(World(Path(sys.argv[1])), sys.argv[2])
