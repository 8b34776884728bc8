"""Meetings of bureaus: the list, one meeting with who was asked and who comes."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection

from events import meetings as events
from events.event import Record
from events.values import Attachment, Place
from projections import questions
from projections.model import Handlers, ReadModel, fetch
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("meetings", version=3, handlers=on, parts=("closings", "questions"))
questions.follow(
    on, "meeting",
    {
        events.AttendanceConfirmed: "confirmed",
        events.AttendanceDeclined: "declined",
        events.AttendanceReturned: "returned",
    },
    more=lambda answer: {"persons": getattr(answer, "persons", None)},
)  # fmt: skip


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


@on(events.MeetingHeld)
def show_held(record: Record[events.MeetingHeld], rows: Rows) -> None:
    held = record.data
    rows.put(
        "meeting", record, stage="held", day=held.day, present=held.present, excused=held.excused,
        observing=held.observing, decisions=held.decisions, **_minutes(held.minutes),
    )  # fmt: skip


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
class Answer(questions.Answer):
    """An invited bureau's answer; `too_late` when the meeting was moved, held or cancelled without it."""

    persons: int | None
    counts: bool


@dataclass(frozen=True)
class Chosen:
    """Which meetings: every given condition holds. A bureau's are those it called or was asked to.

    `title` is any part of it.
    """

    bureau: str | None = None
    stage: str | None = None
    title: str | None = None
    first: date | None = None
    last: date | None = None


Cursor: TypeAlias = tuple[date, str, str]

_CHOSEN = """
    (%(bureau)s::text IS NULL OR left(m.log, 6) = %(bureau)s OR EXISTS (SELECT FROM asked k
        WHERE k.log = m.log AND k.stream = m.stream AND k.bureau = %(bureau)s))
    AND (%(stage)s::text IS NULL OR m.stage = %(stage)s)
    AND (%(title)s::text IS NULL OR position(lower(%(title)s) IN lower(m.title)) > 0)
    AND (%(first)s::date IS NULL OR m.day >= %(first)s) AND (%(last)s::date IS NULL OR m.day <= %(last)s)
"""
_ROW = """
SELECT m.log, m.stream::text, left(m.log, 6) AS bureau, m.stage, m.title, m.day, m.division, m.place,
    ARRAY(SELECT k.bureau FROM asked k WHERE k.log = m.log AND k.stream = m.stream
        AND k.position >= m.asked AND k.passed_to IS NULL ORDER BY 1) AS invited,
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
    return fetch(conn, Meeting, query, values)


def one(conn: Connection[Any], log: str, stream: str) -> Meeting | None:
    """One meeting; None when there is none."""
    query = f"{_ROW} WHERE m.log = %s AND m.stream = %s::text::uuid"
    return next(iter(fetch(conn, Meeting, query, [log, stream])), None)


def count(conn: Connection[Any], chosen: Chosen) -> int:
    """How many there are."""
    query = f"SELECT count(*) FROM meeting m WHERE {_CHOSEN}"  # noqa: S608  (constants)
    row = conn.execute(query.encode(), vars(chosen)).fetchone()
    return row[0] if row else 0


def invited(conn: Connection[Any], log: str, stream: str, today: date) -> list[questions.Asked]:
    """Whom the caller asks to the meeting as it is called now, those it passed on from included."""
    return questions.asked(conn, "meeting", log, stream, today)


_ANSWERED = questions.given("meeting", "a.persons, n.position IS NOT NULL AS counts")


def answers(conn: Connection[Any], log: str, stream: str) -> list[Answer]:
    """Every answer to the invitation, to an earlier day or place too."""
    return fetch(conn, Answer, f"{_ANSWERED} ORDER BY a.log, a.position", [log, stream])
