"""The talent pool's pyramid, experts who may be offered, and stated satisfaction."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection
from psycopg.rows import class_row

from events import experts as events
from events.event import Record
from projections import closings
from projections.model import Handlers
from projections.rows import Rows

on = Handlers()
"""Handlers of the read model `talent`, those of `talent.py` too: one schema, because queries join them."""


@on(events.PoolStrengthStated)
def show_strength(record: Record[events.PoolStrengthStated], rows: Rows) -> None:
    stated = record.data
    rows.put(
        "strength", record, tier=stated.tier, field=stated.field, day=stated.day, persons=stated.persons,
        opening=stated.opening,
    )  # fmt: skip


@on(events.ExpertShared)
def show_expert(record: Record[events.ExpertShared], rows: Rows) -> None:
    expert = record.data
    rows.put(
        "expert", record, position=record.position, **closings.origin(record), stage="shared",
        speciality=expert.speciality, fields=expert.fields, tier=expert.tier,
        needs_clearance=expert.needs_clearance, cleared=False,
    )  # fmt: skip


@on(events.ExpertProfileChanged)
def show_profile(record: Record[events.ExpertProfileChanged], rows: Rows) -> None:
    new = record.data
    rows.put("expert", record, speciality=new.speciality, fields=new.fields, tier=new.tier)


@on(events.ExpertCleared)
def show_clearance(record: Record[events.ExpertCleared], rows: Rows) -> None:
    rows.put("expert", record, cleared=True, cleared_until=record.data.until)


@on(events.ExpertWithdrawn)
def show_withdrawn(record: Record[events.ExpertWithdrawn], rows: Rows) -> None:
    rows.put("expert", record, stage="withdrawn", reason=record.data.reason.code)


@on(events.SatisfactionStated)
def show_satisfaction(record: Record[events.SatisfactionStated], rows: Rows) -> None:
    stated = record.data
    rows.add(
        "satisfaction", record, position=record.position, starts=stated.starts, ends=stated.ends,
        satisfied=stated.satisfied, fair=stated.fair, dissatisfied=stated.dissatisfied,
    )  # fmt: skip


@dataclass(frozen=True)
class Strength:
    """How many experts a bureau has in a field and tier; `day` is the day it was stated for."""

    log: str
    stream: str
    bureau: str
    tier: str
    field: str
    persons: int
    day: date
    opening: bool


@dataclass(frozen=True)
class Expert:
    """A shared expert; `blocked` says why not to offer: withdrawn, needs-clearance; None: may be offered.

    `position` is the sharing record's, `serving` how many dispatches run or wait for the host.
    """

    log: str
    stream: str
    position: int
    bureau: str
    stage: str
    speciality: str
    fields: list[str]
    tier: str
    needs_clearance: bool
    cleared_until: date | None
    blocked: str | None
    serving: int

    @property
    def may_be_offered(self) -> bool:
        """Whether nothing stands against it on the day that was asked for."""
        return self.blocked is None

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.log, self.position)


@dataclass(frozen=True)
class Chosen:
    """Which experts: every given condition holds; `speciality` is any part of it."""

    bureau: str | None = None
    field: str | None = None
    tier: str | None = None
    speciality: str | None = None
    may_be_offered: bool | None = None
    withdrawn: bool = False


@dataclass(frozen=True)
class Satisfaction:
    """Marks as hosts stated them, over all their periods within the time that was asked for."""

    satisfied: int
    fair: int
    dissatisfied: int

    @property
    def total(self) -> int:
        """All marks."""
        return self.satisfied + self.fair + self.dissatisfied


Cursor: TypeAlias = tuple[str, int]


def pyramid(conn: Connection[Any], day: date, bureau: str | None = None) -> list[Strength]:
    """As of that day: each bureau's newest statement of each field and tier."""
    query = """SELECT DISTINCT ON (bureau, tier, field) log, stream::text, left(log, 6) AS bureau,
            tier, field, persons, day, opening
        FROM strength WHERE day <= %(day)s AND (%(bureau)s::text IS NULL OR left(log, 6) = %(bureau)s)
        ORDER BY bureau, tier DESC, field, day DESC, log DESC, stream DESC"""
    with conn.cursor(row_factory=class_row(Strength)) as cursor:
        return cursor.execute(query, {"day": day, "bureau": bureau}).fetchall()


