"""The timeline: every record as a sentence, filtered by the address, and live when asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from pydantic import TypeAdapter

from events import catalogue, errors
from events.event import Event, Key, Record
from events.values import LOG, Log, Position
from projections import timeline
from projections.timeline import Arrived, Chosen, Line
from services.gateway import cursors, details, kinds, lists
from services.gateway.cursors import After, Limit
from services.gateway.view import View, templates
from services.projector.source import LedgerSource

PAGE = 50
LISTENERS = 50
"""Live timelines at once; more are asked to come later."""
_LIVE_SECONDS = 900
_PAUSE = 1.0
_CURSOR: TypeAdapter[Any] = TypeAdapter(tuple[cursors.Time, Log, Position])
Bureau: TypeAlias = Annotated[str | None, Query(pattern=r"^([0-9]{6})?$")]
Context: TypeAlias = Annotated[str | None, Query(pattern=r"^[a-z-]{0,40}$")]
Stream: TypeAlias = Annotated[
    str | None, Query(pattern=rf"^({LOG}/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})?$")
]
Correlation: TypeAlias = Annotated[
    str | None, Query(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")
]
routes = APIRouter()


def _chosen(bureau: str | None, context: str | None, stream: str | None, correlation: str | None) -> Chosen:
    named = tuple(stream.split("/")) if stream else None
    return Chosen(bureau or None, context or None, named, correlation or None)  # type: ignore[arg-type]  # two parts, by its pattern


@routes.get("/timeline", include_in_schema=False)
def show(
    request: Request,
    bureau: Bureau = None,
    context: Context = None,
    stream: Stream = None,
    correlation: Correlation = None,
    after: After = None,
    live: bool = False,  # noqa: FBT001, FBT002  (a query parameter)
) -> HTMLResponse:
    """One page, the newest first; `live` keeps the first one growing."""
    view, chosen = View(request), _chosen(bureau, context, stream, correlation)
    with view.reading(timeline.MODEL) as conn:
        lines = timeline.page(conn, chosen, limit=PAGE + 1, before=before(after))
        last = timeline.last_arrival(conn)
    more = cursors.write(lines[PAGE - 1].cursor) if len(lines) > PAGE else None
    return view.page(
        "timeline.html",
        days=by_day(view, lines[:PAGE]),
        more=more,
        first=after is None,
        live=live,
        last=last,
        found={"bureau": bureau, "context": context, "stream": stream, "correlation": correlation},
        contexts=sorted({a.context for a in catalogue.AGGREGATES.values()}),
    )


def before(after: str | None) -> timeline.Cursor | None:
    """The place in the list that a word in the address stands for. Raises Invalid."""
    found: timeline.Cursor | None = cursors.read(after, _CURSOR)
    return found


def entries(view: View, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines with what a page says of them: sentence, and the thing that it is about."""
    with view.site.database.connection() as conn:
        source = LedgerSource(conn)
        records = source.records([(line.log, line.position) for line in lines])
        cited = source.records({key for record in records.values() for key in record.data.references()[:1]})
    view.know(records.values())
    return [_entry(view, line, records.get((line.log, line.position)), cited) for line in lines]


def _entry(
    view: View, line: Line, record: Record[Event] | None, cited: Mapping[Key, Record[Event]]
) -> dict[str, Any]:
    """One line; a record that cannot be read here says its type only."""
    if record is None:
        return {"line": line, "sentence": line.type, "home": None, "title": ""}
    about = (
        record
        if record.aggregate in kinds.BY_AGGREGATE
        else cited.get(next(iter(record.data.references()), ("", 0)))
    )
    kind = kinds.BY_AGGREGATE.get(about.aggregate) if about else None
    home = f"{kind.path}/{about.log}/{about.stream}" if kind and about else None
    title = line.title or (view.t(kind.zh, kind.en) if kind else "")
    return {"line": line, "sentence": view.sentence(record), "home": home, "title": title}


def by_day(view: View, lines: Sequence[Line]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Lines under the days on which they were recorded."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries(view, lines):
        found.setdefault(details.day_of(view, entry["line"].time), []).append(entry)
    return list(found.items())


@routes.get("/timeline/live", include_in_schema=False)
async def live(
    request: Request,
    last: Annotated[int, Query(ge=0, le=2**62)] = 0,
    bureau: Bureau = None,
    context: Context = None,
    stream: Stream = None,
    correlation: Correlation = None,
) -> StreamingResponse:
    """What comes to this node from now on, as server-sent events, each a piece of the page."""
    return streamed(request, _chosen(bureau, context, stream, correlation), last)


def streamed(request: Request, chosen: Chosen, last: int, template: str = "entry.html") -> StreamingResponse:
    """What comes after an arrival number, each record made a piece of a page. Raises Busy."""
    state = request.app.state
    if getattr(state, "listeners", 0) >= LISTENERS:
        raise errors.Busy("too many live timelines are open; come back later or reload now and then")
    said = request.headers.get("last-event-id", "")
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else last  # noqa: PLR2004  (fits a bigint)
    events = _events(request, View(request), chosen, number, template)
    return StreamingResponse(events, media_type="text/event-stream")


async def _events(
    request: Request, view: View, chosen: Chosen, last: int, template: str = "entry.html"
) -> AsyncIterator[str]:
    state = request.app.state
    state.listeners = getattr(state, "listeners", 0) + 1
    try:
        yield "retry: 2000\n\n"
        for _ in range(int(_LIVE_SECONDS / _PAUSE)):
            for line, html in await run_in_threadpool(_arrived, view, chosen, last, template):
                last = line.number
                yield f"id: {line.number}\nevent: record\ndata: {html}\n\n"
            await asyncio.sleep(_PAUSE)
            if await request.is_disconnected():
                return
            yield ": still here\n\n"
    finally:
        state.listeners -= 1


def _arrived(view: View, chosen: Chosen, last: int, template: str) -> list[tuple[Arrived, str]]:
    with view.site.reading(timeline.MODEL) as conn:
        lines = timeline.arrivals(conn, chosen, after=last)
    made = templates().get_template(template)
    pieces = (made.render(v=view, t=view.t, entry=entry) for entry in entries(view, lines))
    return [(line, " ".join(piece.split())) for line, piece in zip(lines, pieces, strict=True)]


@routes.get("/api/v1/timeline", tags=["read"], summary="时间线 · the timeline")
def api(
    request: Request,
    bureau: Bureau = None,
    context: Context = None,
    stream: Stream = None,
    correlation: Correlation = None,
    limit: Limit = PAGE,
    after: After = None,
) -> JSONResponse:
    """Records of all logs, the newest first, each with its sentence; `next` is the next page's cursor."""
    view = View(request)
    with view.reading(timeline.MODEL) as conn:
        lines = timeline.page(
            conn, _chosen(bureau, context, stream, correlation), limit=limit + 1, before=before(after)
        )
    more = cursors.write(lines[limit - 1].cursor) if len(lines) > limit else None
    items = [{**vars(entry["line"]), "sentence": entry["sentence"]} for entry in entries(view, lines[:limit])]
    return lists.json({"items": items, "next": more, "positions": view.asof[0].vector})
