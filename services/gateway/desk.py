"""The desk over the API: keep an attachment for a command to name; list, read, review and decide drafts."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from events import errors
from events.values import Attachment, Reason, Value
from services.bureau.case import Officer
from services.bureau.commands import invalid
from services.bureau.desk import Draft
from services.gateway import acting, lists
from services.gateway.api import answered
from services.gateway.drafts import Id
from services.gateway.paths import LogName
from services.gateway.site import Site
from services.gateway.uploads import MEDIATYPES

routes = APIRouter(prefix="/api/v1", tags=["desk"])
_ACTING: dict[int | str, dict[str, Any]] = {403: {"description": "nobody is acting, or another bureau's"}}
_MOVED: dict[int | str, dict[str, Any]] = {**_ACTING, 409: {"description": "the draft has moved on"}}


class Returned(Value):
    """Why a draft goes back to whoever proposed it."""

    reason: Reason


_RETURNED = Returned.model_json_schema()
_RETURNED["properties"]["reason"] = _RETURNED.pop("$defs")["Reason"]


@routes.post(
    "/bureaus/{code}/attachments",
    summary="上传附件 · keep an attachment",
    response_model=Attachment,
    status_code=201,
    responses=_ACTING,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIATYPES},
        }
    },
)
async def keep(
    code: str,
    request: Request,
    public_only: Annotated[bool, Query(description="say that it holds public material only")] = False,  # noqa: FBT002  (a query parameter)
) -> Response:
    """The body is the file, its Content-Type the kind; the answer is what a command's field takes.

    Sent twice it is kept twice; what no command names within a week is deleted. Raises Invalid, NotAllowed.
    """
    site, officer = _of(request, code)
    if not public_only:
        raise errors.Invalid(
            "say that it holds public material only, before it is stored", field="public_only"
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    content = await request.body()
    kept = await run_in_threadpool(site.attachments.put, officer.bureau, content, kind, ())
    return JSONResponse(kept.model_dump(), 201)


@routes.get("/bureaus/{code}/drafts", summary="草稿 · drafts", responses=_ACTING)
def drafts(
    code: str,
    request: Request,
    decided: Annotated[bool, Query(description="those released or discarded instead")] = False,  # noqa: FBT002  (a query parameter)
) -> JSONResponse:
    """What waits for the leader or, returned, for the proposer, the most urgent first."""
    site, _ = _of(request, code)
    desk, log = site.desk, site.log_of(code)
    return lists.json({"items": [_json(d) for d in (desk.decided(log) if decided else desk.waiting(log))]})


@routes.get("/drafts/{log}/{draft}", summary="一份草稿 · one draft", responses=_ACTING)
def show(log: LogName, draft: Id, request: Request) -> JSONResponse:
    """With the command that it will be. Raises NotAllowed, NotFound."""
    site, _ = _of(request, log[:6])
    return lists.json(_json(site.desk.get(log, draft)))


@routes.post("/drafts/{log}/{draft}/release", summary="签发 · release", responses=_MOVED)
def release(log: LogName, draft: Id, request: Request) -> Response:
    """The leader's word: it is recorded. Released again it gives the first answer, so it needs no key."""
    site, officer = _of(request, log[:6])
    return answered(site.desk.release(log, draft, officer))


@routes.post("/drafts/{log}/{draft}/review", summary="复核 · review", responses=_MOVED)
def review(log: LogName, draft: Id, request: Request) -> JSONResponse:
    """A second pair of eyes before the leader; again by the same officer it changes nothing."""
    site, officer = _of(request, log[:6])
    return _moved(
        lambda: site.desk.review(log, draft, officer),
        lambda: site.desk.get(log, draft),
        lambda now: (now.state, now.reviewer) == ("reviewed", officer.id),
    )


@routes.post(
    "/drafts/{log}/{draft}/return",
    summary="退回 · return",
    responses=_MOVED,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _RETURNED}}}},
)
async def send_back(log: LogName, draft: Id, request: Request) -> JSONResponse:
    """To the proposer, with a reason from the list; again by the same officer it changes nothing."""
    site, officer = _of(request, log[:6])
    reason = _reason(await request.body())
    return await run_in_threadpool(
        _moved,
        lambda: site.desk.send_back(log, draft, officer, reason),
        lambda: site.desk.get(log, draft),
        lambda now: (now.state, now.decider, now.reason) == ("returned", officer.id, reason.value),
    )


@routes.post("/drafts/{log}/{draft}/discard", summary="撤销 · discard", responses=_MOVED)
def discard(log: LogName, draft: Id, request: Request) -> JSONResponse:
    """The proposer takes it away; again it changes nothing."""
    site, officer = _of(request, log[:6])
    return _moved(
        lambda: site.desk.discard(log, draft, officer),
        lambda: site.desk.get(log, draft),
        lambda now: (now.state, now.proposer) == ("discarded", officer.id),
    )


def _reason(body: bytes) -> Reason:
    """The reason in a body, which is closed and strict. Raises Invalid."""
    try:
        return Returned.model_validate_json(body).reason
    except ValidationError as error:
        raise invalid(error) from None


def _of(request: Request, code: str) -> tuple[Site, Officer]:
    """The node, and the officer of this bureau who acts. Raises NotAllowed, NotFound."""
    site: Site = request.app.state.site
    officer = acting.acting(request)
    site.log_of(code)
    if officer.bureau != code:
        raise errors.NotAllowed("drafts are for the officers of their own bureau")
    return site, officer


def _moved(
    move: Callable[[], Draft], look: Callable[[], Draft], done: Callable[[Draft], bool]
) -> JSONResponse:
    """The draft after a step; when the same step was done before, the draft as it stands. Raises Conflict."""
    try:
        return lists.json(_json(move()))
    except errors.Conflict:
        now = look()
        if not done(now):
            raise
        return lists.json(_json(now))


def _json(draft: Draft) -> dict[str, Any]:
    """A draft as the API shows it: what it says, who moved it, and where it stands."""
    return {**asdict(draft), "body": json.loads(draft.body)}
