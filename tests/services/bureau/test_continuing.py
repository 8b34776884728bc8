"""Logs are closed and go on in others: Chongqing's change of 6 November 2025, with made-up streets."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from events import activity, errors
from events.activity import Form
from events.history import stream_of
from events.membership import Closure, Part
from events.values import Place, Reason, Why
from projections import activity as activities
from projections import inbox, track
from projections.activity import Chosen
from projections.source import Entry
from services.auditor import states
from services.auditor.queries import registry
from services.bureau.activity import Cancel, Confirm, Hold, Plan, Publish, Report
from services.bureau.continuing import CloseLog, Continue
from services.bureau.office import Answer
from services.bureau.records import Correct
from services.ledger import closing, logs, read, replay
from tests.projections import nodes
from tests.projections.histories import World
from tests.projections.nodes import Node
from tests.projections.test_any_order import deliveries
from tests.services.bureau.province import Province, day, prepare
from tests.support.databases import Server

JIANGBEI, YUBEI, LIANGJIANG, BEIBEI, OTHER = "500105", "500112", "500157", "500109", "500116"
TOWNS = {f"500112{n}" for n in (101, 102, 103, 104, 105)}
"""Five towns of Yubei; the street codes are made up."""
SIXTH = datetime(2025, 11, 6, 1, 0, tzinfo=UTC)
TODAY = date(2025, 11, 7)
WHY = Why(code=Reason.NO_LONGER_NEEDED)


def plan(title: str, division: str) -> Plan:
    return Plan(
        title=title, form=Form.CULTURE_SPORTS, starts=day("2025-12-01"), ends=day("2025-12-01"),
        place=Place(division=division),
    )  # fmt: skip


@pytest.fixture
def province(postgres: Server, new_database: Callable[..., str], tmp_path: Path) -> Iterator[Province]:
    bureaus = (JIANGBEI, YUBEI, LIANGJIANG, BEIBEI, OTHER)
    made = Province(new_database(postgres.template("node", prepare)), tmp_path, bureaus)
    made.now = datetime(2025, 11, 3, 1, 0, tzinfo=UTC)
    yield made
    made.close()


class Before:
    """What stands in both logs on the eve: open and finished things, one in a town, questions both ways."""

    def __init__(self, province: Province) -> None:
        self.province, do = province, province.do
        self.choir = do(YUBEI, plan("合唱", YUBEI))
        do(YUBEI, Publish(stream=self.stream(self.choir), bureaus=(OTHER,)))
        self.market = do(YUBEI, plan("集市", "500112103"))
        self.dropped = do(YUBEI, plan("讲座", YUBEI))
        do(YUBEI, Cancel(stream=self.stream(self.dropped), reason=WHY))
        self.walk = do(JIANGBEI, plan("健步走", JIANGBEI))
        self.visit = do(OTHER, plan("研学", OTHER))
        do(OTHER, Publish(stream=self.stream(self.visit), bureaus=(YUBEI,)))
        self.fair = do(OTHER, plan("书展", OTHER))
        do(OTHER, Publish(stream=self.stream(self.fair), bureaus=(JIANGBEI,)))
        do(JIANGBEI, Confirm(log=OTHER, stream=self.stream(self.fair)))

    def stream(self, answer: Answer) -> str:
        return self.province.stream(answer)

    def in_towns(self) -> tuple[str, ...]:
        """The streams of Yubei whose place lies in one of the five towns."""
        found = []
        for answer in (self.choir, self.market, self.dropped):
            first = self.province.record(answer)
            assert isinstance(first.data, activity.ActivityPlanned)
            found += [first.stream] if first.data.place.division in TOWNS else []
        return tuple(found)

    def close(self) -> None:
        """On the sixth both close; what is Yubei's in the five towns goes to Beibei."""
        self.province.now = SIXTH
        towns = Part(log=BEIBEI, streams=self.in_towns())
        self.province.do(YUBEI, CloseLog(reason=Closure.MERGER, successor=LIANGJIANG, parts=(towns,)))
        self.province.do(JIANGBEI, CloseLog(reason=Closure.MERGER, successor=LIANGJIANG))

    def go_on(self) -> None:
        for log, old in ((LIANGJIANG, YUBEI), (LIANGJIANG, JIANGBEI), (BEIBEI, YUBEI)):
            self.province.do(log, Continue(log=old))


