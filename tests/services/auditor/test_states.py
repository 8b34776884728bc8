"""The state of any stream at any version and as it was known at any time, corrections in place."""

from datetime import date

import pytest

from events import activity as a
from events import errors, talent
from events.history import stream_of
from services.auditor import pack_selection, states
from services.auditor.states import State
from tests.projections.histories import WHY, World, corrected, held, planned, stream_id
from tests.services.auditor.conftest import NewTraveller
from tests.services.auditor.travelling import Traveller

ONE, NEXT = "500116", "500157"
STREAM = stream_id("a")
GONE_ON = stream_of(ONE, STREAM, NEXT)


@pytest.fixture
def node(new_traveller: NewTraveller) -> Traveller:
    """An activity: planned, held with 62, corrected to 26, reported, the report voided."""
    world = World()
    world.record(ONE, "a", planned("旧名"))
    first = world.record(ONE, "a", held(persons=62))
    world.record(ONE, "other", planned())
    world.record(ONE, "a", corrected(first, held(persons=26)))
    report = world.record(ONE, "a", a.ActivityReported(day=date(2026, 4, 12)))
    world.record(ONE, "a", a.ActivityVoided(voids=report.position, reason=WHY))
    made = new_traveller(world)
    made.cover()
    return made


def version(node: Traveller, number: int | None = None) -> State:
    with node.database.connection() as conn:
        return states.at_version(conn, ONE, STREAM, number)


def field(state: State, *path: str) -> object:
    found: object = state.fields
    for name in path:
        assert isinstance(found, dict)
        found = found[name]
    return found


def test_each_version_is_what_stood_there_then(node: Traveller) -> None:
    assert field(version(node, 1), "plan", "title") == "旧名"
    assert field(version(node, 1), "held") is None
    assert field(version(node, 2), "held", "persons") == 62
    assert field(version(node, 3), "held", "persons") == 26
    assert [field(version(node, n), "stage") for n in range(1, 6)] == [
        "planned", "held", "held", "reported", "held",
    ]  # fmt: skip
    assert version(node) == version(node, 5)
    assert version(node, 0).fields is None
    for number in (6, -1):
        with pytest.raises(errors.NotFound):
            version(node, number)


def test_its_records_say_what_changed_them_and_what_they_say_now(node: Traveller) -> None:
    facts = version(node).facts
    assert [(f.record.position, f.changed_by, f.payload is not None) for f in facts] == [
        (1, (), True), (2, (4,), True), (4, (), False), (5, (6,), False), (6, (), False),
    ]  # fmt: skip
    assert facts[1].payload is not None
    assert facts[1].payload["persons"] == 26
    assert facts[1].record.data.persons == 62  # type: ignore[attr-defined]


def test_what_was_known_is_bounded_by_vector_and_by_date(node: Traveller) -> None:
    times = [e.time.decode() for e in node.world.logs[ONE]]
    with node.database.connection() as conn:
        for known in (
            states.known(conn, ONE, STREAM, {ONE: 3}),
            states.known(conn, ONE, STREAM, node.covered, times[2]),
            states.known(conn, ONE, STREAM, {ONE: 3}, times[5]),
        ):
            assert (known.version, field(known, "held", "persons")) == (2, 62)
        assert states.known(conn, ONE, STREAM, {}).version == 0
        assert states.known(conn, ONE, STREAM, node.covered) == states.at_version(conn, ONE, STREAM)
        with pytest.raises(errors.NotFound):
            states.known(conn, ONE, stream_id("nobody"), node.covered)


def test_two_versions_differ_field_by_field(node: Traveller) -> None:
    found = list(states.between(version(node, 2), version(node, 3)))
    assert found == [("held.persons", 62, 26)]
    nothing, first = version(node, 0), version(node, 1)
    assert ("plan.title", None, "旧名") in list(states.between(nothing, first))
    assert list(states.between(first, first)) == []


def test_a_history_that_cannot_be_is_shown_as_it_stands(new_traveller: NewTraveller) -> None:
    world = World()
    world.record(ONE, "a", planned())
    world.record(ONE, "a", a.ActivityReported(day=date(2026, 4, 12)))
    node = new_traveller(world)
    node.cover()
    state = version(node)
    assert state.fields is None
    assert state.broken
    assert len(state.facts) == 2


