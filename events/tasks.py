"""What can happen to a task (重点任务台账), to its owner's undertaking, and to a project (in cooperation).

The bureau that sets a task decides when it is done. When another bureau owns it, that bureau's progress
stands in a stream of its own, the undertaking, and the setter closes the task naming it.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from events import loops
from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.loops import Answer, Asking, Settling
from events.values import (
    Attachment,
    Choice,
    Code,
    Day,
    Expertise,
    Money,
    OutsideParty,
    Paper,
    Place,
    Reference,
    Title,
    Why,
)

Percent = Annotated[int, Field(ge=0, le=100)]


class Outcome(Choice):
    """How a project ended."""

    COMPLETED = "completed", "完成", "completed"
    STOPPED = "stopped", "中止", "stopped"


class TaskSet(Asking, type="yinqiao.cooperation.task-set.v1"):
    """A task with an owner and a day; another bureau that is to own it is asked to undertake it."""

    zh = "{bureau}设立任务「{title}」，责任单位{owner}，完成时限{due}"
    en = "{bureau} sets the task “{title}” for {owner}, due {due}"
    terms = frozenset({"title", "due"})
    fixed = frozenset({"owner"})
    title: Title
    owner: Code
    due: Day
    source: Annotated[Reference | None, Field(description="the meeting or memorandum it comes from")] = None


class TaskChanged(Asking, type="yinqiao.cooperation.task-changed.v1"):
    """Title or day change; another owner is asked anew."""

    zh = "{bureau}调整任务为「{title}」，完成时限{due}：{reason}"
    en = "{bureau} changes the task to “{title}”, due {due}: {reason}"
    terms = frozenset({"title", "due"})
    title: Title
    due: Day
    reason: Why


class TaskProgressed(Event, type="yinqiao.cooperation.task-progressed.v1"):
    """How far a bureau has come with a task of its own."""

    zh = "{bureau}任务进度{percent}%"
    en = "{bureau}: the task stands at {percent} %"
    percent: Percent
    note: Attachment | None = None


class TaskDone(Settling, type="yinqiao.cooperation.task-done.v1"):
    """The task is done; of another bureau's task `answers` names its undertaking's last word."""

    zh = "{bureau}确认任务于{day}完成"
    en = "{bureau} confirms that the task was done on {day}"
    day: Day
    note: Attachment | None = None


class TaskDropped(loops.Ending, type="yinqiao.cooperation.task-dropped.v1"):
    """The task is given up."""

    zh = "{bureau}撤销任务：{reason}"
    en = "{bureau} drops the task: {reason}"
    reason: Why


class TaskExtended(loops.Extended, type="yinqiao.cooperation.task-extended.v1"):
    """The owner gets more time to answer."""

    zh = "{bureau}将{bureau_}的答复期限延至{due}"
    en = "{bureau} gives {bureau_} until {due} to answer"


class TaskPassedOn(loops.PassedOn, type="yinqiao.cooperation.task-passed-on.v1"):
    """Another bureau is to own the task."""

    zh = "{bureau}将任务由{bureau_}转交{to}"
    en = "{bureau} passes the task from {bureau_} to {to}"


class TaskReminded(loops.Reminded, type="yinqiao.cooperation.task-reminded.v1"):
    """The owner is reminded."""

    zh = "{bureau}催办{bureau_}"
    en = "{bureau} reminds {bureau_}"


class TaskCorrected(Corrected, type="yinqiao.cooperation.task-corrected.v1"):
    """A fact of the task was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class TaskVoided(Voided, type="yinqiao.cooperation.task-voided.v1"):
    """A fact of the task never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class UndertakingAccepted(Answer, type="yinqiao.cooperation.undertaking-accepted.v1"):
    """The bureau takes the task on."""

    zh = "{bureau}承接任务"
    en = "{bureau} takes the task on"


class UndertakingDeclined(loops.Declined, type="yinqiao.cooperation.undertaking-declined.v1"):
    """The bureau does not take the task on."""

    zh = "{bureau}不承接任务：{reason}"
    en = "{bureau} declines the task: {reason}"


class UndertakingReturned(loops.Returned, type="yinqiao.cooperation.undertaking-returned.v1"):
    """The bureau sends the task back for completion."""

    zh = "{bureau}退回任务补正：{reason}"
    en = "{bureau} returns the task: {reason}"


class UndertakingProgressed(Event, type="yinqiao.cooperation.undertaking-progressed.v1"):
    """How far the owner has come."""

    zh = "{bureau}任务进度{percent}%"
    en = "{bureau}: the task stands at {percent} %"
    percent: Percent
    note: Attachment | None = None


class UndertakingDone(Answer, type="yinqiao.cooperation.undertaking-done.v1"):
    """The owner reports the task done; it answers the question that was accepted."""

    zh = "{bureau}报告任务于{day}完成"
    en = "{bureau} reports the task done on {day}"
    day: Day
    note: Attachment | None = None


class UndertakingCorrected(Corrected, type="yinqiao.cooperation.undertaking-corrected.v1"):
    """A fact of the undertaking was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class UndertakingVoided(Voided, type="yinqiao.cooperation.undertaking-voided.v1"):
    """A fact of the undertaking never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class ProjectIntroduced(Event, type="yinqiao.cooperation.project-introduced.v1"):
    """A project is brought in, with bureaus or outside parties as partners."""

    zh = "{bureau}于{day}引进项目「{title}」（{field}）"
    en = "{bureau} introduced the project “{title}” ({field}) on {day}"
    title: Title
    field: Expertise
    day: Day
    partners: Annotated[tuple[Code, ...], Field(max_length=60)] = ()
    outside: Annotated[tuple[OutsideParty, ...], Field(max_length=20)] = ()
    place: Place | None = None
    cost: Money | None = None
    memorandum: Reference | None = None


class ProjectProgressed(Event, type="yinqiao.cooperation.project-progressed.v1"):
    """How far the project has come."""

    zh = "{bureau}项目进度{percent}%"
    en = "{bureau}: the project stands at {percent} %"
    percent: Percent
    note: Attachment | None = None
    cost: Money | None = None


class ProjectEnded(Event, type="yinqiao.cooperation.project-ended.v1"):
    """The project is over."""

    zh = "{bureau}项目于{day}结束：{outcome}"
    en = "{bureau}: the project ended on {day}: {outcome}"
    day: Day
    outcome: Outcome
    reason: Why | None = None
    paper: Paper | None = None


class ProjectCorrected(Corrected, type="yinqiao.cooperation.project-corrected.v1"):
    """A fact of the project was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class ProjectVoided(Voided, type="yinqiao.cooperation.project-voided.v1"):
    """A fact of the project never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Task:
    """A task as its setter's stream tells it; stage: set, done, dropped."""

    stage: str
    title: str
    owner: str
    due: Day
    asks: tuple[loops.Ask, ...] = ()
    percent: int = 0


