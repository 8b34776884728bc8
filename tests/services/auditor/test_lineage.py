"""From any event to what it rests on and to what rests on it, across bureaus; to its rows and figures."""

from collections.abc import Sequence
from datetime import date

import pytest

from events import activity as a
from events import errors
from events.event import Key
from projections import quarantine
from services.auditor import lineage, touched
from services.auditor.lineage import Direction, Graph
from tests.projections.histories import WHY, World, ask, corrected, held, planned, reference, stream_id
from tests.services.auditor.conftest import NewTraveller
from tests.services.auditor.travelling import Traveller

ONE, TWO, THREE = "500116", "510300", "511600"
PLAN, ASK, HELD, FIXED = ((ONE, at) for at in (1, 2, 3, 4))
YES, NO = (TWO, 1), (THREE, 1)


def joint() -> World:
    """One bureau asks two others; one says yes, one no; it was held, and corrected."""
    world = World()
    plan = world.record(ONE, "a", planned("联合研学"))
    question = world.record(ONE, "a", a.ActivityPublished(asks=(ask(TWO), ask(THREE))), [plan])
    yes = world.record(TWO, "c", a.CohostConfirmed(question=reference(question)))
    world.record(THREE, "c", a.CohostDeclined(question=reference(question), reason=WHY))
    first = world.record(ONE, "a", held(yes, persons=62), [question])
    world.record(ONE, "a", corrected(first, held(yes, persons=26)), [yes])
    world.record(ONE, "b", planned("别的"))
    return world


@pytest.fixture
def node(new_traveller: NewTraveller) -> Traveller:
    made = new_traveller(joint())
    made.settle()
    return made


def around(node: Traveller, start: Key, direction: Direction = "both", **more: int | bool | None) -> Graph:
    with node.database.connection() as conn:
        return lineage.graph(conn, start, direction, **more)  # type: ignore[arg-type]  # as graph takes them


def keys(graph: Graph) -> set[Key]:
    return {n.key for n in graph.nodes}


def test_back_leads_to_all_that_it_rests_on_and_forth_to_all_that_rests_on_it(node: Traveller) -> None:
    assert keys(around(node, HELD, "back")) == {HELD, YES, ASK, PLAN}
    assert keys(around(node, YES, "forth")) == {YES, HELD, FIXED}
    assert keys(around(node, PLAN, "forth")) == {PLAN, ASK, YES, NO, HELD, FIXED}
    assert keys(around(node, NO)) == {PLAN, ASK, YES, NO, HELD, FIXED}
    assert keys(around(node, (ONE, 5))) == {(ONE, 5)}


def test_each_edge_says_how_the_two_stand(node: Traveller) -> None:
    edges = {(e.source, e.target): e.kind for e in around(node, ASK).edges}
    assert edges == {
        (ASK, PLAN): "basis", (YES, ASK): "answers", (NO, ASK): "answers", (HELD, YES): "basis",
        (HELD, ASK): "basis", (FIXED, YES): "basis", (FIXED, HELD): "corrects",
    }  # fmt: skip


def test_steps_and_correlation_widen_it(node: Traveller) -> None:
    near = around(node, ASK, steps=1)
    assert keys(near) == {ASK, PLAN, YES, NO, HELD}
    assert [n.steps for n in near.nodes] == [0, 1, 1, 1, 1]
    # one correlation: the planner's stream
    alone = around(node, PLAN, "back", correlated=True)
    assert {PLAN, ASK, HELD, FIXED} <= keys(alone)


def test_it_is_bounded_and_says_when_there_is_more(node: Traveller) -> None:
    small = around(node, PLAN, limit=3)
    assert small.cut
    assert len(small.nodes) == 3
    assert all({e.source, e.target} <= keys(small) for e in small.edges)
    assert not around(node, PLAN).cut


