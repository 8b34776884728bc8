"""What may be asked of the talent pool, of shared experts and of stated satisfaction (in talent)."""

from typing import Annotated, Literal

from pydantic import Field

from events import experts as events
from events.event import Event
from events.experts import Fields, Tier
from events.values import Count, Day, Expertise, Paper, Title, Why
from services.bureau.case import Case
from services.bureau.commands import ONCE, Command, decides
from services.bureau.loops import StreamId


class StateStrength(
    Command, name="state-strength", context="talent", zh="填报人才库人数", en="State the pool's strength"
):
    """How many experts there are in a field and tier, as a count."""

    day: Day
    tier: Tier
    field: Expertise
    persons: Count
    opening: bool = False


class ShareExpert(Command, name="share-expert", context="talent", zh="共享专家", en="Share an expert"):
    """Show an expert to partners; only with the expert's own agreement, and never by name."""

    speciality: Title
    fields: Annotated[Fields, Field(description="at least one"), ONCE]
    tier: Tier
    needs_clearance: bool = False
    agreed: Literal[True]


class ChangeProfile(
    Command, name="change-profile", context="talent", zh="更新专家信息", en="Change the profile", changes=True
):
    """What is shown changes."""

    stream: StreamId
    speciality: Title
    fields: Annotated[Fields, ONCE]
    tier: Tier


class Clear(
    Command,
    name="clear",
    context="talent",
    zh="确认可以选派",
    en="Confirm clearance",
    binding=True,
    changes=True,
):
    """Clearance was checked privately."""

    stream: StreamId
    until: Day | None = None


class WithdrawExpert(
    Command, name="withdraw-expert", context="talent", zh="停止共享", en="Stop sharing", changes=True
):
    """The expert is no longer shared."""

    stream: StreamId
    reason: Why


class StateSatisfaction(
    Command, name="state-satisfaction", context="talent", zh="填报满意度", en="State satisfaction"
):
    """Marks of a period as counts."""

    starts: Day
    ends: Day
    satisfied: Count
    fair: Count = 0
    dissatisfied: Count = 0
    paper: Paper | None = None


@decides(StateStrength)
def state_strength(case: Case, command: StateStrength) -> None:
    """One stream a bureau holds its whole pool."""
    _single(case, "pool", events.PoolStrengthStated(**dict(command)))


@decides(ShareExpert)
def share_expert(case: Case, command: ShareExpert) -> None:
    """The stream's random-looking id is the expert's reference for this purpose."""
    facts = {name: value for name, value in command if name != "agreed"}
    case.start("expert", events.ExpertShared(**facts))


@decides(ChangeProfile)
def change_profile(case: Case, command: ChangeProfile) -> None:
    """The reference stays."""
    facts = {name: value for name, value in command if name != "stream"}
    case.add(case.own("expert", command.stream), events.ExpertProfileChanged(**facts))


@decides(Clear)
def clear(case: Case, command: Clear) -> None:
    """The log says only that it was given."""
    case.add(case.own("expert", command.stream), events.ExpertCleared(until=command.until))


@decides(WithdrawExpert)
def withdraw_expert(case: Case, command: WithdrawExpert) -> None:
    """What was agreed before stays."""
    case.add(case.own("expert", command.stream), events.ExpertWithdrawn(reason=command.reason))


@decides(StateSatisfaction)
def state_satisfaction(case: Case, command: StateSatisfaction) -> None:
    """Periods do not overlap."""
    _single(case, "satisfaction", events.SatisfactionStated(**dict(command)))


def _single(case: Case, aggregate: str, event: Event) -> None:
    """Add to the one stream of its kind that a bureau has, or start it."""
    stream = case.reading.holder(case.log, aggregate, case.log)
    pending = next((s for s in case.pending.values() if s.aggregate.name == aggregate), None)
    if stream or pending:
        case.add(case.own(aggregate, stream or (pending.id if pending else "")), event)
        return
    case.claim(aggregate, case.log, case.start(aggregate, event))


COMMANDS: tuple[type[Command], ...] = (
    StateStrength, ShareExpert, ChangeProfile, Clear, WithdrawExpert, StateSatisfaction,
)  # fmt: skip
