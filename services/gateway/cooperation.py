"""Cooperation on pages: memoranda, meetings, tasks, projects."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from events import cooperation as events
from events.cooperation import Kind as Agreement
from events.cooperation import SignatureLeft, Subject
from events.tasks import Outcome
from events.values import Expertise
from projections import cooperation as model
from projections import meetings, memoranda, projects, tasks
from services.bureau import cooperation as commands
from services.bureau import meetings as meeting_commands
from services.bureau import tasks as task_commands
from services.bureau.commands import Command
from services.gateway import shown
from services.gateway.figures import Figure
from services.gateway.shown import Cell
from services.gateway.things import Column, Filter, Kind, Stage, Thing
from services.gateway.view import View
from services.gateway.waiting import Duty
from services.runtime.database import Connection

BY_DAY: TypeAdapter[Any] = TypeAdapter(tuple[date, str, str])
BUREAU = Filter("bureau", "单位", "bureau", lambda v: v.bureaus())
DAYS = (Filter("first", "从", "from"), Filter("last", "到", "to"))
MEMORANDUM_STAGES = {
    "proposed": Stage("待送签", "proposed", "wait"),
    "signing": Stage("签署中", "signing", "wait"),
    "in-force": Stage("已生效", "in force", "good"),
    "withdrawn": Stage("已撤回", "withdrawn", "bad"),
    "ended": Stage("已终止", "ended"),
    "expired": Stage("已到期", "expired"),
    "unsigned": Stage("签署不成立", "a signature is gone", "bad"),
}


def register(conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any) -> Sequence[Any]:
    return memoranda.register(conn, memoranda.Chosen(**asked), today, limit=limit, after=after)


def memorandum_values(thing: Thing, command: type[Command], view: View) -> Mapping[str, Any] | None:
    """The text that is signed, and the party that gave notice; entry into force only once all have signed."""
    if command is commands.Sign:
        return {"text": thing.state.terms.text.digest}
    if command is commands.EnterIntoForce:
        return {} if all(_signed(thing, ask.bureau) for ask in thing.asks) else None
    if command is commands.ReleaseParty:
        left = next((a for a in thing.answers if a.bureau in _bound(thing) and _notice(a.facts)), None)
        return {"bureau": left.bureau, "day": _notice(left.facts).day} if left else None
    return {}


def _signed(thing: Thing, bureau: str) -> bool:
    found = thing.mine(bureau)
    last = found.last.data if found and found.last else None
    return isinstance(last, events.SignatureSigned) and last.text == thing.state.terms.text.digest


def _bound(thing: Thing) -> set[str]:
    force = thing.state.forces[-1] if thing.state.forces else None
    return {*force.parties} - {bureau for bureau, _ in force.released} if force else set()


def _notice(facts: Sequence[Any]) -> Any:
    return next((r.data for r in reversed(facts) if isinstance(r.data, SignatureLeft)), None)


def force(thing: Thing, view: View) -> list[tuple[str, Cell]]:
    """Since when it is in force, and how many have signed the text that is asked for now."""
    state = thing.state
    if state is None:
        return []
    found = [(view.t("单方登记", "recorded by one side"), view.cell(state.one_sided))] if state.one_sided else []
    if state.stage == "signing":
        signed = sum(_signed(thing, ask.bureau) for ask in state.asks)
        found.append((view.t("签署进度", "signed"), shown.plain(f"{signed} / {len(state.asks)}")))
    if (now := state.in_force(view.today)) is not None:
        found.append((view.t("现行有效", "in force since"), view.cell(now.entry.in_force_from)))
    return found


MEMORANDUM = Kind(
    "memorandum", "cooperation", "合作备忘录", "memoranda", model.MODEL, register, TypeAdapter(tuple[str, str, str]),
    columns=(
        Column("名称", "title", lambda r, v: v.link(MEMORANDUM, r)),
        Column("类型", "kind", lambda r, v: v.choice(Agreement, r.kind)),
        Column("各方", "parties", lambda r, v: v.cell([*map(v.bureau, r.parties), *r.outside])),
        Column("合作内容", "subjects", lambda r, v: shown.joined((v.choice(Subject, s) for s in r.subjects), v.t("、", ", "))),
        Column("生效日期", "in force from", lambda r, v: v.cell(r.since)),
        Column("最后一日", "last day", lambda r, v: v.cell(r.last)),
        Column("状态", "stage", lambda r, v: v.stage(MEMORANDUM, r.stage)),
    ),
    filters=(
        BUREAU, Filter("stage", "状态", "stage", lambda v: v.stages(MEMORANDUM_STAGES)),
        Filter("subject", "合作内容", "subject", lambda v: v.choices(Subject)),
        Filter("kind", "类型", "kind", lambda v: v.choices(Agreement)),
    ),
    stages=MEMORANDUM_STAGES, begin=(commands.Propose,),
    steps={
        "proposed": (commands.Amend, commands.Withdraw),
        "signing": (commands.EnterIntoForce, commands.Amend, commands.Withdraw),
        "in-force": (commands.Amend, commands.ReleaseParty, commands.End),
    },
    answers=(commands.Sign, commands.ReturnText, commands.DeclineToSign), answered_in=("signature",),
    after={"signed": (commands.Leave,)}, values=memorandum_values, facts=force,
    empty=("还没有备忘录。点「提出并送签」起草第一份。", "No memorandum yet: propose the first."),
)  # fmt: skip
MEETING_STAGES = {
    "called": Stage("已召集", "called", "wait"),
    "held": Stage("已召开", "held", "good"),
    "cancelled": Stage("已取消", "cancelled", "bad"),
}


def meeting_rows(conn: Connection, asked: Mapping[str, Any], _today: date, limit: int, after: Any) -> Sequence[Any]:
    return meetings.meetings(conn, meetings.Chosen(**asked), limit=limit, after=after)


def meeting_values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any]:
    """A task from a meeting names the record that it was held."""
    held = next((r for r in reversed(thing.facts) if type(r.data).__name__ == "MeetingHeld"), None)
    return {"source": held.position} if command is task_commands.SetTask and held else {}


MEETING = Kind(
    "meeting", "cooperation", "会议", "meetings", meetings.MODEL, meeting_rows, BY_DAY,
    columns=(
        Column("日期", "day", lambda r, v: v.cell(r.day)),
        Column("会议", "meeting", lambda r, v: v.link(MEETING, r)),
        Column("召集单位", "called by", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("参会单位", "asked", lambda r, v: v.cell([*map(v.bureau, r.invited), *r.outside])),
        Column("出席", "present", lambda r, v: v.cell(r.present)),
        Column("议定事项", "decisions", lambda r, v: v.cell(r.decisions)),
        Column("状态", "stage", lambda r, v: v.stage(MEETING, r.stage)),
    ),
    filters=(BUREAU, Filter("stage", "状态", "stage", lambda v: v.stages(MEETING_STAGES)), *DAYS),
    stages=MEETING_STAGES, begin=(meeting_commands.CallMeeting,),
    steps={
        "called": (meeting_commands.HoldMeeting, meeting_commands.MoveMeeting, meeting_commands.CancelMeeting),
        "held": (task_commands.SetTask, meeting_commands.IssueMinutes),
    },
    answers=(meeting_commands.Attend, meeting_commands.Excuse, meeting_commands.ReturnInvitation),
    answered_in=("attendance",), values=meeting_values,
    empty=("还没有会议。点「召集会议」发出第一份通知。", "No meeting yet: call the first."),
)  # fmt: skip
TASK_STAGES = {
    "set": Stage("进行中", "under way", "wait"),
    "done": Stage("已完成", "done", "good"),
    "dropped": Stage("已撤销", "dropped", "bad"),
}


def task_rows(conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any) -> Sequence[Any]:
    flags = {"overdue": asked["overdue"] == "true"} if "overdue" in asked else {}
    return tasks.ledger(conn, tasks.Chosen(**{**asked, **flags}), today, limit=limit, after=after)


def task_values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any] | None:
    """A bureau reports progress of its own tasks only; another owner's is reported by that owner."""
    others = thing.facts[0].data.owner != thing.bureau  # type: ignore[attr-defined]  # a task begins with TaskSet
    return None if command is task_commands.Progress and others else {}


