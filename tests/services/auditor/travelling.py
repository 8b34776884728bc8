"""A node's database over a history made in memory, its read models folded, and scratch schemas beside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from projections import models, track
from services.auditor import asking, reports
from services.auditor.asking import Asked
from services.auditor.queries import registry
from services.auditor.reports import Made, Report
from services.node import node
from services.projector.runner import Projector
from services.projector.scratch import Scratch
from services.runtime import database
from services.runtime.database import Database
from tests.projections.histories import World
from tests.services.projector.ledgers import Shelf

NOTHING: Mapping[str, Any] = {}
MADE = Made(datetime(2026, 5, 1, tzinfo=UTC), "test", "0")


def prepare_database(dsn: str) -> None:
    database.migrate(dsn, node.migrations())
    opened = Database(dsn, size=2).open()
    Projector(opened, models.MODELS).prepare()
    opened.close()


class Traveller(Shelf):
    """One node: what its world covers is folded, and can be asked at any vector."""

    def __init__(self, dsn: str, world: World, batch: int = 2_000) -> None:
        super().__init__(dsn, world)
        self.batch = batch
        self.build = Scratch(self.database)

    def settle(self, ends: dict[str, int] | None = None) -> None:
        """Cover up to these positions, or everything there is, and fold it."""
        self.cover(ends)
        projector = Projector(self.database, models.MODELS, batch=self.batch)
        projector.prepare()
        while projector.step():
            pass

    def ask(
        self, name: str, known: Mapping[str, int] | None = None, parameters: Mapping[str, Any] = NOTHING
    ) -> Asked:
        """The live answer, or the one at a vector."""
        query = registry.find(name)
        given = query.read(parameters)
        with self.database.connection() as conn:
            if known is None:
                return asking.ask_now(conn, self.build, query, given)
            return asking.ask_then(conn, self.build, query, given, dict(known))

    def keep(self, name: str, asked: Asked) -> Report:
        """A saved report, as it is read back."""
        with self.database.connection() as conn:
            return reports.load(conn, str(reports.save(conn, name, asked, MADE)))

    def schemas(self) -> set[str]:
        """The instances there are."""
        with self.database.connection() as conn:
            return {s.name for s in track.states(conn)}


def value(asked: Asked, figure: str) -> int:
    """One figure's number."""
    return next(f.value for f in asked.answer.figures if f.name == figure)
