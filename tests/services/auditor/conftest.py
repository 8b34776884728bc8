"""One ledger with two logs, one of them signed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.projections.histories import World
from tests.services.auditor import travelling
from tests.services.auditor.travelling import Traveller
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger
from tests.support.databases import Server

NewTraveller = Callable[..., Traveller]


@pytest.fixture
def ledger(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Ledger]:
    """300 records in `LOG`, signed; `OTHER` is empty."""
    made = Ledger(new_database(postgres.template("ledger", nodes.prepare_database)), tmp_path)
    made.open(LOG, OTHER)
    made.append(300)
    made.checkpointer(LOG, OTHER).round()
    yield made
    made.close()


@pytest.fixture
def new_traveller(postgres: Server, new_database: Callable[..., str]) -> Iterator[NewTraveller]:
    """A function `(world, batch=…)`: a node's database without any record yet."""
    template = postgres.template("traveller", travelling.prepare_database)
    made: list[Traveller] = []

    def new(world: World, batch: int = 2_000) -> Traveller:
        made.append(Traveller(new_database(template), world, batch))
        return made[-1]

    yield new
    for each in made:
        each.database.close()
