"""The event browser: records of all logs, filtered by the address, live when asked; the bytes of each."""

import re
from dataclasses import dataclass
from datetime import time
from functools import cache
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from events import catalogue, errors
from projections import timeline
from projections.timeline import Chosen
from services.gateway import audit, covering, cursors, lists
from services.gateway import timeline as shown_timeline
from services.gateway.cursors import After, Limit
from services.gateway.paths import LogName, PositionNumber
from services.gateway.timeline import Bureau, Context, Correlation, Stream
from services.gateway.view import View

PAGE = 50
_FIELD = re.compile(r"\{[a-z_]+\}")
routes = APIRouter()
Type: TypeAlias = Annotated[str | None, Query(pattern=r"^(yinqiao\.[a-z0-9.-]{1,100})?$")]


@dataclass(frozen=True)
class Asked:
    """The filters in an address; empty ones are none."""

    bureau: Bureau = None
    context: Context = None
    stream: Stream = None
    type: Type = None
    correlation: Correlation = None
    first: audit.Day = None
    last: audit.Day = None

    @property
    def named(self) -> tuple[str, str] | None:
        """The stream, as log and UUID."""
        log, _, stream = (self.stream or "").partition("/")
        return (log, stream) if stream else None

    def chosen(self) -> Chosen:
        """As the timeline takes them. Raises Invalid."""
        first, last = audit.day(self.first, "first"), audit.day(self.last, "last")
        return Chosen(
            bureau=self.bureau or None,
            context=self.context or None,
            stream=self.named,
            correlation=self.correlation or None,
            type=self.type or None,
            first=audit.moment(first, time.min) if first else None,
            last=audit.moment(last, time.max) if last else None,
        )

    @property
    def given(self) -> dict[str, str]:
        """Those that are set, as they stand in an address."""
        return {name: value for name, value in vars(self).items() if value}


Filters: TypeAlias = Annotated[Asked, Depends()]


@routes.get("/audit/events", include_in_schema=False)
def show(
    request: Request,
    asked: Filters,
    after: After = None,
    live: bool = False,  # noqa: FBT001, FBT002  (a query parameter)
) -> HTMLResponse:
    """One page, the newest first; `live` keeps the first one growing."""
    view = View(request)
    with view.reading(timeline.MODEL) as conn:
        lines = timeline.page(conn, asked.chosen(), limit=PAGE + 1, before=shown_timeline.before(after))
        last = timeline.last_arrival(conn)
    return audit.page(
        view,
        "audit_events.html",
        days=shown_timeline.by_day(view, lines[:PAGE]),
        more=cursors.write(lines[PAGE - 1].cursor) if len(lines) > PAGE else None,
        first=after is None,
        live=live,
        last=last,
        found=asked.given,
        types=types(view.lang),
    )


@routes.get("/audit/events/live", include_in_schema=False)
async def live(
    request: Request, asked: Filters, number: Annotated[int, Query(alias="from", ge=0, le=2**62)] = 0
) -> StreamingResponse:
    """What comes to this node from now on, as server-sent events, each a piece of the page."""
    return shown_timeline.streamed(request, asked.chosen(), number, "audit_entry.html")


@cache
def types(lang: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The types of events by context: the stored name, and how its sentence goes."""
    found: dict[str, list[tuple[str, str]]] = {}
    for aggregate in catalogue.AGGREGATES.values():
        for event in aggregate.events:
            said = _FIELD.sub("…", event.zh if lang == "zh" else event.en).strip("…。. ")
            found.setdefault(aggregate.context, []).append((event.type, said))
    return sorted((context, sorted(events)) for context, events in found.items())


@routes.get("/audit/records/{log}/{position}.json", include_in_schema=False)
def value(log: LogName, position: PositionNumber, request: Request) -> Response:
    """The exact bytes that were signed. Raises NotFound, Gone."""
    view = View(request)
    with view.site.database.connection() as conn:
        found = covering.of(conn, log, position)
    if found.redacted:
        raise errors.Gone(f"record {log}:{position} was redacted: its bytes are served by nobody")
    if not found.value:
        raise errors.NotFound(f"no decision accounts for what is lacking: record {log}:{position}")
    headers = {"content-disposition": f'attachment; filename="{log}-{position}.json"'}
    return Response(found.value, media_type="application/cloudevents+json; charset=utf-8", headers=headers)


@routes.get("/api/v1/audit/events", tags=["audit"], summary="记录浏览 · records of all logs")
def api(request: Request, asked: Filters, limit: Limit = PAGE, after: After = None) -> JSONResponse:
    """Records that meet every given condition, the newest first; `next` is the next page's cursor."""
    view = View(request)
    with view.reading(timeline.MODEL) as conn:
        lines = timeline.page(conn, asked.chosen(), limit=limit + 1, before=shown_timeline.before(after))
    more = cursors.write(lines[limit - 1].cursor) if len(lines) > limit else None
    items: list[Any] = [
        {**vars(entry["line"]), "sentence": entry["sentence"]}
        for entry in shown_timeline.entries(view, lines[:limit])
    ]
    return lists.json({"items": items, "next": more, "positions": view.asof[0].vector})
