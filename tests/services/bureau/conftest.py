"""A province of bureaus for each test, over a fresh database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.bureau.province import Province, prepare
from tests.support.databases import Server

BUREAUS = ("500117", "500153", "510300", "511600", "512000")


@pytest.fixture
def province(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Province]:
    """Hechuan, Rongchang, Zigong, Guang'an and Ziyang at one node."""
    made = Province(new_database(postgres.template("node", prepare)), tmp_path, BUREAUS)
    yield made
    made.close()
