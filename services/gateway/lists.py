"""The list of every kind: filters in the address, pages by cursor, and the same as CSV, Excel and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from events import errors
from services.gateway import cursors, export, kinds
from services.gateway.cursors import After, Limit
from services.gateway.things import Filter, Kind
from services.gateway.view import View

PAGE = 50
_LONGEST = 100
routes = APIRouter()


@routes.get("/{context}/{aggregate}.{ending}", include_in_schema=False)
def download(context: str, aggregate: str, ending: str, request: Request) -> Response:
    """The whole list as a table for Excel."""
    view, kind = View(request), kinds.kind(context, aggregate)
    if ending not in export.WRITERS:
        raise errors.NotFound("lists are exported as .csv and .xlsx")
    found = conditions(kind, request.query_params)
    head = [view.t(c.zh, c.en) for c in kind.columns]
    table = ([c.show(row, view).text for c in kind.columns] for row in _all(view, kind, found))
    return export.WRITERS[ending](f"{kind.aggregate}-{view.today.isoformat()}", head, table, view)


@routes.get("/{context}/{aggregate}", include_in_schema=False)
def show(context: str, aggregate: str, request: Request, after: After = None) -> HTMLResponse:
    """One page of a list."""
    view, kind = View(request), kinds.kind(context, aggregate)
    found = conditions(kind, request.query_params)
    rows = _rows(view, kind, found, PAGE + 1, cursors.read(after, kind.cursor))
    more = cursors.write(rows[PAGE - 1].cursor) if len(rows) > PAGE else None
    tabs = [other for other in kinds.KINDS if other.context == context]
    return view.page(
        "list.html", kind=kind, rows=rows[:PAGE], more=more, found=found, tabs=tabs, first=after is None
    )


@routes.get("/api/v1/{context}/{aggregate}", tags=["read"], summary="一页清单 · one page of a list")
def api(
    context: str, aggregate: str, request: Request, limit: Limit = PAGE, after: After = None
) -> JSONResponse:
    """Rows of a read model, the newest first; `next` is the cursor of the next page, or null.

    Filters are those of the page: see `/api/v1/docs`.
    """
    view, kind = View(request), kinds.kind(context, aggregate)
    found = conditions(kind, request.query_params)
    rows = _rows(view, kind, found, limit + 1, cursors.read(after, kind.cursor))
    more = cursors.write(rows[limit - 1].cursor) if len(rows) > limit else None
    return json(
        {"items": [asdict(row) for row in rows[:limit]], "next": more, "positions": view.asof[0].vector}
    )


@routes.get("/{context}", include_in_schema=False)
def index(context: str, request: Request) -> HTMLResponse:
    """A context's first list."""
    first = next((kind for kind in kinds.KINDS if kind.context == context), None)
    if first is None:
        raise errors.NotFound("there is no such page")
    return show(context, first.aggregate, request)


def json(content: Any) -> JSONResponse:
    """JSON, dates written as ISO 8601."""
    from fastapi.encoders import jsonable_encoder

    return JSONResponse(jsonable_encoder(content))


def conditions(kind: Kind, asked: Mapping[str, str]) -> dict[str, Any]:
    """The filters in an address. Raises Invalid."""
    return {f.name: _condition(f, asked[f.name]) for f in kind.filters if asked.get(f.name)}


def _condition(asked: Filter, text: str) -> Any:
    if len(text) > _LONGEST or not text.isprintable():
        raise errors.Invalid(f"{asked.name}: is too long or no text", field=asked.name)
    if asked.options is not None or asked.typed == "text":
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise errors.Invalid(f"{asked.name}: must be a date, YYYY-MM-DD", field=asked.name) from None


def _rows(view: View, kind: Kind, found: Mapping[str, Any], limit: int, after: Any) -> Sequence[Any]:
    with view.reading(kind.model) as conn:
        return kind.rows(conn, found, view.today, limit, after)


def _all(view: View, kind: Kind, found: Mapping[str, Any]) -> Iterator[Any]:
    """Every row, read page by page."""
    after = None
    while rows := _rows(view, kind, found, 500, after):
        yield from rows
        after = rows[-1].cursor
