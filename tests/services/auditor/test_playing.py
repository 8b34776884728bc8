"""Replay: basis first, then the order of time, the same at every node; it goes on where it stopped."""

import tracemalloc
from typing import Any

import pytest

from events import activity as a
from events import catalogue, envelope, errors
from services.auditor import playing
from services.auditor.playing import Filter, Played
from tests.projections.histories import World, ask, planned, reference, stream_id
from tests.projections.test_any_order import Story
from tests.services.auditor.conftest import NewTraveller
from tests.services.auditor.travelling import Traveller

ONE, TWO = "500116", "510300"


def played(node: Traveller, after: dict[str, int] | None = None, **chosen: Any) -> list[Played]:
    with node.database.connection() as conn:
        return list(playing.play(conn, node.covered, after, Filter(**chosen)))


def keys(found: list[Played]) -> list[tuple[str, int]]:
    return [(p.entry.log, p.entry.position) for p in found]


@pytest.fixture
def story(new_traveller: NewTraveller) -> Traveller:
    """200 steps of several bureaus whose clocks differ, so that time and basis disagree."""
    node = new_traveller(Story(41, steps=200).world)
    node.cover()
    return node


def test_every_record_comes_once_after_what_it_rests_on_and_in_its_log_s_order(story: Traveller) -> None:
    found = played(story)
    order = {key: n for n, key in enumerate(keys(found))}
    assert len(order) == len(found) == len(story.world.all())
    disagree = 0
    for entry in story.world.all():
        here = order[entry.log, entry.position]
        assert entry.position == 1 or order[entry.log, entry.position - 1] < here
        basis = envelope.read(entry.value).basis
        assert all(order[key] < here for key in basis)
        disagree += any(story.world.entries([key])[0].time > entry.time for key in basis)
    assert disagree


def test_where_nothing_rests_on_anything_time_alone_counts(new_traveller: NewTraveller) -> None:
    world = World(skew={ONE: 40})
    for number in range(40):
        world.record((ONE, TWO)[number % 2], f"s{number}", planned())
    node = new_traveller(world)
    node.cover()
    assert keys(played(node)) == [(e.log, e.position) for e in world.all()]


def test_pages_of_any_size_give_the_same_order(story: Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = keys(played(story))
    monkeypatch.setattr(playing, "READ_AHEAD", 1)
    assert keys(played(story)) == whole


def test_it_goes_on_behind_any_cursor(story: Traveller) -> None:
    whole = played(story)
    for stop in (0, 1, 57, len(whole) - 1):
        rest = played(story, playing.resumed(whole[stop].cursor))
        assert keys(rest) == keys(whole[stop + 1 :])
        assert [p.vector for p in rest] == [p.vector for p in whole[stop + 1 :]]
    with pytest.raises(errors.Invalid):
        playing.resumed("500116")


def test_a_filter_leaves_the_order_and_passes_the_rest_in_silence(story: Traveller) -> None:
    whole = played(story)
    read = [envelope.read(p.entry.value) for p in whole]
    one = read[20]
    cases: list[tuple[dict[str, Any], list[bool]]] = [
        ({"bureau": one.log}, [e.log == one.log for e in read]),
        ({"stream": (one.log, one.stream)}, [(e.log, e.stream) == (one.log, one.stream) for e in read]),
        ({"type": one.type}, [e.type == one.type for e in read]),
        ({"context": "activity"}, [True for _ in read]),
        ({"correlation": one.correlation}, [e.correlation == one.correlation for e in read]),
        ({"bureau": one.log, "context": "talent"}, [False for _ in read]),
    ]
    for given, expected in cases:
        shown = [p for p, holds in zip(whole, expected, strict=True) if holds]
        assert played(story, **given) == shown


def test_what_cannot_come_is_not_waited_for(new_traveller: NewTraveller) -> None:
    # given an answer whose question lies beyond the end, and one whose log is not held
    world = World()
    question = world.record(ONE, "a", a.ActivityPublished(asks=(ask(TWO),)))
    world.record(TWO, "c", a.CohostConfirmed(question=reference(question)))
    node = new_traveller(world)
    node.cover({ONE: 0, TWO: 1})
    assert keys(played(node)) == [(TWO, 1)]
    node.covered.pop(ONE)
    assert keys(played(node)) == [(TWO, 1)]


def test_a_circle_is_broken_at_its_earliest_record(new_traveller: NewTraveller) -> None:
    # given two logs, dishonest ones, whose first records rest on one another
    world = World()
    for log, other in ((ONE, TWO), (TWO, ONE)):
        prepared = envelope.prepare(
            alliance="test", log=log, id=stream_id(log), aggregate="activity", stream=stream_id(log),
            version=1, actor="system", data=planned(), basis=[(other, 1)],
        )  # fmt: skip
        world.add(log, prepared)
    node = new_traveller(world)
    node.cover()
    assert keys(played(node)) == [(ONE, 1), (TWO, 1)]


def test_memory_stays_flat(new_traveller: NewTraveller, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a log of which a fortieth is read ahead
    monkeypatch.setattr(playing, "READ_AHEAD", 50)
    world = World()
    values = [_plan(number) for number in range(2_000)]
    for value in values:
        world.add(ONE, value)
    node, whole = new_traveller(world), sum(map(len, values))
    node.cover()
    del world, values
    with node.database.connection() as conn:
        # when all of it is played
        tracemalloc.start(10)
        held = [_held() for number, _ in enumerate(playing.play(conn, node.covered)) if number % 200 == 0]
        tracemalloc.stop()
    # then only a small part of it is in memory at any time
    assert len(held) == 10
    assert max(held) < whole / 5


def _held() -> int:
    """Bytes that playing allocated and that are still there, whatever other threads do."""
    ours = tracemalloc.Filter(inclusive=True, filename_pattern=playing.__file__, all_frames=True)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([ours]).traces)


def _plan(number: int) -> bytes:
    return envelope.prepare(
        alliance="test", log=ONE, id=stream_id(f"i{number}"), aggregate="activity",
        stream=stream_id(f"s{number}"), version=1, actor="system", data=planned(),
    )  # fmt: skip


def test_a_record_is_decoded_when_it_is_wanted(story: Traveller) -> None:
    first = played(story)[0]
    assert first.record() == catalogue.decode(first.entry.value, first.entry.leaf)
