"""The operations page: read models paused and resumed, records tried again or left out with a reason."""

from collections.abc import Callable

from tests.services.gateway.clerks import Clerk
from tests.services.gateway.houses import House

Seat = Callable[[str], Clerk]


def test_a_read_model_is_paused_resumed_and_rebuilt(clerk: Seat, house: House) -> None:
    operator = clerk("500116/clerk")
    operator.client.post("/operations/models/activity/pause")
    assert "已暂停" in operator.get("/operations")
    operator.client.post("/operations/models/activity/resume")
    assert "已暂停" not in operator.get("/operations")
    operator.client.post("/operations/models/activity/rebuild")
    assert house.rebuilds == ["activity"]
    assert "重建：50 %" in operator.get("/operations")
    assert operator.client.post("/operations/models/nothing/pause").status_code == 404
    assert operator.client.post("/operations/models/activity/burn").status_code == 404


def test_a_record_that_waits_is_shown_and_left_out_with_a_reason(clerk: Seat, house: House) -> None:
    operator = clerk("500116/clerk")
    # given a record that a model could not fold
    operator.does(
        "/forms/activity/plan",
        title="讲座",
        form="lecture",
        starts="2025-03-01",
        ends="2025-03-01",
        place__division="500116",
    )
    house.catch_up()
    with house.database.connection() as conn:
        conn.execute(
            "INSERT INTO projection.waiting (model, log, position, stream, time, type, cause, detail)"
            " SELECT 'activity', log, position, stream, '2025', 'x', 'failed', 'KeyError' FROM ledger.entry"
        )
    assert "处理失败" in operator.get("/operations")
    page = "/operations/records/500116/1"
    assert "KeyError" in operator.get(page)
    unsaid = operator.client.post(f"{page}/skip", data={"reason": " "})
    assert unsaid.status_code == 422
    operator.client.post(f"{page}/skip", data={"reason": "重复导入的测试记录"})
    html = operator.get("/operations")
    assert "没有搁置的记录" in html
    assert "重复导入的测试记录" in html
    assert operator.client.get("/operations/records/500116/2").status_code == 404


def test_a_read_only_node_says_why_on_every_page_and_takes_nothing(clerk: Seat, house: House) -> None:
    house.cause = "数据库早于守护文件"
    seated = clerk("500116/clerk")
    assert "本节点暂时只读：数据库早于守护文件" in seated.get("/activity/activity")
    answer = seated.fill(
        "/forms/activity/plan",
        title="讲座",
        form="lecture",
        starts="2025-03-01",
        ends="2025-03-01",
        place__division="500116",
    )
    assert answer.status_code == 503
    assert "只读状态" in answer.text


def test_what_is_wrong_with_the_alliance_document_is_shown(clerk: Seat, house: House) -> None:
    house.troubles = ["version 3 has two successors, signed by 500116 twice"]
    assert "联盟文件、密钥或主题：version 3 has two successors" in clerk("500116/clerk").get("/operations")


def test_the_configuration_shows_no_secret(clerk: Seat) -> None:
    html = clerk("500116/clerk").get("/operations")
    assert "password=***" in html


def test_the_command_reaches_the_lists_before_the_page_is_shown(clerk: Seat, house: House) -> None:
    # when a read model stands still, the page waits no longer than its patience and says so
    seated = clerk("500116/clerk")
    house.projector.step()
    with house.database.connection() as conn:
        conn.execute("UPDATE projection.model SET version = version + 1 WHERE name = 'tasks'")
    there = seated.does(
        "/forms/activity/plan",
        title="讲座",
        form="lecture",
        starts="2025-03-01",
        ends="2025-03-01",
        place__division="500116",
    )
    assert there.endswith("adding=1")
    assert "列表正在更新" in seated.get(there)
