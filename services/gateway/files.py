"""Attachments: for the bureaus that may read them, and for the nodes that ask on their behalf."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from events import errors
from services.gateway import acting
from services.gateway.paths import LogQuery, Token
from services.gateway.view import View
from services.people import fetch

routes = APIRouter()
_SHOWN = ("text/plain", "image/png", "image/jpeg")
_ENDINGS = {
    "text/plain": "txt",
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.oasis.opendocument.text": "odt",
}


@routes.get("/files/{token}", include_in_schema=False)
def show(token: Token, log: LogQuery, request: Request) -> Response:
    """The bytes, for the acting bureau, from the node that keeps them. Raises NotAllowed, NotFound."""
    view, officer = View(request), acting.acting(request)
    content, kind = view.site.attachments.get(fetch.digest(token), officer.bureau, log)
    mediatype = kind.partition(";")[0]
    how = "inline" if mediatype in _SHOWN else "attachment"
    name = f"yinqiao-{token[:8]}.{_ENDINGS.get(mediatype, 'bin')}"
    headers = {
        "content-disposition": f'{how}; filename="{name}"',
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    }
    return Response(content, media_type=kind, headers=headers)


@routes.get("/files/{token}/words", include_in_schema=False)
def words(token: Token, log: LogQuery, request: Request) -> HTMLResponse:
    """A plain text as a piece of a page. Raises NotAllowed, NotFound."""
    view, officer = View(request), acting.acting(request)
    content, kind = view.site.attachments.get(fetch.digest(token), officer.bureau, log)
    if not kind.startswith("text/plain"):
        raise errors.NotFound("there is no such attachment here")
    text = content.decode(kind.rpartition("charset=")[2])
    return HTMLResponse(Markup('<pre class="text">{}</pre>').format(text))


@routes.get(
    "/api/v1/attachments/{token}",
    tags=["nodes"],
    summary="附件（节点间签名请求） · an attachment, by signed request",
)
def api(token: Token, request: Request) -> Response:  # noqa: ARG001  (it is in the path that was signed)
    """For other nodes of the alliance: a signed GET with `?bureau=`, the bureau that wants to read.

    Answers the bytes and their key, 304 for the same, 403 for a bureau that may not read it.
    """
    view = View(request)
    path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    served = view.site.attachments.serve(dict(request.headers), f"{path}?{query}" if query else path)
    return Response(served.content, served.status, headers=served.headers)