def due(row: tasks.Task, view: View) -> Cell:
    mark = [shown.chip(view.t("逾期", "overdue"), "bad")] if row.overdue else []
    return shown.joined([view.cell(row.due), *mark], " ")


TASK = Kind(
    "task", "cooperation", "重点任务", "tasks", tasks.MODEL, task_rows, BY_DAY,
    columns=(
        Column("完成时限", "due", due),
        Column("任务", "task", lambda r, v: v.link(TASK, r)),
        Column("设立单位", "set by", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("责任单位", "owner", lambda r, v: shown.plain(v.bureau(r.owner))),
        Column("进度", "progress", lambda r, v: shown.plain(f"{r.percent}%", number=True)),
        Column("状态", "stage", lambda r, v: v.stage(TASK, r.stage)),
    ),
    filters=(
        BUREAU, Filter("owner", "责任单位", "owner", lambda v: v.bureaus()),
        Filter("stage", "状态", "stage", lambda v: v.stages(TASK_STAGES)),
        Filter("overdue", "逾期", "overdue", lambda v: [("true", v.t("是", "yes")), ("false", v.t("否", "no"))]), *DAYS,
    ),
    stages=TASK_STAGES, begin=(task_commands.SetTask,),
    steps={"set": (task_commands.FinishTask, task_commands.Progress, task_commands.ChangeTask, task_commands.DropTask)},
    answers=(task_commands.TakeOn, task_commands.ReturnTask, task_commands.DeclineTask), answered_in=("undertaking",),
    after={"accepted": (task_commands.ProgressOurs, task_commands.FinishOurs)}, values=task_values,
    empty=("还没有任务。会议议定的事项可转为任务。", "No task yet: decisions of a meeting become tasks."),
)  # fmt: skip
PROJECT_STAGES = {
    "running": Stage("进行中", "under way", "wait"),
    "ended": Stage("已结束", "ended", "good"),
}


def project_rows(conn: Connection, asked: Mapping[str, Any], _today: date, limit: int, after: Any) -> Sequence[Any]:
    return projects.projects(conn, projects.Chosen(**asked), limit=limit, after=after)


PROJECT = Kind(
    "project", "cooperation", "合作项目", "projects", tasks.MODEL, project_rows, BY_DAY,
    columns=(
        Column("引进日期", "day", lambda r, v: v.cell(r.day)),
        Column("项目", "project", lambda r, v: v.link(PROJECT, r)),
        Column("单位", "bureau", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("合作方", "partners", lambda r, v: v.cell([*map(v.bureau, r.partners), *r.outside])),
        Column("领域", "field", lambda r, v: v.choice(Expertise, r.field)),
        Column("经费", "cost", lambda r, v: v.cell(r.fen, "fen")),
        Column("进度", "progress", lambda r, v: shown.plain(f"{r.percent}%", number=True)),
        Column("结果", "outcome", lambda r, v: v.choice(Outcome, r.outcome)),
        Column("状态", "stage", lambda r, v: v.stage(PROJECT, r.stage)),
    ),
    filters=(
        BUREAU, Filter("stage", "状态", "stage", lambda v: v.stages(PROJECT_STAGES)),
        Filter("field", "领域", "field", lambda v: v.choices(Expertise)), *DAYS,
    ),
    stages=PROJECT_STAGES, begin=(task_commands.IntroduceProject,),
    steps={"running": (task_commands.ProgressProject, task_commands.EndProject)},
    empty=("还没有项目。点「引进项目」登记第一项。", "No project yet: introduce the first."),
)  # fmt: skip
KINDS = (MEMORANDUM, MEETING, TASK, PROJECT)


def duties(view: View, bureau: str | None) -> list[Duty]:
    """Tasks of the bureau that are overdue, and memoranda that end within sixty days."""
    with view.site.reading(tasks.MODEL) as conn:
        late = tasks.ledger(conn, tasks.Chosen(owner=bureau, overdue=True), view.today, limit=500)
    with view.site.reading(model.MODEL) as conn:
        ending = memoranda.ending(conn, view.today, bureau)
    do, renew = view.t("完成任务", "finish the task"), view.t("备忘录即将到期", "the memorandum ends soon")
    return [
        *(Duty(do, r.title, view.path(TASK, r), r.due, overdue=True) for r in late),
        *(Duty(renew, r.title or "", view.path(MEMORANDUM, r), r.last, overdue=False) for r in ending if r.last),
    ]


def figures(view: View, bureau: str | None) -> list[Figure]:
    """Memoranda in force today, and tasks under way and overdue."""
    with view.reading(model.MODEL) as conn:
        force_ = model.in_force_count(conn, view.today, bureau)
    with view.site.reading(tasks.MODEL) as conn:
        found = tasks.counts(conn, tasks.Chosen(bureau=bureau), view.today)
    return [
        Figure("有效备忘录", "memoranda in force", force_, MEMORANDUM.path, {"bureau": bureau, "stage": "in-force"}),
        Figure("进行中任务", "tasks under way", found.tasks - found.done - found.dropped, TASK.path, {"bureau": bureau, "stage": "set"}),
        Figure("逾期任务", "tasks overdue", found.overdue, TASK.path, {"bureau": bureau, "overdue": "true"}, "bad" if found.overdue else ""),
    ]
