"""Corrections through the pages: what may change is offered, the rest says why, and what binds waits."""

import re
from collections.abc import Callable

import pytest

from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.test_cooperation import in_force, release

Seat = Callable[[str], Clerk]
CHONGQING, SICHUAN = "500000", "510000"


@pytest.fixture
def chongqing(clerk: Seat) -> tuple[Clerk, Clerk]:
    return clerk(f"{CHONGQING}/clerk"), clerk(f"{CHONGQING}/leader")


@pytest.fixture
def sichuan(clerk: Seat) -> tuple[Clerk, Clerk]:
    return clerk(f"{SICHUAN}/clerk"), clerk(f"{SICHUAN}/leader")


Pair = tuple[Clerk, Clerk]


def test_what_was_signed_is_shown_and_not_offered(chongqing: Pair, sichuan: Pair) -> None:
    in_force(chongqing, sichuan)
    path = f"/corrections/{CHONGQING}/1"
    html, fields = chongqing[0].get(path), Form(chongqing[0].get(path)).forms[path]
    assert "payload.title" in fields
    assert not {n for n in fields if n.startswith(("payload.subjects", "payload.parties", "payload.text"))}
    assert "不能更正：请修订" in html
    assert "送审" in html
    # and what a program sends all the same is refused with the next step
    answer = chongqing[0].client.post(
        f"/api/v1/bureaus/{CHONGQING}/record/correct",
        headers={"idempotency-key": "k", "if-match": '"3"'},
        json={
            "aggregate": "memorandum", "stream": _stream(chongqing[0]), "position": 1,
            "reason": {"code": "typing"}, "payload": {"subjects": ["venue"]},
        },
    )  # fmt: skip
    assert answer.status_code == 409
    assert "已据此征求" in answer.json().get("detail_zh", answer.text) or "ask anew" in answer.text


def _stream(clerk: Clerk) -> str:
    return str(re.findall(rf'"/cooperation/memorandum/{CHONGQING}/([0-9a-f-]+)', clerk.get("/timeline"))[0])


def test_a_corrected_title_waits_for_the_leader_who_sees_what_changes(chongqing: Pair, sichuan: Pair) -> None:
    page = in_force(chongqing, sichuan)
    there = chongqing[0].does(
        f"/corrections/{CHONGQING}/1", payload__title="川渝工作协议", reason__code="typing"
    )
    assert there.startswith("/inbox?laid=")
    (draft,) = set(re.findall(rf'"(/drafts/{CHONGQING}/[0-9a-f-]+)"', chongqing[1].get("/inbox")))
    html = chongqing[1].get(draft)
    assert "川渝老干部工作合作备忘录 → 川渝工作协议" in html
    assert f"/records/{CHONGQING}/1" in html
    assert "录入错误" in html
    # when it is returned, the way back is the form of the fact
    returned = chongqing[1].client.post(f"{draft}/return", data={"reason": "unclear"})
    assert returned.status_code == 200
    assert f'href="/corrections/{CHONGQING}/1"' in chongqing[0].get(draft)
    # and laid and released, it stands
    chongqing[0].does(f"/corrections/{CHONGQING}/1", payload__title="川渝工作协议", reason__code="typing")
    assert release(chongqing[1]) == page
    assert '<h1 class="data">川渝工作协议' in sichuan[0].get(page)


def test_a_voiding_of_what_was_settled_waits_for_the_leader(chongqing: Pair, sichuan: Pair) -> None:
    page = in_force(chongqing, sichuan)
    form = chongqing[0].offered(page, "record/void")
    assert chongqing[0].does(form, reason__code="duplicate").startswith("/inbox?laid=")
    (draft,) = set(re.findall(rf'"(/drafts/{CHONGQING}/[0-9a-f-]+)"', chongqing[1].get("/inbox")))
    assert "重复登记" in chongqing[1].get(draft)
    assert "已生效" in sichuan[0].get(page)
    release(chongqing[1])
    assert "签署中" in sichuan[0].get(page)
