"""The pool's pyramid as of a day, who may be offered, and stated satisfaction."""

from datetime import date

import pytest

from events import experts as events
from events.event import Event, Record
from events.experts import Tier
from events.values import Expertise
from projections import experts, talent
from projections.experts import Chosen
from tests.projections.agreements import correction
from tests.projections.conftest import NewNode
from tests.projections.histories import WHY, World, stream_id
from tests.projections.nodes import Node
from tests.projections.reading import ask as ask_model

HOME, OTHER = "500153", "500116"
DAY, LATER = date(2026, 5, 1), date(2026, 6, 1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def node(new_node: NewNode, world: World) -> Node:
    return new_node(world, chosen=[talent.MODEL])


def share(world: World, word: str, speciality: str = "柑橘栽培", **changes: object) -> Record[Event]:
    fields = {"fields": (Expertise.AGRICULTURE,), "tier": Tier.POOL, "speciality": speciality, **changes}
    return world.record(HOME, word, events.ExpertShared(**fields))  # type: ignore[arg-type]  # examples


def one(node: Node, word: str, day: date = DAY) -> experts.Expert:
    expert = ask_model(node, talent.MODEL, experts.one, HOME, stream_id(word), day)
    assert expert is not None
    return expert


def test_the_pyramid_is_the_newest_statement_of_each_field_and_tier(node: Node, world: World) -> None:
    # given statements that come in any order, one of them corrected
    def state(persons: int, day: date, tier: Tier = Tier.POOL) -> Record[Event]:
        stated = events.PoolStrengthStated(day=day, tier=tier, field=Expertise.LAW, persons=persons)
        return world.record(HOME, "pool", stated)

    state(30, LATER)
    wrong = state(200, DAY)
    state(5, DAY, Tier.THINK_TANK)
    right = events.PoolStrengthStated(day=DAY, tier=Tier.POOL, field=Expertise.LAW, persons=20)
    world.record(HOME, "pool", correction(events.PoolCorrected, wrong, right))

    def shown(day: date) -> list[tuple[str, int]]:
        return [(s.tier, s.persons) for s in ask_model(node, talent.MODEL, experts.pyramid, day, HOME)]

    assert shown(LATER) == [("think-tank", 5), ("pool", 30)]
    assert shown(DAY) == [("think-tank", 5), ("pool", 20)]
    assert shown(date(2026, 4, 1)) == []
    assert ask_model(node, talent.MODEL, experts.pyramid, DAY, OTHER) == []


def test_who_needs_clearance_is_blocked_with_the_reason_until_it_is_given_and_after_it_ends(
    node: Node, world: World
) -> None:
    share(world, "e", needs_clearance=True)
    assert (one(node, "e").blocked, one(node, "e").may_be_offered) == ("needs-clearance", False)
    cleared = world.record(HOME, "e", events.ExpertCleared(until=DAY))
    assert one(node, "e").may_be_offered
    assert one(node, "e", LATER).blocked == "needs-clearance"
    world.record(HOME, "e", events.ExpertCleared())
    assert one(node, "e", LATER).may_be_offered
    world.record(HOME, "e", events.ExpertVoided(voids=cleared.position + 1, reason=WHY))
    assert one(node, "e", LATER).blocked == "needs-clearance"


def test_who_is_no_longer_shared_is_out_of_the_list(node: Node, world: World) -> None:
    share(world, "e")
    world.record(HOME, "e", events.ExpertWithdrawn(reason=WHY))
    assert one(node, "e").blocked == "withdrawn"
    assert ask_model(node, talent.MODEL, experts.experts, Chosen(), DAY) == []
    assert ask_model(node, talent.MODEL, experts.experts, Chosen(withdrawn=True), DAY)


def test_experts_are_searched_by_field_tier_and_any_part_of_the_speciality(node: Node, world: World) -> None:
    share(world, "orange", "血橙栽培")
    share(
        world,
        "pig",
        "生猪养殖100%",
        fields=(Expertise.LIVESTOCK, Expertise.AGRICULTURE),
        needs_clearance=True,
    )
    share(world, "lace", "非遗刺绣", fields=(Expertise.HERITAGE,), tier=Tier.THINK_TANK)
    changed = events.ExpertProfileChanged(speciality="非遗蜀绣", fields=(Expertise.HERITAGE,), tier=Tier.POOL)
    world.record(HOME, "lace", changed)

    def found(**chosen: object) -> list[str]:
        rows = ask_model(node, talent.MODEL, experts.experts, Chosen(**chosen), DAY)  # type: ignore[arg-type]  # examples
        return [r.speciality for r in rows]

    assert found() == ["血橙栽培", "生猪养殖100%", "非遗蜀绣"]
    assert found(field="agriculture") == ["血橙栽培", "生猪养殖100%"]
    assert found(speciality="血橙") == ["血橙栽培"]
    assert found(speciality="%") == ["生猪养殖100%"]
    assert found(tier="think-tank") == []
    assert found(may_be_offered=False) == ["生猪养殖100%"]
    assert found(bureau=OTHER) == []
    first, *rest = ask_model(node, talent.MODEL, experts.experts, Chosen(), DAY)
    assert ask_model(node, talent.MODEL, experts.experts, Chosen(), DAY, after=first.cursor) == rest


def test_satisfaction_is_the_sum_of_stated_periods(node: Node, world: World) -> None:
    for log, start, end in ((HOME, "2025-01-01", "2025-12-31"), (OTHER, "2026-01-01", "2026-03-31")):
        stated = events.SatisfactionStated(
            starts=date.fromisoformat(start),
            ends=date.fromisoformat(end),
            satisfied=9,
            fair=2,
            dissatisfied=1,
        )
        world.record(log, f"s{log}", stated)
    asked = ask_model(node, talent.MODEL, experts.satisfaction)
    assert (asked.satisfied, asked.fair, asked.dissatisfied, asked.total) == (18, 4, 2, 24)
    assert ask_model(node, talent.MODEL, experts.satisfaction, first=date(2026, 1, 1)).total == 12
    assert ask_model(node, talent.MODEL, experts.satisfaction, bureau="510300").total == 0
