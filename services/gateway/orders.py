"""The form of every command: shown, filled in again when refused, and taken; plain POST, redirect, GET."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic_core import to_json

from events import errors
from services.bureau import commands, registry
from services.bureau.case import Officer
from services.bureau.commands import Command
from services.bureau.desk import Draft
from services.bureau.office import Answer, Order
from services.gateway import acting, forms, fresh, homes, keys, kinds, uploads
from services.gateway.forms import Field, Filled
from services.gateway.sheet import Sheet
from services.gateway.things import Thing
from services.gateway.uploads import Posted
from services.gateway.view import View
from services.ledger import read

PATIENCE = 2.0
"""Seconds that a page waits for its own record to be shown."""
_STEP = 0.02
_VERSION_LIMIT = 9
_NEVER_PREFILLED = frozenset(
    {
        "agenda",
        "aggregate",
        "bureau",
        "days",
        "decisions",
        "excused",
        "host",
        "mark",
        "minutes",
        "note",
        "observing",
        "paper",
        "percent",
        "persons",
        "present",
        "reason",
        "safety_plan",
        "text",
        "to",
    }
)
_SAME = {"service_days": "days"}
"""A command's field whose value stands in the facts under another name."""
routes = APIRouter(include_in_schema=False)


@routes.get("/forms/{context}/{command}")
def show(context: str, command: str, request: Request) -> HTMLResponse:
    """An empty form, or one that holds what the stream says now."""
    view, kind = View(request), registry.find(context, command)
    acting.acting(request)
    asked = {name: request.query_params.getlist(name) for name in request.query_params}
    posted = Posted({**_drafted(view, asked), **asked})
    thing = _concerned(view, posted)
    known = {
        **_defaults(view, kind),
        **(_prefilled(kind, thing) if thing else {}),
        **_known(view, kind, thing),
        **_version(view, kind, thing),
        **_worded(view, kind, thing),
    }
    return _form(view, kind, Posted({**known, **posted.filled, "key": [uuid4().hex]}), thing)


def _version(view: View, kind: type[Command], thing: Thing | None) -> Filled:
    """What the officer sees of an own thing that the command changes: nothing newer is overwritten."""
    own = thing is not None and view.officer is not None and thing.bureau == view.officer.bureau
    return {"version": [str(thing.version)]} if thing and own and kind.changes else {}


@routes.post("/forms/{context}/{command}")
def take(context: str, command: str, request: Request, posted: uploads.Form) -> Response:
    """Take the command, or show the form again with what is wrong."""
    view, kind = View(request), registry.find(context, command)
    officer = acting.acting(request)
    try:
        _store(view, officer, kind, posted)
        answer = view.site.desk.take(view.site.log_of(officer.bureau), order(kind, officer, posted))
    except errors.Refused as error:
        return _form(view, kind, posted, _concerned(view, posted), error)
    return done(view, answer)


def _store(view: View, officer: Officer, kind: type[Command], posted: Posted) -> None:
    """Keep what the form attaches. Raises Invalid, with what else the form lacks."""
    try:
        uploads.store(view.site, officer.bureau, forms.fields(kind), posted)
    except errors.Invalid as error:
        told = (error, *error.also)
        also = [e for e in _lacking(kind, posted) if not any(_within(t.field, e.field) for t in told)]
        raise errors.Invalid(error.message, field=error.field, also=[*error.also, *also]) from None


def _lacking(kind: type[Command], posted: Posted) -> list[errors.Invalid]:
    try:
        commands.parse(kind, to_json(forms.body(kind, posted.filled)))
    except errors.Invalid as error:
        return [error, *error.also]
    return []


def _within(part: str | None, whole: str | None) -> bool:
    return f"{part}.".startswith(f"{whole}.")


def order(kind: type[Command], officer: Officer, posted: Posted) -> Order:
    """The order that a filled form means. Raises Invalid."""
    return ordered(kind, officer, posted, forms.body(kind, posted.filled))


def ordered(kind: type[Command], officer: Officer, posted: Posted, body: Mapping[str, Any]) -> Order:
    """The order with this body, under the form's key and version. Raises Invalid."""
    key, version = posted.one("key"), posted.one("version")
    if not keys.good(key):
        raise errors.Invalid("the form is incomplete; open it again", field="key")
    match = (
        int(version) if version.isascii() and version.isdigit() and len(version) <= _VERSION_LIMIT else None
    )
    return Order(key, officer, commands.parse(kind, to_json(body)), None, match)


