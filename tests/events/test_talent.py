"""An expert who agreed is offered, accepted, serves half-days that never collide, and is rated."""

from collections.abc import Callable

import pytest

from events import errors, experts
from events import talent as t
from events.event import Event
from events.values import Count, Expertise, Place
from tests.events.histories import OUTSIDE, TEXT, WHY, ask, day, fold, reference

RONGCHANG, ZIGONG, ZIYANG = "500153", "510300", "512000"


def but(event: Event, **changes: object) -> Event:
    return event.model_copy(update=changes)


# --- need -----------------------------------------------------------------------------------------

NEED = t.NeedPublished(
    field=Expertise.AGRICULTURE, title="血橙种植", persons=2, days=20, starts=day("2023-03-01"),
    ends=day("2023-06-30"), place=Place(division=ZIGONG), to=(RONGCHANG,),
)  # fmt: skip
CLOSED = t.NeedClosed(reason=WHY)


def test_a_need_is_published_and_closed() -> None:
    assert fold(NEED, CLOSED, log=ZIGONG).stage == "closed"


# --- dispatch -------------------------------------------------------------------------------------

OFFER = t.DispatchOffered(
    host=ZIGONG, expert=reference(RONGCHANG, 3), field=Expertise.AGRICULTURE, purpose=t.Purpose.RESEARCH,
    days=20, starts=day("2023-03-01"), ends=day("2023-06-30"), agreed=day("2023-02-20"),
    need=reference(ZIGONG), memoranda=(reference(ZIGONG, 9),),
)  # fmt: skip
TO_ENTERPRISE = but(OFFER, host=None, outside=OUTSIDE, purpose=t.Purpose.ADVISER)
APPROVED = t.DispatchApproved(asks=ask(ZIGONG))
APPROVED_OUTSIDE = t.DispatchApproved(asks=())
AGREED_OUTSIDE = t.DispatchConfirmedOutside(day=day("2023-02-25"))
STARTED = t.DispatchStarted(answers=(reference(ZIGONG, 2),), day=day("2023-03-01"))
STARTED_OUTSIDE = t.DispatchStarted(answers=(), day=day("2023-03-01"))
CHANGED = t.DispatchChanged(days=10, starts=day("2023-04-01"), ends=day("2023-04-30"))
MORNING = t.DispatchServiceDayLogged(day=day("2023-03-02"), half=t.Half.AM)
AFTERNOON = but(MORNING, half=t.Half.PM)
WHOLE_DAY = but(MORNING, half=t.Half.FULL)
ENDED_EARLY = t.DispatchEndedEarly(day=day("2023-04-01"), reason=WHY)
COMPLETED = t.DispatchCompleted(day=day("2023-06-30"))
WITHDRAWN = t.DispatchWithdrawn(reason=WHY)
EXPIRED = t.DispatchExpired(reason=WHY)


def test_a_dispatch_is_offered_approved_started_served_and_completed() -> None:
    next_day = but(WHOLE_DAY, day=day("2023-03-03"))
    state = fold(OFFER, APPROVED, STARTED, MORNING, AFTERNOON, next_day, COMPLETED, log=RONGCHANG)
    assert (state.stage, state.served) == ("completed", 2.0)


def test_a_dispatch_to_an_enterprise_is_recorded_by_one_side() -> None:
    state = fold(TO_ENTERPRISE, APPROVED_OUTSIDE, AGREED_OUTSIDE, STARTED_OUTSIDE, log=RONGCHANG)
    assert (state.stage, state.one_sided) == ("started", True)


def test_a_dispatch_that_changes_is_approved_again() -> None:
    state = fold(OFFER, APPROVED, CHANGED, log=RONGCHANG)
    assert (state.stage, state.offer.days, state.asks) == ("offered", 10, ())
    assert fold(OFFER, APPROVED, CHANGED, APPROVED, STARTED, log=RONGCHANG).stage == "started"


def test_a_dispatch_that_is_passed_on_has_another_host() -> None:
    passed = t.DispatchPassedOn(bureau=ZIGONG, to=ask(ZIYANG)[0])
    state = fold(OFFER, APPROVED, passed, but(STARTED, answers=(reference(ZIYANG),)), log=RONGCHANG)
    assert (state.stage, state.offer.host) == ("started", ZIYANG)


