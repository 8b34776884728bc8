"""Batches: each cause of waiting, release, isolation of failures, corrections, repeats."""

from datetime import date

import pytest

from events import activity, loops, values
from events.event import Event, Record
from projections import activity as model_activity
from projections import model, models, quarantine
from projections.judge import Cause
from projections.model import Handlers, ReadModel
from projections.rows import Rows
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, corrected, held, planned, reference, stream_id
from tests.projections.nodes import Node

PLANNER, HOST, OTHER = "500117", "511600", "512000"


def joint(world: World) -> tuple[Record[Event], ...]:
    """An activity to which one bureau is asked, and its confirmation."""
    plan = world.record(PLANNER, "a", planned())
    question = world.record(PLANNER, "a", activity.ActivityPublished(asks=(ask(HOST),)), [plan])
    answer = world.record(HOST, "a-cohost", activity.CohostConfirmed(question=reference(question)))
    return plan, question, answer


def row(node: Node, stream: str = "a") -> model_activity.Row:
    with model.reading(node.conn, model_activity.MODEL) as conn:
        found = model_activity.one(conn, PLANNER, stream_id(stream))
    assert found is not None
    return found


def test_what_rests_on_a_record_that_is_not_here_is_held_with_its_stream(new_node: NewNode) -> None:
    # given an activity that was held after a confirmation, and reported
    world = World()
    *_, answer = joint(world)
    world.record(PLANNER, "a", held(answer))
    world.record(PLANNER, "a", activity.ActivityReported(day=date(2026, 4, 9)))
    node = new_node(world)
    # when only the planner's log is here
    node.fold(world.logs[PLANNER])
    # then holding it waits, and what follows in the stream waits too
    assert node.waiting() == {(PLANNER, 3): "held", (PLANNER, 4): "held"}
    assert row(node).stage == "published"
    # and when the answer comes, both are folded in the same transaction
    node.fold(world.logs[HOST])
    assert node.waiting() == {}
    assert (row(node).stage, row(node).cohosts) == ("reported", [HOST])


def test_a_basis_in_a_log_that_is_not_followed_is_missing(new_node: NewNode) -> None:
    world = World()
    *_, answer = joint(world)
    world.record(PLANNER, "a", held(answer))
    node = new_node(world, followed=[PLANNER])
    node.fold(world.logs[PLANNER])
    assert node.waiting() == {(PLANNER, 3): "basis-missing"}


def test_an_unknown_type_sets_its_stream_aside_and_other_streams_go_on(new_node: NewNode) -> None:
    world = World()
    world.record(PLANNER, "a", planned())
    world.unknown(PLANNER, "a")
    world.record(PLANNER, "a", held())
    world.record(PLANNER, "b", planned("另一个"))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(PLANNER, 2): "unknown", (PLANNER, 3): "held"}
    assert row(node, "b").title == "另一个"


def test_an_upgrade_lets_what_was_unknown_go_on(new_node: NewNode, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a record whose type is unknown, and one that follows it
    world = World()
    world.record(PLANNER, "a", planned())
    with monkeypatch.context() as before:
        before.delitem(_events(), activity.ActivitySignUpStated.type)
        world.record_unread(PLANNER, "a", activity.ActivitySignUpStated(persons=7))
        world.record(PLANNER, "a", held())
        node = new_node(world)
        node.catch_up()
        assert node.waiting() == {(PLANNER, 2): "unknown", (PLANNER, 3): "held"}
    # when the type is known, then a retry folds both
    quarantine.retry(node.conn, causes=[Cause.UNKNOWN])
    node.fold([])
    assert node.waiting() == {}
    assert (row(node).signed_up, row(node).stage) == (7, "held")


def _events() -> dict[str, object]:
    from events import catalogue

    return catalogue.EVENTS  # type: ignore[return-value]


def test_an_answer_by_someone_who_was_not_asked_is_foreign(new_node: NewNode) -> None:
    world = World()
    _, question, _ = joint(world)
    world.record(OTHER, "junk", activity.CohostConfirmed(question=reference(question)))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(OTHER, 1): "foreign"}


def test_a_bureau_that_the_question_was_passed_on_to_may_answer_the_question_or_the_turn(
    new_node: NewNode,
) -> None:
    world = World()
    _, question, _ = joint(world)
    turn = world.record(PLANNER, "a", activity.ActivityPassedOn(bureau=HOST, to=ask(OTHER)))
    world.record(OTHER, "one", activity.CohostConfirmed(question=reference(question)), [turn])
    world.record(OTHER, "two", activity.CohostConfirmed(question=reference(turn)))
    world.record(OTHER, "three", activity.CohostConfirmed(question=reference(question)))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(OTHER, 3): "foreign"}


