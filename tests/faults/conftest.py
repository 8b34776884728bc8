"""Installed nodes over real PostgreSQL and Kafka, not started."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import nodes
from tests.faults.nodes import EAST, WEST, Node
from tests.services.bureau.province import prepare
from tests.support.databases import Server

NewPair = Callable[..., dict[str, Node]]


@pytest.fixture
def new_pair(
    postgres: Server, new_database: Callable[..., str], kafka: str, tmp_path: Path
) -> Iterator[NewPair]:
    """A function `(alliance, *names)`: nodes of an alliance of this name, whose topics are its own."""
    template = postgres.template("node", prepare)
    made: dict[str, Node] = {}

    def new(name: str, *names: str) -> dict[str, Node]:
        dsns = {each: new_database(template) for each in names or (WEST, EAST)}
        made.update(nodes.install(tmp_path, name, dsns, kafka))
        return made

    yield new
    for node in made.values():
        if node.process is not None and node.process.is_alive():
            node.process.kill()
            node.process.join()
