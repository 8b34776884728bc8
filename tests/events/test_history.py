"""Corrected, never edited: figures follow a correction, the history keeps both."""

from collections.abc import Callable

import pytest

from events import catalogue, errors, history
from events.activity import (
    ActivityCancelled,
    ActivityCorrected,
    ActivityHeld,
    ActivityPlanned,
    ActivityPlannedV1,
    ActivityPublished,
    ActivityVoided,
    CohostConfirmed,
    CohostCorrected,
    Form,
    Theme,
)
from events.event import Event, fixed
from events.history import Corrected, effective
from events.values import Place, Position, Reason, Reference, Why
from tests.events import examples
from tests.events.histories import CHENGDU, CHONGQING, SICHUAN, WHY, ask, day, fold, record, reference
from tests.events.histories import history as told

PLAN = ActivityPlanned(
    title="红色基地参访", form=Form.STUDY_VISIT, theme=Theme.REVOLUTION,
    starts=day("2023-06-08"), ends=day("2023-06-08"), place=Place(division="511600"),
)  # fmt: skip


def held(persons: int, *answers: Reference) -> ActivityHeld:
    return ActivityHeld(answers=answers, day=day("2023-06-08"), persons=persons)


def correct(
    position: Position, new: Event, fact: str = "", kind: type[Corrected] = ActivityCorrected
) -> Corrected:
    payload = new.model_dump(mode="json", exclude_none=True)
    reason = Why(code=Reason.TYPING)
    return kind(corrects=position, reason=reason, fact=fact or new.type, payload=payload)


def void(position: Position) -> ActivityVoided:
    return ActivityVoided(voids=position, reason=WHY)


def test_62_people_corrected_to_26_are_26() -> None:
    activity = fold(PLAN, held(62), correct(2, held(26)))
    assert activity.held.persons == 26


def test_a_correction_is_corrected_by_correcting_the_fact_again() -> None:
    assert fold(PLAN, held(62), correct(2, held(26)), correct(2, held(28))).held.persons == 28


def test_the_correction_takes_the_place_of_the_fact_and_keeps_its_record() -> None:
    records = told(PLAN, held(62), correct(2, held(26)))
    assert effective(records) == [records[0], records[1].with_data(held(26))]


def test_a_voided_fact_never_was() -> None:
    assert fold(PLAN, held(62), void(2)) == fold(PLAN)
    assert fold(PLAN, void(1)) is None


def test_what_is_voided_may_happen_again() -> None:
    assert fold(PLAN, held(62), void(2), held(26)).held.persons == 26


def test_a_correction_of_an_older_version_is_read_in_the_newest() -> None:
    # given a plan from before themes were recorded, and a correction in the words of that time
    old = examples.example(ActivityPlannedV1)
    records = [record(old.upcast(), 1), record(correct(1, old.model_copy(update={"title": "新标题"})), 2)]
    # when the stream is folded
    activity = catalogue.AGGREGATES["activity"].fold(records)
    # then the new title stands in the newest version
    assert (activity.plan.title, activity.plan.theme) == ("新标题", Theme.GENERAL)


@pytest.mark.parametrize(
    "facts",
    [
        lambda: [PLAN, held(62), correct(9, held(26))],
        lambda: [PLAN, void(9)],
        lambda: [PLAN, held(62), void(2), correct(2, held(26))],
        lambda: [PLAN, held(62), void(2), void(2)],
        lambda: [PLAN, held(62), correct(2, ActivityCancelled(reason=WHY))],
        lambda: [correct(1, PLAN)],
        lambda: [PLAN, correct(1, PLAN.model_copy(update={"ends": day("2023-06-07")}))],
        lambda: [PLAN, held(62), void(1)],
        lambda: [PLAN, void(1), void(2)],
    ],
    ids=[
        "of nothing",
        "void nothing",
        "of a voided fact",
        "void twice",
        "by another event",
        "first of all",
        "what could not be",
        "what others rest on",
        "void a voiding",
    ],
)
def test_a_correction_that_cannot_be_is_impossible(facts: Callable[[], list[Event]]) -> None:
    with pytest.raises(errors.ImpossibleHistory):
        fold(*facts())


def test_a_correction_of_a_type_that_is_not_known_yet_waits_for_an_upgrade() -> None:
    new = correct(2, held(26), fact="yinqiao.activity.activity-held.v9")
    with pytest.raises(errors.UnknownType):
        effective([*told(PLAN, held(62)), record(new, 3)])


def test_a_correction_rests_on_what_its_new_payload_cites() -> None:
    # given a correction that adds a co-host's confirmation
    correction = correct(2, held(26, reference(SICHUAN, 4)))
    # then the confirmation must stand in its basis
    assert correction.references() == ((SICHUAN, 4),)
    value = examples.value(correction)
    catalogue.decode(value)
    with pytest.raises(errors.Damage, match="basis"):
        catalogue.decode(value.replace(b'"basis":"510000:4",', b""))


def test_no_event_is_possible_in_a_stream_of_another_kind() -> None:
    for aggregate in catalogue.AGGREGATES.values():
        for other in catalogue.AGGREGATES.values():
            if other is not aggregate:
                stranger = record(examples.example(other.events[0]).upcast(), log=CHONGQING)
                with pytest.raises(errors.ImpossibleHistory):
                    aggregate.evolve(None, stranger)


def test_the_last_branch_names_the_event_and_the_stage() -> None:
    error = history.impossible(fold(PLAN), record(PLAN))
    assert error.message == "yinqiao.activity.activity-planned.v2 cannot follow planned"


def published(*bureaus: str) -> ActivityPublished:
    return ActivityPublished(asks=ask(*bureaus))


def moved(event: Event, **changes: object) -> Event:
    return event.model_copy(update=changes)


def test_terms_are_corrected_until_others_are_asked_and_never_after() -> None:
    later = moved(PLAN, starts=day("2023-06-07"))
    assert fold(PLAN, correct(1, later)).plan.starts == day("2023-06-07")
    assert fold(PLAN, published(), correct(1, later)).plan.starts == day("2023-06-07")
    with pytest.raises(errors.ImpossibleHistory, match="cannot change starts"):
        fold(PLAN, published(SICHUAN), correct(1, later))
    # what is no term can be corrected after it too
    assert fold(PLAN, published(SICHUAN), correct(1, moved(PLAN, title="参访"))).plan.title == "参访"


def test_a_question_that_was_voided_asked_nobody() -> None:
    later = moved(PLAN, starts=day("2023-06-07"))
    assert fold(PLAN, published(SICHUAN), void(2), correct(1, later)).plan.starts == day("2023-06-07")


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        (lambda: [PLAN, published(SICHUAN), correct(2, published(CHENGDU))], "asks"),
        (
            lambda: [PLAN, published(SICHUAN), held(62), correct(3, held(62, reference(SICHUAN, 4)))],
            "answers",
        ),
        (
            lambda: [
                CohostConfirmed(question=reference(SICHUAN)),
                correct(1, CohostConfirmed(question=reference(SICHUAN, 2)), kind=CohostCorrected),
            ],
            "question",
        ),
    ],
)
def test_what_a_fact_asks_and_rests_on_stays(facts: Callable[[], list[Event]], named: str) -> None:
    # at every node that folds it, not only where it is written
    with pytest.raises(errors.ImpossibleHistory, match=named):
        fold(*facts())


def test_every_reference_and_question_is_fixed() -> None:
    for kind in catalogue.EVENTS.values():
        fields = {n for n in kind.model_fields if n in {"asks", "answers", "question", "memoranda", "expert"}}
        assert fields <= fixed(kind), kind.type
