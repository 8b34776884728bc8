"""A memorandum is in force when all have signed one text; meetings, tasks and projects come to an end."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from events import cooperation as c
from events import errors, loops, meetings, tasks
from events.event import Event
from events.values import Code, Digest, Expertise, Place, Position
from tests.events.histories import (
    CHENGDU,
    CHONGQING,
    GUANGZHOU,
    NEW_TEXT,
    OUTSIDE,
    SICHUAN,
    TEXT,
    WHY,
    ask,
    day,
    fold,
    reference,
)

# --- memorandum -----------------------------------------------------------------------------------

PROPOSED = c.MemorandumProposed(
    kind=c.Kind.MEMORANDUM, title="双城经济圈合作备忘录", subjects=(c.Subject.TALENT, c.Subject.VENUE),
    parties=(SICHUAN, CHENGDU), text=TEXT,
)  # fmt: skip
AMENDED = c.MemorandumAmended(
    subjects=(c.Subject.POLICY,), parties=(SICHUAN, CHENGDU), text=NEW_TEXT, valid_to=day("2025-12-31")
)
SENT = c.MemorandumSentForSigning(asks=ask(SICHUAN, CHENGDU), text=TEXT.digest)
SENT_NEW = c.MemorandumSentForSigning(asks=ask(SICHUAN, CHENGDU), text=NEW_TEXT.digest)
WITHDRAWN = c.MemorandumWithdrawn(reason=WHY)
ENDED = c.MemorandumEnded(day=day("2024-06-30"), reason=WHY)
RELEASED = c.MemorandumPartyReleased(bureau=CHENGDU, day=day("2024-01-31"), notice=reference(CHENGDU))


def entry(
    *signers: Code, text: Digest = TEXT.digest, start: str = "2023-06-08"
) -> c.MemorandumEnteredIntoForce:
    answers = tuple(reference(log) for log in signers or (SICHUAN, CHENGDU))
    return c.MemorandumEnteredIntoForce(answers=answers, text=text, in_force_from=day(start))


ENTERED = entry()
ENTERED_NEW = entry(text=NEW_TEXT.digest, start="2024-03-01")


def but(event: Event, **changes: object) -> Event:
    return event.model_copy(update=changes)


def test_a_memorandum_that_all_signed_is_in_force_from_its_day() -> None:
    state = fold(PROPOSED, SENT, ENTERED)
    assert state.stage == "in-force"
    assert state.in_force(day("2023-06-07")) is None
    force = state.in_force(day("2023-06-08"))
    assert (force.terms, force.parties) == (PROPOSED, (SICHUAN, CHENGDU))


def test_what_is_signed_but_not_in_force_opens_nothing() -> None:
    assert fold(PROPOSED, SENT).in_force(day("2099-01-01")) is None


def test_a_memorandum_is_no_longer_in_force_after_its_last_day() -> None:
    state = fold(but(PROPOSED, valid_to=day("2023-12-31")), SENT, ENTERED)
    assert state.in_force(day("2023-12-31")) is not None
    assert state.in_force(day("2024-01-01")) is None


def test_a_memorandum_is_not_in_force_before_the_first_day_of_its_terms() -> None:
    state = fold(but(PROPOSED, valid_from=day("2023-09-01")), SENT, ENTERED)
    assert state.in_force(day("2023-08-31")) is None
    assert state.in_force(day("2023-09-01")) is not None


def test_the_old_terms_hold_until_the_first_day_of_the_new_ones() -> None:
    later = but(AMENDED, valid_from=day("2024-07-01"))
    state = fold(PROPOSED, SENT, ENTERED, later, SENT_NEW, ENTERED_NEW)
    assert state.in_force(day("2024-06-30")).terms == PROPOSED
    assert state.in_force(day("2024-07-01")).terms == later


def test_an_ended_memorandum_was_in_force_until_that_day() -> None:
    state = fold(PROPOSED, SENT, ENTERED, ENDED)
    assert state.stage == "ended"
    assert state.in_force(ENDED.day) is not None
    assert state.in_force(ENDED.day + timedelta(days=1)) is None


def test_an_amendment_needs_all_again_and_leaves_the_old_text_in_force_until_then() -> None:
    # given a memorandum in force that is amended
    waiting = fold(PROPOSED, SENT, ENTERED, AMENDED, SENT_NEW)
    # then the old terms hold while the new ones are signed
    assert (waiting.stage, waiting.in_force(day("2024-02-01")).terms) == ("signing", PROPOSED)
    # and from its day on the new text holds, before it the old
    state = fold(PROPOSED, SENT, ENTERED, AMENDED, SENT_NEW, ENTERED_NEW)
    assert state.in_force(day("2024-02-29")).terms == PROPOSED
    assert state.in_force(day("2024-03-01")).terms == AMENDED


def test_a_withdrawn_amendment_leaves_the_old_text_in_force() -> None:
    state = fold(PROPOSED, SENT, ENTERED, AMENDED, SENT_NEW, WITHDRAWN)
    assert (state.stage, state.terms, state.asks) == ("in-force", PROPOSED, ())


def test_a_text_that_was_returned_is_amended_and_sent_again() -> None:
    state = fold(PROPOSED, SENT, AMENDED, SENT_NEW, ENTERED_NEW)
    assert (state.stage, len(state.forces)) == ("in-force", 1)


def test_a_party_that_left_is_released_and_the_others_stay() -> None:
    state = fold(PROPOSED, SENT, ENTERED, RELEASED)
    assert state.stage == "in-force"
    assert state.forces[-1].released == ((CHENGDU, day("2024-01-31")),)


def test_an_agreement_with_outside_parties_only_is_recorded_by_one_side() -> None:
    framework = but(PROPOSED, parties=(), outside=(OUTSIDE,), kind=c.Kind.FRAMEWORK)
    none = c.MemorandumEnteredIntoForce(answers=(), text=TEXT.digest, in_force_from=day("2023-06-08"))
    state = fold(framework, but(SENT, asks=()), none)
    assert state.one_sided
    assert state.in_force(day("2023-06-08")).parties == ()


def test_a_party_that_passes_the_question_on_is_replaced_by_the_one_that_signs() -> None:
    passed = c.MemorandumPassedOn(bureau=CHENGDU, to=ask(GUANGZHOU)[0])
    state = fold(PROPOSED, SENT, passed, entry(SICHUAN, GUANGZHOU))
    assert state.forces[-1].parties == (SICHUAN, GUANGZHOU)


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [SENT],
        lambda: [PROPOSED, PROPOSED],
        lambda: [but(PROPOSED, parties=())],
        lambda: [but(PROPOSED, parties=(CHONGQING,))],
        lambda: [but(PROPOSED, parties=(SICHUAN, SICHUAN))],
        lambda: [but(PROPOSED, outside=(OUTSIDE, OUTSIDE))],
        lambda: [but(PROPOSED, subjects=(c.Subject.CARE, c.Subject.CARE))],
        lambda: [but(PROPOSED, valid_from=day("2024-01-01"), valid_to=day("2023-01-01"))],
        lambda: [PROPOSED, ENTERED],
        lambda: [PROPOSED, SENT_NEW],
        lambda: [PROPOSED, but(SENT, asks=ask(SICHUAN))],
        lambda: [PROPOSED, but(SENT, asks=ask(SICHUAN, CHENGDU, GUANGZHOU))],
        lambda: [PROPOSED, SENT, entry(SICHUAN)],
        lambda: [PROPOSED, SENT, entry(SICHUAN, SICHUAN)],
        lambda: [PROPOSED, SENT, entry(SICHUAN, GUANGZHOU)],
        lambda: [PROPOSED, SENT, entry(SICHUAN, CHENGDU, GUANGZHOU)],
        lambda: [PROPOSED, SENT, ENTERED_NEW],
        lambda: [PROPOSED, SENT, AMENDED, ENTERED],
        lambda: [PROPOSED, SENT, AMENDED, SENT],
        lambda: [PROPOSED, SENT, AMENDED, SENT_NEW, but(ENTERED_NEW, in_force_from=day("2026-01-01"))],
        lambda: [PROPOSED, SENT, ENTERED, ENTERED],
        lambda: [PROPOSED, SENT, ENTERED, SENT],
        lambda: [PROPOSED, SENT, ENTERED, WITHDRAWN],
        lambda: [PROPOSED, WITHDRAWN, SENT],
        lambda: [PROPOSED, SENT, ENDED],
        lambda: [PROPOSED, SENT, ENTERED, ENDED, AMENDED],
        lambda: [PROPOSED, SENT, ENTERED, ENDED, ENDED],
        lambda: [PROPOSED, SENT, RELEASED],
        lambda: [PROPOSED, SENT, ENTERED, RELEASED, RELEASED],
        lambda: [PROPOSED, SENT, ENTERED, but(RELEASED, notice=reference(SICHUAN))],
        lambda: [PROPOSED, SENT, ENTERED, but(RELEASED, bureau=GUANGZHOU, notice=reference(GUANGZHOU))],
        lambda: [PROPOSED, c.MemorandumReminded(bureau=SICHUAN)],
        lambda: [PROPOSED, SENT, c.MemorandumReminded(bureau=GUANGZHOU)],
    ],
)
def test_a_memorandum_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts())


# --- signature ------------------------------------------------------------------------------------


def signed(question: Position, text: Digest = TEXT.digest) -> c.SignatureSigned:
    return c.SignatureSigned(question=reference(CHONGQING, question), text=text)


RETURNED = c.SignatureReturned(question=reference(CHONGQING, 2), reason=WHY)
DECLINED = c.SignatureDeclined(question=reference(CHONGQING, 2), reason=WHY)
LEFT = c.SignatureLeft(day=day("2024-01-31"), reason=WHY)


def test_a_party_returns_one_text_and_signs_the_next() -> None:
    state = fold(RETURNED, signed(4, NEW_TEXT.digest), log=SICHUAN)
    assert (state.stage, state.last.text) == ("signed", NEW_TEXT.digest)


def test_a_party_that_signed_may_leave_and_may_sign_a_later_text() -> None:
    assert fold(signed(2), LEFT, log=SICHUAN).stage == "left"
    assert fold(signed(2), LEFT, signed(9), log=SICHUAN).stage == "signed"


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [signed(2), signed(2)],
        lambda: [signed(2), signed(2, NEW_TEXT.digest)],
        lambda: [RETURNED, signed(2)],
        lambda: [DECLINED, LEFT],
        lambda: [LEFT],
        lambda: [signed(2), LEFT, LEFT],
    ],
)
def test_a_signature_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts(), log=SICHUAN)


# --- meeting --------------------------------------------------------------------------------------

CALLED = meetings.MeetingCalled(
    asks=ask(SICHUAN, CHENGDU),
    title="川渝老干部工作座谈会",
    day=day("2023-06-08"),
    place=Place(division="510100"),
)
MOVED = meetings.MeetingChanged(asks=ask(SICHUAN), day=day("2023-06-15"), place=Place(division="500103"))
HELD = meetings.MeetingHeld(
    answers=(reference(SICHUAN),), day=day("2023-06-08"), present=40, excused=3, observing=5, decisions=2
)
MINUTES = meetings.MeetingMinutesIssued(decisions=3, minutes=TEXT)
CALLED_OFF = meetings.MeetingCancelled(reason=WHY)
COMING = meetings.AttendanceConfirmed(question=reference(CHONGQING), persons=4)
EXCUSED = meetings.AttendanceDeclined(question=reference(CHONGQING), reason=WHY)


def test_a_meeting_is_held_with_the_confirmations_that_count_and_minutes_follow() -> None:
    state = fold(CALLED, HELD, MINUTES)
    assert (state.stage, state.held.present, state.minutes, state.decisions) == ("held", 40, TEXT, 3)


def test_a_meeting_that_moves_asks_everybody_anew() -> None:
    state = fold(CALLED, MOVED)
    assert (state.call.day, state.call.title) == (MOVED.day, CALLED.title)
    assert [a.bureau for a in state.asks] == [SICHUAN]


def test_an_invited_bureau_answers_each_invitation_once() -> None:
    assert fold(EXCUSED, but(COMING, question=reference(CHONGQING, 2)), log=SICHUAN).stage == "confirmed"
    with pytest.raises(errors.ImpossibleHistory):
        fold(COMING, EXCUSED, log=SICHUAN)


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [HELD],
        lambda: [but(CALLED, asks=ask(CHONGQING))],
        lambda: [but(CALLED, asks=ask(SICHUAN, SICHUAN))],
        lambda: [CALLED, CALLED_OFF, HELD],
        lambda: [CALLED, HELD, CALLED_OFF],
        lambda: [CALLED, HELD, MOVED],
        lambda: [CALLED, MINUTES],
        lambda: [CALLED, but(HELD, answers=(reference(GUANGZHOU),))],
        lambda: [CALLED, but(HELD, answers=(reference(SICHUAN), reference(SICHUAN, 2)))],
    ],
)
def test_a_meeting_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts())


# --- tasks and projects ---------------------------------------------------------------------------

SET = tasks.TaskSet(asks=ask(SICHUAN), title="建立联席会议制度", owner=SICHUAN, due=day("2023-12-31"))
OWN = tasks.TaskSet(asks=(), title="建立联席会议制度", owner=CHONGQING, due=day("2023-12-31"))
DONE = tasks.TaskDone(answers=(reference(SICHUAN),), day=day("2023-11-30"))
OWN_DONE = tasks.TaskDone(answers=(), day=day("2023-11-30"))
HALF = tasks.TaskProgressed(percent=50)
DROPPED = tasks.TaskDropped(reason=WHY)
ACCEPTED = tasks.UndertakingAccepted(question=reference(CHONGQING))
REFUSED = tasks.UndertakingDeclined(question=reference(CHONGQING), reason=WHY)
OWNER_HALF = tasks.UndertakingProgressed(percent=50)
OWNER_DONE = tasks.UndertakingDone(question=reference(CHONGQING), day=day("2023-11-30"))
INTRODUCED = tasks.ProjectIntroduced(title="柑橘技术推广", field=Expertise.AGRICULTURE, day=day("2025-03-01"))
RUNNING = tasks.ProjectProgressed(percent=30)
FINISHED = tasks.ProjectEnded(day=day("2025-09-01"), outcome=tasks.Outcome.COMPLETED)


def test_a_task_of_ones_own_goes_forward_and_is_done() -> None:
    assert fold(OWN, HALF).percent == 50
    assert (fold(OWN, HALF, OWN_DONE).stage, fold(OWN, OWN_DONE).percent) == ("done", 100)


def test_a_task_of_another_bureau_is_closed_by_the_setter_naming_the_owners_word() -> None:
    assert fold(SET, DONE).stage == "done"
    assert (fold(ACCEPTED, OWNER_HALF, OWNER_DONE, log=SICHUAN).stage) == "done"


def test_a_task_that_is_passed_on_has_a_new_owner() -> None:
    passed = tasks.TaskPassedOn(bureau=SICHUAN, to=ask(CHENGDU)[0])
    assert fold(SET, passed).owner == CHENGDU
    assert fold(SET, passed, but(DONE, answers=(reference(CHENGDU),))).stage == "done"


def test_a_task_that_changes_is_asked_anew() -> None:
    changed = tasks.TaskChanged(asks=ask(SICHUAN), title="新标题", due=day("2024-06-30"), reason=WHY)
    again = but(ACCEPTED, question=reference(CHONGQING, 2))
    assert fold(SET, changed).due == day("2024-06-30")
    assert fold(ACCEPTED, OWNER_HALF, again, log=SICHUAN).percent == 50


def test_a_project_is_introduced_goes_forward_and_ends() -> None:
    state = fold(INTRODUCED, RUNNING, FINISHED, log=GUANGZHOU)
    assert (state.stage, state.percent, state.ended.outcome) == ("ended", 30, tasks.Outcome.COMPLETED)


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [but(SET, asks=())],
        lambda: [but(OWN, asks=ask(SICHUAN))],
        lambda: [SET, HALF],
        lambda: [SET, OWN_DONE],
        lambda: [SET, but(DONE, answers=(reference(CHENGDU),))],
        lambda: [OWN, DROPPED, HALF],
        lambda: [OWN, OWN_DONE, OWN_DONE],
        lambda: [OWN, tasks.TaskReminded(bureau=SICHUAN)],
        lambda: [SET, tasks.TaskPassedOn(bureau=SICHUAN, to=ask(CHONGQING)[0])],
        lambda: [OWNER_HALF],
        lambda: [REFUSED, OWNER_HALF],
        lambda: [ACCEPTED, REFUSED],
        lambda: [ACCEPTED, but(OWNER_DONE, question=reference(CHONGQING, 7))],
        lambda: [ACCEPTED, OWNER_DONE, OWNER_DONE],
        lambda: [RUNNING],
        lambda: [INTRODUCED, FINISHED, RUNNING],
        lambda: [INTRODUCED, but(FINISHED, day=day("2025-02-28"))],
    ],
)
def test_a_task_or_project_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts())


# --- the loop -------------------------------------------------------------------------------------


def test_an_unanswered_question_is_overdue_the_day_after_its_day() -> None:
    asks = ask(SICHUAN, CHENGDU, due="2023-06-22")
    assert loops.overdue(asks, frozenset(), day("2023-06-22")) == []
    assert [a.bureau for a in loops.overdue(asks, frozenset({SICHUAN}), day("2023-06-23"))] == [CHENGDU]


def test_an_answer_counts_once_for_each_bureau_that_was_asked_in_any_of_its_logs() -> None:
    asks = ask(SICHUAN, CHENGDU)
    assert loops.answered_by_all(asks, (reference("510000-2"), reference(CHENGDU)))
    assert not loops.answered_by_all(asks, (reference(SICHUAN), reference("510000-2")))
    assert not loops.answered_by_asked(asks, (reference(GUANGZHOU),))
