"""Proving one record: its bytes, a checkpoint over it, and the path between the two (RFC 9162, 2.1.3)."""

from typing import NamedTuple

from events import errors, merkle
from events.alliance import Alliance
from services.ledger import read, tiles, tree
from services.ledger.guard import Guard
from services.runtime.database import Connection


class Proof(NamedTuple):
    """`hashes` lead from the leaf of `value`, at index `position` - 1, to the root that `note` signs."""

    log: str
    position: int
    size: int
    root: bytes
    value: bytes
    leaf: bytes
    hashes: list[bytes]
    note: str


def prove(conn: Connection, alliance: Alliance, guarded: Guard | None, log: str, position: int) -> Proof:
    """The proof under the latest published checkpoint, tried out before it is given.

    Raises NotFound when nothing published covers the record, Damage when what is stored proves nothing.
    """
    size, note = tiles.published(conn, guarded, log)
    if not 1 <= position <= size:
        raise errors.NotFound(
            f"log {log} has published records 1 to {size}, not {position}", field="position"
        )
    (entry,) = read.entries(conn, log, position - 1, 1)
    checkpoint = alliance.checkpoint(log, note)
    hashes = tree.inclusion(conn, log, position, size)
    leaf = merkle.leaf_hash(entry.value)
    merkle.verify_inclusion(position - 1, size, leaf, hashes, checkpoint.root)
    return Proof(log, position, size, checkpoint.root, entry.value, leaf, hashes, note)
