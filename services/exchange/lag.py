"""How far each log is behind its topic, asked of the exchange itself: for operators, `doctor` and metrics."""

from collections.abc import Iterable
from typing import NamedTuple

from services.exchange import hints
from services.runtime.database import Connection
from services.transport import base


class Lag(NamedTuple):
    """A topic's `end`, None without a topic, and how many of its records were not taken in yet.

    A topic that was made anew counts whole, until it was read.
    """

    end: int | None
    behind: int


def lags(conn: Connection, exchange: base.Exchange, logs: Iterable[str]) -> dict[str, Lag]:
    """The lag of each of the logs, own or followed. Raises Unavailable when the exchange does not answer."""
    names = list(logs)
    known, begins, ends = hints.load(conn, names), exchange.begins(names), exchange.ends(names)
    found = {}
    for log in names:
        hint = known.get(log)
        same = hint is not None and log in ends and hint.identity == exchange.identity(log)
        start = hint.next if hint is not None and same else begins.get(log, 0)
        found[log] = Lag(ends.get(log), max(0, ends.get(log, start) - start))
    return found
