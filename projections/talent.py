"""Needs, dispatches, what hosts say of them; the pool stands in `experts.py`, boards in `dispatches.py`."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from psycopg import Connection

from events import talent
from events.event import Record
from events.values import Reference
from projections import closings, experts, questions
from projections.model import ReadModel, fetch
from projections.rows import Rows

on = experts.on
MODEL = ReadModel("talent", version=3, handlers=on, parts=("closings", "questions"))
questions.follow(
    on, "dispatch",
    {
        talent.AcceptanceAccepted: "accepted",
        talent.AcceptanceDeclined: "declined",
        talent.AcceptanceReturned: "returned",
    },
)  # fmt: skip


@on(talent.NeedPublished)
def show_need(record: Record[talent.NeedPublished], rows: Rows) -> None:
    need = record.data
    rows.put(
        "need", record, position=record.position, **closings.origin(record), stage="published",
        field=need.field, title=need.title, persons=need.persons, days=need.days, starts=need.starts,
        ends=need.ends, division=need.place.division, place=need.place.name, turned_to=need.to,
        reply_by=need.reply_by,
    )  # fmt: skip


@on(talent.NeedClosed)
def show_need_closed(record: Record[talent.NeedClosed], rows: Rows) -> None:
    rows.put("need", record, stage="closed", reason=record.data.reason.code)


@on(talent.DispatchOffered)
def show_offer(record: Record[talent.DispatchOffered], rows: Rows) -> None:
    offer, (need_log, need_position) = record.data, _key(record.data.need)
    rows.put(
        "dispatch", record, stage="offered", host=offer.host, outside=offer.outside and offer.outside.name,
        outside_division=offer.outside and offer.outside.division, field=offer.field, purpose=offer.purpose,
        expert_log=offer.expert.log, expert_position=offer.expert.position, days=offer.days,
        starts=offer.starts, ends=offer.ends, need_log=need_log, need_position=need_position,
        batch=offer.batch,
    )  # fmt: skip


def _key(reference: Reference | None) -> tuple[str | None, int | None]:
    return (reference.log, reference.position) if reference else (None, None)


@on(talent.DispatchChanged)
def show_change(record: Record[talent.DispatchChanged], rows: Rows) -> None:
    new = record.data
    rows.put(
        "dispatch", record, stage="offered", days=new.days, starts=new.starts, ends=new.ends,
        asked=None,
    )  # fmt: skip


@on(talent.DispatchApproved)
def show_approved(record: Record[talent.DispatchApproved], rows: Rows) -> None:
    rows.put("dispatch", record, stage="approved")


@on(talent.DispatchPassedOn)
def show_another_host(record: Record[talent.DispatchPassedOn], rows: Rows) -> None:
    rows.put("dispatch", record, host=record.data.to.bureau, asked=record.position)


@on(talent.DispatchConfirmedOutside)
def show_outside_consent(record: Record[talent.DispatchConfirmedOutside], rows: Rows) -> None:
    rows.put("dispatch", record, stage="confirmed")


@on(talent.DispatchStarted)
def show_start(record: Record[talent.DispatchStarted], rows: Rows) -> None:
    rows.put("dispatch", record, stage="started", started=record.data.day)


@on(talent.DispatchServiceDayLogged)
def show_service_day(record: Record[talent.DispatchServiceDayLogged], rows: Rows) -> None:
    served = record.data
    halves = len(talent.halves(served))
    rows.add(
        "served", record, position=record.position, **closings.origin(record), day=served.day,
        half=served.half, halves=halves,
    )  # fmt: skip


@on(talent.DispatchEndedEarly)
def show_early_end(record: Record[talent.DispatchEndedEarly], rows: Rows) -> None:
    end = record.data
    rows.put("dispatch", record, stage="ended-early", ended=end.day, reason=end.reason.code)


@on(talent.DispatchCompleted)
def show_completed(record: Record[talent.DispatchCompleted], rows: Rows) -> None:
    rows.put("dispatch", record, stage="completed", ended=record.data.day)


@on(talent.DispatchWithdrawn)
def show_withdrawn(record: Record[talent.DispatchWithdrawn], rows: Rows) -> None:
    rows.put("dispatch", record, stage="withdrawn", reason=record.data.reason.code)


@on(talent.DispatchExpired)
def show_expired(record: Record[talent.DispatchExpired], rows: Rows) -> None:
    rows.put("dispatch", record, stage="expired", reason=record.data.reason.code)


@on(talent.AcceptanceDayConfirmed)
def show_confirmed_day(record: Record[talent.AcceptanceDayConfirmed], rows: Rows) -> None:
    log, position = _key(record.data.day)
    rows.put("seen", record, day_log=log, day_position=position, word="confirmed", reason=None)


@on(talent.AcceptanceDayQuestioned)
def show_questioned_day(record: Record[talent.AcceptanceDayQuestioned], rows: Rows) -> None:
    (log, position), reason = _key(record.data.day), record.data.reason.code
    rows.put("seen", record, day_log=log, day_position=position, word="questioned", reason=reason)


@on(talent.AcceptanceRated)
def show_rated(record: Record[talent.AcceptanceRated], rows: Rows) -> None:
    rows.put("rating", record, mark=record.data.mark.digest)


@dataclass(frozen=True)
class Need:
    """What a host looks for, on a day; `turned_to` empty means all its partners.

    `offered` counts the experts that were offered for it and not taken back, `accepted` those the host
    takes. `late`: the day to reply by has passed and it is still short of people.
    """

    log: str
    stream: str
    position: int
    bureau: str
    stage: str
    field: str
    title: str
    persons: int
    days: int
    starts: date
    ends: date
    division: str | None
    place: str | None
    turned_to: list[str]
    reply_by: date | None
    reason: str | None
    offered: int
    accepted: int
    late: bool

    @property
    def cursor(self) -> "Cursor":
        """Where the next page begins."""
        return (self.starts, self.log, self.stream)


@dataclass(frozen=True)
class Chosen:
    """Which needs: every given condition holds; `for_bureau` sees those turned to it, or to all.

    `title` is any part of it.
    """

    bureau: str | None = None
    for_bureau: str | None = None
    title: str | None = None
    field: str | None = None
    stage: str | None = None


Cursor: TypeAlias = tuple[date, str, str]

ANSWERED = questions.latest("d", "d.host")
"""The host's latest word to the question of dispatch `d` that stands."""
_NEEDS = f"""
WITH listed AS (
    SELECT n.log, n.stream::text, n.position, left(n.log, 6) AS bureau, n.stage, n.field, n.title, n.persons,
        n.days, n.starts, n.ends, n.division, n.place, n.turned_to, n.reply_by, n.reason,
        o.offered, o.accepted,
        n.stage = 'published' AND o.accepted < n.persons AND coalesce(n.reply_by < %(day)s, false) AS late
    FROM need n CROSS JOIN LATERAL (
        SELECT count(*) AS offered, count(*) FILTER (WHERE a.answer = 'accepted') AS accepted
        FROM dispatch d LEFT JOIN {ANSWERED} a ON true
        WHERE d.need_log = n.origin_log AND d.need_position = n.origin_position
            AND {closings.same("left(n.log, 6)", "d.host")}
            AND d.stage NOT IN ('withdrawn', 'expired')
    ) o
)
"""  # noqa: S608  (constants)


