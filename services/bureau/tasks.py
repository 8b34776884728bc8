"""What may be asked of a task, of its owner's undertaking, and of a project (in cooperation)."""

from typing import Annotated

from pydantic import Field

from events import errors
from events import tasks as events
from events.tasks import Outcome, Percent
from events.values import (
    Attachment,
    Code,
    Day,
    Expertise,
    Money,
    OutsideParty,
    Paper,
    Place,
    Position,
    Title,
    Why,
)
from services.bureau import loops
from services.bureau.case import Case
from services.bureau.commands import ONCE, Command, decides
from services.bureau.loops import Asked, Days, StreamId


class SetTask(Command, name="set-task", context="cooperation", zh="设立任务", en="Set a task"):
    """A task with an owner and a day; `source` is the own record (a meeting, a memorandum) it comes from."""

    title: Title
    owner: Code
    due: Day
    source: Position | None = None
    days: Days = 5


class ChangeTask(
    Command, name="change-task", context="cooperation", zh="调整任务", en="Change the task", changes=True
):
    """Another title or day; another bureau that owns it is asked anew."""

    stream: StreamId
    title: Title
    due: Day
    reason: Why
    days: Days = 5


class Progress(
    Command,
    name="progress-task",
    context="cooperation",
    zh="填报任务进度",
    en="Report progress",
    changes=True,
):
    """How far our own task has come."""

    stream: StreamId
    percent: Percent
    note: Attachment | None = None


class FinishTask(
    Command,
    name="finish-task",
    context="cooperation",
    zh="确认任务完成",
    en="Confirm that it is done",
    changes=True,
):
    """The setter closes the task; another bureau's must have reported it done."""

    stream: StreamId
    day: Day
    note: Attachment | None = None


class DropTask(
    Command, name="drop-task", context="cooperation", zh="撤销任务", en="Drop the task", changes=True
):
    """Give the task up."""

    stream: StreamId
    reason: Why


class TakeOn(Asked, name="take-on", context="cooperation", zh="承接任务", en="Take the task on"):
    """We do it."""


class DeclineTask(Asked, name="decline-task", context="cooperation", zh="不承接任务", en="Decline the task"):
    """We do not."""

    reason: Why


class ReturnTask(Asked, name="return-task", context="cooperation", zh="退回任务", en="Return the task"):
    """The task lacks something."""

    reason: Why


class ProgressOurs(
    Command,
    name="progress-undertaking",
    context="cooperation",
    zh="填报承接进度",
    en="Report our progress",
    changes=True,
):
    """How far we have come with another bureau's task."""

    stream: StreamId
    percent: Percent
    note: Attachment | None = None


class FinishOurs(
    Asked, name="finish-undertaking", context="cooperation", zh="报告任务完成", en="Report it done"
):
    """We have done another bureau's task."""

    day: Day
    note: Attachment | None = None


class IntroduceProject(
    Command, name="introduce-project", context="cooperation", zh="引进项目", en="Introduce a project"
):
    """A project with bureaus or outside parties."""

    title: Title
    field: Expertise
    day: Day
    partners: Annotated[tuple[Code, ...], Field(max_length=60), ONCE] = ()
    outside: Annotated[tuple[OutsideParty, ...], Field(max_length=20), ONCE] = ()
    place: Place | None = None
    cost: Money | None = None


class ProgressProject(
    Command,
    name="progress-project",
    context="cooperation",
    zh="填报项目进度",
    en="Report project progress",
    changes=True,
):
    """How far the project has come."""

    stream: StreamId
    percent: Percent
    note: Attachment | None = None
    cost: Money | None = None


class EndProject(
    Command, name="end-project", context="cooperation", zh="结束项目", en="End the project", changes=True
):
    """The project is over."""

    stream: StreamId
    day: Day
    outcome: Outcome
    reason: Why | None = None
    paper: Paper | None = None


def _facts(command: Command, *without: str) -> dict[str, object]:
    return {name: value for name, value in command if name not in {"stream", "log", "days", *without}}


@decides(SetTask)
def set_task(case: Case, command: SetTask) -> None:
    """Our own task asks nobody; another bureau's asks its owner."""
    asks = () if command.owner == case.bureau else case.ask([command.owner], command.days)
    source = None
    if command.source is not None:
        source = case.reference(case.reading.record((case.log, command.source)))
    case.start("task", events.TaskSet(asks=asks, source=source, **_facts(command, "source")))  # type: ignore[arg-type]  # the command's own fields


