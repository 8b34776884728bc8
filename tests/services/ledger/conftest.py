"""Ledgers on real PostgreSQL, one template for all tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.ledger import nodes
from tests.services.ledger.nodes import Ledger
from tests.support.databases import Server

NewLedger = Callable[..., Ledger]


@pytest.fixture
def new_ledger(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[NewLedger]:
    """A function `(name="a", of: str | None = None)`: a ledger, empty or with the content of another's DSN.

    The guard file of a copy is its own; nothing may be connected to `of` while it is copied.
    """
    template = postgres.template("ledger", nodes.prepare_database)
    made: list[Ledger] = []

    def new(name: str = "a", of: str | None = None) -> Ledger:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Ledger(new_database(of or template), folder))
        return made[-1]

    yield new
    for ledger in made:
        ledger.close()


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Ledger:
    """One with an empty own log."""
    ledger = new_ledger()
    ledger.open(nodes.LOG)
    return ledger
