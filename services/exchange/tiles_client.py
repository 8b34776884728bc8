"""Tiles of any log from another node over HTTP (C2SP tlog-tiles); nothing that comes is believed here."""

import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import httpx

from events import errors, holes, tiles

Holder: TypeAlias = Callable[[str, str], bytes]
"""(log, path) -> the content of `checkpoint` or of a tile's path.

Raises NotFound, Gone (a bundle with a redacted record), Unavailable, Damage.
"""
Sign: TypeAlias = Callable[[str, str, bytes], Mapping[str, str]]
"""(method, path with query, body) -> the headers that say which node asks."""

_NOTES = ("checkpoint", "witnessed")
_CHECKPOINT_LIMIT = 65_536
_HASHES_LIMIT = tiles.WIDTH * 32
_BUNDLE_LIMIT = tiles.WIDTH * (2 + tiles.ENTRY_LIMIT)
_NOT_FOUND, _GONE = 404, 410
_OK = 200
_TIMEOUT = httpx.Timeout(5, read=10)
_PATIENCE = 60.0


class TilesClient:
    """One node as a holder of tiles; `close` gives its connections back.

    An answer has `patience` seconds to come, and goes no further than where it was asked for: no redirects.
    """

    def __init__(self, url: str, sign: Sign | None = None, *, patience: float = _PATIENCE) -> None:
        self._sign, self._patience = sign or _unsigned, patience
        self._client = httpx.Client(
            base_url=url, timeout=_TIMEOUT, follow_redirects=False, trust_env=False, verify=_trusted()
        )

    def __call__(self, log: str, path: str) -> bytes:
        """The content, no longer than such a thing can be. Raises NotFound, Gone, Unavailable, Damage."""
        request = self._client.build_request("GET", f"/log/{log}/{path}")
        target = request.url.raw_path.decode()
        request.headers.update({"accept-encoding": "identity", **self._sign("GET", target, b"")})
        try:
            with contextlib.closing(self._client.send(request, stream=True)) as answer:
                return self._content(answer, target, _limit(path))
        except httpx.HTTPError as error:
            raise errors.Unavailable(f"{target} cannot be fetched: {type(error).__name__}") from error

    def _content(self, answer: httpx.Response, target: str, limit: int) -> bytes:
        if answer.status_code == _GONE:
            raise errors.Gone(f"{target} holds a redacted record")
        if answer.status_code == _NOT_FOUND:
            raise errors.NotFound(f"{target} is not held there")
        if answer.status_code != _OK:
            raise errors.Unavailable(f"{target} was answered with {answer.status_code}")
        content, deadline = bytearray(), time.monotonic() + self._patience
        for part in answer.iter_raw():  # as sent: nothing is inflated
            content += part
            if len(content) > limit:
                raise errors.Damage(f"{target} is longer than {limit} bytes")
            if time.monotonic() > deadline:
                raise errors.Unavailable(f"{target} comes too slowly")
        return bytes(content)

    def close(self) -> None:
        """End the connections."""
        self._client.close()


@cache
def _trusted() -> ssl.SSLContext:
    """Whom all clients trust: to load it takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def _limit(path: str) -> int:
    if path in _NOTES:
        return _CHECKPOINT_LIMIT
    tile = holes.parse(path) or tiles.parse(path)
    return _BUNDLE_LIMIT if tile.level is None else _HASHES_LIMIT


def _unsigned(_method: str, _path: str, _body: bytes) -> Mapping[str, str]:
    return {}
