"""Correcting a recorded fact: a form of the fields that may change, filled with what was recorded."""

from typing import Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from events import catalogue, errors, history
from events.event import Event, Record
from events.history import Corrected, Voided, effective
from services.bureau.case import Officer
from services.bureau.office import Order
from services.bureau.records import Correct, Void, complete
from services.gateway import acting, forms, homes, orders, shown, uploads
from services.gateway.forms import Field
from services.gateway.paths import LogName, PositionNumber
from services.gateway.sheet import Sheet
from services.gateway.shown import Cell
from services.gateway.uploads import Posted
from services.gateway.view import View
from services.ledger import heirs, read

routes = APIRouter(include_in_schema=False)
_PREFIX = "payload."


class Chosen(NamedTuple):
    """A fact as corrections made it, the last record of its stream, and what of it cannot be corrected."""

    record: Record[Event]
    last: Record[Event]
    fixed: frozenset[str]

    @property
    def controls(self) -> tuple[Field, ...]:
        """Of the fields that may change."""
        found = forms.fields(type(self.record.data), _PREFIX)
        return tuple(c for c in found if c.kind != "hidden" and c.last not in self.fixed)

    def kept(self, view: View) -> list[tuple[str, Cell]]:
        """The fields that others were asked on, with what they say."""
        data = self.record.data
        without = {*type(data).model_fields} - (data.terms & self.fixed)
        return shown.fields(data, view, without=without, log=self.record.log)


@routes.get("/corrections/{log}/{position}")
def show(log: LogName, position: PositionNumber, request: Request) -> HTMLResponse:
    """The fact as it stands, to be changed. Raises NotAllowed, NotFound."""
    view, officer = View(request), acting.acting(request)
    chosen = _chosen(view, officer, log, position)
    payload = chosen.record.data.model_dump(mode="json", exclude_none=True)
    filled = forms.filled(chosen.controls, payload)
    version = [str(chosen.last.version)]
    return _form(view, chosen, Posted({**filled, "version": version, "key": [uuid4().hex]}))


@routes.post("/corrections/{log}/{position}")
def take(log: LogName, position: PositionNumber, request: Request, posted: uploads.Form) -> Response:
    """Record the correction: only what was changed is sent."""
    view, officer = View(request), acting.acting(request)
    chosen = _chosen(view, officer, log, position)
    try:
        uploads.store(view.site, officer.bureau, (*chosen.controls, *_reason()), posted)
        order = _order(chosen, officer, posted)
        return orders.done(view, view.site.desk.take(chosen.last.log, order))
    except errors.Refused as error:
        return _form(view, chosen, posted, error)


def _order(chosen: Chosen, officer: Officer, posted: Posted) -> Order:
    record, last, _ = chosen
    before = record.data.model_dump(mode="json", exclude_none=True)
    now = {c.last: forms.value(c, posted.filled) for c in chosen.controls}
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


def _chosen(view: View, officer: Officer, log: str, position: int) -> Chosen:
    """The fact, wherever its stream goes on. Raises NotAllowed, NotFound."""
    with view.site.database.connection() as conn:
        recorded = read.record(conn, (log, position))
        records = read.history(conn, *heirs.goes_on(conn, log, recorded.stream))
    if view.site.log_of(officer.bureau) != records[-1].log:
        raise errors.NotAllowed("only the bureau that recorded it can correct it")
    facts = effective(records)
    fact = next((r for r in facts if r.key == (log, position)), None)
    if fact is None or isinstance(recorded.data, (Corrected, Voided)):
        raise errors.NotFound("there is no such fact here")
    return Chosen(fact, records[-1], history.unchangeable(fact.data, facts))


def drafted(view: View, log: str, order: Correct | Void) -> list[tuple[str, Cell]]:
    """What a draft for this log corrects or voids, and each field before and after."""
    key = order.log or log, order.position
    said = [(view.t("记录", "record"), shown.record(*key))]
    with view.site.database.connection() as conn:
        facts = effective(read.history(conn, log, order.stream))
    fact = next((r.data for r in facts if r.key == key), None)
    if fact is None or not isinstance(order, Correct):
        return said
    old = dict(shown.fields(fact, view, log=key[0]))
    new = dict(shown.fields(_read(fact, order), view, log=log))
    return said + [
        (name, _became(old, new, name)) for name in {**old, **new} if old.get(name) != new.get(name)
    ]


def _read(fact: Event, order: Correct) -> Event:
    """The fact as the order would make it; as it is, when the order cannot be read."""
    try:
        return catalogue.decode_value(fact.type, complete(fact, order))
    except errors.BadRecord:
        return fact


def _became(old: dict[str, Cell], new: dict[str, Cell], name: str) -> Cell:
    none = shown.plain("—")
    return shown.joined([old.get(name, none), new.get(name, none)], " → ")


def _reason() -> tuple[Field, ...]:
    return tuple(c for c in forms.fields(Correct) if c.name == "reason")


def _form(view: View, chosen: Chosen, posted: Posted, error: errors.Refused | None = None) -> HTMLResponse:
    record = chosen.record
    with view.site.database.connection() as conn:
        home = homes.of(conn, record)
    return view.page(
        "correction.html",
        error.status if error else 200,
        record=record,
        controls=(*chosen.controls, *_reason()),
        kept=chosen.kept(view),
        binds=record.data.binding,
        filled=posted.filled,
        s=Sheet(view, posted.filled, {}, error),
        error=error,
        home=home,
        cancel=home,
        thing=None,
        command=Correct,
        action=f"/corrections/{record.log}/{record.position}",
    )
