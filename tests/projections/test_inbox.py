"""The inbox: nobody waits unseen."""

from datetime import date

import pytest

from events import activity as a
from events import tasks
from events.event import Event, Record
from events.loops import Role
from projections import inbox, model
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, held, planned, reference, stream_id
from tests.projections.nodes import Node

ASKER, ONE, TWO, THREE = "500117", "511600", "512000", "510300"
TODAY = date(2026, 3, 21)


class Loop:
    """A question to two bureaus, due on 20 March, and what becomes of it."""

    def __init__(self, node: Node) -> None:
        self.node, self.world = node, node.world
        self.world.record(ASKER, "a", planned("联合研学"))
        self.question = self.say(a.ActivityPublished(asks=(ask(ONE), ask(TWO, date(2026, 3, 25)))))

    def say(self, event: Event) -> Record[Event]:
        return self.world.record(ASKER, "a", event)

    def answer(self, bureau: str, kind: type[Event] = a.CohostConfirmed, **more: object) -> Record[Event]:
        event = kind.model_validate({"question": reference(self.question), **more})
        return self.world.record(bureau, f"by-{bureau}", event)

    def waiting(self, bureau: str, today: date = TODAY) -> list[inbox.Item]:
        self.node.catch_up()
        with model.reading(self.node.conn, inbox.MODEL) as conn:
            return inbox.waiting_for(conn, bureau, today)

    def awaited(self) -> list[str]:
        self.node.catch_up()
        with model.reading(self.node.conn, inbox.MODEL) as conn:
            return [i.bureau for i in inbox.awaited_by(conn, ASKER, TODAY)]

    def arrived(self) -> list[tuple[str, str]]:
        self.node.catch_up()
        with model.reading(self.node.conn, inbox.MODEL) as conn:
            return [(x.bureau, x.kind) for x in inbox.arrived(conn, ASKER)]

    def too_late(self, bureau: str = ASKER) -> list[str]:
        self.node.catch_up()
        with model.reading(self.node.conn, inbox.MODEL) as conn:
            return [x.bureau for x in inbox.too_late(conn, bureau)]


@pytest.fixture
def loop(new_node: NewNode) -> Loop:
    return Loop(new_node(World()))


def test_a_question_waits_for_each_bureau_with_owner_deadline_and_title(loop: Loop) -> None:
    (item,) = loop.waiting(ONE)
    assert (item.asker, item.bureau, item.role, item.due) == (ASKER, ONE, Role.LEADER, date(2026, 3, 20))
    assert (item.title, item.asked, item.asked_type) == ("联合研学", 2, a.ActivityPublished.type)
    assert loop.awaited() == [ONE, TWO]
    assert loop.waiting(THREE) == []


def test_it_is_overdue_by_itself_when_its_day_has_passed(loop: Loop) -> None:
    assert [i.overdue for i in loop.waiting(ONE, date(2026, 3, 20))] == [False]
    assert [i.overdue for i in loop.waiting(ONE, date(2026, 3, 21))] == [True]


@pytest.mark.parametrize(
    ("kind", "more", "word"),
    [
        (a.CohostConfirmed, {}, "answered"),
        (a.CohostDeclined, {"reason": WHY}, "declined"),
        (a.CohostReturned, {"reason": WHY}, "returned"),
    ],
)
def test_an_answer_moves_it_into_the_asker_s_inbox(
    loop: Loop, kind: type[Event], more: dict[str, object], word: str
) -> None:
    loop.answer(ONE, kind, **more)
    assert (loop.waiting(ONE), loop.awaited(), loop.arrived()) == ([], [TWO], [(ONE, word)])


def test_more_time_and_reminders_show_on_the_item(loop: Loop) -> None:
    loop.say(a.ActivityExtended(bureau=ONE, due=date(2026, 4, 1), reason=WHY))
    loop.say(a.ActivityReminded(bureau=ONE))
    reminder = loop.say(a.ActivityReminded(bureau=ONE))
    (item,) = loop.waiting(ONE)
    assert (item.due, item.extended, item.overdue) == (date(2026, 4, 1), True, False)
    assert (item.reminders, item.reminded) == (2, reminder.time)


def test_what_is_passed_on_waits_for_the_other_bureau(loop: Loop) -> None:
    loop.say(a.ActivityPassedOn(bureau=ONE, to=ask(THREE)))
    assert loop.waiting(ONE) == []
    assert [i.asked for i in loop.waiting(THREE)] == [3]
    assert loop.awaited() == [THREE, TWO]
    turn = loop.world.records([(ASKER, 3)])[ASKER, 3]
    loop.world.record(THREE, "by-three", a.CohostConfirmed(question=reference(turn)))
    assert (loop.waiting(THREE), loop.arrived()) == ([], [(THREE, "answered")])


def test_settling_closes_it_for_all_and_an_answer_it_does_not_name_is_too_late(loop: Loop) -> None:
    answer = loop.answer(ONE)
    loop.say(held(answer))
    assert (loop.waiting(TWO), loop.awaited(), loop.arrived(), loop.too_late()) == ([], [], [], [])
    loop.answer(TWO)
    assert (loop.too_late(), loop.too_late(TWO), loop.too_late(ONE)) == ([TWO], [TWO], [])


def test_what_is_withdrawn_waits_for_nobody(loop: Loop) -> None:
    loop.say(a.ActivityCancelled(reason=WHY))
    assert (loop.waiting(ONE), loop.awaited()) == ([], [])
    loop.answer(ONE)
    assert loop.too_late() == [ONE]


def test_an_answer_that_came_in_time_to_what_was_then_withdrawn_is_not_too_late(loop: Loop) -> None:
    loop.answer(ONE)
    loop.say(a.ActivityCancelled(reason=WHY))
    assert loop.too_late() == []


def test_a_first_answer_is_not_too_late_when_the_later_one_is_named(new_node: NewNode) -> None:
    # given a task that was taken on, done, and settled by naming the last of the two answers
    world = World()
    task = world.record(ASKER, "t", task_for(ONE))
    world.record(ONE, "u", tasks.UndertakingAccepted(question=reference(task)))
    done = world.record(ONE, "u", tasks.UndertakingDone(question=reference(task), day=TODAY))
    world.record(ASKER, "t", tasks.TaskDone(answers=(reference(done),), day=TODAY))
    node = new_node(world)
    node.catch_up()
    with model.reading(node.conn, inbox.MODEL) as conn:
        assert inbox.too_late(conn, ASKER) == []
        assert inbox.answers(conn, ASKER, stream_id("t")) == [(ONE, 1), done.key]


def task_for(bureau: str) -> tasks.TaskSet:
    return tasks.TaskSet(title="共建", owner=bureau, due=TODAY, asks=(ask(bureau),))


def test_an_answer_by_someone_who_was_not_asked_is_nowhere(loop: Loop) -> None:
    loop.answer(THREE)
    assert (loop.awaited(), loop.arrived(), loop.too_late()) == ([ONE, TWO], [], [])


def test_a_question_that_was_voided_never_was(loop: Loop) -> None:
    loop.say(a.ActivityVoided(voids=loop.question.position, reason=WHY))
    assert (loop.waiting(ONE), loop.awaited()) == ([], [])


def test_the_answers_of_a_stream_are_told_in_order(loop: Loop) -> None:
    first, second = loop.answer(TWO), loop.answer(ONE)
    loop.node.catch_up()
    with model.reading(loop.node.conn, inbox.MODEL) as conn:
        assert inbox.answers(conn, ASKER, stream_id("a")) == [first.key, second.key]
