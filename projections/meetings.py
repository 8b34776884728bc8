"""Meetings of bureaus: the list, one meeting with who was asked and who comes."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection
from psycopg.rows import class_row

from events import loops
from events import meetings as events
from events.event import Event, Record
from events.values import Attachment, Place
from projections.model import Handlers, ReadModel
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("meetings", version=1, handlers=on)


@on(events.MeetingCalled)
def show_call(record: Record[events.MeetingCalled], rows: Rows) -> None:
    call = record.data
    under = call.memorandum
    rows.put(
        "meeting", record, stage="called", title=call.title, day=call.day, **_place(call.place),
        outside=[o.name for o in call.outside], memorandum_log=under and under.log,
        memorandum_position=under and under.position, agenda=call.agenda and call.agenda.digest,
    )  # fmt: skip


def _place(place: Place) -> dict[str, Any]:
    return {"division": place.division, "place": place.name}


@on(events.MeetingChanged)
def show_change(record: Record[events.MeetingChanged], rows: Rows) -> None:
    new = record.data
    rows.put("meeting", record, day=new.day, **_place(new.place))
    if new.agenda is not None:
        rows.put("meeting", record, agenda=new.agenda.digest)


@on(loops.Asking, when={events.MeetingCalled, events.MeetingChanged}.__contains__)
def show_question(record: Record[loops.Asking], rows: Rows) -> None:
    rows.put("meeting", record, asked=record.position)
    rows.add("question", record, position=record.position)
    for ask in record.data.asks:
        _put_invited(record, ask, rows)


def _put_invited(record: Record[Any], ask: loops.Ask, rows: Rows) -> None:
    rows.put("invited", record, bureau=ask.bureau, position=record.position, due=ask.due, passed_to=None)


@on(events.MeetingExtended)
def show_more_time(record: Record[events.MeetingExtended], rows: Rows) -> None:
    rows.put("invited", record, bureau=record.data.bureau, due=record.data.due)


@on(events.MeetingPassedOn)
def show_another_bureau(record: Record[events.MeetingPassedOn], rows: Rows) -> None:
    turn = record.data
    rows.add("question", record, position=record.position)
    rows.put("invited", record, bureau=turn.bureau, passed_to=turn.to.bureau)
    _put_invited(record, turn.to, rows)


@on(events.MeetingHeld)
def show_held(record: Record[events.MeetingHeld], rows: Rows) -> None:
    held = record.data
    rows.put(
        "meeting", record, stage="held", day=held.day, present=held.present, excused=held.excused,
        observing=held.observing, decisions=held.decisions, **_minutes(held.minutes),
    )  # fmt: skip
    for answer in held.answers:
        rows.put("counted", record, answer_log=answer.log, answer_position=answer.position)


def _minutes(text: Attachment | None) -> dict[str, Any]:
    return {
        "minutes": text and text.digest,
        "minutes_size": text and text.size,
        "minutes_type": text and text.mediatype,
    }


@on(events.MeetingMinutesIssued)
def show_minutes(record: Record[events.MeetingMinutesIssued], rows: Rows) -> None:
    rows.put("meeting", record, decisions=record.data.decisions, **_minutes(record.data.minutes))


@on(events.MeetingCancelled)
def show_cancelled(record: Record[events.MeetingCancelled], rows: Rows) -> None:
    rows.put("meeting", record, stage="cancelled", reason=record.data.reason.code)


_ANSWERS: dict[type[Event], str] = {
    events.AttendanceConfirmed: "confirmed",
    events.AttendanceDeclined: "declined",
    events.AttendanceReturned: "returned",
}


@on(loops.Answer, when=_ANSWERS.__contains__)
def show_answer(record: Record[loops.Answer], rows: Rows) -> None:
    answer = record.data
    reason = getattr(answer, "reason", None)
    rows.add(
        "attendance", record, position=record.position, answer=_ANSWERS[type(answer)],
        persons=getattr(answer, "persons", None), reason=reason and reason.code,
        question_log=answer.question.log, question_position=answer.question.position,
    )  # fmt: skip


@dataclass(frozen=True)
class Meeting:
    """One meeting; counts of 出席, 请假 and 列席 once it was held; `minutes` is the attachment's digest."""

    log: str
    stream: str
    bureau: str
    stage: str
    title: str
    day: date
    division: str | None
    place: str | None
    invited: list[str]
    outside: list[str]
    present: int | None
    excused: int | None
    observing: int | None
    decisions: int | None
    agenda: str | None
    minutes: str | None
    minutes_size: int | None
    minutes_type: str | None
    memorandum_log: str | None
    memorandum_position: int | None
    reason: str | None

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.day, self.log, self.stream)


@dataclass(frozen=True)
class Answer:
    """An invited bureau's answer; `too_late` when the meeting was moved, held or cancelled without it."""

    log: str
    stream: str
    position: int
    bureau: str
    answer: str
    persons: int | None
    reason: str | None
    counts: bool
    too_late: bool


@dataclass(frozen=True)
class Invited:
    """A bureau that is asked to the meeting as it is called now; `answer` is its latest word to that."""

    bureau: str
    due: date
    passed_to: str | None
    answer: str | None
    overdue: bool


