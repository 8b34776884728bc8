"""Questions that bureaus have not answered."""

from projections import inbox
from services.auditor import answers
from services.auditor.answers import Answer
from services.auditor.queries.base import OnDay, Query
from services.runtime.database import Connection


def _open(conn: Connection, asked: OnDay) -> Answer:
    items = inbox.everywhere(conn, asked.day)
    rows = [item for item in items if asked.bureau in {None, item.asker, item.bureau}]
    overdue = [row for row in rows if row.overdue]
    return answers.answer(
        [
            answers.number("questions", "待答复事项", "things that wait for an answer", rows),
            answers.measure("asks", "待答复单位次", "answers that are awaited", len(rows), rows),
            answers.measure("overdue", "其中逾期", "of them overdue", len(overdue), overdue),
        ],
        [answers.row(row, row.bureau) for row in rows],
    )


QUERIES = (Query("open-questions", "待答复", "open questions", inbox.MODEL, OnDay, _open),)
