"""Operations (运行情况): read models, what is set aside, the exchange, breaches, configuration."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from events import errors
from projections import quarantine, track
from services.gateway import uploads
from services.gateway.paths import LogName, PositionNumber
from services.gateway.view import View
from services.projector import status

FROZEN_SECONDS = 60
routes = APIRouter(include_in_schema=False)
Name = Annotated[str, Path(pattern=r"^[a-z_0-9]{1,60}$")]


@routes.get("/operations")
def show(request: Request) -> HTMLResponse:
    """How the node is doing; read by anybody, since it holds no secret."""
    view = View(request)
    with view.site.database.connection() as conn:
        models, waits, skipped = (
            status.statuses(conn),
            quarantine.waits(conn, limit=200),
            quarantine.skipped(conn),
        )
    return view.page(
        "operations.html",
        models=models,
        waits=waits,
        skipped=skipped,
        exchange=view.site.control.exchange(),
        rebuilds=view.site.control.rebuilding(),
        trouble=view.site.control.trouble(),
        frozen=FROZEN_SECONDS,
        may=view.site.demo_sign_in,
    )


@routes.post("/operations/models/{name}/{step}")
def steer(name: Name, step: str, request: Request) -> Response:
    """Pause, resume or rebuild a read model. Raises NotAllowed, NotFound, Conflict."""
    view = _operating(request)
    if step == "rebuild":
        view.site.control.rebuild(name)
    elif step in {"pause", "resume"}:
        with view.site.database.connection() as conn:
            track.set_state(conn, name, "paused" if step == "pause" else "running")
    else:
        raise errors.NotFound("there is no such page")
    return RedirectResponse("/operations#models", 303)


@routes.get("/operations/records/{log}/{position}")
def inspect(log: LogName, position: PositionNumber, request: Request) -> HTMLResponse:
    """Why one record waits, in which models, and what waits for it. Raises NotFound."""
    view = View(request)
    with view.site.database.connection() as conn:
        found = quarantine.show(conn, (log, position))
    return view.page("waiting.html", waits=found, log=log, position=position, may=view.site.demo_sign_in)


@routes.post("/operations/records/{log}/{position}/{step}")
def settle(
    log: LogName, position: PositionNumber, step: str, request: Request, posted: uploads.Form
) -> Response:
    """Try a record again, or leave it out with a reason that is kept. Raises Refused."""
    view = _operating(request)
    with view.site.database.connection() as conn:
        if step == "retry":
            quarantine.retry(conn, key=(log, position))
        elif step == "skip":
            quarantine.skip(conn, (log, position), posted.one("reason")[:200])
        else:
            raise errors.NotFound("there is no such page")
    return RedirectResponse("/operations#waiting", 303)


def _operating(request: Request) -> View:
    """Until sign-in comes, whoever uses the demo's pages is its operator. Raises NotAllowed."""
    view = View(request)
    if not view.site.demo_sign_in:
        raise errors.NotAllowed("only an operator may do this; use `yinqiao` on the node's machine")
    return view
