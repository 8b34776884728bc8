"""Tasks with their owners' own progress, and projects."""

import random
from datetime import date

import pytest

from events import tasks as events
from events.event import Event, Record
from events.values import Expertise, Money, OutsideParty, PartyKind, Source
from projections import projects, tasks
from tests.projections.agreements import correction
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, reference, stream_id
from tests.projections.nodes import Node
from tests.projections.reading import ask as ask_model
from tests.projections.test_any_order import deliveries

SETTER, OWNER, OTHER = "500000", "500116", "510522"
DUE, BEFORE, AFTER = date(2026, 6, 30), date(2026, 6, 1), date(2026, 7, 1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def node(new_node: NewNode, world: World) -> Node:
    return new_node(world, chosen=[tasks.MODEL])


def set_task(world: World, owner: str = OWNER, word: str = "t", due: date = DUE) -> Record[Event]:
    asks = () if owner == SETTER else (ask(owner),)
    return world.record(SETTER, word, events.TaskSet(title="共享阵地清单", owner=owner, due=due, asks=asks))


def one(node: Node, today: date = BEFORE) -> tasks.Task:
    task = ask_model(node, tasks.MODEL, tasks.one, SETTER, stream_id("t"), today)
    assert task is not None
    return task


def test_a_task_of_ones_own_has_its_setters_progress(node: Node, world: World) -> None:
    set_task(world, owner=SETTER)
    assert (one(node).percent, one(node).overdue) == (0, False)
    world.record(SETTER, "t", events.TaskProgressed(percent=40))
    assert (one(node).percent, one(node, AFTER).overdue) == (40, True)
    world.record(SETTER, "t", events.TaskDone(answers=(), day=DUE))
    assert (one(node).stage, one(node).percent, one(node, AFTER).overdue) == ("done", 100, False)


def test_another_bureaus_task_has_its_owners_progress(node: Node, world: World) -> None:
    # given a task that its owner took on
    question = reference(set_task(world))
    assert (one(node).answer, one(node).percent) == (None, 0)
    world.record(OWNER, "u", events.UndertakingAccepted(question=question))
    world.record(OWNER, "u", events.UndertakingProgressed(percent=60))
    assert (one(node).answer, one(node).percent, one(node, AFTER).overdue) == ("accepted", 60, True)
    # when it reports it done, the setter's word is still awaited, and nothing is overdue
    report = world.record(OWNER, "u", events.UndertakingDone(question=question, day=DUE))
    task = one(node, AFTER)
    assert (task.stage, task.percent, task.reported, task.overdue) == ("set", 100, DUE, False)
    # and the setter closes it naming the report
    world.record(SETTER, "t", events.TaskDone(answers=(reference(report),), day=DUE))
    assert one(node).stage == "done"
    words = ask_model(node, tasks.MODEL, tasks.answers, SETTER, stream_id("t"))
    assert [(w.answer, w.named, w.too_late) for w in words] == [
        ("accepted", False, False),
        ("done", True, False),
    ]


def test_a_changed_task_is_answered_anew(node: Node, world: World) -> None:
    question = reference(set_task(world))
    world.record(OWNER, "u", events.UndertakingDeclined(question=question, reason=WHY))
    assert (one(node).answer, one(node).reason) == ("declined", "typing")
    world.record(SETTER, "t", events.TaskChanged(title="清单", due=AFTER, reason=WHY, asks=(ask(OWNER),)))
    task = one(node)
    assert (task.title, task.due, task.answer, task.reason) == ("清单", AFTER, None, None)


def test_a_task_passed_on_waits_for_its_new_owner_and_the_old_ones_word_is_too_late(
    node: Node, world: World
) -> None:
    question = reference(set_task(world))
    turn = world.record(SETTER, "t", events.TaskPassedOn(bureau=OWNER, to=ask(OTHER)))
    world.record(OWNER, "u", events.UndertakingAccepted(question=question))
    world.record(OTHER, "v", events.UndertakingAccepted(question=reference(turn)))
    world.record(OTHER, "v", events.UndertakingProgressed(percent=10))
    task = one(node)
    assert (task.owner, task.answer, task.percent) == (OTHER, "accepted", 10)
    words = ask_model(node, tasks.MODEL, tasks.answers, SETTER, stream_id("t"))
    assert [(w.bureau, w.too_late) for w in words] == [(OWNER, True), (OTHER, False)]


def test_the_ledger_is_filtered_counted_and_paged(node: Node, world: World) -> None:
    set_task(world)
    set_task(world, owner=SETTER, word="own", due=AFTER)
    set_task(world, owner=OTHER, word="dropped", due=BEFORE)
    world.record(SETTER, "dropped", events.TaskDropped(reason=WHY))

    def listed(**chosen: object) -> list[str]:
        rows = ask_model(node, tasks.MODEL, tasks.ledger, tasks.Chosen(**chosen), AFTER)  # type: ignore[arg-type]  # examples
        return [r.stream for r in rows]

    t, own, dropped = map(stream_id, ("t", "own", "dropped"))
    assert listed() == [dropped, t, own]
    assert listed(bureau=OWNER) == listed(overdue=True) == [t]
    assert listed(owner=SETTER) == [own]
    assert listed(stage="dropped") == listed(last=BEFORE) == [dropped]
    first, *rest = ask_model(node, tasks.MODEL, tasks.ledger, tasks.Chosen(), AFTER)
    again = ask_model(node, tasks.MODEL, tasks.ledger, tasks.Chosen(), AFTER, after=first.cursor)
    assert again == rest
    counts = ask_model(node, tasks.MODEL, tasks.counts, tasks.Chosen(bureau=SETTER), AFTER)
    assert counts == tasks.Counts(tasks=3, done=0, overdue=1, dropped=1)


def test_projects_count_for_who_introduced_them_by_day(node: Node, world: World) -> None:
    # given two projects, one of them corrected to another year
    firm = OutsideParty(name="农业公司", kind=PartyKind.ENTERPRISE)
    given = events.ProjectIntroduced(
        title="血橙园", field=Expertise.AGRICULTURE, day=DUE, partners=(OTHER,), outside=(firm,)
    )
    first = world.record(OWNER, "p", given)
    world.record(OWNER, "q", given)
    world.record(OWNER, "p", events.ProjectProgressed(percent=50, cost=Money(fen=100, source=Source.BUDGET)))
    world.record(OWNER, "p", events.ProjectEnded(day=AFTER, outcome=events.Outcome.COMPLETED))
    new = given.model_copy(update={"day": date(2025, 6, 30)})
    world.record(OWNER, "p", correction(events.ProjectCorrected, first, new))

    def count(**chosen: object) -> int:
        return ask_model(node, tasks.MODEL, projects.count, projects.Chosen(**chosen))  # type: ignore[arg-type]  # examples

    assert (count(bureau=OWNER), count(bureau=OTHER), count(partner=OTHER)) == (2, 0, 2)
    assert count(first=date(2026, 1, 1)) == count(last=date(2025, 12, 31)) == 1
    # then what happened before the correction still shows
    rows = ask_model(node, tasks.MODEL, projects.projects, projects.Chosen())
    assert [(r.stream, r.day, r.percent, r.fen, r.stage) for r in rows] == [
        (stream_id("q"), DUE, 0, None, "running"), (stream_id("p"), date(2025, 6, 30), 50, 100, "ended"),
    ]  # fmt: skip
    rest = ask_model(node, tasks.MODEL, projects.projects, projects.Chosen(), after=rows[0].cursor)
    assert rest == rows[1:]
    assert ask_model(node, tasks.MODEL, projects.one, OWNER, stream_id("p")) == rows[1]


def test_the_order_of_arrival_changes_nothing(new_node: NewNode, node: Node, world: World) -> None:
    question = reference(set_task(world))
    world.record(OWNER, "u", events.UndertakingAccepted(question=question))
    progress = world.record(OWNER, "u", events.UndertakingProgressed(percent=60))
    right = events.UndertakingProgressed(percent=6)
    world.record(OWNER, "u", correction(events.UndertakingCorrected, progress, right))
    report = world.record(OWNER, "u", events.UndertakingDone(question=question, day=DUE))
    done = world.record(SETTER, "t", events.TaskDone(answers=(reference(report),), day=DUE))
    world.record(SETTER, "t", events.TaskVoided(voids=done.position, reason=WHY))
    world.record(OWNER, "u", events.UndertakingVoided(voids=report.position, reason=WHY))
    assert (one(node).stage, one(node).percent) == ("set", 6)
    for seed in range(3):
        other = new_node(world, chosen=[tasks.MODEL])
        for batch in deliveries(world, random.Random(seed)):
            other.fold(batch)
        while other.fold([]):
            pass
        assert other.digests() == node.digests()
