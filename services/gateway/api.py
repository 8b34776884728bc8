"""The API: a typed route for each command of the registry, and the lists, records and positions to read."""

import json
import re
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from events import errors
from services.bureau import commands, registry
from services.bureau.commands import Command
from services.bureau.desk import Draft
from services.bureau.office import Answer, Order
from services.gateway import acting, keys
from services.gateway.site import Site

_VERSION = r'^"?[0-9]{1,9}"?$'
_SEEN = "GET /api/v1/streams/<log>/<stream> gives it, in the last of its items"
_REFUSED: dict[bool, dict[int | str, dict[str, Any]]] = {
    False: {},
    True: {428: {"description": "If-Match is missing"}},
}
"""What else a route answers, by whether its command changes a stream."""


def router() -> APIRouter:
    """All routes below /api/v1 that change something."""
    routes = APIRouter(prefix="/api/v1")
    for kind in registry.COMMANDS:
        _add_command(routes, kind)
    return routes


def _add_command(routes: APIRouter, kind: type[Command]) -> None:
    async def endpoint(code: str, request: Request) -> Response:
        order = await _order(request, kind)
        return await run_in_threadpool(_take, request.app.state.site, code, order)

    routes.add_api_route(
        f"/bureaus/{{code}}/{kind.context}/{kind.name}",
        endpoint,
        methods=["POST"],
        name=f"{kind.context}/{kind.name}",
        summary=f"{kind.zh} · {kind.en}",
        description=kind.__doc__ or "",
        tags=[kind.context],
        openapi_extra=_documented(kind),
        responses={202: {"description": "a draft that waits for the leader"}, **_REFUSED[kind.changes]},
    )


def _documented(kind: type[Command]) -> dict[str, Any]:
    """What the route takes, for the OpenAPI document: the body's schema stands inline."""
    parameters: list[dict[str, Any]] = [{
        "name": "Idempotency-Key", "in": "header", "required": True,
        "schema": {"type": "string", "pattern": keys.PATTERN},
        "description": "such as a UUID; the same key and command give the first answer again",
    }]  # fmt: skip
    if kind.changes:
        parameters.append({
            "name": "If-Match", "in": "header", "required": True,
            "schema": {"type": "string", "pattern": _VERSION},
            "description": f"the version that you saw: {_SEEN}; 428 without it, 409 when it has moved on",
        })  # fmt: skip
    schema = kind.model_json_schema(ref_template=f"#/components/schemas/{kind.__name__}.{{model}}")
    schema.pop("$defs", None)
    return {
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }


def definitions() -> dict[str, Any]:
    """The definitions that the bodies' schemas refer to, for the components of the OpenAPI document."""
    found: dict[str, Any] = {}
    for kind in registry.COMMANDS:
        template = f"#/components/schemas/{kind.__name__}.{{model}}"
        for name, schema in kind.model_json_schema(ref_template=template).get("$defs", {}).items():
            found[f"{kind.__name__}.{name}"] = schema
    return found


async def _order(request: Request, kind: type[Command]) -> Order:
    """The order in a request. Raises Invalid, NotAllowed."""
    officer = acting.acting(request)
    key = request.headers.get("idempotency-key", "")
    if not keys.good(key):
        raise errors.Invalid(
            'Idempotency-Key: send one of 1 to 128 characters without "/", such as a UUID',
            field="Idempotency-Key",
        )
    body = await request.body()
    command, match = commands.parse(kind, _checked(body)), _if_match(request)
    if kind.changes and match is None:
        raise errors.PreconditionRequired(
            f'If-Match: send the version that you saw, "<aggregateversion>": {_SEEN}', field="If-Match"
        )
    return Order(key, officer, command, None, match)


def _checked(body: bytes) -> bytes:
    """The same bytes, if they are JSON in which no key stands twice. Raises Invalid."""
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise errors.Invalid("body: must be JSON in UTF-8, no key twice", field="body") from error
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _if_match(request: Request) -> int | None:
    text = request.headers.get("if-match")
    if text is None:
        return None
    if not re.fullmatch(_VERSION, text):
        raise errors.Invalid('If-Match: must be "<aggregateversion>"', field="If-Match")
    return int(text.strip('"'))


def _take(site: Site, code: str, order: Order) -> Response:
    return answered(site.desk.take(site.log_of(code), order))


def answered(answer: Answer | Draft) -> Response:
    """200 with the event, or 202 with the draft."""
    if isinstance(answer, Draft):
        return JSONResponse({"draft": answer.id, "state": answer.state, "due": answer.due.isoformat()}, 202)
    return JSONResponse({"event": answer.event, "log": answer.log, "position": answer.position})


def complete(app: FastAPI) -> None:
    """Make the OpenAPI document hold the definitions of the commands' bodies."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document.setdefault("components", {}).setdefault("schemas", {}).update(definitions())
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
