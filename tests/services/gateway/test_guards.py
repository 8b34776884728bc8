"""What stands before every route, and what every answer carries."""

import gzip
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from services.gateway import guards
from services.gateway.app import create_app
from tests.services.gateway.clerks import URL, Clerk
from tests.services.gateway.houses import House

Seat = Callable[[str], Clerk]
OPEN = {  # changes nothing, and everybody may read in the demo
    "GET",
    "HEAD",
}
GUARDED = {
    "/acting": "the switch itself",
    "/forms/{context}/{command}": "acting officer",
    "/corrections/{log}/{position}": "acting officer",
    "/drafts/{log}/{draft}/{step}": "acting officer",
    "/api/v1/drafts/{log}/{draft}/release": "acting officer",
    "/api/v1/drafts/{log}/{draft}/review": "acting officer",
    "/api/v1/drafts/{log}/{draft}/return": "acting officer",
    "/api/v1/drafts/{log}/{draft}/discard": "acting officer",
    "/delegations": "acting leader",
    "/delegations/{delegation}/end": "acting leader",
    "/operations/models/{name}/{step}": "operator",
    "/operations/records/{log}/{position}/{step}": "operator",
    "/audit/verification": "auditor",
    "/audit/reports": "auditor",
    "/audit/reports/{number}/reproduce": "auditor",
    "/audit/compare": "auditor",
}
"""Every route that changes something, beside the API's commands, and who may use it."""


def routes(app: FastAPI) -> list[APIRoute]:
    """Every route, those of included routers too."""
    nested = [
        r for part in app.routes for r in getattr(getattr(part, "original_router", None), "routes", [part])
    ]
    return [route for route in nested if isinstance(route, APIRoute)]


def test_every_route_that_changes_something_is_listed(app: FastAPI) -> None:
    changing = {r.path for r in routes(app) if not (r.methods or set()) <= OPEN}
    commands = {path for path in changing if path.startswith("/api/v1/bureaus/{code}/")}
    assert len(commands) > 50
    assert changing - commands == set(GUARDED)


def test_nobody_acts_without_being_chosen(app: FastAPI, client: TestClient) -> None:
    for route in routes(app):
        steered = route.path.startswith(("/acting", "/operations", "/audit"))
        if (route.methods or set()) <= OPEN or steered:
            continue
        path = (
            route.path.replace("{code}", "500116")
            .replace("{context}", "activity")
            .replace("{command}", "plan")
            .replace("{log}", "500116")
            .replace("{position}", "1")
            .replace("{step}", "release")
            .replace("{draft}", "00000000-0000-0000-0000-000000000000")
            .replace("{delegation}", "00000000-0000-0000-0000-000000000000")
        )
        answer = client.post(path, headers={"origin": URL, "idempotency-key": "k"}, content=b"{}")
        assert answer.status_code == 403, path


