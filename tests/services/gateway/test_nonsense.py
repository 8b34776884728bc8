"""Whatever stands in an address is answered, or refused as the asker's: never as a fault of the node."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic_core import to_json

from services.gateway import app, details, kinds, lists
from tests.services.gateway.clerks import URL
from tests.services.gateway.houses import House

STREAM = "00000000-0000-4000-8000-000000000000"
PLACES = {
    "log": "500116", "stream": STREAM, "position": "1", "code": "500116", "bureau": "500116", "draft": STREAM,
    "number": "1", "name": "activity", "node": "chongqing", "context": "activity", "command": "plan",
}  # fmt: skip
CURSORS: tuple[object, ...] = (
    ["a" * 27, "500116", 1], ["9999-99-99T99:99:99.999999Z", "500116", 1],
    ["2025-01-01T00:00:00.000000Z", "500116", 2**70], ["2025-01-01T00:00:00.000000Z", "\0", 1],
    ["2025-01-01", "a", "zzz"], ["0001-01-01", "500116", STREAM], ["2025-01-01", "500116", "\0"],
    ["a", 2**70], ["500116", -1], [2**70], [-(2**70)], ["x", "y", "z"], [], {}, "x", 1, None,
)  # fmt: skip
VALUES = (
    "0001-01-01", "9999-12-31", "a%00b", "%ED%A0%80", "9" * 30, "500116:9223372036854775808",
)  # fmt: skip


def filters(path: str) -> Iterator[str]:
    """What a list's address may hold, beside what its route says."""
    for kind in kinds.KINDS:
        if path.removeprefix("/api/v1").startswith(kind.path) and "{" not in path:
            yield from (each.name for each in kind.filters)


def parameters(route: APIRoute) -> set[str]:
    return {*named(route.dependant), *filters(route.path)}


def named(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for part in dependant.dependencies:
        yield from named(part)


def nonsense(routes: list[APIRoute]) -> Iterator[str]:
    """Every parameter of every route with every value, one at a time."""
    for route in routes:
        place = re.sub(r"\{(\w+)\}", lambda name: PLACES.get(name[1], "1"), route.path_format)
        for name in sorted(parameters(route)):
            values = VALUES if name != "after" else [*VALUES, *map(word, CURSORS)]
            for value in values:
                yield f"{place}?{name}={value}"


def word(cursor: object) -> str:
    return urlsafe_b64encode(to_json(cursor)).decode().rstrip("=")


def asked() -> list[APIRoute]:
    """The routes that are read; a live one does not end, files and pages of lists are asked for as lists."""
    routers = (*app.ROUTES, details.router(), lists.router())
    pages = {kind.path for kind in kinds.KINDS}  # what their addresses say is read as the lists' is
    return [
        route
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
        if route.path not in pages and not route.path.endswith(("/live", ".csv", ".xlsx"))
    ]


@pytest.mark.parametrize("part", range(2))
def test_no_parameter_of_any_address_is_a_fault_of_the_node(quiet: House, part: int) -> None:
    # given every page and list that can be read
    client = TestClient(app.create_app(quiet.site), base_url=URL, raise_server_exceptions=False)
    officer = {"yinqiao-officer": "500116/clerk"}
    # when each is asked for with each piece of nonsense
    answers = [
        (client.get(address, headers=officer, follow_redirects=False).status_code, address)
        for address in list(nonsense(asked()))[part::2]
    ]
    # then none is answered with a fault
    assert len(answers) > 100
    assert [answer for answer in answers if answer[0] >= 500] == []
