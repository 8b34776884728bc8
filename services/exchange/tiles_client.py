"""Tiles of any log from another node over HTTP (C2SP tlog-tiles); nothing that comes is believed here."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import httpx

from events import errors, tiles

Holder: TypeAlias = Callable[[str, str], bytes]
"""(log, path) -> the content of `checkpoint` or of a tile's path. Raises NotFound, Unavailable, Damage."""
Sign: TypeAlias = Callable[[str, str, bytes], Mapping[str, str]]
"""(method, path, body) -> the headers that say which node asks."""

_CHECKPOINT_LIMIT = 65_536
_HASHES_LIMIT = tiles.WIDTH * 32
_BUNDLE_LIMIT = tiles.WIDTH * (2 + tiles.ENTRY_LIMIT)
_GONE = (404, 410)
_OK = 200
_TIMEOUT = httpx.Timeout(5, read=10)


class TilesClient:
    """One node as a holder of tiles. Belongs to one thread; `close` gives its connections back."""

    def __init__(
        self, url: str, sign: Sign | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._sign = sign or _unsigned
        self._client = httpx.Client(
            base_url=url, timeout=_TIMEOUT, follow_redirects=False, trust_env=False, transport=transport
        )

    def __call__(self, log: str, path: str) -> bytes:
        """The content, no longer than such a thing can be. Raises NotFound, Unavailable, Damage."""
        where = f"/log/{log}/{path}"
        try:
            with self._client.stream("GET", where, headers=self._headers(where)) as answer:
                return _content(answer, where, _limit(path))
        except httpx.HTTPError as error:
            raise errors.Unavailable(f"{where} cannot be fetched: {type(error).__name__}") from error

    def _headers(self, path: str) -> dict[str, str]:
        return {"accept-encoding": "identity", **self._sign("GET", path, b"")}

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def _content(answer: httpx.Response, where: str, limit: int) -> bytes:
    if answer.status_code in _GONE:
        raise errors.NotFound(f"{where} is not held there")
    if answer.status_code != _OK:
        raise errors.Unavailable(f"{where} was answered with {answer.status_code}")
    content = bytearray()
    for part in answer.iter_raw():  # as sent: nothing is inflated
        content += part
        if len(content) > limit:
            raise errors.Damage(f"{where} is longer than {limit} bytes")
    return bytes(content)


def _limit(path: str) -> int:
    if path == "checkpoint":
        return _CHECKPOINT_LIMIT
    return _BUNDLE_LIMIT if tiles.parse(path).level is None else _HASHES_LIMIT


def _unsigned(_method: str, _path: str, _body: bytes) -> Mapping[str, str]:
    return {}
