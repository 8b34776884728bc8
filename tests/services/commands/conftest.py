"""A node in a folder of its own over a fresh database that has the node's tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.bureau.province import prepare
from tests.services.commands.installation import Installation
from tests.support.databases import Server


@pytest.fixture
def installed(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Installation:
    """One node, never started."""
    return Installation(tmp_path, new_database(postgres.template("node", prepare)))
