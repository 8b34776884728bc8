"""The timeline and the record behind each of its lines."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from projections.timeline import Chosen
from services.gateway import timeline
from services.gateway.app import create_app
from services.gateway.view import View
from tests.services.gateway.clerks import Clerk
from tests.services.gateway.houses import House

Seat = Callable[[str], Clerk]


def plan(clerk: Clerk, title: str) -> str:
    """A new activity; its permalink."""
    there = clerk.does(
        "/forms/activity/plan",
        title=title,
        form="lecture",
        starts="2025-03-01",
        ends="2025-03-01",
        place__division="500116",
    )
    return there.partition("?")[0]


def test_lines_are_filtered_by_bureau_context_subject_and_correlation(clerk: Seat) -> None:
    jiangjin, hechuan = clerk("500116/clerk"), clerk("500117/clerk")
    page = plan(jiangjin, "江津讲座")
    plan(hechuan, "合川讲座")
    jiangjin.does(jiangjin.offered(page, "activity/state-sign-up"), persons="7")
    whole = jiangjin.get("/timeline")
    assert {"江津讲座", "合川讲座", "已有7人报名"} <= {
        w for w in ("江津讲座", "合川讲座", "已有7人报名") if w in whole
    }
    assert "合川讲座" not in jiangjin.get("/timeline?bureau=500116")
    assert "还没有记录" in jiangjin.get("/timeline?context=talent")
    stream = page.removeprefix("/activity/activity/")
    of_one = jiangjin.get(f"/timeline?stream={stream}")
    assert "已有7人报名" in of_one
    assert "合川讲座" not in of_one
    correlation = whole.split("/timeline?correlation=")[1].partition('"')[0]
    assert "只显示同一来由的记录" in jiangjin.get(f"/timeline?correlation={correlation}")


def test_a_record_has_a_page_with_its_sentence_bytes_and_links(clerk: Seat, house: House) -> None:
    jiangjin = clerk("500116/clerk")
    page = plan(jiangjin, "江津讲座")
    house.catch_up()
    html = jiangjin.get("/records/500116/1")
    for part in (
        "江津区委老干部局计划于2025年3月1日举办",
        "//chuanyu/500116",
        "chuanyu.yinqiao/500116",
        page,
        "尚未",
    ):
        assert (part in html) is (part != "尚未")
    assert jiangjin.client.get("/records/500116/2").status_code == 404
    assert jiangjin.client.get("/records/500116/0").status_code == 422


def test_what_arrives_is_sent_once_and_a_listener_that_comes_back_misses_nothing(
    clerk: Seat, house: House
) -> None:
    plan(clerk("500116/clerk"), "第一")
    plan(clerk("500116/clerk"), "第二")
    first = heard(house, last=0, count=2)
    assert [("第一" in e, "第二" in e) for e in first] == [(True, False), (False, True)]
    assert heard(house, last=_number(first[0]), count=1) == first[1:]


def _number(event: str) -> int:
    return int(event.partition("id: ")[2].partition("\n")[0])


def heard(house: House, last: int, count: int) -> list[str]:
    """The first server-sent events after an arrival number."""
    app = create_app(house.site)
    scope = {"type": "http", "app": app, "query_string": b"", "headers": [], "path": "/timeline", "state": {}}

    async def listen() -> list[str]:
        request = Request(scope)
        events = timeline._events(request, View(request), Chosen(), last)
        found: list[str] = []
        async for event in events:
            if event.startswith("id:"):
                found.append(event)
            if len(found) == count:
                break
        await events.aclose()  # type: ignore[attr-defined]  # an asynchronous generator
        return found

    return asyncio.run(listen())


def test_english_pages_say_the_same(clerk: Seat) -> None:
    jiangjin = clerk("500116/clerk")
    page = plan(jiangjin, "江津讲座")
    html = jiangjin.get(f"{page}?lang=en")
    assert "Jiangjin bureau plans “江津讲座” (lecture)" in html
    assert 'lang="en"' in html
    assert "What can be done now" in jiangjin.get(page)
