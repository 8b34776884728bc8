"""Meetings of bureaus on pages."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from events.meetings import MeetingHeld
from projections import meetings
from services.bureau import meetings as commands
from services.bureau.commands import Command
from services.bureau.tasks import SetTask
from services.gateway import shown
from services.gateway.filters import BUREAU, BY_DAY, DAYS, TITLE
from services.gateway.things import Column, Filter, Kind, Stage, Thing
from services.gateway.view import View
from services.runtime.database import Connection

STAGES = {
    "called": Stage("已召集", "called", "wait"),
    "held": Stage("已召开", "held", "good"),
    "cancelled": Stage("已取消", "cancelled", "bad"),
}


def meeting_rows(
    conn: Connection, asked: Mapping[str, Any], _today: date, limit: int, after: Any
) -> Sequence[Any]:
    return meetings.meetings(conn, meetings.Chosen(**asked), limit=limit, after=after)


def meeting_values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any]:
    """A task from a meeting names the record that it was held."""
    held = next((r for r in reversed(thing.facts) if isinstance(r.data, MeetingHeld)), None)
    return {"source": held.position} if command is SetTask and held else {}


MEETING: Kind = Kind(
    "meeting",
    "cooperation",
    "会议",
    "meetings",
    meetings.MODEL,
    meeting_rows,
    BY_DAY,
    columns=(
        Column("日期", "day", lambda r, v: v.cell(r.day)),
        Column("会议", "meeting", lambda r, v: v.link(MEETING, r)),
        Column("召集单位", "called by", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("参会单位", "asked", lambda r, v: v.cell([*map(v.bureau, r.invited), *r.outside])),
        Column("出席", "present", lambda r, v: v.cell(r.present)),
        Column("议定事项", "decisions", lambda r, v: v.cell(r.decisions)),
        Column("状态", "stage", lambda r, v: v.stage(MEETING, r.stage)),
    ),
    filters=(BUREAU, Filter("stage", "状态", "stage", lambda v: v.stages(STAGES)), *DAYS, TITLE),
    stages=STAGES,
    begin=(commands.CallMeeting,),
    steps={
        "called": (commands.HoldMeeting, commands.MoveMeeting, commands.CancelMeeting),
        "held": (SetTask, commands.IssueMinutes),
    },
    answers=(commands.Attend, commands.Excuse, commands.ReturnInvitation),
    answered_in=("attendance",),
    values=meeting_values,
    empty=("还没有会议。点「召集会议」发出第一份通知。", "No meeting yet: call the first."),
)