def test_a_dispatch_ends_early_or_expires_or_is_withdrawn() -> None:
    assert fold(OFFER, APPROVED, STARTED, ENDED_EARLY, log=RONGCHANG).stage == "ended-early"
    assert fold(OFFER, APPROVED, EXPIRED, log=RONGCHANG).stage == "expired"
    assert fold(OFFER, APPROVED, WITHDRAWN, log=RONGCHANG).stage == "withdrawn"


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [but(NEED, ends=day("2023-02-01"))],
        lambda: [but(NEED, to=(RONGCHANG, RONGCHANG))],
        lambda: [NEED, CLOSED, CLOSED],
        lambda: [APPROVED],
        lambda: [but(OFFER, outside=OUTSIDE)],
        lambda: [but(OFFER, host=None)],
        lambda: [but(OFFER, host=RONGCHANG)],
        lambda: [but(OFFER, ends=day("2023-02-01"))],
        lambda: [but(OFFER, expert=reference(ZIGONG))],
        lambda: [OFFER, but(APPROVED, asks=ask(ZIYANG))],
        lambda: [OFFER, APPROVED_OUTSIDE],
        lambda: [TO_ENTERPRISE, APPROVED],
        lambda: [OFFER, STARTED],
        lambda: [OFFER, APPROVED, STARTED_OUTSIDE],
        lambda: [OFFER, APPROVED, but(STARTED, answers=(reference(ZIYANG),))],
        lambda: [OFFER, APPROVED, AGREED_OUTSIDE],
        lambda: [TO_ENTERPRISE, APPROVED_OUTSIDE, STARTED_OUTSIDE],
        lambda: [TO_ENTERPRISE, APPROVED_OUTSIDE, EXPIRED],
        lambda: [OFFER, APPROVED, MORNING],
        lambda: [OFFER, APPROVED, STARTED, MORNING, MORNING],
        lambda: [OFFER, APPROVED, STARTED, MORNING, WHOLE_DAY],
        lambda: [OFFER, APPROVED, STARTED, WHOLE_DAY, AFTERNOON],
        lambda: [OFFER, APPROVED, STARTED, but(MORNING, day=day("2023-02-28"))],
        lambda: [OFFER, APPROVED, STARTED, but(COMPLETED, day=day("2023-02-28"))],
        lambda: [OFFER, APPROVED, STARTED, CHANGED],
        lambda: [OFFER, APPROVED, STARTED, WITHDRAWN],
        lambda: [OFFER, APPROVED, STARTED, COMPLETED, ENDED_EARLY],
        lambda: [OFFER, APPROVED, STARTED, COMPLETED, MORNING],
        lambda: [OFFER, APPROVED, EXPIRED, STARTED],
        lambda: [OFFER, APPROVED, t.DispatchPassedOn(bureau=ZIGONG, to=ask(RONGCHANG)[0])],
        lambda: [OFFER, APPROVED, t.DispatchReminded(bureau=ZIYANG)],
    ],
)
def test_a_need_or_dispatch_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts(), log=RONGCHANG)


# --- acceptance -----------------------------------------------------------------------------------

ACCEPTED = t.AcceptanceAccepted(question=reference(RONGCHANG, 5))
DECLINED = t.AcceptanceDeclined(question=reference(RONGCHANG, 5), reason=WHY)
RETURNED = t.AcceptanceReturned(question=reference(RONGCHANG, 5), reason=WHY)
CONFIRMED = t.AcceptanceDayConfirmed(day=reference(RONGCHANG, 8))
QUESTIONED = t.AcceptanceDayQuestioned(day=reference(RONGCHANG, 8), reason=WHY)
RATED = t.AcceptanceRated(mark=TEXT)


def test_a_host_accepts_confirms_days_and_rates() -> None:
    other = but(CONFIRMED, day=reference(RONGCHANG, 9))
    state = fold(ACCEPTED, CONFIRMED, RATED, other, log=ZIGONG)
    assert (state.stage, state.days) == ("rated", {(RONGCHANG, 8), (RONGCHANG, 9)})


def test_a_day_that_was_questioned_may_be_confirmed() -> None:
    assert fold(ACCEPTED, QUESTIONED, log=ZIGONG).questioned == {(RONGCHANG, 8)}
    assert fold(ACCEPTED, QUESTIONED, CONFIRMED, log=ZIGONG).questioned == frozenset()


