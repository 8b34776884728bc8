"""Dispatches: the board, one with its days, and counts of them and of service days."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias
from uuid import UUID

from psycopg import Connection

from projections import closings, questions
from projections.model import fetch
from projections.talent import ANSWERED


@dataclass(frozen=True)
class Dispatch:
    """One expert at one host, on a day; `home` sends, `host` is a bureau, `outside` an outside party's name.

    `answer` is the host's word to the question that stands: accepted, declined, returned, or None. Service
    is counted in half-days: `served` by the home's log, of them `confirmed` and `questioned` by the host.
    `expert` is the expert's stream in the home's log, None when its sharing record was voided.
    """

    log: str
    stream: str
    home: str
    stage: str
    host: str | None
    outside: str | None
    one_sided: bool
    field: str
    purpose: str
    expert_log: str
    expert: str | None
    speciality: str | None
    days: int
    starts: date
    ends: date
    need_log: str | None
    need: str | None
    batch: UUID | None
    due: date | None
    overdue: bool
    answer: str | None
    answer_reason: str | None
    started: date | None
    ended: date | None
    reason: str | None
    served: int
    confirmed: int
    questioned: int
    rated: bool

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.starts, self.log, self.stream)


@dataclass(frozen=True)
class ServiceDay:
    """A day that the home logged at `position`; `word` is the host's: confirmed, questioned, or None."""

    position: int
    day: date
    half: str
    halves: int
    word: str | None
    reason: str | None


@dataclass(frozen=True)
class Answer(questions.Answer):
    """A host's answer; `too_late` when it accepted and the home started, changed or closed it without."""

    named: bool


@dataclass(frozen=True)
class Chosen:
    """Which dispatches: every given condition holds; `first` and `last` bound the day of the start.

    `served_first` and `served_last` bound days of service: there is one within, and the board counts those.
    """

    bureau: str | None = None
    home: str | None = None
    host: str | None = None
    stage: str | None = None
    field: str | None = None
    purpose: str | None = None
    batch: UUID | None = None
    expert_log: str | None = None
    expert: str | None = None
    first: date | None = None
    last: date | None = None
    served_first: date | None = None
    served_last: date | None = None


@dataclass(frozen=True)
class Counts:
    """How many dispatches started, of how many experts, in how many batches; `key` is what they share.

    A dispatch without a batch is none.
    """

    key: str
    dispatches: int
    experts: int
    batches: int


@dataclass(frozen=True)
class Service:
    """Half-days of service in a region (a host's code, or an outside host's division or name) and field."""

    region: str
    field: str
    halves: int
    confirmed: int
    questioned: int
    one_sided: int


Cursor: TypeAlias = tuple[date, str, str]
Group: TypeAlias = Literal["all", "home", "host", "field", "purpose", "year", "batch"]

_SEEN = f"""LATERAL (
    SELECT s.word, s.reason FROM seen s
    WHERE s.day_log = v.origin_log AND s.day_position = v.origin_position
        AND {closings.same("left(s.log, 6)", "d.host")}
    ORDER BY s.log DESC, s.stream LIMIT 1
) s ON true"""  # noqa: S608  (constants)
"""The word of dispatch `d`'s host on its service day `v`: one, even where two of its streams say so."""
_SUMS = """coalesce(sum(v.halves) FILTER (WHERE s.word = 'confirmed'), 0) AS confirmed,
    coalesce(sum(v.halves) FILTER (WHERE s.word = 'questioned'), 0) AS questioned"""
_SERVED = f"""LATERAL (
    SELECT coalesce(sum(v.halves), 0) AS served, {_SUMS} FROM served v LEFT JOIN {_SEEN}
    WHERE v.log = d.log AND v.stream = d.stream AND {{within}}
)"""  # noqa: S608  (constants)
_WITHIN = """(%(served_first)s::date IS NULL OR v.day >= %(served_first)s)
    AND (%(served_last)s::date IS NULL OR v.day <= %(served_last)s)"""
