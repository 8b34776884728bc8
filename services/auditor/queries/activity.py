"""Questions on activities."""

from events.activity import Form, Theme
from projections import activity
from services.auditor import answers
from services.auditor.answers import Answer
from services.auditor.queries.base import Between, Query, pages
from services.runtime.database import Connection


class Held(Between):
    """Which activities; a bureau's are those it planned and those it co-hosted."""

    form: Form | None = None
    theme: Theme | None = None


def _held(conn: Connection, asked: Held) -> Answer:
    chosen = activity.Chosen(**dict(asked))
    rows = [
        row
        for row in pages(lambda after, limit: activity.activities(conn, chosen, limit=limit, after=after))
        if row.stage in {"held", "reported"}
    ]
    persons = sum(row.persons or 0 for row in rows)
    return answers.answer(
        [
            answers.number("activities", "举办活动", "activities held", rows),
            answers.measure("persons", "参加人次", "person-times", persons, rows),
            answers.number("joint", "联合举办", "held jointly", [row for row in rows if row.cohosts]),
        ],
        map(answers.row, rows),
    )


QUERIES = (Query("activities", "活动", "activities", activity.MODEL, Held, _held),)
