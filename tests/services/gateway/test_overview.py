"""Each number of the overview opens the list of exactly what it counts, of one bureau and of all."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape

from services.runtime import clock
from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.test_activity import planned
from tests.services.gateway.test_cooperation import in_force, release
from tests.services.gateway.test_talent import need, shared

Seat = Callable[[str], Clerk]
TODAY = clock.today(clock.now)
OLD = date(TODAY.year - 1, 12, 30)
_TILE = re.compile(r'<a class="tile [^"]*" href="([^"]+)"><b>([^<]+)</b><span>([^<]+)</span>')
_CELL = '<td data-label="{}"[^>]*>([^<]*)</td>'
SUMS = {"今年参加人次": "人数", "累计参加人次": "人数", "今年服务天数": "已服务"}
"""What is summed up over the rows; the other figures count rows."""


def behind(clerk: Clerk) -> list[tuple[str, float, float]]:
    """Of each figure: its label, the number, and what its list comes to."""
    found = []
    for href, number, label in _TILE.findall(clerk.get("/")):
        html = clerk.get(unescape(href))
        cells = re.findall(_CELL.format(SUMS[label]), html) if label in SUMS else ()
        rows = (
            sum(float(c or 0) for c in cells) if label in SUMS else html.count("<tr>") - ("<tbody>" in html)
        )
        found.append((label, float(number.replace(",", "")), rows))
    return found


def activities(clerk: Clerk) -> None:
    """One held this year, one held last year, one planned, one cancelled."""
    for title, day in (("今年", TODAY), ("去年", OLD)):
        page = clerk.does(
            "/forms/activity/plan",
            title=title,
            form="lecture",
            starts=day,
            ends=day,
            place__division="500153",
        ).partition("?")[0]
        clerk.does(clerk.offered(page, "activity/hold"), day=day, persons="62")
    planned(clerk, "计划")
    clerk.does(clerk.offered(planned(clerk, "取消"), "activity/cancel"), reason__code="weather")


def dispatch(home: tuple[Clerk, Clerk], host: tuple[Clerk, Clerk]) -> None:
    """One that served last year and this year, and one that did not serve yet."""
    page = need(host[0])
    for speciality, days in (("血橙嫁接", (OLD, TODAY)), ("柑橘栽培", ())):
        expert = shared(home[0], speciality).rpartition("/")[2]
        offer = home[0].offered(page, "talent/offer")
        home[0].does(offer, experts=[expert], purpose="advice", agreed=OLD, starts=OLD, service_days="5")
        there = release(home[1])
        accept = Form(host[0].get(there)).forms["/forms/talent/accept"]
        host[0].client.post("/forms/talent/accept", data=accept)
        release(host[1])
        home[0].does(home[0].offered(there, "talent/start"), day=OLD)
        for day in days:
            home[0].does(home[0].offered(there, "talent/log-day"), day=day, half="full")


def test_every_figure_is_what_its_list_comes_to(clerk: Seat) -> None:
    rongchang = clerk("500153/clerk"), clerk("500153/leader")
    zigong = clerk("510300/clerk"), clerk("510300/leader")
    memorandum = in_force(rongchang, zigong)
    activities(rongchang[0])
    dispatch(rongchang, zigong)
    due = (TODAY + timedelta(days=9)).isoformat()
    rongchang[0].does("/forms/cooperation/set-task", title="任务", owner="500153", due=due)
    # in force, and being amended
    text = {"text__written": "第一条 新的文本。", "public_only": "on"}
    rongchang[0].does(rongchang[0].offered(memorandum, "cooperation/amend"), **text)
    release(rongchang[1])
    for seat in (rongchang[0], zigong[0], clerk("500116/clerk")):
        found = behind(seat)
        assert [(label, rows) for label, _, rows in found] == [(label, number) for label, number, _ in found]
    numbers = {label: number for label, number, _ in behind(rongchang[0])}
    expected = {"有效备忘录": 1, "今年举办活动": 1, "累计举办活动": 2, "今年服务天数": 1, "服务中专家": 2}
    assert {label: numbers[label] for label in expected} == expected
