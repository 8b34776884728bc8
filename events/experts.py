"""What can happen to a talent pool (人才库), to a shared expert and to stated satisfaction (in talent)."""

from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.values import Choice, Count, Day, Expertise, Paper, Title, Why

Fields = Annotated[tuple[Expertise, ...], Field(min_length=1, max_length=9)]


class Tier(Choice):
    """Two tiers of the pyramid."""

    THINK_TANK = "think-tank", "智库", "think tank"
    POOL = "pool", "人才库", "pool"


class PoolStrengthStated(Event, type="yinqiao.talent.pool-strength-stated.v1"):
    """How many experts the bureau has in one field and tier; the register itself is private."""

    zh = "截至{day}，{bureau}{tier}（{field}）共{persons}人"
    en = "as of {day}, {bureau} has {persons} experts in its {tier} ({field})"
    day: Day
    tier: Tier
    field: Expertise
    persons: Count
    opening: Annotated[bool, Field(description="from before the platform, not evidenced (期初数)")] = False


class PoolCorrected(Corrected, type="yinqiao.talent.pool-corrected.v1"):
    """A statement of strength was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class PoolVoided(Voided, type="yinqiao.talent.pool-voided.v1"):
    """A statement of strength never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class ExpertShared(Event, type="yinqiao.talent.expert-shared.v1"):
    """An expert who agreed to it is shown to partners, under a reference of its own: no name, age or class.

    `needs_clearance`: posts in societies and enterprises need leave first, and until it is given the expert
    cannot be offered.
    """

    zh = "{bureau}共享一名专家：{speciality}（{fields}，{tier}）"
    en = "{bureau} shares an expert in {speciality} ({fields}, {tier})"
    binding = True
    speciality: Title
    fields: Fields
    tier: Tier
    needs_clearance: bool = False


class ExpertProfileChanged(Event, type="yinqiao.talent.expert-profile-changed.v1"):
    """What is shown about the expert changes."""

    zh = "{bureau}更新专家信息：{speciality}（{fields}，{tier}）"
    en = "{bureau} updates an expert's profile: {speciality} ({fields}, {tier})"
    speciality: Title
    fields: Fields
    tier: Tier


class ExpertCleared(Event, type="yinqiao.talent.expert-cleared.v1"):
    """Clearance was checked privately; the expert may be offered, until that day if there is one."""

    zh = "{bureau}确认专家可以选派"
    en = "{bureau} confirms that the expert may be offered"
    binding = True
    until: Annotated[Day | None, Field(description="the last day; none: until further notice")] = None


class ExpertWithdrawn(Event, type="yinqiao.talent.expert-withdrawn.v1"):
    """The expert is no longer shared; what was agreed before stays."""

    zh = "{bureau}停止共享该专家：{reason}"
    en = "{bureau} no longer shares the expert: {reason}"
    reason: Why


class ExpertCorrected(Corrected, type="yinqiao.talent.expert-corrected.v1"):
    """A fact about the expert was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class ExpertVoided(Voided, type="yinqiao.talent.expert-voided.v1"):
    """A fact about the expert never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class SatisfactionStated(Event, type="yinqiao.talent.satisfaction-stated.v1"):
    """How a host rated the dispatches that ended in a period, as counts; single marks never enter a log."""

    zh = "{bureau}{starts}至{ends}评价：满意{satisfied}次，基本满意{fair}次，不满意{dissatisfied}次"
    en = "{bureau}, {starts} to {ends}: {satisfied} satisfied, {fair} fairly, {dissatisfied} not"
    starts: Day
    ends: Day
    satisfied: Count
    fair: Count
    dissatisfied: Count
    paper: Paper | None = None


class SatisfactionCorrected(Corrected, type="yinqiao.talent.satisfaction-corrected.v1"):
    """A statement of satisfaction was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class SatisfactionVoided(Voided, type="yinqiao.talent.satisfaction-voided.v1"):
    """A statement of satisfaction never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Pool:
    """The newest strength of each (tier, field), by the day it was stated for."""

    strengths: dict[tuple[str, str], PoolStrengthStated] = field(default_factory=dict)

    def total(self, tier: Tier) -> int:
        """Persons of a tier over all fields."""
        return sum(s.persons for (of, _), s in self.strengths.items() if of == tier)


def evolve_pool(pool: Pool | None, record: Record[Event]) -> Pool:
    """The next state of a pool. Raises ImpossibleHistory."""
    match record.data:
        case PoolStrengthStated(tier=tier, field=field_) as stated:
            known = pool.strengths if pool else {}
            old = known.get((tier, field_))
            newer = stated if old is None or old.day <= stated.day else old
            return Pool({**known, (tier, field_): newer})
    raise impossible(pool, record)


@dataclass(frozen=True)
class Expert:
    """A shared expert; stage: shared, withdrawn."""

    stage: str
    speciality: str
    fields: tuple[Expertise, ...]
    tier: Tier
    needs_clearance: bool
    cleared: ExpertCleared | None = None

    def may_be_offered(self, day: Day) -> bool:
        """Whether the expert is shared and, where clearance is needed, has it on that day."""
        cleared = self.cleared is not None and (self.cleared.until is None or day <= self.cleared.until)
        return self.stage == "shared" and (cleared or not self.needs_clearance)


def evolve_expert(expert: Expert | None, record: Record[Event]) -> Expert:
    """The next state of an expert. Raises ImpossibleHistory."""
    match expert, record.data:
        case None, ExpertShared() as e if len(set(e.fields)) == len(e.fields):
            return Expert("shared", e.speciality, e.fields, e.tier, e.needs_clearance)
        case Expert(stage="shared"), ExpertProfileChanged() as new if len(set(new.fields)) == len(new.fields):
            return replace(expert, speciality=new.speciality, fields=new.fields, tier=new.tier)
        case Expert(stage="shared", needs_clearance=True), ExpertCleared() as cleared:
            return replace(expert, cleared=cleared)
        case Expert(stage="shared"), ExpertWithdrawn():
            return replace(expert, stage="withdrawn")
    raise impossible(expert, record)


@dataclass(frozen=True)
class Satisfaction:
    """What a host stated, period by period, in the order of statement; periods do not overlap."""

    periods: tuple[SatisfactionStated, ...]


def evolve_satisfaction(satisfaction: Satisfaction | None, record: Record[Event]) -> Satisfaction:
    """The next state of stated satisfaction. Raises ImpossibleHistory."""
    known = satisfaction.periods if satisfaction else ()
    match record.data:
        case SatisfactionStated(starts=starts, ends=ends) as stated if starts <= ends and not any(
            p.starts <= ends and starts <= p.ends for p in known
        ):
            return Satisfaction((*known, stated))
    raise impossible(satisfaction, record)


AGGREGATES = (
    Aggregate(
        "pool", "talent", "人才库", "talent pool",
        (PoolStrengthStated, PoolCorrected, PoolVoided),
        evolve_pool,
    ),
    Aggregate(
        "expert", "talent", "专家", "expert",
        (ExpertShared, ExpertProfileChanged, ExpertCleared, ExpertWithdrawn, ExpertCorrected, ExpertVoided),
        evolve_expert, ("withdrawn",),
    ),
    Aggregate(
        "satisfaction", "talent", "满意度", "satisfaction",
        (SatisfactionStated, SatisfactionCorrected, SatisfactionVoided),
        evolve_satisfaction,
    ),
)  # fmt: skip
