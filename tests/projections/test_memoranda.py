"""The register: a memorandum's stage on a day, its texts, who was asked, which signatures count."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import pytest

from events import cooperation, values
from events.cooperation import Kind, Subject
from projections import cooperation as model_cooperation
from projections import memoranda, model
from projections.memoranda import Chosen
from tests.projections.agreements import TEXTS, Agreement
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, stream_id
from tests.projections.nodes import Node

T = TypeVar("T")
CQ, SC, RONGCHANG, ZIGONG = "500000", "510000", "500153", "510300"
MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


class Register:
    """What a page asks, of a node that folded the world as it stands."""

    def __init__(self, node: Node, agreement: Agreement) -> None:
        self.node, self.agreement = node, agreement

    def one(self, day: date = JULY) -> memoranda.Row:
        row = self.ask(memoranda.one, day)
        assert row is not None
        return row

    def ask(self, query: Callable[..., T], *rest: object) -> T:
        self.node.catch_up()
        with model.reading(self.node.conn, model_cooperation.MODEL) as conn:
            return query(conn, self.agreement.log, stream_id(self.agreement.word), *rest)

    def list(self, day: date = JULY, **chosen: object) -> list[memoranda.Row]:
        self.node.catch_up()
        with model.reading(self.node.conn, model_cooperation.MODEL) as conn:
            return memoranda.register(conn, Chosen(**chosen), day)  # type: ignore[arg-type]  # examples


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def agreement(world: World) -> Agreement:
    return Agreement(world, CQ, [SC, ZIGONG])


@pytest.fixture
def register(new_node: NewNode, world: World, agreement: Agreement) -> Register:
    return Register(new_node(world, chosen=[model_cooperation.MODEL]), agreement)


def test_the_stage_follows_the_proposer_and_the_day(register: Register, agreement: Agreement) -> None:
    agreement.propose(valid_to=JULY)
    assert (register.one().stage, register.one().in_force) == ("proposed", False)
    agreement.send()
    assert register.one().stage == "signing"
    agreement.sign(SC)
    agreement.sign(ZIGONG)
    agreement.enter(JUNE)
    assert [(r.stage, r.in_force) for r in map(register.one, (MAY, JULY, date(2026, 7, 2)))] == [
        ("in-force", False), ("in-force", True), ("expired", False),
    ]  # fmt: skip
    assert (register.one().since, register.one().last) == (JUNE, JULY)
    agreement.end(JUNE)
    assert [(r.stage, r.in_force) for r in map(register.one, (JUNE, JULY))] == [
        ("ended", True), ("ended", False),
    ]  # fmt: skip


def test_an_amendment_shows_beside_what_is_in_force(register: Register, agreement: Agreement) -> None:
    # given a memorandum in force, and its amended text
    agreement.conclude(MAY)
    agreement.amend(TEXTS[1], subjects=(Subject.VENUE,), parties=(SC,))
    row = register.one()
    assert (row.stage, row.in_force, row.subjects) == ("proposed", True, ["talent"])
    assert row.parties == [CQ, SC, ZIGONG]
    # when it is withdrawn, all is as before
    withdrawn = agreement.add(cooperation.MemorandumWithdrawn(reason=WHY))
    assert withdrawn.position == 5
    row = register.one()
    assert (row.stage, row.in_force, row.subjects) == ("in-force", True, ["talent"])
    # and every text is still there to compare, oldest first
    texts = register.ask(memoranda.versions)
    assert [(v.position, v.digest, v.subjects) for v in texts] == [
        (1, TEXTS[0].digest, ["talent"]), (4, TEXTS[1].digest, ["venue"]),
    ]  # fmt: skip


def test_a_withdrawn_proposal_was_never_in_force(register: Register, agreement: Agreement) -> None:
    agreement.propose()
    agreement.add(cooperation.MemorandumWithdrawn(reason=WHY))
    row = register.one()
    assert (row.stage, row.in_force, row.reason, row.last) == ("withdrawn", False, "typing", None)


def test_who_was_asked_shows_the_answer_and_what_is_overdue(register: Register, agreement: Agreement) -> None:
    # given one party that returns the text and one that is silent
    agreement.propose()
    agreement.send(due=JUNE)
    agreement.answer(SC, cooperation.SignatureReturned(question=agreement.question, reason=WHY))
    assert [(a.bureau, a.answer, a.overdue) for a in register.ask(memoranda.asked, JULY)] == [
        (SC, "returned", False), (ZIGONG, None, True),
    ]  # fmt: skip
    assert not any(a.overdue for a in register.ask(memoranda.asked, JUNE))
    # when a new text is sent, all are asked anew
    agreement.amend(TEXTS[1])
    agreement.send(due=JULY)
    assert [(a.bureau, a.answer) for a in register.ask(memoranda.asked, JULY)] == [(SC, None), (ZIGONG, None)]


def test_signing_passed_on_shows_who_is_party_now(register: Register, agreement: Agreement) -> None:
    agreement.propose()
    agreement.send()
    agreement.pass_on(SC, RONGCHANG)
    assert register.one().parties == [CQ, RONGCHANG, ZIGONG]
    agreement.sign(RONGCHANG)
    assert [(a.bureau, a.passed_to, a.answer) for a in register.ask(memoranda.asked, JULY)] == [
        (RONGCHANG, None, "signed"), (SC, RONGCHANG, None), (ZIGONG, None, None),
    ]  # fmt: skip


def test_a_signature_that_no_entry_names_is_too_late(register: Register, agreement: Agreement) -> None:
    # given a signature on the first text, and an amendment that both sign
    agreement.propose()
    agreement.send()
    agreement.sign(SC)
    agreement.amend(TEXTS[1])
    agreement.send()
    assert [s.too_late for s in register.ask(memoranda.signatures)] == [True]
    agreement.sign(SC)
    agreement.sign(ZIGONG)
    agreement.enter(JUNE)
    # then the one on the old text does not count, and says which text it was on
    found = register.ask(memoranda.signatures)
    assert [(s.bureau, s.version, s.entry, s.too_late) for s in found] == [
        (SC, 1, None, True), (SC, 3, 5, False), (ZIGONG, 3, 5, False),
    ]  # fmt: skip
    assert [(f.position, f.version, f.first, f.last) for f in register.ask(memoranda.forces)] == [
        (5, 3, JUNE, None)
    ]


def test_an_entry_whose_signature_was_voided_shows_as_unsigned(
    register: Register, agreement: Agreement, world: World
) -> None:
    agreement.conclude(MAY)
    signed = agreement.answered[SC]
    world.record(SC, f"m/{SC}", cooperation.SignatureVoided(voids=signed.position, reason=WHY))
    assert (register.one().stage, register.one().in_force) == ("unsigned", False)
    assert [(f.position, f.first) for f in register.ask(memoranda.forces)] == [(3, None)]


def test_a_notice_to_leave_shows_when_it_was_confirmed(register: Register, agreement: Agreement) -> None:
    agreement.conclude(MAY)
    agreement.release(ZIGONG, JUNE)
    (notice,) = register.ask(memoranda.notices)
    assert (notice.bureau, notice.day, notice.released) == (ZIGONG, JUNE, JUNE)
    assert register.one(JUNE).parties == [CQ, SC, ZIGONG]
    assert register.one(JULY).parties == [CQ, SC]


def test_the_register_is_filtered_and_paged(register: Register, agreement: Agreement, world: World) -> None:
    # given two memoranda in force, one of them with an outside party, and a third one that is not
    agreement.conclude(MAY)
    science = values.OutsideParty(name="科协", kind=values.PartyKind.ASSOCIATION)
    outside = Agreement(world, RONGCHANG, [], word="science")
    outside.conclude(JUNE, outside=(science,), subjects=(Subject.ACTIVITY,), kind=Kind.FRAMEWORK)
    Agreement(world, SC, [CQ], word="new").propose()
    # then the newest stands first
    assert [r.bureau for r in register.list()] == [SC, RONGCHANG, CQ]
    assert [r.bureau for r in register.list(bureau=ZIGONG)] == [CQ]
    assert [r.bureau for r in register.list(stage="proposed")] == [SC]
    assert [r.bureau for r in register.list(subject="activity")] == [RONGCHANG]
    assert [r.one_sided for r in register.list(kind="framework")] == [True]
    assert [r.bureau for r in register.list(day=MAY, in_force=True)] == [CQ]
    with model.reading(register.node.conn, model_cooperation.MODEL) as conn:
        first = memoranda.register(conn, Chosen(), JULY, limit=2)
        rest = memoranda.register(conn, Chosen(), JULY, limit=2, after=first[-1].cursor)
    assert [r.bureau for r in rest] == [CQ]


def test_what_ends_within_sixty_days_is_brought_to_mind(register: Register, agreement: Agreement) -> None:
    agreement.conclude(MAY, valid_to=date(2026, 8, 30))
    register.node.catch_up()
    with model.reading(register.node.conn, model_cooperation.MODEL) as conn:
        assert [r.last for r in memoranda.ending(conn, JULY)] == [date(2026, 8, 30)]
        assert memoranda.ending(conn, date(2026, 6, 30)) == []
        assert memoranda.ending(conn, date(2026, 8, 31)) == []
        assert memoranda.ending(conn, JULY, ZIGONG) != []
        assert memoranda.ending(conn, JULY, RONGCHANG) == []
