"""What can happen to a meeting (会议) of bureaus and to an invited bureau's answer (context cooperation)."""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from events import loops
from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.loops import Answer, Asking, Settling
from events.values import Attachment, Count, Day, OutsideParty, Paper, Place, Reference, Title, Why


class MeetingCalled(Asking, type="yinqiao.cooperation.meeting-called.v1"):
    """Bureaus are asked to a meeting; no bureau is asked when only outside parties come."""

    zh = "{bureau}召集会议「{title}」，{day}在{place}召开，邀请{asks}"
    en = "{bureau} calls the meeting “{title}” for {day} at {place} and asks {asks}"
    terms = frozenset({"day", "place"})
    title: Title
    day: Day
    place: Place
    outside: Annotated[tuple[OutsideParty, ...], Field(max_length=20)] = ()
    agenda: Attachment | None = None
    memorandum: Reference | None = None


class MeetingChanged(Asking, type="yinqiao.cooperation.meeting-changed.v1"):
    """Day or place change, and everybody is asked anew."""

    zh = "{bureau}将会议改为{day}在{place}召开"
    en = "{bureau} moves the meeting to {day} at {place}"
    terms = frozenset({"day", "place"})
    day: Day
    place: Place
    agenda: Attachment | None = None


class MeetingHeld(Settling, type="yinqiao.cooperation.meeting-held.v1"):
    """It was held, with counts of 出席, 请假 and 列席; `answers` are the confirmations that count."""

    zh = "会议于{day}召开，出席{present}人，请假{excused}人，列席{observing}人"
    en = "the meeting was held on {day}: {present} present, {excused} excused, {observing} observing"
    day: Day
    present: Count
    excused: Count
    observing: Count
    decisions: Annotated[Count, Field(description="decisions taken; each becomes a task")] = 0
    minutes: Attachment | None = None
    paper: Paper | None = None


class MeetingMinutesIssued(Event, type="yinqiao.cooperation.meeting-minutes-issued.v1"):
    """The minutes (纪要) come after the meeting, or in a new text."""

    zh = "{bureau}印发会议纪要，议定事项{decisions}项"
    en = "{bureau} issues the minutes with {decisions} decisions"
    binding = True
    decisions: Count
    minutes: Attachment
    paper: Paper | None = None


class MeetingCancelled(loops.Ending, type="yinqiao.cooperation.meeting-cancelled.v1"):
    """It will not be held."""

    zh = "{bureau}取消会议：{reason}"
    en = "{bureau} cancels the meeting: {reason}"
    reason: Why


class MeetingExtended(loops.Extended, type="yinqiao.cooperation.meeting-extended.v1"):
    """An invited bureau gets more time to answer."""

    zh = "{bureau}将{bureau_}的答复期限延至{due}"
    en = "{bureau} gives {bureau_} until {due} to answer"


class MeetingPassedOn(loops.PassedOn, type="yinqiao.cooperation.meeting-passed-on.v1"):
    """The invitation goes to another bureau instead."""

    zh = "{bureau}将对{bureau_}的邀请转至{to}"
    en = "{bureau} turns the invitation of {bureau_} to {to}"


class MeetingReminded(loops.Reminded, type="yinqiao.cooperation.meeting-reminded.v1"):
    """An invited bureau is reminded."""

    zh = "{bureau}催办{bureau_}答复"
    en = "{bureau} reminds {bureau_} to answer"


class MeetingCorrected(Corrected, type="yinqiao.cooperation.meeting-corrected.v1"):
    """A fact of the meeting was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class MeetingVoided(Voided, type="yinqiao.cooperation.meeting-voided.v1"):
    """A fact of the meeting never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class AttendanceConfirmed(Answer, type="yinqiao.cooperation.attendance-confirmed.v1"):
    """The bureau comes, with so many people."""

    zh = "{bureau}确认参会，{persons}人"
    en = "{bureau} will come with {persons} people"
    persons: Count


