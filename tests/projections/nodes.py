"""Read models of one node over a history in memory."""

from collections.abc import Iterable, Sequence

import psycopg
from psycopg import sql

from projections import digest, model, models, tables, track
from projections.apply import Engine
from projections.model import Instance, ReadModel
from projections.source import Entry
from tests.projections.histories import World


def prepare_database(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute(track.schema().encode())
        for each in models.MODELS:
            track.create(conn, model.live(each))


class Node:
    """Live read models in a database of their own."""

    def __init__(
        self,
        dsn: str,
        world: World,
        chosen: Sequence[ReadModel] = models.MODELS,
        followed: Iterable[str] | None = None,
    ) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.world, self.engine = world, Engine()
        self.instances = [model.live(each) for each in chosen]
        self._followed = followed

    def begin_again(self, world: World) -> None:
        """Forget everything, for another history."""
        self.world, self.engine = world, Engine()
        with self.conn.transaction():
            for instance in self.instances:
                for table in tables.load(self.conn, instance.schema, instance.model.local_tables).values():
                    self.conn.execute(sql.SQL("TRUNCATE {}").format(table.path))
            for name in ("position", "waiting", "skipped"):
                self.conn.execute(sql.SQL("DELETE FROM projection.{}").format(sql.Identifier(name)))

    def fold(self, entries: list[Entry], instances: Sequence[Instance] | None = None) -> int:
        followed = set(self.world.logs if self._followed is None else self._followed)
        with self.conn.transaction():
            return self.engine.apply(self.conn, instances or self.instances, entries, self.world, followed)

    def catch_up(self, size: int = 2_000) -> None:
        """Everything there is, in order of time, and what became ready."""
        at = track.vector(self.conn, self.instances[0].name)
        entries = [e for e in self.world.all() if e.position > at.get(e.log, 0)]
        for start in range(0, len(entries), size):
            self.fold(entries[start : start + size])
        while self.fold([]):
            pass

    def catch_up_apart(self) -> None:
        """As `catch_up`, for models that no longer stand alike: each by itself."""
        for instance in self.instances:
            while self.fold(self.world.all(), [instance]):
                pass

    def digests(self) -> dict[str, str]:
        return {i.name: digest.digest(self.conn, i) for i in self.instances}

    def waiting(self, name: str = "activity") -> dict[tuple[str, int], str]:
        rows = self.conn.execute(
            "SELECT log, position, cause FROM projection.waiting WHERE model = %s", [name]
        )
        return {(log, position): cause for log, position, cause in rows.fetchall()}
