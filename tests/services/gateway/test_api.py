"""The API: commands with keys and versions, lists with cursors, proofs; bad input is refused without echo."""

import json
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from events import catalogue, checkpoints, merkle
from services.gateway.kinds import KINDS
from services.gateway.things import Kind
from services.people import attachments, fetch, requests
from tests.services.gateway.clerks import URL
from tests.services.gateway.houses import House, log_signer, node_signer

PLAN = {
    "title": "川渝老干部联合研学",
    "form": "field-study",
    "starts": "2025-05-01",
    "ends": "2025-05-02",
    "place": {"division": "500116"},
}
OFFICER = {"yinqiao-officer": "500116/clerk"}
Post = Callable[..., Response]


@pytest.fixture
def post(client: TestClient) -> Post:
    return sender(client)


@pytest.fixture
def refused(stranger: TestClient) -> Post:
    """As `post`, for what must not be recorded."""
    return sender(stranger)


def sender(client: TestClient) -> Post:
    def send(command: str, body: Any, key: str = "key-1", code: str = "500116", **headers: str) -> Response:
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        sent = {**OFFICER, "idempotency-key": key, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return client.post(f"/api/v1/bureaus/{code}/{command}", content=content, headers=sent)

    return send


def stored(house: House) -> int:
    with house.database.connection() as conn:
        row = conn.execute("SELECT count(*) FROM ledger.entry").fetchone()
    return int(row[0]) if row else 0  # type: ignore[call-overload]  # a count


def test_a_command_is_recorded_once_and_the_same_key_gives_the_same_answer(post: Post, house: House) -> None:
    first, again = post("activity/plan", PLAN), post("activity/plan", PLAN)
    assert first.status_code == 200
    assert first.json() == again.json()
    assert first.json()["log"] == "500116"
    assert first.json()["position"] == 1
    assert stored(house) == 1


def test_the_same_key_a_hundred_times_at_once_is_recorded_once(post: Post, house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post("activity/plan", PLAN), range(100)))
    assert {a.status_code for a in answers} <= {200, 503}
    assert len({a.text for a in answers if a.status_code == 200}) == 1
    assert stored(house) == 1


def test_the_same_key_with_another_body_is_refused(post: Post, house: House) -> None:
    post("activity/plan", PLAN)
    other = post("activity/plan", {**PLAN, "title": "另一项活动"})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:yinqiao:problem:same-key-other-body"
    assert stored(house) == 1


def test_a_version_that_has_moved_on_is_refused(post: Post, client: TestClient) -> None:
    post("activity/plan", PLAN)
    stream_id = _stream(client)
    assert (
        post("activity/state-sign-up", {"stream": stream_id, "persons": 3}, "k2", if_match='"1"').status_code
        == 200
    )
    stale = post("activity/state-sign-up", {"stream": stream_id, "persons": 4}, "k3", if_match='"1"')
    assert stale.status_code == 409
    assert stale.json()["type"] == "urn:yinqiao:problem:stale"


def test_a_version_must_be_sent_where_a_state_is_changed(
    post: Post, client: TestClient, app: FastAPI
) -> None:
    # given an activity
    post("activity/plan", PLAN)
    stream = _stream(client)
    # when it is changed by somebody who does not say which version they saw
    blind = post("activity/state-sign-up", {"stream": stream, "persons": 3}, "k2")
    # then it is refused, and the refusal says where the version stands
    assert blind.status_code == 428
    assert blind.headers["content-type"] == "application/problem+json"
    problem = blind.json()
    assert (problem["type"], problem["field"]) == ("urn:yinqiao:problem:precondition-required", "If-Match")
    assert "GET /api/v1/streams/<log>/<stream>" in problem["detail"]
    version = client.get(f"/api/v1/streams/500116/{stream}").json()["items"][-1]["aggregateversion"]
    seen = post("activity/state-sign-up", {"stream": stream, "persons": 3}, "k2", if_match=f'"{version}"')
    assert seen.status_code == 200
    # and the OpenAPI document asks for it at every command that changes something, and at no other
    from services.bureau import registry

    paths = app.openapi()["paths"]
    for kind in registry.COMMANDS:
        route = paths[f"/api/v1/bureaus/{{code}}/{kind.context}/{kind.name}"]["post"]
        match = [p["required"] for p in route["parameters"] if p["name"] == "If-Match"]
        assert (match, "428" in route["responses"]) == ([True] * kind.changes, kind.changes), kind.name


