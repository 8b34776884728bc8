"""A joint visit on all its sides (journey 3, without the venue)."""

import pytest

from events import errors
from events.activity import Form, Theme
from events.values import Place, Reason, Why
from projections import activity as shown
from projections import inbox
from services.bureau import activity, loops, records
from tests.services.bureau.province import Province, day


def planned(province: Province) -> str:
    """An activity of Hechuan's that Guang'an and Ziyang are asked to co-host."""
    plan = activity.Plan(
        title="联合参观红色教育基地", form=Form.STUDY_VISIT, theme=Theme.REVOLUTION, starts=day("2026-02-02"),
        ends=day("2026-02-03"), place=Place(division="511600"), quota=70,
    )  # fmt: skip
    stream = province.stream(province.do("500117", plan))
    province.do("500117", activity.Publish(stream=stream, bureaus=("511600", "512000")))
    return stream


def held(province: Province, stream: str, persons: int = 62) -> int:
    hold = activity.Hold(stream=stream, day=day("2026-02-02"), persons=persons)
    return province.do("500117", hold).position


def counts(province: Province, bureau: str | None) -> tuple[int, int]:
    found = province.ask(shown.MODEL, shown.total, shown.Chosen(bureau=bureau))
    return found.activities, found.persons


def test_a_joint_activity_counts_once_for_the_alliance_and_once_for_each_who_confirmed(
    province: Province,
) -> None:
    # given one who confirms and one who declines
    stream = planned(province)
    province.do("511600", activity.Confirm(log="500117", stream=stream))
    province.do("512000", activity.Decline(log="500117", stream=stream, reason=Why(code=Reason.TIME)))
    # when it was held
    position = held(province, stream)
    # then it counts for planner and co-host, not for who declined
    assert [counts(province, b) for b in (None, "500117", "511600", "512000")] == [
        (1, 62),
        (1, 62),
        (1, 62),
        (0, 0),
    ]
    # and a correction follows everywhere
    province.do("500117", records.Correct(
        aggregate="activity", stream=stream, position=position, reason=Why(code=Reason.TYPING),
        payload={"persons": 26},
    ))  # fmt: skip
    assert [counts(province, b) for b in (None, "500117", "511600")] == [(1, 26), (1, 26), (1, 26)]


def test_an_answer_that_the_planner_did_not_name_is_too_late(province: Province) -> None:
    stream = planned(province)
    held(province, stream)
    with pytest.raises(errors.Conflict, match="nothing to answer"):
        province.do("511600", activity.Confirm(log="500117", stream=stream))


def test_who_was_not_asked_cannot_answer(province: Province) -> None:
    stream = planned(province)
    with pytest.raises(errors.NotAllowed):
        province.do("510300", activity.Confirm(log="500117", stream=stream))


def test_a_second_answer_to_the_same_question_is_refused(province: Province) -> None:
    stream = planned(province)
    province.do("511600", activity.Confirm(log="500117", stream=stream))
    with pytest.raises(errors.Conflict):
        province.do("511600", activity.Decline(log="500117", stream=stream, reason=Why(code=Reason.TIME)))


def test_what_waits_is_seen_by_its_owner_and_by_the_asker(province: Province) -> None:
    stream = planned(province)
    today = day("2026-03-02")
    assert [i.stream for i in province.ask(inbox.MODEL, inbox.waiting_for, "511600", today)] == [stream]
    assert len(province.ask(inbox.MODEL, inbox.awaited_by, "500117", today)) == 2
    # when one answers
    province.do("511600", activity.Decline(log="500117", stream=stream, reason=Why(code=Reason.TIME)))
    # then the asker has it back, and the owner has nothing left
    assert province.ask(inbox.MODEL, inbox.waiting_for, "511600", today) == []
    assert [a.kind for a in province.ask(inbox.MODEL, inbox.arrived, "500117")] == ["declined"]


def test_a_question_is_extended_passed_on_and_reminded_by_the_asker(province: Province) -> None:
    stream = planned(province)
    reason = Why(code=Reason.AGREED)
    province.do(
        "500117", loops.Extend(aggregate="activity", stream=stream, bureau="511600", days=30, reason=reason)
    )
    province.do("500117", loops.Remind(aggregate="activity", stream=stream, bureau="511600"))
    province.do("500117", loops.PassOn(aggregate="activity", stream=stream, bureau="512000", to="510300"))
    # then the new owner may answer, the old one may not
    province.do("510300", activity.Confirm(log="500117", stream=stream))
    with pytest.raises(errors.NotAllowed):
        province.do("512000", activity.Confirm(log="500117", stream=stream))
    province.do("511600", activity.Confirm(log="500117", stream=stream))
    held(province, stream)
    assert [counts(province, b)[0] for b in ("510300", "511600", "512000")] == [1, 1, 0]


def test_deadlines_count_working_days_with_the_holidays_of_the_year(province: Province) -> None:
    # given a question on the Monday, 2 March 2026: ten working days end on the 16th
    stream = planned(province)
    items = province.ask(inbox.MODEL, inbox.waiting_for, "511600", day("2026-03-16"))
    assert [(i.due, i.overdue) for i in items if i.stream == stream] == [(day("2026-03-16"), False)]
    later = province.ask(inbox.MODEL, inbox.waiting_for, "511600", day("2026-03-17"))
    assert [i.overdue for i in later] == [True]


def test_sign_up_stays_within_the_quota(province: Province) -> None:
    stream = planned(province)
    with pytest.raises(errors.Conflict, match="only 70"):
        province.do("500117", activity.StateSignUp(stream=stream, persons=71))


def test_an_activity_is_not_held_in_the_future(province: Province) -> None:
    stream = planned(province)
    with pytest.raises(errors.Invalid, match="future"):
        province.do("500117", activity.Hold(stream=stream, day=day("2026-03-03"), persons=1))
