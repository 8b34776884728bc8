"""The ledger of tasks (重点任务台账) with what their owners report, and projects that were introduced."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection

from events import tasks
from events.event import Record
from events.values import Reference
from projections import closings, questions
from projections.model import Handlers, ReadModel, fetch
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("tasks", version=3, handlers=on, parts=("closings", "questions"))
questions.follow(
    on, "task",
    {
        tasks.UndertakingAccepted: "accepted",
        tasks.UndertakingDeclined: "declined",
        tasks.UndertakingReturned: "returned",
        tasks.UndertakingDone: "done",
    },
    more=lambda answer: {"day": getattr(answer, "day", None)},
)  # fmt: skip


@on(tasks.TaskSet)
def show_task(record: Record[tasks.TaskSet], rows: Rows) -> None:
    task, (log, position) = record.data, _key(record.data.source)
    rows.put(
        "task", record, stage="set", title=task.title, owner=task.owner, due=task.due,
        source_log=log, source_position=position,
    )  # fmt: skip


def _key(reference: Reference | None) -> tuple[str | None, int | None]:
    return (reference.log, reference.position) if reference else (None, None)


@on(tasks.TaskChanged)
def show_change(record: Record[tasks.TaskChanged], rows: Rows) -> None:
    rows.put("task", record, title=record.data.title, due=record.data.due)


@on(tasks.TaskPassedOn)
def show_another_owner(record: Record[tasks.TaskPassedOn], rows: Rows) -> None:
    rows.put("task", record, owner=record.data.to.bureau, asked=record.position)


@on(tasks.TaskProgressed)
def show_progress(record: Record[tasks.TaskProgressed], rows: Rows) -> None:
    rows.put("task", record, percent=record.data.percent)


@on(tasks.TaskDone)
def show_done(record: Record[tasks.TaskDone], rows: Rows) -> None:
    rows.put("task", record, stage="done", done=record.data.day)


@on(tasks.TaskDropped)
def show_dropped(record: Record[tasks.TaskDropped], rows: Rows) -> None:
    rows.put("task", record, stage="dropped", reason=record.data.reason.code)


@on(tasks.UndertakingProgressed)
def show_owners_progress(record: Record[tasks.UndertakingProgressed], rows: Rows) -> None:
    rows.put("undertaking", record, percent=record.data.percent)


@on(tasks.ProjectIntroduced)
def show_project(record: Record[tasks.ProjectIntroduced], rows: Rows) -> None:
    project = record.data
    rows.put(
        "project", record, stage="running", title=project.title, field=project.field, day=project.day,
        partners=project.partners, outside=[o.name for o in project.outside],
        division=project.place and project.place.division, place=project.place and project.place.name,
        fen=project.cost and project.cost.fen, percent=0,
    )  # fmt: skip


@on(tasks.ProjectProgressed)
def show_project_progress(record: Record[tasks.ProjectProgressed], rows: Rows) -> None:
    rows.put("project", record, percent=record.data.percent)
    if record.data.cost is not None:
        rows.put("project", record, fen=record.data.cost.fen)


@on(tasks.ProjectEnded)
def show_project_end(record: Record[tasks.ProjectEnded], rows: Rows) -> None:
    rows.put("project", record, stage="ended", ended=record.data.day, outcome=record.data.outcome)


@dataclass(frozen=True)
class Task:
    """A task; `bureau` set it, `owner` does it.

    `answer` is the owner's latest word to the question that stands: accepted, declined, returned, done; None
    before it answers, and for a task that its setter owns. `percent` comes from whoever owns it. `overdue`:
    its day has passed, and its owner has not reported it done.
    """

    log: str
    stream: str
    bureau: str
    stage: str
    title: str
    owner: str
    due: date
    percent: int
    answer: str | None
    answer_by: date | None
    reason: str | None
    reported: date | None
    done: date | None
    overdue: bool
    source_log: str | None
    source_position: int | None

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.due, self.log, self.stream)


@dataclass(frozen=True)
class Answer(questions.Answer):
    """An owner's word; `too_late` when it took the task on, or did it, and the setter closed it without."""

    day: date | None
    named: bool


@dataclass(frozen=True)
class Counts:
    """How many tasks there are, by how they stand."""

    tasks: int
    done: int
    overdue: int
    dropped: int


@dataclass(frozen=True)
class Chosen:
    """Which tasks: every given condition holds. A bureau's are those it set and those it owns.

    `title` is any part of it.
    """

    bureau: str | None = None
    owner: str | None = None
    stage: str | None = None
    title: str | None = None
    overdue: bool | None = None
    first: date | None = None
    last: date | None = None


Cursor: TypeAlias = tuple[date, str, str]

