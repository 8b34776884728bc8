"""Dispatches from the need to the rating: the board, days with the host's word, counts, too-late answers."""

import random
from datetime import date, timedelta
from uuid import UUID

import pytest

from events import experts, loops
from events import talent as events
from events.event import Event, Record
from events.values import Attachment, Expertise, OutsideParty, PartyKind, Place
from projections import dispatches, talent
from projections.dispatches import Chosen
from tests.projections.agreements import correction
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, reference, stream_id
from tests.projections.nodes import Node
from tests.projections.reading import ask as ask_model
from tests.projections.test_any_order import deliveries

HOME, HOST, OTHER = "500153", "510300", "512000"
START, DAY, LATER = date(2026, 5, 1), date(2026, 5, 2), date(2026, 8, 1)
MARK = Attachment(digest="A" * 43 + "=", size=12, mediatype="application/json")
FIRM = OutsideParty(name="农业公司", kind=PartyKind.ENTERPRISE, division="620200")


class Sending:
    """One expert of the home, offered to a host; each step records one event."""

    def __init__(self, world: World, word: str = "d", expert: Record[Event] | None = None) -> None:
        self.world, self.word = world, word
        shared = experts.ExpertShared(
            speciality="血橙栽培", fields=(Expertise.AGRICULTURE,), tier=experts.Tier.POOL
        )
        self.expert = expert or world.record(HOME, f"{word}/expert", shared)

    def offer(self, **changes: object) -> Record[Event]:
        fields = {
            "host": HOST, "expert": reference(self.expert), "field": Expertise.AGRICULTURE,
            "purpose": events.Purpose.ADVICE, "days": 20, "starts": START, "ends": LATER, "agreed": START,
        }  # fmt: skip
        return self.home(events.DispatchOffered(**{**fields, **changes}))  # type: ignore[arg-type]  # examples

    def approve(self, *hosts: str, due: date = DAY) -> Record[Event]:
        return self.home(events.DispatchApproved(asks=tuple(ask(host, due) for host in hosts)))

    def accept(self, question: Record[Event], host: str = HOST) -> Record[Event]:
        return self.host(events.AcceptanceAccepted(question=reference(question)), host)

    def start(self, *answers: Record[Event], day: date = START) -> Record[Event]:
        return self.home(events.DispatchStarted(day=day, answers=tuple(map(reference, answers))))

    def serve(self, day: date = DAY, half: events.Half = events.Half.FULL) -> Record[Event]:
        return self.home(events.DispatchServiceDayLogged(day=day, half=half))

    def home(self, event: Event) -> Record[Event]:
        return self.world.record(HOME, self.word, event)

    def host(self, event: Event, host: str = HOST) -> Record[Event]:
        return self.world.record(host, f"{self.word}/{host}", event)

    def run(self, **offer: object) -> "Sending":
        """Offered, accepted and started."""
        self.offer(**offer)
        self.start(self.accept(self.approve(HOST)))
        return self

    def run_outside(self, **offer: object) -> "Sending":
        self.offer(host=None, outside=FIRM, purpose=events.Purpose.ADVISER, **offer)
        self.approve()
        self.home(events.DispatchConfirmedOutside(day=START))
        self.start()
        return self


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def node(new_node: NewNode, world: World) -> Node:
    return new_node(world, chosen=[talent.MODEL])


@pytest.fixture
def sending(world: World) -> Sending:
    return Sending(world)


def one(node: Node, word: str = "d", today: date = DAY) -> dispatches.Dispatch:
    row = ask_model(node, talent.MODEL, dispatches.one, HOME, stream_id(word), today)
    assert row is not None
    return row


def days(node: Node) -> list[tuple[int, str | None]]:
    rows = ask_model(node, talent.MODEL, dispatches.service_days, HOME, stream_id("d"))
    return [(r.halves, r.word) for r in rows]