class AttendanceDeclined(loops.Declined, type="yinqiao.cooperation.attendance-declined.v1"):
    """The bureau asks to be excused (请假)."""

    zh = "{bureau}请假：{reason}"
    en = "{bureau} asks to be excused: {reason}"


class AttendanceReturned(loops.Returned, type="yinqiao.cooperation.attendance-returned.v1"):
    """The bureau sends the invitation back for completion."""

    zh = "{bureau}退回会议通知补正：{reason}"
    en = "{bureau} returns the invitation: {reason}"


class AttendanceCorrected(Corrected, type="yinqiao.cooperation.attendance-corrected.v1"):
    """A fact of the answer was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class AttendanceVoided(Voided, type="yinqiao.cooperation.attendance-voided.v1"):
    """A fact of the answer never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Meeting:
    """A meeting as its caller's stream tells it; stage: called, held, cancelled."""

    stage: str
    call: MeetingCalled
    asks: tuple[loops.Ask, ...]
    held: MeetingHeld | None = None
    minutes: Attachment | None = None
    decisions: int = 0


def evolve_meeting(meeting: Meeting | None, record: Record[Event]) -> Meeting:
    """The next state of a meeting. Raises ImpossibleHistory."""
    match meeting, record.data:
        case None, MeetingCalled() as call if loops.others(call.asks, record.bureau):
            return Meeting("called", call, call.asks)
        case Meeting(stage="called", call=call), MeetingChanged() as new if loops.others(
            new.asks, record.bureau
        ):
            return replace(
                meeting,
                call=call.model_copy(update={name: v for name, v in new if v is not None}),
                asks=new.asks,
            )
        case Meeting(stage="called"), MeetingHeld() as held if loops.answered_by_asked(
            meeting.asks, held.answers, record.basis
        ):
            return replace(meeting, stage="held", held=held, minutes=held.minutes, decisions=held.decisions)
        case Meeting(stage="held"), MeetingMinutesIssued(minutes=minutes, decisions=decisions):
            return replace(meeting, minutes=minutes, decisions=decisions)
        case Meeting(stage="called"), MeetingCancelled():
            return replace(meeting, stage="cancelled")
        case Meeting(
            stage="called", asks=asks
        ), loops.Extended() | loops.PassedOn() | loops.Reminded() as step:
            return replace(meeting, asks=loops.stepped(asks, step))
    raise impossible(meeting, record)


@dataclass(frozen=True)
class Attendance:
    """An invited bureau's answer; stage: confirmed, declined, returned."""

    stage: str
    last: Answer


def evolve_attendance(attendance: Attendance | None, record: Record[Event]) -> Attendance:
    """The next state of an answer; a new question is answered anew. Raises ImpossibleHistory."""
    match attendance, record.data:
        case _, AttendanceConfirmed() | AttendanceDeclined() | AttendanceReturned() as answer if loops.fresh(
            attendance.last if attendance else None, answer
        ):
            return Attendance(_STAGE[type(answer)], answer)
    raise impossible(attendance, record)


_STAGE: dict[type[Event], str] = {
    AttendanceConfirmed: "confirmed",
    AttendanceDeclined: "declined",
    AttendanceReturned: "returned",
}

AGGREGATES = (
    Aggregate(
        "meeting", "cooperation", "会议", "meeting",
        (MeetingCalled, MeetingChanged, MeetingHeld, MeetingMinutesIssued, MeetingCancelled, MeetingExtended,
         MeetingPassedOn, MeetingReminded, MeetingCorrected, MeetingVoided),
        evolve_meeting, ("cancelled",),
    ),
    Aggregate(
        "attendance", "cooperation", "参会答复", "answer to an invitation",
        (AttendanceConfirmed, AttendanceDeclined, AttendanceReturned, AttendanceCorrected, AttendanceVoided),
        evolve_attendance, ("declined",),
    ),
)  # fmt: skip
