"""Streams of a closed log go on in another, and every read model has them there, in any order of delivery."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import activity, membership
from events.event import Event, Record
from events.history import Continued
from projections import activity as activities
from projections import inbox, model, questions
from projections.activity import Chosen
from projections.parties import Closing
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, corrected, held, planned, reference
from tests.projections.nodes import Node
from tests.projections.test_any_order import Story, check_any_order

OLD, NEW, PART, OTHER = "500112", "500157", "500109", "500116"
TODAY = date(2026, 3, 10)


class Merger:
    """A bureau that planned two activities and was asked to a third one merges into another."""

    def __init__(self, before: int = 0) -> None:
        self.world = World()
        record = self.world.record
        for number in range(before):
            record(OLD, f"cancelled {number}", planned("讲座"))
        self.plan = record(OLD, "a", planned("合唱"))
        self.question = record(OLD, "a", activity.ActivityPublished(asks=(ask(OTHER),)))
        self.over = record(OLD, "done", planned("讲座"))
        self.end = record(OLD, "done", activity.ActivityCancelled(reason=WHY))
        self.town = record(OLD, "t", planned("集市"))
        self.asked = record(OTHER, "b", planned("研学"))
        self.invitation = record(OTHER, "b", activity.ActivityPublished(asks=(ask(OLD),)))
        self.closing = self.world.close(OLD, NEW, _500109=[self.town.stream])

    def go_on(self) -> Record[Event]:
        """Both successors go on with what is theirs."""
        self.world.go_on(self.town, PART, self.closing)
        return self.world.go_on(self.question, NEW, self.closing)


def rows(node: Node) -> dict[str, str]:
    with model.reading(node.conn, activities.MODEL) as conn:
        return {row.title or "": row.bureau for row in activities.activities(conn, Chosen())}


def waiting_for(node: Node, bureau: str) -> list[str | None]:
    with model.reading(node.conn, inbox.MODEL) as conn:
        return [item.title for item in inbox.waiting_for(conn, bureau, TODAY)]


def test_open_streams_are_the_successors_and_finished_ones_stay(new_node: NewNode) -> None:
    # given
    merger = Merger()
    merger.go_on()
    node = new_node(merger.world)
    # when
    node.catch_up()
    # then
    assert rows(node) == {"合唱": NEW, "讲座": OLD, "集市": PART, "研学": OTHER}
    assert node.waiting() == {}


def test_a_question_to_the_old_bureau_waits_for_its_successor(new_node: NewNode) -> None:
    merger = Merger()
    node = new_node(merger.world)
    node.catch_up()
    assert waiting_for(node, NEW) == ["研学"]
    assert waiting_for(node, OLD) == []
    # when the successor answers, naming the closing
    answer = activity.CohostConfirmed(question=reference(merger.invitation))
    merger.world.record(NEW, "c", answer, [merger.closing])
    node.catch_up()
    # then
    assert waiting_for(node, NEW) == []
    assert node.waiting() == {}


def test_an_answer_in_the_old_ones_place_counts_only_with_the_closing(new_node: NewNode) -> None:
    merger = Merger()
    answer = activity.CohostConfirmed(question=reference(merger.invitation))
    without = merger.world.record(NEW, "c", answer)
    stranger = merger.world.record(OTHER, "d", answer.model_copy(), [merger.closing])
    node = new_node(merger.world)
    node.catch_up()
    assert node.waiting() == {without.key: "foreign", stranger.key: "foreign"}


def test_the_successor_decides_with_answers_to_the_old_question(new_node: NewNode) -> None:
    # given an answer that names the old question, recorded after the closing
    merger = Merger()
    first = merger.go_on()
    answer = merger.world.record(OTHER, "c", activity.CohostConfirmed(question=reference(merger.question)))
    # when the successor holds the activity in the stream that goes on, and corrects the old plan
    merger.world.record(NEW, first.stream, held(answer, persons=40))
    right = corrected(merger.plan, planned("大合唱"))
    merger.world.record(NEW, first.stream, right, [merger.plan])
    node = new_node(merger.world)
    node.catch_up()
    # then
    assert node.waiting() == {}
    with model.reading(node.conn, activities.MODEL) as conn:
        row = activities.one(conn, NEW, first.stream)
        (said,) = activities.answers(conn, NEW, first.stream)
        counted = activities.counts(conn, Chosen(), "bureau")
    assert row is not None
    assert (row.title, row.stage, row.persons, row.cohosts) == ("大合唱", "held", 40, [OTHER])
    assert (said.bureau, said.counts, said.too_late) == (OTHER, True, False)
    assert {c.key: c.activities for c in counted} == {NEW: 1, OTHER: 1}


def test_what_the_successor_asks_anew_takes_the_old_questions_place(new_node: NewNode) -> None:
    # given a question far on in a long log
    merger = Merger(before=20)
    first = merger.go_on()
    # when the successor, whose log is short, asks somebody else
    merger.world.record(NEW, first.stream, activity.ActivityPublished(asks=(ask("510300"),)))
    node = new_node(merger.world)
    node.catch_up()
    # then the old question stands no more
    assert waiting_for(node, OTHER) == []
    assert waiting_for(node, "510300") == ["合唱"]
    with model.reading(node.conn, activities.MODEL) as conn:
        assert [asked.bureau for asked in questions.asked(conn, "activity", NEW, first.stream, TODAY)] == [
            "510300"
        ]


def test_only_the_named_log_goes_on_with_a_stream_once_and_from_its_end(new_node: NewNode) -> None:
    merger = Merger()
    world = merger.world
    unnamed = world.go_on(merger.question, OTHER, merger.closing)
    not_its_part = world.go_on(merger.town, NEW, merger.closing)
    too_early = world.go_on(merger.plan, NEW, merger.closing)
    again = world.go_on(merger.question, NEW, merger.closing)  # in the same stream, as its second record
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == dict.fromkeys([unnamed.key, not_its_part.key, too_early.key], "foreign") | {
        again.key: "held"
    }
    assert rows(node)["合唱"] == OLD


def test_without_a_closing_nothing_goes_on(new_node: NewNode) -> None:
    world = World()
    plan = world.record(OLD, "a", planned("合唱"))
    taken = world.go_on(plan, NEW)
    node = new_node(world)
    node.catch_up()
    assert node.waiting() == {taken.key: "foreign"}


def test_the_alliance_document_closes_what_cannot_sign(new_node: NewNode) -> None:
    # given a log whose key is lost, closed by the document
    world = World()
    plan = world.record(OTHER, "a", planned("合唱"))
    last = world.record(OTHER, "b", planned("讲座"))
    world.closed[OTHER] = Closing(OTHER, 2, membership.Succession(successor=f"{OTHER}-2"))
    # when its streams go on, one of them without naming the last record that counts
    world.go_on(plan, f"{OTHER}-2", last)
    world.go_on(last, f"{OTHER}-2")
    node = new_node(world)
    node.catch_up()
    # then
    assert node.waiting() == {}
    assert rows(node) == {"合唱": OTHER, "讲座": OTHER}


class Closed(Story):
    """A random history in which a log is closed halfway and goes on in two others, rightly and wrongly."""

    def __init__(self, seed: int, steps: int) -> None:
        super().__init__(seed, steps)
        self.log = self.random.choice(sorted(self.world.logs))
        last = self._last()
        part = [r.stream for r in last if self.random.random() < 0.3]
        parts = {"_500109": part} if part else {}
        self.closing = self.world.close(self.log, NEW, **parts)
        self.gone = {r.stream: PART if r.stream in part else NEW for r in last}
        self.left = self.random.sample(last, len(last))
        for number in range(steps, 2 * steps):
            step = self.random.choice(
                [self.go_on, self.go_on, self.publish, self.answer, self.hold, self.correct]
            )
            step(number)

    def _last(self) -> list[Record[Event]]:
        """The last record of each stream of the log, as it stands there."""
        found: dict[str, Record[Event]] = {}
        for entry in self.world.logs[self.log]:
            (record,) = self.world.records([(self.log, entry.position)]).values() or [None]
            if record is not None:
                found[record.stream] = record
        return list(found.values())

    def go_on(self, number: int) -> None:
        if self.left:
            last = self.left.pop()
            wrong = self.random.random() < 0.1
            log = OTHER if wrong else self.gone[last.stream]
            first = self.world.go_on(last, log, self.closing)
            stood = ((rs[0].log, rs[0].stream) for rs in self.streams.values())
            old = dict(zip(stood, self.streams, strict=True)).get((last.log, last.stream), "")
            self.streams[first.stream] = [*self.streams.pop(old, []), first]

    def add(self, log: str, stream: str, data: Event, *basis: Record[Event]) -> Record[Event]:
        records = self.streams.get(stream, [])
        home = records[-1].log if records else log
        if home == getattr(self, "log", None):  # where nothing is recorded any more
            home, stream = NEW, f"new {stream}"
        named = [r for r in records if r.position == getattr(data, "corrects", 0)]
        return super().add(home, stream, data, *basis, *named)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])  # both begin again
@given(seed=st.integers(0, 10**6))
def test_shuffled_repeated_and_cut_deliveries_of_closed_logs_give_equal_digests(
    two_nodes: tuple[Node, Node], seed: int
) -> None:
    check_any_order(two_nodes, Closed(seed, steps=40), seed)


def test_the_closed_story_goes_on(new_node: NewNode) -> None:
    node = new_node(World())
    folded = 0
    for seed in range(4):
        story = Closed(seed, steps=40)
        node.begin_again(story.world)
        node.catch_up()
        waits = node.waiting()
        firsts = [r for rs in story.streams.values() for r in rs if isinstance(r.data, Continued)]
        folded += sum(r.key not in waits for r in firsts)
    assert folded > 10
