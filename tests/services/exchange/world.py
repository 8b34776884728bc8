"""Nodes that write, ship and receive, over either channel, in one process and without threads."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from events import errors
from events.alliance import Alliance
from services.exchange import schema, status
from services.exchange.receive import QUIET, Receiver
from services.exchange.refused import Refused
from services.exchange.ship import Shipper
from services.exchange.tiles_client import Holder
from services.ledger import logs, read, tiles
from services.ledger import schema as ledger_schema
from services.ledger.checkpoints import Checkpointer
from services.runtime.database import migrate
from services.transport.base import Exchange, Message, Record
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger

ALL = nodes.alliance(LOG, OTHER)
SECONDS = 20.0


def prepare_database(dsn: str) -> None:
    migrate(dsn, [*ledger_schema.migrations(), *schema.migrations()])


@dataclass
class Writer:
    """A node that writes logs and ships them."""

    ledger: Ledger
    exchange: Exchange
    names: tuple[str, ...] = (LOG, OTHER)
    refused: Refused = field(default_factory=Refused)
    shipper: Shipper = field(init=False)
    checkpointer: Checkpointer = field(init=False)

    def __post_init__(self) -> None:
        self.ledger.open(*self.names)
        self.checkpointer = self.ledger.checkpointer(*self.names)
        self.restart()

    def restart(self) -> None:
        """As after a restart of the process: what was in memory is gone."""
        self.shipper = Shipper(
            self.ledger.database, self.exchange, self.ledger.guard, self.names, look=0.0, refused=self.refused
        )

    def record(self, count: int, log: str = LOG) -> None:
        """Append, sign, do not ship."""
        if count:
            self.ledger.append(count, log)
        self.checkpointer.round()

    def ship(self, count: int = 0, log: str = LOG) -> int:
        """Append, sign and ship until nothing is left to ship."""
        self.record(count, log)
        shipped = 0
        while new := self.shipper.step():
            shipped += new
        return shipped

    def hold(self, log: str, path: str) -> bytes:
        """This node as a holder of tiles."""
        with self.ledger.database.connection() as conn:
            return tiles.serve(conn, self.ledger.guard.read(), log, path)


@dataclass
class Follower:
    """A node that receives."""

    ledger: Ledger
    exchange: Exchange
    alliance: Alliance = ALL
    names: tuple[str, ...] = (LOG, OTHER)
    holders: Sequence[Holder] = ()
    quiet: float = QUIET
    receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after a restart of the process: what was in memory is gone."""
        self.receiver = Receiver(
            self.ledger.database, self.exchange, self.alliance, self.names, self.holders, quiet=self.quiet
        )

    def close(self) -> None:
        self.receiver.close()

    def receive(self, until: Callable[[], bool] | None = None, seconds: float = SECONDS) -> None:
        """Receive until it is so; without a condition, until nothing new came for half a second."""
        quiet, deadline = time.monotonic() + 0.5, time.monotonic() + seconds
        while not (until() if until else time.monotonic() > quiet):
            assert time.monotonic() < deadline, f"still {self.sizes()}, dropped {self.damage()}"
            with suppress(errors.Unavailable):
                if self.receiver.step(0.05):
                    quiet = time.monotonic() + 0.5

    def reach(self, size: int, log: str = LOG) -> None:
        """Receive until the log is held up to `size`."""
        self.receive(lambda: self.sizes()[log] >= size)

    def hold(self, log: str, path: str) -> bytes:
        """This node as a holder of tiles."""
        with self.ledger.database.connection() as conn:
            return tiles.serve(conn, None, log, path)

    def sizes(self) -> dict[str, int]:
        with self.ledger.database.connection() as conn:
            return dict.fromkeys(self.names, 0) | read.covered(conn)

    def damage(self, log: str = LOG) -> dict[str, int]:
        """What was dropped, as far as it is written down."""
        with self.ledger.database.connection() as conn:
            return next((dict(s.damage) for s in status.standings(conn) if s.log == log), {})

    def state(self, log: str = LOG) -> str:
        with self.ledger.database.connection() as conn:
            return next((s.state for s in logs.states(conn) if s.log == log), "")

    def breaches(self, log: str = LOG) -> list[tuple[int, str]]:
        with self.ledger.database.connection() as conn:
            rows = conn.execute("SELECT position, kind FROM ledger.breach WHERE log = %s", [log]).fetchall()
        return [(position, kind) for position, kind in rows]  # type: ignore[misc]  # the table's own types


def values(ledger: Ledger, log: str = LOG) -> list[bytes]:
    """What a ledger holds of a log."""
    with ledger.database.connection() as conn:
        return [entry.value for entry in read.entries(conn, log)]


def agree(*ledgers: Ledger, log: str = LOG) -> bool:
    """Whether all hold the same bytes of a log, 1…n without a hole."""
    with ledgers[0].database.connection() as conn:
        positions = [entry.position for entry in read.entries(conn, log)]
    assert positions == list(range(1, len(positions) + 1))
    return all(values(ledger, log) == values(ledgers[0], log) for ledger in ledgers)


def topic(exchange: Exchange, log: str = LOG) -> list[Message]:
    """Everything that stands on a topic."""
    reader = exchange.reader()
    begin, end = exchange.begins([log])[log], exchange.ends([log])[log]
    reader.assign({log: begin})
    found: list[Message] = []
    while reader.positions().get(log, end) < end:
        found += reader.poll(1.0)
    reader.close()
    return found


def again(message: Message) -> Record:
    """The same record, to be published."""
    return message.key, message.value, [(name, text or b"") for name, text in message.headers]


def publish(exchange: Exchange, *records: Record, log: str = LOG) -> None:
    """Put records on a topic, as anybody could who may write there."""
    publisher = exchange.publisher()
    publisher.publish(log, records)
    publisher.close()


@contextmanager
def full_disk(ledger: Ledger, table: str) -> Iterator[None]:
    """While it lasts, the database says at every row written to this table, e.g. `x.breach`, it is full."""
    named = sql.Identifier(*table.split("."))
    with ledger.database.connection() as conn:
        conn.execute(_FULL)
        conn.execute(
            sql.SQL("CREATE TRIGGER full_disk BEFORE INSERT ON {} EXECUTE FUNCTION full_disk()").format(named)
        )
    try:
        yield
    finally:
        with ledger.database.connection() as conn:
            conn.execute(sql.SQL("DROP TRIGGER full_disk ON {}").format(named))


_FULL = """
CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$
"""


def temporary(folder: Path, name: str) -> Path:
    """A new folder."""
    path = folder / name
    path.mkdir()
    return path