def needs(
    conn: Connection[Any], chosen: Chosen, day: date, *, limit: int = 50, after: Cursor | None = None
) -> list[Need]:
    """The soonest to start first; `after` is the cursor of the last row of the page before."""
    starts, log, stream = after or (None, None, None)
    query = f"""{_NEEDS} SELECT * FROM listed
        WHERE (%(bureau)s::text IS NULL OR bureau = %(bureau)s)
        AND (%(for_bureau)s::text IS NULL
            OR bureau <> %(for_bureau)s AND (turned_to = '{{}}' OR %(for_bureau)s = ANY (turned_to)))
        AND (%(field)s::text IS NULL OR field = %(field)s) AND (%(stage)s::text IS NULL OR stage = %(stage)s)
        AND (%(title)s::text IS NULL OR position(lower(%(title)s) IN lower(title)) > 0)
        AND (%(starts)s::date IS NULL OR (starts, log, stream)
            > (%(starts)s, %(log)s::text COLLATE "C", %(stream)s::text))
        ORDER BY starts, log, stream LIMIT %(limit)s"""  # noqa: S608  (constants)
    values = {**vars(chosen), "day": day, "starts": starts, "log": log, "stream": stream, "limit": limit}
    return fetch(conn, Need, query, values)


def open_to(conn: Connection[Any], bureau: str, day: date) -> list[Need]:
    """Needs of others that wait for this bureau's offer on that day, the most urgent first.

    They are turned to it or to all, short of people, and it has nobody on offer for them.
    """
    query = f"""{_NEEDS} SELECT listed.* FROM listed
        WHERE stage = 'published' AND accepted < persons AND ends >= %(day)s AND bureau <> %(bureau)s
        AND (turned_to = '{{}}' OR %(bureau)s = ANY (turned_to)) AND NOT EXISTS (
            SELECT FROM need n
            JOIN dispatch d ON d.need_log = n.origin_log AND d.need_position = n.origin_position
            WHERE n.log = listed.log AND n.position = listed.position AND left(d.log, 6) = %(bureau)s
                AND d.stage NOT IN ('withdrawn', 'expired'))
        ORDER BY coalesce(reply_by, starts), log, stream"""  # noqa: S608  (constants)
    return fetch(conn, Need, query, {"bureau": bureau, "day": day})


def need(conn: Connection[Any], log: str, stream: str, day: date) -> Need | None:
    """One need; None when there is none."""
    query = f"{_NEEDS} SELECT * FROM listed WHERE log = %(log)s AND stream = %(stream)s"  # noqa: S608  (constants)
    return next(iter(fetch(conn, Need, query, {"log": log, "stream": stream, "day": day})), None)
