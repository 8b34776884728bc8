"""核查 · Audit: the auditor's pages in one list, and what they share."""

from datetime import date, datetime, time
from importlib import metadata
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from events import errors
from services.gateway import audit_words
from services.gateway.view import View
from services.runtime import clock

Day: TypeAlias = Annotated[str | None, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
"""A day in an address; an empty one is none."""
routes = APIRouter(include_in_schema=False)


@routes.get("/audit")
def lead() -> RedirectResponse:
    """To the first of them."""
    return RedirectResponse(audit_words.TABS[0][0], 307)


def page(view: View, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page with the tabs of the auditor's pages above it."""
    return view.page(template, status, tabs=audit_words.TABS, words=audit_words, **values)


def auditing(request: Request) -> View:
    """For what makes the node work. Raises NotAllowed where nobody can be an auditor yet."""
    view = View(request)
    if not view.site.demo_sign_in:
        raise errors.NotAllowed("only an auditor may do this; there is no sign-in here yet")
    return view


def day(text: str | None, name: str = "day") -> date | None:
    """A day from an address. Raises Invalid."""
    return clock.day(text, name) if text else None


def moment(when: date, of_day: time) -> str:
    """A moment of a day in Chongqing and Chengdu as envelopes write it."""
    return clock.text(datetime.combine(when, of_day, clock.SHANGHAI))


def code() -> str:
    """The version of this program."""
    return metadata.version("yinqiao")
