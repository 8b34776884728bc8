"""What successors of closed logs do in their predecessors' place: service days, experts, memoranda."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from events import errors
from events.experts import Tier
from events.history import stream_of
from events.membership import Closure, Part
from events.values import Reason, Why
from projections import cooperation as cooperations
from projections import dispatches, experts, memoranda
from projections import talent as talents
from projections.source import Entry
from services.bureau import cooperation, loops, records, talent
from services.bureau.continuing import CloseLog, Continue
from services.bureau.experts import StateStrength
from services.bureau.office import Answer
from services.ledger import heirs, logs, read, replay
from tests.projections import nodes
from tests.projections.histories import World
from tests.projections.nodes import Node
from tests.projections.test_any_order import deliveries
from tests.services.bureau.examples import attachment
from tests.services.bureau.province import Province, day
from tests.services.bureau.test_cooperation import HOME, HOST, in_force, need, proposal, signed
from tests.services.bureau.test_talent import FIELD, offer, shared, started
from tests.support.databases import Server

NEW_HOME, NEW_HOST, OTHER = "500117", "512000", "511600"
TODAY = day("2026-03-02")


def merge(province: Province, old: str, new: str) -> None:
    """One bureau's log is closed, and another's goes on with it."""
    province.do(old, CloseLog(reason=Closure.MERGER, successor=new))
    province.do(new, Continue(log=old))


def log_day(province: Province, log: str, stream: str, text: str) -> Answer:
    return province.do(log, talent.LogDay(stream=stream, day=day(text)))


def confirm(province: Province, bureau: str, log: str, stream: str, *logged: Answer) -> Answer:
    positions = tuple(answer.position for answer in logged)
    return province.do(bureau, talent.ConfirmDays(log=log, stream=stream, positions=positions))


def served(province: Province, log: str, stream: str) -> dict[str, str | None]:
    """The host's word on each day of a dispatch, by the day."""
    rows = province.ask(talents.MODEL, dispatches.service_days, log, stream)
    return {row.day.isoformat(): row.word for row in rows}


def all_is_well(province: Province) -> bool:
    """Whether nothing is set aside, and replay finds every history legal."""
    with province.database.connection() as conn:
        waits = conn.execute("SELECT FROM projection.waiting").fetchall()
        return not waits and not [f for log in logs.heads(conn) for f in replay.replay(conn, log).findings]


def test_the_host_confirms_days_that_the_homes_successor_logs_and_those_from_before(
    province: Province,
) -> None:
    # given a dispatch with a day logged, which goes on at the home's successor with another day
    in_force(province)
    old = started(province)
    before = log_day(province, HOME, old, "2026-02-03")
    merge(province, HOME, NEW_HOME)
    new = stream_of(HOME, old, NEW_HOME)
    after = log_day(province, NEW_HOME, new, "2026-02-04")
    # when the host confirms both, each under the name of the log where it stands
    confirm(province, HOST, NEW_HOME, new, after)
    confirm(province, HOST, HOME, old, before)
    # then both count, and no second time
    assert served(province, NEW_HOME, new) == {"2026-02-03": "confirmed", "2026-02-04": "confirmed"}
    assert all_is_well(province)
    with pytest.raises(errors.Conflict):
        confirm(province, HOST, NEW_HOME, new, after)
    with pytest.raises(errors.NotFound):
        confirm(province, HOST, NEW_HOME, new, before)


def test_both_sides_go_on_elsewhere_and_a_day_is_confirmed(province: Province) -> None:
    in_force(province)
    old = started(province)
    before = log_day(province, HOME, old, "2026-02-03")
    merge(province, HOST, NEW_HOST)
    merge(province, HOME, NEW_HOME)
    new = stream_of(HOME, old, NEW_HOME)
    after = log_day(province, NEW_HOME, new, "2026-02-04")
    # when
    confirm(province, NEW_HOST, NEW_HOME, new, after)
    confirm(province, NEW_HOST, HOME, old, before)
    # then
    assert served(province, NEW_HOME, new) == {"2026-02-03": "confirmed", "2026-02-04": "confirmed"}
    assert all_is_well(province)