def answers(node: Node) -> list[tuple[str, str, bool]]:
    rows = ask_model(node, talent.MODEL, dispatches.answers, HOME, stream_id("d"))
    return [(r.bureau, r.answer, r.too_late) for r in rows]


def test_a_dispatch_shows_where_it_stands(node: Node, sending: Sending) -> None:
    sending.offer()
    assert (one(node).stage, one(node).answer, one(node).overdue) == ("offered", None, False)
    question = sending.approve(HOST)
    assert (one(node).overdue, one(node, today=LATER).overdue) == (False, True)
    accepted = sending.accept(question)
    row = one(node, today=LATER)
    assert (row.stage, row.answer, row.overdue, row.started) == ("approved", "accepted", False, None)
    sending.start(accepted)
    sending.home(events.DispatchEndedEarly(day=LATER, reason=WHY))
    sending.host(events.AcceptanceRated(mark=MARK))
    row = one(node)
    assert (row.stage, row.ended, row.reason, row.rated) == ("ended-early", LATER, "typing", True)
    assert (row.home, row.host, row.one_sided, row.speciality) == (HOME, HOST, False, "血橙栽培")
    assert row.expert == stream_id("d/expert")


def test_service_days_are_confirmed_or_questioned_by_the_host_alone(node: Node, sending: Sending) -> None:
    # given a day, a half that is questioned and then confirmed, and one that is questioned
    sending.run()
    full = sending.serve()
    half = sending.serve(date(2026, 5, 3), events.Half.AM)
    doubt = sending.serve(date(2026, 5, 4), events.Half.PM)
    sending.host(events.AcceptanceDayConfirmed(day=reference(full)))
    sending.host(events.AcceptanceDayQuestioned(day=reference(half), reason=WHY))
    sending.host(events.AcceptanceDayConfirmed(day=reference(half)))
    sending.host(events.AcceptanceDayQuestioned(day=reference(doubt), reason=WHY))
    # and somebody else who confirms what is not his
    sending.world.record(OTHER, "x", events.AcceptanceDayConfirmed(day=reference(doubt)))
    # then
    assert days(node) == [(2, "confirmed"), (1, "confirmed"), (1, "questioned")]
    assert (one(node).served, one(node).confirmed, one(node).questioned) == (4, 3, 1)


def test_a_voided_day_is_not_served_and_a_corrected_start_keeps_the_days(
    node: Node, sending: Sending
) -> None:
    # given two days served, one confirmed
    sending.offer()
    started = sending.start(sending.accept(sending.approve(HOST)))
    first, second = sending.serve(), sending.serve(date(2026, 5, 3))
    sending.host(events.AcceptanceDayConfirmed(day=reference(second)))
    # when the first never was, and the start was a day earlier
    sending.home(events.DispatchVoided(voids=first.position, reason=WHY))
    new = started.data.model_copy(update={"day": START - timedelta(days=1)})
    sending.home(correction(events.DispatchCorrected, started, new))
    # then
    assert one(node).started == START - timedelta(days=1)
    assert (one(node).served, one(node).confirmed) == (2, 2)
    assert days(node) == [(2, "confirmed")]


def test_an_acceptance_that_was_not_named_is_too_late(node: Node, sending: Sending) -> None:
    sending.offer()
    question = sending.approve(HOST)
    sending.home(events.DispatchExpired(reason=WHY))
    assert answers(node) == []
    sending.accept(question)
    assert answers(node) == [(HOST, "accepted", True)]
    assert one(node).stage == "expired"


def test_a_changed_offer_is_answered_anew(node: Node, sending: Sending) -> None:
    # given an acceptance of days that were changed afterwards
    sending.offer()
    sending.accept(sending.approve(HOST))
    sending.home(events.DispatchChanged(days=5, starts=DAY, ends=LATER))
    assert (one(node).stage, one(node).answer, one(node).days) == ("offered", None, 5)
    # when the new offer is declined
    question = sending.approve(HOST)
    sending.host(events.AcceptanceDeclined(question=reference(question), reason=WHY))
    # then
    assert (one(node).answer, one(node).answer_reason) == ("declined", "typing")
    assert answers(node) == [(HOST, "accepted", True), (HOST, "declined", False)]