def test_a_correction_that_asks_another_bureau_is_set_aside_with_what_rests_on_it(new_node: NewNode) -> None:
    world = World()
    _, question, _ = joint(world)
    new = world.record(PLANNER, "a", corrected(question, activity.ActivityPublished(asks=(ask(OTHER),))))
    world.record(OTHER, "one", activity.CohostConfirmed(question=reference(question)), [new])
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(PLANNER, 3): "failed", (OTHER, 1): "held"}


def test_a_correction_of_what_others_agreed_to_is_set_aside(new_node: NewNode) -> None:
    # given a plan that a bureau confirmed, at another node than this one
    world = World()
    plan, *_ = joint(world)
    later = plan.data.model_copy(update={"ends": date(2026, 12, 31)})
    world.record(PLANNER, "a", corrected(plan, later))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(PLANNER, 3): "failed"}


def test_a_reference_by_another_leaf_hash_is_foreign(new_node: NewNode) -> None:
    world = World()
    plan, question, _ = joint(world)
    wrong = reference(question).model_copy(update={"leaf": reference(plan).leaf})
    world.record(HOST, "junk", activity.CohostConfirmed(question=wrong))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(HOST, 2): "foreign"}


def test_settling_with_an_answer_to_somebody_else_is_foreign(new_node: NewNode) -> None:
    world = World()
    *_, answer = joint(world)
    world.record(OTHER, "mine", planned())
    world.record(OTHER, "mine", held(answer))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(OTHER, 2): "foreign"}


def test_a_correction_cannot_turn_an_answer_to_a_question_that_did_not_ask_it(new_node: NewNode) -> None:
    # given an answer that counts, and a question to somebody else
    world = World()
    *_, answer = joint(world)
    plan = world.record(PLANNER, "b", planned())
    other = world.record(PLANNER, "b", activity.ActivityPublished(asks=(ask(OTHER),)), [plan])
    # when the answer is corrected to answer that one
    new = activity.CohostConfirmed(question=reference(other))
    world.record(HOST, "a-cohost", cohost_corrected(answer, new), [other])
    node = new_node(world)
    node.catch_up()
    # then the correction is foreign, and the answer stands as it was
    assert node.waiting() == {(HOST, 2): "foreign"}


def cohost_corrected(old: Record[Event], new: Event) -> activity.CohostCorrected:
    payload = new.model_dump(mode="json", exclude_none=True)
    return activity.CohostCorrected(corrects=old.position, reason=WHY, fact=new.type, payload=payload)


@pytest.mark.parametrize("version", [1, 3])
def test_a_version_that_is_not_the_next_of_its_stream_fails(new_node: NewNode, version: int) -> None:
    world = World()
    world.record(PLANNER, "a", planned())
    world.record(PLANNER, "a", held(), version=version)
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(PLANNER, 2): "failed"}


def test_skipping_lets_the_stream_and_all_that_waits_for_it_go_on(new_node: NewNode) -> None:
    # given a stream that waits because of a record of an unknown type, and another that rests on it
    world = World()
    world.record(PLANNER, "a", planned())
    unknown = world.unknown(PLANNER, "a")
    world.record(PLANNER, "a", held())
    world.record(OTHER, "b", planned(), [unknown])
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(PLANNER, 2): "unknown", (PLANNER, 3): "held", (OTHER, 1): "held"}
    # when it is skipped in one model, then there all others go on, and it is named with the reason
    quarantine.skip(node.conn, (PLANNER, 2), "见第12号决定", model="activity")
    node.fold([])
    assert node.waiting() == {}
    assert node.waiting("inbox") != {}
    assert [(s.position, s.reason) for s in quarantine.skipped(node.conn)] == [(2, "见第12号决定")]
    # and a later correction does not stumble over it
    wrong = world.records([(PLANNER, 3)])[PLANNER, 3]
    world.record(PLANNER, "a", corrected(wrong, held(persons=26)))
    node.catch_up_apart()
    assert row(node).persons == 26


def test_a_correction_puts_the_new_payload_in_the_old_one_s_place(new_node: NewNode) -> None:
    # given a joint activity with 62 people
    world = World()
    *_, answer = joint(world)
    old = world.record(PLANNER, "a", held(answer, persons=62))
    node = new_node(world)
    node.catch_up()
    assert row(node).persons == 62
    # when the count is corrected, with what follows in the same batch
    world.record(PLANNER, "a", corrected(old, held(answer, persons=26)))
    world.record(PLANNER, "a", activity.ActivityReported(day=date(2026, 4, 9)))
    node.catch_up()
    # then every bureau that counts it, and the alliance, show 26, once
    assert (row(node).persons, row(node).stage) == (26, "reported")
    with model.reading(node.conn, model_activity.MODEL) as conn:
        by_bureau = model_activity.counts(conn, model_activity.Chosen(), "bureau")
        assert [(c.key, c.activities, c.persons) for c in by_bureau] == [(PLANNER, 1, 26), (HOST, 1, 26)]
        assert model_activity.total(conn, model_activity.Chosen()).activities == 1