def test_nothing_is_steered_where_there_is_no_demo_switch(house: House) -> None:
    from dataclasses import replace

    client = TestClient(
        create_app(replace(house.site, demo_sign_in=False)), base_url=URL, headers={"origin": URL}
    )
    for path in (
        "/operations/models/activity/pause",
        "/operations/records/500116/1/skip",
        "/acting",
        "/audit/verification",
        "/audit/reports",
        "/audit/reports/1/reproduce",
        "/audit/compare",
    ):
        assert client.post(path, data={"officer": "500116/clerk"}).status_code == 403, path
    answer = client.post(
        "/api/v1/bureaus/500116/activity/plan",
        headers={"yinqiao-officer": "500116/clerk", "idempotency-key": "k"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:9999"])
def test_a_form_from_elsewhere_is_refused(stranger: TestClient, origin: str | None) -> None:
    seated = Clerk(stranger, "500116/clerk").client
    del seated.headers["origin"]
    headers = {} if origin is None else {"origin": origin}
    answer = seated.post("/forms/activity/plan", data={"title": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "不是从本节点的页面提交的" in answer.text


def test_the_switch_may_be_pressed_on_another_nodes_page(house: House, client: TestClient) -> None:
    answer = client.post(
        "/acting",
        data={"officer": "500116/clerk"},
        headers={"origin": "http://127.0.0.1:8503"},
        follow_redirects=False,
    )
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("yinqiao-chongqing=")
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"]
)
def test_the_switch_leads_nowhere_else(stranger: TestClient, back: str) -> None:
    answer = stranger.post(
        "/acting",
        data={"officer": "500116/clerk", "back": back},
        headers={"origin": URL},
        follow_redirects=False,
    )
    assert answer.headers["location"] == "/inbox"


@pytest.mark.parametrize("officer", ["440100/clerk", "500116/king", "999999/clerk", "500116", ""])
def test_only_officers_of_this_node_can_be_chosen(stranger: TestClient, officer: str) -> None:
    answer = stranger.post("/acting", data={"officer": officer}, headers={"origin": URL})
    assert answer.status_code == 422


def test_a_strange_host_is_refused(quiet: House) -> None:
    stranger = TestClient(create_app(quiet.site), base_url="http://rebound.example")
    assert stranger.get("/").status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/positions", "/nothing", "/static/app.css", "/api/v1/nothing/here"]
)
def test_every_answer_carries_safe_headers_and_a_request_number(stranger: TestClient, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert len(headers["yinqiao-request"]) == 12


def test_pages_hold_no_script_and_no_style_of_their_own(clerk: Seat) -> None:
    seated = clerk("500116/clerk")
    for path in (
        "/",
        "/inbox",
        "/timeline?live=true",
        "/activity/activity",
        "/forms/activity/plan",
        "/operations",
        "/audit/events?live=true",
        "/audit/verification",
        "/audit/witnesses",
    ):
        html = seated.get(path)
        assert " style=" not in html
        assert "<style" not in html
        assert " onclick" not in html
        assert html.count("<script") == html.count("<script src=")


def test_bodies_are_counted_while_they_come(stranger: TestClient) -> None:
    headers = {"yinqiao-officer": "500116/clerk", "idempotency-key": "k"}
    answer = stranger.post(
        "/api/v1/bureaus/500116/activity/plan", headers=headers, content=b"x" * (guards.BODY_LIMIT + 1)
    )
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:yinqiao:problem:too-large"
    form = stranger.post("/acting", headers={"origin": URL}, content=b"x" * (guards.FORM_LIMIT + 1))
    assert form.status_code == 413

    def slowly() -> Iterator[bytes]:  # its length is not said beforehand
        yield from [b"x" * 100_000] * 3

    answer = stranger.post("/api/v1/bureaus/500116/activity/plan", headers=headers, content=slowly())
    assert answer.status_code == 413


def test_packed_bodies_are_refused(stranger: TestClient) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    headers = {"yinqiao-officer": "500116/clerk", "idempotency-key": "k", "content-encoding": "gzip"}
    answer = stranger.post("/api/v1/bureaus/500116/activity/plan", headers=headers, content=bomb)
    assert answer.status_code == 422


def test_an_unexpected_error_shows_its_number_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(house.site)
    monkeypatch.setattr(type(house), "exchange", lambda _: 1 / 0)
    client = TestClient(app, base_url=URL, raise_server_exceptions=False)
    with capture_logs() as logged:
        answer = client.get("/operations")
    assert answer.status_code == 500
    assert logged[0]["request"] == answer.headers["yinqiao-request"]
    assert answer.headers["yinqiao-request"] in answer.text
    assert "ZeroDivision" not in answer.text
    assert "Traceback" not in answer.text


def test_without_a_database_pages_say_so_and_when_to_come_back(house: House, client: TestClient) -> None:
    house.close()
    page, api, ready = client.get("/inbox"), client.get("/api/v1/positions"), client.get("/readyz")
    assert page.status_code == api.status_code == ready.status_code == 503
    assert "Retry-After" in page.headers
    assert "数据库暂时连接不上" in client.get("/timeline").text
    assert api.json()["type"] == "urn:yinqiao:problem:unavailable"
    assert client.get("/healthz").status_code == 200
    assert "yinqiao_database_up 0.0" in client.get("/metrics").text
