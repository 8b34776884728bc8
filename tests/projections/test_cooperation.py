"""What a memorandum opens, between whom and when; partnerships; the order of arrival changes nothing."""

import random
from datetime import date

import pytest

from events import cooperation, values
from events.cooperation import Subject
from events.event import Key
from projections import cooperation as model_cooperation
from projections import model
from tests.projections.agreements import TEXTS, Agreement, correction
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World
from tests.projections.nodes import Node
from tests.projections.test_any_order import deliveries

CQ, SC, RONGCHANG, ZIGONG = "500000", "510000", "500153", "510300"
MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def agreement(world: World) -> Agreement:
    return Agreement(world, CQ, [SC])


def opened(node: Node, day: date, subject: str = "talent", ours: str = CQ, theirs: str = SC) -> Key | None:
    with model.reading(node.conn, model_cooperation.MODEL) as conn:
        return model_cooperation.in_force(conn, [ours], [theirs], subject, day)


def here(new_node: NewNode, world: World) -> Node:
    node = new_node(world, chosen=[model_cooperation.MODEL])
    node.catch_up()
    assert node.waiting("cooperation") == {}
    return node


def test_a_memorandum_opens_its_subjects_from_its_first_day_on_for_both_sides(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    entry = agreement.conclude(JUNE)
    node = here(new_node, world)
    assert opened(node, JUNE) == opened(node, JULY) == opened(node, JUNE, ours=SC, theirs=CQ) == entry.key
    assert opened(node, MAY) is None
    assert opened(node, JUNE, "venue") is None
    assert opened(node, JUNE, theirs=ZIGONG) is None
    assert opened(node, JUNE, ours=SC, theirs=SC) is None


def test_a_bureau_is_covered_by_those_above_it_that_are_listed(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    entry = agreement.conclude(JUNE)
    node = here(new_node, world)
    with model.reading(node.conn, model_cooperation.MODEL) as conn:
        ask = model_cooperation.in_force
        assert ask(conn, [RONGCHANG, CQ], [ZIGONG, SC], Subject.TALENT, JUNE) == entry.key
        # and two bureaus below the same one are not opened to each other by it
        assert ask(conn, [ZIGONG, SC], ["510100", SC], Subject.TALENT, JUNE) is None


def test_two_parties_that_did_not_propose_are_open_to_each_other(new_node: NewNode, world: World) -> None:
    entry = Agreement(world, CQ, [SC, ZIGONG]).conclude(JUNE)
    assert opened(here(new_node, world), JUNE, ours=ZIGONG, theirs=SC) == entry.key


def test_nothing_is_open_before_it_entered_into_force(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    agreement.propose()
    agreement.send()
    agreement.sign(SC)
    assert opened(here(new_node, world), JULY) is None


@pytest.mark.parametrize(
    ("terms", "open_on"),
    [
        ({"valid_to": JUNE}, [MAY, JUNE]),
        ({"valid_from": JUNE}, [JUNE, JULY]),
        ({"valid_from": JUNE, "valid_to": JUNE}, [JUNE]),
    ],
)
def test_the_terms_own_days_bind(
    new_node: NewNode, world: World, agreement: Agreement, terms: dict[str, date], open_on: list[date]
) -> None:
    agreement.conclude(MAY, **terms)
    node = here(new_node, world)
    assert [day for day in (MAY, JUNE, JULY) if opened(node, day)] == open_on


def test_it_is_open_until_its_last_day(new_node: NewNode, world: World, agreement: Agreement) -> None:
    agreement.conclude(MAY)
    agreement.end(JUNE)
    node = here(new_node, world)
    assert opened(node, JUNE)
    assert opened(node, JULY) is None


def test_a_party_that_left_is_bound_until_its_last_day_and_the_others_after_it(
    new_node: NewNode, world: World
) -> None:
    agreement = Agreement(world, CQ, [SC, ZIGONG])
    agreement.conclude(MAY)
    agreement.release(ZIGONG, JUNE)
    node = here(new_node, world)
    assert opened(node, JUNE, theirs=ZIGONG)
    assert opened(node, JULY, theirs=ZIGONG) is None
    assert opened(node, JULY)


def test_a_party_that_left_and_signs_an_amendment_is_bound_again(new_node: NewNode, world: World) -> None:
    agreement = Agreement(world, CQ, [SC, ZIGONG])
    agreement.conclude(MAY)
    agreement.release(ZIGONG, date(2026, 5, 2))
    agreement.amend(TEXTS[1])
    agreement.send()
    agreement.sign(SC)
    agreement.sign(ZIGONG)
    again = agreement.enter(JUNE)
    node = here(new_node, world)
    assert opened(node, date(2026, 5, 31), theirs=ZIGONG) is None
    assert opened(node, JULY, theirs=ZIGONG) == again.key


def test_an_amendment_takes_the_old_terms_place_from_its_own_first_day_on(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    # given terms in force, and an amendment that is being signed
    old = agreement.conclude(MAY)
    agreement.amend(TEXTS[1], subjects=(Subject.VENUE,))
    agreement.send()
    node = here(new_node, world)
    assert opened(node, JULY) == old.key
    # when all have signed the new text
    agreement.sign(SC)
    new = agreement.enter(JUNE)
    node.catch_up()
    # then each has its days
    assert opened(node, date(2026, 5, 31)) == old.key
    assert opened(node, JUNE) is None
    assert opened(node, JUNE, "venue") == new.key
    assert opened(node, MAY, "venue") is None


def test_an_amendment_that_was_withdrawn_changes_nothing(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    old = agreement.conclude(MAY)
    agreement.amend(TEXTS[1], subjects=(Subject.VENUE,))
    agreement.add(cooperation.MemorandumWithdrawn(reason=WHY))
    assert opened(here(new_node, world), JULY) == old.key


def test_of_two_memoranda_the_newer_is_named(new_node: NewNode, world: World, agreement: Agreement) -> None:
    agreement.conclude(MAY)
    newer = Agreement(world, SC, [CQ], word="n").conclude(JUNE)
    assert opened(here(new_node, world), JULY) == newer.key


def test_who_signs_in_anothers_place_is_bound_and_the_other_is_not(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    agreement.propose()
    agreement.send()
    agreement.pass_on(SC, ZIGONG)
    agreement.sign(ZIGONG)
    entry = agreement.enter(JUNE)
    node = here(new_node, world)
    assert opened(node, JUNE, theirs=ZIGONG) == entry.key
    assert opened(node, JUNE) is None


@pytest.mark.parametrize("wrong", ["declined", "older text", "another memorandum"])
def test_what_is_not_a_signature_on_this_text_puts_nothing_into_force(
    new_node: NewNode, world: World, agreement: Agreement, wrong: str
) -> None:
    # given an entry into force that names something else than a signature on its text
    agreement.propose()
    agreement.send()
    if wrong == "declined":
        agreement.answer(SC, cooperation.SignatureDeclined(question=agreement.question, reason=WHY))
    elif wrong == "older text":
        agreement.sign(SC, TEXTS[1])
    else:
        other = Agreement(world, CQ, [SC], word="other")
        other.propose()
        other.send()
        agreement.answered[SC] = other.sign(SC)
    agreement.enter(JUNE)
    # then nothing is open
    assert opened(here(new_node, world), JULY) is None


def test_a_voided_signature_takes_the_entry_with_it_and_a_corrected_day_moves_it(
    new_node: NewNode, world: World, agreement: Agreement
) -> None:
    entry = agreement.conclude(MAY)
    node = here(new_node, world)
    assert opened(node, MAY)
    # when the first day was wrong
    data = entry.data.model_copy(update={"in_force_from": JUNE})
    agreement.add(correction(cooperation.MemorandumCorrected, entry, data))
    node.catch_up()
    # then figures follow
    assert opened(node, MAY) is None
    assert opened(node, JUNE) == entry.key
    # and when the signature never was
    signed = agreement.answered[SC]
    voided = cooperation.SignatureVoided(voids=signed.position, reason=WHY)
    world.record(SC, f"{agreement.word}/{SC}", voided)
    node.catch_up()
    assert opened(node, JUNE) is None


def test_partnerships_name_each_pair_once_and_outside_parties(new_node: NewNode, world: World) -> None:
    # given a memorandum of three, amended once, and one with an association
    three = Agreement(world, SC, [CQ, ZIGONG])
    three.conclude(MAY)
    three.amend(TEXTS[1], subjects=(Subject.VENUE,))
    three.send()
    three.sign(CQ)
    three.sign(ZIGONG)
    three.enter(JUNE)
    science = values.OutsideParty(name="科协", kind=values.PartyKind.ASSOCIATION)
    alone = Agreement(world, RONGCHANG, [], word="science")
    alone.conclude(JUNE, outside=(science,))
    node = here(new_node, world)
    with model.reading(node.conn, model_cooperation.MODEL) as conn:
        found = model_cooperation.partnerships(conn, JULY)
        # then
        assert [(p.bureau, p.partner, p.outside, p.subjects, p.since) for p in found] == [
            (CQ, SC, False, ["venue"], MAY),
            (CQ, ZIGONG, False, ["venue"], MAY),
            (RONGCHANG, "科协", True, ["talent"], JUNE),
            (SC, ZIGONG, False, ["venue"], MAY),
        ]
        assert [p.partner for p in model_cooperation.partnerships(conn, JULY, CQ)] == [SC, ZIGONG]
        counts = model_cooperation.in_force_count
        assert [counts(conn, day) for day in (date(2026, 4, 1), MAY, JULY)] == [0, 1, 2]
        assert counts(conn, JULY, ZIGONG) == 1


def test_the_order_of_arrival_changes_nothing(new_node: NewNode, world: World) -> None:
    # given histories with signatures, an amendment, a turn, notice, a correction and a voiding
    first, second = Agreement(world, CQ, [SC, ZIGONG]), Agreement(world, SC, [RONGCHANG], word="n")
    entry = first.conclude(MAY)
    second.propose()
    second.send()
    second.pass_on(RONGCHANG, ZIGONG)
    second.enter(JUNE, second.sign(ZIGONG))
    first.amend(TEXTS[2])
    first.send()
    late = first.sign(SC)
    first.add(cooperation.MemorandumWithdrawn(reason=WHY))
    first.release(ZIGONG, JUNE)
    data = entry.data.model_copy(update={"in_force_from": JUNE})
    first.add(correction(cooperation.MemorandumCorrected, entry, data))
    world.record(SC, f"m/{SC}", cooperation.SignatureVoided(voids=late.position, reason=WHY))
    straight = here(new_node, world)
    # when another node gets the logs shuffled, cut and repeated
    for seed in range(4):
        other = new_node(world, chosen=[model_cooperation.MODEL])
        for batch in deliveries(world, random.Random(seed)):
            other.fold(batch)
        while other.fold([]):
            pass
        # then it has the same rows
        assert other.digests() == straight.digests()
