"""Activities: the list, one activity with its co-hosts' answers, what counts for whom, overdue reports."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from psycopg import Connection
from psycopg.rows import class_row

from events import activity, loops
from events.event import Event, Record
from projections.model import Handlers, ReadModel
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("activity", version=1, handlers=on)


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
def show_question(record: Record[activity.ActivityPublished], rows: Rows) -> None:
    rows.put("activity", record, stage="published")
    rows.add("question", record, position=record.position)
    for ask in record.data.asks:
        rows.put("invited", record, bureau=ask.bureau, due=ask.due)


@on(activity.ActivityExtended)
def show_more_time(record: Record[activity.ActivityExtended], rows: Rows) -> None:
    rows.put("invited", record, bureau=record.data.bureau, due=record.data.due)


@on(activity.ActivityPassedOn)
def show_another_bureau(record: Record[activity.ActivityPassedOn], rows: Rows) -> None:
    turn = record.data
    rows.add("question", record, position=record.position)
    rows.put("invited", record, bureau=turn.bureau, passed_to=turn.to.bureau)
    rows.put("invited", record, bureau=turn.to.bureau, due=turn.to.due, passed_to=None)


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
    for answer in held.answers:
        rows.put("counted", record, answer_log=answer.log, answer_position=answer.position)


@on(activity.ActivityReported)
def show_report(record: Record[activity.ActivityReported], rows: Rows) -> None:
    rows.put("activity", record, stage="reported", reported=record.data.day)


_ANSWERS: dict[type[Event], str] = {
    activity.CohostConfirmed: "confirmed",
    activity.CohostDeclined: "declined",
    activity.CohostReturned: "returned",
}


@on(loops.Answer, when=_ANSWERS.__contains__)
def show_answer(record: Record[loops.Answer], rows: Rows) -> None:
    answer = record.data
    reason = getattr(answer, "reason", None)
    rows.add(
        "cohost", record, position=record.position, answer=_ANSWERS[type(answer)],
        question_log=answer.question.log, question_position=answer.question.position,
        persons=getattr(answer, "persons", None), reason=reason and reason.code,
    )  # fmt: skip


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
class Answer:
    """A co-host's answer; `too_late` when the activity was held and does not name it."""

    log: str
    stream: str
    position: int
    bureau: str
    answer: str
    persons: int | None
    signed_up: int | None
    reason: str | None
    counts: bool
    too_late: bool


@dataclass(frozen=True)
class Invited:
    """A bureau that was asked to co-host, and until when."""

    bureau: str
    due: date | None
    passed_to: str | None


@dataclass(frozen=True)
class Counts:
    """How many activities, and person-times in them; `key` is what they were grouped by."""

    key: str
    activities: int
    persons: int


@dataclass(frozen=True)
class Chosen:
    """Which activities: every given condition holds. A bureau's are those it plans and those it co-hosts."""

    bureau: str | None = None
    stage: str | None = None
    form: str | None = None
    theme: str | None = None
    first: date | None = None
    last: date | None = None


Cursor: TypeAlias = tuple[date, str, str]
Group: TypeAlias = Literal["all", "bureau", "year", "month", "form", "theme"]

_HOSTS = """
WITH confirmed AS (
    SELECT c.log, c.stream, left(c.answer_log, 6) AS bureau
    FROM counted c JOIN cohost a ON a.log = c.answer_log AND a.position = c.answer_position
    WHERE a.answer = 'confirmed'
), host AS (
    SELECT log, stream, left(log, 6) AS bureau FROM activity UNION SELECT log, stream, bureau FROM confirmed
)
"""
_CHOSEN = """
    (%(bureau)s::text IS NULL OR EXISTS (
        SELECT FROM host h WHERE h.log = a.log AND h.stream = a.stream AND h.bureau = %(bureau)s))
    AND (%(stage)s::text IS NULL OR a.stage = %(stage)s)
    AND (%(form)s::text IS NULL OR a.form = %(form)s)
    AND (%(theme)s::text IS NULL OR a.theme = %(theme)s)
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
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def one(conn: Connection[Any], log: str, stream: str) -> Row | None:
    """One activity; None when there is none."""
    query = f"{_HOSTS} {_ROW} WHERE a.log = %s AND a.stream = %s::text::uuid"
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(query.encode(), [log, stream]).fetchone()


def invited(conn: Connection[Any], log: str, stream: str) -> list[Invited]:
    """Whom the planner asked, those it passed on included."""
    query = "SELECT bureau, due, passed_to FROM invited WHERE log = %s AND stream = %s::text::uuid ORDER BY 1"
    with conn.cursor(row_factory=class_row(Invited)) as cursor:
        return cursor.execute(query, [log, stream]).fetchall()


_ANSWERED = """
SELECT c.log, c.stream::text, c.position, left(c.log, 6) AS bureau, c.answer, c.persons,
    s.persons AS signed_up, c.reason, n.log IS NOT NULL AS counts,
    n.log IS NULL AND c.answer = 'confirmed' AND a.stage IN ('held', 'reported') AS too_late
FROM question q JOIN cohost c ON c.question_log = q.log AND c.question_position = q.position
JOIN activity a ON a.log = q.log AND a.stream = q.stream
LEFT JOIN counted n ON n.log = q.log AND n.stream = q.stream
    AND n.answer_log = c.log AND n.answer_position = c.position
LEFT JOIN cohost_sign_up s ON s.log = c.log AND s.stream = c.stream
WHERE q.log = %s AND q.stream = %s::text::uuid ORDER BY c.log, c.position
"""


def answers(conn: Connection[Any], log: str, stream: str) -> list[Answer]:
    """Every answer to an activity's invitation, those that came too late included."""
    with conn.cursor(row_factory=class_row(Answer)) as cursor:
        return cursor.execute(_ANSWERED, [log, stream]).fetchall()


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
    with conn.cursor(row_factory=class_row(Counts)) as cursor:
        return cursor.execute(query.encode(), vars(chosen)).fetchall()


def total(conn: Connection[Any], chosen: Chosen) -> Counts:
    """The one line of `counts` for all."""
    return next(iter(counts(conn, chosen)), Counts("", 0, 0))


def overdue_reports(conn: Connection[Any], bureau: str | None, today: date) -> list[Row]:
    """Activities that were held and whose report is overdue on that day, the oldest first."""
    query = f"""{_HOSTS} {_ROW} WHERE a.stage = 'held' AND a.report_due < %(today)s
        AND (%(bureau)s::text IS NULL OR left(a.log, 6) = %(bureau)s)
        ORDER BY a.report_due, a.log, a.stream"""
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(query.encode(), {"bureau": bureau, "today": today}).fetchall()
