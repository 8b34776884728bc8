"""Tasks and projects of cooperation on pages."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from events.tasks import Outcome
from events.values import Expertise
from projections import projects, tasks
from services.bureau import tasks as commands
from services.bureau.commands import Command
from services.gateway import shown
from services.gateway.filters import BUREAU, BY_DAY, DAYS, TITLE, flags, yes_no
from services.gateway.shown import Cell
from services.gateway.things import Column, Filter, Kind, Stage, Thing
from services.gateway.view import View
from services.gateway.waiting import Duty
from services.runtime.database import Connection

TASK_STAGES = {
    "set": Stage("进行中", "under way", "wait"),
    "done": Stage("已完成", "done", "good"),
    "dropped": Stage("已撤销", "dropped", "bad"),
}


def task_rows(
    conn: Connection, asked: Mapping[str, Any], today: date, limit: int, after: Any
) -> Sequence[Any]:
    chosen = tasks.Chosen(**flags(asked, "overdue"))
    return tasks.ledger(conn, chosen, today, limit=limit, after=after)


def task_values(thing: Thing, command: type[Command], _view: View) -> Mapping[str, Any] | None:
    """A bureau reports progress of its own tasks only; another owner's is reported by that owner."""
    others = thing.facts[0].data.owner != thing.bureau  # type: ignore[attr-defined]  # a task begins with TaskSet
    return None if command is commands.Progress and others else {}


def due(row: tasks.Task, view: View) -> Cell:
    mark = [shown.chip(view.t("逾期", "overdue"), "bad")] if row.overdue else []
    return shown.joined([view.cell(row.due), *mark], " ")


TASK: Kind = Kind(
    "task",
    "cooperation",
    "重点任务",
    "tasks",
    tasks.MODEL,
    task_rows,
    BY_DAY,
    columns=(
        Column("完成时限", "due", due),
        Column("任务", "task", lambda r, v: v.link(TASK, r)),
        Column("设立单位", "set by", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("责任单位", "owner", lambda r, v: shown.plain(v.bureau(r.owner))),
        Column("进度", "progress", lambda r, _: shown.plain(f"{r.percent}%", number=True)),
        Column("状态", "stage", lambda r, v: v.stage(TASK, r.stage)),
    ),
    filters=(
        BUREAU,
        Filter("owner", "责任单位", "owner", lambda v: v.bureaus()),
        Filter("stage", "状态", "stage", lambda v: v.stages(TASK_STAGES)),
        Filter("overdue", "逾期", "overdue", yes_no),
        *DAYS,
        TITLE,
    ),
    stages=TASK_STAGES,
    begin=(commands.SetTask,),
    steps={"set": (commands.FinishTask, commands.Progress, commands.ChangeTask, commands.DropTask)},
    answers=(commands.TakeOn, commands.ReturnTask, commands.DeclineTask),
    answered_in=("undertaking",),
    after={"accepted": (commands.ProgressOurs, commands.FinishOurs)},
    values=task_values,
    empty=("还没有任务。会议议定的事项可转为任务。", "No task yet: decisions of a meeting become tasks."),
)


def duties(view: View, bureau: str) -> list[Duty]:
    """Tasks that are the bureau's own, or that it took on and has not reported done."""
    with view.site.reading(tasks.MODEL) as conn:
        found = tasks.to_do(conn, bureau, view.today)
    what = view.t("完成任务", "finish the task")
    return [
        Duty(what, r.title, view.path(TASK, r), bureau, r.due, r.overdue, *_finishing(r, bureau))
        for r in found
    ]


def _finishing(row: tasks.Task, bureau: str) -> tuple[type[Command], Mapping[str, str]]:
    if row.bureau == bureau:
        return commands.FinishTask, {"stream": row.stream}
    return commands.FinishOurs, {"log": row.log, "stream": row.stream}


PROJECT_STAGES = {
    "running": Stage("进行中", "under way", "wait"),
    "ended": Stage("已结束", "ended", "good"),
}


def project_rows(
    conn: Connection, asked: Mapping[str, Any], _today: date, limit: int, after: Any
) -> Sequence[Any]:
    return projects.projects(conn, projects.Chosen(**asked), limit=limit, after=after)


PROJECT: Kind = Kind(
    "project",
    "cooperation",
    "合作项目",
    "projects",
    tasks.MODEL,
    project_rows,
    BY_DAY,
    columns=(
        Column("引进日期", "day", lambda r, v: v.cell(r.day)),
        Column("项目", "project", lambda r, v: v.link(PROJECT, r)),
        Column("单位", "bureau", lambda r, v: shown.plain(v.bureau(r.bureau))),
        Column("合作方", "partners", lambda r, v: v.cell([*map(v.bureau, r.partners), *r.outside])),
        Column("领域", "field", lambda r, v: v.choice(Expertise, r.field)),
        Column("经费", "cost", lambda r, v: v.cell(r.fen, "fen")),
        Column("进度", "progress", lambda r, _: shown.plain(f"{r.percent}%", number=True)),
        Column("结果", "outcome", lambda r, v: v.choice(Outcome, r.outcome)),
        Column("状态", "stage", lambda r, v: v.stage(PROJECT, r.stage)),
    ),
    filters=(
        BUREAU,
        Filter("stage", "状态", "stage", lambda v: v.stages(PROJECT_STAGES)),
        Filter("field", "领域", "field", lambda v: v.choices(Expertise)),
        *DAYS,
        TITLE,
    ),
    stages=PROJECT_STAGES,
    begin=(commands.IntroduceProject,),
    steps={"running": (commands.ProgressProject, commands.EndProject)},
    empty=("还没有项目。点「引进项目」登记第一项。", "No project yet: introduce the first."),
)
KINDS = (TASK, PROJECT)
