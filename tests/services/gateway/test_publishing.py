"""What proves a log can be asked for by every client: HEAD says of it what GET says, without the bytes."""

import pytest
from fastapi.testclient import TestClient

from tests.services.gateway.houses import House
from tests.services.gateway.test_api import PLAN, sender


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log/500116/checkpoint", 200),
        ("/log/500116/tile/0/000.p/1", 200),
        ("/log/500116/tile/entries/000.p/1", 200),
        ("/log/500116/tile/0/999", 404),
        ("/alliance/1.note", 200),
    ],
)
def test_head_answers_as_get_does_without_the_body(
    client: TestClient, house: House, path: str, status: int
) -> None:
    # given a log with one record
    sender(client)("activity/plan", PLAN)
    house.catch_up()
    # when its checkpoint, tiles and alliance document are asked for in both ways
    got, head = client.get(path), client.head(path)
    # then the answers differ in nothing but the body
    assert (got.status_code, head.status_code, head.content) == (status, status, b"")
    headers = [
        {k: v for k, v in answer.headers.items() if k != "yinqiao-request"}
        for answer in (got, head)
        if status == 200
    ]
    assert headers[:1] == headers[1:]
