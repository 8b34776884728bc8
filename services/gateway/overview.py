"""The overview: figures with the lists behind them, what is overdue, and what waits longest."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from projections import inbox as model
from services.gateway import inbox, kinds
from services.gateway.figures import Figure
from services.gateway.view import View

routes = APIRouter(include_in_schema=False)
LONGEST = 8


@routes.get("/")
def show(request: Request) -> HTMLResponse:
    """The acting bureau's own figures and the alliance's."""
    view = View(request)
    bureau = view.officer.bureau if view.officer else None
    own = figures(view, bureau) if bureau else []
    waits = _longest(view, [bureau] if bureau else sorted(view.site.bureaus))
    return view.page(
        "overview.html",
        own=own,
        alliance=figures(view, None),
        waits=waits,
        duties=inbox.duties(view, bureau)[:LONGEST] if bureau else [],
    )


def figures(view: View, bureau: str | None) -> list[Figure]:
    """The figures of every context."""
    return [figure for made in kinds.FIGURES for figure in made(view, bureau)]


def _longest(view: View, bureaus: list[str]) -> list[inbox.Line]:
    """What has waited longest, for or of these bureaus."""
    with view.reading(model.MODEL) as conn:
        items = {
            (i.log, i.stream, i.bureau): i
            for bureau in bureaus
            for i in (
                *model.waiting_for(conn, bureau, view.today),
                *model.awaited_by(conn, bureau, view.today),
            )
        }
    oldest = sorted(items.values(), key=lambda item: item.asked_time)[:LONGEST]
    return [inbox.asked(view, item) for item in oldest]
