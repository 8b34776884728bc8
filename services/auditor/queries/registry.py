"""The queries there are, in a list a reader can see."""

from typing import Any

from events import errors
from services.auditor.queries import activity, cooperation, inbox, talent, tasks
from services.auditor.queries.base import Query

QUERIES: tuple[Query[Any], ...] = (
    *cooperation.QUERIES, *talent.QUERIES, *activity.QUERIES, *tasks.QUERIES, *inbox.QUERIES,
)  # fmt: skip
BY_NAME = {query.name: query for query in QUERIES}


def find(name: str) -> Query[Any]:
    """Raises NotFound."""
    if name not in BY_NAME:
        raise errors.NotFound(f"there is no query {name[:40]}; there are {', '.join(BY_NAME)}", field="query")
    return BY_NAME[name]
