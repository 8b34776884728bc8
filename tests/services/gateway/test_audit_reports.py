"""The auditor's pages that trace: reports, lineage, streams, two dates, replay, forks, evidence packs."""

import io
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from httpx2 import Response

from events import errors
from events.activity import ActivityPlanned
from services.gateway import audit_graph
from services.ledger import logs
from tests.services.gateway.clerks import Clerk
from tests.services.gateway.houses import House

Seat = Callable[[str], Clerk]


@pytest.fixture
def auditor(clerk: Seat, house: House) -> Clerk:
    """Somebody who looks on after one bureau planned and held an activity, and another planned one."""
    first, second = clerk("500116/clerk"), clerk("500117/clerk")
    page = plan(first, "江津讲座")
    plan(second, "合川讲座")
    day = house.site.today() - timedelta(days=1)
    first.does(first.offered(page, "activity/hold"), day=day.isoformat(), persons=31)
    house.catch_up()
    return first


def plan(clerk: Clerk, title: str) -> str:
    """A new activity; its permalink."""
    there = clerk.does(
        "/forms/activity/plan", title=title, form="lecture", starts="2025-03-01", ends="2025-03-01",
        place__division="500116",
    )  # fmt: skip
    return there.partition("?")[0]


def after(clerk: Clerk, path: str, **form: str) -> Response:
    """Ask for long work, and look again until it is done."""
    answer = clerk.client.post(path, data=form)
    for _ in range(400):
        assert answer.status_code == 200, answer.text
        if "http-equiv" not in answer.text:
            return answer
        time.sleep(0.05)
        answer = clerk.client.get(str(answer.url))
    raise AssertionError(path)


def save(clerk: Clerk, name: str = "年度活动", **form: str) -> str:
    """A report of activities; its page."""
    return str(after(clerk, "/audit/reports", query="activities", name=name, **form).url.path)


def test_a_report_is_saved_opened_to_its_records_and_comes_out_the_same_again(auditor: Clerk) -> None:
    page = save(auditor)
    html = auditor.get(page)
    assert "<b>31</b>" in html
    figure = auditor.get(f"{page}/figures/activities")
    assert "江津讲座" in figure
    assert "合川讲座" not in figure
    assert "/api/v1/proofs/500116/2.tlog-proof" in figure
    assert "<svg" in figure
    assert "重做结果完全一致" in after(auditor, f"{page}/reproduce").text
    assert auditor.client.get("/api/v1/audit/reports").json()["items"][0]["name"] == "年度活动"
    assert auditor.client.get(f"/api/v1{page}").json()["answer"]["figures"][0]["value"] == 1


def test_a_report_that_was_edited_by_hand_is_told_from_what_comes_out(auditor: Clerk, house: House) -> None:
    page = save(auditor)
    with house.database.connection() as conn:
        conn.execute("""UPDATE auditor.report SET answer = replace(answer, '"value":31', '"value":310')""")
    html = after(auditor, f"{page}/reproduce").text
    assert "重做结果不一致" in html
    assert "310" in html


def test_what_was_known_on_a_past_day_is_asked_of_what_was_recorded_then(auditor: Clerk) -> None:
    page = save(auditor, known="2020-01-01")
    assert "<b>0</b>" in auditor.get(page)


def test_a_report_is_refused_with_the_reason(auditor: Clerk) -> None:
    save(auditor)
    twice = auditor.client.post("/audit/reports", data={"query": "activities", "name": "年度活动"})
    assert twice.status_code == 409
    assert "请另取名称" in twice.text
    for form in ({"query": "activities", "name": " "}, {"query": "activities", "name": "x", "first": "1"}):
        assert auditor.client.post("/audit/reports", data=form).status_code == 422
    assert auditor.client.post("/audit/reports", data={"query": "none", "name": "x"}).status_code == 404
    locked = after(auditor, "/audit/reports", query="activities", name="锁定", locked="on").text
    assert "锁定的报表须等见证签名到达" in locked  # this alliance has no witnesses


def test_lineage_leads_from_a_record_to_rows_and_figures(auditor: Clerk) -> None:
    page = save(auditor)
    html = auditor.get("/audit/lineage/500116/2")
    assert f'href="{page}/figures/persons"' in html
    assert 'class="node start"' in html
    assert auditor.client.get("/api/v1/audit/lineage/500116/2").json()["start"] == ["500116", 2]
    assert auditor.client.get("/audit/lineage/500116/99").status_code == 404


def test_a_node_stands_right_of_all_that_it_rests_on() -> None:
    from services.auditor.lineage import Edge, Node

    a, b, c = (Node("500116", n, "", f"{n}", "", None, 0) for n in (1, 2, 3))
    edges = [Edge(c.key, a.key, "basis"), Edge(c.key, b.key, "basis"), Edge(b.key, a.key, "causation")]
    assert list(audit_graph.depth([a, b, c], edges).values()) == [0, 1, 2]
    circle = [Edge(a.key, b.key, "basis"), Edge(b.key, a.key, "basis")]
    assert sorted(audit_graph.depth([a, b], circle).values()) == [0, 1]


