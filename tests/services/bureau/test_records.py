"""Corrections and voidings keep the rules: what others agreed to, whose word it takes, days, claims."""

import inspect
import re
from datetime import date

import pytest
from pydantic import JsonValue

from events import catalogue, errors
from events.event import Event, Record
from events.experts import Tier
from events.loops import Role
from events.values import Expertise, OutsideParty, PartyKind, Reason, Why
from services.bureau import activity, commands, cooperation, experts, records, registry, talent, tasks
from services.bureau.commands import Command
from services.bureau.desk import Draft
from services.bureau.office import Answer, Order
from tests.services.bureau import test_activity, test_office
from tests.services.bureau.examples import attachment
from tests.services.bureau.province import Province, day, officer
from tests.services.bureau.test_cooperation import HOME, HOST, in_force, proposal
from tests.services.bureau.test_talent import offer, shared, started

WHY = Why(code=Reason.TYPING)
PLANNER = "500117"


def fact(province: Province, log: str, stream: str, kind: str) -> Record[Event]:
    return next(r for r in province.history(log, stream) if r.type.endswith(f"{kind}.v1"))


def correct(record: Record[Event], **payload: JsonValue) -> records.Correct:
    return records.Correct(
        aggregate=record.aggregate, stream=record.stream, position=record.position, reason=WHY,
        payload=payload,
    )  # fmt: skip


def void(record: Record[Event]) -> records.Void:
    return records.Void(
        aggregate=record.aggregate, stream=record.stream, position=record.position, reason=WHY
    )


def taken(province: Province, log: str, command: Command, key: str = "c") -> Answer | Draft:
    """A clerk's order."""
    found = province.desk.take(log, Order(key, officer(log), command))
    province.settle()
    return found


def released(province: Province, log: str, draft: Answer | Draft) -> Answer:
    assert isinstance(draft, Draft)
    answer = province.desk.release(log, draft.id, officer(log, Role.LEADER))
    province.settle()
    return answer


@pytest.mark.parametrize(
    "payload",
    [
        {"subjects": ["venue"]},
        {"parties": ["511600"]},
        {"valid_to": "2030-01-01"},
        {"text": attachment("第二稿").model_dump(mode="json")},
    ],
)
def test_what_both_signed_is_amended_and_never_corrected(
    province: Province, payload: dict[str, JsonValue]
) -> None:
    proposed = province.history(HOME, in_force(province))[0]
    for who in (Role.CLERK, Role.LEADER):
        with pytest.raises(errors.Conflict, match="ask anew") as refused:
            province.desk.take(HOME, Order(who, officer(HOME, who), correct(proposed, **payload)))
        assert refused.value.field in payload
    assert province.desk.waiting(HOME) == []


def test_what_the_leader_recorded_is_corrected_at_the_leaders_word(province: Province) -> None:
    # given a title that was mistyped in what the leader proposed
    proposed = province.history(HOME, in_force(province))[0]
    draft = taken(province, HOME, correct(proposed, title="人才合作协议"))
    # then it waits, the same key gives the same draft, and whoever proposed does not release it
    assert isinstance(draft, Draft)
    assert taken(province, HOME, correct(proposed, title="人才合作协议")) == draft
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, draft.id, officer(HOME))
    assert len(province.history(HOME, proposed.stream)) == 3
    # when the leader releases it, it stands; and the clerk's key still means that draft
    released(province, HOME, draft)
    assert province.history(HOME, proposed.stream)[-1].type.endswith("memorandum-corrected.v1")
    again = taken(province, HOME, correct(proposed, title="人才合作协议"))
    assert isinstance(again, Draft)
    assert again.state == "released"


def test_an_entry_into_force_is_voided_at_the_leaders_word(province: Province) -> None:
    stream = in_force(province)
    entry = fact(province, HOME, stream, "entered-into-force")
    draft = taken(province, HOME, void(entry))
    assert len(province.history(HOME, stream)) == 3
    released(province, HOME, draft)
    assert len(province.history(HOME, stream)) == 4