def _stream(client: TestClient) -> str:
    value = json.loads(client.get("/api/v1/records/500116/1").json()["value"])
    return str(value["subject"]).partition("/")[2]


def test_what_a_newer_version_wrote_is_no_fault_of_this_node(
    post: Post, client: TestClient, house: House
) -> None:
    # given an activity of which a newer version wrote a record
    post("activity/plan", PLAN)
    stream = _stream(client)
    house.catch_up()
    with house.database.connection() as conn:
        conn.execute(
            "UPDATE ledger.entry SET value = convert_to(replace(convert_from(value, 'UTF8'), 'planned.v',"
            " 'planned.v9'), 'UTF8')"
        )
    # when it is changed or looked at
    changed = post("activity/state-sign-up", {"stream": stream, "persons": 3}, "k2", if_match='"1"')
    read = client.get(f"/api/v1/streams/500116/{stream}")
    page = client.get(f"/activity/activity/500116/{stream}", headers={"accept-language": "zh"})
    # then all say what to do
    for answer in (changed, read):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:yinqiao:problem:unreadable")
        assert "update this node" in answer.json()["detail"]
    assert (page.status_code, "升级本节点" in page.text) == (409, True)
    assert client.get("/inbox", headers=OFFICER).status_code == 200


def test_lists_and_things_give_the_version_that_a_change_must_name(
    post: Post, client: TestClient, house: House
) -> None:
    post("activity/plan", {**PLAN, "title": "另一项活动"})
    post("activity/plan", PLAN, "k2")
    stream = json.loads(client.get("/api/v1/records/500116/2").json()["value"])["subject"].partition("/")[2]
    post("activity/state-sign-up", {"stream": stream, "persons": 3}, "k3", if_match='"1"')
    house.catch_up()
    rows = client.get("/api/v1/activity/activity").json()["items"]
    assert {row["title"]: row["aggregateversion"] for row in rows} == {PLAN["title"]: 2, "另一项活动": 1}
    thing = client.get(f"/api/v1/activity/activity/500116/{stream}").json()
    assert thing["aggregateversion"] == thing["history"][-1]["aggregateversion"] == 2
    changed = post("activity/state-sign-up", {"stream": stream, "persons": 4}, "k4", if_match='"2"')
    assert changed.status_code == 200


def test_a_list_refuses_what_it_cannot_be_asked_and_says_what_it_can(stranger: TestClient) -> None:
    for query, field, allowed in (
        ("other=1", "other", "bureau, stage"),
        ("bo<gus>=1", "query", "bureau, stage"),
        ("stage=bogus", "stage", "planned, published, held"),
        ("form=x&theme=general", "form", "lecture"),
        ("bureau=999999", "bureau", "500116"),
        ("first=2025-13-01", "first", "date"),
        ("stage=held&stage=planned", "stage", "once"),
    ):
        answer = stranger.get(f"/api/v1/activity/activity?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["field"] == field
        assert allowed in answer.json()["detail"]
        assert "bogus" not in answer.text
    assert stranger.get("/activity/activity?stage=bogus").status_code == 422
    assert stranger.get("/activity/activity?done=500116:1&adding=1&lang=zh").status_code == 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.aggregate)
def test_every_filter_of_a_list_is_documented_and_taken(stranger: TestClient, kind: Kind) -> None:
    document = stranger.get("/api/v1/openapi.json").json()
    told = {p["name"]: p["schema"] for p in document["paths"][f"/api/v1{kind.path}"]["get"]["parameters"]}
    assert {*told} == {"limit", "after", *(f.name for f in kind.filters)}
    for f in kind.filters:
        dated = "2025-01-01" if told[f.name].get("format") == "date" else "x"
        values = told[f.name].get("enum", ["500116"] if "pattern" in told[f.name] else [dated])
        for value in values:
            answer = stranger.get(f"/api/v1{kind.path}", params={f.name: value})
            assert answer.status_code == 200, answer.text