def test_a_returned_offer_is_answered_when_it_is_asked_anew() -> None:
    assert fold(RETURNED, but(ACCEPTED, question=reference(RONGCHANG, 7)), log=ZIGONG).stage == "accepted"


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [CONFIRMED],
        lambda: [ACCEPTED, DECLINED],
        lambda: [DECLINED, CONFIRMED],
        lambda: [ACCEPTED, CONFIRMED, CONFIRMED],
        lambda: [ACCEPTED, CONFIRMED, QUESTIONED],
        lambda: [ACCEPTED, but(CONFIRMED, day=reference(ZIYANG, 8))],
        lambda: [ACCEPTED, RATED, RATED],
        lambda: [RETURNED, RATED],
    ],
)
def test_an_acceptance_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts(), log=ZIGONG)


def test_the_log_holds_a_mark_only_as_a_digest() -> None:
    assert list(t.AcceptanceRated.model_fields) == ["mark"]
    assert not {"满意", "satisfied"} & set(RATED.model_dump_json().split('"'))


# --- pool, expert, satisfaction -------------------------------------------------------------------

SHARED = experts.ExpertShared(
    speciality="柑橘栽培", fields=(Expertise.AGRICULTURE,), tier=experts.Tier.THINK_TANK, needs_clearance=True
)
CLEARED = experts.ExpertCleared(until=day("2023-12-31"))
GONE = experts.ExpertWithdrawn(reason=WHY)
PROFILE = experts.ExpertProfileChanged(
    speciality="生猪养殖", fields=(Expertise.LIVESTOCK,), tier=experts.Tier.POOL
)


def strength(persons: Count, of: str, tier: experts.Tier = experts.Tier.POOL) -> experts.PoolStrengthStated:
    return experts.PoolStrengthStated(day=day(of), tier=tier, field=Expertise.LAW, persons=persons)


def test_an_expert_who_needs_clearance_cannot_be_offered_without_it() -> None:
    assert not fold(SHARED).may_be_offered(day("2023-03-01"))
    assert fold(SHARED, CLEARED).may_be_offered(day("2023-12-31"))
    assert not fold(SHARED, CLEARED).may_be_offered(day("2024-01-01"))
    assert fold(but(SHARED, needs_clearance=False)).may_be_offered(day("2023-03-01"))


def test_an_expert_who_withdrew_cannot_be_offered() -> None:
    assert not fold(but(SHARED, needs_clearance=False), GONE).may_be_offered(day("2023-03-01"))


def test_a_profile_changes_and_keeps_its_clearance() -> None:
    state = fold(SHARED, CLEARED, PROFILE)
    assert (state.speciality, state.may_be_offered(day("2023-03-01"))) == ("生猪养殖", True)


def test_the_strength_of_the_latest_day_counts_whatever_the_order_of_statements() -> None:
    late, early = strength(9, "2025-12-31"), strength(5, "2024-12-31")
    assert fold(late, early) == fold(early, late)
    assert fold(early, late).total(experts.Tier.POOL) == 9
    assert fold(early, strength(2, "2024-12-31", experts.Tier.THINK_TANK)).total(experts.Tier.POOL) == 5


def stated(starts: str, ends: str) -> experts.SatisfactionStated:
    return experts.SatisfactionStated(starts=day(starts), ends=day(ends), satisfied=9, fair=1, dissatisfied=0)


def test_satisfaction_is_stated_once_for_each_period() -> None:
    assert len(fold(stated("2023-01-01", "2023-06-30"), stated("2023-07-01", "2023-12-31")).periods) == 2


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [CLEARED],
        lambda: [but(SHARED, fields=SHARED.fields * 2)],
        lambda: [but(SHARED, needs_clearance=False), CLEARED],
        lambda: [SHARED, GONE, CLEARED],
        lambda: [SHARED, GONE, PROFILE],
        lambda: [SHARED, SHARED],
        lambda: [stated("2023-07-01", "2023-06-30")],
        lambda: [stated("2023-01-01", "2023-06-30"), stated("2023-06-30", "2023-12-31")],
    ],
)
def test_an_expert_or_statement_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts())
