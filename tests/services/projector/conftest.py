"""Ledgers with histories on real PostgreSQL, one template for all tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.projections.histories import World
from tests.services.projector import ledgers
from tests.services.projector.ledgers import Shelf
from tests.support.databases import Server

NewShelf = Callable[[World], Shelf]


@pytest.fixture
def new_shelf(postgres: Server, new_database: Callable[..., str]) -> Iterator[NewShelf]:
    """A function `(world)`: a ledger without any record yet, and without read models."""
    template = postgres.template("projector", ledgers.prepare_database)
    made: list[Shelf] = []

    def new(world: World) -> Shelf:
        made.append(Shelf(new_database(template), world))
        return made[-1]

    yield new
    for shelf in made:
        shelf.database.close()
