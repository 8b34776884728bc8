"""What may be asked of a need, a dispatch and the host's acceptance, and which fact it becomes.

Pool, experts and satisfaction stand in `services/bureau/experts.py`.
"""

from datetime import date
from typing import Annotated, Self
from uuid import UUID, uuid5

from pydantic import Field, model_validator

from events import envelope, errors
from events import talent as events
from events.event import Event, Key, Record
from events.history import Continued
from events.loops import Role
from events.talent import Half, Purpose
from events.values import (
    Attachment,
    Code,
    Day,
    Expertise,
    Log,
    OutsideParty,
    Paper,
    Place,
    Position,
    Reason,
    Title,
    Why,
)
from services.bureau import claims, experts, loops
from services.bureau.case import Case, Stream
from services.bureau.commands import ONCE, Command, decides
from services.bureau.loops import Asked, Days, StreamId

ServiceDays = Annotated[int, Field(ge=1, le=1_000)]
Persons = Annotated[int, Field(ge=1, le=1_000)]


class PublishNeed(Command, name="publish-need", context="talent", zh="发布需求", en="Publish a need"):
    """Ask partners for experts; those named must have opened talent with us."""

    field: Expertise
    title: Title
    persons: Persons
    service_days: ServiceDays
    starts: Day
    ends: Day
    place: Place
    to: Annotated[tuple[Code, ...], Field(max_length=60), ONCE] = ()
    days: Days = 15


class CloseNeed(
    Command, name="close-need", context="talent", zh="关闭需求", en="Close the need", changes=True
):
    """No more offers are wanted."""

    stream: StreamId
    reason: Why


class Offer(Command, name="offer", context="talent", zh="选派专家", en="Offer experts", binding=True):
    """Offer experts who agreed to one host: a bureau, or an outside party; several are one batch."""

    experts: Annotated[tuple[StreamId, ...], Field(min_length=1, max_length=30), ONCE]
    host: Code | None = None
    outside: OutsideParty | None = None
    field: Expertise
    purpose: Purpose
    service_days: ServiceDays
    starts: Day
    ends: Day
    agreed: Day
    need_log: Log | None = None
    need: StreamId | None = None
    batch: UUID | None = None
    days: Days = 10

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if (self.host is None) == (self.outside is None):
            raise ValueError("name either a host bureau or an outside party")
        if (self.need is None) != (self.need_log is None):
            raise ValueError("a need is named by its log and its stream")
        return self


class ChangeOffer(
    Command,
    name="change-offer",
    context="talent",
    zh="调整选派",
    en="Change the offer",
    binding=True,
    changes=True,
):
    """Other days; the host is asked again."""

    stream: StreamId
    service_days: ServiceDays
    starts: Day
    ends: Day
    days: Days = 10


class ConfirmOutside(
    Command,
    name="confirm-outside",
    context="talent",
    zh="登记外部单位同意",
    en="Record the outside host's consent",
    changes=True,
):
    """An outside host agreed, by letter."""

    stream: StreamId
    day: Day
    paper: Paper | None = None


class Start(Command, name="start", context="talent", zh="登记到岗", en="Record the start", changes=True):
    """The expert has started; rests on the host's acceptance."""

    stream: StreamId
    day: Day


class LogDay(
    Command, name="log-day", context="talent", zh="登记服务日", en="Log a service day", changes=True
):
    """The expert served; no expert serves twice in the same half-day."""

    stream: StreamId
    day: Day
    half: Half = Half.FULL


class EndEarly(Command, name="end-early", context="talent", zh="提前结束", en="End early", changes=True):
    """It ends before its days are up."""

    stream: StreamId
    day: Day
    reason: Why


class Complete(Command, name="complete", context="talent", zh="完成选派", en="Complete", changes=True):
    """It is completed."""

    stream: StreamId
    day: Day


class WithdrawOffer(
    Command, name="withdraw-offer", context="talent", zh="撤回选派", en="Withdraw the offer", changes=True
):
    """Take the offer back."""

    stream: StreamId
    reason: Why


class ExpireOffer(Command, name="expire-offer", context="talent", zh="逾期终止", en="Expire", changes=True):
    """No answer in time: given by the node's timer."""

    roles = (Role.CLERK, Role.LEADER)
    stream: StreamId


class Accept(Asked, name="accept", context="talent", zh="同意接收", en="Accept the expert", binding=True):
    """We take the expert."""


class DeclineOffer(
    Asked, name="decline-offer", context="talent", zh="谢绝接收", en="Decline the expert", binding=True
):
    """We do not take the expert."""

    reason: Why


class ReturnOffer(Asked, name="return-offer", context="talent", zh="退回补正", en="Return the offer"):
    """The offer lacks something."""

    reason: Why


class ConfirmDays(Asked, name="confirm-days", context="talent", zh="确认服务日", en="Confirm service days"):
    """The expert served here on the days that the home logged at these positions."""

    positions: Annotated[tuple[Position, ...], Field(min_length=1, max_length=60), ONCE]


