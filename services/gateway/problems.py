"""Errors as RFC 9457 problems: the one place where a kind of error meets an HTTP status."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from events import errors

_log = structlog.get_logger()


def problem(error: errors.YinqiaoError, request: Request) -> dict[str, Any]:
    """The problem document; it names the field and the next step, never a value that was sent."""
    body = {
        "type": f"urn:yinqiao:problem:{error.kind()}",
        "title": error.title_zh,
        "status": error.status,
        "detail": error.message,
        "instance": f"urn:yinqiao:request:{request_id(request)}",
    }
    return body | ({"field": error.field} if error.field else {})


def request_id(request: Request) -> str:
    """The number that an error page shows and the log knows."""
    return str(getattr(request.state, "request_id", "-"))


def respond(error: errors.YinqiaoError, request: Request) -> JSONResponse:
    """The problem as a response; an unavailable service says when to come back."""
    headers = {"Retry-After": "2"} if isinstance(error, errors.Unavailable) else {}
    return JSONResponse(
        problem(error, request), error.status, media_type="application/problem+json", headers=headers,
    )  # fmt: skip


def install(app: FastAPI) -> None:
    """Every error that leaves a route becomes a problem."""
    app.add_exception_handler(errors.YinqiaoError, _ours)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.YinqiaoError)  # noqa: S101  (registered for this kind only)
    return respond(error, request)


async def _parameters(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for this kind only)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return respond(errors.Invalid(f"{field}: {first['type']}", field=field), request)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for this kind only)
    status = HTTPStatus(error.status_code)
    body = {"type": "about:blank", "title": status.phrase, "status": status.value}
    return JSONResponse(body, status, media_type="application/problem+json", headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected", kind=type(error).__name__, request=request_id(request))
    body = {
        "type": "about:blank",
        "title": "出错了",
        "status": 500,
        "instance": f"urn:yinqiao:request:{request_id(request)}",
    }
    return JSONResponse(body, 500, media_type="application/problem+json")
