"""What can happen to a need (需求), to a dispatch (选派) and to the host's acceptance, and what that makes.

Pool, expert and satisfaction stand in `events/experts.py`; `AGGREGATES` lists them all.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from events import experts, loops
from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.loops import Answer, Asking, Settling
from events.values import (
    Attachment,
    Choice,
    Code,
    Day,
    Expertise,
    OutsideParty,
    Paper,
    Place,
    Reference,
    Title,
    Why,
)

Days = Annotated[int, Field(ge=1, le=1_000)]
Persons = Annotated[int, Field(ge=1, le=1_000)]
Memoranda = Annotated[
    tuple[Reference, ...],
    Field(max_length=4, description="the entry into force of what opens the subject; none within one line"),
]


class Purpose(Choice):
    """What an expert is sent for."""

    ADVICE = "advice", "技术指导", "technical advice"
    CONSULTING = "consulting", "咨询服务", "advisory trip"
    RESEARCH = "research", "调研", "research trip"
    EXCHANGE = "exchange", "智库交流", "think-tank exchange"
    ADVISER = "adviser", "两企三新指导员", "adviser to enterprises and new organisations"
    TEACHING = "teaching", "授课", "teaching"


class Half(Choice):
    """Which part of a day."""

    AM = "am", "上午", "morning"
    PM = "pm", "下午", "afternoon"
    FULL = "full", "全天", "whole day"


class NeedPublished(Event, type="yinqiao.talent.need-published.v1"):
    """A host needs experts; `to` names the bureaus it turns to, none means all its partners."""

    zh = "{bureau}发布需求「{title}」（{field}），{persons}人、{days}天"
    en = "{bureau} publishes the need “{title}” ({field}): {persons} people, {days} days"
    fixed = frozenset({"to"})
    field: Expertise
    title: Title
    persons: Persons
    days: Days
    starts: Day
    ends: Day
    place: Place
    to: Annotated[tuple[Code, ...], Field(max_length=60)] = ()
    reply_by: Day | None = None
    memoranda: Memoranda = ()


class NeedClosed(Event, type="yinqiao.talent.need-closed.v1"):
    """The need is met or given up; no more offers are wanted."""

    zh = "{bureau}关闭需求：{reason}"
    en = "{bureau} closes the need: {reason}"
    reason: Why


class NeedCorrected(Corrected, type="yinqiao.talent.need-corrected.v1"):
    """A fact of the need was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class NeedVoided(Voided, type="yinqiao.talent.need-voided.v1"):
    """A fact of the need never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class DispatchOffered(Event, type="yinqiao.talent.dispatch-offered.v1"):
    """A home bureau offers one expert, who agreed, to one host: a bureau or an outside party.

    `expert` names the sharing record in the home's own log; dispatches of one batch share an id.
    """

    zh = "{bureau}拟选派一名专家（{field}，{purpose}），{starts}至{ends}，{days}天"
    en = "{bureau} offers an expert ({field}, {purpose}) for {days} days from {starts} to {ends}"
    terms = frozenset({"host", "outside", "field", "purpose", "days", "starts", "ends", "agreed"})
    fixed = frozenset({"batch"})
    binding = True
    host: Code | None = None
    outside: OutsideParty | None = None
    expert: Reference
    field: Expertise
    purpose: Purpose
    days: Days
    starts: Day
    ends: Day
    agreed: Annotated[Day, Field(description="when the expert agreed to go")]
    need: Reference | None = None
    batch: UUID | None = None
    memoranda: Memoranda = ()


class DispatchChanged(loops.Ending, type="yinqiao.talent.dispatch-changed.v1"):
    """Days change before it starts; it must be approved again."""

    zh = "{bureau}将选派调整为{starts}至{ends}，{days}天"
    en = "{bureau} changes the dispatch to {days} days from {starts} to {ends}"
    terms = frozenset({"days", "starts", "ends"})
    binding = True
    days: Days
    starts: Day
    ends: Day


class DispatchApproved(Asking, type="yinqiao.talent.dispatch-approved.v1"):
    """The home's leader approves and the host is asked; an outside host is not asked through the platform."""

    zh = "{bureau}批准选派，征求{asks}意见"
    en = "{bureau} approves the dispatch and asks {asks}"
    binding = True


class DispatchConfirmedOutside(Event, type="yinqiao.talent.dispatch-confirmed-outside.v1"):
    """The home records an outside host's consent (单方登记)."""

    zh = "{bureau}登记外部单位同意接收（单方登记）"
    en = "{bureau} records that the outside host agreed (recorded by one side)"
    day: Day
    paper: Paper | None = None