def test_a_binding_command_becomes_a_draft(post: Post, house: House) -> None:
    text = house.site.attachments.put("500116", "第一条".encode(), "text/plain", ()).model_dump()
    body = {"title": "备忘录", "subjects": ["talent"], "parties": ["510000"], "text": text}
    answer = post("cooperation/propose", body)
    assert answer.status_code == 202
    assert answer.json()["state"] == "proposed"
    assert stored(house) == 0


def _nested(depth: int) -> bytes:
    return b'{"title":' + b"[" * depth + b"]" * depth + b"}"


BAD: dict[str, Any] = {
    "no object": b"[]",
    "no JSON": b"{",
    "no UTF-8": b'{"title": "\xff"}',
    "a key twice": b'{"title": "MARKER", "title": "b"}',
    "an unknown field": {**PLAN, "<b>MARKER</b>": 1},
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"persons": Infinity}',
    "a number as text": {**PLAN, "quota": "7654321"},
    "a boolean as number": {**PLAN, "quota": True},
    "2^70": {**PLAN, "quota": 2**70},
    "a huge integer": b'{"quota": ' + b"9" * 5000 + b"}",
    "a number as boolean": {**PLAN, "insured": 1},
    "NUL": {**PLAN, "title": "MAR\0KER"},
    "a lone surrogate": b'{"title": "\\ud800MARKER"}',
    "right to left": {**PLAN, "title": "MARKER\u202e"},
    "zero width": {**PLAN, "title": "MAR\u200bKER"},
    "decomposed": {**PLAN, "title": "MARKER e\u0301"},
    "blanks at the ends": {**PLAN, "title": " MARKER "},
    "no title": {**PLAN, "title": ""},
    "a long title": {**PLAN, "title": "MARKER" * 50},
    "full-width digits in a code": {**PLAN, "place": {"division": "５００１１６"}},
    "a day with a time": {**PLAN, "starts": "2025-05-01T08:00:00Z"},
    "the year 1": {**PLAN, "starts": "0001-01-01"},
    "the year 9999": {**PLAN, "ends": "9999-12-31"},
    "the 30th of February": {**PLAN, "starts": "2025-02-30"},
    "a day as number": {**PLAN, "starts": 20250501},
    "an end before the start": {**PLAN, "ends": "2025-04-01"},
    "a form that is none": {**PLAN, "form": "MARKER"},
    "status set by the client": {**PLAN, "stage": "held"},
    "bureau set by the client": {**PLAN, "bureau": "510000"},
    "version set by the client": {**PLAN, "version": 7},
    "deep nesting": _nested(100_000),
    "null": {**PLAN, "title": None},
    "empty": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_clearly_without_echo(refused: Post, name: str) -> None:
    answer = refused("activity/plan", BAD[name])
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["field"]
    assert problem["instance"].startswith("urn:yinqiao:request:")
    assert "MARKER" not in answer.text
    assert "7654321" not in answer.text


@pytest.mark.parametrize(
    ("command", "body", "status"),
    [
        (
            "activity/hold",
            {"stream": "0" * 8 + "-0000" * 3 + "-" + "0" * 12, "day": "2025-05-01", "persons": 1},
            404,
        ),
        ("activity/hold", {"stream": "../../etc/passwd", "day": "2025-05-01", "persons": 1}, 422),
        ("activity/confirm", {"log": "510000", "stream": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}, 404),
        ("activity/confirm", {"log": "440100", "stream": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}, 404),
        ("activity/nothing", {}, 404),
        ("nothing/plan", {}, 404),
    ],
)
def test_what_is_not_there_is_said(refused: Post, command: str, body: Any, status: int) -> None:
    assert refused(command, body, if_match='"1"').status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"yinqiao-officer": "510000/clerk"}, 403),
        ({"yinqiao-officer": "440100/clerk"}, 403),
        ({"yinqiao-officer": "nobody"}, 403),
        ({"idempotency-key": ""}, 422),
        ({"idempotency-key": "k" * 129}, 422),
        ({"idempotency-key": "draft/00000000-0000-4000-8000-000000000000"}, 422),
        ({"if-match": "soon"}, 422),
        ({"if-match": "9" * 40}, 422),
    ],
)
def test_who_acts_and_under_which_key_is_checked(refused: Post, headers: dict[str, str], status: int) -> None:
    sent = {k.replace("-", "_"): v for k, v in headers.items()}
    assert refused("activity/plan", PLAN, **sent).status_code == status


