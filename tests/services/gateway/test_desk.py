"""What programs need to finish what binds a bureau: attachments and drafts, over the API alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from services.gateway import guards
from tests.services.gateway.houses import House

CHONGQING, SICHUAN = "500000", "510000"
PUBLIC = {"public_only": "true"}


class Program:
    """A program that works for an officer; it knows the API and no page."""

    def __init__(self, client: TestClient, house: House, officer: str) -> None:
        self.bureau, self._client, self._house = officer[:6], client, house
        self._headers = {"yinqiao-officer": officer}
        self._keys = 0

    def get(self, path: str, **asked: str) -> Any:
        answer = self._client.get(f"/api/v1/{path}", params=asked, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def keeps(self, text: str) -> dict[str, Any]:
        answer = self.uploads(text.encode())
        assert answer.status_code == 201, answer.text
        kept: dict[str, Any] = answer.json()
        return kept

    def uploads(self, content: bytes, kind: str = "text/plain", **asked: str) -> Response:
        return self._client.post(
            f"/api/v1/bureaus/{self.bureau}/attachments", params=PUBLIC | asked, content=content,
            headers={**self._headers, "content-type": kind},
        )  # fmt: skip

    def orders(self, command: str, seen: int | None = None, **body: Any) -> Any:
        self._keys += 1
        match = {"if-match": f'"{seen}"'} if seen else {}
        answer = self._client.post(
            f"/api/v1/bureaus/{self.bureau}/{command}", json=body,
            headers={**self._headers, "idempotency-key": f"{self.bureau}-{self._keys}", **match},
        )  # fmt: skip
        assert answer.status_code in {200, 202}, answer.text
        self._house.catch_up()
        return answer.json()

    def decides(self, draft: str, step: str, body: Any = None) -> Response:
        answer = self._client.post(
            f"/api/v1/drafts/{self.bureau}/{draft}/{step}", json=body, headers=self._headers
        )
        self._house.catch_up()
        return answer

    def releases(self) -> Any:
        """The most urgent draft that waits."""
        (draft,) = self.get(f"bureaus/{self.bureau}/drafts")["items"]
        answer = self.decides(draft["id"], "release")
        assert answer.status_code == 200, answer.text
        return answer.json()


Office = Callable[[str], Program]


@pytest.fixture
def office(client: TestClient, house: House) -> Office:
    return lambda officer: Program(client, house, officer)


def subject(client: TestClient, answer: Any) -> str:
    value = client.get(f"/api/v1/records/{answer['log']}/{answer['position']}").json()["value"]
    return str(json.loads(value)["subject"].partition("/")[2])


def laid(program: Program, text: str = "第一条　人才选派。") -> str:
    """The id of a draft of a memorandum."""
    answer = program.orders(
        "cooperation/propose", title="人才合作备忘录", subjects=["talent"], parties=[SICHUAN],
        text=program.keeps(text),
    )  # fmt: skip
    return str(answer["draft"])


def test_a_memorandum_comes_into_force_by_the_api_alone(office: Office, client: TestClient) -> None:
    # given clerks and leaders of two bureaus who have nothing but the API
    clerk, leader = office(f"{CHONGQING}/clerk"), office(f"{CHONGQING}/leader")
    other, chief = office(f"{SICHUAN}/clerk"), office(f"{SICHUAN}/leader")
    # when one proposes a text, the other returns it, it is amended, signed with a scan, and confirmed
    laid(clerk)
    stream = subject(client, leader.releases())
    asked: Any = {"log": CHONGQING, "stream": stream}
    other.orders("cooperation/return-text", **asked, reason={"code": "unclear"})
    clerk.orders(
        "cooperation/amend", clerk.get(f"streams/{CHONGQING}/{stream}")["items"][-1]["aggregateversion"],
        stream=stream, subjects=["talent"], parties=[SICHUAN], text=clerk.keeps("第一条　每年二十人次。"),
    )  # fmt: skip
    leader.releases()
    text = other.get(f"cooperation/memorandum/{CHONGQING}/{stream}")["fields"]["text"]
    paper = {"date": "2025-03-01", "number": "川老〔2025〕3号", "scan": other.keeps("扫描件")}
    other.orders("cooperation/sign", **asked, text=text, paper=paper)
    signed = chief.releases()
    version = clerk.get(f"streams/{CHONGQING}/{stream}")["items"][-1]["aggregateversion"]
    clerk.orders("cooperation/enter-into-force", version, stream=stream)
    # then it is in force, and the signature names the scan
    assert clerk.get(f"cooperation/memorandum/{CHONGQING}/{stream}")["stage"] == "in-force"
    record = client.get(f"/api/v1/records/{signed['log']}/{signed['position']}").json()
    assert json.loads(record["value"])["data"]["paper"]["scan"] == paper["scan"]


def test_a_draft_is_read_reviewed_returned_and_discarded(office: Office) -> None:
    # given a draft
    clerk, leader = office(f"{CHONGQING}/clerk"), office(f"{CHONGQING}/leader")
    draft = laid(clerk)
    shown = leader.get(f"drafts/{CHONGQING}/{draft}")
    assert (shown["state"], shown["body"]["title"]) == ("proposed", "人才合作备忘录")
    # when each does what they may, each step twice
    assert clerk.decides(draft, "review").status_code == 403
    for program, step, body, state in (
        (leader, "review", None, "reviewed"),
        (leader, "return", {"reason": "incomplete"}, "returned"),
        (clerk, "discard", None, "discarded"),
    ):
        answers = [program.decides(draft, step, body) for _ in range(2)]
        # then it is done once, and the second answer is the first one again
        assert [(a.status_code, a.json().get("state")) for a in answers] == [(200, state)] * 2
    assert leader.decides(draft, "release").status_code == 409
    assert leader.get(f"bureaus/{CHONGQING}/drafts")["items"] == []
    (done,) = leader.get(f"bureaus/{CHONGQING}/drafts", decided="true")["items"]
    assert (done["id"], done["reason"]) == (draft, "incomplete")


def test_released_again_it_gives_the_first_answer(office: Office) -> None:
    clerk, leader = office(f"{CHONGQING}/clerk"), office(f"{CHONGQING}/leader")
    draft = laid(clerk)
    first, again = leader.decides(draft, "release"), leader.decides(draft, "release")
    assert (first.status_code, first.json()) == (200, again.json())


def test_nobody_reads_or_moves_the_drafts_of_another_bureau(office: Office, client: TestClient) -> None:
    draft = laid(office(f"{CHONGQING}/clerk"))
    theirs = {"yinqiao-officer": f"{SICHUAN}/leader"}
    for path in (f"drafts/{CHONGQING}/{draft}", f"bureaus/{CHONGQING}/drafts"):
        assert client.get(f"/api/v1/{path}", headers=theirs).status_code == 403
        assert client.get(f"/api/v1/{path}").status_code == 403
    for step in ("release", "review", "return", "discard"):
        answer = client.post(f"/api/v1/drafts/{CHONGQING}/{draft}/{step}", headers=theirs, json={})
        assert answer.status_code == 403
    put = client.post(f"/api/v1/bureaus/{CHONGQING}/attachments", params=PUBLIC, headers=theirs, content=b"x")
    assert put.status_code == 403


def test_what_may_not_be_kept_is_refused_with_the_field(office: Office) -> None:
    clerk = office(f"{CHONGQING}/clerk")
    refused = [
        (clerk.uploads(b"x", public_only="false"), "public_only"),
        (clerk.uploads(b"MZ", "application/x-msdownload"), "mediatype"),
        (clerk.uploads(b""), None),
    ]
    for answer, field in refused:
        assert answer.status_code == 422, answer.text
        assert field is None or answer.json()["field"] == field
    # a file may be larger than a command, and no larger than what a form takes
    assert clerk.uploads(("银" * guards.BODY_LIMIT).encode()).status_code == 201
    assert clerk.uploads(b"x" * (guards.FORM_LIMIT + 1)).status_code == 413
    draft = laid(clerk)
    returned = office(f"{CHONGQING}/leader").decides(draft, "return", {"reason": "MARKER"})
    assert (returned.status_code, returned.json()["field"]) == (422, "reason")
    assert "MARKER" not in returned.text


def test_the_openapi_document_has_them(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    kept = paths["/api/v1/bureaus/{code}/attachments"]["post"]
    assert {"text/plain", "application/pdf"} <= kept["requestBody"]["content"].keys()
    assert paths["/api/v1/bureaus/{code}/drafts"]["get"]["tags"] == ["desk"]
    for step in ("release", "review", "return", "discard"):
        assert "409" in paths[f"/api/v1/drafts/{{log}}/{{draft}}/{step}"]["post"]["responses"]
