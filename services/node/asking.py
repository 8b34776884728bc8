"""Asking other nodes for versions of the alliance document: what comes proves itself, or is dropped."""

import contextlib
import random
import time
from collections.abc import Iterator

import httpx

from events import errors, notes
from events.alliance import Alliance
from services.node.alliances import Versions

PEERS = 8
"""So many nodes are asked in a round, others in the next; news spreads from node to node."""
_TIMEOUT = httpx.Timeout(3, read=5)
_PATIENCE = 20.0
_OK = 200


def path(number: int) -> str:
    """Where every node serves a version."""
    return f"/alliance/{number}.note"


def ask(versions: Versions, name: str, chosen: random.Random | None = None) -> bool:
    """Take what the others have that is newer, and compare what they hold with ours; whether there was news.

    A node that is away costs its turn only. Raises Fork.
    """
    before = versions.current.version
    for _ in range(_LONGEST):
        found = [*_asked(versions, name, chosen)]
        if not versions.offered(found):
            break
    return versions.current.version > before


_LONGEST = 1_000
"""Versions that are taken in one go at most."""


def _asked(versions: Versions, name: str, chosen: random.Random | None) -> Iterator[str]:
    """What other nodes hold as the version after ours; theirs of ours are compared on the way."""
    number = versions.current.version
    for url in _others(versions.current, name, chosen):
        try:
            with httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False) as client:
                _compare(client, versions)
                if (note := _get(client, number + 1)) is not None:
                    yield note
        except errors.Unavailable:
            continue  # it costs its turn only: the next round asks again, maybe others


def _others(current: Alliance, name: str, chosen: random.Random | None) -> list[str]:
    urls = [node.url for node in current.document.node if node.name != name]
    return (chosen or random.Random()).sample(urls, min(PEERS, len(urls)))  # noqa: S311  (whom to ask first is no secret)


def _compare(client: httpx.Client, versions: Versions) -> None:
    """From our newest version back to the one that both hold. Raises Fork."""
    for number in range(versions.current.version, 1, -1):
        theirs = _get(client, number)
        if theirs is not None and versions.compared(number, theirs):
            return


def _get(client: httpx.Client, number: int) -> str | None:
    """A version as the node holds it; None when it has none. Raises Unavailable."""
    try:
        with client.stream("GET", path(number), headers={"accept-encoding": "identity"}) as answer:
            return _text(answer) if answer.status_code == _OK else None
    except httpx.HTTPError as error:
        raise errors.Unavailable(f"{client.base_url} does not answer: {type(error).__name__}") from error


def _text(answer: httpx.Response) -> str | None:
    content, deadline = bytearray(), time.monotonic() + _PATIENCE
    for part in answer.iter_raw():
        content += part
        if len(content) > notes.MAX_BYTES or time.monotonic() > deadline:
            return None
    with contextlib.suppress(UnicodeDecodeError):
        return content.decode()
    return None
