"""An expert sent and received (journey 2)."""

from typing import Any

import pytest

from events import errors
from events.experts import Tier
from events.talent import Half, Purpose
from events.values import Expertise, OutsideParty, PartyKind, Reason, Why
from services.bureau import experts, records, talent
from tests.services.bureau.examples import attachment
from tests.services.bureau.province import Province, day
from tests.services.bureau.test_cooperation import HOME, HOST, in_force, need

FIELD = next(iter(Expertise))


def shared(province: Province, *, needs_clearance: bool = False) -> str:
    share = experts.ShareExpert(
        speciality="柑橘栽培", fields=(FIELD,), tier=Tier.THINK_TANK, needs_clearance=needs_clearance,
        agreed=True,
    )  # fmt: skip
    return province.stream(province.do(HOME, share))


def offer(*chosen: str, **changes: object) -> talent.Offer:
    values: dict[str, Any] = {
        "experts": chosen, "host": HOST, "field": FIELD, "purpose": Purpose.ADVICE, "service_days": 20,
        "starts": day("2026-02-01"), "ends": day("2026-06-30"), "agreed": day("2026-01-30"),
    }  # fmt: skip
    return talent.Offer(**{**values, **changes})


def started(province: Province, expert: str | None = None) -> str:
    """A dispatch that was accepted and has started."""
    stream = province.stream(province.do(HOME, offer(expert or shared(province))))
    province.do(HOST, talent.Accept(log=HOME, stream=stream))
    province.do(HOME, talent.Start(stream=stream, day=day("2026-02-02")))
    return stream


def test_need_offer_accept_days_confirmed_completed_rated(province: Province) -> None:
    # given a memorandum, a need, and an offer of two experts for it
    in_force(province)
    wanted = province.stream(province.do(HOST, need()))
    two = shared(province), shared(province)
    offered = province.do(HOME, offer(*two, need=wanted, need_log=HOST))
    streams = [
        province.reading.record((HOME, offered.position + n)).stream for n in (0, 2)
    ]  # each offer and its approval stand together
    # when one is accepted and one declined
    province.do(HOST, talent.Accept(log=HOME, stream=streams[0]))
    province.do(HOST, talent.DeclineOffer(log=HOME, stream=streams[1], reason=Why(code=Reason.CAPACITY)))
    with pytest.raises(errors.Conflict, match="has not accepted"):
        province.do(HOME, talent.Start(stream=streams[1], day=day("2026-02-02")))
    # then it starts, a day is logged and confirmed, it ends and is rated
    province.do(HOME, talent.Start(stream=streams[0], day=day("2026-02-02")))
    logged = province.do(HOME, talent.LogDay(stream=streams[0], day=day("2026-02-03")))
    province.do(HOST, talent.ConfirmDays(log=HOME, stream=streams[0], positions=(logged.position,)))
    with pytest.raises(errors.Conflict, match="when it has ended"):
        province.do(HOST, talent.Rate(log=HOME, stream=streams[0], mark=attachment("满意")))
    province.do(HOME, talent.Complete(stream=streams[0], day=day("2026-02-10")))
    province.do(HOST, talent.Rate(log=HOME, stream=streams[0], mark=attachment("满意")))
    history = province.history(HOME, streams[0])
    assert [r.type.split(".")[2] for r in history] == [
        "dispatch-offered", "dispatch-approved", "dispatch-started", "dispatch-service-day-logged",
        "dispatch-completed",
    ]  # fmt: skip
    assert (
        len({r.correlation for r in history} | {r.correlation for r in province.history(HOST, wanted)}) == 1
    )


def test_an_expert_without_clearance_is_blocked_with_the_reason(province: Province) -> None:
    in_force(province)
    expert = shared(province, needs_clearance=True)
    with pytest.raises(errors.Conflict, match="clearance"):
        province.do(HOME, offer(expert))
    province.do(HOME, experts.Clear(stream=expert))
    assert province.do(HOME, offer(expert)).position > 0


def test_no_two_service_half_days_of_an_expert_at_once(province: Province) -> None:
    in_force(province)
    expert = shared(province)
    one, other = started(province, expert), started(province, expert)
    logged = province.do(HOME, talent.LogDay(stream=one, day=day("2026-02-03"), half=Half.AM))
    with pytest.raises(errors.Taken):
        province.do(HOME, talent.LogDay(stream=other, day=day("2026-02-03"), half=Half.FULL))
    province.do(HOME, talent.LogDay(stream=other, day=day("2026-02-03"), half=Half.PM))
    # and voided, the half-day is free again
    reason = Why(code=Reason.TYPING)
    province.do(HOME, records.Void(aggregate="dispatch", stream=one, position=logged.position, reason=reason))
    province.do(HOME, talent.LogDay(stream=other, day=day("2026-02-03"), half=Half.AM))


def test_a_corrected_service_day_moves_its_claim(province: Province) -> None:
    in_force(province)
    expert = shared(province)
    one, other = started(province, expert), started(province, expert)
    logged = province.do(HOME, talent.LogDay(stream=one, day=day("2026-02-03")))
    correct = records.Correct(
        aggregate="dispatch", stream=one, position=logged.position, reason=Why(code=Reason.TYPING),
        payload={"day": "2026-02-04"},
    )  # fmt: skip
    province.do(HOME, correct)
    province.do(HOME, talent.LogDay(stream=other, day=day("2026-02-03")))
    with pytest.raises(errors.Taken):
        province.do(HOME, talent.LogDay(stream=other, day=day("2026-02-04")))


def test_an_outside_host_needs_no_memorandum_and_is_recorded_by_one_side(province: Province) -> None:
    host = OutsideParty(name="某农业合作社", kind=PartyKind.ENTERPRISE)
    stream = province.stream(province.do(HOME, offer(shared(province), host=None, outside=host)))
    with pytest.raises(errors.Conflict):
        province.do(HOME, talent.Start(stream=stream, day=day("2026-02-02")))
    province.do(HOME, talent.ConfirmOutside(stream=stream, day=day("2026-02-01")))
    assert province.do(HOME, talent.Start(stream=stream, day=day("2026-02-02"))).position > 0


def test_an_offer_expires_only_after_its_deadline(province: Province) -> None:
    in_force(province)
    stream = province.stream(province.do(HOME, offer(shared(province))))
    with pytest.raises(errors.Conflict, match="may still answer"):
        province.do(HOME, talent.ExpireOffer(stream=stream))
    from datetime import timedelta

    province.now += timedelta(days=30)
    assert province.do(HOME, talent.ExpireOffer(stream=stream)).position > 0


def test_strength_is_stated_in_one_stream_in_bulk_too(province: Province) -> None:
    states = [
        experts.StateStrength(day=day("2026-01-01"), tier=Tier.POOL, field=f, persons=n)
        for n, f in enumerate(Expertise)
    ]
    first = list(province.office.bulk(HOME, [province.order(HOME, s) for s in states[:5]]))
    more = list(province.office.bulk(HOME, [province.order(HOME, s) for s in states[5:]]))
    province.settle()
    streams = {province.reading.record((HOME, a.position)).stream for a in [*first, *more]}  # type: ignore[union-attr]
    assert len(streams) == 1
