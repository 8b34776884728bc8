"""A leader lets another officer release drafts for some days, sees it listed, and takes it back."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from events.loops import Role
from services.gateway import acting
from services.runtime import clock
from tests.services.gateway import houses
from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.test_cooperation import proposed, release

Seat = Callable[[str], Clerk]
TODAY = clock.today(clock.now)
CLERK = acting.officer(houses.ALLIANCE, "500000", Role.CLERK).id


@pytest.fixture
def leader(clerk: Seat) -> Clerk:
    return clerk("500000/leader")


@pytest.fixture
def deputy(clerk: Seat) -> Clerk:
    return clerk("500000/clerk")


def delegate(leader: Clerk, days: int = 2) -> None:
    last = (TODAY + timedelta(days=days)).isoformat()
    assert leader.does("/delegations", delegate=CLERK, first=TODAY.isoformat(), last=last) == "/delegations"


def test_a_delegate_releases_what_the_leader_proposed_until_it_is_taken_back(
    leader: Clerk, deputy: Clerk
) -> None:
    # given a draft of the leader's own, which nobody else may release
    proposed(leader, "510000")
    assert "/release" not in deputy.get("/inbox")
    # when the leader delegates for some days
    delegate(leader)
    # then the clerk finds the button, and releases
    assert "生效中" in deputy.get("/delegations")
    release(deputy)
    # and once it is taken back, no more; taken back twice is once
    (action,) = [a for a in Form(leader.get("/delegations")).forms if a.endswith("/end")]
    for _ in range(2):
        assert leader.client.post(action, follow_redirects=False).status_code == 303
    assert "已收回" in deputy.get("/delegations")
    proposed(leader, "510300")
    assert "/release" not in deputy.get("/inbox")


def test_the_same_form_sent_twice_delegates_once(leader: Clerk) -> None:
    form = Form(leader.get("/delegations")).forms["/delegations"]
    form |= {"delegate": [CLERK], "first": [TODAY.isoformat()], "last": [TODAY.isoformat()]}
    for _ in range(2):
        answer = leader.client.post("/delegations", data=form, follow_redirects=False)
        assert answer.status_code == 303
    assert leader.get("/delegations").count("/end") == 1


def test_what_cannot_be_delegated_says_why(leader: Clerk, deputy: Clerk) -> None:
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    past = leader.fill("/delegations", delegate=CLERK, first=yesterday, last=yesterday)
    assert (past.status_code, "已经过去" in past.text) == (422, True)
    turned = leader.fill("/delegations", delegate=CLERK, first=TODAY.isoformat(), last=yesterday)
    assert "早于第一天" in turned.text
    assert "应填日期" in leader.fill("/delegations", delegate=CLERK, first="x", last=yesterday).text
    stranger = leader.fill("/delegations", delegate="nobody", first=TODAY.isoformat(), last=TODAY.isoformat())
    assert "请选择另一人" in stranger.text
    assert "只有审批人可以委托" in deputy.get("/delegations")
    refused = deputy.client.post(
        "/delegations",
        data={"delegate": "x", "first": TODAY.isoformat(), "last": TODAY.isoformat()},
    )
    assert refused.status_code in {403, 422}


def test_another_bureau_sees_nothing_of_it_and_ends_nothing(leader: Clerk, clerk: Seat) -> None:
    delegate(leader)
    other = clerk("510300/leader")
    assert "还没有委托" in other.get("/delegations")
    (action,) = [a for a in Form(leader.get("/delegations")).forms if a.endswith("/end")]
    assert other.client.post(action).status_code == 404


def test_the_page_speaks_english(leader: Clerk) -> None:
    delegate(leader)
    english = leader.get("/delegations?lang=en")
    for words in ("Delegation", "in effect", "Take back", "first day"):
        assert words in english