_ROW = f"""
SELECT d.log, d.stream::text, left(d.log, 6) AS home, d.stage, d.host, d.outside,
    d.outside IS NOT NULL AS one_sided, d.field, d.purpose, d.expert_log, e.stream::text AS expert,
    e.speciality, d.days, d.starts, d.ends, d.need_log, n.stream::text AS need, d.batch, k.due,
    d.stage = 'approved' AND a.answer IS NULL AND coalesce(k.due < %(today)s, false) AS overdue,
    a.answer, a.reason AS answer_reason, d.started, d.ended, d.reason, s.served, s.confirmed, s.questioned,
    r.log IS NOT NULL AS rated
FROM dispatch d LEFT JOIN {ANSWERED} a ON true CROSS JOIN {_SERVED} s
CROSS JOIN LATERAL (SELECT {questions.due("d", "d.host")}) k
LEFT JOIN expert e ON e.origin_log = d.expert_log AND e.origin_position = d.expert_position
LEFT JOIN need n ON n.origin_log = d.need_log AND n.origin_position = d.need_position
LEFT JOIN rating r ON r.log = a.log AND r.stream = a.stream
"""  # noqa: S608  (constants)
_LISTED, _LISTED_WITHIN = _ROW.replace("{within}", "true"), _ROW.replace("{within}", _WITHIN)
_CHOSEN = f"""
    (%(bureau)s::text IS NULL OR %(bureau)s IN (left(d.log, 6), d.host))
    AND (%(home)s::text IS NULL OR left(d.log, 6) = %(home)s)
    AND (%(host)s::text IS NULL OR %(host)s IN (d.host, d.outside))
    AND (%(stage)s::text IS NULL OR d.stage = %(stage)s)
    AND (%(field)s::text IS NULL OR d.field = %(field)s)
    AND (%(purpose)s::text IS NULL OR d.purpose = %(purpose)s)
    AND (%(batch)s::uuid IS NULL OR d.batch = %(batch)s)
    AND (%(expert)s::text IS NULL OR EXISTS (SELECT FROM expert x
        WHERE x.origin_log = d.expert_log AND x.origin_position = d.expert_position
        AND x.log = %(expert_log)s AND x.stream = %(expert)s::uuid))
    AND (%(first)s::date IS NULL OR coalesce(d.started, d.starts) >= %(first)s)
    AND (%(last)s::date IS NULL OR coalesce(d.started, d.starts) <= %(last)s)
    AND (coalesce(%(served_first)s::date, %(served_last)s::date) IS NULL OR EXISTS (
        SELECT FROM served v WHERE v.log = d.log AND v.stream = d.stream AND {_WITHIN}))
"""  # noqa: S608  (constants)


def board(
    conn: Connection[Any], chosen: Chosen, today: date, *, limit: int = 50, after: Cursor | None = None
) -> list[Dispatch]:
    """The newest first; `after` is the cursor of the last row of the page before."""
    starts, log, stream = after or (None, None, None)
    query = f"""{_LISTED_WITHIN} WHERE {_CHOSEN} AND (%(starts)s::date IS NULL OR (d.starts, d.log, d.stream)
            < (%(starts)s, %(log)s::text COLLATE "C", %(stream)s::text::uuid))
        ORDER BY d.starts DESC, d.log DESC, d.stream DESC LIMIT %(limit)s"""
    values = {**vars(chosen), "today": today, "starts": starts, "log": log, "stream": stream, "limit": limit}
    return fetch(conn, Dispatch, query, values)


_HOSTED = closings.same("%(host)s", "d.host")


def unseen(conn: Connection[Any], host: str, today: date) -> list[Dispatch]:
    """Dispatches to this host with service days that it has neither confirmed nor questioned."""
    query = f"""{_LISTED} WHERE {_HOSTED} AND s.served > s.confirmed + s.questioned
        ORDER BY d.ends, d.log, d.stream"""
    return fetch(conn, Dispatch, query, {"host": host, "today": today})


