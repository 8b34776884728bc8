"""A ledger that holds a history made in memory, as far as a test says that it is covered."""

from uuid import UUID

import psycopg

from events import envelope, errors
from projections import digest, model, models
from services.ledger import schema as ledger_schema
from services.projector import schema as projector_schema
from services.runtime.database import Database, migrate
from tests.projections.histories import World


def prepare_database(dsn: str) -> None:
    migrate(dsn, [*ledger_schema.migrations(), *projector_schema.migrations()])


class Shelf:
    """One node's database. Even logs are its own, odd ones received: each half has an index of its own."""

    def __init__(self, dsn: str, world: World) -> None:
        self.dsn, self.world = dsn, world
        self.database = Database(dsn, size=4).open()
        self.covered = dict.fromkeys(world.logs, 0)
        with self.database.connection() as conn:
            for number, log in enumerate(sorted(world.logs)):
                conn.execute("INSERT INTO ledger.log (log, own) VALUES (%s, %s)", [log, number % 2 == 0])

    def cover(self, ends: dict[str, int] | None = None, *, only_store: bool = False) -> None:
        """Store up to these positions, or everything there is now, and a checkpoint over it."""
        with psycopg.connect(self.dsn) as conn:
            for log, end in (ends or self.world.vector()).items():
                for position in range(self.covered[log] + 1, end + 1):
                    self._store(conn, log, position)
                if not only_store and end > self.covered[log]:
                    values = [log, end, bytes(32), "note"]
                    conn.execute(
                        "INSERT INTO ledger.checkpoint (log, size, root, note) VALUES (%s, %s, %s, %s)",
                        values,
                    )
                self.covered[log] = max(end, self.covered[log])
                conn.execute("UPDATE ledger.log SET head = %s WHERE log = %s", [self.covered[log], log])

    def _store(self, conn: psycopg.Connection[tuple[object, ...]], log: str, position: int) -> None:
        entry = self.world.logs[log][position - 1]
        stream, version = _place(entry.value)
        conn.execute(
            "INSERT INTO ledger.entry (log, position, own, stream, version, leaf, value)"
            " SELECT log, %s, own, %s, %s, %s, %s FROM ledger.log WHERE log = %s",
            [position, stream, version, entry.leaf, entry.value, log],
        )

    def digests(self) -> dict[str, str]:
        with self.database.connection() as conn:
            return {each.name: digest.digest(conn, model.live(each)) for each in models.MODELS}

    def one(self, query: str) -> object:
        with self.database.connection() as conn:
            row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def _place(value: bytes) -> tuple[UUID | None, int | None]:
    try:
        found = envelope.read(value)
    except errors.Damage:
        return None, None
    return UUID(found.stream), found.version
