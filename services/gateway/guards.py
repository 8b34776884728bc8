"""What stands before every route: request number, known host, own origin, limits on bodies, safe headers."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events import errors
from services.gateway.site import Site
from services.runtime import logs

FORM_LIMIT = 25_000_000
"""Bytes of a posted form: the largest attachment and some more."""
BODY_LIMIT = 256 * 1024
BODY_SECONDS = 30
"""In which a body must have come."""
_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_log = logs.get(__name__)
Answer = Callable[[Request, Exception], Response]


class Guards:
    """The outermost layer; `answer` makes a page or a problem of an error."""

    def __init__(self, app: ASGIApp, site: Site, answer: Answer) -> None:
        self._app, self._site, self._answer = app, site, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = uuid4().hex[:12]
        scope.setdefault("state", {})["request_id"] = number
        started = False

        async def safe(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._complete(MutableHeaders(scope=message), number)
            await send(message)

        request = Request(scope)
        try:
            self._refuse(request)
            await self._app(scope, _limited(receive, _limit(scope["path"])), safe)
        except Exception as error:  # noqa: BLE001  (nothing leaves as a trace; it is logged and numbered)
            if not isinstance(error, errors.YinqiaoError):
                _log.error("unexpected", kind=type(error).__name__, request=number, exc_info=error)
            if not started:
                await self._answer(request, error)(scope, receive, safe)

    def _complete(self, headers: MutableHeaders, number: str) -> None:
        headers["yinqiao-request"] = number
        for name, value in _headers(self._site).items():
            headers.setdefault(name, value)

    def _refuse(self, request: Request) -> None:
        """Raises NotAllowed for a strange host or origin, Invalid for a packed body."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        known = {urlsplit(o).netloc.rpartition(":")[0] or urlsplit(o).netloc for o in self._site.origins}
        if host.rpartition(":")[0] not in known | _LOCAL and host not in known | _LOCAL:
            raise errors.NotAllowed("this node is not known under that name")
        if request.method in _SAFE:
            return
        said, limit = request.headers.get("content-length", ""), _limit(request.url.path)
        if said.isdigit() and int(said[:20]) > limit:
            raise errors.TooLarge(f"body: over {limit} bytes; send less", field="body")
        if request.headers.get("content-encoding", "identity") != "identity":
            raise errors.Invalid("content-encoding: send the body unpacked", field="Content-Encoding")
        if not self._own(request, origin):
            raise errors.NotAllowed("the form was not sent by a page of this node; open it again here")

    def _own(self, request: Request, origin: str | None) -> bool:
        """Whether a request that changes something comes from our own pages, or from a program."""
        if origin is None:
            return request.url.path.startswith("/api/") and "cookie" not in request.headers
        if origin == f"{request.url.scheme}://{request.headers.get('host')}":
            return True
        return request.url.path == "/acting" and origin in self._site.origins


def _limit(path: str) -> int:
    return BODY_LIMIT if path.startswith("/api/") and not path.endswith("/attachments") else FORM_LIMIT


def _limited(receive: Receive, limit: int) -> Receive:
    """Counts bytes while they come, and seconds until all have."""
    size, end = 0, asyncio.get_running_loop().time() + BODY_SECONDS
    whole = False

    async def counted() -> Message:
        nonlocal size, whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), end - asyncio.get_running_loop().time())
        except TimeoutError:
            raise errors.TooSlow(f"the body must come within {BODY_SECONDS} s") from None
        size += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if size > limit:
            raise errors.TooLarge(f"body: over {limit} bytes; send less", field="body")
        return message

    return counted


def _headers(site: Site) -> dict[str, str]:
    nodes = " ".join(sorted(site.origins))
    return {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            f" connect-src 'self'; form-action 'self' {nodes}; frame-ancestors 'none'; base-uri 'none'"
        ),
        "x-content-type-options": "nosniff",
        "referrer-policy": "strict-origin",  # less, and the switch to another node would send no origin
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-store",
    }
