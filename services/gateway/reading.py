"""The rest of the reading API: positions, digests, a bureau's inbox, and a page that lists all routes."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse

from projections import digest, inbox, track
from projections.model import live
from projections.models import MODELS
from services.gateway import kinds, lists
from services.gateway import waiting as duties
from services.gateway.view import View
from services.ledger import read

routes = APIRouter()


@routes.get("/api/v1/positions", tags=["read"], summary="各日志与读模型的位置 · positions")
def positions(request: Request) -> JSONResponse:
    """How far each log is covered here, and how far each read model was folded."""
    view = View(request)
    with view.site.database.connection() as conn:
        return lists.json(
            {
                "logs": read.covered(conn),
                "models": {state.name: track.vector(conn, state.name) for state in track.states(conn)},
            }
        )


@routes.get("/api/v1/digests", tags=["read"], summary="读模型摘要 · digests of the read models")
def digests(request: Request) -> JSONResponse:
    """One digest a read model: equal at every node that follows the same logs up to the same positions."""
    view = View(request)
    with view.site.database.connection() as conn:
        return lists.json({model.name: digest.digest(conn, live(model)) for model in MODELS})


@routes.get("/api/v1/inbox/{bureau}", tags=["read"], summary="待办 · what waits for a bureau")
def waiting(bureau: Annotated[str, Path(pattern="^[0-9]{6}$")], request: Request) -> JSONResponse:
    """What others ask of it, what it waits for, answers that arrived, and those that came too late.

    `duties`: steps that wait for it without a question, each with its owner, day, command and form.
    """
    view = View(request)
    steps = duties.duties(view, bureau)
    with view.reading(inbox.MODEL) as conn:
        return lists.json(
            {
                "waiting_for": [asdict(i) for i in inbox.waiting_for(conn, bureau, view.today)],
                "awaited_by": [asdict(i) for i in inbox.awaited_by(conn, bureau, view.today)],
                "arrived": [asdict(a) for a in inbox.arrived(conn, bureau)],
                "too_late": [asdict(a) for a in inbox.too_late(conn, bureau)],
                "duties": [duty.document() for duty in steps],
                "positions": view.asof[0].vector,
            }
        )


@routes.get("/api/v1/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """All routes of the API, with what they take, made from the OpenAPI document."""
    view = View(request)
    paths = request.app.openapi()["paths"]
    found: dict[str, list[tuple[str, str, dict[str, object]]]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            found.setdefault(operation.get("tags", ["other"])[0], []).append(
                (method.upper(), path, operation)
            )
    return view.page("docs.html", tags=found, kinds=kinds.KINDS)
