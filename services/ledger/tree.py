"""The tree of a log in SQL: leaf hashes stand with the entries, the roots of full tiles in ledger.node.

What a tree of any covered size is made of can be read back from there in a few small queries.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from threading import Lock
from typing import NamedTuple, Self

from events import errors, merkle
from services.runtime.database import Connection

WIDTH = 256
LEVELS = 8
"""Of tiles: 256**8 records are more than a position can count."""
_HEIGHT = 8
_TILES = 64
_TREES = 4_096


class Node(NamedTuple):
    """The root of the complete subtree `number`, from 0, over 256**level leaves."""

    level: int
    number: int
    hash: bytes


class Tree:
    """A log's tree as it grows: the right edge of every tile level, so that each leaf is hashed once."""

    __slots__ = ("_edges",)

    def __init__(self) -> None:
        self._edges: list[merkle.CompactRange] = []

    @classmethod
    def restore(cls, size: int, hashes: Iterable[bytes]) -> Self:
        """From the hashes of its complete subtrees, largest first; Damage when they do not fit the size."""
        self, rest = cls(), merkle.CompactRange.restore(size, hashes).hashes
        while size:
            digit = size % WIDTH
            first = len(rest) - digit.bit_count()
            self._edges.append(merkle.CompactRange.restore(digit, rest[first:]))
            size, rest = size // WIDTH, rest[:first]
        return self

    def copy(self) -> Self:
        """One that grows apart from this."""
        return self.restore(self.size, self.hashes)

    @property
    def size(self) -> int:
        return self._above(0)

    @property
    def hashes(self) -> list[bytes]:
        """Of its complete subtrees, largest first."""
        return [node for edge in reversed(self._edges) for node in edge.hashes]

    def root(self) -> bytes:
        return merkle.CompactRange.restore(self.size, self.hashes).root()

    def extend(self, leaves: Sequence[bytes]) -> list[Node]:
        """Add leaf hashes; gives the nodes that became complete."""
        nodes: list[Node] = []
        start = 0
        while start < len(leaves):
            stop = start + WIDTH - self._edge(0).size
            self._grow(0, leaves[start:stop], nodes)
            start = stop
        return nodes

    def _grow(self, level: int, hashes: Sequence[bytes], nodes: list[Node]) -> None:
        edge = self._edge(level)
        edge.extend(hashes)
        if edge.size == WIDTH:
            root = edge.root()
            nodes.append(Node(level + 1, self._above(level + 1), root))
            self._edges[level] = merkle.CompactRange()
            self._grow(level + 1, [root], nodes)

    def _edge(self, level: int) -> merkle.CompactRange:
        if level == len(self._edges):
            self._edges.append(merkle.CompactRange())
        return self._edges[level]

    def _above(self, level: int) -> int:
        """How many complete subtrees of 256**level leaves there are."""
        return sum(edge.size << _HEIGHT * up for up, edge in enumerate(self._edges[level:]))


def restore(conn: Connection, log: str, size: int) -> Tree:
    """The tree of the first `size` entries. Raises Damage when the ledger lacks a part of it."""
    part = subtree(conn, log)
    return Tree.restore(size, [part(level, index) for level, index in merkle.complete(0, size)])


class Trees:
    """Trees met lately, found again by size and root, which determine them at whatever node they were met."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], list[bytes]] = {}
        self._lock = Lock()

    def at(self, conn: Connection, log: str, size: int, root: bytes) -> Tree:
        """The tree of this size, yours to extend; Damage when the ledger does not lead to this root."""
        if (hashes := self._known.get((size, root))) is not None:
            return Tree.restore(size, hashes)
        tree = restore(conn, log, size)
        if tree.root() != root:
            raise errors.Damage(f"the ledger's tree of log {log} at size {size} does not lead to its root")
        return tree

    def keep(self, tree: Tree, root: bytes) -> None:
        """Remember a tree, which may or may not be committed: it is only found under its own root."""
        with self._lock:
            self._known[tree.size, root] = tree.hashes
            while len(self._known) > _TREES:
                del self._known[next(iter(self._known))]


TREES = Trees()
"""Shared by all that extend trees in this process."""


INSERT = (
    "INSERT INTO ledger.node (log, level, index, hash)"
    " SELECT %(log)s, * FROM unnest(%(levels)s::smallint[], %(numbers)s::bigint[], %(hashes)b::bytea[])"
)
"""Stores the nodes that an extension completed, in the transaction of the checkpoint that covers them."""


def columns(nodes: Sequence[Node]) -> dict[str, object]:
    """The parameters of `INSERT` but the log."""
    return {
        "levels": [node.level for node in nodes],
        "numbers": [node.number for node in nodes],
        "hashes": [node.hash for node in nodes],
    }


def subtree(conn: Connection, log: str) -> merkle.Subtree:
    """The subtree function over what is covered; keep it for one answer, not while the log grows.

    It raises Damage when the ledger lacks a hash that it is asked for.
    """

    @lru_cache(_TILES)
    def tile(level: int, index: int) -> dict[int, bytes]:
        return hashes(conn, log, level, index * WIDTH, WIDTH)

    def part(level: int, index: int) -> bytes:
        first, width = index << level % _HEIGHT, 1 << level % _HEIGHT
        known = tile(level // _HEIGHT, first // WIDTH)
        if any(i not in known for i in range(first, first + width)):
            raise errors.Damage(
                f"the ledger lacks a part of the tree of log {log}: level {level}, index {index}"
            )
        return merkle.root([known[i] for i in range(first, first + width)])

    return part


def hashes(conn: Connection, log: str, level: int, first: int, count: int) -> dict[int, bytes]:
    """Hashes of complete subtrees over 256**level leaves, `count` of them from index `first` on, by index."""
    query = _NODES if level else _LEAVES
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(query, {"log": log, "level": level, "first": first, "end": first + count})
        return dict(rows.fetchall())  # type: ignore[arg-type]  # the table's own types


_LEAVES = (
    "SELECT position - 1, leaf FROM ledger.entry"
    " WHERE log = %(log)s AND position > %(first)s AND position <= %(end)s"
)
_NODES = (
    "SELECT index, hash FROM ledger.node"
    " WHERE log = %(log)s AND level = %(level)s AND index >= %(first)s AND index < %(end)s"
)


def inclusion(conn: Connection, log: str, position: int, size: int) -> list[bytes]:
    """The proof that the entry at `position` (from 1) stands in the tree of `size`. Raises Invalid."""
    return merkle.inclusion_proof(position - 1, size, subtree(conn, log))


def consistency(conn: Connection, log: str, old: int, new: int) -> list[bytes]:
    """The proof that the tree of size `old` is a prefix of that of size `new`. Raises Invalid."""
    return merkle.consistency_proof(old, new, subtree(conn, log))