class QuestionDay(
    Asked, name="question-day", context="talent", zh="对服务日提出疑问", en="Question a service day"
):
    """A day is not as logged."""

    position: Position
    reason: Why


class Rate(Asked, name="rate", context="talent", zh="评价", en="Rate"):
    """How it went; the mark is an attachment for the two bureaus."""

    mark: Attachment


@decides(PublishNeed)
def publish_need(case: Case, command: PublishNeed) -> None:
    """Rests on the memoranda that open talent with those it turns to."""
    _ordered(command.starts, command.ends)
    if case.bureau in command.to:
        raise errors.Invalid("to: leave your own code out", field="to")
    memoranda = case.opened("talent", command.to)
    facts = {name: value for name, value in command if name not in {"service_days", "days"}}
    reply_by = case.due(command.days)
    event = events.NeedPublished(days=command.service_days, reply_by=reply_by, memoranda=memoranda, **facts)
    case.start("need", event)


@decides(CloseNeed)
def close_need(case: Case, command: CloseNeed) -> None:
    """Offers already made stay."""
    case.add(case.own("need", command.stream), events.NeedClosed(reason=command.reason))


@decides(Offer)
def offer(case: Case, command: Offer) -> None:
    """One dispatch for each expert, approved by the leader's release; an outside host is not asked here."""
    _ordered(command.starts, command.ends)
    memoranda = case.opened("talent", [command.host]) if command.host else ()
    need = _need(case, command)
    batch = command.batch or (_batch(case) if len(command.experts) > 1 else None)
    for stream_id in command.experts:
        expert = _offerable(case, stream_id)
        event = events.DispatchOffered(
            host=command.host, outside=command.outside, expert=case.reference(expert.records[0]),
            field=command.field,
            purpose=command.purpose, days=command.service_days, starts=command.starts, ends=command.ends,
            agreed=command.agreed, need=case.reference(need.records[0]) if need else None, batch=batch,
            memoranda=memoranda,
        )  # fmt: skip
        going_on = [r.key for r in expert.records if isinstance(r.data, Continued)]
        stream = case.start("dispatch", event, cause=need.records[0] if need else None, basis=going_on)
        case.add(stream, _approved(case, command.host, command.days))


def _need(case: Case, command: Offer) -> Stream | None:
    if command.need is None or command.need_log is None:
        return None
    need = case.theirs("need", command.need_log, command.need)
    if need.state.stage != "published":
        raise errors.Conflict("the need is closed; no more offers are wanted")
    if need.log[:6] != command.host:
        raise errors.Invalid(f"the need is {need.log[:6]}'s; offer to that bureau", field="host")
    return need


def _offerable(case: Case, stream: str) -> Stream:
    expert = case.read("expert", stream)
    if expert.state.stage != "shared":
        raise errors.Conflict(f"expert {stream[:8]} is no longer shared")
    if not expert.state.may_be_offered(case.today):
        raise errors.Conflict(
            f"expert {stream[:8]} needs clearance before a post and has none; have it checked first",
            field="experts",
        )  # fmt: skip
    return expert


def _batch(case: Case) -> UUID:
    return uuid5(envelope.namespace(case.alliance, case.log), f"{case.command}/batch")


def _approved(case: Case, host: str | None, days: int) -> events.DispatchApproved:
    return events.DispatchApproved(asks=case.ask([host], days, Role.LEADER) if host else ())


def _ordered(starts: date, ends: date) -> None:
    if ends < starts:
        raise errors.Invalid("ends: lies before the start; check both days", field="ends")


@decides(ChangeOffer)
def change_offer(case: Case, command: ChangeOffer) -> None:
    """Approved again by the same release."""
    _ordered(command.starts, command.ends)
    stream = case.own("dispatch", command.stream)
    case.add(
        stream, events.DispatchChanged(days=command.service_days, starts=command.starts, ends=command.ends)
    )
    case.add(stream, _approved(case, stream.state.offer.host, command.days))


@decides(ConfirmOutside)
def confirm_outside(case: Case, command: ConfirmOutside) -> None:
    """Recorded by one side."""
    event = events.DispatchConfirmedOutside(day=command.day, paper=command.paper)
    case.add(case.own("dispatch", command.stream), event)


@decides(Start)
def start(case: Case, command: Start) -> None:
    """Names the acceptance; refused while the host has not accepted."""
    stream = case.own("dispatch", command.stream)
    accepted = loops.answers(case, stream, events.AcceptanceAccepted) if stream.state.asks else []
    if len(accepted) != len(stream.state.asks):
        raise errors.Conflict(f"{stream.state.offer.host} has not accepted")
    answers = tuple(case.reference(record) for record in accepted)
    case.add(stream, events.DispatchStarted(answers=answers, day=command.day))


@decides(LogDay)
def log_day(case: Case, command: LogDay) -> None:
    """The claim on the half-day refuses a second service."""
    stream = case.own("dispatch", command.stream)
    case.add(stream, events.DispatchServiceDayLogged(day=command.day, half=command.half))


