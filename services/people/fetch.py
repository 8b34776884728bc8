"""Fetching an attachment from the node of the bureau whose it is; what comes must prove itself."""

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from typing import TypeAlias

import httpx

from events import errors, keys
from events.alliance import Node
from services.people import attachments, mediatypes
from services.people.attachments import Opened
from services.people.requests import Sign

SALT = "yinqiao-attachment-key"
"""Header of the answer: the attachment's 32-byte salt, base64 (contracts.md: the key sent with the bytes)."""
PATH = "/api/v1/attachments/"
Unchanged: TypeAlias = None
_TIMEOUT = httpx.Timeout(5, read=20)
_OK, _UNCHANGED, _FORBIDDEN, _GONE = 200, 304, (401, 403), (404, 410)


def client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client that goes where it is told and nowhere else: no redirects, no proxies of the environment."""
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False, transport=transport)


def token(digest: str) -> str:
    """A digest as it stands in a path: base64 of RFC 4648, section 5, without padding."""
    return urlsafe_b64encode(b64decode(digest)).decode().rstrip("=")


def digest(token: str) -> str:
    """The digest that a path names. Raises NotFound when it names none."""
    try:
        return keys.encode(urlsafe_b64decode(f"{token}="))
    except ValueError:
        raise errors.NotFound("there is no such attachment here") from None


def fetch_attachment(
    http: httpx.Client, node: Node, digest: str, reader: str, sign: Sign, *, have: bool = False
) -> Opened | Unchanged:
    """Ask the node for an attachment on behalf of a bureau that we host; None: we `have` it and still may.

    Raises NotAllowed, NotFound (erased, too), Unavailable, and Damage when the bytes are not the digest's.
    """
    target = f"{PATH}{token(digest)}?bureau={reader}"
    headers = {"accept-encoding": "identity", **sign("GET", target, b"")}
    if have:
        headers["if-none-match"] = f'"{token(digest)}"'
    try:
        with http.stream("GET", node.url.rstrip("/") + target, headers=headers) as answer:
            return _opened(answer, node, digest)
    except httpx.HTTPError as error:
        raise errors.Unavailable(f"node {node.name} cannot be reached: {type(error).__name__}") from error


def _opened(answer: httpx.Response, node: Node, digest: str) -> Opened | Unchanged:
    if answer.status_code == _UNCHANGED:
        return None
    _refuse_status(answer.status_code, node)
    mediatype = answer.headers.get("content-type", "").partition(";")[0].strip()
    try:
        salt = b64decode(answer.headers.get(SALT, ""), validate=True)
    except ValueError:
        raise errors.Damage(f"node {node.name} sent no key with the attachment") from None
    opened = Opened(_limited(answer, node), mediatype, salt)
    attachments.prove(digest, opened)
    mediatypes.recognise(opened.content, mediatype)
    return opened


def _refuse_status(status: int, node: Node) -> None:
    if status in _FORBIDDEN:
        raise errors.NotAllowed(f"node {node.name} does not open this attachment to us")
    if status in _GONE:
        raise errors.NotFound(f"node {node.name} no longer has this attachment")
    if status != _OK:
        raise errors.Unavailable(f"node {node.name} answered with {status}")


def _limited(answer: httpx.Response, node: Node) -> bytes:
    content = bytearray()
    for part in answer.iter_raw():  # as sent: nothing is inflated
        content += part
        if len(content) > attachments.LIMIT:
            raise errors.Damage(f"node {node.name} sent more than {attachments.LIMIT} bytes")
    return bytes(content)
