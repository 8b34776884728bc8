"""Questions on dispatches, service and the talent pool."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from events.experts import Tier
from events.talent import Purpose
from events.values import Code, Day, Expertise
from projections import dispatches, experts, talent
from projections.dispatches import Dispatch, ServiceDay
from services.auditor import answers
from services.auditor.answers import Answer, Row
from services.auditor.queries.base import OnDay, Parameters, Query, pages
from services.runtime.database import Connection


class Sent(Parameters):
    """Which dispatches: `first` and `last` bound the day of the start, or that of service."""

    first: Day | None = None
    last: Day | None = None
    home: Code | None = None
    host: Code | None = None
    field: Expertise | None = None
    purpose: Purpose | None = None


class Pool(OnDay):
    """Which statements of strength."""

    tier: Tier | None = None


def _board(conn: Connection, chosen: dispatches.Chosen, day: date) -> Iterator[Dispatch]:
    return pages(lambda after, limit: dispatches.board(conn, chosen, day, limit=limit, after=after))


def _dispatches(conn: Connection, asked: Sent) -> Answer:
    chosen = dispatches.Chosen(**dict(asked))
    rows = [row for row in _board(conn, chosen, _ANY_DAY) if row.started is not None]
    total = dispatches.total(conn, chosen)
    batched = [row for row in rows if row.batch is not None]
    return answers.answer(
        [
            answers.number("dispatches", "派遣", "dispatches started", rows),
            answers.measure("experts", "派出专家", "experts sent", total.experts, rows),
            answers.measure("batches", "批次", "batches", total.batches, batched),
        ],
        [_without_day(answers.row(row)) for row in rows],
    )


_ANY_DAY = date(1900, 1, 1)
"""A start or a day of service is overdue on no day, so that the day asked for does not matter."""


def _without_day(row: Row) -> Row:
    return row._replace(fields={name: value for name, value in row.fields.items() if name != "overdue"})


class Served(NamedTuple):
    """A day of service, and the streams of the host that say something of it."""

    dispatch: Dispatch
    day: ServiceDay
    words: tuple[answers.Stream, ...]

    @property
    def log(self) -> str:
        return self.dispatch.log

    @property
    def stream(self) -> str:
        return self.dispatch.stream

    @property
    def row(self) -> Row:
        """One line of the answer."""
        fields = answers.plain(vars(self.day))
        return Row(self.log, self.stream, f"{self.day.position:020d}", {**fields, **_whose(self.dispatch)})


def _whose(dispatch: Dispatch) -> dict[str, str | None]:
    return {
        "home": dispatch.home, "host": dispatch.host, "outside": dispatch.outside, "field": dispatch.field,
    }  # fmt: skip


def _service(conn: Connection, asked: Sent) -> Answer:
    rows = list(_served(conn, asked))
    return answers.answer(
        [
            _halves("served", "服务半天数", "half-days of service", rows),
            _halves("confirmed", "接收方已确认", "confirmed by hosts", _with(rows, "confirmed")),
            _halves("questioned", "接收方有疑问", "questioned by hosts", _with(rows, "questioned")),
            answers.number("dispatches", "涉及派遣", "dispatches that served", rows),
        ],
        [served.row for served in rows],
    )


def _served(conn: Connection, asked: Sent) -> Iterator[Served]:
    chosen = dispatches.Chosen(**{**dict(asked), "first": None, "last": None})
    for dispatch in _board(conn, chosen, _ANY_DAY):
        days = dispatches.service_days(conn, dispatch.log, dispatch.stream) if dispatch.served else []
        words = _words(conn, dispatch) if any(day.word for day in days) else ()
        for day in days:
            if (asked.first or date.min) <= day.day <= (asked.last or date.max):
                yield Served(dispatch, day, words if day.word else ())


def _words(conn: Connection, dispatch: Dispatch) -> tuple[answers.Stream, ...]:
    given = dispatches.answers(conn, dispatch.log, dispatch.stream)
    return answers.streams(answer for answer in given if answer.bureau == dispatch.host)


def _with(rows: list[Served], word: str) -> list[Served]:
    return [served for served in rows if served.day.word == word]


def _halves(name: str, zh: str, en: str, rows: list[Served]) -> answers.Figure:
    """The figure rests on the home's streams, and on the host's where the host said something."""
    found = answers.measure(name, zh, en, sum(served.day.halves for served in rows), rows)
    words = {stream for served in rows for stream in served.words}
    return found._replace(streams=tuple(sorted({*found.streams, *words})))


def _pyramid(conn: Connection, asked: Pool) -> Answer:
    rows = [
        row
        for row in experts.pyramid(conn, asked.day, asked.bureau)
        if asked.tier is None or row.tier == asked.tier
    ]
    tiers = [tier for tier in Tier if asked.tier in {None, tier}]
    return answers.answer(
        [
            answers.measure("persons", "人才库人数", "people in the pool", _persons(rows), rows),
            *[_tier(tier, [row for row in rows if row.tier == tier]) for tier in tiers],
        ],
        [answers.row(row, f"{row.tier} {row.field}") for row in rows],
    )


def _tier(tier: Tier, rows: list[experts.Strength]) -> answers.Figure:
    return answers.measure(tier.value, tier.zh, tier.en, _persons(rows), rows)


def _persons(rows: list[experts.Strength]) -> int:
    return sum(row.persons for row in rows)


QUERIES = (
    Query("dispatches", "派遣", "dispatches", talent.MODEL, Sent, _dispatches),
    Query("service-days", "服务日", "service days", talent.MODEL, Sent, _service),
    Query("experts-pyramid", "人才库金字塔", "pyramid of experts", talent.MODEL, Pool, _pyramid),
)
