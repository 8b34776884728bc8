"""The inbox: who waits for whom, until when, what came back, and what came too late; the same for every loop.

It knows the base classes of `events.loops` only, so a new context needs nothing here.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from events import catalogue, loops
from events.event import Event, Key, Record
from projections import closings
from projections.model import Handlers, ReadModel
from projections.rows import Rows

on = Handlers()
MODEL = ReadModel("inbox", version=2, handlers=on, parts=("closings",))
closings.follow(on)


def _asks_and_has_title(kind: type[Event]) -> bool:
    aggregate = catalogue.aggregate_of(kind.type)
    return "title" in kind.model_fields and any(issubclass(e, loops.Asking) for e in aggregate.events)


@on(Event, when=_asks_and_has_title)
def show_title(record: Record[Any], rows: Rows) -> None:
    rows.put("loop", record, title=record.data.title)


@on(loops.Asking)
def show_question(record: Record[loops.Asking], rows: Rows) -> None:
    rows.put(
        "loop", record, asked=record.position, asked_type=record.type, asked_time=record.time,
        closed=None, closed_at=None, how=None,
    )  # fmt: skip
    _add_question(record, rows)
    for ask in record.data.asks:
        _put_ask(record, ask, rows)


def _add_question(record: Record[Any], rows: Rows) -> None:
    rows.add("question", record, position=record.position, **closings.origin(record))


def _put_ask(record: Record[Any], ask: loops.Ask, rows: Rows) -> None:
    rows.put(
        "ask", record, bureau=ask.bureau, position=record.position, role=ask.role, due=ask.due,
        extended=None, passed_to=None,
    )  # fmt: skip


@on(loops.Extended)
def show_more_time(record: Record[loops.Extended], rows: Rows) -> None:
    rows.put("ask", record, bureau=record.data.bureau, due=record.data.due, extended=record.position)


@on(loops.PassedOn)
def show_another_bureau(record: Record[loops.PassedOn], rows: Rows) -> None:
    _add_question(record, rows)
    rows.put("ask", record, bureau=record.data.bureau, passed_to=record.data.to.bureau)
    _put_ask(record, record.data.to, rows)


@on(loops.Reminded)
def show_reminder(record: Record[loops.Reminded], rows: Rows) -> None:
    rows.add("reminder", record, position=record.position, bureau=record.data.bureau, time=record.time)


@on(loops.Settling)
def show_settled(record: Record[loops.Settling], rows: Rows) -> None:
    rows.put("loop", record, closed=record.position, closed_at=record.time, how="settled")
    for answer in record.data.answers:
        rows.put("named", record, answer_log=answer.log, answer_position=answer.position)


@on(loops.Ending)
def show_ended(record: Record[loops.Ending], rows: Rows) -> None:
    rows.put("loop", record, closed=record.position, closed_at=record.time, how="ended")


@on(loops.Answer)
def show_answer(record: Record[loops.Answer], rows: Rows) -> None:
    rows.add(
        "answer", record, position=record.position, **closings.origin(record),
        kind=_kind(record.data), type=record.type, time=record.time, question_log=record.data.question.log,
        question_position=record.data.question.position,
    )  # fmt: skip


def _kind(answer: loops.Answer) -> str:
    match answer:
        case loops.Declined():
            return "declined"
        case loops.Returned():
            return "returned"
    return "answered"


@dataclass(frozen=True)
class Item:
    """A question to one bureau that it has not answered; `asked_log` and `asked` name the question's record.

    `bureau` is the one that was asked, or that stands for it since its log was closed.
    """

    log: str
    stream: str
    asker: str
    bureau: str
    role: str
    due: date
    overdue: bool
    asked_log: str
    asked: int
    asked_type: str
    asked_time: str
    title: str | None
    extended: bool
    reminders: int
    reminded: str | None


@dataclass(frozen=True)
class Answer:
    """An answer to a question; `kind` is answered, declined or returned; `how`: settled or ended."""

    log: str
    stream: str
    asker: str
    title: str | None
    bureau: str
    kind: str
    type: str
    time: str
    answer_log: str
    answer_stream: str
    answer_position: int
    how: str | None


_OPEN = f"""
WITH open AS (
    SELECT k.log, k.stream, k.position, k.role, k.due, k.extended, k.bureau AS named,
        {closings.now("k.bureau")} AS bureau, l.title, l.asked, l.asked_type, l.asked_time,
        q.origin_log AS asked_log, q.origin_position AS asked_position
    FROM loop l JOIN ask k USING (log, stream)
    JOIN question q ON q.log = k.log AND q.stream = k.stream AND q.position = k.position
    WHERE l.closed IS NULL AND l.asked IS NOT NULL AND k.position >= l.asked AND k.passed_to IS NULL
), answered AS (
    SELECT DISTINCT ON (o.log, o.stream, o.bureau) o.log, o.stream, o.bureau, a.kind, a.type, a.time,
        a.origin_log AS answer_log, a.stream AS answer_stream, a.origin_position AS answer_position
    FROM open o JOIN question q ON q.log = o.log AND q.stream = o.stream AND q.position >= o.asked
    JOIN answer a ON a.question_log = q.origin_log AND a.question_position = q.origin_position
        AND {closings.now("left(a.origin_log, 6)")} = o.bureau
    ORDER BY o.log, o.stream, o.bureau, a.time DESC, a.log DESC, a.position DESC
)
"""  # noqa: S608  (names of ours)
_REMINDERS = """
    SELECT count(*) AS reminders, max(r.time) AS reminded FROM reminder r
    WHERE r.log = o.log AND r.stream = o.stream AND r.bureau = o.named AND r.position > o.position