def owners(province: Province) -> dict[str, str]:
    return {r.title: r.bureau for r in province.ask(activities.MODEL, activities.activities, Chosen())}


def test_a_closed_log_takes_nothing_more(province: Province) -> None:
    # given
    before = Before(province)
    # when
    before.close()
    # then
    with pytest.raises(errors.NotAllowed):
        province.do(YUBEI, plan("晚了", LIANGJIANG))
    with province.database.connection() as conn:
        state, closed = logs.state(conn, YUBEI), closing.of(conn, YUBEI)
    assert state.state == "closed"
    assert closed is not None
    assert (closed.size, closed.succession.successor) == (state.head, LIANGJIANG)


def test_open_streams_go_on_where_the_closing_says_and_finished_ones_stay(province: Province) -> None:
    before = Before(province)
    before.close()
    # when
    before.go_on()
    # then
    assert owners(province) == {
        "合唱": LIANGJIANG, "健步走": LIANGJIANG, "集市": BEIBEI, "讲座": YUBEI, "研学": OTHER, "书展": OTHER,
    }  # fmt: skip
    # and nothing is left to go on with: delivered twice
    with pytest.raises(errors.Conflict):
        province.do(LIANGJIANG, Continue(log=YUBEI))


def test_only_a_successor_goes_on_with_a_log_and_only_once_it_is_closed(province: Province) -> None:
    before = Before(province)
    with pytest.raises(errors.Conflict):
        province.do(LIANGJIANG, Continue(log=YUBEI))
    before.close()
    with pytest.raises(errors.NotAllowed):
        province.do(OTHER, Continue(log=YUBEI))


def test_a_question_that_was_open_is_answered_by_the_successor(province: Province) -> None:
    # given a question to a bureau that did not live to answer it
    before = Before(province)
    before.close()
    before.go_on()
    visit = before.stream(before.visit)
    waits = province.ask(inbox.MODEL, inbox.waiting_for, LIANGJIANG, TODAY)
    assert [item.title for item in waits] == ["研学"]
    # when its successor answers, and the asker holds the activity
    province.do(LIANGJIANG, Confirm(log=OTHER, stream=visit, persons=12))
    province.now = datetime(2025, 12, 2, 1, 0, tzinfo=UTC)
    province.do(OTHER, Hold(stream=visit, day=day("2025-12-01"), persons=50))
    # then the successor's word counts
    assert province.ask(activities.MODEL, activities.one, OTHER, visit).cohosts == [LIANGJIANG]
    assert province.ask(inbox.MODEL, inbox.waiting_for, LIANGJIANG, TODAY) == []


def test_an_answer_from_before_stays_under_the_code_it_was_given_under(province: Province) -> None:
    before = Before(province)
    before.close()
    before.go_on()
    fair = before.stream(before.fair)
    # when the asker counts it, and the successor tries to say the same again
    with pytest.raises(errors.Conflict):
        province.do(LIANGJIANG, Confirm(log=OTHER, stream=fair))
    province.now = datetime(2025, 12, 2, 1, 0, tzinfo=UTC)
    province.do(OTHER, Hold(stream=fair, day=day("2025-12-01"), persons=50))
    # then
    assert province.ask(activities.MODEL, activities.one, OTHER, fair).cohosts == [JIANGBEI]


def test_the_successor_decides_what_the_old_bureau_asked(province: Province) -> None:
    # given an answer to the question of the closed log, recorded after it
    before = Before(province)
    before.close()
    before.go_on()
    row = next(
        r for r in province.ask(activities.MODEL, activities.activities, Chosen()) if r.title == "合唱"
    )
    assert row.bureau == LIANGJIANG
    province.do(OTHER, Confirm(log=row.log, stream=row.stream))
    # when
    province.do(
        LIANGJIANG,
        Correct(
            aggregate="activity", stream=row.stream, position=before.choir.position, log=YUBEI,
            reason=Why(code=Reason.TYPING), payload={"title": "大合唱"},
        ),
    )  # fmt: skip
    province.now = datetime(2025, 12, 2, 1, 0, tzinfo=UTC)
    province.do(LIANGJIANG, Hold(stream=row.stream, day=day("2025-12-01"), persons=80))
    # then
    row = province.ask(activities.MODEL, activities.one, row.log, row.stream)
    assert (row.title, row.stage, row.cohosts) == ("大合唱", "held", [OTHER])
    with province.database.connection() as conn:
        waits = conn.execute("SELECT log, position, detail FROM projection.waiting").fetchall()
        assert track.vector(conn, "inbox")[LIANGJIANG] > 0
    assert waits == []


