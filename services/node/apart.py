"""A node opened for a command, beside its running process or without one: it writes, and ships nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from events.alliance import Alliance
from services.bureau import reclaiming
from services.ledger import guard
from services.node.node import Node
from services.runtime import clock
from services.runtime.clock import Clock
from services.runtime.settings import Settings
from services.transport.inprocess import InProcessExchange


@contextmanager
def opened(settings: Settings, alliance: Alliance, now: Clock = clock.now) -> Iterator[Node]:
    """What it records is signed and shipped by the node's own process, now or when it starts next.

    Raises Invalid, Unavailable; ReadOnly when the database lacks what the node has signed.
    """
    with InProcessExchange() as nowhere:
        node = Node(settings, alliance, nowhere, now)
        try:
            node.open()
            with node.database.connection() as conn:
                guard.check(conn, node.guard_file.read())
            reclaiming.again(node.database)
            node.standing.admit()
            yield node
        finally:
            node.close()
