"""A node with its pages, and clients who act for its bureaus."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.gateway.app import create_app
from tests.services.gateway import houses
from tests.services.gateway.houses import House
from tests.support.databases import Server

URL = "http://127.0.0.1:8501"


@pytest.fixture
def house(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[House]:
    made = House(new_database(postgres.template("gateway", houses.prepare)), tmp_path)
    made.start()
    yield made
    made.close()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A client of the API that names its officer in each request."""
    with TestClient(create_app(house.site), base_url=URL) as found:
        yield found


@pytest.fixture
def acting(house: House) -> Callable[[str], TestClient]:
    """A browser without JavaScript, for an officer such as `500116/clerk`."""

    def act(officer: str) -> TestClient:
        found = TestClient(create_app(house.site), base_url=URL, headers={"origin": URL})
        answer: Any = found.post(
            "/acting", data={"officer": officer, "back": "/inbox"}, follow_redirects=False
        )
        assert answer.status_code == 303
        return found

    return act