def test_a_stream_shows_its_state_at_every_version_and_on_a_day(auditor: Clerk) -> None:
    stream = auditor.client.get("/api/v1/audit/events?bureau=500116").json()["items"][0]["stream"]
    path = f"/audit/streams/500116/{stream}"
    first, last = auditor.get(f"{path}?version=1"), auditor.get(path)
    assert "第 1 版，共 2 版" in first
    assert "已举办" not in first.partition('id="h-state"')[2]
    assert "这一版改变了什么" in last
    assert "31" in last.partition('id="h-state"')[2]
    assert "当时还没有这件事项" in auditor.get(f"{path}?known=2020-01-01")
    assert auditor.client.get(f"{path}?version=9").status_code == 404
    assert auditor.client.get(f"/api/v1{path}?version=1").json()["version"] == 1


def test_two_dates_are_compared_row_by_row_and_nothing_stays_behind(auditor: Clerk, house: House) -> None:
    html = after(auditor, "/audit/compare", model="activity", before="500116:1,500117:1", after="live").text
    assert "改变" in html
    assert "31" in html
    assert "合川" not in html.partition('id="h-rows"')[2].partition("</section>")[0]
    none = after(auditor, "/audit/compare", model="activity", before="2020-01-01", after="2020-01-02").text
    assert "两个时点没有任何不同" in none
    with house.database.connection() as conn:
        rows = conn.execute(
            "SELECT count(*) FROM projection.model WHERE position('_at_' IN name) > 0"
        ).fetchone()
    assert rows == (0,)
    for form in (
        {"model": "activity", "before": "live", "after": "live"},
        {"model": "activity", "before": "x", "after": "live"},
    ):
        assert auditor.client.post("/audit/compare", data=form).status_code == 422
    beyond = after(auditor, "/audit/compare", model="activity", before="500116:99", after="live").text
    assert "所给位置超出本节点已有的记录" in beyond


def test_replay_goes_on_where_it_stopped_and_ends(auditor: Clerk) -> None:
    whole = auditor.client.get("/api/v1/audit/replay").json()
    assert whole["next"] is None
    one = auditor.client.get("/api/v1/audit/replay?step=1").json()
    rest = auditor.client.get("/api/v1/audit/replay", params={"at": one["next"]}).json()
    assert one["items"] + rest["items"] == whole["items"]
    assert [i["position"] for i in whole["items"] if i["log"] == "500116"] == [1, 2]
    assert "已重放到最后" in auditor.get("/audit/replay")
    assert 'rel="next"' in auditor.get("/audit/replay?step=1")
    chosen = auditor.get(f"/audit/replay?type={ActivityPlanned.type}&bureau=500117")
    assert "合川讲座" in chosen
    assert "江津讲座" not in chosen
    assert auditor.client.get("/audit/replay?at=,,").status_code == 422


def test_a_breach_is_shown_with_its_evidence(auditor: Clerk, house: House) -> None:
    assert "没有发现分叉或违约" in auditor.get("/audit/forks")
    logs.stop(
        house.database, "500117",
        errors.Fork("two histories", position=1, evidence=[b"note one\n", b"note two\n"]),
    )  # fmt: skip
    html = auditor.get("/audit/forks")
    assert "同一日志签出两份历史" in html
    assert "note one" in html
    assert "note two" in html
    download = auditor.client.get("/audit/forks/500117/1/fork")
    assert [piece["text"] for piece in download.json()["evidence"]] == ["note one\n", "note two\n"]
    assert auditor.client.get("/audit/forks/500117/2/fork").status_code == 404


def test_evidence_packs_are_made_of_a_stream_a_bureau_a_period_and_a_report(
    auditor: Clerk, house: House
) -> None:
    page = save(auditor)
    stream = auditor.client.get("/api/v1/audit/events?bureau=500116").json()["items"][0]["stream"]
    today = house.site.today().isoformat()
    for asked, logs_ in {
        f"kind=stream&stream=500116/{stream}": {"500116"},
        "kind=bureau&bureau=500117": {"500117"},
        f"kind=bureau&bureau=&first={today}&last={today}": {"500116", "500117"},
        f"kind=report&report={page.rpartition('/')[2]}&basis=true": {"500116"},
    }.items():
        refused = auditor.client.get(f"/audit/packs/download?{asked}")  # this alliance has no witnesses
        assert refused.status_code == 503, refused.text
        answer = auditor.client.get(f"/audit/packs/download?{asked}&unwitnessed=true")
        assert answer.status_code == 200, answer.text
        assert int(answer.headers["content-length"]) == len(answer.content)
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert {name.split("/")[1] for name in names if name.startswith("log/")} == logs_
    for asked in ("kind=stream", "kind=bureau", "kind=report", f"kind=bureau&first={today}"):
        assert auditor.client.get(f"/audit/packs/download?{asked}").status_code == 422
    assert auditor.client.get("/audit/packs/download?kind=report&report=99").status_code == 404


def test_the_pack_page_names_the_verifier_the_digest_and_whom_to_trust(auditor: Clerk) -> None:
    html = auditor.get("/audit/packs")
    assert "核验程序和联盟摘要都应当来自您信任的人" in html
    assert 'id="digest"' in html
    assert auditor.client.get("/audit/packs/verify.py").text.startswith('"""银桥证据包核验程序')
