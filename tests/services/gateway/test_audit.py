"""The auditor's pages: events, single records, verification, witnesses."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from events.activity import ActivityHeld, ActivityPlanned
from events.proofs import InclusionProof
from services.gateway import audit_words
from services.ledger import logs
from tests.services.gateway.clerks import Clerk
from tests.services.gateway.houses import House

Seat = Callable[[str], Clerk]


def plan(clerk: Clerk, title: str) -> str:
    """A new activity; its permalink."""
    there = clerk.does(
        "/forms/activity/plan", title=title, form="lecture", starts="2025-03-01", ends="2025-03-01",
        place__division="500116",
    )  # fmt: skip
    return there.partition("?")[0]


@pytest.fixture
def auditor(clerk: Seat, house: House) -> Clerk:
    """Somebody who looks on after two bureaus have recorded something."""
    plan(clerk("500116/clerk"), "江津讲座")
    plan(clerk("500117/clerk"), "合川讲座")
    house.catch_up()
    return clerk("500116/clerk")


def until(ask: Callable[[], str], gone: str) -> str:
    """The page once it no longer says that something is under way."""
    for _ in range(200):
        if gone not in (html := ask()):
            return html
        time.sleep(0.05)
    raise AssertionError(gone)


def test_events_are_filtered_by_everything_an_auditor_asks_for(auditor: Clerk, house: House) -> None:
    everything = auditor.get("/audit/events")
    assert "江津讲座" in everything
    assert "合川讲座" in everything
    today = house.site.today().isoformat()
    stream = auditor.client.get("/api/v1/audit/events?bureau=500116").json()["items"][0]["stream"]
    for asked, there in {
        "bureau=500117": False, f"stream=500116/{stream}": True,
        f"type={ActivityPlanned.type}": True, f"type={ActivityHeld.type}": False,
        f"first={today}&last={today}": True,
        "first=2030-01-01": False, "last=2020-01-01": False, "bureau=&type=&first=&last=": True,
    }.items():  # fmt: skip
        assert ("江津讲座" in auditor.get(f"/audit/events?{asked}")) is there, asked
    assert auditor.client.get("/audit/events?first=2026-02-31").status_code == 422
    assert "Event browser" in auditor.get("/audit/events?lang=en")


def test_a_record_shows_its_exact_bytes_its_proof_and_the_state(auditor: Clerk, house: House) -> None:
    html = auditor.get("/records/500116/1")
    assert "由它改变" in html
    assert "/api/v1/proofs/500116/1.tlog-proof" in html
    with house.database.connection() as conn:
        stored = conn.execute("SELECT value FROM ledger.entry WHERE log = '500116'").fetchone()
    assert stored is not None
    assert auditor.client.get("/audit/records/500116/1.json").content == stored[0]
    proof = auditor.client.get("/api/v1/proofs/500116/1.tlog-proof")
    assert InclusionProof.parse(proof.text).check(bytes(stored[0])).size == 1


def test_a_record_whose_bytes_somebody_took_is_no_redacted_one(auditor: Clerk, house: House) -> None:
    with house.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET value = '' WHERE log = '500116' AND position = 1")
    gone = auditor.client.get("/audit/records/500116/1.json")
    assert gone.status_code == 404
    assert "没有任何决定" in gone.text
    for page in ("/records/500116/1", "/audit/replay", "/audit/lineage/500116/1", "/audit/events"):
        assert auditor.client.get(page).status_code == 200, page


def test_verification_is_asked_for_kept_and_shown(auditor: Clerk, house: House) -> None:
    before = auditor.get("/audit/verification")
    assert "尚未核验" in before
    auditor.client.post("/audit/verification", data={"log": ""})
    assert "全部日志均已核验，未发现问题" in until(lambda: auditor.get("/audit/verification"), "正在核验")
    lines: list[dict[str, Any]] = auditor.client.get("/api/v1/audit/verification").json()["items"]
    assert {line["percent"] for line in lines} == {100.0}

    # when a byte of a record is changed in the database
    with house.database.connection() as conn:
        conn.execute(
            "UPDATE ledger.entry SET value = overlay(value PLACING 'X'::bytea FROM octet_length(value) - 4)"
            " WHERE log = '500117'"
        )
    auditor.client.post("/audit/verification", data={"log": "500117"})
    html = until(lambda: auditor.get("/audit/verification"), "正在核验")
    # then the page names the log, the position and what is wrong
    assert "发现问题的日志：1" in html
    assert 'href="/records/500117/1"' in html
    assert "内容被改动" in html
    line = next(
        x for x in auditor.client.get("/api/v1/audit/verification").json()["items"] if x["log"] == "500117"
    )
    assert (line["good"], line["newest"]["first_position"]) == (0, 1)


def test_only_logs_that_are_held_can_be_verified(auditor: Clerk) -> None:
    assert auditor.client.post("/audit/verification", data={"log": "999999"}).status_code == 404
    assert auditor.client.post("/audit/verification", data={"log": "x"}).status_code == 422


def test_what_lies_beyond_the_end_of_a_closed_log_is_shown_as_void(auditor: Clerk, house: House) -> None:
    plan(auditor, "南川讲座")
    house.catch_up()
    with house.database.connection() as conn:
        head = logs.state(conn, "500116").head
        conn.execute(
            "INSERT INTO ledger.closed (log, size, root, succession) VALUES ('500116', %s, '', '{}')",
            [head - 1],
        )
        conn.execute("UPDATE ledger.log SET state = 'closed' WHERE log = '500116'")

    html = auditor.get(f"/records/500116/{head}")
    assert f"日志已在第 {head - 1} 条处关闭" in html
    assert ".tlog-proof" not in html
    assert "无效：" not in auditor.get(f"/records/500116/{head - 1}")
    answer = auditor.client.get(f"/api/v1/proofs/500116/{head}.tlog-proof")
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:yinqiao:problem:void")
    lines = auditor.client.get("/api/v1/audit/verification").json()["items"]
    line = next(x for x in lines if x["log"] == "500116")
    assert (line["end"], line["void"]) == (head - 1, 1)
    assert f"第 {head - 1} 条之后的 1 条作废" in auditor.get("/audit/verification")


def test_witnesses_and_their_policy_are_told_in_words(auditor: Clerk) -> None:
    html = auditor.get("/audit/witnesses")
    assert "没有可计入的见证节点" in html  # this alliance names none
    assert "沉默的日志" in html  # and no heartbeat was ever given
    items = auditor.client.get("/api/v1/audit/witnesses").json()["items"]
    assert next(item for item in items if item["log"] == "500116")["covered"] == 1


def test_every_page_is_there_in_both_languages(stranger: TestClient) -> None:
    for path, _, _ in audit_words.TABS:
        for lang in ("zh", "en"):
            assert stranger.get(f"{path}?lang={lang}").status_code == 200, path


@pytest.mark.parametrize("more", ["", "&before=2025-01-01&after=live"])
def test_a_comparison_of_a_model_that_is_none_says_so(stranger: TestClient, more: str) -> None:
    answer = stranger.get(f"/audit/compare?model=nope{more}")
    assert answer.status_code == 404
    assert "没有这个读模型" in answer.text
