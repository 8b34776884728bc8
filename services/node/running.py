"""Running one node in a process of its own: it opens when its database is there, and ends on a signal."""

import signal
from collections.abc import Callable, Iterator
from itertools import chain, repeat

from events import errors
from events.alliance import Alliance
from services.gateway.app import create_app
from services.node import alliances, asking, channel, serving
from services.node.node import Node
from services.node.serving import Server
from services.node.site import site
from services.runtime import clock, logs
from services.runtime.clock import Clock
from services.runtime.settings import Settings

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
_LOOK = 1.0
_PAUSES = (0.5, 1.0, 2.0, 4.0)
_LONGEST_PAUSE = 8.0
_log = logs.get(__name__)


def run(settings: Settings, alliance: Alliance, now: Clock = clock.now) -> None:
    """Run a node until SIGTERM or SIGINT; belongs in the main thread, before any other is started.

    The signals are blocked, in all threads to come too, and taken when there is time for them: nothing is
    ever cut off in the middle. Raises Invalid, and Unavailable when the port is taken or serving ends.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    named = joined(settings, alliance, _told_to_stop)
    if named is None:
        return
    with serving.listen(settings.http.address) as bound, channel.opened(settings, named.id) as exchange:
        node = Node(settings, named, exchange, now)
        try:
            if _opened(node):
                _serve(node, Server(create_app(site(node)), bound))
        finally:
            _log.info("node-stopped", node=node.name, unfinished=node.close())


def joined(settings: Settings, alliance: Alliance, told_to_stop: Callable[[float], bool]) -> Alliance | None:
    """The newest version that names this node, asked of other nodes when what is on disk does not yet.

    None when told to stop before there is one.
    """
    versions = alliances.Versions(settings.alliance.file, settings.alliance.digest)
    if settings.name in alliance.nodes:
        return alliance
    for pause in _pauses():
        versions.look()
        try:
            asking.ask(versions, settings.name)
        except errors.Fork as fork:  # neither is taken
            _log.error("alliance-forked", version=fork.position, reason=fork.message)
        if settings.name in versions.current.nodes:
            return versions.current
        _log.warning(
            "not-named-yet", node=settings.name, version=versions.current.version, again_in_seconds=pause
        )
        if told_to_stop(pause):
            break
    return None


def _opened(node: Node) -> bool:
    """Open the node as soon as its database is there; False when told to stop before."""
    for pause in _pauses():
        try:
            node.open()
        except errors.Unavailable as error:
            _log.warning("database-awaited", node=node.name, reason=error.message, again_in_seconds=pause)
        else:
            return True
        if _told_to_stop(pause):
            break
    return False


def _pauses() -> Iterator[float]:
    return chain(_PAUSES, repeat(_LONGEST_PAUSE))


def _serve(node: Node, server: Server) -> None:
    server.start(node.name)  # before the loops: nodes ask one another
    node.start()
    _log.info(
        "node-started", node=node.name, listen=node.settings.http.listen, exchange=node.settings.exchange,
        own=len(node.own), followed=len(node.followed),
    )  # fmt: skip
    try:
        while not _told_to_stop(_LOOK):
            if not server.alive:
                raise errors.Unavailable("the pages cannot be served any more; see the log lines before")
    finally:
        _log.info("node-stops", node=node.name)
        server.stop()


def _told_to_stop(seconds: float) -> bool:
    return signal.sigtimedwait(SIGNALS, seconds) is not None