def test_a_memorandum_with_outside_parties_only_is_corrected_at_the_leaders_word(province: Province) -> None:
    party = OutsideParty(name="某协会", kind=PartyKind.ASSOCIATION)
    proposed = province.record(province.do(HOME, proposal(parties=(), outside=(party,))))
    released(province, HOME, taken(province, HOME, correct(proposed, subjects=["talent", "venue"])))


def test_an_offer_that_was_asked_is_not_another_offer(province: Province) -> None:
    in_force(province)
    stream, other = started(province), shared(province)
    offered = province.history(HOME, stream)[0]
    expert = province.history(HOME, other)[0]
    named = {"log": HOME, "position": expert.position, "leaf": offered.data.expert.leaf}  # type: ignore[attr-defined]
    with pytest.raises(errors.Invalid, match="expert: no correction"):
        province.do(HOME, correct(offered, expert=named))
    for payload in ({"days": 500}, {"ends": "2027-12-31"}, {"host": "512000"}):
        with pytest.raises(errors.Conflict, match="ask anew"):
            province.do(HOME, correct(offered, **payload))


def test_clearance_is_not_corrected_away_by_a_clerk(province: Province) -> None:
    expert = province.history(HOME, shared(province, needs_clearance=True))[0]
    draft = taken(province, HOME, correct(expert, needs_clearance=False))
    with pytest.raises(errors.Conflict, match="clearance"):
        province.do(HOME, offer(expert.stream, host=None, outside=OutsideParty(
            name="某合作社", kind=PartyKind.ENTERPRISE,
        )))  # fmt: skip
    released(province, HOME, draft)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("activity-held", {"answers": [{"log": "511600", "position": 9999, "leaf": "A" * 43 + "="}]}),
        ("activity-held", {"answers": []}),
        ("activity-published", {"asks": [{"bureau": "511600", "role": "clerk", "due": "1999-12-01"}]}),
    ],
)
def test_questions_and_what_a_fact_rests_on_are_no_matter_of_correction(
    province: Province, kind: str, payload: dict[str, JsonValue]
) -> None:
    stream = test_activity.planned(province)
    province.do("511600", activity.Confirm(log=PLANNER, stream=stream))
    test_activity.held(province, stream)
    with pytest.raises(errors.Invalid, match="no correction changes this"):
        province.do(PLANNER, correct(fact(province, PLANNER, stream, kind), **payload))
    with province.database.connection() as conn:
        assert conn.execute("SELECT count(*) FROM projection.waiting").fetchone() == (0,)


def test_a_clerk_corrects_counts_and_what_nobody_was_asked_on(province: Province) -> None:
    # counts of an activity that was held with others
    stream = test_activity.planned(province)
    test_activity.held(province, stream)
    held = fact(province, PLANNER, stream, "activity-held")
    assert isinstance(taken(province, PLANNER, correct(held, persons=26)), Answer)
    # the plan of one that nobody was asked to, its title at any time
    alone = province.record(province.do(PLANNER, test_office.plan()))
    assert isinstance(taken(province, PLANNER, correct(alone, form="lecture"), "2"), Answer)
    province.do(PLANNER, activity.Publish(stream=alone.stream, bureaus=("511600",)))
    assert isinstance(taken(province, PLANNER, correct(alone, title="联合研学"), "3"), Answer)
    with pytest.raises(errors.Conflict, match="ask anew"):
        taken(province, PLANNER, correct(alone, starts="2026-02-01"), "4")


