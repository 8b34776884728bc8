"""What may be asked of a meeting and of an invited bureau, and which fact it becomes (in cooperation)."""

from typing import Annotated

from pydantic import Field

from events import meetings as events
from events.values import Attachment, Code, Count, Day, OutsideParty, Paper, Place, Title, Why
from services.bureau import loops
from services.bureau.case import Case
from services.bureau.commands import ONCE, Command, decides
from services.bureau.loops import Asked, Days, StreamId

Bureaus = Annotated[tuple[Code, ...], Field(max_length=60), ONCE]
Outside = Annotated[tuple[OutsideParty, ...], Field(max_length=20), ONCE]


class CallMeeting(Command, name="call-meeting", context="cooperation", zh="召集会议", en="Call a meeting"):
    """Call a meeting and ask bureaus to it."""

    title: Title
    day: Day
    place: Place
    bureaus: Bureaus = ()
    outside: Outside = ()
    agenda: Attachment | None = None
    days: Days = 5


class MoveMeeting(
    Command, name="move-meeting", context="cooperation", zh="调整会议", en="Move the meeting", changes=True
):
    """Another day or place; everybody is asked anew."""

    stream: StreamId
    day: Day
    place: Place
    agenda: Attachment | None = None
    days: Days = 5


class HoldMeeting(
    Command,
    name="hold-meeting",
    context="cooperation",
    zh="登记会议召开",
    en="Record that it was held",
    changes=True,
):
    """It was held: counts, and the minutes as an attachment."""

    stream: StreamId
    day: Day
    present: Count
    excused: Count = 0
    observing: Count = 0
    decisions: Count = 0
    minutes: Attachment | None = None
    paper: Paper | None = None


class IssueMinutes(
    Command,
    name="issue-minutes",
    context="cooperation",
    zh="印发纪要",
    en="Issue the minutes",
    binding=True,
    changes=True,
):
    """The minutes come after the meeting."""

    stream: StreamId
    decisions: Count
    minutes: Attachment
    paper: Paper | None = None


class CancelMeeting(
    Command,
    name="cancel-meeting",
    context="cooperation",
    zh="取消会议",
    en="Cancel the meeting",
    changes=True,
):
    """It will not be held."""

    stream: StreamId
    reason: Why


class Attend(Asked, name="attend", context="cooperation", zh="确认参会", en="Confirm attendance"):
    """We come."""

    persons: Annotated[int, Field(ge=1, le=1_000)]


class Excuse(Asked, name="excuse", context="cooperation", zh="请假", en="Ask to be excused"):
    """We cannot come."""

    reason: Why


class ReturnInvitation(
    Asked, name="return-invitation", context="cooperation", zh="退回会议通知", en="Return the invitation"
):
    """The invitation lacks something."""

    reason: Why


@decides(CallMeeting)
def call_meeting(case: Case, command: CallMeeting) -> None:
    """Every bureau asked has the same deadline."""
    asks = case.ask(command.bureaus, command.days)
    facts = {name: value for name, value in command if name not in {"bureaus", "days"}}
    case.start("meeting", events.MeetingCalled(asks=asks, **facts))


@decides(MoveMeeting)
def move_meeting(case: Case, command: MoveMeeting) -> None:
    """Earlier answers no longer count."""
    stream = case.own("meeting", command.stream)
    asks = case.ask((a.bureau for a in stream.state.asks), command.days)
    facts = {name: value for name, value in command if name not in {"stream", "days"}}
    case.add(stream, events.MeetingChanged(asks=asks, **facts))


@decides(HoldMeeting)
def hold_meeting(case: Case, command: HoldMeeting) -> None:
    """Names the confirmations that count."""
    stream = case.own("meeting", command.stream)
    asking = (events.MeetingCalled, events.MeetingChanged)
    confirmed = loops.answers(case, stream, events.AttendanceConfirmed, *asking) if stream.state.asks else []
    facts = {name: value for name, value in command if name != "stream"}
    case.add(stream, events.MeetingHeld(answers=tuple(case.reference(r) for r in confirmed), **facts))


@decides(IssueMinutes)
def issue_minutes(case: Case, command: IssueMinutes) -> None:
    """A new text takes the place of the old one."""
    facts = {name: value for name, value in command if name != "stream"}
    case.add(case.own("meeting", command.stream), events.MeetingMinutesIssued(**facts))


@decides(CancelMeeting)
def cancel_meeting(case: Case, command: CancelMeeting) -> None:
    """Ends the invitations too."""
    case.add(case.own("meeting", command.stream), events.MeetingCancelled(reason=command.reason))


@decides(Attend)
def attend(case: Case, command: Attend) -> None:
    """A promise, with a count."""
    theirs, question = loops.asked(case, "meeting", command.log, command.stream)
    event = events.AttendanceConfirmed(question=question, persons=command.persons)
    loops.answer(case, "attendance", theirs, event)


@decides(Excuse)
def excuse(case: Case, command: Excuse) -> None:
    """The caller sees the reason."""
    theirs, question = loops.asked(case, "meeting", command.log, command.stream)
    loops.answer(
        case, "attendance", theirs, events.AttendanceDeclined(question=question, reason=command.reason)
    )


@decides(ReturnInvitation)
def return_invitation(case: Case, command: ReturnInvitation) -> None:
    """The caller completes it and asks again."""
    theirs, question = loops.asked(case, "meeting", command.log, command.stream)
    loops.answer(
        case, "attendance", theirs, events.AttendanceReturned(question=question, reason=command.reason)
    )


COMMANDS: tuple[type[Command], ...] = (
    CallMeeting, MoveMeeting, HoldMeeting, IssueMinutes, CancelMeeting, Attend, Excuse, ReturnInvitation,
)  # fmt: skip
