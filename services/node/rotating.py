"""Asking for a log's next key: the file first, then the request in the log; the alliance document decides."""

from typing import NamedTuple

from events import errors, notes
from events.loops import Role
from events.membership import LogKeyAsked
from services.bureau import membership
from services.bureau.case import Officer
from services.bureau.office import Order
from services.ledger import append, logs
from services.ledger.recorder import event_store
from services.node.node import Node
from services.runtime import keys

AHEAD = 1_000
"""So many records from now the new key begins, unless told otherwise: until then all nodes learn of it."""


class Asked(NamedTuple):
    """The key that was asked for, and the record that asks."""

    log: str
    vkey: str
    from_size: int
    position: int


def ask(node: Node, log: str, from_size: int | None = None) -> Asked:
    """Make the next key and record the request. Raises NotFound, Invalid, Unavailable.

    A key that was made before and that the alliance does not name yet is taken again: killed in between, or
    told twice, there is one key and one request.
    """
    if log not in node.own:
        raise errors.NotFound(f"log {log[:12]} is not written at this node")
    with node.database.connection() as conn:
        head = logs.state(conn, log).head
    signer = _unnamed(node, log) or keys.create_next(node.settings.keys.dir, node.alliance.id, log)
    vkey = signer.verifier.vkey
    if (before := _asked(node, log, vkey)) is not None:
        return before
    wanted = head + AHEAD if from_size is None else from_size
    order = Order(
        f"keys/rotate/{vkey}", Officer("system", log[:6], Role.LEADER),
        membership.AskForKey(vkey=vkey, from_size=wanted),
    )  # fmt: skip
    return Asked(log, vkey, wanted, node.office.do(log, order).position)


def _unnamed(node: Node, log: str) -> notes.Signer | None:
    """A key that is held and that the alliance does not name: asked for, or about to be."""
    named = {key.vkey for key in node.alliance.log(log).key}
    held = keys.load_all(node.settings.keys.dir, node.alliance.id, log)
    return next((signer for signer in held if signer.verifier.vkey not in named), None)


def _asked(node: Node, log: str, vkey: str) -> Asked | None:
    """What was recorded of this key."""
    with node.database.connection() as conn:
        stream = append.holder(conn, log, "log", log)
    for record in event_store(node.database).get(stream) if stream else ():
        data = getattr(record, "data", None)  # there is none where it was redacted
        if isinstance(data, LogKeyAsked) and data.vkey == vkey:
            return Asked(log, vkey, data.from_size, record.position)  # type: ignore[attr-defined]  # our mapper gives records
    return None
