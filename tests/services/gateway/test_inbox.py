"""Nobody waits unseen: every step that waits stands in its owner's inbox, with a day and its form."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

from services.runtime import clock, workdays
from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.test_activity import planned
from tests.services.gateway.test_cooperation import in_force, release
from tests.services.gateway.test_talent import need, shared

Seat = Callable[[str], Clerk]
TODAY = clock.today(clock.now)
DAY = TODAY - timedelta(days=2)


def duties(clerk: Clerk) -> list[dict[str, Any]]:
    """What the API says waits for the clerk's bureau, which must be what its page and header say."""
    found = clerk.client.get(f"/api/v1/inbox/{clerk.bureau}").json()
    html = clerk.get("/inbox")
    assert f'<a href="#duties">限期事项 {len(found["duties"])}</a>' in html
    parts = [int(n) for n in re.findall(r'<a href="#(?:asked|drafts|came|duties)">\S+ (\d+)</a>', html)]
    count = re.search(r'class="count">(\d+)<', html)
    assert sum(parts) == (int(count[1]) if count else 0)
    for duty in found["duties"]:
        assert duty["owner"] == clerk.bureau
        assert f'href="{duty["path"]}"' in html
        assert f'href="{duty["form"]}"' in unescape(html)
    return [{**d, "step": (d["command"], d["due"], d["overdue"])} for d in found["duties"]]


def taken(clerk: Clerk, **given: Any) -> str:
    """Take the one step that waits, by its form."""
    (duty,) = duties(clerk)
    return clerk.does(duty["form"], **given).partition("?")[0]


def test_a_need_waits_for_each_partner_until_it_offers(clerk: Seat) -> None:
    rongchang = clerk("500153/clerk"), clerk("500153/leader")
    zigong = clerk("510300/clerk"), clerk("510300/leader")
    stranger = clerk("500116/clerk")
    in_force(rongchang, zigong)
    need(zigong[0])
    expert = shared(rongchang[0], "血橙嫁接").rpartition("/")[2]
    by = workdays.add(TODAY, 15).isoformat()
    assert [d["step"] for d in duties(rongchang[0])] == [("talent/offer", by, False)]
    # one that is turned to nobody is turned to partners: whoever has talent opened to it
    zigong[0].does(
        "/forms/talent/publish-need", field="agriculture", title="果树修剪", persons="1", service_days="2",
        starts=DAY, ends=TODAY, place__division="510300",
    )  # fmt: skip
    assert {d["title"] for d in duties(rongchang[0])} == {"血橙种植指导", "果树修剪"}
    assert duties(stranger) == []
    assert duties(zigong[0]) == []
    # when it has offered somebody for one, the other waits still
    first = next(d for d in duties(rongchang[0]) if d["title"] == "血橙种植指导")
    rongchang[0].does(first["form"], experts=[expert], purpose="advice", agreed=DAY)
    release(rongchang[1])
    assert [d["title"] for d in duties(rongchang[0])] == ["果树修剪"]


def test_a_service_that_is_over_waits_for_its_hosts_rating(clerk: Seat) -> None:
    rongchang = clerk("500153/clerk"), clerk("500153/leader")
    zigong = clerk("510300/clerk"), clerk("510300/leader")
    in_force(rongchang, zigong)
    page = need(zigong[0])
    expert = shared(rongchang[0], "血橙嫁接").rpartition("/")[2]
    rongchang[0].does(
        rongchang[0].offered(page, "talent/offer"), experts=[expert], purpose="advice", agreed=DAY
    )
    dispatch = release(rongchang[1])
    accept = Form(zigong[0].get(dispatch)).forms["/forms/talent/accept"]
    zigong[0].client.post("/forms/talent/accept", data=accept)
    release(zigong[1])
    rongchang[0].does(rongchang[0].offered(dispatch, "talent/start"), day=DAY)
    rongchang[0].does(rongchang[0].offered(dispatch, "talent/log-day"), day=DAY, half="full")
    # the day waits for its word, and its form gives it
    assert [d["step"] for d in duties(zigong[0])] == [("talent/confirm-days", TODAY.isoformat(), False)]
    assert taken(zigong[0]) == dispatch
    assert duties(zigong[0]) == []
    # and so does the whole, once it is over
    rongchang[0].does(rongchang[0].offered(dispatch, "talent/complete"), day=TODAY)
    by = workdays.add(TODAY, 10).isoformat()
    assert [d["step"] for d in duties(zigong[0])] == [("talent/rate", by, False)]
    assert taken(zigong[0], mark__written="满意") == dispatch
    assert duties(zigong[0]) == []


def test_a_report_waits_from_the_day_of_the_activity(clerk: Seat) -> None:
    hechuan = clerk("500117/clerk")
    page = planned(hechuan)
    hechuan.does(hechuan.offered(page, "activity/hold"), day=DAY, persons="62")
    (duty,) = duties(hechuan)
    assert duty["step"] == ("activity/report", workdays.add(DAY, 15).isoformat(), False)
    form = Form(hechuan.get(duty["form"])).forms["/forms/activity/report"]
    assert form["version"] == ["2"]  # nobody reports on what was corrected meanwhile
    taken(hechuan, day=TODAY, text__written="总结", public_only="on")
    assert duties(hechuan) == []


def test_a_task_waits_for_whoever_does_it(clerk: Seat) -> None:
    chongqing, jiangjin = clerk("500000/clerk"), clerk("500116/clerk")
    in_force((chongqing, clerk("500000/leader")), (jiangjin, clerk("500116/leader")))
    by = workdays.add(TODAY, 20).isoformat()
    chongqing.does("/forms/cooperation/set-task", title="自己的任务", owner="500000", due=by)
    page = chongqing.does("/forms/cooperation/set-task", title="共建阵地", owner="500116", due=by)
    page = page.partition("?")[0]
    assert [d["step"] for d in duties(chongqing)] == [("cooperation/finish-task", by, False)]
    assert duties(jiangjin) == []  # it is asked first, which stands among the questions
    take_on = Form(jiangjin.get(page)).forms["/forms/cooperation/take-on"]
    jiangjin.client.post("/forms/cooperation/take-on", data=take_on)
    assert [d["step"] for d in duties(jiangjin)] == [("cooperation/finish-undertaking", by, False)]
    assert taken(jiangjin, day=TODAY) == page
    assert duties(jiangjin) == []
    taken(chongqing, day=TODAY)
    assert duties(chongqing) == []
