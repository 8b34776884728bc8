"""Activities: the list, one activity with its co-hosts' answers, what counts for whom, overdue reports."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from psycopg import Connection

from events import activity
from events.event import Record
from projections import questions
from projections.model import Handlers, ReadModel, fetch
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("activity", version=3, handlers=on, parts=("closings", "questions"))
questions.follow(
    on, "activity",
    {
        activity.CohostConfirmed: "confirmed",
        activity.CohostDeclined: "declined",
        activity.CohostReturned: "returned",
    },
    more=lambda answer: {"persons": getattr(answer, "persons", None)},
)  # fmt: skip


@on(activity.ActivityPlanned)
def show_plan(record: Record[activity.ActivityPlanned], rows: Rows) -> None:
    plan = record.data
    rows.put(
        "activity", record, stage="planned", title=plan.title, form=plan.form, theme=plan.theme,
        starts=plan.starts, ends=plan.ends, division=plan.place.division, place=plan.place.name,
        quota=plan.quota, insured=plan.insured, outside=[o.name for o in plan.outside],
        fen=plan.cost and plan.cost.fen, report_due=plan.report_due,
    )  # fmt: skip


@on(activity.ActivityChanged)
def show_change(record: Record[activity.ActivityChanged], rows: Rows) -> None:
    new = record.data
    rows.put(
        "activity", record, starts=new.starts, ends=new.ends, division=new.place.division,
        place=new.place.name, quota=new.quota,
    )  # fmt: skip


@on(activity.ActivityPublished)
def show_published(record: Record[activity.ActivityPublished], rows: Rows) -> None:
    rows.put("activity", record, stage="published")


@on(activity.ActivitySignUpStated)
def show_sign_up(record: Record[activity.ActivitySignUpStated], rows: Rows) -> None:
    rows.put("activity", record, signed_up=record.data.persons)


@on(activity.ActivityCancelled)
def show_cancelled(record: Record[activity.ActivityCancelled], rows: Rows) -> None:
    rows.put("activity", record, stage="cancelled", reason=record.data.reason.code)


@on(activity.ActivityHeld)
def show_held(record: Record[activity.ActivityHeld], rows: Rows) -> None:
    held = record.data
    rows.put("activity", record, stage="held", day=held.day, persons=held.persons, hours=held.hours)
    if held.place is not None:
        rows.put("activity", record, division=held.place.division, place=held.place.name)


@on(activity.ActivityReported)
def show_report(record: Record[activity.ActivityReported], rows: Rows) -> None:
    rows.put("activity", record, stage="reported", reported=record.data.day)


@on(activity.CohostSignUpStated)
def show_cohost_sign_up(record: Record[activity.CohostSignUpStated], rows: Rows) -> None:
    rows.put("cohost_sign_up", record, persons=record.data.persons)


@dataclass(frozen=True)
class Row:
    """One activity in a list; `bureau` plans it, `cohosts` are those whose confirmation counts."""

    log: str
    stream: str
    bureau: str
    stage: str | None
    title: str | None
    form: str | None
    theme: str | None
    starts: date | None
    ends: date | None
    division: str | None
    place: str | None
    quota: int | None
    insured: bool | None
    outside: list[str] | None
    fen: int | None
    report_due: date | None
    signed_up: int | None
    day: date | None
    persons: int | None
    hours: int | None
    reported: date | None
    reason: str | None
    cohosts: list[str]

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.day or self.starts or date.min, self.log, self.stream)


@dataclass(frozen=True)
class Answer(questions.Answer):
    """A co-host's answer; `too_late` when the activity was held and does not name it."""

    persons: int | None
    signed_up: int | None
    counts: bool


@dataclass(frozen=True)
class Counts:
    """How many activities, and person-times in them; `key` is what they were grouped by."""

    key: str
    activities: int
    persons: int


@dataclass(frozen=True)
class Chosen:
    """Which activities: every given condition holds. A bureau's are those it plans and those it co-hosts.

    `title` is any part of it; `held`, whether it took place, reported or not.
    """

    bureau: str | None = None
    stage: str | None = None
    form: str | None = None
    theme: str | None = None
    title: str | None = None
    held: bool | None = None
    first: date | None = None
    last: date | None = None


Cursor: TypeAlias = tuple[date, str, str]
Group: TypeAlias = Literal["all", "bureau", "year", "month", "form", "theme"]

