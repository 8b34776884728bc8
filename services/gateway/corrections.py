"""Correcting a recorded fact: a form of its own fields, filled with what was recorded."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from events import errors
from events.event import Event, Record
from events.history import Corrected, Voided, effective
from services.bureau.case import Officer
from services.bureau.office import Order
from services.bureau.records import Correct
from services.gateway import acting, forms, homes, labels, orders, uploads
from services.gateway.forms import Field
from services.gateway.paths import LogName, PositionNumber
from services.gateway.sheet import Sheet
from services.gateway.uploads import Posted
from services.gateway.view import View
from services.ledger import heirs, read

routes = APIRouter(include_in_schema=False)
_PREFIX = "payload."


@routes.get("/corrections/{log}/{position}")
def show(log: LogName, position: PositionNumber, request: Request) -> HTMLResponse:
    """The fact as it stands, to be changed. Raises NotAllowed, NotFound."""
    view, officer = View(request), acting.acting(request)
    record, last = _fact(view, officer, log, position)
    payload = record.data.model_dump(mode="json", exclude_none=True)
    filled = forms.filled(_controls(record), payload)
    return _form(view, record, Posted({**filled, "version": [str(last.version)], "key": [uuid4().hex]}))


@routes.post("/corrections/{log}/{position}")
def take(log: LogName, position: PositionNumber, request: Request, posted: uploads.Form) -> Response:
    """Record the correction: only what was changed is sent."""
    view, officer = View(request), acting.acting(request)
    record, last = _fact(view, officer, log, position)
    try:
        uploads.store(view.site, officer.bureau, (*_controls(record), *_reason()), posted)
        order = _order(record, last, officer, posted)
        return orders.done(view, view.site.desk.take(last.log, order))
    except errors.Refused as error:
        return _form(view, record, posted, error)


def _order(record: Record[Event], last: Record[Event], officer: Officer, posted: Posted) -> Order:
    before = record.data.model_dump(mode="json", exclude_none=True)
    now = {c.last: forms.value(c, posted.filled) for c in _controls(record)}
    changed = {name: new for name, new in now.items() if new != before.get(name)}
    if not changed:
        raise errors.Conflict("the correction changes nothing")
    body: dict[str, Any] = {
        "aggregate": record.aggregate,
        "stream": last.stream,
        "position": record.position,
        "log": record.log,
        "reason": forms.value(_reason()[0], posted.filled),
        "payload": changed,
    }
    return orders.ordered(Correct, officer, posted, body)


def _fact(view: View, officer: Officer, log: str, position: int) -> tuple[Record[Event], Record[Event]]:
    """The fact with what corrections made of it, and the last record of its stream, wherever that goes on."""
    with view.site.database.connection() as conn:
        recorded = read.record(conn, (log, position))
        history = read.history(conn, *heirs.goes_on(conn, log, recorded.stream))
    if view.site.log_of(officer.bureau) != history[-1].log:
        raise errors.NotAllowed("only the bureau that recorded it can correct it")
    fact = next((r for r in effective(history) if r.key == (log, position)), None)
    if fact is None or isinstance(recorded.data, (Corrected, Voided)):
        raise errors.NotFound("there is no such fact here")
    return fact, history[-1]


def _controls(record: Record[Event]) -> tuple[Field, ...]:
    found = forms.fields(type(record.data), _PREFIX)
    return tuple(c for c in found if c.kind != "hidden" and c.last not in labels.FIXED)


def _reason() -> tuple[Field, ...]:
    return tuple(c for c in forms.fields(Correct) if c.name == "reason")


def _form(
    view: View, record: Record[Event], posted: Posted, error: errors.Refused | None = None
) -> HTMLResponse:
    controls = (*_controls(record), *_reason())
    with view.site.database.connection() as conn:
        home = homes.of(conn, record)
    return view.page(
        "correction.html",
        error.status if error else 200,
        record=record,
        controls=controls,
        filled=posted.filled,
        s=Sheet(view, posted.filled, {}, error),
        error=error,
        home=home,
        cancel=home,
        thing=None,
        command=Correct,
        action=f"/corrections/{record.log}/{record.position}",
    )