"""
_ITEMS = f"""{_OPEN}
SELECT o.log, o.stream::text, left(o.log, 6) AS asker, o.bureau, o.role, o.due, o.due < %(today)s AS overdue,
    o.asked_log, o.asked_position AS asked, o.asked_type, o.asked_time, o.title,
    o.extended IS NOT NULL AS extended, r.reminders, r.reminded
FROM open o CROSS JOIN LATERAL ({_REMINDERS}) r
WHERE {{which}} AND NOT EXISTS (
    SELECT FROM answered a WHERE a.log = o.log AND a.stream = o.stream AND a.bureau = o.bureau)
ORDER BY o.due, o.asked_time, o.log, o.stream
"""  # noqa: S608  (constants)


def _items(conn: Connection[Any], which: str, bureau: str, today: date) -> list[Item]:
    with conn.cursor(row_factory=class_row(Item)) as cursor:
        query = _ITEMS.replace("{which}", which)
        return cursor.execute(query.encode(), {"bureau": bureau, "today": today}).fetchall()


def waiting_for(conn: Connection[Any], bureau: str, today: date) -> list[Item]:
    """What others ask of this bureau and it has not answered, the most urgent first."""
    return _items(conn, "o.bureau = %(bureau)s", bureau, today)


def awaited_by(conn: Connection[Any], bureau: str, today: date) -> list[Item]:
    """What this bureau asked of others and waits for, the most urgent first."""
    return _items(conn, "left(o.log, 6) = %(bureau)s", bureau, today)


def everywhere(conn: Connection[Any], today: date) -> list[Item]:
    """What anybody asks of anybody and is not answered, the most urgent first."""
    with conn.cursor(row_factory=class_row(Item)) as cursor:
        query = _ITEMS.replace("{which}", "true")
        return cursor.execute(query.encode(), {"today": today}).fetchall()


def arrived(conn: Connection[Any], bureau: str) -> list[Answer]:
    """Answers to this bureau's open questions, each bureau's latest: it decides now, the oldest first."""
    query = f"""{_OPEN}
    SELECT a.log, a.stream::text, left(a.log, 6) AS asker, l.title, a.bureau, a.kind, a.type, a.time,
        a.answer_log, a.answer_stream::text, a.answer_position, l.how
    FROM answered a JOIN loop l USING (log, stream) WHERE left(a.log, 6) = %(bureau)s
    ORDER BY a.time, a.answer_log, a.answer_position"""  # noqa: S608  (constants)
    with conn.cursor(row_factory=class_row(Answer)) as cursor:
        return cursor.execute(query.encode(), {"bureau": bureau}).fetchall()


_TOO_LATE = """
SELECT l.log, l.stream::text, left(l.log, 6) AS asker, l.title, left(a.origin_log, 6) AS bureau,
    a.kind, a.type, a.time, a.origin_log AS answer_log, a.stream::text AS answer_stream,
    a.origin_position AS answer_position, l.how
FROM answer a JOIN question q ON q.origin_log = a.question_log AND q.origin_position = a.question_position
JOIN loop l ON l.log = q.log AND l.stream = q.stream
WHERE a.kind = 'answered' AND (l.how = 'settled' OR a.time > coalesce(l.closed_at, l.asked_time))
    AND (l.closed IS NOT NULL OR q.position < l.asked)
    AND %(bureau)s IN (left(l.log, 6), left(a.log, 6))
    AND NOT EXISTS (SELECT FROM named n WHERE n.log = l.log AND n.stream = l.stream
        AND n.answer_log = a.origin_log AND n.answer_position = a.origin_position)
    AND NOT EXISTS (SELECT FROM answer x WHERE x.log = a.log AND x.stream = a.stream
        AND x.position > a.position AND x.question_log = a.question_log
        AND x.question_position = a.question_position)
ORDER BY a.time DESC, a.log DESC, a.position DESC
"""


def too_late(conn: Connection[Any], bureau: str) -> list[Answer]:
    """Answers to, or of, this bureau that count for nothing; the newest first.

    The question was settled without them, or they came after it was ended or asked anew.
    """
    with conn.cursor(row_factory=class_row(Answer)) as cursor:
        return cursor.execute(_TOO_LATE, {"bureau": bureau}).fetchall()


def answering(conn: Connection[Any], log: str, stream: str) -> list[tuple[str, str]]:
    """The streams, by log and id, in which a stream's questions were answered, as they stand now."""
    query = """SELECT DISTINCT a.log, a.stream::text FROM question q
        JOIN answer a ON a.question_log = q.origin_log AND a.question_position = q.origin_position
        WHERE q.log = %s AND q.stream = %s::text::uuid ORDER BY 1, 2"""
    return conn.execute(query, [log, stream]).fetchall()


def answers(conn: Connection[Any], log: str, stream: str) -> list[Key]:
    """Every answer that was given to a stream's questions, in replay order."""
    query = """SELECT a.origin_log, a.origin_position FROM question q
        JOIN answer a ON a.question_log = q.origin_log AND a.question_position = q.origin_position
        WHERE q.log = %s AND q.stream = %s::text::uuid ORDER BY a.time, a.log, a.position"""
    return conn.execute(query, [log, stream]).fetchall()