def evolve_task(task: Task | None, record: Record[Event]) -> Task:  # noqa: PLR0911  (one branch a fact)
    """The next state of a task. Raises ImpossibleHistory."""
    match task, record.data:
        case None, TaskSet(owner=owner) as set_ if _asks_owner(set_.asks, owner, record.bureau):
            return Task("set", set_.title, owner, set_.due, set_.asks)
        case Task(stage="set", owner=owner), TaskChanged() as new if _asks_owner(
            new.asks, owner, record.bureau
        ):
            return replace(task, title=new.title, due=new.due, asks=new.asks)
        case Task(stage="set", asks=()), TaskProgressed(percent=percent):
            return replace(task, percent=percent)
        case Task(stage="set", asks=asks), TaskDone(answers=answers) if loops.answered_by_all(
            asks, answers, record.basis
        ):
            return replace(task, stage="done", percent=100)
        case Task(stage="set"), TaskDropped():
            return replace(task, stage="dropped")
        case Task(stage="set", asks=asks), loops.PassedOn(to=to) as step if to.bureau != record.bureau:
            return replace(task, owner=to.bureau, asks=loops.stepped(asks, step))
        case Task(stage="set", asks=asks), loops.Extended() | loops.Reminded() as step:
            return replace(task, asks=loops.stepped(asks, step))
    raise impossible(task, record)


def _asks_owner(asks: tuple[loops.Ask, ...], owner: str, setter: str) -> bool:
    return tuple(a.bureau for a in asks) == (() if owner == setter else (owner,))


@dataclass(frozen=True)
class Undertaking:
    """The owner's side of another bureau's task; stage: accepted, declined, returned, done."""

    stage: str
    last: Answer
    percent: int = 0


def evolve_undertaking(undertaking: Undertaking | None, record: Record[Event]) -> Undertaking:
    """The next state of an undertaking; a new question is answered anew. Raises ImpossibleHistory."""
    match undertaking, record.data:
        case _, UndertakingAccepted() | UndertakingDeclined() | UndertakingReturned() as answer if (
            loops.fresh(undertaking.last if undertaking else None, answer)
        ):
            return Undertaking(_STAGE[type(answer)], answer, undertaking.percent if undertaking else 0)
        case Undertaking(stage="accepted"), UndertakingProgressed(percent=percent):
            return replace(undertaking, percent=percent)
        case Undertaking(stage="accepted", last=old), UndertakingDone() as done if (
            done.question == old.question
        ):
            return Undertaking("done", done, 100)
    raise impossible(undertaking, record)


_STAGE: dict[type[Event], str] = {
    UndertakingAccepted: "accepted",
    UndertakingDeclined: "declined",
    UndertakingReturned: "returned",
}


@dataclass(frozen=True)
class Project:
    """A project; stage: running, ended."""

    stage: str
    introduced: ProjectIntroduced
    percent: int = 0
    ended: ProjectEnded | None = None


def evolve_project(project: Project | None, record: Record[Event]) -> Project:
    """The next state of a project. Raises ImpossibleHistory."""
    match project, record.data:
        case None, ProjectIntroduced() as introduced:
            return Project("running", introduced)
        case Project(stage="running"), ProjectProgressed(percent=percent):
            return replace(project, percent=percent)
        case Project(stage="running"), ProjectEnded() as ended if ended.day >= project.introduced.day:
            return replace(project, stage="ended", ended=ended)
    raise impossible(project, record)


AGGREGATES = (
    Aggregate(
        "task", "cooperation", "任务", "task",
        (TaskSet, TaskChanged, TaskProgressed, TaskDone, TaskDropped, TaskExtended, TaskPassedOn,
         TaskReminded, TaskCorrected, TaskVoided),
        evolve_task, ("done", "dropped"),
    ),
    Aggregate(
        "undertaking", "cooperation", "任务承接", "undertaking",
        (UndertakingAccepted, UndertakingDeclined, UndertakingReturned, UndertakingProgressed,
         UndertakingDone, UndertakingCorrected, UndertakingVoided),
        evolve_undertaking, ("declined", "done"),
    ),
    Aggregate(
        "project", "cooperation", "合作项目", "project",
        (ProjectIntroduced, ProjectProgressed, ProjectEnded, ProjectCorrected, ProjectVoided),
        evolve_project, ("ended",),
    ),
)  # fmt: skip
