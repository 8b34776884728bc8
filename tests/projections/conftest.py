"""Nodes with empty read models on real PostgreSQL, one template for all tests."""

from collections.abc import Callable, Iterator

import pytest

from tests.projections import nodes
from tests.projections.histories import World
from tests.projections.nodes import Node
from tests.support.databases import Server

NewNode = Callable[..., Node]


@pytest.fixture
def new_node(postgres: Server, new_database: Callable[..., str]) -> Iterator[NewNode]:
    """A function `(world, chosen=…, followed=…)`: a node with every read model, empty."""
    template = postgres.template("projections", nodes.prepare_database)
    made: list[Node] = []

    def new(world: World, **choices: object) -> Node:
        made.append(Node(new_database(template), world, **choices))  # type: ignore[arg-type]  # as Node takes them
        return made[-1]

    yield new
    for node in made:
        node.conn.close()


@pytest.fixture
def two_nodes(new_node: NewNode) -> tuple[Node, Node]:
    """Two nodes without a history, for properties that begin again and again."""
    return new_node(World()), new_node(World())
