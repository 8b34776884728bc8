"""Proving: one record stands in a log, and one checkpoint of a log continues another (RFC 9162, 2.1)."""

from typing import NamedTuple

from events import errors, merkle
from events.alliance import Alliance
from events.proofs import InclusionProof
from services.ledger import closing, read, receipts, redaction, store, tiles, tree
from services.ledger.guard import Guard
from services.runtime.database import Connection


class Proof(NamedTuple):
    """`hashes` lead from the leaf of `value`, at index `position` - 1, to the root that `note` signs.

    `witnessed`: the note carries the cosignatures that the alliance's policy asks for. `redacted`: where the
    decision stands by which the bytes are gone; there is no `value` then, and the leaf hash alone is proved.
    """

    log: str
    position: int
    size: int
    root: bytes
    value: bytes
    leaf: bytes
    hashes: list[bytes]
    note: str
    witnessed: bool
    redacted: int | None = None

    @property
    def file(self) -> str:
        """As a `.tlog-proof` file, which others' verifiers read."""
        return InclusionProof(self.position - 1, tuple(self.hashes), self.note).text


class Consistency(NamedTuple):
    """`hashes` prove that the log at size `old` is how the log at size `new` begins."""

    log: str
    old: int
    old_root: bytes
    new: int
    new_root: bytes
    hashes: list[bytes]


def prove(conn: Connection, alliance: Alliance, guarded: Guard | None, log: str, position: int) -> Proof:
    """The proof under a witnessed checkpoint, else the latest published one, tried out before it is given.

    Raises NotFound when nothing published covers the record, Void, Damage when what is stored
    proves nothing.
    """
    closed = closing.of(conn, log)
    if closed is not None and position > closed.size:
        raise errors.Void(f"record {log}:{position} is void: the log was closed at size {closed.size}")
    witnessed = receipts.witnessed(conn, alliance, log, position)
    size, note = witnessed or tiles.published(conn, guarded, log)
    if not 1 <= position <= size:
        raise errors.NotFound(
            f"log {log} has published records 1 to {size}, not {position}", field="position"
        )
    (entry,) = read.entries(conn, log, position - 1, 1)
    checkpoint = alliance.checkpoint(log, note)
    hashes = tree.inclusion(conn, log, position, size)
    gone = None if entry.value else redaction.decided(conn, log, position, entry.leaf)
    leaf = entry.leaf if gone else merkle.leaf_hash(entry.value)
    merkle.verify_inclusion(position - 1, size, leaf, hashes, checkpoint.root)
    return Proof(
        log, position, size, checkpoint.root, entry.value, leaf, hashes, note, witnessed is not None, gone
    )  # fmt: skip


def consistent(
    conn: Connection, guarded: Guard | None, log: str, old: int, new: int | None = None
) -> Consistency:
    """That the log at `old` is how it begins at `new`, the latest published size if not given; tried out.

    Raises Invalid for sizes that are none, NotFound beyond what is published, Damage.
    """
    last = tiles.published(conn, guarded, log)[0]
    new = last if new is None else new
    if new > last:
        raise errors.NotFound(f"log {log} has published {last} records, not {new}", field="to")
    if not 1 <= old <= new:
        raise errors.Invalid(f"from: a size from 1 to {new}", field="from")
    roots = [store.tree_root(conn, log, size) for size in (old, new)]
    hashes = tree.consistency(conn, log, old, new)
    merkle.verify_consistency(old, new, hashes, *roots)
    return Consistency(log, old, roots[0], new, roots[1], hashes)