class DispatchStarted(Settling, type="yinqiao.talent.dispatch-started.v1"):
    """The expert has started; `answers` names the host's acceptance."""

    zh = "专家于{day}到岗"
    en = "the expert started on {day}"
    day: Day


class DispatchServiceDayLogged(Event, type="yinqiao.talent.dispatch-service-day-logged.v1"):
    """The expert served on a day or half of it; no expert serves twice in the same half-day."""

    zh = "{bureau}登记服务：{day}{half}"
    en = "{bureau} logs service on {day}, {half}"
    called_zh = "{day}{half}"
    called_en = "{day}, {half}"
    day: Day
    half: Half


class DispatchEndedEarly(Event, type="yinqiao.talent.dispatch-ended-early.v1"):
    """It ends before its days are up."""

    zh = "选派于{day}提前结束：{reason}"
    en = "the dispatch ended early on {day}: {reason}"
    day: Day
    reason: Why


class DispatchCompleted(Event, type="yinqiao.talent.dispatch-completed.v1"):
    """It is completed."""

    zh = "选派于{day}完成"
    en = "the dispatch was completed on {day}"
    day: Day


class DispatchWithdrawn(loops.Ending, type="yinqiao.talent.dispatch-withdrawn.v1"):
    """The offer is taken back before it started, or after the host declined."""

    zh = "{bureau}撤回选派：{reason}"
    en = "{bureau} withdraws the dispatch: {reason}"
    reason: Why


class DispatchExpired(loops.Expired, type="yinqiao.talent.dispatch-expired.v1"):
    """The host did not answer in time."""

    zh = "选派逾期未获答复，自动终止"
    en = "the host did not answer in time, the offer expired"


class DispatchExtended(loops.Extended, type="yinqiao.talent.dispatch-extended.v1"):
    """The host gets more time to answer."""

    zh = "{bureau}将{bureau_}的答复期限延至{due}"
    en = "{bureau} gives {bureau_} until {due} to answer"


class DispatchPassedOn(loops.PassedOn, type="yinqiao.talent.dispatch-passed-on.v1"):
    """Another bureau is to be the host."""

    zh = "{bureau}将选派由{bureau_}改至{to}"
    en = "{bureau} offers the expert to {to} in place of {bureau_}"


class DispatchReminded(loops.Reminded, type="yinqiao.talent.dispatch-reminded.v1"):
    """The host is reminded."""

    zh = "{bureau}催办{bureau_}"
    en = "{bureau} reminds {bureau_}"


class DispatchCorrected(Corrected, type="yinqiao.talent.dispatch-corrected.v1"):
    """A fact of the dispatch was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class DispatchVoided(Voided, type="yinqiao.talent.dispatch-voided.v1"):
    """A fact of the dispatch never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class AcceptanceAccepted(Answer, type="yinqiao.talent.acceptance-accepted.v1"):
    """The host takes the expert."""

    zh = "{bureau}同意接收"
    en = "{bureau} accepts the expert"
    binding = True


class AcceptanceDeclined(loops.Declined, type="yinqiao.talent.acceptance-declined.v1"):
    """The host does not take the expert."""

    zh = "{bureau}谢绝接收：{reason}"
    en = "{bureau} declines the expert: {reason}"
    binding = True


class AcceptanceReturned(loops.Returned, type="yinqiao.talent.acceptance-returned.v1"):
    """The host sends the offer back for completion."""

    zh = "{bureau}退回选派补正：{reason}"
    en = "{bureau} returns the offer: {reason}"


class AcceptanceDayConfirmed(loops.Remark, type="yinqiao.talent.acceptance-day-confirmed.v1"):
    """The host confirms a service day that the home logged."""

    zh = "{bureau}确认服务日：{day}"
    en = "{bureau} confirms the service day {day}"
    day: Annotated[Reference, Field(description="the service day's record in the home's log")]


class AcceptanceDayQuestioned(loops.Remark, type="yinqiao.talent.acceptance-day-questioned.v1"):
    """The host does not confirm a service day as logged."""

    zh = "{bureau}对服务日（{day}）提出疑问：{reason}"
    en = "{bureau} questions the service day {day}: {reason}"
    day: Annotated[Reference, Field(description="the service day's record in the home's log")]
    reason: Why


