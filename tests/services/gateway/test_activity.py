"""An activity through the pages, on both sides, without JavaScript."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest

from events.activity import Form as FormOf
from events.values import Place
from services.bureau.activity import Plan
from services.bureau.office import Order
from services.gateway.filters import TITLE
from services.gateway.kinds import KINDS
from services.gateway.things import Kind
from services.runtime import clock
from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.houses import House

Seat = Callable[[str], Clerk]
DAY = clock.today(clock.now) - timedelta(days=1)


def planned(clerk: Clerk, title: str = "川渝老干部联合研学") -> str:
    """The page of a new activity."""
    there = clerk.does(
        "/forms/activity/plan", title=title, form="field-study", theme="revolution", starts=DAY, ends=DAY,
        place__division="511600",
    )  # fmt: skip
    return there.partition("?")[0]


def plan(title: str) -> Plan:
    return Plan(title=title, form=FormOf.FIELD_STUDY, starts=DAY, ends=DAY, place=Place(division="511600"))


def test_a_joint_visit_is_planned_confirmed_held_and_corrected(clerk: Seat) -> None:
    # given an activity that asks two bureaus to co-host
    hechuan, guangan, ziyang = clerk("500117/clerk"), clerk("511600/clerk"), clerk("512000/clerk")
    page = planned(hechuan)
    hechuan.does(hechuan.offered(page, "activity/publish"), bureaus=["511600", "512000"])

    # when one confirms, the other declines with a reason and words beside it
    assert "川渝老干部联合研学" in guangan.get("/inbox")
    guangan.does(guangan.offered("/inbox", "activity/confirm"), persons="40")
    ziyang.does(
        ziyang.offered("/inbox", "activity/decline"),
        reason__code="time",
        reason__note__written="当日有换届会议",
        public_only="on",
    )
    # then the planner sees both, and the words; a bureau that was not asked does not get them
    html = hechuan.get(page)
    assert "广安市委老干部局确认联合举办" in html
    assert "资阳市委老干部局谢绝联合举办：时间冲突" in html
    note = html.split('href="/files/')[1].partition('"')[0].replace("&amp;", "&")
    assert hechuan.client.get(f"/files/{note}").text == "当日有换届会议"
    words = note.replace("?", "/words?")
    assert hechuan.get(f"/files/{words}") == '<pre class="text">当日有换届会议</pre>'
    assert clerk("500116/clerk").client.get(f"/files/{note}").status_code == 403

    assert "/forms/activity/state-our-sign-up" in guangan.get(page)

    # when it is held with 62 people, which was a typing error
    hechuan.does(hechuan.offered(page, "activity/hold"), day=DAY, persons="62")
    held = hechuan.get(page).split('href="/corrections/')[1].partition('"')[0]
    hechuan.does(f"/corrections/{held}", payload__persons="26", reason__code="typing")

    # then the list shows 26, with the bureau that counts, and the history shows both
    html = hechuan.get("/activity/activity")
    assert ">26<" in html
    assert ">62<" not in html
    assert "广安市委老干部局" in html
    assert html.count("资阳市委老干部局</td>") == 0
    html = hechuan.get(page)
    assert "62人参加" in html
    assert "<del>62</del> → <ins>26</ins>" in html
    assert "已由第" in html
    assert "/forms/activity/state-our-sign-up" not in guangan.get(page)


def test_an_answer_after_the_day_is_refused_where_the_day_is_known(clerk: Seat) -> None:
    hechuan, guangan = clerk("500117/clerk"), clerk("511600/clerk")
    page = planned(hechuan)
    hechuan.does(hechuan.offered(page, "activity/publish"), bureaus=["511600"])
    form = Form(guangan.get(guangan.offered(page, "activity/confirm"))).forms["/forms/activity/confirm"]
    hechuan.does(hechuan.offered(page, "activity/hold"), day=DAY, persons="30")
    # when the form that was open all the time is sent
    answer = guangan.client.post("/forms/activity/confirm", data=form, follow_redirects=False)
    # then the page says why, and nothing counts
    assert answer.status_code == 409
    rows = hechuan.client.get("/api/v1/activity/activity").json()["items"]
    assert rows[0]["cohosts"] == []


def test_the_asker_reminds_and_gives_more_time_right_in_the_inbox(clerk: Seat) -> None:
    hechuan, guangan = clerk("500117/clerk"), clerk("511600/clerk")
    page = planned(hechuan)
    hechuan.does(hechuan.offered(page, "activity/publish"), bureaus=["511600"])
    # a reminder needs nothing to be filled in: its button stands in the list
    reminder = Form(hechuan.get("/inbox")).forms["/forms/loop/remind"]
    sent = hechuan.client.post("/forms/loop/remind", data=reminder, follow_redirects=False)
    assert sent.status_code == 303
    hechuan.does(hechuan.offered("/inbox", "loop/extend"), days="30", reason__code="agreed")
    html = guangan.get("/inbox")
    assert "已催办" in html
    assert "已延期" in html


def test_sending_the_same_form_twice_does_it_once(clerk: Seat) -> None:
    hechuan = clerk("500117/clerk")
    form = Form(hechuan.get("/forms/activity/plan")).forms["/forms/activity/plan"]
    form |= {
        "title": ["只办一次"], "form": ["lecture"], "starts": [str(DAY)], "ends": [str(DAY)],
        "place.division": ["500117"],
    }  # fmt: skip
    first, second = (hechuan.client.post("/forms/activity/plan", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert hechuan.get("/activity/activity").count("只办一次") == 1


def test_a_refused_form_keeps_what_was_filled_in_and_says_where_it_is_wrong(clerk: Seat) -> None:
    hechuan = clerk("500117/clerk")
    answer = hechuan.fill(
        "/forms/activity/plan", title="讲座", form="lecture", starts=DAY, ends=DAY - timedelta(days=3),
        place__division="500117",
    )  # fmt: skip
    assert answer.status_code == 422
    assert "早于开始日期，请核对两个日期" in answer.text
    assert 'value="讲座"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_an_upload_needs_the_word_that_it_is_public_and_marked_papers_are_refused(clerk: Seat) -> None:
    hechuan = clerk("500117/clerk")
    page = planned(hechuan)
    hechuan.does(hechuan.offered(page, "activity/hold"), day=DAY, persons="5")
    report = hechuan.offered(page, "activity/report")
    unsaid = hechuan.fill(report, text__written="总结", day=DAY)
    assert unsaid.status_code == 422
    assert "请勾选" in unsaid.text
    marked = hechuan.fill(
        report,
        {"text.file": ("../../x.txt", "机密★十年\n总结".encode(), "text/plain")},
        day=DAY,
        public_only="on",
    )
    assert marked.status_code == 422
    assert "材料标有「机密」，不得录入平台" in marked.text
    # and a clean one is taken, and can be read by its bureau
    hechuan.does(
        report, {"text.file": ("总结.txt", "活动顺利。".encode(), "text/plain")}, day=DAY, public_only="on"
    )
    assert "活动顺利。" in hechuan.get(f"{page}/texts")


def test_a_list_is_paged_filtered_and_exported_without_formulas(clerk: Seat, house: House) -> None:
    hechuan = clerk("500117/clerk")
    titles = ["=HYPERLINK(1)", *(f"讲座{number}" for number in range(52))]
    orders = (Order(title, house.officer("500117"), plan(title)) for title in titles)
    assert not [a for a in house.site.office.bulk("500117", orders) if isinstance(a, Exception)]
    house.catch_up()
    first = hechuan.get("/activity/activity?bureau=500117&form=field-study")
    assert first.count("<tr>") == 51
    more = first.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert hechuan.get(more).count("<tr>") == 4
    assert "没有符合条件的记录" in hechuan.get("/activity/activity?stage=held")
    assert hechuan.get("/activity/activity?title=讲座5").count("<tr>") == 1 + 3  # 5, 50, 51
    assert hechuan.get("/activity/activity?title=hyper").count("<tr>") == 1 + 1
    assert "没有符合条件的记录" in hechuan.get("/activity/activity?title=%25")

    exported = hechuan.client.get("/activity/activity.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(exported)))
    assert len(rows) == 1 + 53 + 2
    assert "'=HYPERLINK(1)" in {row[1] for row in rows if len(row) > 1}
    assert rows[-1][0] == "演示数据，非真实业务"
    with zipfile.ZipFile(io.BytesIO(hechuan.client.get("/activity/activity.xlsx").content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 1 + 53 + 1
    assert "<f>" not in sheet
    assert "=HYPERLINK(1)" in sheet


@pytest.mark.parametrize("kind", [kind for kind in KINDS if TITLE in kind.filters], ids=lambda k: k.aggregate)
def test_a_title_is_looked_for_by_any_part(clerk: Seat, kind: Kind) -> None:
    assert "没有符合条件的记录" in clerk("500117/clerk").get(f"{kind.path}?title=没有这个标题")
