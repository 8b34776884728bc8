"""Journey 2 through the pages: experts are offered, one is accepted, serves, is confirmed and rated."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from services.runtime import clock
from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.test_cooperation import in_force, release

Seat = Callable[[str], Clerk]
TODAY = clock.today(clock.now)
DAY = TODAY - timedelta(days=2)


def shared(clerk: Clerk, speciality: str, **more: str) -> str:
    return clerk.does(
        "/forms/talent/share-expert",
        speciality=speciality,
        fields=["agriculture"],
        tier="pool",
        agreed="on",
        **more,
    ).partition("?")[0]


def need(clerk: Clerk) -> str:
    return clerk.does(
        "/forms/talent/publish-need",
        field="agriculture",
        title="血橙种植指导",
        persons="2",
        service_days="20",
        starts=DAY,
        ends=TODAY,
        place__division="510300",
        to=["500153"],
    ).partition("?")[0]


def test_journey_2(clerk: Seat) -> None:
    rongchang = clerk("500153/clerk"), clerk("500153/leader")
    zigong = clerk("510300/clerk"), clerk("510300/leader")

    # before there is a memorandum, asking is refused, and it says what is missing
    early = zigong[0].fill(
        "/forms/talent/publish-need",
        field="agriculture",
        title="血橙种植指导",
        persons="2",
        service_days="20",
        starts=DAY,
        ends=TODAY,
        place__division="510300",
        to=["500153"],
    )
    assert early.status_code == 409
    assert "缺少有效的合作备忘录" in early.text

    # given one in force, a need, and three experts of whom one lacks clearance
    in_force(rongchang, zigong)
    page = need(zigong[0])
    orange, blood = shared(rongchang[0], "柑橘栽培"), shared(rongchang[0], "血橙嫁接")
    shared(rongchang[0], "企业管理", needs_clearance="on")
    offer = rongchang[0].offered(page, "talent/offer")
    form = rongchang[0].get(offer)
    assert "任职须经审批而尚未审批，不能选派" in form
    assert form.count(" disabled") == 1

    # when two are offered and released by the leader
    rongchang[0].does(
        offer, experts=[orange.rpartition("/")[2], blood.rpartition("/")[2]], purpose="advice", agreed=DAY
    )
    release(rongchang[1])

    # then Zigong accepts one and declines the other with a reason, each released by its leader
    first, second = sorted(set(_dispatches(zigong[0])))
    accept = Form(zigong[0].get(first)).forms["/forms/talent/accept"]
    assert (
        zigong[0].client.post("/forms/talent/accept", data=accept, follow_redirects=False).status_code == 303
    )
    release(zigong[1])
    zigong[0].does(zigong[0].offered(second, "talent/decline-offer"), reason__code="capacity")
    release(zigong[1])
    assert "谢绝" in rongchang[0].get("/inbox")

    # when it starts, days are logged, confirmed or questioned
    rongchang[0].does(rongchang[0].offered(first, "talent/start"), day=DAY)
    rongchang[0].does(rongchang[0].offered(first, "talent/log-day"), day=DAY, half="am")
    rongchang[0].does(rongchang[0].offered(first, "talent/log-day"), day=DAY, half="pm")
    twice = rongchang[0].fill(rongchang[0].offered(first, "talent/log-day"), day=DAY, half="full")
    assert twice.status_code == 409
    assert "确认服务日" in zigong[0].get("/inbox")
    zigong[0].does(zigong[0].offered(first, "talent/question-day"), reason__code="time")
    days = Form(zigong[0].get(first)).forms["/forms/talent/confirm-days"]
    assert (
        zigong[0].client.post("/forms/talent/confirm-days", data=days, follow_redirects=False).status_code
        == 303
    )
    html = rongchang[0].get(first)
    assert "已确认" in html
    assert "有疑问" in html
    for half_day in ("<dd>1 天</dd>", "<dd>0.5 天</dd>", f"确认服务日：{said(DAY)}"):
        assert half_day in html

    # the expert, the need and the others of the batch are named, and lead to their pages
    assert re.search(
        rf'<dd><a href="{orange}">柑橘栽培（专家\d+号）</a></dd>',
        rongchang[0].get(first) + (rongchang[0].get(second)),
    )
    assert f'<a href="{page}">血橙种植指导</a>' in html
    assert "共2人：" in html
    assert f'<a href="{second}">' in html

    # and it ends early and is rated: the mark is for the two bureaus, the log holds its digest
    rongchang[0].does(rongchang[0].offered(first, "talent/end-early"), day=TODAY, reason__code="weather")
    zigong[0].does(zigong[0].offered(first, "talent/rate"), mark__written="满意")
    rated = rongchang[0].get(first)
    token = rated.split('href="/files/')[1].partition('"')[0].replace("&amp;", "&")
    assert rongchang[0].client.get(f"/files/{token}").text == "满意"
    assert clerk("500116/leader").client.get(f"/files/{token}").status_code == 403


def said(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _dispatches(clerk: Clerk) -> list[str]:
    html = clerk.get("/talent/dispatch")
    return [
        f"/talent/dispatch/{part.partition(chr(34))[0]}" for part in html.split('href="/talent/dispatch/')[1:]
    ]


def test_the_pool_and_satisfaction_are_stated_as_counts(clerk: Seat) -> None:
    rongchang = clerk("500153/clerk")
    rongchang.does(
        "/forms/talent/state-strength", day=DAY, tier="think-tank", field="law", persons="12", opening="on"
    )
    rongchang.does("/forms/talent/state-satisfaction", starts=DAY, ends=TODAY, satisfied="9", fair="1")
    pool, marks = rongchang.get("/talent/pool"), rongchang.get("/talent/satisfaction")
    assert "智库" in pool
    assert ">12<" in pool
    assert "荣昌区委老干部局" in marks
    assert ">9<" in marks