def test_an_offer_passed_on_has_another_host(node: Node, sending: Sending) -> None:
    sending.offer()
    sending.approve(HOST)
    turn = sending.home(events.DispatchPassedOn(bureau=HOST, to=ask(OTHER, LATER)))
    sending.start(sending.accept(turn, OTHER))
    served = sending.serve()
    sending.host(events.AcceptanceDayConfirmed(day=reference(served)), OTHER)
    row = one(node)
    assert (row.host, row.stage, row.answer, row.confirmed) == (OTHER, "started", "accepted", 2)


def test_an_outside_host_is_recorded_by_one_side(node: Node, sending: Sending) -> None:
    sending.run_outside()
    sending.serve()
    row = one(node)
    assert (row.host, row.outside, row.one_sided, row.stage) == (None, "农业公司", True, "started")
    (service,) = ask_model(node, talent.MODEL, dispatches.service, Chosen())
    assert (service.region, service.halves, service.confirmed, service.one_sided) == ("620200", 2, 0, 2)


def test_the_board_is_filtered_and_paged(node: Node, world: World) -> None:
    Sending(world).run()
    Sending(world, "e").run_outside(starts=DAY)
    Sending(world, "f").offer(starts=LATER, ends=LATER, host=OTHER)

    def board(**chosen: object) -> list[str]:
        rows = ask_model(node, talent.MODEL, dispatches.board, Chosen(**chosen), DAY)  # type: ignore[arg-type]  # examples
        return [r.stream for r in rows]

    d, e, f = map(stream_id, "def")
    assert board() == board(home=HOME) == board(bureau=HOME) == [f, e, d]
    assert board(host=OTHER) == board(bureau=OTHER) == board(stage="offered") == [f]
    assert board(host="农业公司") == board(purpose="adviser") == [e]
    assert board(expert_log=HOME, expert=stream_id("d/expert")) == [d]
    assert board(last=START) == [e, d]
    first, *rest = ask_model(node, talent.MODEL, dispatches.board, Chosen(), DAY)
    assert ask_model(node, talent.MODEL, dispatches.board, Chosen(), DAY, after=first.cursor) == rest


def test_advisers_sent_in_a_period_count_with_their_experts_and_batches(node: Node, world: World) -> None:
    # given three advisers in two batches, one of them sent twice, and one who never started
    first, second = UUID(int=1), UUID(int=2)
    one_ = Sending(world, "a").run_outside(batch=first)
    Sending(world, "b").run_outside(batch=first)
    Sending(world, "c", expert=one_.expert).run_outside(batch=second)
    Sending(world, "n").offer(batch=UUID(int=3))
    Sending(world, "o").run()

    def total(**chosen: object) -> tuple[int, int, int]:
        found = ask_model(node, talent.MODEL, dispatches.total, Chosen(**chosen))  # type: ignore[arg-type]  # examples
        return found.dispatches, found.experts, found.batches

    assert total(purpose="adviser") == (3, 2, 2)
    assert total() == (4, 3, 2)
    assert total(purpose="adviser", first=date(2026, 1, 1), last=date(2026, 12, 31)) == (3, 2, 2)
    assert total(purpose="adviser", last=date(2025, 12, 31)) == (0, 0, 0)
    by_host = ask_model(node, talent.MODEL, dispatches.counts, Chosen(), "host")
    assert [(c.key, c.dispatches) for c in by_host] == [(HOST, 1), ("农业公司", 3)]
    by_year = ask_model(node, talent.MODEL, dispatches.counts, Chosen(), "year")
    assert [(c.key, c.dispatches) for c in by_year] == [("2026", 4)]


