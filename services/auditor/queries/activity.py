"""Questions on activities."""

from dataclasses import replace

from events import divisions
from events.activity import Form, Theme
from events.values import Day
from projections import activity
from services.auditor import answers
from services.auditor.answers import Answer
from services.auditor.queries.base import Between, Query, pages
from services.runtime.database import Connection


class Held(Between):
    """Which activities; a bureau's are those it planned and those it co-hosted.

    With `divisions_of` they count for the bureau of the division that a host's own had become by that day.
    """

    form: Form | None = None
    theme: Theme | None = None
    divisions_of: Day | None = None


def _held(conn: Connection, asked: Held) -> Answer:
    chosen = activity.Chosen(**asked.model_dump(exclude={"divisions_of"}))
    if asked.divisions_of is not None:
        chosen = replace(chosen, bureau=None)
    rows = [
        row
        for row in pages(lambda after, limit: activity.activities(conn, chosen, limit=limit, after=after))
        if row.stage in {"held", "reported"} and _counts(row, asked)
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


def _counts(row: activity.Row, asked: Held) -> bool:
    if asked.divisions_of is None or asked.bureau is None:
        return True
    return asked.bureau in {divisions.successor(c, asked.divisions_of) for c in (row.bureau, *row.cohosts)}


QUERIES = (Query("activities", "活动", "activities", activity.MODEL, Held, _held),)
