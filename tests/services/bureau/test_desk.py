"""Drafts: nothing stands in a log before the leader releases it, and nobody releases what they proposed."""

import pytest

from events import errors
from events.loops import Role
from events.values import Reason
from services.bureau.case import Officer
from services.bureau.desk import Draft
from services.bureau.office import Answer, Order
from tests.services.bureau.province import Province, day, officer
from tests.services.bureau.test_cooperation import HOME, proposal

CLERK, LEADER = officer(HOME), officer(HOME, Role.LEADER)


def draft(province: Province, by: Officer = CLERK, key: str = "d") -> Draft:
    found = province.desk.take(HOME, Order(key, by, proposal()))
    assert isinstance(found, Draft)
    return found


def entries(province: Province) -> int:
    with province.database.connection() as conn:
        row = conn.execute("SELECT count(*) FROM ledger.entry").fetchone()
    return int(row[0]) if row else 0  # type: ignore[call-overload]  # count(*)


def test_a_binding_command_waits_for_the_leader_and_is_recorded_once_at_the_word(province: Province) -> None:
    # given a clerk's proposal
    found = draft(province)
    assert entries(province) == 0
    # when the leader releases it, twice
    first = province.desk.release(HOME, found.id, LEADER)
    again = province.desk.release(HOME, found.id, LEADER)
    # then it stands in the log once, by the leader
    assert first == again
    province.settle()
    assert {r.actor for r in province.history(HOME, province.stream(first))} == {LEADER.actor}


def test_the_same_key_is_the_same_draft(province: Province) -> None:
    assert draft(province).id == draft(province).id
    assert len(province.desk.waiting(HOME)) == 1


def test_whoever_proposed_cannot_approve(province: Province) -> None:
    found = draft(province, LEADER)
    with pytest.raises(errors.NotAllowed, match="proposed"):
        province.desk.release(HOME, found.id, LEADER)


def test_a_clerk_cannot_release(province: Province) -> None:
    found = draft(province)
    with pytest.raises(errors.NotAllowed, match="leader"):
        province.desk.release(HOME, found.id, CLERK._replace(id="another"))


def test_a_delegate_releases_in_the_days_of_the_delegation_only(province: Province) -> None:
    found, delegate = draft(province), CLERK._replace(id="another")
    province.desk.delegate(HOME, LEADER, "another", day("2026-03-01"), day("2026-03-02"))
    assert isinstance(province.desk.release(HOME, found.id, delegate), Answer)
    from datetime import timedelta

    province.now += timedelta(days=2)
    later = draft(province, key="later")
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, later.id, delegate)


def test_a_delegation_is_listed_and_ends_at_the_leaders_word(province: Province) -> None:
    found, delegate = draft(province), CLERK._replace(id="another")
    for _ in range(2):  # the form sent twice
        province.desk.delegate(HOME, LEADER, "another", day("2026-03-01"), day("2026-03-05"), "k")
    (given,) = province.desk.delegations(HOME)
    assert (given.delegate, given.holds(day("2026-03-05")), given.holds(day("2026-03-06"))) == (
        "another", True, False,
    )  # fmt: skip
    for _ in range(2):
        province.desk.end_delegation(HOME, LEADER, given.id)
    assert [d.ended == province.now for d in province.desk.delegations(HOME)] == [True]
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, found.id, delegate)


def test_only_a_leader_of_the_bureau_delegates_and_not_to_the_past_or_to_nobody_else(
    province: Province,
) -> None:
    first, last = day("2026-03-01"), day("2026-03-05")
    for who in (CLERK, officer("510300", Role.LEADER)):
        with pytest.raises(errors.NotAllowed):
            province.desk.delegate(HOME, who, "another", first, last)
    with pytest.raises(errors.Invalid):
        province.desk.delegate(HOME, LEADER, LEADER.id, first, last)
    with pytest.raises(errors.Invalid):
        province.desk.delegate(HOME, LEADER, "another", first, first)
    with pytest.raises(errors.NotFound):
        province.desk.end_delegation(HOME, LEADER, "00000000-0000-0000-0000-000000000000")
    assert province.desk.delegations(HOME) == []


def test_the_day_of_a_delegation_is_the_day_in_chongqing(province: Province) -> None:
    found, delegate = draft(province), CLERK._replace(id="another")
    province.desk.delegate(HOME, LEADER, "another", day("2026-03-03"), day("2026-03-03"))
    province.now = province.now.replace(hour=17)  # past midnight in Chongqing
    assert isinstance(province.desk.release(HOME, found.id, delegate), Answer)


def test_what_a_draft_names_is_kept_before_the_draft_is(province: Province) -> None:
    draft(province)
    assert (HOME, proposal().text.digest, frozenset()) in province.shared


def test_a_returned_draft_goes_back_with_its_reason_and_cannot_be_released(province: Province) -> None:
    found = draft(province)
    assert province.desk.send_back(HOME, found.id, LEADER, Reason.UNCLEAR).reason == "unclear"
    with pytest.raises(errors.Conflict, match="returned"):
        province.desk.release(HOME, found.id, LEADER)
    assert province.desk.discard(HOME, found.id, CLERK).state == "discarded"


def test_a_refused_release_leaves_the_draft_as_it_was(province: Province) -> None:
    found = province.desk.take(HOME, Order("bad", CLERK, proposal(parties=(HOME,))))
    assert isinstance(found, Draft)
    with pytest.raises(errors.Invalid):
        province.desk.release(HOME, found.id, LEADER)
    assert province.desk.get(HOME, found.id).state == "proposed"
    assert entries(province) == 0


def test_an_officer_of_another_bureau_can_do_nothing_here(province: Province) -> None:
    with pytest.raises(errors.NotAllowed):
        province.desk.take(HOME, Order("x", officer("510300"), proposal()))
    found = draft(province)
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, found.id, officer("510300", Role.LEADER))
