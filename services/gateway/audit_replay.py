"""重放 · Replay: the records of all logs in one order, basis first, step by step, or by itself."""

from collections.abc import Sequence
from datetime import time
from itertools import islice
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from events import catalogue, errors
from events.event import Event, Record
from projections.source import Entry
from projections.track import Vector
from services.auditor import playing, positions
from services.auditor.playing import Filter, Merge
from services.gateway import audit, audit_events, audit_jobs, lists
from services.gateway.audit_events import Asked, Filters
from services.gateway.view import View
from services.runtime.database import Connection

PAGE = 50
MOST = 200_000
"""Records that one page goes through in search of what is asked for; then it says how far it came."""
Cursor: TypeAlias = Annotated[str, Query(alias="at", max_length=4_000, pattern=r"^[0-9:,-]*$")]
Step: TypeAlias = Annotated[int, Query(ge=1, le=500)]
routes = APIRouter()


@routes.get("/audit/replay", include_in_schema=False)
def show(request: Request, asked: Filters, cursor: Cursor = "", step: Step = PAGE) -> HTMLResponse:
    """The next records after a cursor."""
    view = View(request)
    found, vector, ended = _play(view, asked, cursor, step)
    return audit.page(
        view,
        "audit_replay.html",
        lines=_lines(view, found),
        cursor=_written(vector),
        at=cursor,
        ended=ended,
        step=step,
        played=sum(vector.values()),
        found=asked.given,
        types=audit_events.types(view.lang),
    )


def _play(view: View, asked: Asked, cursor: str, step: int) -> tuple[list[Entry], Vector, bool]:
    """What comes next, up to where it was played, and whether that was all."""
    with audit_jobs.patient(view.site.database.dsn) as conn:
        begin, end = _bounds(conn, asked, cursor)
        merge, chosen = Merge(conn, end, begin), _filter(asked)
        found: list[Entry] = []
        for entry in islice(merge, MOST):
            if playing.is_chosen(entry, chosen):
                found.append(entry)
                if len(found) >= step:
                    break
    return found, merge.vector, merge.vector == end


def _filter(asked: Asked) -> Filter:
    return Filter(
        bureau=asked.bureau or None,
        stream=asked.named,
        context=asked.context or None,
        type=asked.type or None,
        correlation=asked.correlation or None,
    )


def _bounds(conn: Connection, asked: Asked, cursor: str) -> tuple[Vector, Vector]:
    """From the cursor, or what was recorded before the first day, to the last day. Raises Invalid."""
    first, last = audit.day(asked.first, "first"), audit.day(asked.last, "last")
    end = positions.at(conn, audit.moment(last, time.max)) if last else positions.covered(conn)
    if cursor:
        return playing.resumed(cursor), end
    return positions.at(conn, audit.moment(first, time.min)) if first else {}, end


def _lines(view: View, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Each record with its sentence; one that was redacted has neither that nor a time."""
    records = {e: record for e in entries if (record := _read(e)) is not None}
    view.know(records.values())
    return [
        {
            "entry": entry,
            "time": entry.time.decode(),
            "said": view.sentence(records[entry]) if entry in records else None,
        }
        for entry in entries
    ]


def _read(entry: Entry) -> Record[Event] | None:
    """None for what cannot be read here."""
    try:
        return catalogue.decode(entry.value, entry.leaf)
    except errors.BadRecord:
        return None


def _written(vector: Vector) -> str:
    return ",".join(f"{log}:{at}" for log, at in sorted(vector.items()) if at)


@routes.get("/api/v1/audit/replay", tags=["audit"], summary="重放 · records in replay order")
def api(request: Request, asked: Filters, cursor: Cursor = "", step: Step = PAGE) -> JSONResponse:
    """The next records after `at`, basis first and then by time; `next` goes on behind them."""
    view = View(request)
    found, vector, ended = _play(view, asked, cursor, step)
    items = [
        {"log": at.log, "position": at.position, "time": line["time"], "says": line["said"]}
        for line in _lines(view, found)
        for at in (line["entry"],)
    ]
    return lists.json({"items": items, "next": None if ended else _written(vector)})
