"""What may be asked of an activity and its co-hosts, and which fact it becomes."""

from typing import Annotated

from pydantic import Field

from events import activity as events
from events import errors
from events.activity import Form, Hours, Outside, Quota, Theme
from events.values import Attachment, Code, Count, Day, Money, Paper, Place, Title, Why
from services.bureau import loops
from services.bureau.case import Case
from services.bureau.commands import ONCE, Command, decides
from services.bureau.loops import Asked, Days, StreamId

REPORT_DAYS = 15
"""Working days after the end in which the report is due."""


class Plan(Command, name="plan", context="activity", zh="计划活动", en="Plan an activity"):
    """Plan an activity; co-hosts are asked when it is published."""

    title: Title
    form: Form
    theme: Theme = Theme.GENERAL
    starts: Day
    ends: Day
    place: Place
    quota: Quota | None = None
    insured: bool = False
    safety_plan: Attachment | None = None
    outside: Annotated[Outside, ONCE] = ()
    cost: Money | None = None


class Publish(
    Command, name="publish", context="activity", zh="发布并邀请联办", en="Publish and invite", changes=True
):
    """Open sign-up and ask other bureaus to co-host."""

    stream: StreamId
    bureaus: Annotated[tuple[Code, ...], Field(max_length=60), ONCE] = ()
    days: Days = 10
    sign_up_until: Day | None = None


class Change(
    Command, name="change", context="activity", zh="调整时间地点", en="Change time or place", changes=True
):
    """Move an activity that has not been held."""

    stream: StreamId
    starts: Day
    ends: Day
    place: Place
    quota: Quota | None = None


class StateSignUp(
    Command, name="state-sign-up", context="activity", zh="填报报名人数", en="State sign-up", changes=True
):
    """How many of the bureau's own members have signed up."""

    stream: StreamId
    persons: Count


class Cancel(Command, name="cancel", context="activity", zh="取消活动", en="Cancel", changes=True):
    """It will not be held."""

    stream: StreamId
    reason: Why


class Hold(
    Command, name="hold", context="activity", zh="登记举办情况", en="Record that it was held", changes=True
):
    """It was held: the counts, never the names."""

    stream: StreamId
    day: Day
    persons: Count
    hours: Hours | None = None
    place: Place | None = None


class Report(Command, name="report", context="activity", zh="提交总结", en="Report", changes=True):
    """The report is in."""

    stream: StreamId
    day: Day
    text: Attachment | None = None
    paper: Paper | None = None


class Confirm(Asked, name="confirm", context="activity", zh="确认联办", en="Confirm"):
    """We co-host."""

    persons: Count | None = None


class Decline(Asked, name="decline", context="activity", zh="谢绝联办", en="Decline"):
    """We do not co-host."""

    reason: Why


class Return(Asked, name="return", context="activity", zh="退回补正", en="Return for completion"):
    """The invitation lacks something."""

    reason: Why


class StateOurSignUp(
    Command,
    name="state-our-sign-up",
    context="activity",
    zh="填报本单位报名人数",
    en="State our sign-up",
    changes=True,
):
    """How many of the co-host's members have signed up."""

    stream: StreamId
    persons: Count


@decides(Plan)
def plan(case: Case, command: Plan) -> None:
    """The report's deadline is fixed with the plan."""
    if command.ends < command.starts:
        raise errors.Invalid("ends: lies before the start; check both days", field="ends")
    due = case.workdays(command.ends, REPORT_DAYS)
    case.start("activity", events.ActivityPlanned(report_due=due, **dict(command)))


@decides(Publish)
def publish(case: Case, command: Publish) -> None:
    """Every bureau asked has the same deadline; none needs a memorandum: it is free to decline."""
    asks = case.ask(command.bureaus, command.days)
    event = events.ActivityPublished(asks=asks, sign_up_until=command.sign_up_until)
    case.add(case.own("activity", command.stream), event)


@decides(Change)
def change(case: Case, command: Change) -> None:
    """Only what has not been held can move."""
    if command.ends < command.starts:
        raise errors.Invalid("ends: lies before the start; check both days", field="ends")
    new = command.model_dump(exclude={"stream", "place"})
    case.add(case.own("activity", command.stream), events.ActivityChanged(place=command.place, **new))


@decides(StateSignUp)
def state_sign_up(case: Case, command: StateSignUp) -> None:
    """Never above the quota."""
    stream = case.own("activity", command.stream)
    _within(stream.state.plan.quota, command.persons)
    case.add(stream, events.ActivitySignUpStated(persons=command.persons))


@decides(Cancel)
def cancel(case: Case, command: Cancel) -> None:
    """Ends the invitation too."""
    case.add(case.own("activity", command.stream), events.ActivityCancelled(reason=command.reason))


@decides(Hold)
def hold(case: Case, command: Hold) -> None:
    """Names the confirmations that count: a co-host that is not named counts nothing."""
    stream = case.own("activity", command.stream)
    confirmed = loops.answers(case, stream, events.CohostConfirmed) if stream.state.asks else []
    facts = command.model_dump(exclude={"stream", "place"})
    answers = tuple(case.reference(record) for record in confirmed)
    case.add(stream, events.ActivityHeld(answers=answers, place=command.place, **facts))


@decides(Report)
def report(case: Case, command: Report) -> None:
    """The text is an attachment."""
    event = events.ActivityReported(day=command.day, text=command.text, paper=command.paper)
    case.add(case.own("activity", command.stream), event)


@decides(Confirm)
def confirm(case: Case, command: Confirm) -> None:
    """A promise; the planner's record of the day decides."""
    theirs, question = loops.asked(case, "activity", command.log, command.stream)
    loops.answer(case, "cohost", theirs, events.CohostConfirmed(question=question, persons=command.persons))


@decides(Decline)
def decline(case: Case, command: Decline) -> None:
    """The planner sees the reason in its inbox."""
    theirs, question = loops.asked(case, "activity", command.log, command.stream)
    loops.answer(case, "cohost", theirs, events.CohostDeclined(question=question, reason=command.reason))


@decides(Return)
def return_(case: Case, command: Return) -> None:
    """The planner completes it and asks again, or withdraws."""
    theirs, question = loops.asked(case, "activity", command.log, command.stream)
    loops.answer(case, "cohost", theirs, events.CohostReturned(question=question, reason=command.reason))


@decides(StateOurSignUp)
def state_our_sign_up(case: Case, command: StateOurSignUp) -> None:
    """A count of our own members."""
    case.add(case.own("cohost", command.stream), events.CohostSignUpStated(persons=command.persons))


def _within(quota: int | None, persons: int) -> None:
    if quota is not None and persons > quota:
        raise errors.Conflict(f"only {quota} places are open; {persons} were stated")


COMMANDS = (
    Plan, Publish, Change, StateSignUp, Cancel, Hold, Report,
    Confirm, Decline, Return, StateOurSignUp,
)  # fmt: skip
