"""What a page asks of a read model, at a node that has folded everything there is."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from psycopg import Connection

from projections import model
from projections.model import ReadModel
from tests.projections.nodes import Node

T = TypeVar("T")
P = ParamSpec("P")


def ask(
    node: Node,
    which: ReadModel,
    query: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **more: P.kwargs,
) -> T:
    """The query's answer, after the node caught up."""
    node.catch_up()
    with model.reading(node.conn, which) as conn:
        return query(conn, *args, **more)
