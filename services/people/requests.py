"""HTTP requests between nodes, signed with the node's key: one form of RFC 9421 (HTTP Message Signatures).

Signed are method, path with query, and body digest (RFC 9530), with the time, a nonce, the key's name and id,
and in `tag` the key name of the node that is asked, which so cannot pass the request on in the asker's name.
A request is good for 60 seconds. Until then GET and HEAD may come again: they change nothing and answer
the same to the same node. Anything else is refused the second time.
"""

import os
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TypeAlias

from events import checkpoints, errors, notes
from events.alliance import Alliance
from services.runtime.clock import Clock

WINDOW = 60
"""Seconds between the clocks of two nodes."""
Sign: TypeAlias = Callable[[str, str, bytes], dict[str, str]]
"""(method, path with query, body) -> the headers that say who asks."""
_REPEATABLE = frozenset({"GET", "HEAD"})
_NONCES = 100_000
_COVERED = '("@method" "@request-target" "content-digest")'
_INPUT = re.compile(
    r'yinqiao=(\("@method" "@request-target" "content-digest"\)'
    r';created=([0-9]{1,11});nonce="([A-Za-z0-9+/=]{22,64})";alg="ed25519"'
    r';keyid="([a-z0-9./-]{1,140})\+([0-9a-f]{8})";tag="([a-z0-9./-]{1,140})")'
)
_SIGNATURE = re.compile(r"yinqiao=:([A-Za-z0-9+/]{86}==):")


def signing(signer: notes.Signer, to: str, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> Sign:
    """A function that signs requests of this node to the node named `to`, of the same alliance."""
    return lambda method, target, body: sign(signer, to, method, target, body, clock, random)


def sign(
    signer: notes.Signer,
    to: str,
    method: str,
    target: str,
    body: bytes,
    clock: Clock,
    random: Callable[[int], bytes] = os.urandom,
) -> dict[str, str]:
    """The headers to send; `target` is the path with its query, below the node's URL."""
    alliance = signer.name.partition(".")[0]
    created, nonce = int(clock().timestamp()), b64encode(random(16)).decode()
    parameters = (
        f'{_COVERED};created={created};nonce="{nonce}";alg="ed25519"'
        f';keyid="{signer.name}+{signer.verifier.id.hex()}";tag="{checkpoints.node_key(alliance, to)}"'
    )
    signature = signer.sign(_base(method, target, body, parameters))
    return {
        "content-digest": _digest(body),
        "signature-input": f"yinqiao={parameters}",
        "signature": f"yinqiao=:{b64encode(signature).decode()}:",
    }


class Gate:
    """Lets signed requests in; one for each node, for it remembers what it has let in."""

    def __init__(self, node: str, clock: Clock) -> None:
        self._node = node
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def admit(
        self, alliance: Alliance, headers: Mapping[str, str], method: str, target: str, body: bytes
    ) -> str:
        """The name of the node that asks.

        Header names are lower-case, or the mapping does not mind. Raises NotAllowed, and Busy when too many
        requests are remembered. A restart forgets: what must not happen twice needs an id of its own as well.
        """
        given = _INPUT.fullmatch(headers.get("signature-input", ""))
        signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
        if given is None or signature is None:
            raise errors.NotAllowed("the request carries no signature of a node")
        parameters, created, nonce, name, id_, tag = given.groups()
        if tag != checkpoints.node_key(alliance.id, self._node):
            raise errors.NotAllowed("the request is signed for another node")
        if headers.get("content-digest") != _digest(body):
            raise errors.NotAllowed("the body is not the one that was signed")
        node, verifier = _signer(alliance, name, id_)
        try:
            verifier.verify(_base(method, target, body, parameters), b64decode(signature[1]))
        except errors.Damage:
            raise errors.NotAllowed(f"the signature of node {node} does not fit the request") from None
        self._check_time(int(created), nonce, repeatable=method in _REPEATABLE)
        return node

    def _check_time(self, created: int, nonce: str, *, repeatable: bool) -> None:
        now = int(self._clock().timestamp())
        if abs(now - created) > WINDOW:
            raise errors.NotAllowed(
                f"the request was signed {now - created} s ago, {WINDOW} are allowed: check clocks"
            )
        if repeatable:
            return
        with self._lock:
            self._seen = {old: time for old, time in self._seen.items() if abs(now - time) <= 2 * WINDOW}
            if nonce in self._seen:
                raise errors.NotAllowed("the request was received before")
            if len(self._seen) >= _NONCES:
                raise errors.Busy(f"more than {_NONCES} signed requests in {2 * WINDOW} s")
            self._seen[nonce] = created


def _signer(alliance: Alliance, name: str, id_: str) -> tuple[str, notes.Verifier]:
    for node in alliance.nodes:
        verifier = alliance.cosigner(node)
        if (verifier.name, verifier.id.hex()) == (name, id_):
            return node, verifier
    raise errors.NotAllowed("the request is signed by a key that is no node's of this alliance")


def _base(method: str, target: str, body: bytes, parameters: str) -> bytes:
    """What is signed (RFC 9421, section 2.5); checkpoints and cosignatures begin otherwise."""
    return (
        f'"@method": {method}\n"@request-target": {target}\n"content-digest": {_digest(body)}\n'
        f'"@signature-params": {parameters}'
    ).encode()


def _digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"
