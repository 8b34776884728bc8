"""Activities: what counts for whom, what came too late, what is overdue."""

from datetime import date

import pytest

from events import activity as a
from events.event import Event, Record
from projections import activity, model
from projections.activity import Chosen
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, held, planned, reference, stream_id
from tests.projections.nodes import Node

PLANNER, HOST, LATE = "500117", "511600", "512000"


def joint(world: World) -> tuple[Record[Event], Record[Event]]:
    """Two bureaus are asked and confirm; one of them is named when the activity was held."""
    plan = world.record(PLANNER, "joint", planned())
    question = world.record(PLANNER, "joint", a.ActivityPublished(asks=(ask(HOST), ask(LATE))), [plan])
    answer = world.record(HOST, "yes", a.CohostConfirmed(question=reference(question), persons=20))
    done = world.record(PLANNER, "joint", held(answer, persons=62))
    world.record(LATE, "late", a.CohostConfirmed(question=reference(question), persons=9))
    return question, done


@pytest.fixture
def node(new_node: NewNode) -> Node:
    """Besides the joint one: one that another bureau held alone, one cancelled, one planned."""
    world = World()
    joint(world)
    world.record(HOST, "alone", planned("独自举办", form=a.Form.LECTURE, theme=a.Theme.GENERAL))
    world.record(HOST, "alone", held(persons=30, day=date(2025, 12, 31)))
    world.record(LATE, "off", planned("取消了"))
    world.record(LATE, "off", a.ActivityCancelled(reason=WHY))
    world.record(LATE, "soon", planned("将要举办"))
    made = new_node(world)
    made.catch_up()
    return made


def counted(node: Node, chosen: Chosen, by: activity.Group = "all") -> dict[str, tuple[int, int]]:
    with model.reading(node.conn, activity.MODEL) as conn:
        return {c.key: (c.activities, c.persons) for c in activity.counts(conn, chosen, by)}


def test_a_joint_activity_counts_once_for_all_and_once_for_each_bureau_that_confirmed_in_time(
    node: Node,
) -> None:
    assert counted(node, Chosen()) == {"": (2, 92)}
    assert counted(node, Chosen(), "bureau") == {PLANNER: (1, 62), HOST: (2, 92)}
    assert counted(node, Chosen(bureau=HOST)) == {"": (2, 92)}
    assert counted(node, Chosen(bureau=HOST), "bureau") == {HOST: (2, 92)}
    assert counted(node, Chosen(bureau=LATE)) == {}


def test_counts_by_period_form_and_theme(node: Node) -> None:
    assert counted(node, Chosen(), "year") == {"2025": (1, 30), "2026": (1, 62)}
    assert counted(node, Chosen(), "month") == {"2025-12": (1, 30), "2026-04": (1, 62)}
    assert counted(node, Chosen(), "form") == {"lecture": (1, 30), "study-visit": (1, 62)}
    assert counted(node, Chosen(first=date(2026, 1, 1)), "theme") == {"revolution": (1, 62)}
    assert counted(node, Chosen(form=a.Form.LECTURE, last=date(2025, 12, 30))) == {}


def test_a_confirmation_that_was_not_named_shows_as_too_late(node: Node) -> None:
    with model.reading(node.conn, activity.MODEL) as conn:
        answers = activity.answers(conn, PLANNER, stream_id("joint"))
        row = activity.one(conn, PLANNER, stream_id("joint"))
        asked = activity.invited(conn, PLANNER, stream_id("joint"))
    assert [(x.bureau, x.answer, x.counts, x.too_late) for x in answers] == [
        (HOST, "confirmed", True, False), (LATE, "confirmed", False, True),
    ]  # fmt: skip
    assert row is not None
    assert row.cohosts == [HOST]
    assert [(i.bureau, i.due) for i in asked] == [(HOST, date(2026, 3, 20)), (LATE, date(2026, 3, 20))]


def test_what_is_voided_and_recorded_anew_counts_those_alone_that_it_names(new_node: NewNode) -> None:
    world = World()
    _, done = joint(world)
    node = new_node(world)
    node.catch_up()
    world.record(PLANNER, "joint", a.ActivityVoided(voids=done.position, reason=WHY))
    world.record(PLANNER, "joint", held(persons=26))
    node.catch_up()
    assert counted(node, Chosen(), "bureau") == {PLANNER: (1, 26)}


def test_the_list_pages_by_cursor_newest_first(node: Node) -> None:
    with model.reading(node.conn, activity.MODEL) as conn:
        first = activity.activities(conn, Chosen(), limit=2)
        rest = activity.activities(conn, Chosen(), limit=5, after=first[-1].cursor)
    assert len({(r.log, r.stream) for r in first + rest}) == 4
    assert [r.title for r in rest][-1] == "独自举办"


@pytest.mark.parametrize(
    ("chosen", "titles"),
    [
        (Chosen(stage="cancelled"), {"取消了"}),
        (Chosen(bureau=HOST), {"红色研学", "独自举办"}),
        (Chosen(theme=a.Theme.GENERAL), {"独自举办"}),
        (Chosen(stage="planned", first=date(2026, 4, 1)), {"将要举办"}),
    ],
)
def test_the_list_shows_what_was_chosen(node: Node, chosen: Chosen, titles: set[str]) -> None:
    with model.reading(node.conn, activity.MODEL) as conn:
        assert {r.title for r in activity.activities(conn, chosen)} == titles


def test_an_overdue_report_shows_by_itself_until_it_is_in(new_node: NewNode) -> None:
    world = World()
    world.record(PLANNER, "a", planned(report_due=date(2026, 4, 20)))
    world.record(PLANNER, "a", held())
    node = new_node(world)
    node.catch_up()

    def overdue(today: date, bureau: str | None = None) -> int:
        with model.reading(node.conn, activity.MODEL) as conn:
            return len(activity.overdue_reports(conn, bureau, today))

    assert (overdue(date(2026, 4, 20)), overdue(date(2026, 4, 21))) == (0, 1)
    assert (overdue(date(2026, 4, 21), PLANNER), overdue(date(2026, 4, 21), HOST)) == (1, 0)
    world.record(PLANNER, "a", a.ActivityReported(day=date(2026, 4, 22)))
    node.catch_up()
    assert overdue(date(2026, 5, 1)) == 0