_HOSTS = """
WITH confirmed AS (
    SELECT c.log, c.stream, left(c.answer_log, 6) AS bureau
    FROM named c JOIN answer a ON a.origin_log = c.answer_log AND a.origin_position = c.answer_position
    WHERE a.answer = 'confirmed'
), host AS (
    SELECT log, stream, left(log, 6) AS bureau FROM activity UNION SELECT log, stream, bureau FROM confirmed
)
"""
_CHOSEN = """
    (%(bureau)s::text IS NULL OR EXISTS (
        SELECT FROM host h WHERE h.log = a.log AND h.stream = a.stream AND h.bureau = %(bureau)s))
    AND (%(stage)s::text IS NULL OR a.stage = %(stage)s)
    AND (%(held)s::boolean IS NULL OR %(held)s = (a.stage IN ('held', 'reported')))
    AND (%(form)s::text IS NULL OR a.form = %(form)s)
    AND (%(theme)s::text IS NULL OR a.theme = %(theme)s)
    AND (%(title)s::text IS NULL OR position(lower(%(title)s) IN lower(a.title)) > 0)
    AND (%(first)s::date IS NULL OR coalesce(a.day, a.starts) >= %(first)s)
    AND (%(last)s::date IS NULL OR coalesce(a.day, a.starts) <= %(last)s)
"""
_ROW = """
SELECT a.log, a.stream::text, left(a.log, 6) AS bureau, a.stage, a.title, a.form, a.theme, a.starts, a.ends,
    a.division, a.place, a.quota, a.insured, a.outside, a.fen, a.report_due, a.signed_up, a.day, a.persons,
    a.hours, a.reported, a.reason,
    ARRAY(SELECT DISTINCT c.bureau FROM confirmed c WHERE c.log = a.log AND c.stream = a.stream ORDER BY 1
    ) AS cohosts
FROM activity a
"""


def activities(
    conn: Connection[Any], chosen: Chosen, *, limit: int = 50, after: Cursor | None = None
) -> list[Row]:
    """The newest first; `after` is the cursor of the last row of the page before."""
    day, log, stream = after or (None, None, None)
    query = f"""{_HOSTS} {_ROW} WHERE {_CHOSEN}
        AND (%(day)s::date IS NULL OR (coalesce(a.day, a.starts, '0001-01-01'), a.log, a.stream)
            < (%(day)s, %(log)s::text, %(stream)s::text::uuid))
        ORDER BY coalesce(a.day, a.starts, '0001-01-01') DESC, a.log DESC, a.stream DESC LIMIT %(limit)s"""
    values = {**vars(chosen), "day": day, "log": log, "stream": stream, "limit": limit}
    return fetch(conn, Row, query, values)


def one(conn: Connection[Any], log: str, stream: str) -> Row | None:
    """One activity; None when there is none."""
    query = f"{_HOSTS} {_ROW} WHERE a.log = %s AND a.stream = %s::text::uuid"
    return next(iter(fetch(conn, Row, query, [log, stream])), None)


def invited(conn: Connection[Any], log: str, stream: str) -> list[questions.Invited]:
    """Whom the planner asked, those it passed on included."""
    return questions.invited(conn, log, stream)


_ANSWERED = questions.given(
    "activity", "a.persons, s.persons AS signed_up, n.position IS NOT NULL AS counts",
    late="t.stage IN ('held', 'reported')",
    join="LEFT JOIN cohost_sign_up s ON s.log = a.log AND s.stream = a.stream",
)  # fmt: skip


def answers(conn: Connection[Any], log: str, stream: str) -> list[Answer]:
    """Every answer to an activity's invitation, those that came too late included."""
    return fetch(conn, Answer, f"{_ANSWERED} ORDER BY a.log, a.position", [log, stream])


_KEYS: dict[Group, str] = {
    "all": "''",
    "bureau": "h.bureau",
    "year": "to_char(a.day, 'YYYY')",
    "month": "to_char(a.day, 'YYYY-MM')",
    "form": "a.form",
    "theme": "a.theme",
}


def counts(conn: Connection[Any], chosen: Chosen, by: Group = "all") -> list[Counts]:
    """Activities that were held, and person-times, by group.

    A joint activity counts once; by bureau it counts once for its planner and once for each bureau whose
    confirmation the record of holding names, always with all its persons.
    """
    hosts = "JOIN host h ON h.log = a.log AND h.stream = a.stream" if by == "bureau" else ""
    mine = "AND (%(bureau)s::text IS NULL OR h.bureau = %(bureau)s)" if by == "bureau" else ""
    query = f"""{_HOSTS} SELECT {_KEYS[by]} AS key, count(*) AS activities,
            coalesce(sum(a.persons), 0) AS persons
        FROM activity a {hosts} WHERE {_CHOSEN} {mine} AND a.stage IN ('held', 'reported')
        GROUP BY 1 ORDER BY 1"""  # noqa: S608  (constants)
    return fetch(conn, Counts, query, vars(chosen))


def total(conn: Connection[Any], chosen: Chosen) -> Counts:
    """The one line of `counts` for all."""
    return next(iter(counts(conn, chosen)), Counts("", 0, 0))


def overdue_reports(conn: Connection[Any], bureau: str | None, today: date) -> list[Row]:
    """Activities that were held and whose report is overdue on that day, the oldest first."""
    return [row for row in due_reports(conn, bureau) if row.report_due and row.report_due < today]


def due_reports(conn: Connection[Any], bureau: str | None) -> list[Row]:
    """Activities that were held and wait for their planner's report, the most urgent first."""
    query = f"""{_HOSTS} {_ROW} WHERE a.stage = 'held' AND a.report_due IS NOT NULL
        AND (%(bureau)s::text IS NULL OR left(a.log, 6) = %(bureau)s)
        ORDER BY a.report_due, a.log, a.stream"""
    return fetch(conn, Row, query, {"bureau": bureau})
