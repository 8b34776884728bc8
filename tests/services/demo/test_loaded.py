"""After the load all nodes say the same, and every total comes out, far from where it was recorded."""

import json

import pytest

from events.cooperation import Subject
from projections import activity, cooperation, dispatches, inbox, model, talent
from services.demo import agree, facts, totals
from services.demo.world import NODES
from services.projector.source import signed
from services.runtime import clock
from services.runtime.database import Database
from tests.support.demo import Loaded

TODAY = clock.today(clock.now)


def elsewhere(bureau: str) -> list[str]:
    """The nodes that did not record what this bureau reports."""
    home = next(each["node"] for each in facts.bureaus() if each["code"] == bureau)
    return [name for name in NODES if name != home]


@pytest.mark.parametrize("entry", sorted(facts.queries()))
def test_a_total_comes_out_exactly_at_every_node_that_did_not_record_it(loaded: Loaded, entry: str) -> None:
    query, value = facts.queries()[entry], facts.entry(entry)["value"]
    for name in elsewhere(query.bureau):
        found = totals.measured(loaded.demo.nodes[name].database, query)
        assert found == [value] * len(query.spans()), name


@pytest.mark.parametrize("entry", ["C06", "C20"])
def test_advisers_went_in_as_many_batches_as_reported(loaded: Loaded, entry: str) -> None:
    query = facts.queries()[entry]
    chosen = dispatches.Chosen(home=query.bureau, purpose=query.purpose)
    database = loaded.demo.nodes["observer"].database
    with database.connection() as conn, model.reading(conn, talent.MODEL):
        assert dispatches.total(conn, chosen).batches == facts.entry(entry)["batches"]


def test_nothing_waits_and_no_node_lags(loaded: Loaded) -> None:
    assert loaded.differences == []


def test_every_digest_is_equal_at_all_nodes_and_every_log_verifies(loaded: Loaded) -> None:
    assert all(len(each) == 4 and len(set(each)) == 1 for each in loaded.state.digests.values())
    assert loaded.state.verified
    assert loaded.state.faults() == []


def test_the_printed_object_is_the_one_of_the_contract(loaded: Loaded) -> None:
    told = json.loads(json.dumps(loaded.state.document(1.23)))
    assert list(told) == [
        "nodes", "bureaus", "events", "in_force_memoranda", "dispatches_completed", "activities_held",
        "digests", "verified", "seconds",
    ]  # fmt: skip
    assert (told["nodes"], told["bureaus"]) == (4, 25)
    # 1 + 16 + 1 + 1 + 3 + 3 + 1: A02, A03, A04, A11, for A06, for A12, C28
    assert told["in_force_memoranda"] == 26
    assert told["activities_held"] >= 4106
    assert told["dispatches_completed"] >= 192


def test_a_difference_is_told_with_node_and_place(loaded: Loaded) -> None:
    # given a node one of whose read models stands still before its end
    database = loaded.demo.nodes["observer"].database
    _set_back(database, "paused", -1)
    try:
        events = loaded.state.events
        assert agree.differences(loaded.demo.databases(), loaded.demo.alliance) == [
            f"observer: talent stands at {events - 1} of {events}"
        ]
    finally:
        _set_back(database, "running", 1)


def _set_back(database: Database, state: str, by: int) -> None:
    move = "UPDATE projection.position SET position = position + %s WHERE (model, log) = ('talent', '500236')"
    with database.transaction() as conn:
        conn.execute("UPDATE projection.model SET state = %s WHERE name = 'talent'", [state])
        conn.execute(move, [by])


def test_loading_again_records_nothing(loaded: Loaded) -> None:
    with loaded.demo.nodes["sichuan"].database.connection() as conn:
        before = signed(conn)
        loaded.demo.load()
        assert signed(conn) == before


def test_chongqing_and_sichuan_may_not_ask_each_other_for_experts_yet(loaded: Loaded) -> None:
    database = loaded.demo.nodes["observer"].database
    with database.connection() as conn, model.reading(conn, cooperation.MODEL):
        assert cooperation.in_force(conn, ["500000"], ["510000"], Subject.TALENT, TODAY) is None
        assert cooperation.in_force(conn, ["500000"], ["510000"], Subject.POLICY, TODAY) is not None
        assert cooperation.in_force(conn, ["500153"], ["510300"], Subject.TALENT, TODAY) is not None


def test_a_dispatch_was_played_through_on_both_sides(loaded: Loaded) -> None:
    database = loaded.demo.nodes["guests"].database
    with database.connection() as conn, model.reading(conn, talent.MODEL):
        found = dispatches.board(conn, dispatches.Chosen(home="500153", host="510300"), TODAY)
    ended = {each.stage: each for each in found}
    assert sorted(each.stage for each in found) == ["completed", "completed", "withdrawn"]
    assert ended["completed"].served == ended["completed"].confirmed > 0
    assert ended["completed"].rated
    assert ended["withdrawn"].answer == "declined"


def test_a_joint_visit_counts_for_those_who_confirmed_and_once_for_all(loaded: Loaded) -> None:
    database = loaded.demo.nodes["observer"].database
    with database.connection() as conn, model.reading(conn, activity.MODEL):
        joint = [a for a in activity.activities(conn, activity.Chosen(bureau="500117")) if a.cohosts]
    assert sorted(len(each.cohosts) for each in joint) == [1, 2, 2, 2, 2, 2]
    assert all(set(each.cohosts) <= {"511600", "512000"} for each in joint)


def test_some_reports_are_overdue_and_no_answer_is(loaded: Loaded) -> None:
    database = loaded.demo.nodes["observer"].database
    with database.connection() as conn, model.reading(conn, activity.MODEL):
        assert len(activity.overdue_reports(conn, None, TODAY)) == 4
    with database.connection() as conn, model.reading(conn, inbox.MODEL):
        assert [
            bureau["code"] for bureau in facts.bureaus() if inbox.waiting_for(conn, bureau["code"], TODAY)
        ] == []
