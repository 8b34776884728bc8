"""Drafts on the bureau's desk: shown, released, returned with a reason, reviewed, discarded."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from events import errors
from events.values import Reason
from services.bureau import registry
from services.bureau.commands import Command
from services.bureau.desk import Draft
from services.bureau.records import Correct, Void
from services.gateway import (
    acting,
    corrections,
    details,
    forms,
    kinds,
    labels,
    linked,
    orders,
    said,
    shown,
    uploads,
)
from services.gateway.paths import LogName
from services.gateway.shown import Cell
from services.gateway.things import Thing
from services.gateway.uploads import Posted
from services.gateway.view import View

routes = APIRouter(include_in_schema=False)
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


@dataclass(frozen=True)
class Waiting:
    """A draft as a page shows it: the command, what it is about, and what this officer may do with it."""

    draft: Draft
    kind: type[Command]
    title: str
    overdue: bool
    mine: bool
    may_decide: bool
    may_review: bool
    again: str
    """Where it is amended once it was returned."""


def waiting(view: View) -> list[Waiting]:
    """The drafts of the acting bureau that are not done."""
    if view.officer is None:
        return []
    log = view.site.log_of(view.officer.bureau)
    may = view.site.desk.may_release(log, view.officer)
    return [_waiting(view, draft, may) for draft in view.site.desk.waiting(log)]


def _waiting(view: View, draft: Draft, leads: bool) -> Waiting:  # noqa: FBT001  (whether this officer may release)
    officer, kind = view.officer, registry.find(draft.context, draft.command)
    mine = officer is not None and draft.proposer == officer.id
    open_ = draft.state in {"proposed", "reviewed"}
    return Waiting(
        draft,
        kind,
        _title(view, draft),
        draft.due < view.today,
        mine,
        open_ and leads and not mine,
        draft.state == "proposed" and not mine,
        _again(draft),
    )


def _again(draft: Draft) -> str:
    command = draft.order()
    if isinstance(command, Correct):
        return f"/corrections/{command.log or draft.log}/{command.position}"
    return f"/forms/{draft.context}/{draft.command}?draft={draft.id}"


def _title(view: View, draft: Draft) -> str:
    command = draft.order()
    own = getattr(command, "title", None)
    thing = None if own else concerned(view, draft)
    return str(own or (thing.title(view) if thing else ""))


def concerned(view: View, draft: Draft) -> Thing | None:
    """The thing that the drafted command changes or answers."""
    command = draft.order()
    stream = getattr(command, "stream", None)
    own = isinstance(command, (Correct, Void))  # their `log` is where the fact stands
    log = draft.log if own else getattr(command, "log", draft.log)
    try:
        return kinds.find(view, log, stream) if stream else None
    except (errors.NotFound, errors.BadRecord):
        return None


@routes.get("/drafts/{log}/{draft}")
def show(log: LogName, draft: Id, request: Request) -> HTMLResponse:
    """One draft, for the officers of its bureau. Raises NotAllowed, NotFound."""
    return _page(View(request), log, draft)


def _page(view: View, log: str, draft: str, error: errors.Refused | None = None) -> HTMLResponse:
    officer = acting.acting(view.request)
    if officer.bureau != log[:6]:
        raise errors.NotAllowed("drafts are for the officers of their own bureau")
    found = view.site.desk.get(log, draft)
    thing = concerned(view, found)
    return view.page(
        "draft.html",
        error.status if error else 200,
        one=_waiting(view, found, view.site.desk.may_release(log, officer)),
        thing=thing,
        fields=_fields(view, found, thing),
        reasons=list(Reason),
        error=said.detail(error, view.lang) if error else "",
        title=error.title_zh if error else "",
    )


_NAMED = frozenset({"stream", "log", "aggregate", "experts", "need", "need_log", "batch", "positions"})
"""Fields that name things by number: they are shown by name, or stand elsewhere on the page."""


def _fields(view: View, draft: Draft, thing: Thing | None) -> list[tuple[str, Cell]]:
    """What the command says; what it names is a link, a text that is there already too."""
    order: Any = draft.order()
    if isinstance(order, (Correct, Void)):
        changes = corrections.drafted(view, draft.log, order)
        return [*changes, (view.t(*labels.of("reason")), shown.cell(order.reason, view, "", draft.log))]
    named: list[tuple[str, Cell]] = []
    if experts := getattr(order, "experts", ()):
        cells = [linked.stream(view, draft.log, expert) for expert in experts]
        named.append((view.t(*labels.of("experts")), shown.joined(cells, view.t("、", ", "))))
    if getattr(order, "need", None):
        named.append((view.t(*labels.of("need")), linked.stream(view, order.need_log, order.need)))
    text = _text(view, thing, getattr(order, "text", None))
    without = {*_NAMED, *({"text"} if text else ())}
    return [*named, *text, *shown.fields(order, view, without=without, log=draft.log)]


def _text(view: View, thing: Thing | None, digest: object) -> list[tuple[str, Cell]]:
    """The text of the thing that a command means by its digest."""
    for text in details.texts(thing) if thing else []:
        if text.attachment.digest == digest:
            return [(view.t(*labels.of("text")), shown.attachment(text.attachment, view, text.record.log))]
    return []


@routes.post("/drafts/{log}/{draft}/{step}")
def decide(log: LogName, draft: Id, step: str, request: Request, posted: uploads.Form) -> Response:
    """Release, return, review or discard; what the desk refuses stands on the draft's page."""
    view, officer = View(request), acting.acting(request)
    if officer.bureau != log[:6]:
        raise errors.NotAllowed("drafts are for the officers of their own bureau")
    desk = view.site.desk
    try:
        match step:
            case "release":
                return orders.done(view, desk.release(log, draft, officer))
            case "return":
                desk.send_back(log, draft, officer, _reason(posted))
            case "review":
                desk.review(log, draft, officer)
            case "discard":
                desk.discard(log, draft, officer)
            case _:
                raise errors.NotFound("there is no such page")
    except errors.Refused as error:
        if isinstance(error, errors.NotFound):
            raise
        return _page(view, log, draft, error)
    return RedirectResponse("/inbox#drafts", 303)


def _reason(posted: Posted) -> Reason:
    try:
        return Reason(posted.one("reason"))
    except ValueError:
        raise errors.Invalid("reason: Field required", field="reason") from None


def filled(view: View, draft: str) -> forms.Filled:
    """What a draft of the acting bureau says, to be corrected and laid before the leader anew."""
    officer = acting.acting(view.request)
    found = view.site.desk.get(view.site.log_of(officer.bureau), draft)
    command = found.order()
    return forms.filled(forms.fields(type(command)), command.model_dump(mode="json", exclude_none=True))