def done(view: View, answer: Answer | Draft) -> Response:
    """Back to what was changed, once it shows or after a while."""
    if isinstance(answer, Draft):
        return away(view, f"/inbox?{urlencode({'laid': answer.id})}#drafts")
    shown = wait(view, answer.log, answer.position)
    with view.site.database.connection() as conn:
        home = homes.of(conn, read.record(conn, (answer.log, answer.position)))
    said = {"done": f"{answer.log}:{answer.position}", **({} if shown else {"adding": "1"})}
    return away(view, f"{home}?{urlencode(said)}")


def wait(view: View, log: str, position: int) -> bool:
    """Whether the read models have folded the record within a page's patience."""
    end = time.monotonic() + PATIENCE
    while True:
        with view.site.database.connection() as conn:
            if fresh.reached(conn, log, position):
                return True
        if time.monotonic() > end:
            return False
        time.sleep(_STEP)


def away(view: View, path: str) -> Response:
    """To another page of ours: as htmx understands it, or as every browser does."""
    if view.partial:
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def _form(
    view: View, kind: type[Command], posted: Posted, thing: Thing | None, error: errors.Refused | None = None
) -> HTMLResponse:
    controls = forms.fields(kind)
    return view.page(
        "form_part.html" if view.partial else "form.html",
        error.status if error else 200,
        command=kind,
        controls=controls,
        filled=posted.filled,
        thing=thing,
        error=error,
        s=Sheet(view, posted.filled, kinds.options(view, kind, posted.filled), error),
        cancel=thing.path if thing else "/inbox",
        action=f"/forms/{kind.context}/{kind.name}",
    )


def _concerned(view: View, posted: Posted) -> Thing | None:
    """What the command is about, if it is about something that is there."""
    stream, log = posted.one("stream"), posted.one("log")
    if not stream:
        return None
    if not log and view.officer is not None:
        log = view.site.log_of(view.officer.bureau)
    try:
        return kinds.find(view, log, stream)
    except errors.NotFound:
        return None


def _defaults(view: View, kind: type[Command]) -> Filled:
    found = {control.name: [control.default] for control in forms.fields(kind) if control.default}
    if any(control.name == "day" and control.required for control in forms.fields(kind)):
        found["day"] = [view.today.isoformat()]
    if view.officer and any(control.name == "place" and control.required for control in forms.fields(kind)):
        found["place.division"] = [view.officer.bureau]
    return found


def _prefilled(kind: type[Command], thing: Thing) -> Filled:
    """What the facts say already, for commands that change it."""
    if not kind.changes:
        return {}
    controls = [
        c
        for c in forms.fields(kind)
        if c.name not in _NEVER_PREFILLED and c.kind != "hidden" and c.name != "day"
    ]
    payload = {
        _named(c): v for c in controls if (v := thing.payload.get(_SAME.get(c.last, c.last))) is not None
    }
    return forms.filled(controls, payload)


def _worded(view: View, kind: type[Command], thing: Thing | None) -> Filled:
    """The text as it stands, to be amended, where this node holds it."""
    from services.gateway import details

    versions = details.texts(thing) if thing and kind.changes else []
    if not versions or not any(c.kind == "file" and c.name == "text" for c in forms.fields(kind)):
        return {}
    try:
        text = details.content(view, versions[-1])
    except (errors.Refused, errors.Unavailable):
        return {}
    return {"text.written": [text]} if text and len(text) <= uploads.LONGEST else {}


def _known(view: View, kind: type[Command], thing: Thing | None) -> Filled:
    """The fields that the thing's own page would give, such as the text that is to be signed."""
    values = thing.kind.values(thing, kind, view) if thing and view.officer else None
    found: Filled = {}
    for name, value in parameters(values or {}):
        found.setdefault(name, []).append(value)
    return found


def _drafted(view: View, asked: Filled) -> Filled:
    """What a returned draft said."""
    from services.gateway import drafts

    return drafts.filled(view, asked["draft"][0]) if asked.get("draft") else {}


def _named(control: Field) -> str:
    return control.last


def parameters(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """The fields that an offer knows, as they stand in an address or in hidden fields."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        found += [(name, str(v)) for v in value] if isinstance(value, (list, tuple)) else [(name, str(value))]
    return found


def simple(kind: type[Command], values: Mapping[str, object]) -> bool:
    """Whether a button is enough: nothing is left to be filled in."""
    return all(control.name in values for control in forms.fields(kind))
