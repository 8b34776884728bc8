"""The inbox (待办): what waits for my bureau, drafts, answers, what we wait for, what came too late."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from events import catalogue, errors
from events.values import Reason
from projections import inbox
from projections.inbox import Item
from services.gateway import acting, drafts, kinds, orders, things
from services.gateway.things import Kind, Offer
from services.gateway.view import View

routes = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Line:
    """A question, as a page shows it: what it is about, where, and what may be done right here."""

    item: Item
    kind: Kind | None
    title: str
    path: str
    offers: list[Offer]


@routes.get("/inbox")
def show(request: Request) -> HTMLResponse:
    """Everything that waits, the most urgent first. Asks to choose who acts first."""
    view = View(request)
    if view.officer is None:
        return view.page("inbox.html", chosen=False)
    officer = acting.acting(request)
    with view.reading(inbox.MODEL) as conn:
        waits = inbox.waiting_for(conn, officer.bureau, view.today)
        awaited = inbox.awaited_by(conn, officer.bureau, view.today)
        came, late = inbox.arrived(conn, officer.bureau), inbox.too_late(conn, officer.bureau)
    return view.page(
        "inbox.html",
        chosen=True,
        asked=[asked(view, item) for item in waits],
        awaited=[_awaited(view, item) for item in awaited],
        came=[(a, *_about(view, a)) for a in came],
        late=[(a, *_about(view, a)) for a in late],
        drafts=drafts.waiting(view),
        duties=view.duties,
        laid=request.query_params.get("laid"),
        said=_said(view),
        parameters=orders.parameters,
        simple=orders.simple,
        reasons=list(Reason),
    )


def kind_of(type_: str) -> Kind | None:
    return kinds.BY_AGGREGATE.get(catalogue.aggregate_of(type_).name)


def asked(view: View, item: Item) -> Line:
    """A question as a line, with what may be answered."""
    kind = kind_of(item.asked_type)
    named = {"log": item.log, "stream": item.stream}
    offers = [Offer(command, named) for command in kind.answers] if kind else []
    return Line(item, kind, _title(view, kind, item) or item.asked_type, _path(kind, item), offers)


def _awaited(view: View, item: Item) -> Line:
    kind = kind_of(item.asked_type)
    steps = things.steps_for(kind.aggregate, item.stream, item.bureau) if kind else []
    return Line(item, kind, _title(view, kind, item) or item.asked_type, _path(kind, item), steps)


def _title(view: View, kind: Kind | None, about: Item | inbox.Answer) -> str:
    """What was asked about: its title, or what its page calls it."""
    if about.title or kind is None:
        return about.title or ""
    try:
        return kinds.find(view, about.log, about.stream, kind).title(view)
    except errors.BadRecord:  # its page says so; all else that waits is shown
        return ""


def _path(kind: Kind | None, item: Item) -> str:
    return f"{kind.path}/{item.log}/{item.stream}" if kind else f"/records/{item.asked_log}/{item.asked}"


def _about(view: View, answer: inbox.Answer) -> tuple[str, str]:
    """Page and title of the thing that was asked."""
    asked = next((k for k in kinds.KINDS if answer.type in _answering(k)), None)
    title = _title(view, asked, answer) or view.t("事项", "thing")
    if asked is None:
        return f"/records/{answer.answer_log}/{answer.answer_position}", title
    return f"{asked.path}/{answer.log}/{answer.stream}", title


def _answering(kind: Kind) -> frozenset[str]:
    """The types of the events that answer a kind's questions."""
    return frozenset(e.type for name in kind.answered_in for e in catalogue.AGGREGATES[name].events)


def _said(view: View) -> Any:
    words = {
        "answered": (view.t("同意", "agreed"), "good"),
        "declined": (view.t("谢绝", "declined"), "bad"),
        "returned": (view.t("退回补正", "returned"), "wait"),
    }
    return words.__getitem__