@dataclass(frozen=True)
class Chosen:
    """Which meetings: every given condition holds. A bureau's are those it called or was asked to."""

    bureau: str | None = None
    stage: str | None = None
    first: date | None = None
    last: date | None = None


Cursor: TypeAlias = tuple[date, str, str]

_CHOSEN = """
    (%(bureau)s::text IS NULL OR left(m.log, 6) = %(bureau)s OR EXISTS (SELECT FROM invited i
        WHERE i.log = m.log AND i.stream = m.stream AND i.bureau = %(bureau)s))
    AND (%(stage)s::text IS NULL OR m.stage = %(stage)s)
    AND (%(first)s::date IS NULL OR m.day >= %(first)s) AND (%(last)s::date IS NULL OR m.day <= %(last)s)
"""
_ROW = """
SELECT m.log, m.stream::text, left(m.log, 6) AS bureau, m.stage, m.title, m.day, m.division, m.place,
    ARRAY(SELECT i.bureau FROM invited i WHERE i.log = m.log AND i.stream = m.stream
        AND i.position >= m.asked AND i.passed_to IS NULL ORDER BY 1) AS invited,
    m.outside, m.present, m.excused, m.observing, m.decisions, m.agenda, m.minutes, m.minutes_size,
    m.minutes_type, m.memorandum_log, m.memorandum_position, m.reason
FROM meeting m
"""


def meetings(
    conn: Connection[Any], chosen: Chosen, *, limit: int = 50, after: Cursor | None = None
) -> list[Meeting]:
    """The newest first; `after` is the cursor of the last row of the page before."""
    day, log, stream = after or (None, None, None)
    query = f"""{_ROW} WHERE {_CHOSEN} AND (%(day)s::date IS NULL OR (m.day, m.log, m.stream)
            < (%(day)s, %(log)s::text COLLATE "C", %(stream)s::text::uuid))
        ORDER BY m.day DESC, m.log DESC, m.stream DESC LIMIT %(limit)s"""
    values = {**vars(chosen), "day": day, "log": log, "stream": stream, "limit": limit}
    with conn.cursor(row_factory=class_row(Meeting)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def one(conn: Connection[Any], log: str, stream: str) -> Meeting | None:
    """One meeting; None when there is none."""
    query = f"{_ROW} WHERE m.log = %s AND m.stream = %s::text::uuid"
    with conn.cursor(row_factory=class_row(Meeting)) as cursor:
        return cursor.execute(query.encode(), [log, stream]).fetchone()


def count(conn: Connection[Any], chosen: Chosen) -> int:
    """How many there are."""
    query = f"SELECT count(*) FROM meeting m WHERE {_CHOSEN}"  # noqa: S608  (constants)
    row = conn.execute(query.encode(), vars(chosen)).fetchone()
    return row[0] if row else 0


_INVITED = """
SELECT i.bureau, i.due, i.passed_to, a.answer, a.answer IS NULL AND i.passed_to IS NULL
    AND m.stage = 'called' AND i.due < %(today)s AS overdue
FROM meeting m JOIN invited i ON i.log = m.log AND i.stream = m.stream AND i.position >= m.asked
LEFT JOIN LATERAL (
    SELECT a.answer FROM question q
    JOIN attendance a ON a.question_log = q.log AND a.question_position = q.position
    WHERE q.log = m.log AND q.stream = m.stream AND q.position >= m.asked AND left(a.log, 6) = i.bureau
    ORDER BY a.log DESC, a.position DESC LIMIT 1
) a ON true
WHERE m.log = %(log)s AND m.stream = %(stream)s::text::uuid ORDER BY i.bureau
"""


def invited(conn: Connection[Any], log: str, stream: str, today: date) -> list[Invited]:
    """Whom the caller asks, those it passed on from included."""
    with conn.cursor(row_factory=class_row(Invited)) as cursor:
        return cursor.execute(_INVITED, {"log": log, "stream": stream, "today": today}).fetchall()


_ANSWERED = """
SELECT a.log, a.stream::text, a.position, left(a.log, 6) AS bureau, a.answer, a.persons, a.reason,
    n.log IS NOT NULL AS counts,
    n.log IS NULL AND a.answer = 'confirmed' AND (m.stage <> 'called' OR q.position < m.asked) AS too_late
FROM question q JOIN meeting m ON m.log = q.log AND m.stream = q.stream
JOIN attendance a ON a.question_log = q.log AND a.question_position = q.position
LEFT JOIN counted n ON n.log = q.log AND n.stream = q.stream
    AND n.answer_log = a.log AND n.answer_position = a.position
WHERE q.log = %s AND q.stream = %s::text::uuid ORDER BY a.log, a.position
"""


def answers(conn: Connection[Any], log: str, stream: str) -> list[Answer]:
    """Every answer to the invitation, to an earlier day or place too."""
    with conn.cursor(row_factory=class_row(Answer)) as cursor:
        return cursor.execute(_ANSWERED, [log, stream]).fetchall()