def test_it_says_each_record_and_what_is_not_held_is_named(new_traveller: NewTraveller) -> None:
    world = joint()
    del world.logs[THREE], world.logs[TWO]
    node = new_traveller(world)
    node.settle()
    graph = around(node, HELD, "back")
    told = lineage.document(graph, lambda lang: lambda code: f"{lang}{code}")
    said = {(n["log"], n["position"]): (n["zh"], n["en"]) for n in told["nodes"]}
    assert said[PLAN][0].startswith(f"zh{ONE}")
    assert said[PLAN][1].startswith(f"en{ONE}")
    assert said[YES] == ("此处未存", "not held here")
    assert {"source": [*HELD], "target": [*YES], "kind": "basis"} in told["edges"]
    with pytest.raises(errors.NotFound):
        around(node, NO)


def test_a_timeline_of_another_version_is_not_asked(node: Traveller) -> None:
    with node.database.connection() as conn:
        conn.execute("UPDATE projection.model SET version = 1 WHERE name = 'timeline'")
    with pytest.raises(errors.Unavailable, match="rebuild"):
        around(node, PLAN)
    assert keys(around(node, ASK, "back")) == {ASK, PLAN}


def rows(node: Traveller, key: Key) -> list[tuple[str, str, dict[str, object]]]:
    with node.database.connection() as conn:
        return [(r.model, r.table, r.key) for r in touched.rows(conn, key)]


def test_an_event_leads_to_its_rows_in_every_read_model(node: Traveller) -> None:
    found = rows(node, YES)
    assert ("activity", "answer", {"position": 1}) in found
    assert ("inbox", "answer", {"position": 1}) in found
    assert ("timeline", "entry", {"position": 1}) in found
    assert {m for m, _, _ in found} == {"activity", "inbox", "timeline"}
    # of a table that keeps each record apart only its own rows, and of what it corrects
    assert [k for m, t, k in rows(node, FIXED) if (m, t) == ("timeline", "entry")] == [
        {"position": 3}, {"position": 4},
    ]  # fmt: skip
    assert ("activity", "activity", {}) in rows(node, PLAN)
    assert not [k for m, t, k in rows(node, PLAN) if (m, t) == ("activity", "named")]
    assert [k for m, t, k in rows(node, HELD) if (m, t) == ("activity", "named")]


def test_what_was_set_aside_touched_no_row(new_traveller: NewTraveller) -> None:
    world = joint()
    odd = world.unknown(ONE, "a")
    node = new_traveller(world)
    node.settle()
    assert rows(node, odd.key) == []
    with node.database.connection() as conn:
        quarantine.skip(conn, odd.key, "见决定")
    assert rows(node, odd.key) == []


def figures(node: Traveller, key: Key) -> Sequence[tuple[str, str, Key | None]]:
    with node.database.connection() as conn:
        return [(t.figure.name, t.figure.figure, t.through) for t in touched.figures(conn, key)]


def test_an_event_leads_to_the_figures_it_touched_by_way_of_others_too(node: Traveller) -> None:
    node.keep("四月", node.ask("activities"))
    node.keep("三月", node.ask("activities", {ONE: 2, TWO: 1}))
    node.keep("待办", node.ask("open-questions", parameters={"day": date(2026, 4, 1).isoformat()}))

    assert figures(node, HELD) == [("四月", f, None) for f in ("activities", "persons", "joint")]
    assert figures(node, YES) == [("四月", f, HELD) for f in ("activities", "persons", "joint")]
    assert figures(node, (ONE, 5)) == []
    with pytest.raises(errors.NotFound):
        figures(node, (ONE, 99))


def test_causation_is_an_edge_of_its_own(node: Traveller) -> None:
    graph = around(node, HELD)
    record = next(n.record for n in graph.nodes if n.key == HELD)
    assert record is not None
    cause = next(n.record for n in graph.nodes if n.key == ASK)
    assert cause is not None
    found = lineage.kinds(record._replace(causation=cause.id), ASK, cause)
    assert list(found) == ["causation"]
    assert stream_id("a") == record.stream
