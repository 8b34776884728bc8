"""However deliveries are shuffled, repeated and cut, every read model comes to the same state."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import activity, loops, values
from events.event import Event, Record
from projections import models
from projections.model import ReadModel
from projections.source import Entry
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, ask, corrected, held, planned, reference
from tests.projections.nodes import Node

BUREAUS = ("500116", "500117", "510300", "511600")


class Story:
    """A random history of activities of several bureaus: joint activities, answers good and bad."""

    def __init__(self, seed: int, steps: int) -> None:
        self.random = random.Random(seed)
        self.world = World(skew={b: self.random.randrange(-30, 30) for b in BUREAUS})
        self.streams: dict[str, list[Record[Event]]] = {}
        self.answers: list[Record[Event]] = []
        for number in range(steps):
            step = self.random.choice(
                [self.plan, self.publish, self.answer, self.hold, self.correct, self.odd]
            )
            step(number)

    def add(self, log: str, stream: str, data: Event, *basis: Record[Event]) -> Record[Event]:
        record = self.world.record(log, stream, data, basis)
        self.streams.setdefault(stream, []).append(record)
        return record

    def some(self, kind: type[Event]) -> Record[Event] | None:
        found = [r for records in self.streams.values() for r in records if isinstance(r.data, kind)]
        return self.random.choice(found) if found else None

    def plan(self, number: int) -> None:
        day = date(2026, 4, 1) + timedelta(days=number)
        self.add(self.random.choice(BUREAUS), f"s{number}", planned(f"活动{number}", starts=day, ends=day))

    def publish(self, number: int) -> None:
        if plan := self.some(activity.ActivityPlanned):
            others = [b for b in BUREAUS if b != plan.bureau]
            asks = tuple(ask(b) for b in self.random.sample(others, self.random.randrange(1, 3)))
            self.add(plan.log, self._of(plan), activity.ActivityPublished(asks=asks), plan)

    def answer(self, number: int) -> None:
        if question := self.some(activity.ActivityPublished):
            bureau = self.random.choice(BUREAUS)  # not always one that was asked
            given = self.random.choice([
                activity.CohostConfirmed(question=reference(question), persons=number),
                activity.CohostDeclined(question=reference(question), reason=WHY),
                activity.CohostReturned(question=reference(question), reason=WHY),
            ])  # fmt: skip
            self.answers.append(self.add(bureau, f"c{number}", given))

    def hold(self, number: int) -> None:
        if question := self.some(activity.ActivityPublished):
            mine = [a for a in self.answers if a.data.question == reference(question)]  # type: ignore[attr-defined]
            counted = self.random.sample(mine, self.random.randrange(len(mine) + 1))
            self.add(question.log, self._of(question), held(*counted, persons=number), question)

    def correct(self, number: int) -> None:
        if old := self.some(activity.ActivityHeld):
            new = held(persons=1_000 + number).model_copy(update={"answers": old.data.answers})  # type: ignore[attr-defined]
            self.add(old.log, self._of(old), corrected(old, new), *self._records(new.answers))
        if (plan := self.some(activity.ActivityPlanned)) and self.random.random() < 0.3:
            self.add(
                plan.log,
                self._of(plan),
                corrected(plan, plan.data.model_copy(update={"title": f"更名{number}"})),
            )

    def odd(self, number: int) -> None:
        if question := self.some(activity.ActivityPublished):
            match self.random.randrange(4):
                case 0:
                    asked = question.data.asks[0].bureau  # type: ignore[attr-defined]
                    others = [b for b in BUREAUS if b not in {asked, question.bureau}]
                    turn = activity.ActivityPassedOn(bureau=asked, to=ask(self.random.choice(others)))
                    self.add(question.log, self._of(question), turn)
                case 1:
                    self.world.unknown(question.log, self._of(question))
                case 2:
                    self.add(question.log, self._of(question), activity.ActivityCancelled(reason=WHY))
                case 3:
                    wrong = reference(question).model_copy(update={"leaf": "A" * 43 + "="})
                    self.add(BUREAUS[0], f"w{number}", activity.CohostConfirmed(question=wrong))

    def _of(self, record: Record[Event]) -> str:
        return next(s for s, records in self.streams.items() if any(r.key == record.key for r in records))

    def _records(self, references: tuple[values.Reference, ...]) -> list[Record[Event]]:
        return list(self.world.records([(r.log, r.position) for r in references]).values())


def deliveries(world: World, order: random.Random) -> list[list[Entry]]:
    """Every log in pieces that overlap, the logs mixed in any way, cut into batches of any size."""
    at = dict.fromkeys(world.logs, 0)
    pieces: list[list[Entry]] = []
    while open_ := [log for log, position in at.items() if position < len(world.logs[log])]:
        log = order.choice(open_)
        again, ahead = order.randrange(4), order.choice([1, 2, 3, 5, 8, 40])
        pieces.append(world.logs[log][max(at[log] - again, 0) : at[log] + ahead])
        at[log] = min(at[log] + ahead, len(world.logs[log]))
    batches: list[list[Entry]] = []
    while pieces:
        size = order.choice([1, 1, 2, 4, 9])
        batches.append([entry for piece in pieces[:size] for entry in piece])
        pieces = pieces[size:]
    return batches


def check_any_order(nodes: tuple[Node, Node], story: Story, seed: int) -> None:
    """One node folds a history in one go; the other, getting it in other orders, comes to the same."""
    straight, other = nodes
    straight.begin_again(story.world)
    straight.catch_up()
    for number in range(2):
        other.begin_again(story.world)
        for batch in deliveries(story.world, random.Random(seed + number)):
            other.fold(batch)
        while other.fold([]):
            pass
        # every read model has the same digest, and the same records wait
        assert other.waiting() == straight.waiting()
        assert other.digests() == straight.digests()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])  # both begin again
@given(seed=st.integers(0, 10**6))
def test_shuffled_repeated_and_cut_deliveries_give_equal_digests(
    two_nodes: tuple[Node, Node], seed: int
) -> None:
    check_any_order(two_nodes, Story(seed, steps=70), seed)


def test_the_story_has_what_makes_it_hard(new_node: NewNode) -> None:
    """The property says little about histories in which nothing waits and nothing is corrected."""
    node = new_node(World())
    causes: set[str] = set()
    kinds: set[type[Event]] = set()
    for seed in range(6):
        story = Story(seed, steps=70)
        node.begin_again(story.world)
        node.catch_up()
        causes |= set(node.waiting().values())
        kinds |= {type(r.data) for records in story.streams.values() for r in records}
    assert causes == {"held", "unknown", "failed", "foreign"}
    assert {activity.ActivityCorrected, activity.ActivityHeld, activity.CohostConfirmed} <= kinds
    assert issubclass(activity.ActivityHeld, loops.Settling)


@pytest.mark.parametrize("model", models.MODELS, ids=lambda m: m.name)
def test_a_digest_tells_states_apart(new_node: NewNode, model: ReadModel) -> None:
    story = Story(3, steps=60)
    node = new_node(story.world, chosen=[model])
    seen = set()
    for start in range(0, 60, 20):
        node.fold(story.world.all()[start : start + 20])
        seen.add(node.digests()[model.name])
    assert len(seen) == 3