def test_to_void_what_others_were_asked_takes_the_leader(province: Province) -> None:
    stream = test_activity.planned(province)
    province.do("511600", activity.Confirm(log=PLANNER, stream=stream))
    test_activity.held(province, stream)
    held = fact(province, PLANNER, stream, "activity-held")
    released(province, PLANNER, taken(province, PLANNER, void(held)))
    asking = fact(province, PLANNER, stream, "activity-published")
    released(province, PLANNER, taken(province, PLANNER, void(asking), "2"))
    # and where nobody was asked, it does not
    alone = province.stream(province.do(PLANNER, test_office.plan()))
    province.do(PLANNER, activity.Hold(stream=alone, day=day("2026-02-02"), persons=62))
    mistaken = fact(province, PLANNER, alone, "activity-held")
    assert isinstance(taken(province, PLANNER, void(mistaken), "3"), Answer)


def test_nothing_is_done_with_what_was_voided_altogether(province: Province) -> None:
    # given an activity whose only fact was voided
    stream = province.stream(province.do(PLANNER, test_office.plan()))
    province.do(PLANNER, void(province.history(PLANNER, stream)[0]))
    # when it is worked with, here or from another bureau
    # then what it needs is said
    for log, command in (
        (PLANNER, activity.StateSignUp(stream=stream, persons=3)),
        (PLANNER, activity.Hold(stream=stream, day=day("2026-02-02"), persons=62)),
        ("511600", activity.Confirm(log=PLANNER, stream=stream)),
    ):
        with pytest.raises(errors.Conflict, match="was voided; record it anew"):
            province.do(log, command)


def test_what_is_refused_lays_no_draft(province: Province) -> None:
    stream = in_force(province)
    entry = fact(province, HOME, stream, "entered-into-force")
    with pytest.raises(errors.Conflict, match="changes nothing"):
        taken(province, HOME, correct(entry, text=entry.data.text))  # type: ignore[attr-defined]
    with pytest.raises(errors.Conflict, match="not possible"):
        taken(province, HOME, void(province.history(HOME, stream)[0]), "2")
    assert province.desk.waiting(HOME) == []


@pytest.mark.parametrize(
    ("field", "value"), [("day", "2099-01-01"), ("day", "2000-01-01"), ("day", "2026-03-03")]
)
def test_a_corrected_day_keeps_the_bounds_of_the_first(
    province: Province, field: str, value: JsonValue
) -> None:
    stream = province.stream(province.do(PLANNER, test_office.plan()))
    province.do(PLANNER, activity.Hold(stream=stream, day=day("2026-02-02"), persons=62))
    with pytest.raises(errors.Invalid, match="day: lies"):
        province.do(PLANNER, correct(fact(province, PLANNER, stream, "activity-held"), **{field: value}))


def test_a_service_day_is_not_corrected_into_the_future(province: Province) -> None:
    in_force(province)
    stream = started(province)
    province.do(HOME, talent.LogDay(stream=stream, day=day("2026-02-03")))
    with pytest.raises(errors.Invalid, match="future"):
        province.do(HOME, correct(fact(province, HOME, stream, "service-day-logged"), day="2030-01-01"))


FUTURE, LONG_AGO = day("2199-01-01"), day("2000-01-01")


@pytest.mark.parametrize("when", [FUTURE, LONG_AGO])
def test_what_happened_did_not_happen_tomorrow_or_before_its_plan(province: Province, when: date) -> None:
    in_force(province)
    served, alone = started(province), province.stream(province.do(PLANNER, test_office.plan()))
    accepted = province.stream(province.do(HOME, offer(shared(province))))
    province.do(HOST, talent.Accept(log=HOME, stream=accepted))
    given: list[tuple[str, Command]] = [
        (HOME, talent.Complete(stream=served, day=when)),
        (HOME, talent.EndEarly(stream=served, day=when, reason=WHY)),
        (HOME, talent.Start(stream=accepted, day=when)),
        (PLANNER, activity.Hold(stream=alone, day=when, persons=1)),
    ]
    for log, command in given:
        with pytest.raises(errors.Invalid, match="day: lies"):
            province.do(log, command)


