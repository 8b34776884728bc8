"""Questions between bureaus, the same for every context: whom a thing asks, what they answer, what counts.

A read model whose things ask takes part by four names: `parts=("closings", "questions")` puts the tables of
`questions.sql` before its own, `follow` registers their handlers, and its queries select from `latest`,
`asked` and `given`. The thing's table bears the name of its aggregate and has columns `asked` and `closed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection

from events import catalogue, loops
from events.event import Event, Record
from projections import closings
from projections.model import Handlers, fetch
from projections.rows import Rows

Columns: TypeAlias = dict[str, Any]


def follow(
    on: Handlers,
    thing: str,
    answers: Mapping[type[Event], str],
    more: Callable[[Any], Columns] = lambda _: {},
) -> None:
    """Handle what the aggregate `thing` asks and settles, and the answers, each under the word given here.

    `more` gives the columns that the model adds to the table `answer`, the same ones for every answer.
    """
    closings.follow(on)
    _follow_thing(on, thing)
    _follow_answers(on, answers, more)


def _follow_thing(on: Handlers, thing: str) -> None:
    def mine(kind: type[Event]) -> bool:
        return catalogue.aggregate_of(kind.type).name == thing

    @on(loops.Asking, when=mine)
    def show_question(record: Record[loops.Asking], rows: Rows) -> None:
        rows.put(thing, record, asked=record.position, closed=None)
        _add_question(record, rows)
        for ask in record.data.asks:
            _put_asked(record, ask, rows)

    @on(loops.Extended, when=mine)
    def show_more_time(record: Record[loops.Extended], rows: Rows) -> None:
        rows.put("asked", record, bureau=record.data.bureau, due=record.data.due)

    @on(loops.PassedOn, when=mine)
    def show_another_bureau(record: Record[loops.PassedOn], rows: Rows) -> None:
        _add_question(record, rows)
        rows.put("asked", record, bureau=record.data.bureau, passed_to=record.data.to.bureau)
        _put_asked(record, record.data.to, rows)

    @on(loops.Settling, when=mine)
    def show_settled(record: Record[loops.Settling], rows: Rows) -> None:
        at = record.position
        rows.put(thing, record, closed=at)
        for answer in record.data.answers:
            rows.put("named", record, position=at, answer_log=answer.log, answer_position=answer.position)

    @on(loops.Ending, when=mine)
    def show_ended(record: Record[loops.Ending], rows: Rows) -> None:
        rows.put(thing, record, closed=record.position)


def _add_question(record: Record[Any], rows: Rows) -> None:
    rows.add("question", record, position=record.position, **closings.origin(record))


def _put_asked(record: Record[Any], ask: loops.Ask, rows: Rows) -> None:
    rows.put("asked", record, bureau=ask.bureau, position=record.position, due=ask.due, passed_to=None)


def _follow_answers(on: Handlers, words: Mapping[type[Event], str], more: Callable[[Any], Columns]) -> None:
    @on(loops.Answer, when=words.__contains__)
    def show_answer(record: Record[loops.Answer], rows: Rows) -> None:
        answer = record.data
        reason = getattr(answer, "reason", None)
        rows.add(
            "answer", record, position=record.position, **closings.origin(record), time=record.time,
            answer=words[type(answer)],
            reason=reason and reason.code, question_log=answer.question.log,
            question_position=answer.question.position, **more(answer),
        )  # fmt: skip


@dataclass(frozen=True)
class Invited:
    """A bureau that a thing asks or asked, and until when."""

    bureau: str
    due: date
    passed_to: str | None


@dataclass(frozen=True)
class Asked(Invited):
    """A bureau that the question that stands asks; `answer` is its latest word to that."""

    answer: str | None
    overdue: bool


@dataclass(frozen=True)
class Answer:
    """A bureau's answer; `too_late` when it says yes, and the asker went on without it."""

    log: str
    stream: str
    position: int
    bureau: str
    answer: str
    reason: str | None
    too_late: bool


def latest(thing: str, bureau: str, *, since: str | None = None) -> str:
    """What to join: the latest answer of a bureau to the question that stands, or to any from `since` on."""
    return f"""LATERAL (
        SELECT a.*, q.position AS question_at FROM question q
        JOIN answer a ON a.question_log = q.origin_log AND a.question_position = q.origin_position
        WHERE q.log = {thing}.log AND q.stream = {thing}.stream AND q.position >= {since or f"{thing}.asked"}
            AND {closings.same("left(a.origin_log, 6)", bureau)}
        ORDER BY a.time DESC, a.log DESC, a.position DESC LIMIT 1
    )"""  # noqa: S608  (names of ours)


def due(thing: str, bureau: str) -> str:
    """The column: until when a bureau is to answer the question of the thing that stands, or NULL."""
    return f"""(SELECT k.due FROM asked k WHERE k.log = {thing}.log AND k.stream = {thing}.stream
        AND k.bureau = {bureau} AND k.position >= {thing}.asked)"""  # noqa: S608  (names of ours)


def invited(conn: Connection[Any], log: str, stream: str) -> list[Invited]:
    """Whom one thing asked ever, those it passed on from included."""
    query = "SELECT bureau, due, passed_to FROM asked WHERE log = %s AND stream = %s::text::uuid ORDER BY 1"
    return fetch(conn, Invited, query, [log, stream])


def asked(conn: Connection[Any], thing: str, log: str, stream: str, today: date) -> list[Asked]:
    """Whom one thing asks now, those it passed on from included."""
    query = f"""SELECT k.bureau, k.due, k.passed_to, a.answer,
            a.answer IS NULL AND k.passed_to IS NULL AND t.closed IS NULL AND k.due < %(today)s AS overdue
        FROM {thing} t JOIN asked k ON k.log = t.log AND k.stream = t.stream AND k.position >= t.asked
        LEFT JOIN {latest("t", "k.bureau")} a ON true
        WHERE t.log = %(log)s AND t.stream = %(stream)s::text::uuid ORDER BY k.bureau"""  # noqa: S608  (names of ours)
    return fetch(conn, Asked, query, {"log": log, "stream": stream, "today": today})


GONE_ON = "(t.closed IS NOT NULL OR q.position < t.asked)"
"""The asker `t` asks nobody any more, or has asked anew."""


def given(thing: str, more: str, *, late: str = GONE_ON, join: str = "") -> str:
    """The query for every answer to the questions of (log, stream): the columns of `Answer`, and `more`.

    An answer that says yes is too late where `late` holds and no record of settling names it. In the texts
    `t` is the thing, `q` the question, `a` the answer, `n.position` the last record of settling that names
    it. The order is the caller's.
    """
    return f"""
    SELECT a.log, a.stream::text, a.position, left(a.origin_log, 6) AS bureau, a.answer, a.reason,
        n.position IS NULL AND a.answer NOT IN ('declined', 'returned') AND {late} AS too_late, {more}
    FROM question q JOIN {thing} t ON t.log = q.log AND t.stream = q.stream
    JOIN answer a ON a.question_log = q.origin_log AND a.question_position = q.origin_position
    CROSS JOIN LATERAL (
        SELECT max(n.position) AS position FROM named n WHERE n.log = q.log AND n.stream = q.stream
            AND n.answer_log = a.origin_log AND n.answer_position = a.origin_position
    ) n {join}
    WHERE q.log = %s AND q.stream = %s::text::uuid
    """  # noqa: S608  (names of ours)