def test_an_expert_goes_on_and_is_offered_by_the_successor_for_half_days_that_are_free(
    province: Province,
) -> None:
    # given an expert who served, and one of the successor's whose sharing has the same position
    in_force(province)
    expert = shared(province)
    old = started(province, expert)
    log_day(province, HOME, old, "2026-02-03")
    merge(province, HOME, NEW_HOME)
    gone_on = stream_of(HOME, expert, NEW_HOME)
    # when the successor offers the expert anew
    offered = province.do(NEW_HOME, offer(gone_on))
    new = province.stream(offered)
    province.do(HOST, talent.Accept(log=NEW_HOME, stream=new))
    province.do(NEW_HOME, talent.Start(stream=new, day=day("2026-02-02")))
    # then no half-day is served twice, and both dispatches are of one expert
    with pytest.raises(errors.Taken):
        log_day(province, NEW_HOME, new, "2026-02-03")
    assert log_day(province, NEW_HOME, new, "2026-02-04").position > 0
    total = province.ask(talents.MODEL, dispatches.total, dispatches.Chosen())
    assert (total.dispatches, total.experts) == (2, 1)
    (row,) = province.ask(talents.MODEL, experts.experts, experts.Chosen(), TODAY)
    assert (row.bureau, row.stream, row.serving) == (NEW_HOME, gone_on, 2)
    assert all_is_well(province)
    with pytest.raises(errors.NotFound):
        province.do(NEW_HOME, offer(expert))


def test_attachments_go_with_their_streams(province: Province) -> None:
    # given a memorandum that goes on at the successor, and a proposal that goes on at another bureau
    stream, text = in_force(province), attachment("第一稿").digest
    draft = proposal(text=attachment("另一稿"), title="另一份备忘录")
    other = province.stream(province.do(HOME, draft))
    towns = Part(log=OTHER, streams=(other,))
    province.do(HOME, CloseLog(reason=Closure.SPLIT, successor=NEW_HOME, parts=(towns,)))
    province.do(NEW_HOME, Continue(log=HOME))

    def heirs_of(digest: str) -> set[str]:
        with province.database.connection() as conn:
            bureaus = (HOME, HOST, NEW_HOME, NEW_HOST, OTHER)
            return {bureau for bureau in bureaus if heirs.inherits(conn, bureau, HOME, digest)}

    # then each text is its successor's, and nobody else's
    assert heirs_of(text) == {NEW_HOME}
    assert heirs_of(draft.text.digest) == {OTHER}
    # and a correction that keeps the text does not hand it out anew: it stays where it is kept
    province.shared.clear()
    first = province.history(HOME, stream)[0]
    correct = records.Correct(
        aggregate="memorandum", stream=stream_of(HOME, stream, NEW_HOME), position=first.position, log=HOME,
        reason=Why(code=Reason.TYPING), payload={"title": "人才合作协议"},
    )  # fmt: skip
    province.do(NEW_HOME, correct)
    assert province.shared == []
    assert all_is_well(province)
    # and when the successor is closed in turn, its successor's
    merge(province, NEW_HOME, NEW_HOST)
    assert heirs_of(text) == {NEW_HOST}


@pytest.mark.parametrize("named", [HOST, NEW_HOST])
def test_a_successor_leaves_a_memorandum_that_its_predecessor_joined(province: Province, named: str) -> None:
    # given a party whose log is closed; its successor stands in its place
    stream = in_force(province)
    signature = province.reading.holder(HOST, "signature", f"{HOME}/{stream}")
    assert signature
    merge(province, HOST, NEW_HOST)
    row = province.ask(cooperations.MODEL, memoranda.one, HOME, stream, TODAY)
    assert row.parties == [HOME, NEW_HOST]
    assert province.do(NEW_HOST, need()).position > 0
    # when it gives notice, and the proposer releases it under either name
    province.now += timedelta(days=1)
    mine = stream_of(HOST, signature, NEW_HOST)
    leave = cooperation.Leave(stream=mine, day=TODAY, reason=Why(code=Reason.NO_LONGER_NEEDED))
    province.do(NEW_HOST, leave)
    with pytest.raises(errors.Conflict, match="gave no notice"):
        province.do(HOME, cooperation.ReleaseParty(stream=stream, bureau=OTHER, day=TODAY))
    province.do(HOME, cooperation.ReleaseParty(stream=stream, bureau=named, day=TODAY))
    # then it is bound no more, and what was noticed is shown as released
    assert all_is_well(province)
    with pytest.raises(errors.MissingMemorandum):
        province.do(NEW_HOST, need())
    (notice,) = province.ask(cooperations.MODEL, memoranda.notices, HOME, stream)
    assert (notice.bureau, notice.released) == (NEW_HOST, TODAY)
    tomorrow = province.ask(cooperations.MODEL, memoranda.one, HOME, stream, TODAY + timedelta(days=1))
    assert tomorrow.parties == [HOME]


