"""One ledger with two logs, one of them signed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG, OTHER, Ledger
from tests.support.databases import Server


@pytest.fixture
def ledger(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Ledger]:
    """300 records in `LOG`, signed; `OTHER` is empty."""
    made = Ledger(new_database(postgres.template("ledger", nodes.prepare_database)), tmp_path)
    made.open(LOG, OTHER)
    made.append(300)
    made.checkpointer(LOG, OTHER).round()
    yield made
    made.close()