def test_a_clerk_cannot_take_the_key_under_which_a_draft_is_released(
    post: Post, client: TestClient, house: House
) -> None:
    # given a draft that waits for the leader
    text = house.site.attachments.put("500116", "第一条".encode(), "text/plain", ()).model_dump()
    body = {"title": "备忘录", "subjects": ["talent"], "parties": ["510000"], "text": text}
    draft = post("cooperation/propose", body).json()["draft"]
    # when a clerk sends the key of its release, to the API or in a form
    answer = post("activity/plan", PLAN, key=f"draft/{draft}")
    form = {**PLAN, "place.division": "500116", "key": f"draft/{draft}"}
    form.pop("place")
    page = client.post("/forms/activity/plan", data=form, headers={**OFFICER, "origin": URL})
    # then both are told what to send, and the leader can release
    assert answer.status_code == page.status_code == 422
    assert (answer.json()["field"], answer.json()["detail"]) == (
        "Idempotency-Key", 'Idempotency-Key: send one of 1 to 128 characters without "/", such as a UUID',
    )  # fmt: skip
    leader = {"yinqiao-officer": "500116/leader", "origin": URL}
    released = client.post(f"/drafts/500116/{draft}/release", headers=leader, data={})
    assert (released.status_code, stored(house)) == (200, 2)


def test_the_openapi_document_says_what_a_key_is(app: FastAPI) -> None:
    plan = app.openapi()["paths"]["/api/v1/bureaus/{code}/activity/plan"]["post"]
    (key,) = [p for p in plan["parameters"] if p["name"] == "Idempotency-Key"]
    for text, good in (("k", True), ("a" * 128, True), ("", False), ("a" * 129, False), ("draft/1", False)):
        assert jsonschema.Draft202012Validator(key["schema"]).is_valid(text) is good


def test_another_bureaus_log_cannot_be_written(refused: Post) -> None:
    assert refused("activity/plan", PLAN, code="510000").status_code == 403
    assert refused("activity/plan", PLAN, code="440100").status_code == 404


def test_lists_are_read_page_by_page(post: Post, client: TestClient, house: House) -> None:
    for number in range(5):
        post("activity/plan", {**PLAN, "title": f"活动{number}"}, f"key-{number}")
    house.catch_up()
    for path, size in (("/api/v1/activity/activity", 5), ("/api/v1/timeline", 5)):
        titles, after = [], None
        while True:
            page = client.get(path, params={"limit": 2, **({"after": after} if after else {})}).json()
            titles += [item["title"] for item in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert len(titles) == len(set(titles)) == size


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=0",
        "limit=1000000000",
        "limit=x",
        "after=AAAA",
        "after=%00",
        "after=WzEsMl0",
        "first=soon",
        "after=WyIyMDI1LTAxLTAxIiwiYSJd",
        "bureau=%00",
        "bureau=" + "9" * 101,
        "first=0000-00-00",
        "first=0001-01-01",
        "last=9999-12-31",
        "after=WyIyMDI1LTAxLTAxIiwiYSIsInp6eiJd",  # a day, a, zzz
    ],
)
def test_forged_cursors_sizes_and_filters_are_refused(stranger: TestClient, query: str) -> None:
    answer = stranger.get(f"/api/v1/activity/activity?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"]


@pytest.mark.parametrize(
    "query",
    [
        "bureau=x", "stream=500116", "correlation=1", "after=AAAA", "context=%00",
        "after=WyJhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWEiLCI1MDAxMTYiLDFd",  # 27 letters, a log, 1
        "after=WyI5OTk5LTk5LTk5VDk5Ojk5Ojk5Ljk5OTk5OVoiLCI1MDAxMTYiLDFd",  # nines where a time was
    ],
)  # fmt: skip
def test_a_timeline_that_makes_no_sense_is_refused(stranger: TestClient, query: str) -> None:
    assert stranger.get(f"/api/v1/timeline?{query}").status_code == 422
    assert stranger.get(f"/timeline?{query}").status_code == 422