_LISTED = """
WITH listed AS (
    SELECT e.log, e.stream::text, e.position, left(e.log, 6) AS bureau, e.stage, e.speciality, e.fields,
        e.tier, e.needs_clearance, e.cleared_until, CASE
            WHEN e.stage = 'withdrawn' THEN 'withdrawn'
            WHEN e.needs_clearance AND NOT (e.cleared AND coalesce(e.cleared_until >= %(day)s, true))
            THEN 'needs-clearance' END AS blocked,
        (SELECT count(*) FROM dispatch d
            WHERE d.expert_log = e.origin_log AND d.expert_position = e.origin_position
            AND d.stage IN ('offered', 'approved', 'confirmed', 'started')) AS serving
    FROM expert e
)
"""
_CHOSEN = """
    (%(bureau)s::text IS NULL OR bureau = %(bureau)s) AND (%(tier)s::text IS NULL OR tier = %(tier)s)
    AND (%(field)s::text IS NULL OR %(field)s = ANY (fields))
    AND (%(speciality)s::text IS NULL OR position(lower(%(speciality)s) IN lower(speciality)) > 0)
    AND (%(may_be_offered)s::boolean IS NULL OR (blocked IS NULL) = %(may_be_offered)s)
    AND (stage = 'shared' OR %(withdrawn)s)
"""


def experts(
    conn: Connection[Any], chosen: Chosen, day: date, *, limit: int = 50, after: Cursor | None = None
) -> list[Expert]:
    """As they may be offered on that day, by bureau; `after` is the cursor of the page before's last row."""
    log, at = after or (None, None)
    query = f"""{_LISTED} SELECT * FROM listed WHERE {_CHOSEN}
        AND (%(log)s::text IS NULL OR (log, position) > (%(log)s COLLATE "C", %(at)s::bigint))
        ORDER BY log, position LIMIT %(limit)s"""  # noqa: S608  (constants)
    values = {**vars(chosen), "day": day, "log": log, "at": at, "limit": limit}
    with conn.cursor(row_factory=class_row(Expert)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def one(conn: Connection[Any], log: str, stream: str, day: date) -> Expert | None:
    """One expert; None when there is none."""
    query = f"{_LISTED} SELECT * FROM listed WHERE log = %(log)s AND stream = %(stream)s"  # noqa: S608  (constants)
    with conn.cursor(row_factory=class_row(Expert)) as cursor:
        return cursor.execute(query.encode(), {"log": log, "stream": stream, "day": day}).fetchone()


def satisfaction(
    conn: Connection[Any], first: date | None = None, last: date | None = None, bureau: str | None = None
) -> Satisfaction:
    """Sums over the periods that lie within these days, of one host or all."""
    query = """SELECT coalesce(sum(satisfied), 0) AS satisfied, coalesce(sum(fair), 0) AS fair,
            coalesce(sum(dissatisfied), 0) AS dissatisfied
        FROM satisfaction WHERE (%(bureau)s::text IS NULL OR left(log, 6) = %(bureau)s)
        AND (%(first)s::date IS NULL OR starts >= %(first)s)
        AND (%(last)s::date IS NULL OR ends <= %(last)s)"""
    with conn.cursor(row_factory=class_row(Satisfaction)) as cursor:
        found = cursor.execute(query, {"bureau": bureau, "first": first, "last": last}).fetchone()
    return found or Satisfaction(0, 0, 0)


def stating(conn: Connection[Any]) -> list[str]:
    """The hosts that have stated satisfaction, by code."""
    query = "SELECT DISTINCT left(log, 6) FROM satisfaction ORDER BY 1"
    return [bureau for (bureau,) in conn.execute(query).fetchall()]
