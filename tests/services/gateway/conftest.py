"""A node with its pages, and officers who use them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.gateway.app import create_app
from tests.services.gateway import houses
from tests.services.gateway.clerks import URL, Clerk
from tests.services.gateway.houses import House
from tests.support.databases import Server


@pytest.fixture
def house(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[House]:
    made = House(new_database(postgres.template("gateway", houses.prepare)), tmp_path)
    made.start()
    yield made
    made.close()


@pytest.fixture
def app(house: House) -> FastAPI:
    return create_app(house.site)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """A program: it has no cookies and names its officer in each request."""
    return TestClient(app, base_url=URL)


@pytest.fixture
def clerk(app: FastAPI) -> Callable[[str], Clerk]:
    """A function that seats an officer, such as `500116/clerk`, at a browser."""
    return lambda officer: Clerk(TestClient(app, base_url=URL), officer)


@pytest.fixture(scope="module")
def quiet(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One node for all tests of a module that record nothing."""
    dsn = postgres.new(postgres.template("gateway", houses.prepare))
    made = House(dsn, tmp_path_factory.mktemp("quiet"))
    made.catch_up()
    yield made
    with made.database.connection() as conn:
        assert conn.execute("SELECT count(*) FROM ledger.entry").fetchone() == (0,)
    made.close()
    postgres.drop(dsn)


@pytest.fixture
def stranger(quiet: House) -> TestClient:
    """A client whose requests must not record anything."""
    return TestClient(create_app(quiet.site), base_url=URL)
