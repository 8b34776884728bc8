"""The Merkle tree of a log (RFC 6962 / RFC 9162, SHA-256): roots as it grows, proofs, and their verification.

Hashes are 32 bytes. A *subtree* function gives the hash of the complete subtree over the leaves
[index * 2**level, (index + 1) * 2**level): tiles, a database or memory can stand behind it.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice
from typing import Self

from events import errors

ALGORITHM = "sha256"
HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
_CHUNK = 4096

Subtree = Callable[[int, int], bytes]
"""(level, index) -> hash."""


def leaf_hash(value: bytes) -> bytes:
    """Hash of one record (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + value).digest()


def leaf_hashes(values: Iterable[bytes]) -> list[bytes]:
    """Of many records: the same as `leaf_hash` of each, faster."""
    return [sha256(b"\x00" + value).digest() for value in values]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two neighbours (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that remembers only the roots of its complete subtrees, so that it grows in constant memory.

    `hashes` holds them from the largest (left) to the smallest, one for each bit set in `size`; with `size`
    they are all there is to store.
    """

    __slots__ = ("hashes", "size")

    def __init__(self) -> None:
        self.size = 0
        self.hashes: list[bytes] = []

    @classmethod
    def restore(cls, size: int, hashes: Iterable[bytes]) -> Self:
        """The range that was stored as `size` and `hashes`; Damage when the two do not fit."""
        self = cls()
        self.size, self.hashes = size, [bytes(h) for h in hashes]
        if size < 0 or len(self.hashes) != size.bit_count() or any(len(h) != HASH_SIZE for h in self.hashes):
            raise errors.Damage(f"{len(self.hashes)} subtree hashes do not make a tree of size {size}")
        return self

    def copy(self) -> Self:
        """A range that grows apart from this one: to try records before trusting them."""
        return self.restore(self.size, self.hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, hashes = self.size, self.hashes
        while size & 1:
            leaf = node_hash(hashes.pop(), leaf)
            size >>= 1
        hashes.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes, level by level: the same as appending each, faster."""
        rest = iter(leaves)
        while chunk := list(islice(rest, _CHUNK)):
            self._extend(chunk)

    def _extend(self, nodes: list[bytes]) -> None:
        added, size, hashes = len(nodes), self.size, self.hashes
        kept: list[bytes] = []
        while nodes:
            if size & 1:
                nodes.insert(0, hashes.pop())
            if len(nodes) & 1:
                kept.append(nodes.pop())
            pairs = iter(nodes)
            nodes = [sha256(b"\x01" + a + b).digest() for a, b in zip(pairs, pairs, strict=True)]
            size >>= 1
        hashes.extend(reversed(kept))
        self.size += added

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    tree = CompactRange()
    tree.extend(leaves)
    return tree.root()


def subtrees(leaves: Sequence[bytes]) -> Subtree:
    """A subtree function over leaf hashes in memory."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return lambda level, index: levels[level][index]


def complete(start: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees (level, index) that make up the leaves [start, end), from left to right.

    `start` must be a multiple of the largest power of two in `end - start`, as in every node of a tree.
    """
    parts, left = [], end - start
    while left:
        level = left.bit_length() - 1
        parts.append((level, start >> level))
        start, left = start + (1 << level), left - (1 << level)
    return parts


def range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """MTH(D[start:end]) of RFC 9162 for a node of the tree (see `complete`)."""
    return _fold([subtree(level, index) for level, index in complete(start, end)])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162 section 2.1.3.1: siblings from the leaf upwards."""
    if not 0 <= index < size:
        raise errors.Invalid(f"there is no leaf {index} in a tree of size {size}")
    _, way = _ascent(index, size)
    return [range_root(start, end, subtree) for start, end, _ in way]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 9162 section 2.1.4.1; empty when `old` is 0 or equals `new`."""
    if not 0 <= old <= new:
        raise errors.Invalid(f"a tree of size {new} has no past size {old}")
    if old in (0, new):
        return []
    first, way = _ascent(old - 1, new, old)
    seed = [range_root(first, old, subtree)] if first else []  # from leaf 0 on it is the old root itself
    return seed + [range_root(start, end, subtree) for start, end, _ in way]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Damage unless the leaf hash stands at `index` of that tree (RFC 9162 section 2.1.3.2)."""
    what = f"inclusion of leaf {index} in size {size}"
    if not 0 <= index < size:
        raise errors.Damage(f"{what}: there is no such leaf")
    _, way = _ascent(index, size)
    _check_shape(proof, len(way), what)
    node = leaf
    for sibling, (_, _, left) in zip(proof, way, strict=True):
        node = node_hash(sibling, node) if left else node_hash(node, sibling)
    if node != root:
        raise errors.Damage(f"{what}: the proof leads to another root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Damage unless the tree of size `old` is a prefix of that of size `new` (RFC 9162 section 2.1.4.2)."""
    what = f"consistency of size {old} with size {new}"
    if not 0 <= old <= new:
        raise errors.Damage(f"{what}: a log does not shrink")
    if old in (0, new):
        _check_shape(proof, 0, what)
        before, after = (EMPTY_ROOT if old == 0 else new_root), new_root
    else:
        before, after = _grown(old, new, proof, old_root, what)
    if before != old_root:
        raise errors.Damage(f"{what}: the proof leads to another old root")
    if after != new_root:
        raise errors.Damage(f"{what}: the proof leads to another new root")


def _grown(old: int, new: int, proof: Sequence[bytes], old_root: bytes, what: str) -> tuple[bytes, bytes]:
    """Both roots, as the proof has them."""
    first, way = _ascent(old - 1, new, old)
    _check_shape(proof, len(way) + (first > 0), what)
    seed, *siblings = proof if first else (old_root, *proof)
    before = after = seed
    for sibling, (_, _, left) in zip(siblings, way, strict=True):
        if left:
            before = node_hash(sibling, before)
        after = node_hash(sibling, after) if left else node_hash(after, sibling)
    return before, after


def _ascent(leaf: int, size: int, stop: int | None = None) -> tuple[int, list[tuple[int, int, bool]]]:
    """The way up from a leaf, or from the node over it that ends at `stop`.

    Returns where that node starts, and for each step the leaves [start, end) of its sibling, and whether that
    lies to the left.
    """
    start, end, way = 0, size, []
    while end - start > 1 and end != stop:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if leaf < middle:
            way.append((middle, end, False))
            end = middle
        else:
            way.append((start, middle, True))
            start = middle
    return start, way[::-1]


def _check_shape(proof: Sequence[bytes], length: int, what: str) -> None:
    if len(proof) != length:
        raise errors.Damage(f"{what}: the proof has {len(proof)} hashes and must have {length}")
    if any(len(node) != HASH_SIZE for node in proof):
        raise errors.Damage(f"{what}: the proof holds something that is no hash")


def _fold(parts: list[bytes]) -> bytes:
    node = parts[-1]
    for left in reversed(parts[:-1]):
        node = node_hash(left, node)
    return node