@decides(ChangeTask)
def change_task(case: Case, command: ChangeTask) -> None:
    """The owner's earlier word no longer counts."""
    stream = case.own("task", command.stream)
    asks = case.ask((a.bureau for a in stream.state.asks), command.days)
    case.add(stream, events.TaskChanged(asks=asks, **_facts(command)))  # type: ignore[arg-type]  # the command's own fields


@decides(Progress)
def progress(case: Case, command: Progress) -> None:
    """Only of a task that we own ourselves."""
    event = events.TaskProgressed(percent=command.percent, note=command.note)
    case.add(case.own("task", command.stream), event)


@decides(FinishTask)
def finish_task(case: Case, command: FinishTask) -> None:
    """Names the owner's report, where another bureau owns it."""
    stream = case.own("task", command.stream)
    asking = (events.TaskSet, events.TaskChanged, events.TaskPassedOn)
    done = loops.answers(case, stream, events.UndertakingDone, *asking) if stream.state.asks else []
    if len(done) != len(stream.state.asks):
        raise errors.Conflict(f"{stream.state.owner} has not reported it done")
    answers = tuple(case.reference(record) for record in done)
    case.add(stream, events.TaskDone(answers=answers, day=command.day, note=command.note))


@decides(DropTask)
def drop_task(case: Case, command: DropTask) -> None:
    """Ends the question too."""
    case.add(case.own("task", command.stream), events.TaskDropped(reason=command.reason))


@decides(TakeOn)
def take_on(case: Case, command: TakeOn) -> None:
    """A promise."""
    theirs, question = loops.asked(case, "task", command.log, command.stream)
    loops.answer(case, "undertaking", theirs, events.UndertakingAccepted(question=question))


@decides(DeclineTask)
def decline_task(case: Case, command: DeclineTask) -> None:
    """The setter sees the reason."""
    theirs, question = loops.asked(case, "task", command.log, command.stream)
    loops.answer(
        case, "undertaking", theirs, events.UndertakingDeclined(question=question, reason=command.reason)
    )


@decides(ReturnTask)
def return_task(case: Case, command: ReturnTask) -> None:
    """The setter completes it and asks again."""
    theirs, question = loops.asked(case, "task", command.log, command.stream)
    loops.answer(
        case, "undertaking", theirs, events.UndertakingReturned(question=question, reason=command.reason)
    )


@decides(ProgressOurs)
def progress_ours(case: Case, command: ProgressOurs) -> None:
    """Stands in our own stream."""
    event = events.UndertakingProgressed(percent=command.percent, note=command.note)
    case.add(case.own("undertaking", command.stream), event)


@decides(FinishOurs)
def finish_ours(case: Case, command: FinishOurs) -> None:
    """The setter confirms it."""
    theirs, question = loops.asked(case, "task", command.log, command.stream)
    event = events.UndertakingDone(question=question, day=command.day, note=command.note)
    loops.answer(case, "undertaking", theirs, event)


@decides(IntroduceProject)
def introduce_project(case: Case, command: IntroduceProject) -> None:
    """Partners are named; each records its own side."""
    case.start("project", events.ProjectIntroduced(**_facts(command)))  # type: ignore[arg-type]  # the command's own fields


@decides(ProgressProject)
def progress_project(case: Case, command: ProgressProject) -> None:
    """Percent, a note, what it cost so far."""
    case.add(case.own("project", command.stream), events.ProjectProgressed(**_facts(command)))  # type: ignore[arg-type]  # the command's own fields


@decides(EndProject)
def end_project(case: Case, command: EndProject) -> None:
    """Completed or stopped."""
    case.add(case.own("project", command.stream), events.ProjectEnded(**_facts(command)))  # type: ignore[arg-type]  # the command's own fields


COMMANDS: tuple[type[Command], ...] = (
    SetTask, ChangeTask, Progress, FinishTask, DropTask, TakeOn, DeclineTask, ReturnTask, ProgressOurs,
    FinishOurs, IntroduceProject, ProgressProject, EndProject,
)  # fmt: skip
