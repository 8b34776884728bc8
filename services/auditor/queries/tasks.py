"""Questions on tasks, projects and meetings."""

from events.values import Expertise
from projections import meetings, projects, tasks
from services.auditor import answers
from services.auditor.answers import Answer
from services.auditor.queries.base import Between, OnDay, Query, pages
from services.runtime.database import Connection


class Introduced(Between):
    """Which projects: by the day of introduction, and the bureau that introduced them."""

    field: Expertise | None = None


def _projects(conn: Connection, asked: Introduced) -> Answer:
    chosen = projects.Chosen(**dict(asked))
    rows = list(pages(lambda after, limit: projects.projects(conn, chosen, limit=limit, after=after)))
    fen = sum(row.fen or 0 for row in rows)
    return answers.answer(
        [
            answers.number("projects", "引进项目", "projects introduced", rows),
            answers.measure("fen", "金额（分）", "amount in fen", fen, [row for row in rows if row.fen]),
        ],
        map(answers.row, rows),
    )


def _tasks(conn: Connection, asked: OnDay) -> Answer:
    chosen = tasks.Chosen(bureau=asked.bureau)
    rows = list(pages(lambda after, limit: tasks.ledger(conn, chosen, asked.day, limit=limit, after=after)))
    return answers.answer(
        [
            answers.number("tasks", "任务", "tasks", rows),
            answers.number("done", "已完成", "done", [row for row in rows if row.stage == "done"]),
            answers.number("overdue", "逾期", "overdue", [row for row in rows if row.overdue]),
        ],
        map(answers.row, rows),
    )


def _meetings(conn: Connection, asked: Between) -> Answer:
    chosen = meetings.Chosen(**dict(asked))
    rows = list(pages(lambda after, limit: meetings.meetings(conn, chosen, limit=limit, after=after)))
    held = [row for row in rows if row.stage == "held"]
    present = sum(row.present or 0 for row in held)
    return answers.answer(
        [
            answers.number("meetings", "会议", "meetings called", rows),
            answers.number("held", "已召开", "meetings held", held),
            answers.measure("present", "出席人次", "people present", present, held),
        ],
        map(answers.row, rows),
    )


QUERIES = (
    Query("projects", "项目", "projects", tasks.MODEL, Introduced, _projects),
    Query("tasks", "任务", "tasks", tasks.MODEL, OnDay, _tasks),
    Query("meetings", "会议", "meetings", meetings.MODEL, Between, _meetings),
)