class AcceptanceRated(Event, type="yinqiao.talent.acceptance-rated.v1"):
    """The host rated the dispatch; the mark (满意, 基本满意, 不满意) is an attachment for the two."""

    zh = "{bureau}完成评价"
    en = "{bureau} rated the dispatch"
    mark: Attachment


class AcceptanceCorrected(Corrected, type="yinqiao.talent.acceptance-corrected.v1"):
    """A fact of the acceptance was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class AcceptanceVoided(Voided, type="yinqiao.talent.acceptance-voided.v1"):
    """A fact of the acceptance never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Need:
    """A need as its host's stream tells it; stage: published, closed."""

    stage: str
    published: NeedPublished


def evolve_need(need: Need | None, record: Record[Event]) -> Need:
    """The next state of a need. Raises ImpossibleHistory."""
    match need, record.data:
        case None, NeedPublished(to=to) as published if (
            published.starts <= published.ends and record.bureau not in to and len(set(to)) == len(to)
        ):
            return Need("published", published)
        case Need(stage="published"), NeedClosed():
            return replace(need, stage="closed")
    raise impossible(need, record)


@dataclass(frozen=True)
class Dispatch:
    """A dispatch as its home's stream tells it.

    `stage` is offered, approved, confirmed (outside hosts only), started, ended-early, completed, withdrawn
    or expired; `halves` are the half-days served.
    """

    stage: str
    offer: DispatchOffered
    asks: tuple[loops.Ask, ...] = ()
    started: date | None = None
    halves: frozenset[tuple[date, Half]] = frozenset()

    @property
    def one_sided(self) -> bool:
        """Whether the host is an outside party (单方登记)."""
        return self.offer.outside is not None

    @property
    def served(self) -> float:
        """Days served."""
        return len(self.halves) / 2


def evolve_dispatch(dispatch: Dispatch | None, record: Record[Event]) -> Dispatch:  # noqa: C901, PLR0911  (one branch a fact)
    """The next state of a dispatch. Raises ImpossibleHistory."""
    match dispatch, record.data:
        case None, DispatchOffered() as offer if _sound(offer, record):
            return Dispatch("offered", offer)
        case Dispatch(stage="offered" | "approved" | "confirmed"), DispatchChanged() as new if (
            new.starts <= new.ends
        ):
            return replace(
                dispatch, stage="offered", asks=(), offer=dispatch.offer.model_copy(update=dict(new))
            )
        case Dispatch(stage="offered" | "approved"), DispatchApproved(asks=asks) if _asks_host(
            dispatch, asks
        ):
            return replace(dispatch, stage="approved", asks=asks)
        case Dispatch(stage="approved", offer=DispatchOffered(host=None)), DispatchConfirmedOutside():
            return replace(dispatch, stage="confirmed")
        case Dispatch(stage="approved" | "confirmed"), DispatchStarted(answers=answers, day=day) if (
            dispatch.stage == ("confirmed" if dispatch.one_sided else "approved")
            and loops.answered_by_all(dispatch.asks, answers, record.basis)
        ):
            return replace(dispatch, stage="started", started=day)
        case Dispatch(stage="started"), DispatchServiceDayLogged() as served if _free(dispatch, served):
            return replace(dispatch, halves=dispatch.halves | halves(served))
        case Dispatch(stage="started", started=date() as first), DispatchEndedEarly(day=day) if first <= day:
            return replace(dispatch, stage="ended-early")
        case Dispatch(stage="started", started=date() as first), DispatchCompleted(day=day) if first <= day:
            return replace(dispatch, stage="completed")
        case Dispatch(stage="offered" | "approved" | "confirmed"), DispatchWithdrawn():
            return replace(dispatch, stage="withdrawn")
        case Dispatch(stage="approved", asks=(_, *_)), DispatchExpired():
            return replace(dispatch, stage="expired")
        case Dispatch(stage="approved", asks=asks), loops.Extended() | loops.Reminded() as step:
            return replace(dispatch, asks=loops.stepped(asks, step))
        case Dispatch(stage="approved", asks=asks), loops.PassedOn(to=to) as step if (
            to.bureau != record.bureau
        ):
            host = dispatch.offer.model_copy(update={"host": to.bureau})
            return replace(dispatch, offer=host, asks=loops.stepped(asks, step))
    raise impossible(dispatch, record)