def test_a_record_comes_with_its_bytes_and_a_proof_that_verifies(
    post: Post, client: TestClient, house: House
) -> None:
    for number in range(3):
        post("activity/plan", PLAN, f"key-{number}")
    house.catch_up()
    found = client.get("/api/v1/records/500116/2").json()
    value = found["value"].encode()
    assert catalogue.decode(value).position == 2
    leaf = merkle.leaf_hash(value)
    checkpoint = checkpoints.open_checkpoint(found["proof"]["note"], log_signer("500116").verifier)
    path = [b64decode(part) for part in found["proof"]["path"]]
    merkle.verify_inclusion(1, checkpoint.size, leaf, path, checkpoint.root)
    # and the same checkpoint stands among the tiles, from which anybody can fetch the bytes
    assert client.get("/log/500116/checkpoint").text.splitlines()[0] == "chuanyu.yinqiao/500116"
    bundle = client.get(f"/log/500116/tile/entries/000.p/{_published(client)}")
    assert value in bundle.content


def _published(client: TestClient) -> int:
    return int(client.get("/log/500116/checkpoint").text.splitlines()[1])


def test_there_are_no_other_tiles(post: Post, client: TestClient, house: House) -> None:
    post("activity/plan", PLAN)
    house.catch_up()
    for path in ("tile/0/999", "tile/../../etc", "checkpoint/x", "tile/9/000", "tile/entries/x"):
        assert client.get(f"/log/500116/{path}").status_code in {404, 422}
    assert client.get("/log/999999/checkpoint").status_code == 404


def test_positions_digests_streams_and_inbox_can_be_read(
    post: Post, client: TestClient, house: House
) -> None:
    post("activity/plan", PLAN)
    house.catch_up()
    positions = client.get("/api/v1/positions").json()
    assert positions["logs"]["500116"] == 1
    assert positions["models"]["activity"] == {"500116": 1}
    assert set(client.get("/api/v1/digests").json()) == set(positions["models"])
    stream = client.get(f"/api/v1/streams/500116/{_stream(client)}").json()
    assert stream["items"][0]["sentence"].startswith("江津区委老干部局计划")
    assert client.get("/api/v1/inbox/510000").json()["waiting_for"] == []
    metrics = client.get("/metrics").text
    assert metrics.count('yinqiao_log_head{log="500116"} 1.0') == 1
    assert 'yinqiao_loop_failures_total{loop="receive"} 2.0' in metrics


def test_a_node_fetches_what_its_bureau_may_read_by_signed_request(client: TestClient, house: House) -> None:
    kept = house.site.attachments.put("500116", "活动总结".encode(), "text/plain", ("440100",))
    hidden = house.site.attachments.put("500116", "仅本单位".encode(), "text/plain", ())

    def fetched(digest: str, bureau: str, by: str = "guests") -> Response:
        target = f"/api/v1/attachments/{fetch.token(digest)}?bureau={bureau}"
        signed = requests.sign(node_signer(by), "chongqing", "GET", target, b"", house.site.clock)
        return client.get(target, headers=signed)

    answer = fetched(kept.digest, "440100")
    assert answer.status_code == 200
    assert answer.content.decode() == "活动总结"
    attachments.prove(
        kept.digest, attachments.Opened(answer.content, "text/plain", b64decode(answer.headers[fetch.SALT]))
    )
    assert fetched(hidden.digest, "440100").status_code == 403
    assert fetched(kept.digest, "510000").status_code == 403  # a bureau that the asking node does not host


def test_other_nodes_must_sign_their_requests_for_attachments(stranger: TestClient) -> None:
    answer = stranger.get(f"/api/v1/attachments/{'A' * 43}?bureau=440100")
    assert answer.status_code == 403
    assert stranger.get("/api/v1/attachments/short").status_code == 422


def test_the_openapi_document_is_3_1_and_names_every_command(app: FastAPI) -> None:
    from services.bureau import registry

    document = app.openapi()
    assert document["openapi"].startswith("3.1")
    paths = {f"/api/v1/bureaus/{{code}}/{c.context}/{c.name}" for c in registry.COMMANDS}
    assert paths <= document["paths"].keys()
    plan = document["paths"]["/api/v1/bureaus/{code}/activity/plan"]["post"]
    schema = {
        **plan["requestBody"]["content"]["application/json"]["schema"],
        "components": document["components"],
    }
    jsonschema.validate(PLAN, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**PLAN, "quota": "7"}, schema)