@claims.holds(events.DispatchServiceDayLogged)
def half_days(dispatch: events.Dispatch, event: events.DispatchServiceDayLogged) -> claims.Keys:
    """The expert's half-days, held over all dispatches of the bureau."""
    expert = f"{dispatch.offer.expert.log}:{dispatch.offer.expert.position}"
    return [("half-day", f"{expert}/{day}/{half}") for day, half in sorted(events.halves(event))]


@decides(EndEarly)
def end_early(case: Case, command: EndEarly) -> None:
    """With a reason."""
    event = events.DispatchEndedEarly(day=command.day, reason=command.reason)
    case.add(case.own("dispatch", command.stream), event)


@decides(Complete)
def complete(case: Case, command: Complete) -> None:
    """All days are served."""
    case.add(case.own("dispatch", command.stream), events.DispatchCompleted(day=command.day))


@decides(WithdrawOffer)
def withdraw_offer(case: Case, command: WithdrawOffer) -> None:
    """Before it starts, or after the host declined."""
    case.add(case.own("dispatch", command.stream), events.DispatchWithdrawn(reason=command.reason))


@decides(ExpireOffer)
def expire_offer(case: Case, command: ExpireOffer) -> None:
    """Only once every deadline has passed without an answer."""
    stream = case.own("dispatch", command.stream)
    if any(ask.due >= case.today for ask in stream.state.asks) or loops.answers(
        case, stream, events.AcceptanceAccepted
    ):
        raise errors.Conflict("the host may still answer, or has accepted")
    case.add(stream, events.DispatchExpired(reason=Why(code=Reason.OVERDUE)))


@decides(Accept)
def accept(case: Case, command: Accept) -> None:
    """A promise; the home starts the dispatch naming it."""
    theirs, question = loops.asked(case, "dispatch", command.log, command.stream)
    loops.answer(case, "acceptance", theirs, events.AcceptanceAccepted(question=question))


@decides(DeclineOffer)
def decline_offer(case: Case, command: DeclineOffer) -> None:
    """The home sees the reason in its inbox."""
    theirs, question = loops.asked(case, "dispatch", command.log, command.stream)
    loops.answer(
        case, "acceptance", theirs, events.AcceptanceDeclined(question=question, reason=command.reason)
    )


@decides(ReturnOffer)
def return_offer(case: Case, command: ReturnOffer) -> None:
    """The home completes it and asks again."""
    theirs, question = loops.asked(case, "dispatch", command.log, command.stream)
    loops.answer(
        case, "acceptance", theirs, events.AcceptanceReturned(question=question, reason=command.reason)
    )


@decides(ConfirmDays)
def confirm_days(case: Case, command: ConfirmDays) -> None:
    """Each rests on the record in the home's log."""
    theirs, mine = _both(case, command)
    for position in command.positions:
        day = _served(theirs, position)
        event = events.AcceptanceDayConfirmed(day=case.reference(day))
        case.add(mine, event, cause=day, basis=_before(theirs))


@decides(QuestionDay)
def question_day(case: Case, command: QuestionDay) -> None:
    """The home sees the reason."""
    theirs, mine = _both(case, command)
    day = _served(theirs, command.position)
    event = events.AcceptanceDayQuestioned(day=case.reference(day), reason=command.reason)
    case.add(mine, event, cause=day, basis=_before(theirs))


@decides(Rate)
def rate(case: Case, command: Rate) -> None:
    """After it ended."""
    theirs, mine = _both(case, command)
    if theirs.state.stage not in {"completed", "ended-early"}:
        raise errors.Conflict(f"the dispatch is {theirs.state.stage}; rate it when it has ended")
    case.add(mine, events.AcceptanceRated(mark=command.mark), cause=theirs.records[-1])


def _both(case: Case, command: Asked) -> tuple[Stream, Stream]:
    """The home's dispatch and our acceptance of it. Raises Conflict."""
    theirs = case.theirs("dispatch", command.log, command.stream)
    mine = case.reading.holder(case.log, "acceptance", loops.named(theirs))
    if mine is None:
        raise errors.Conflict("this bureau has not accepted the dispatch")
    return theirs, case.own("acceptance", mine)


def _before(theirs: Stream) -> list[Key]:
    """The last records of the streams that the home's goes on from: what the host was asked in."""
    return [r.data.continues.key for r in theirs.records if isinstance(r.data, Continued)]


def _served(theirs: Stream, position: int) -> Record[Event]:
    """A day in the log that the command names; those of a log before it are named with their stream there."""
    found = next((r for r in theirs.records if r.key == (theirs.log, position)), None)
    if found is None or not isinstance(found.data, events.DispatchServiceDayLogged):
        raise errors.NotFound(f"the dispatch has no service day at position {position}", field="positions")
    return found


COMMANDS: tuple[type[Command], ...] = (
    PublishNeed, CloseNeed, Offer, ChangeOffer, ConfirmOutside, Start, LogDay, EndEarly, Complete,
    WithdrawOffer, ExpireOffer, Accept, DeclineOffer, ReturnOffer, ConfirmDays, QuestionDay, Rate,
    *experts.COMMANDS,
)  # fmt: skip