def test_sets_are_sorted_so_that_the_same_state_reads_the_same() -> None:
    days = frozenset({(date(2026, 3, d), talent.Half.AM) for d in range(1, 9)})
    assert states.plain(days) == [[f"2026-03-0{d}", talent.Half.AM.value] for d in range(1, 9)]
    assert states.plain({("b", "c"): 1, ("a", "c"): 2}) == {"a c": 2, "b c": 1}


@pytest.fixture
def moved(new_traveller: NewTraveller) -> Traveller:
    """The activity is held in the log of a bureau that was merged, and corrected and reported in the next."""
    world = World()
    world.record(ONE, "a", planned("旧名"))
    first = world.record(ONE, "a", held(persons=62))
    world.record(ONE, "other", planned())
    closing = world.close(ONE, NEXT)
    went = world.go_on(first, NEXT, closing)
    world.record(NEXT, went.stream, corrected(first, held(persons=26)), [first])
    world.record(NEXT, went.stream, a.ActivityReported(day=date(2026, 4, 12)))
    made = new_traveller(world)
    made.cover()
    return made


def test_a_stream_that_goes_on_has_its_own_versions_over_all_that_stood_before(moved: Traveller) -> None:
    with moved.database.connection() as conn:
        found = [states.at_version(conn, NEXT, GONE_ON, n) for n in (0, 1, 2, 3)]
        last, old = states.at_version(conn, NEXT, GONE_ON), states.at_version(conn, ONE, STREAM)
        with pytest.raises(errors.NotFound):
            states.at_version(conn, NEXT, GONE_ON, 4)
    assert [(s.version, field(s, "held", "persons"), field(s, "stage")) for s in found[1:]] == [
        (1, 62, "held"), (2, 26, "held"), (3, 26, "reported"),
    ]  # fmt: skip
    assert (found[0].version, found[0].fields, last) == (0, None, found[3])
    assert [(f.record.log, f.record.version) for f in last.facts] == [
        (ONE, 1), (ONE, 2), (NEXT, 1), (NEXT, 2), (NEXT, 3),
    ]  # fmt: skip
    # and the old stream stays at what it was when its log was closed
    assert (old.version, field(old, "held", "persons")) == (2, 62)


def test_what_was_known_of_it_begins_with_its_first_record_and_then_holds_all_before(
    moved: Traveller,
) -> None:
    times = {log: [e.time.decode() for e in entries] for log, entries in moved.world.logs.items()}
    with moved.database.connection() as conn:
        assert states.known(conn, NEXT, GONE_ON, {ONE: 4}).version == 0
        for known in (
            states.known(conn, NEXT, GONE_ON, {ONE: 4, NEXT: 1}),
            states.known(conn, NEXT, GONE_ON, {NEXT: 1}),  # it rests on what it goes on from
            states.known(conn, NEXT, GONE_ON, moved.covered, times[NEXT][0]),
        ):
            assert (known.version, field(known, "held", "persons"), known.broken) == (1, 62, None)
        assert states.known(conn, NEXT, GONE_ON, moved.covered) == states.at_version(conn, NEXT, GONE_ON)


def test_an_evidence_pack_of_it_holds_what_it_goes_on_from(moved: Traveller) -> None:
    sizes = dict(moved.covered)
    with moved.database.connection() as conn:
        whole = list(pack_selection.subject(NEXT, GONE_ON).runs(conn, sizes))
        old = list(pack_selection.subject(ONE, STREAM).runs(conn, sizes))
        early = list(pack_selection.subject(NEXT, GONE_ON).runs(conn, {**sizes, ONE: 1}))
    assert old == [(ONE, 1, 1), (ONE, 2, 2)]
    assert whole == [(NEXT, 1, 1), (NEXT, 2, 2), (NEXT, 3, 3), *old]
    assert early == whole[:-1]


def test_before_its_first_version_stands_what_it_goes_on_from(moved: Traveller) -> None:
    with moved.database.connection() as conn:
        old, first = states.at_version(conn, ONE, STREAM), states.at_version(conn, NEXT, GONE_ON, 1)
        assert states.before(conn, NEXT, GONE_ON, 1) == old
        assert states.before(conn, NEXT, GONE_ON, 2) == first
        assert states.before(conn, ONE, STREAM, 1).fields is None
        assert list(states.between(old, first)) == []
        # and each leads to the other
        assert states.goes_on(conn, ONE, STREAM) == (NEXT, GONE_ON)
        assert states.goes_on(conn, NEXT, GONE_ON) is None
