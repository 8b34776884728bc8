"""Delegation (委托签发): a leader lets another officer release drafts for some days, and takes it back."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from events import errors
from events.loops import Role
from services.bureau.desk import Delegation
from services.gateway import acting, said, uploads
from services.gateway.uploads import Posted
from services.gateway.view import View
from services.runtime import clock

routes = APIRouter(include_in_schema=False)
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_STATES = {
    "ended": (("已收回", "taken back"), ""),
    "over": (("已到期", "over"), ""),
    "coming": (("未开始", "not yet"), "wait"),
    "now": (("生效中", "in effect"), "good"),
}


@dataclass(frozen=True)
class Line:
    """A delegation as the page shows it; `open`: it can still be taken back."""

    one: Delegation
    state: str
    tone: str
    open: bool


@routes.get("/delegations")
def show(request: Request) -> HTMLResponse:
    """Who may release in a leader's place at the acting bureau. Raises NotAllowed."""
    return _page(View(request), Posted({"key": [uuid4().hex]}))


@routes.post("/delegations")
def delegate(request: Request, posted: uploads.Form) -> Response:
    """The acting leader lets an officer release; what the desk refuses stands on the page."""
    view, officer = View(request), acting.acting(request)
    try:
        first, last = _day(posted, "first"), _day(posted, "last")
        log, whom = view.site.log_of(officer.bureau), _colleague(view, posted)
        view.site.desk.delegate(log, officer, whom, first, last, posted.one("key")[:128])
    except (errors.Invalid, errors.NotAllowed) as error:
        return _page(view, posted, error)
    return RedirectResponse("/delegations", 303)


@routes.post("/delegations/{delegation}/end")
def end(delegation: Id, request: Request) -> Response:
    """Take it back, at once. Raises NotAllowed, NotFound."""
    view, officer = View(request), acting.acting(request)
    view.site.desk.end_delegation(view.site.log_of(officer.bureau), officer, delegation)
    return RedirectResponse("/delegations", 303)


def _page(view: View, posted: Posted, error: errors.Refused | None = None) -> HTMLResponse:
    officer = acting.acting(view.request)
    found = view.site.desk.delegations(view.site.log_of(officer.bureau))
    return view.page(
        "delegations.html",
        error.status if error else 200,
        lines=[_line(view, one) for one in found],
        leads=officer.role is Role.LEADER,
        colleagues=_colleagues(view),
        posted=posted,
        error=said.detail(error, view.lang) if error else "",
        wrong=error.field or "" if error else "",
    )


def _line(view: View, one: Delegation) -> Line:
    if one.ended is not None:
        state = "ended"
    elif one.last < view.today:
        state = "over"
    else:
        state = "coming" if one.first > view.today else "now"
    words, tone = _STATES[state]
    return Line(one, view.t(*words), tone, open=state in {"coming", "now"})


def _colleagues(view: View) -> list[tuple[str, str]]:
    """The other officers of the acting bureau: id and what they are called."""
    officer = acting.acting(view.request)
    return [
        (id_, view.actor(f"officer/{id_}"))
        for id_, (bureau, _) in acting.known(view.site).items()
        if bureau == officer.bureau and id_ != officer.id
    ]


def _colleague(view: View, posted: Posted) -> str:
    found = posted.one("delegate")
    if found not in {id_ for id_, _ in _colleagues(view)}:
        raise errors.Invalid("delegate: choose another officer", field="delegate")
    return found


def _day(posted: Posted, name: str) -> date:
    return clock.day(posted.one(name), name)