def test_a_voided_record_never_was(new_node: NewNode) -> None:
    world = World()
    world.record(PLANNER, "a", planned())
    change = activity.ActivityChanged(
        starts=date(2026, 5, 1), ends=date(2026, 5, 1), place=values.Place(division="500117")
    )
    old = world.record(PLANNER, "a", change)
    world.record(PLANNER, "a", activity.ActivityVoided(voids=old.position, reason=WHY))
    node = new_node(world)
    node.catch_up()
    assert row(node).starts == date(2026, 4, 1)


def test_a_correction_after_which_the_facts_cannot_follow_one_another_fails(new_node: NewNode) -> None:
    world = World()
    plan = world.record(PLANNER, "a", planned())
    world.record(PLANNER, "a", held())
    world.record(PLANNER, "a", activity.ActivityVoided(voids=plan.position, reason=WHY))
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {(PLANNER, 3): "failed"}
    assert row(node).stage == "held"
    assert node.waiting("timeline") == {}  # which shows each record as it stands


def test_the_same_entries_twice_change_nothing(new_node: NewNode) -> None:
    world = World()
    joint(world)
    node = new_node(world)
    node.catch_up()
    before = node.digests()
    assert node.fold(world.all()) == 0
    assert node.digests() == before


def test_a_gap_is_refused(new_node: NewNode) -> None:
    world = World()
    joint(world)
    node = new_node(world)
    with pytest.raises(ValueError, match="does not follow"):
        node.fold(world.logs[PLANNER][1:])
    assert node.fold(world.all()) == 3


# -- failures of handlers, and of the database --

broken = Handlers()
BROKEN = ReadModel("activity", version=1, handlers=broken)


@broken(activity.ActivityPlanned)
def break_some(record: Record[activity.ActivityPlanned], rows: Rows) -> None:
    rows.put("activity", record, title=record.data.title)
    if record.data.title == "raise":
        raise RuntimeError("a handler of ours is wrong")
    if record.data.title == "overflow":
        rows.put("activity", record, persons=2**40)
    if record.data.title == "no such column":
        rows.put("activity", record, colour="red")


@broken(loops.Settling)
def break_nothing(record: Record[loops.Settling], rows: Rows) -> None:
    rows.put("activity", record, stage="held")


@pytest.mark.parametrize("fault", ["raise", "overflow", "no such column"])
def test_a_failure_sets_its_stream_aside_and_all_others_go_on(new_node: NewNode, fault: str) -> None:
    # given a batch in which two records cannot be handled or written
    world = World()
    for number in range(20):
        bad = number in {7, 13}
        plan = world.record(PLANNER, f"s{number}", planned(fault if bad else "good"))
        world.record(PLANNER, f"s{number}", held())
        world.record(OTHER, f"on-{number}", planned("good"), [plan])
    node = new_node(world, chosen=[BROKEN])
    # when it is folded
    node.fold(world.all())
    # then they are failed, with what follows and what rests on them held, and nothing else
    failed = {(PLANNER, 15): "failed", (PLANNER, 27): "failed"}
    behind = {(PLANNER, 16): "held", (PLANNER, 28): "held", (OTHER, 8): "held", (OTHER, 14): "held"}
    assert node.waiting() == failed | behind
    titles = node.conn.execute("SELECT title, stage FROM model_activity.activity WHERE log = %s", [PLANNER])
    assert titles.fetchall() == [("good", "held")] * 18


def test_a_failure_in_one_model_is_none_in_another(new_node: NewNode) -> None:
    world = World()
    world.record(PLANNER, "a", planned("raise"))
    node = new_node(world, chosen=[BROKEN, models.BY_NAME["inbox"], models.BY_NAME["timeline"]])
    node.catch_up()
    assert (node.waiting(), node.waiting("inbox"), node.waiting("timeline")) == (
        {(PLANNER, 1): "failed"},
        {},
        {},
    )


def test_what_failed_is_shown_and_retried(new_node: NewNode) -> None:
    # given a record that failed for a reason that has gone meanwhile
    world = World()
    world.record(PLANNER, "a", planned("raise"))
    world.record(PLANNER, "a", held())
    node = new_node(world, chosen=[BROKEN])
    node.catch_up()
    shown = quarantine.show(node.conn, (PLANNER, 1))
    assert [(w.position, w.cause, w.missing) for w in shown] == [
        (1, "failed", None),
        (2, "held", f"{PLANNER}:1"),
    ]
    # when it is retried while nothing is mended, then it fails again, and says how often
    quarantine.retry(node.conn, key=(PLANNER, 1))
    node.fold([])
    assert [w.attempts for w in quarantine.waits(node.conn, cause=Cause.FAILED)] == [2]
    # and when the handler is mended, then both are folded
    node.instances = [model.live(model_activity.MODEL)]
    quarantine.retry(node.conn, key=(PLANNER, 1))
    node.fold([])
    assert node.waiting() == {}
    assert row(node).stage == "held"
