"""The list of every kind: filters in the address, pages by cursor, and the same as CSV, Excel and JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from services.gateway import asked, cursors, export, kinds
from services.gateway.cursors import After, Limit
from services.gateway.things import Kind
from services.gateway.view import View
from services.ledger import read

PAGE = 50


def router() -> APIRouter:
    """The list of every kind, as a page, as files, and in the API; a context leads to its first list."""
    routes = APIRouter()
    for kind in kinds.KINDS:
        _add(routes, kind)
    for context in dict.fromkeys(kind.context for kind in kinds.KINDS):
        first = next(kind for kind in kinds.KINDS if kind.context == context)
        _add_context(routes, context, first)
    return routes


def _add(routes: APIRouter, kind: Kind) -> None:
    def page(request: Request, after: After = None) -> HTMLResponse:
        return _show(View(request), kind, after)

    def api(request: Request, limit: Limit = PAGE, after: After = None) -> JSONResponse:
        return _api(View(request), kind, limit, after)

    routes.add_api_route(kind.path, page, methods=["GET"], include_in_schema=False)
    for ending in export.WRITERS:
        routes.add_api_route(
            f"{kind.path}.{ending}", _download(kind, ending), methods=["GET"], include_in_schema=False
        )
    routes.add_api_route(
        f"/api/v1{kind.path}",
        api,
        methods=["GET"],
        tags=["read"],
        summary=f"{kind.zh}清单 · {kind.en}",
        description=_DESCRIBED,
        openapi_extra={"parameters": asked.documented(kind)},
    )


_DESCRIBED = """Rows of the list; `next` is the cursor of the next page, or null.

A row's `aggregateversion` is what `If-Match` takes where a command changes its stream. Parameters that are
none of the list's, and choices that are none, are refused."""


def _add_context(routes: APIRouter, context: str, first: Kind) -> None:
    def lead(request: Request) -> RedirectResponse:
        query = request.url.query
        return RedirectResponse(f"{first.path}?{query}" if query else first.path, 307)

    routes.add_api_route(f"/{context}", lead, methods=["GET"], include_in_schema=False)


def _show(view: View, kind: Kind, after: str | None) -> HTMLResponse:
    """One page of a list."""
    found = asked.conditions(view, kind)
    rows = _rows(view, kind, found, PAGE + 1, cursors.read(after, kind.cursor))
    more = cursors.write(rows[PAGE - 1].cursor) if len(rows) > PAGE else None
    tabs = [other for other in kinds.KINDS if other.context == kind.context]
    return view.page(
        "list.html",
        kind=kind,
        rows=rows[:PAGE],
        more=more,
        found=found,
        tabs=tabs,
        first=after is None,
    )


def _download(kind: Kind, ending: str) -> Callable[[Request], Response]:
    def download(request: Request) -> Response:
        """The whole list as a table for Excel."""
        view = View(request)
        found = asked.conditions(view, kind)
        head = [view.t(c.zh, c.en) for c in kind.columns]
        table = ([c.show(row, view).text for c in kind.columns] for row in _all(view, kind, found))
        return export.WRITERS[ending](f"{kind.aggregate}-{view.today.isoformat()}", head, table, view)

    return download


def _api(view: View, kind: Kind, limit: int, after: str | None) -> JSONResponse:
    found = asked.strictly(view, kind)
    rows = _rows(view, kind, found, limit + 1, cursors.read(after, kind.cursor))
    more = cursors.write(rows[limit - 1].cursor) if len(rows) > limit else None
    items = _items(view, kind, rows[:limit])
    return json({"items": items, "next": more, "positions": view.asof[0].vector})


def _items(view: View, kind: Kind, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows for programs; `aggregateversion` is that of the row's stream, as far as the list has read it."""
    streams = [(row.log, row.stream) for row in rows if hasattr(row, "stream")]
    with view.site.database.connection() as conn:
        versions = read.versions(conn, streams, view.asof[0].vector)
    return [_item(kind, row, versions) for row in rows]


def _item(kind: Kind, row: Any, versions: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    found = {kind.renamed.get(name, name): value for name, value in asdict(row).items()}
    if not hasattr(row, "stream"):
        return found
    return found | {"aggregateversion": versions.get((row.log, row.stream))}


def json(content: Any) -> JSONResponse:
    """JSON, dates written as ISO 8601."""
    from fastapi.encoders import jsonable_encoder

    return JSONResponse(jsonable_encoder(content))


def _rows(view: View, kind: Kind, found: Mapping[str, Any], limit: int, after: Any) -> Sequence[Any]:
    with view.reading(kind.model) as conn:
        return kind.rows(conn, found, view.today, limit, after)


def _all(view: View, kind: Kind, found: Mapping[str, Any]) -> Iterator[Any]:
    """Every row, read page by page."""
    after = None
    while rows := _rows(view, kind, found, 500, after):
        yield from rows
        after = rows[-1].cursor
