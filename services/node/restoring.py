"""Where a node gets back what it signed and its database lost: its own topic, and other holders' tiles."""

from collections.abc import Iterator
from functools import partial

from events import errors
from events.alliance import Alliance
from services.exchange import wire
from services.exchange.tiles_client import Holder
from services.ledger import store, tiles
from services.ledger.confirm import Source
from services.ledger.store import Run
from services.runtime.database import Database
from services.transport import base

WAIT = 1.0
PATIENCE = 25
"""So many waits without anything are more than a reader takes to cure itself; then others are asked."""


def from_topic(exchange: base.Exchange) -> Source:
    """The runs on a log's own topic; Unavailable when there is none to ask."""
    return partial(_read_topic, exchange)


def from_tiles(holder: Holder, alliance: Alliance, database: Database) -> Source:
    """What another holder has beyond ours, proved by its tiles."""

    def source(log: str, after: int) -> Iterator[Run]:
        with database.connection() as conn:
            size, root, note = store.latest(conn, log)
        if size != after:
            raise errors.Unavailable(f"log {log} moved while it was restored")
        run = tiles.proved_entries(partial(holder, log), alliance, log, after, root, note)
        if run is not None:
            yield run

    return source


def _read_topic(exchange: base.Exchange, log: str, after: int) -> Iterator[Run]:
    ends = exchange.ends([log])
    if log not in ends:
        raise base.NoTopic(f"log {log} has no topic to restore from")
    reader = exchange.reader()
    try:
        reader.assign({log: exchange.begins([log])[log]})
        yield from _runs(_messages(reader, log, ends[log]), after)
    finally:
        reader.close()


def _messages(reader: base.Reader, log: str, end: int) -> Iterator[base.Message]:
    patience = PATIENCE
    while (position := reader.positions().get(log, end)) < end:
        if not patience:
            raise errors.Unavailable(f"the topic of log {log} does not give what it holds")
        yield from reader.poll(WAIT)
        if any(isinstance(notice, base.Lost) for notice in reader.notices()):
            raise errors.Unavailable(f"the topic of log {log} was lost while it was read")
        patience = PATIENCE if reader.positions().get(log, end) > position else patience - 1


def _runs(messages: Iterator[base.Message], after: int) -> Iterator[Run]:
    """Records in order, cut where a checkpoint stands; what does not continue is passed over.

    Whoever takes a run checks it against its note, so nothing here is believed.
    """
    values: list[bytes] = []
    for message in messages:
        slot = wire.read(message)
        if isinstance(slot, wire.Slot) and slot.position == after + len(values) + 1 and message.value:
            values.append(message.value)
            if slot.note is not None:
                yield Run(after, values, slot.note)
                after, values = after + len(values), []
