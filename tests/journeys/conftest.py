"""Four nodes with pages and no business yet, for a person to work at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.embedded import Embedded


@pytest.fixture(scope="module")
def alliance(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Embedded]:
    """The demo's nodes, empty, with their pages served; each module has its own."""
    with Embedded(server_folder / request.module.__name__.rpartition(".")[2], durable=False) as demo:
        demo.serve()
        yield demo