def test_both_parties_of_a_memorandum_become_one_bureau(province: Province) -> None:
    stream = province.stream(province.do(HOME, proposal(parties=(HOST, OTHER))))
    signed(province, stream)
    province.do(OTHER, cooperation.Sign(log=HOME, stream=stream, text=attachment("第一稿").digest))
    province.do(HOME, cooperation.EnterIntoForce(stream=stream))
    merge(province, HOST, NEW_HOST)
    merge(province, OTHER, NEW_HOST)
    pairs = province.ask(cooperations.MODEL, cooperations.partnerships, TODAY)
    assert [(p.bureau, p.partner) for p in pairs] == [(HOME, NEW_HOST)]


def test_who_signs_and_leaves_in_anothers_place_is_released_for_it(province: Province) -> None:
    # given a proposal to a party whose log is closed before it signs
    stream = province.stream(province.do(HOME, proposal()))
    province.do(HOST, CloseLog(reason=Closure.MERGER, successor=NEW_HOST))
    # when its successor is reminded, signs, and leaves when it is in force
    province.do(HOME, loops.Remind(aggregate="memorandum", stream=stream, bureau=NEW_HOST))
    text = attachment("第一稿").digest
    answer = province.do(NEW_HOST, cooperation.Sign(log=HOME, stream=stream, text=text))
    province.do(HOME, cooperation.EnterIntoForce(stream=stream))
    mine = province.stream(answer)
    leave = cooperation.Leave(stream=mine, day=TODAY, reason=Why(code=Reason.NO_LONGER_NEEDED))
    province.do(NEW_HOST, leave)
    province.do(HOME, cooperation.ReleaseParty(stream=stream, bureau=NEW_HOST, day=TODAY))
    # then it is bound until that day
    assert all_is_well(province)
    days = (TODAY, TODAY + timedelta(days=1))
    rows = [province.ask(cooperations.MODEL, memoranda.one, HOME, stream, on) for on in days]
    assert [row.parties for row in rows] == [[HOME, NEW_HOST], [HOME]]


def test_the_pool_goes_on_as_the_one_pool_of_its_successor(province: Province) -> None:
    # given a pool that goes on where there was none
    stated = StateStrength(tier=Tier.POOL, field=FIELD, day=TODAY, persons=30)
    province.do(HOME, stated)
    merge(province, HOME, NEW_HOME)
    # when the successor states its strength anew
    province.do(NEW_HOME, stated.model_copy(update={"persons": 31}))
    # then it says so in the same stream
    (row,) = province.ask(talents.MODEL, experts.pyramid, TODAY)
    assert (row.bureau, row.persons) == (NEW_HOME, 31)
    assert all_is_well(province)


def test_every_node_counts_successors_alike_in_any_order(
    province: Province, postgres: Server, new_database: Callable[..., str]
) -> None:
    # given days, an expert and notice by successors
    stream = in_force(province)
    expert = shared(province)
    old = started(province, expert)
    before = log_day(province, HOME, old, "2026-02-03")
    signature = province.reading.holder(HOST, "signature", f"{HOME}/{stream}") or ""
    merge(province, HOST, NEW_HOST)
    merge(province, HOME, NEW_HOME)
    new = stream_of(HOME, old, NEW_HOME)
    after = log_day(province, NEW_HOME, new, "2026-02-04")
    confirm(province, NEW_HOST, NEW_HOME, new, after)
    confirm(province, NEW_HOST, HOME, old, before)
    province.do(NEW_HOME, offer(stream_of(HOME, expert, NEW_HOME), host=NEW_HOST))
    mine = stream_of(HOST, signature, NEW_HOST)
    leave = cooperation.Leave(stream=mine, day=TODAY, reason=Why(code=Reason.NO_LONGER_NEEDED))
    province.do(NEW_HOST, leave)
    memorandum = stream_of(HOME, stream, NEW_HOME)
    province.do(NEW_HOME, cooperation.ReleaseParty(stream=memorandum, bureau=HOST, day=TODAY))
    assert all_is_well(province)
    world = World()
    with province.database.connection() as conn:
        for log in logs.heads(conn):
            world.logs[log] = [Entry(log, *entry) for entry in read.entries(conn, log)]
    other = Node(new_database(postgres.template("projections", nodes.prepare_database)), world)
    # when another node gets it shuffled, repeated and cut
    for seed in range(6):
        other.begin_again(world)
        for batch in deliveries(world, random.Random(seed)):
            other.fold(batch)
        while other.fold([]):
            pass
        # then
        assert other.digests() == province.digests()
    other.conn.close()
