"""Drafts: nothing stands in a log before the leader releases it, and nobody releases what they proposed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from events import errors
from events.loops import Role
from events.values import Reason, Why
from services.bureau import commands, cooperation, experts, talent
from services.bureau.case import Officer
from services.bureau.desk import Desk, Draft
from services.bureau.office import Answer, Office, Order
from services.runtime import workdays
from tests.services.bureau import test_cooperation, test_office, test_talent
from tests.services.bureau.province import ALLIANCE, Province, day, officer
from tests.services.bureau.test_cooperation import HOME, proposal

CLERK, LEADER = officer(HOME), officer(HOME, Role.LEADER)


def draft(province: Province, by: Officer = CLERK, key: str = "d") -> Draft:
    found = province.desk.take(HOME, Order(key, by, proposal()))
    assert isinstance(found, Draft)
    return found


def entries(province: Province) -> int:
    with province.database.connection() as conn:
        row = conn.execute("SELECT count(*) FROM ledger.entry").fetchone()
    return int(row[0]) if row else 0  # type: ignore[call-overload]  # count(*)


def test_a_binding_command_waits_for_the_leader_and_is_recorded_once_at_the_word(province: Province) -> None:
    # given a clerk's proposal
    found = draft(province)
    assert entries(province) == 0
    # when the leader releases it, twice
    first = province.desk.release(HOME, found.id, LEADER)
    again = province.desk.release(HOME, found.id, LEADER)
    # then it stands in the log once, by the leader
    assert first == again
    province.settle()
    assert {r.actor for r in province.history(HOME, province.stream(first))} == {LEADER.actor}


def test_the_same_key_is_the_same_draft(province: Province) -> None:
    assert draft(province).id == draft(province).id
    assert len(province.desk.waiting(HOME)) == 1


def test_whoever_proposed_cannot_approve(province: Province) -> None:
    found = draft(province, LEADER)
    with pytest.raises(errors.NotAllowed, match="proposed"):
        province.desk.release(HOME, found.id, LEADER)


def test_a_clerk_cannot_release(province: Province) -> None:
    found = draft(province)
    with pytest.raises(errors.NotAllowed, match="leader"):
        province.desk.release(HOME, found.id, CLERK._replace(id="another"))


def test_a_delegate_releases_in_the_days_of_the_delegation_only(province: Province) -> None:
    found, delegate = draft(province), CLERK._replace(id="another")
    province.desk.delegate(HOME, LEADER, "another", day("2026-03-01"), day("2026-03-02"))
    assert isinstance(province.desk.release(HOME, found.id, delegate), Answer)
    from datetime import timedelta

    province.now += timedelta(days=2)
    later = draft(province, key="later")
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, later.id, delegate)


def test_a_delegation_is_listed_and_ends_at_the_leaders_word(province: Province) -> None:
    found, delegate = draft(province), CLERK._replace(id="another")
    for _ in range(2):  # the form sent twice
        province.desk.delegate(HOME, LEADER, "another", day("2026-03-01"), day("2026-03-05"), "k")
    (given,) = province.desk.delegations(HOME)
    assert (given.delegate, given.holds(day("2026-03-05")), given.holds(day("2026-03-06"))) == (
        "another", True, False,
    )  # fmt: skip
    for _ in range(2):
        province.desk.end_delegation(HOME, LEADER, given.id)
    assert [d.ended == province.now for d in province.desk.delegations(HOME)] == [True]
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, found.id, delegate)


def test_only_a_leader_of_the_bureau_delegates_and_not_to_the_past_or_to_nobody_else(
    province: Province,
) -> None:
    first, last = day("2026-03-01"), day("2026-03-05")
    for who in (CLERK, officer("510300", Role.LEADER)):
        with pytest.raises(errors.NotAllowed):
            province.desk.delegate(HOME, who, "another", first, last)
    with pytest.raises(errors.Invalid):
        province.desk.delegate(HOME, LEADER, LEADER.id, first, last)
    with pytest.raises(errors.Invalid):
        province.desk.delegate(HOME, LEADER, "another", first, first)
    with pytest.raises(errors.NotFound):
        province.desk.end_delegation(HOME, LEADER, "00000000-0000-0000-0000-000000000000")
    assert province.desk.delegations(HOME) == []


def test_the_day_of_a_delegation_is_the_day_in_chongqing(province: Province) -> None:
    found, delegate = draft(province), CLERK._replace(id="another")
    province.desk.delegate(HOME, LEADER, "another", day("2026-03-03"), day("2026-03-03"))
    province.now = province.now.replace(hour=17)  # past midnight in Chongqing
    assert isinstance(province.desk.release(HOME, found.id, delegate), Answer)


def test_what_a_draft_names_is_kept_before_the_draft_is(province: Province) -> None:
    draft(province)
    assert (HOME, proposal().text.digest, frozenset()) in province.shared


def test_a_returned_draft_goes_back_with_its_reason_and_cannot_be_released(province: Province) -> None:
    found = draft(province)
    assert province.desk.send_back(HOME, found.id, LEADER, Reason.UNCLEAR).reason == "unclear"
    with pytest.raises(errors.Conflict, match="returned"):
        province.desk.release(HOME, found.id, LEADER)
    assert province.desk.discard(HOME, found.id, CLERK).state == "discarded"


def test_a_refused_release_leaves_the_draft_as_it_was(province: Province) -> None:
    # given two drafts of which only one can be released
    stream = province.stream(province.do(HOME, proposal()))
    withdraw = cooperation.Withdraw(stream=stream, reason=Why(code=Reason.OTHER))
    one, other = (province.desk.take(HOME, Order(key, CLERK, withdraw)) for key in ("one", "other"))
    assert isinstance(one, Draft)
    assert isinstance(other, Draft)
    province.desk.release(HOME, one.id, LEADER)
    # when the other is tried
    before = entries(province)
    with pytest.raises(errors.Conflict):
        province.desk.release(HOME, other.id, LEADER)
    # then it waits on, and nothing was added
    assert province.desk.get(HOME, other.id).state == "proposed"
    assert entries(province) == before


def test_what_the_leader_could_not_release_is_refused_to_the_clerk_at_once(province: Province) -> None:
    # given an expert who needs a clearance, and bureaus without a memorandum
    expert = test_talent.shared(province, needs_clearance=True)
    before = entries(province)
    # when a clerk lays what cannot be done
    # then the clerk hears why, and nothing waits for the leader
    with pytest.raises(errors.MissingMemorandum, match="talent between"):
        province.desk.take(HOME, Order("offer", CLERK, test_talent.offer(expert)))
    test_cooperation.in_force(province)
    between = entries(province)
    with pytest.raises(errors.Conflict, match="needs clearance"):
        province.desk.take(HOME, Order("offer", CLERK, test_talent.offer(expert)))
    with pytest.raises(errors.Invalid, match="leave your own code out"):
        province.desk.take(HOME, Order("bad", CLERK, proposal(parties=(HOME,))))
    assert province.desk.waiting(HOME) == []
    assert before < between == entries(province)
    # and once it can be done, the same key is free for it
    province.do(HOME, experts.Clear(stream=expert))
    assert isinstance(province.desk.take(HOME, Order("offer", CLERK, test_talent.offer(expert))), Draft)


def test_the_same_key_gives_the_draft_again_though_it_could_not_be_laid_any_more(province: Province) -> None:
    # given a draft that was released
    stream = province.stream(province.do(HOME, proposal()))
    order = Order("once", CLERK, cooperation.Withdraw(stream=stream, reason=Why(code=Reason.OTHER)))
    found = province.desk.take(HOME, order)
    assert isinstance(found, Draft)
    province.desk.release(HOME, found.id, LEADER)
    # when the clerk, who heard nothing, sends it again
    again = province.desk.take(HOME, order)
    # then it is the same one
    assert isinstance(again, Draft)
    assert (again.id, again.state) == (found.id, "released")


def test_an_officer_of_another_bureau_can_do_nothing_here(province: Province) -> None:
    with pytest.raises(errors.NotAllowed):
        province.desk.take(HOME, Order("x", officer("510300"), proposal()))
    found = draft(province)
    with pytest.raises(errors.NotAllowed):
        province.desk.release(HOME, found.id, officer("510300", Role.LEADER))


def while_recording(province: Province, act: Callable[[], object]) -> Desk:
    """A desk at which something else is asked for between a decision and its record."""
    office = Office(
        province.database, ALLIANCE, lambda: province.now, workdays.add, may_write=lambda _: (act(), None)[1]
    )
    return Desk(province.database, office, lambda: province.now, workdays.add)


@pytest.mark.parametrize("step", ["discard", "return", "review"])
def test_a_draft_that_is_being_released_is_not_moved_under_the_leaders_hand(
    province: Province, step: str
) -> None:
    # given a draft that the leader releases while somebody else moves it
    found, other = draft(province), CLERK._replace(id="another")
    second = LEADER._replace(id="second")
    moves: dict[str, Callable[[], Draft]] = {
        "discard": lambda: province.desk.discard(HOME, found.id, CLERK),
        "return": lambda: province.desk.send_back(HOME, found.id, second, Reason.UNCLEAR),
        "review": lambda: province.desk.review(HOME, found.id, other),
    }
    asked: list[Future[Draft]] = []
    with ThreadPoolExecutor(1) as pool:

        def move() -> None:
            if not asked:
                asked.append(pool.submit(moves[step]))
                wait(asked, timeout=0.3)

        # when the record is made
        answer = while_recording(province, move).release(HOME, found.id, LEADER)
    # then the word that was recorded is the draft's state, and the other is told
    assert isinstance(asked[0].exception(), errors.Conflict)
    after = province.desk.get(HOME, found.id)
    assert (after.state, after.position, after.decider) == ("released", answer.position, LEADER.id)
    assert entries(province) == answer.events


def test_a_draft_whose_record_stands_cannot_be_taken_away_and_releasing_again_completes_it(
    province: Province,
) -> None:
    # given a release that was killed between its record and the draft's move
    found = draft(province)
    first = province.office.do(HOME, Order(f"draft/{found.id}", LEADER, found.order()))
    # when the others go on
    moves: list[Callable[[], Draft]] = [
        lambda: province.desk.discard(HOME, found.id, CLERK),
        lambda: province.desk.send_back(HOME, found.id, LEADER, Reason.UNCLEAR),
        lambda: province.desk.review(HOME, found.id, CLERK._replace(id="another")),
    ]
    for move in moves:
        with pytest.raises(errors.Conflict, match="the draft is released"):
            move()
    # then only the release goes through, and gives the answer of before
    assert province.desk.release(HOME, found.id, LEADER) == first
    assert province.desk.get(HOME, found.id).state == "released"


def test_who_released_first_stays_named_when_another_leader_releases_again(province: Province) -> None:
    found = draft(province)
    first = province.desk.release(HOME, found.id, LEADER)
    assert province.desk.release(HOME, found.id, LEADER._replace(id="second")) == first
    assert province.desk.get(HOME, found.id).decider == LEADER.id


def test_many_releases_at_once_do_not_wait_for_one_another_for_ever(province: Province) -> None:
    # given more drafts than the node has connections
    found = [draft(province, key=f"d{number}") for number in range(12)]
    # when all are released at the same moment, each twice
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda d: province.desk.release(HOME, d.id, LEADER), [*found, *found]))
    # then each stands once
    assert answers[:12] == answers[12:]
    assert entries(province) == sum(a.events for a in answers[:12])


def test_a_key_means_one_command_of_its_log_whether_it_binds_or_not(province: Province) -> None:
    # given a key under which a draft waits, and one under which a record stands
    draft(province, key="binds")
    plan = test_office.plan()
    done = province.desk.take(HOME, Order("free", CLERK, plan))
    # when each is used for the other kind of command
    # then it is refused, and nothing is added
    with pytest.raises(errors.SameKeyOtherBody):
        province.desk.take(HOME, Order("binds", CLERK, plan))
    with pytest.raises(errors.SameKeyOtherBody):
        draft(province, key="free")
    assert province.desk.take(HOME, Order("free", CLERK, plan)) == done
    assert (entries(province), len(province.desk.waiting(HOME))) == (1, 1)


def test_a_key_of_a_draft_is_no_key_of_another_command_with_the_same_body(province: Province) -> None:
    # given two binding commands that are written in the same words
    asking = province.stream(province.do("510300", proposal(parties=(HOME,))))
    words = f'{{"log": "510300", "stream": "{asking}", "reason": {{"code": "other"}}}}'
    one, other = (commands.parse(kind, words) for kind in (cooperation.DeclineToSign, talent.DeclineOffer))
    assert (one.binding, other.binding) == (True, True)
    assert one.model_dump_json(exclude_none=True) == other.model_dump_json(exclude_none=True)
    province.desk.take(HOME, Order("k", CLERK, one))
    # when the key of the one is used for the other
    with pytest.raises(errors.SameKeyOtherBody):
        province.desk.take(HOME, Order("k", CLERK, other))


def test_one_of_two_commands_under_one_key_at_the_same_moment_is_refused(province: Province) -> None:
    # given two kinds of command under each of some keys
    orders = [Order(f"k{n}", CLERK, c) for n in range(10) for c in (proposal(), test_office.plan())]

    def attempt(order: Order) -> bool:
        try:
            province.desk.take(HOME, order)
        except errors.SameKeyOtherBody:
            return False
        return True

    # when all come at once
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(attempt, orders))
    # then of each pair one was taken
    assert [sum(pair) for pair in zip(taken[::2], taken[1::2], strict=True)] == [1] * 10
    assert entries(province) + len(province.desk.waiting(HOME)) == 10