def test_a_dispatch_does_not_end_before_it_served(province: Province) -> None:
    in_force(province)
    stream = started(province)
    province.do(HOME, talent.LogDay(stream=stream, day=day("2026-02-10")))
    with pytest.raises(errors.Invalid, match="before 2026-02-10"):
        province.do(HOME, talent.Complete(stream=stream, day=day("2026-02-09")))


def test_the_claims_of_a_stream_are_what_its_facts_hold(province: Province) -> None:
    # given two days of one dispatch, of which one is corrected and the other voided
    in_force(province)
    expert = shared(province)
    one, other = started(province, expert), started(province, expert)
    first = province.record(province.do(HOME, talent.LogDay(stream=one, day=day("2026-02-03"))))
    second = province.record(province.do(HOME, talent.LogDay(stream=one, day=day("2026-02-04"))))
    province.do(HOME, correct(first, day="2026-02-05"))
    province.do(HOME, void(second))
    # then the other dispatch may have what was let go, and nothing else
    for free in ("2026-02-03", "2026-02-04"):
        province.do(HOME, talent.LogDay(stream=other, day=day(free)))
    with pytest.raises(errors.Taken):
        province.do(HOME, talent.LogDay(stream=other, day=day("2026-02-05")))
    # and a correction takes no half-day that the other has by now
    with pytest.raises(errors.Taken):
        province.do(HOME, correct(first, day="2026-02-03"))


def test_fields_that_are_named_are_fields() -> None:
    for kind in catalogue.EVENTS.values():
        assert (kind.terms | kind.fixed) <= set(kind.model_fields), kind.type


def test_what_binding_commands_record_is_marked_binding() -> None:
    # given the sources of the decisions, in which each makes its events by name
    makes = {kind: _made(kind) for kind in registry.COMMANDS}
    assert makes[cooperation.Propose] == {"MemorandumProposed", "MemorandumSentForSigning"}
    marked = {kind.__name__ for kind in catalogue.EVENTS.values() if kind.binding}
    # then all that binding ones make is marked, and of the rest what the leader answers for
    bound = {name for kind, names in makes.items() if kind.binding for name in names}
    assert bound <= marked
    free = {name for kind, names in makes.items() if not kind.binding for name in names}
    assert marked & free == {"MemorandumEnteredIntoForce", "MemorandumPartyReleased", "ExpertShared"}


def _made(kind: type[Command]) -> set[str]:
    """The events that a decision makes, and those that the private functions it calls make."""
    decision = commands.decision(kind.model_construct())
    module = inspect.getmodule(decision)
    source = inspect.getsource(decision)
    for name in set(re.findall(r"\b(_[a-z_]+)\(", source)):
        source += inspect.getsource(getattr(module, name, _made))
    names = {kind.__name__ for kind in catalogue.EVENTS.values()}
    return names.intersection(re.findall(r"\b([A-Z]\w+)\(", source))


def test_the_task_that_others_took_on_keeps_its_terms(province: Province) -> None:
    task = tasks.SetTask(title="筹备座谈会", owner=HOST, due=day("2026-06-30"))
    set_ = province.record(province.do(HOME, task))
    with pytest.raises(errors.Conflict, match="ask anew"):
        province.do(HOME, correct(set_, due="2026-01-01"))
    own = province.record(province.do(HOME, tasks.SetTask(title="整理", owner=HOME, due=day("2026-06-30"))))
    assert isinstance(taken(province, HOME, correct(own, title="整理档案")), Answer)


def test_an_opening_balance_is_corrected_by_a_clerk(province: Province) -> None:
    stated = province.record(province.do(HOME, experts.StateStrength(
        day=day("2026-01-01"), tier=next(iter(Tier)), field=next(iter(Expertise)),
        persons=3, opening=True,
    )))  # fmt: skip
    assert isinstance(taken(province, HOME, correct(stated, persons=4)), Answer)
    with pytest.raises(errors.Invalid, match="future"):
        taken(province, HOME, correct(stated, day="2027-01-01"), "2")
