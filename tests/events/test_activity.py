"""An activity goes from plan to report; a co-host answers each invitation once."""

from collections.abc import Callable

import pytest

from events import activity, errors
from events.event import Event
from events.loops import Ask, Role
from events.values import Place, Reason
from tests.events.histories import WHY, ask, day, fold, reference

HECHUAN, GUANGAN, ZIYANG, LUZHOU = "500117", "511600", "512000", "510500"
PLACE = Place(division=GUANGAN)
PLAN = activity.ActivityPlanned(
    title="联合参访", form=activity.Form.STUDY_VISIT, theme=activity.Theme.REVOLUTION,
    starts=day("2023-06-08"), ends=day("2023-06-09"), place=PLACE,
)  # fmt: skip
PUBLISHED = activity.ActivityPublished(asks=ask(GUANGAN, ZIYANG))
CHANGED = activity.ActivityChanged(starts=day("2023-06-15"), ends=day("2023-06-15"), place=PLACE)
CANCELLED = activity.ActivityCancelled(reason=WHY)
HELD = activity.ActivityHeld(answers=(reference(GUANGAN),), day=day("2023-06-08"), persons=62)
REPORTED = activity.ActivityReported(day=day("2023-06-20"))
CONFIRMED = activity.CohostConfirmed(question=reference(HECHUAN))
DECLINED = activity.CohostDeclined(question=reference(HECHUAN), reason=WHY)
RETURNED = activity.CohostReturned(question=reference(HECHUAN), reason=WHY)
SIGNED_UP = activity.CohostSignUpStated(persons=12)


def test_an_activity_is_planned_published_held_and_reported() -> None:
    state = fold(PLAN, PUBLISHED, activity.ActivitySignUpStated(persons=30), HELD, REPORTED)
    assert (state.stage, state.held.persons, [a.bureau for a in state.asks]) == (
        "reported",
        62,
        [GUANGAN, ZIYANG],
    )


def test_an_activity_of_ones_own_needs_no_publishing() -> None:
    own = activity.ActivityHeld(answers=(), day=day("2023-06-08"), persons=62)
    assert fold(PLAN, own).stage == "held"


def test_time_and_place_may_change_until_it_is_held() -> None:
    assert fold(PLAN, PUBLISHED, CHANGED).plan.starts == day("2023-06-15")
    assert fold(PLAN, PUBLISHED, CHANGED).plan.title == "联合参访"


def test_an_invitation_is_extended_reminded_and_passed_on() -> None:
    later = activity.ActivityExtended(bureau=ZIYANG, due=day("2023-07-01"), reason=WHY)
    reminded = activity.ActivityReminded(bureau=ZIYANG)
    to = Ask(bureau=LUZHOU, role=Role.CLERK, due=day("2023-07-05"))
    passed = activity.ActivityPassedOn(bureau=ZIYANG, to=to)
    assert [a.due.day for a in fold(PLAN, PUBLISHED, later, reminded).asks] == [22, 1]
    assert [a.bureau for a in fold(PLAN, PUBLISHED, later, passed).asks] == [GUANGAN, LUZHOU]


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [PUBLISHED],
        lambda: [PLAN, PLAN],
        lambda: [PLAN.model_copy(update={"ends": day("2023-06-07")})],
        lambda: [PLAN, CANCELLED, HELD],
        lambda: [PLAN, HELD],
        lambda: [PLAN, PUBLISHED, HELD, HELD],
        lambda: [PLAN, PUBLISHED, HELD, CHANGED],
        lambda: [PLAN, REPORTED],
        lambda: [PLAN, PUBLISHED, HELD, REPORTED, REPORTED],
        lambda: [PLAN, PUBLISHED, CHANGED.model_copy(update={"ends": day("2023-06-14")})],
        lambda: [PLAN, activity.ActivityReminded(bureau=ZIYANG)],
        lambda: [PLAN, PUBLISHED, activity.ActivityReminded(bureau=LUZHOU)],
        lambda: [PLAN, PUBLISHED, activity.ActivityPassedOn(bureau=ZIYANG, to=ask(GUANGAN)[0])],
    ],
)
def test_an_activity_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts(), log=HECHUAN)


def test_a_cohost_confirms_and_states_its_sign_up() -> None:
    assert fold(CONFIRMED, SIGNED_UP, log=GUANGAN).stage == "confirmed"


def test_a_returned_invitation_is_answered_when_it_is_asked_anew() -> None:
    again = activity.CohostConfirmed(question=reference(HECHUAN, 5))
    assert fold(RETURNED, again, log=GUANGAN).stage == "confirmed"


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [CONFIRMED, CONFIRMED],
        lambda: [CONFIRMED, DECLINED],
        lambda: [RETURNED, CONFIRMED],
        lambda: [DECLINED, SIGNED_UP],
        lambda: [SIGNED_UP],
    ],
)
def test_an_answer_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts(), log=GUANGAN)


def test_reasons_are_a_closed_list_in_both_languages() -> None:
    assert len({r.zh for r in Reason}) == len({r.en for r in Reason}) == len(Reason)
