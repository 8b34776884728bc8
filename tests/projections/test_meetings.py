"""Meetings: who is asked, who comes, what counts when it was held."""

import random
from datetime import date

import pytest

from events import meetings as events
from events.event import Event, Record
from events.values import Attachment, OutsideParty, PartyKind, Place
from projections import meetings
from tests.projections.agreements import correction
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, reference, stream_id
from tests.projections.nodes import Node
from tests.projections.reading import ask as ask_model
from tests.projections.test_any_order import deliveries

CALLER, GUEST, OTHER = "510000", "500000", "510100"
DAY, LATER = date(2026, 6, 8), date(2026, 6, 15)
MINUTES = Attachment(digest="A" * 43 + "=", size=1200, mediatype="application/pdf")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def node(new_node: NewNode, world: World) -> Node:
    return new_node(world, chosen=[meetings.MODEL])


def call(world: World, word: str = "m", **changes: object) -> Record[Event]:
    fields = {
        "title": "川渝老干部工作座谈会", "day": DAY, "place": Place(division="510100"),
        "asks": (ask(GUEST, DAY), ask(OTHER, DAY)), **changes,
    }  # fmt: skip
    return world.record(CALLER, word, events.MeetingCalled(**fields))  # type: ignore[arg-type]  # examples


def one(node: Node) -> meetings.Meeting:
    meeting = ask_model(node, meetings.MODEL, meetings.one, CALLER, stream_id("m"))
    assert meeting is not None
    return meeting


def answers(node: Node) -> list[meetings.Answer]:
    return ask_model(node, meetings.MODEL, meetings.answers, CALLER, stream_id("m"))


def test_a_meeting_that_was_held_has_counts_and_minutes(node: Node, world: World) -> None:
    # given one guest that comes and one that is excused
    question = reference(call(world))
    comes = world.record(GUEST, "g", events.AttendanceConfirmed(question=question, persons=5))
    world.record(OTHER, "o", events.AttendanceDeclined(question=question, reason=WHY))
    # when it was held, and its minutes come later
    world.record(
        CALLER, "m",
        events.MeetingHeld(day=DAY, present=12, excused=1, observing=2, answers=(reference(comes),)),
    )  # fmt: skip
    world.record(CALLER, "m", events.MeetingMinutesIssued(decisions=3, minutes=MINUTES))
    # then
    row = one(node)
    assert (row.stage, row.present, row.excused, row.observing) == ("held", 12, 1, 2)
    assert (row.decisions, row.minutes, row.minutes_size) == (3, MINUTES.digest, 1200)
    assert row.invited == [GUEST, OTHER]
    assert [(a.bureau, a.answer, a.persons, a.counts, a.too_late) for a in answers(node)] == [
        (GUEST, "confirmed", 5, True, False), (OTHER, "declined", None, False, False),
    ]  # fmt: skip


def test_who_is_silent_is_overdue_after_the_day(node: Node, world: World) -> None:
    question = reference(call(world))
    world.record(GUEST, "g", events.AttendanceReturned(question=question, reason=WHY))

    def invited(today: date) -> list[tuple[str, str | None, bool]]:
        rows = ask_model(node, meetings.MODEL, meetings.invited, CALLER, stream_id("m"), today)
        return [(r.bureau, r.answer, r.overdue) for r in rows]

    assert invited(LATER) == [(GUEST, "returned", False), (OTHER, None, True)]
    assert invited(DAY) == [(GUEST, "returned", False), (OTHER, None, False)]


def test_a_moved_meeting_asks_anew_and_earlier_words_are_too_late(node: Node, world: World) -> None:
    question = reference(call(world))
    world.record(GUEST, "g", events.AttendanceConfirmed(question=question, persons=5))
    moved = events.MeetingChanged(day=LATER, place=Place(division="500103"), asks=(ask(GUEST), ask(OTHER)))
    again = world.record(CALLER, "m", moved)
    turn = world.record(CALLER, "m", events.MeetingPassedOn(bureau=OTHER, to=ask("510300")))
    world.record(GUEST, "g", events.AttendanceConfirmed(question=reference(again), persons=4))
    world.record("510300", "z", events.AttendanceConfirmed(question=reference(turn), persons=1))
    assert (one(node).day, one(node).division, one(node).invited) == (LATER, "500103", [GUEST, "510300"])
    assert [(a.bureau, a.persons, a.too_late) for a in answers(node)] == [
        (GUEST, 5, True), (GUEST, 4, False), ("510300", 1, False),
    ]  # fmt: skip
    world.record(CALLER, "m", events.MeetingCancelled(reason=WHY))
    assert [a.too_late for a in answers(node)] == [True, True, True]
    assert one(node).reason == "typing"


def test_the_list_is_filtered_and_paged(node: Node, world: World) -> None:
    association = OutsideParty(name="科协", kind=PartyKind.ASSOCIATION)
    call(world)
    call(world, "later", day=LATER, asks=(), outside=(association,))

    def listed(**chosen: object) -> list[str]:
        rows = ask_model(node, meetings.MODEL, meetings.meetings, meetings.Chosen(**chosen))  # type: ignore[arg-type]  # examples
        return [r.stream for r in rows]

    assert listed() == listed(bureau=CALLER) == [stream_id("later"), stream_id("m")]
    assert listed(bureau=GUEST) == listed(last=DAY) == [stream_id("m")]
    assert listed(first=LATER) == [stream_id("later")]
    first, *rest = ask_model(node, meetings.MODEL, meetings.meetings, meetings.Chosen(stage="called"))
    assert first.outside == ["科协"]
    again = ask_model(node, meetings.MODEL, meetings.meetings, meetings.Chosen(), after=first.cursor)
    assert again == rest
    assert ask_model(node, meetings.MODEL, meetings.count, meetings.Chosen(bureau=GUEST)) == 1


def test_the_order_of_arrival_changes_nothing(new_node: NewNode, node: Node, world: World) -> None:
    question = reference(call(world))
    comes = world.record(GUEST, "g", events.AttendanceConfirmed(question=question, persons=50))
    right = events.AttendanceConfirmed(question=question, persons=5)
    world.record(GUEST, "g", correction(events.AttendanceCorrected, comes, right))
    held = world.record(CALLER, "m", events.MeetingHeld(
        day=DAY, present=12, excused=1, observing=2, answers=(reference(comes),)
    ))  # fmt: skip
    world.record(CALLER, "m", events.MeetingVoided(voids=held.position, reason=WHY))
    assert one(node).stage == "called"
    assert [a.persons for a in answers(node)] == [5]
    for seed in range(3):
        other = new_node(world, chosen=[meetings.MODEL])
        for batch in deliveries(world, random.Random(seed)):
            other.fold(batch)
        while other.fold([]):
            pass
        assert other.digests() == node.digests()