def test_service_is_summed_by_region_and_field_over_days_of_service(node: Node, world: World) -> None:
    sending = Sending(world).run()
    confirmed = sending.serve()
    sending.serve(LATER, events.Half.AM)
    sending.host(events.AcceptanceDayConfirmed(day=reference(confirmed)))
    other = Sending(world, "e").run(field=Expertise.LAW)
    other.serve()

    def service(**chosen: object) -> list[tuple[str, str, int, int]]:
        rows = ask_model(node, talent.MODEL, dispatches.service, Chosen(**chosen))  # type: ignore[arg-type]  # examples
        return [(r.region, r.field, r.halves, r.confirmed) for r in rows]

    assert service() == [(HOST, "agriculture", 3, 2), (HOST, "law", 2, 0)]
    assert service(first=LATER) == [(HOST, "agriculture", 1, 0)]
    assert service(host=OTHER) == []


def test_a_need_counts_what_was_offered_and_taken(node: Node, world: World) -> None:
    # given a need of two people, turned to one bureau
    published = world.record(HOST, "need", events.NeedPublished(
        field=Expertise.AGRICULTURE, title="血橙", persons=2, days=20, starts=START, ends=LATER,
        place=Place(division=HOST), to=(HOME,), reply_by=DAY,
    ))  # fmt: skip
    # when three are offered: one accepted, one declined, one taken back
    Sending(world, "a").run(need=reference(published))
    declined = Sending(world, "b")
    declined.offer(need=reference(published))
    answer = events.AcceptanceDeclined(question=reference(declined.approve(HOST)), reason=WHY)
    declined.host(answer)
    back = Sending(world, "c")
    back.offer(need=reference(published))
    back.home(events.DispatchWithdrawn(reason=WHY))
    # then
    need = ask_model(node, talent.MODEL, talent.need, HOST, stream_id("need"), DAY)
    assert need is not None
    assert (need.offered, need.accepted, need.late) == (2, 1, False)
    assert one(node, "a").need == stream_id("need")

    def needs(day: date = DAY, **chosen: object) -> list[bool]:
        rows = ask_model(node, talent.MODEL, talent.needs, talent.Chosen(**chosen), day)  # type: ignore[arg-type]  # examples
        return [r.late for r in rows]

    assert needs(LATER) == [True]
    assert needs(for_bureau=HOME) == needs(bureau=HOST, field="agriculture") == [False]
    assert needs(for_bureau=OTHER) == needs(for_bureau=HOST) == []
    world.record(HOST, "need", events.NeedClosed(reason=WHY))
    assert needs(LATER, stage="closed") == [False]


def test_the_order_of_arrival_changes_nothing(new_node: NewNode, node: Node, world: World) -> None:
    # given dispatches with a turn, service days, a voided one, a corrected offer, a rating and a late answer
    first = Sending(world, "a")
    offer = first.offer()
    first.start(first.accept(first.approve(HOST)))
    served = [first.serve(date(2026, 5, n)) for n in range(2, 6)]
    for day in served[:3]:
        first.host(events.AcceptanceDayConfirmed(day=reference(day)))
    first.home(events.DispatchVoided(voids=served[0].position, reason=WHY))
    first.home(correction(events.DispatchCorrected, offer, offer.data.model_copy(update={"days": 3})))
    first.home(events.DispatchCompleted(day=LATER))
    first.host(events.AcceptanceRated(mark=MARK))
    second = Sending(world, "b")
    second.offer()
    question = second.approve(HOST)
    turn = second.home(events.DispatchPassedOn(bureau=HOST, to=ask(OTHER)))
    second.home(events.DispatchExtended(bureau=OTHER, due=LATER, reason=WHY))
    second.accept(turn, OTHER)
    second.accept(question)
    assert isinstance(turn.data, loops.PassedOn)
    assert one(node, "b").answer == "accepted"
    for seed in range(4):
        other = new_node(world, chosen=[talent.MODEL])
        for batch in deliveries(world, random.Random(seed)):
            other.fold(batch)
        while other.fold([]):
            pass
        assert other.digests() == node.digests()
