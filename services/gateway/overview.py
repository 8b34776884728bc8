"""The overview: figures with the lists behind them, what is overdue, and what waits longest."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from projections import inbox as model
from projections.inbox import Item
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
    open_ = _waiting(view)
    ours = [item for item in open_ if bureau in {item.asker, item.bureau}]
    return view.page(
        "overview.html",
        own=own,
        alliance=figures(view, None),
        ours=_lines(view, ours) if bureau else None,
        everywhere=_lines(view, open_),
        duties=view.duties[:LONGEST],
    )


def figures(view: View, bureau: str | None) -> list[Figure]:
    """The figures of every context."""
    return [figure for made in kinds.FIGURES for figure in made(view, bureau)]


def _waiting(view: View) -> list[Item]:
    """What waits anywhere in the alliance, the oldest first."""
    with view.reading(model.MODEL) as conn:
        return sorted(model.everywhere(conn, view.today), key=lambda item: item.asked_time)


def _lines(view: View, items: Sequence[Item]) -> list[inbox.Line]:
    return [inbox.asked(view, item) for item in items[:LONGEST]]