def unrated(conn: Connection[Any], host: str, today: date) -> list[Dispatch]:
    """Dispatches to this host that are over, and that it accepted and has not rated."""
    query = f"""{_LISTED} WHERE {_HOSTED} AND d.stage IN ('completed', 'ended-early')
        AND a.answer = 'accepted' AND r.log IS NULL
        ORDER BY d.ended, d.log, d.stream"""
    return fetch(conn, Dispatch, query, {"host": host, "today": today})


def one(conn: Connection[Any], log: str, stream: str, today: date) -> Dispatch | None:
    """One dispatch; None when there is none."""
    query = f"{_LISTED} WHERE d.log = %(log)s AND d.stream = %(stream)s::text::uuid"
    return next(iter(fetch(conn, Dispatch, query, {"log": log, "stream": stream, "today": today})), None)


def service_days(conn: Connection[Any], log: str, stream: str) -> list[ServiceDay]:
    """The days of one dispatch, with the host's word on each."""
    query = f"""SELECT v.position, v.day, v.half, v.halves, s.word, s.reason
        FROM dispatch d JOIN served v ON v.log = d.log AND v.stream = d.stream LEFT JOIN {_SEEN}
        WHERE d.log = %s AND d.stream = %s::text::uuid
        ORDER BY v.day, v.half, v.position"""  # noqa: S608  (constants)
    return fetch(conn, ServiceDay, query, [log, stream])


_ANSWERS = questions.given("dispatch", "n.position IS NOT NULL AS named")


def answers(conn: Connection[Any], log: str, stream: str) -> list[Answer]:
    """Every answer to the offer, those that came too late included."""
    return fetch(conn, Answer, f"{_ANSWERS} ORDER BY a.log, a.position", [log, stream])


_KEYS: dict[Group, str] = {
    "all": "''",
    "home": "left(d.log, 6)",
    "host": "coalesce(d.host, d.outside)",
    "field": "d.field",
    "purpose": "d.purpose",
    "year": "to_char(d.started, 'YYYY')",
    "batch": "coalesce(d.batch::text, '')",
}


def counts(conn: Connection[Any], chosen: Chosen, by: Group = "all") -> list[Counts]:
    """Dispatches that started, by group; one expert is one person however often sent."""
    query = f"""SELECT {_KEYS[by]} AS key, count(*) AS dispatches,
            count(DISTINCT (d.expert_log, d.expert_position)) AS experts, count(DISTINCT d.batch) AS batches
        FROM dispatch d WHERE {_CHOSEN} AND d.started IS NOT NULL
        GROUP BY 1 ORDER BY 1"""  # noqa: S608  (constants)
    return fetch(conn, Counts, query, vars(chosen))


def total(conn: Connection[Any], chosen: Chosen) -> Counts:
    """The one line of `counts` for all."""
    return next(iter(counts(conn, chosen)), Counts("", 0, 0, 0))


def service(conn: Connection[Any], chosen: Chosen) -> list[Service]:
    """Half-days of service by region and field; `first` and `last` bound the day of service here."""
    of = _CHOSEN.replace("coalesce(d.started, d.starts)", "v.day")
    query = f"""SELECT coalesce(d.host, d.outside_division, d.outside) AS region, d.field,
            sum(v.halves) AS halves, {_SUMS},
            coalesce(sum(v.halves) FILTER (WHERE d.outside IS NOT NULL), 0) AS one_sided
        FROM served v JOIN dispatch d ON d.log = v.log AND d.stream = v.stream LEFT JOIN {_SEEN}
        WHERE {of} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608  (constants)
    return fetch(conn, Service, query, vars(chosen))


def by_stage(conn: Connection[Any], chosen: Chosen) -> dict[str, int]:
    """How many dispatches stand at each stage."""
    query = f"SELECT d.stage, count(*) FROM dispatch d WHERE {_CHOSEN} GROUP BY 1"  # noqa: S608  (constants)
    return dict(conn.execute(query.encode(), vars(chosen)).fetchall())
