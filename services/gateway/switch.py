"""Choosing who acts: the demo's stand-in for sign-in, one choice a node."""

from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from events import errors
from events.loops import Role
from services.gateway import acting, uploads
from services.gateway.view import View

routes = APIRouter(include_in_schema=False)
_HOURS_12 = 12 * 3600


@routes.get("/acting")
def show(request: Request) -> HTMLResponse:
    """Every bureau's officers, by the node that hosts them; a button leads there."""
    view = View(request)
    found = sorted((view.site.node_of(code), code, name) for code, name in view.bureaus())
    nodes = [
        (node, view.site.nodes.get(node), [(code, name) for _, code, name in group])
        for node, group in groupby(found, lambda entry: entry[0])
        if node
    ]
    nodes.sort(key=lambda node: node[0] != view.site.name)
    return view.page(
        "acting.html",
        nodes=nodes,
        roles=(Role.CLERK, Role.LEADER),
        back=_path(request.query_params.get("back")),
    )


@routes.post("/acting")
def choose(request: Request, posted: uploads.Form) -> Response:
    """Act as this officer from now on. Raises NotAllowed, Invalid."""
    view, chosen = View(request), posted.one("officer")
    if not view.site.demo_sign_in:
        raise errors.NotAllowed("this node has no demo switch")
    bureau, _, role = chosen.partition("/")
    if bureau not in view.site.bureaus or role not in {r.value for r in Role}:
        raise errors.Invalid("officer: is none of this node", field="officer")
    response = RedirectResponse(_path(posted.one("back")), 303)
    response.set_cookie(acting.cookie(view.site), chosen, max_age=_HOURS_12, httponly=True, samesite="strict")
    return response


def _path(text: str | None) -> str:
    """A path of this node, never another place."""
    ok = text and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if text and ok else "/inbox"