def _sound(offer: DispatchOffered, record: Record[Event]) -> bool:
    one_host = (offer.host is None) != (offer.outside is None)
    return (
        one_host and offer.starts <= offer.ends and offer.host != record.bureau and _own(offer.expert, record)
    )


def _own(reference: Reference, record: Record[Event]) -> bool:
    """The bureau's own expert; or one that it goes on with, where the basis names a record of its own log.

    That the expert's stream goes on in that log, the projector sees (`parties`).
    """
    return reference.log[:6] == record.bureau or any(log == record.log for log, _ in record.basis)


def _asks_host(dispatch: Dispatch, asks: tuple[loops.Ask, ...]) -> bool:
    host = dispatch.offer.host
    return tuple(a.bureau for a in asks) == (() if host is None else (host,))


def halves(served: DispatchServiceDayLogged) -> frozenset[tuple[date, Half]]:
    """The half-days that a service day takes: what a claim is made of."""
    parts = (Half.AM, Half.PM) if served.half is Half.FULL else (served.half,)
    return frozenset((served.day, part) for part in parts)


def _free(dispatch: Dispatch, served: DispatchServiceDayLogged) -> bool:
    begun = dispatch.started is not None and dispatch.started <= served.day
    return begun and not dispatch.halves & halves(served)


@dataclass(frozen=True)
class Acceptance:
    """A host's side of a dispatch; stage: accepted, declined, returned, rated. `days` were confirmed."""

    stage: str
    last: Answer
    days: frozenset[tuple[str, int]] = frozenset()
    questioned: frozenset[tuple[str, int]] = frozenset()


def evolve_acceptance(acceptance: Acceptance | None, record: Record[Event]) -> Acceptance:
    """The next state of an acceptance; a new question is answered anew. Raises ImpossibleHistory."""
    match acceptance, record.data:
        case _, AcceptanceAccepted() | AcceptanceDeclined() | AcceptanceReturned() as answer if loops.fresh(
            acceptance.last if acceptance else None, answer
        ):
            return Acceptance(_STAGE[type(answer)], answer)
        case Acceptance(stage="accepted" | "rated", days=days), AcceptanceDayConfirmed(day=day) if (
            _of_home(acceptance, day, record.basis) and (day.log, day.position) not in days
        ):
            key = (day.log, day.position)
            return replace(acceptance, days=days | {key}, questioned=acceptance.questioned - {key})
        case Acceptance(stage="accepted" | "rated", days=days), AcceptanceDayQuestioned(day=day) if (
            _of_home(acceptance, day, record.basis) and (day.log, day.position) not in days
        ):
            return replace(acceptance, questioned=acceptance.questioned | {(day.log, day.position)})
        case Acceptance(stage="accepted"), AcceptanceRated():
            return replace(acceptance, stage="rated")
    raise impossible(acceptance, record)


def _of_home(acceptance: Acceptance, day: Reference, basis: loops.Basis) -> bool:
    """Logged where the host was asked; or where that goes on, when the basis names a record from before.

    That the day's stream goes on from there, the projector sees (`parties`).
    """
    home = acceptance.last.question.log
    return day.log[:6] == home[:6] or any(log == home for log, _ in basis)


_STAGE: dict[type[Event], str] = {
    AcceptanceAccepted: "accepted",
    AcceptanceDeclined: "declined",
    AcceptanceReturned: "returned",
}

AGGREGATES = (
    Aggregate(
        "need", "talent", "需求", "need",
        (NeedPublished, NeedClosed, NeedCorrected, NeedVoided),
        evolve_need, ("closed",),
    ),
    Aggregate(
        "dispatch", "talent", "选派", "dispatch",
        (DispatchOffered, DispatchChanged, DispatchApproved, DispatchConfirmedOutside, DispatchStarted,
         DispatchServiceDayLogged, DispatchEndedEarly, DispatchCompleted, DispatchWithdrawn, DispatchExpired,
         DispatchExtended, DispatchPassedOn, DispatchReminded, DispatchCorrected, DispatchVoided),
        evolve_dispatch, ("ended-early", "completed", "withdrawn", "expired"),
    ),
    Aggregate(
        "acceptance", "talent", "接收", "acceptance",
        (AcceptanceAccepted, AcceptanceDeclined, AcceptanceReturned, AcceptanceDayConfirmed,
         AcceptanceDayQuestioned, AcceptanceRated, AcceptanceCorrected, AcceptanceVoided),
        evolve_acceptance, ("declined",),
    ),
    *experts.AGGREGATES,
)  # fmt: skip
