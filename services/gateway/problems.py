"""Errors as RFC 9457 problems for programs and as pages for people: where a kind meets its HTTP status."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from events import errors
from services.gateway import said
from services.gateway.view import View

_PROGRAMS = ("/api/", "/log/", "/alliance/", "/healthz", "/readyz", "/metrics")


def problem(error: errors.YinqiaoError, request: Request) -> dict[str, Any]:
    """The problem document; it names the field and the next step, never a value that was sent."""
    body = {
        "type": f"urn:yinqiao:problem:{error.kind()}",
        "title": error.title_zh,
        "status": error.status,
        "detail": error.message,
        "instance": f"urn:yinqiao:request:{request_id(request)}",
    }
    if error.field:
        body["field"] = error.field
    if isinstance(error, errors.Invalid) and error.also:
        body["errors"] = [{"field": e.field, "detail": e.message} for e in (error, *error.also)]
    return body


def request_id(request: Request) -> str:
    """The number that an error page shows and the log knows."""
    return str(getattr(request.state, "request_id", "-"))


def respond(request: Request, error: Exception) -> Response:
    """The error as a problem or a page; an unavailable service says when to come back."""
    ours, status, headers = _kind(error)
    if isinstance(ours, errors.Unavailable):
        headers = {**headers, "Retry-After": "2"}
    if _for_programs(request):
        body = problem(ours, request) if ours else _plain(status, request)
        return JSONResponse(body, status, media_type="application/problem+json", headers=headers)
    view = View(request)
    title, detail = _words(view, ours, status)
    template = "error_part.html" if view.partial else "error.html"
    response = view.page(template, status, title=title, detail=detail)
    if view.partial:
        response.headers["HX-Reswap"] = "afterbegin"  # what was typed stays
    response.headers.update(headers)
    return response


def _for_programs(request: Request) -> bool:
    return request.url.path.startswith(_PROGRAMS)


def _kind(error: Exception) -> tuple[errors.YinqiaoError | None, int, dict[str, str]]:
    """The error as one of ours if it is one, its status, and headers that belong to it."""
    match error:
        case errors.BadRecord():
            ours = errors.Unreadable.because(error)
            return ours, ours.status, {}
        case errors.YinqiaoError():
            return error, error.status, {}
        case RequestValidationError():
            invalid = _invalid(error)
            return invalid, invalid.status, {}
        case HTTPException():
            return None, error.status_code, dict(error.headers or {})
    return None, 500, {}


def _invalid(error: RequestValidationError) -> errors.Invalid:
    """Every parameter that breaks a rule; the values are left out."""
    found = [(".".join(str(part) for part in e["loc"][1:]) or "body", e["msg"]) for e in error.errors()]
    first, *also = [errors.Invalid(f"{field}: {rule}", field=field) for field, rule in found]
    return errors.Invalid(first.message, field=first.field, also=also)


def _plain(status: int, request: Request) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "instance": f"urn:yinqiao:request:{request_id(request)}",
    }


def _words(view: View, error: errors.YinqiaoError | None, status: int) -> tuple[str, str]:
    if error is not None:
        return view.t(error.title_zh, _title_en(error)), view.t("；", "; ").join(
            said.details(error, view.lang)
        )
    if status == HTTPStatus.NOT_FOUND:
        return view.t("没有这个页面", "There is no such page"), ""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return view.t("这个地址不能这样使用", "This address is used otherwise"), ""
    return view.t("出错了", "Something went wrong"), view.t(
        "已记录，请稍后再试。", "It was noted; try again later."
    )


def _title_en(error: errors.YinqiaoError) -> str:
    return error.kind().replace("-", " ").capitalize()


def install(app: FastAPI) -> None:
    """Every error that leaves a route becomes a problem or a page."""
    for kind in (errors.YinqiaoError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    return respond(request, error)