def test_figures_roll_up_by_the_divisions_of_either_day(province: Province) -> None:
    # given an activity that the old bureau finished, and one that its successor holds
    fair = province.do(YUBEI, plan("展览", YUBEI))
    province.do(YUBEI, Hold(stream=province.stream(fair), day=day("2025-11-02"), persons=30))
    province.do(YUBEI, Report(stream=province.stream(fair), day=day("2025-11-03")))
    before = Before(province)
    before.close()
    before.go_on()
    walk = stream_of(JIANGBEI, before.stream(before.walk), LIANGJIANG)
    province.now = datetime(2025, 12, 2, 1, 0, tzinfo=UTC)
    province.do(LIANGJIANG, Hold(stream=walk, day=day("2025-12-01"), persons=80))
    query = registry.find("activities")

    def persons(bureau: str, divisions_of: str | None = None) -> int:
        given = {"bureau": bureau} | ({"divisions_of": divisions_of} if divisions_of else {})
        answer = province.ask(activities.MODEL, query.ask, query.read(given))
        return next(int(figure.value) for figure in answer.figures if figure.name == "persons")

    # then history stays under the code it was made under, unless one asks by the divisions of a later day
    assert (persons(YUBEI), persons(LIANGJIANG)) == (30, 80)
    assert (persons(YUBEI, "2025-11-05"), persons(LIANGJIANG, "2025-11-05")) == (30, 80)
    assert (persons(YUBEI, "2025-11-06"), persons(LIANGJIANG, "2025-11-06")) == (0, 110)


def test_an_auditor_sees_the_state_at_any_version_with_what_it_goes_on_from(province: Province) -> None:
    before = Before(province)
    before.close()
    before.go_on()
    choir = stream_of(YUBEI, before.stream(before.choir), LIANGJIANG)
    with province.database.connection() as conn:
        now, none = states.at_version(conn, LIANGJIANG, choir), states.at_version(conn, LIANGJIANG, choir, 0)
        eve = states.known(conn, LIANGJIANG, choir, {YUBEI: 100})
    assert now.fields is not None
    assert (now.version, now.fields["stage"], now.broken) == (1, "published", None)
    assert [(fact.record.log, fact.record.version) for fact in now.facts] == [
        (YUBEI, 1),
        (YUBEI, 2),
        (LIANGJIANG, 1),
    ]
    assert (none.version, eve.version) == (0, 0)


def test_every_node_comes_to_the_same_in_any_order(
    province: Province, postgres: Server, new_database: Callable[..., str]
) -> None:
    # given all of it, folded as it was recorded
    before = Before(province)
    before.close()
    before.go_on()
    province.do(LIANGJIANG, Confirm(log=OTHER, stream=before.stream(before.visit)))
    world = World()
    with province.database.connection() as conn:
        for log in logs.heads(conn):
            world.logs[log] = [Entry(log, *entry) for entry in read.entries(conn, log)]
    other = Node(new_database(postgres.template("projections", nodes.prepare_database)), world)
    # when another node gets it shuffled, repeated and cut
    for seed in range(3):
        other.begin_again(world)
        for batch in deliveries(world, random.Random(seed)):
            other.fold(batch)
        while other.fold([]):
            pass
        # then
        assert other.digests() == province.digests()
    other.conn.close()


def test_what_went_on_is_found_legal_by_replay(province: Province) -> None:
    before = Before(province)
    before.close()
    before.go_on()
    with province.database.connection() as conn:
        assert [f for log in logs.heads(conn) for f in replay.replay(conn, log).findings] == []