_LISTED = f"""
WITH listed AS (
    SELECT t.log, t.stream::text, left(t.log, 6) AS bureau, t.stage, t.title, t.owner, t.due, CASE
            WHEN t.stage = 'done' OR a.answer = 'done' THEN 100
            WHEN t.owner = left(t.log, 6) THEN coalesce(t.percent, 0)
            ELSE coalesce(u.percent, 0) END AS percent,
        a.answer, {questions.due("t", "t.owner")} AS answer_by,
        coalesce(t.reason, a.reason) AS reason, a.day AS reported, t.done,
        t.stage = 'set' AND t.due < %(today)s AND a.answer IS DISTINCT FROM 'done' AS overdue,
        t.source_log, t.source_position
    FROM task t
    LEFT JOIN {questions.latest("t", "t.owner", since="'-9000000000000000000'::bigint")} w ON true
    LEFT JOIN undertaking u ON u.log = w.log AND u.stream = w.stream
    LEFT JOIN answer a ON a.log = w.log AND a.stream = w.stream AND a.position = w.position
        AND w.question_at >= t.asked
)
"""  # noqa: S608  (constants)
_CHOSEN = """
    (%(bureau)s::text IS NULL OR %(bureau)s IN (bureau, owner))
    AND (%(owner)s::text IS NULL OR owner = %(owner)s)
    AND (%(stage)s::text IS NULL OR stage = %(stage)s)
    AND (%(title)s::text IS NULL OR position(lower(%(title)s) IN lower(title)) > 0)
    AND (%(overdue)s::boolean IS NULL OR overdue = %(overdue)s)
    AND (%(first)s::date IS NULL OR due >= %(first)s) AND (%(last)s::date IS NULL OR due <= %(last)s)
"""


def ledger(
    conn: Connection[Any], chosen: Chosen, today: date, *, limit: int = 50, after: Cursor | None = None
) -> list[Task]:
    """The soonest due first; `after` is the cursor of the last row of the page before."""
    due, log, stream = after or (None, None, None)
    query = f"""{_LISTED} SELECT * FROM listed WHERE {_CHOSEN}
        AND (%(due)s::date IS NULL OR (due, log, stream)
            > (%(due)s, %(log)s::text COLLATE "C", %(stream)s::text))
        ORDER BY due, log, stream LIMIT %(limit)s"""  # noqa: S608  (constants)
    values = {**vars(chosen), "today": today, "due": due, "log": log, "stream": stream, "limit": limit}
    return fetch(conn, Task, query, values)


def to_do(conn: Connection[Any], bureau: str, today: date) -> list[Task]:
    """Open tasks that are this bureau's own, or that it took on; the most urgent first."""
    query = f"""{_LISTED} SELECT * FROM listed WHERE stage = 'set' AND (
            bureau = %(bureau)s AND owner = bureau
            OR answer = 'accepted' AND {closings.same("%(bureau)s", "owner")})
        ORDER BY due, log, stream"""  # noqa: S608  (constants)
    return fetch(conn, Task, query, {"bureau": bureau, "today": today})


def one(conn: Connection[Any], log: str, stream: str, today: date) -> Task | None:
    """One task; None when there is none."""
    query = f"{_LISTED} SELECT * FROM listed WHERE log = %(log)s AND stream = %(stream)s"  # noqa: S608  (constants)
    return next(iter(fetch(conn, Task, query, {"log": log, "stream": stream, "today": today})), None)


_ANSWERED = questions.given(
    "task", "a.day, n.position IS NOT NULL AS named",
    late="""(t.stage = 'dropped' OR q.position < t.asked OR (t.stage = 'done' AND NOT EXISTS (
        SELECT FROM named m WHERE m.log = t.log AND m.stream = t.stream AND m.answer_log = a.origin_log)))""",
)  # fmt: skip


def answers(conn: Connection[Any], log: str, stream: str) -> list[Answer]:
    """Every word that owners gave on a task, those that came too late included."""
    return fetch(conn, Answer, f"{_ANSWERED} ORDER BY a.log, a.position", [log, stream])


def counts(conn: Connection[Any], chosen: Chosen, today: date) -> Counts:
    """How the chosen tasks stand on that day."""
    query = f"""{_LISTED} SELECT count(*) AS tasks, count(*) FILTER (WHERE stage = 'done') AS done,
            count(*) FILTER (WHERE overdue) AS overdue, count(*) FILTER (WHERE stage = 'dropped') AS dropped
        FROM listed WHERE {_CHOSEN}"""  # noqa: S608  (constants)
    return next(iter(fetch(conn, Counts, query, {**vars(chosen), "today": today})), Counts(0, 0, 0, 0))
