"""What read models count of successors who speak in their predecessors' place: days, experts, memoranda."""

from datetime import date

import pytest

from events import talent as events
from events.cooperation import MemorandumPartyReleased, SignatureLeft
from events.event import Event, Record
from events.values import Expertise
from projections import cooperation, dispatches, experts, memoranda, talent
from tests.projections.agreements import Agreement
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, reference, stream_id
from tests.projections.nodes import Node
from tests.projections.reading import ask as ask_model
from tests.projections.test_dispatches import HOME, HOST, OTHER, Sending

NEW = "500157"
LATER = date(2026, 5, 3)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def node(new_node: NewNode, world: World) -> Node:
    return new_node(world, chosen=[talent.MODEL])


def moved(world: World, last: Record[Event], *others: Record[Event]) -> list[str]:
    """The home's log is closed; streams with these last records go on in NEW, as the streams given back."""
    closing = world.close(HOME, NEW)
    return [world.go_on(record, NEW, closing).stream for record in (last, *others)]


def served(node: Node, log: str, stream: str) -> list[str | None]:
    return [row.word for row in ask_model(node, talent.MODEL, dispatches.service_days, log, stream)]


def test_a_day_of_the_homes_successor_counts_as_the_host_says(node: Node, world: World) -> None:
    sending = Sending(world).run()
    last = sending.serve()
    (stream,) = moved(world, last)
    day = world.record(NEW, stream, events.DispatchServiceDayLogged(day=LATER, half=events.Half.FULL))
    # when the host confirms it, naming the last record in the log where it was asked
    acceptance = f"{sending.word}/{HOST}"
    world.record(HOST, acceptance, events.AcceptanceDayConfirmed(day=reference(day)), [last])
    world.record(HOST, acceptance, events.AcceptanceDayConfirmed(day=reference(last)))
    # then
    assert served(node, NEW, stream) == ["confirmed", "confirmed"]
    assert node.waiting("talent") == {}


def test_a_day_of_another_dispatch_is_foreign_to_the_host(node: Node, world: World) -> None:
    sending, other = Sending(world).run(), Sending(world, "e").run()
    last = sending.serve()
    _, strange = moved(world, last, other.serve())
    day = world.record(NEW, strange, events.DispatchServiceDayLogged(day=LATER, half=events.Half.FULL))
    # when the host of both speaks of the other's day where it answered the first
    confirmed = events.AcceptanceDayConfirmed(day=reference(day))
    word = world.record(HOST, f"{sending.word}/{HOST}", confirmed, [last])
    # then
    assert served(node, NEW, strange) == [None, None]
    assert node.waiting("talent") == {word.key: "foreign"}


def offered(world: World, expert: Record[Event], *basis: Record[Event], word: str = "n") -> Record[Event]:
    offer = events.DispatchOffered(
        host=HOST, expert=reference(expert), field=Expertise.AGRICULTURE, purpose=events.Purpose.ADVICE,
        days=20, starts=LATER, ends=LATER, agreed=LATER,
    )  # fmt: skip
    return world.record(NEW, word, offer, basis)


def test_an_expert_of_a_closed_log_is_the_one_that_goes_on_in_the_log_of_the_offer(
    node: Node, world: World
) -> None:
    first, second = Sending(world).run(), Sending(world, "e").run()
    closing = world.close(HOME, NEW)
    here = world.go_on(first.expert, NEW, closing)
    # when the successor offers it, and the one that it did not go on with, and another bureau's
    offered(world, first.expert, here)
    without = offered(world, second.expert, word="o")
    another = offered(world, second.expert, here, word="p")
    # then
    row = ask_model(node, talent.MODEL, experts.one, NEW, here.stream, LATER)
    assert row is not None
    assert (row.bureau, row.serving) == (NEW, 2)
    assert node.waiting("talent") == {without.key: "foreign", another.key: "foreign"}


def test_notice_is_given_by_whom_a_partys_signature_goes_on_with(new_node: NewNode, world: World) -> None:
    # given a party whose log is closed
    node = new_node(world, chosen=[cooperation.MODEL])
    agreement = Agreement(world, HOME, [HOST, OTHER])
    agreement.conclude(LATER)
    signature = agreement.answered[HOST]
    closing = world.close(HOST, NEW)
    mine = world.go_on(signature, NEW, closing)
    left = world.record(NEW, mine.stream, SignatureLeft(day=LATER, reason=WHY))
    other = world.record(OTHER, f"{agreement.word}/{OTHER}", SignatureLeft(day=LATER, reason=WHY))
    # when the proposer releases it upon another party's notice, and upon its successor's
    wrong = MemorandumPartyReleased(bureau=HOST, day=LATER, notice=reference(other))
    foreign = world.record(HOME, "wrong", wrong, [signature], version=1)
    right = MemorandumPartyReleased(bureau=HOST, day=LATER, notice=reference(left))
    world.record(HOME, agreement.word, right, [signature])
    # then only the successor's counts
    notices = ask_model(node, cooperation.MODEL, memoranda.notices, HOME, stream_id(agreement.word))
    assert {(n.bureau, n.released) for n in notices} == {(NEW, LATER), (OTHER, None)}
    assert node.waiting("cooperation") == {foreign.key: "foreign"}
