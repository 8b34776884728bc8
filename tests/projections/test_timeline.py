"""The timeline: every record there is, as it stands, found by bureau, context, stream and correlation."""

from datetime import date

import pytest

from events import activity as a
from projections import model, timeline
from projections.timeline import Chosen
from tests.projections.conftest import NewNode
from tests.projections.histories import World, corrected, held, planned, stream_id
from tests.projections.nodes import Node

ONE, TWO = "500116", "510300"


@pytest.fixture
def node(new_node: NewNode) -> Node:
    world = World()
    plan = world.record(ONE, "a", planned("旧名"))
    world.record(TWO, "b", planned("别处的"))
    done = world.record(ONE, "a", held(persons=62))
    world.record(ONE, "a", corrected(done, held(persons=26)))
    world.record(ONE, "a", corrected(plan, planned("新名", starts=date(2026, 4, 1))))
    made = new_node(world)
    made.catch_up()
    return made


def lines(node: Node, chosen: Chosen = Chosen()) -> list[timeline.Line]:  # noqa: B008  (frozen)
    with model.reading(node.conn, timeline.MODEL) as conn:
        return timeline.page(conn, chosen)


def test_it_shows_each_record_with_the_correction_beside_what_it_corrects(node: Node) -> None:
    found = [(line.log, line.position, line.type.split(".")[2]) for line in lines(node)]
    assert found == [
        (ONE, 4, "activity-corrected"), (ONE, 3, "activity-corrected"), (ONE, 2, "activity-held"),
        (TWO, 1, "activity-planned"), (ONE, 1, "activity-planned"),
    ]  # fmt: skip


def test_a_line_says_the_envelope_s_time_and_what_its_stream_is_called_now(node: Node) -> None:
    last = lines(node)[-1]
    assert last.time == node.world.records([(ONE, 1)])[ONE, 1].time
    assert last.title == "新名"


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        (Chosen(bureau=TWO), 1),
        (Chosen(stream=(ONE, stream_id("a"))), 4),
        (Chosen(stream=(TWO, stream_id("a"))), 0),
        (Chosen(correlation=stream_id("b")), 1),
        (Chosen(context="activity"), 5),
        (Chosen(context="talent"), 0),
    ],
)
def test_it_shows_what_was_chosen(node: Node, chosen: Chosen, count: int) -> None:
    assert len(lines(node, chosen)) == count


def test_pages_follow_one_another_by_cursor(node: Node) -> None:
    with model.reading(node.conn, timeline.MODEL) as conn:
        first = timeline.page(conn, Chosen(), limit=2)
        rest = timeline.page(conn, Chosen(), limit=9, before=first[-1].cursor)
    assert first + rest == lines(node)


def test_live_pages_get_what_came_since_in_the_order_of_arrival(node: Node) -> None:
    with model.reading(node.conn, timeline.MODEL) as conn:
        since = timeline.last_arrival(conn)
        assert timeline.arrivals(conn, Chosen(), after=since) == []
    node.world.record(TWO, "b", a.ActivitySignUpStated(persons=3))
    node.world.record(ONE, "c", planned("又一个"))
    node.catch_up()
    with model.reading(node.conn, timeline.MODEL) as conn:
        arrived = timeline.arrivals(conn, Chosen(), after=since)
        assert [(x.log, x.position) for x in arrived] == [(TWO, 2), (ONE, 5)]
        assert [x.number for x in arrived] == sorted(x.number for x in arrived)
        assert timeline.last_arrival(conn) == arrived[-1].number
