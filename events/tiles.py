"""Tiles and entry bundles (C2SP tlog-tiles): their names, their bytes, and how they prove themselves.

A tile of level L holds up to 256 hashes of complete subtrees over 256**L leaves each; a bundle holds the
records under one tile of level 0. A node may fetch them from anybody: what does not lead to a signed root is
Damage.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from events import errors, merkle

WIDTH = 256
ENTRY_LIMIT = 65_535
_HEIGHT = 8
_MAX_LEVEL = 63
_KEPT = 256
_GROUPS = r"((?:x[0-9]{3}/){0,5}[0-9]{3})"
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/" + _GROUPS + r"(?:\.p/([1-9][0-9]{0,2}))?")
_LENGTH = struct.Struct(">H")


@dataclass(frozen=True)
class Tile:
    """A hash tile, or with `level` None an entry bundle; `width` below 256 is a partial one."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """As under a log's prefix, e.g. `tile/0/x001/x234/067.p/8`."""
        level = "entries" if self.level is None else str(self.level)
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_grouped(self.index)}{part}"


def parse(path: str) -> Tile:
    """The tile of a path; Invalid unless it is spelled exactly as `Tile.path` does."""
    match = _PATH.fullmatch(path)
    level = None if not match or match[1] == "entries" else int(match[1])
    if not match or (level or 0) > _MAX_LEVEL:
        raise errors.Invalid(
            "no such tile: the path is tile/<level or entries>/<index in threes>[.p/<width>]"
        )
    tile = Tile(level, int(match[2].replace("x", "").replace("/", "")), int(match[3] or WIDTH))
    if tile.path != path or tile.width > WIDTH:
        raise errors.Invalid("no such tile: the index or the width is not spelled as tlog-tiles has it")
    return tile


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """The hash tiles that a tree of `size` has and one of `since` had not (in that width), level by level."""
    level = 0
    while size:
        for index in range(since // WIDTH, -(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            if width > since - index * WIDTH:
                yield Tile(level, index, width)
        level, size, since = level + 1, size // WIDTH, since // WIDTH


def bundles(size: int, since: int = 0) -> Iterator[Tile]:
    """The entry bundles that a tree of `size` has and one of `since` had not (in that width)."""
    for tile in tiles(size, since):
        if tile.level != 0:
            return
        yield Tile(None, tile.index, tile.width)


def holds(size: int, tile: Tile) -> bool:
    """Whether a tree of this size has all that the tile (of this or a smaller width) shows."""
    return tile.index * WIDTH + tile.width <= size >> _HEIGHT * (tile.level or 0)


def tile_bytes(tile: Tile, subtree: merkle.Subtree) -> bytes:
    """The content of a hash tile."""
    if tile.level is None:
        raise errors.Invalid("a bundle holds records, not hashes")
    first = tile.index * WIDTH
    return b"".join(subtree(tile.level * _HEIGHT, first + i) for i in range(tile.width))


def tile_hashes(tile: Tile, content: bytes) -> list[bytes]:
    """The hashes in a tile; Damage when its length does not fit. Nothing is proved by that."""
    if len(content) != tile.width * merkle.HASH_SIZE:
        raise errors.Damage(f"{tile.path}: {len(content)} bytes are not {tile.width} hashes")
    return [content[i : i + merkle.HASH_SIZE] for i in range(0, len(content), merkle.HASH_SIZE)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Records as in an entry bundle: each after its length, two bytes, big-endian."""
    if any(len(entry) > ENTRY_LIMIT for entry in entries):
        raise errors.Invalid(f"a record in a bundle has at most {ENTRY_LIMIT} bytes")
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def decode_bundle(tile: Tile, content: bytes) -> list[bytes]:
    """The records in a bundle; Damage unless there are exactly `tile.width`. Nothing is proved by that."""
    entries: list[bytes] = []
    place = 0
    while place + _LENGTH.size <= len(content) and len(entries) < tile.width:
        start = place + _LENGTH.size
        place = start + _LENGTH.unpack_from(content, place)[0]
        entries.append(content[start:place])
    if place != len(content) or len(entries) != tile.width:
        raise errors.Damage(f"{tile.path}: the bytes are not {tile.width} records")
    return entries


def check_bundle(tile: Tile, leaves: Iterable[bytes], subtree: merkle.Subtree) -> None:
    """Damage, naming the position, unless the records have the (proven) leaf hashes."""
    for index, leaf in enumerate(leaves, tile.index * WIDTH):
        if leaf != subtree(0, index):
            raise errors.Damage(f"{tile.path}: the record at position {index + 1} has other bytes")


class Proven:
    """A subtree function over tiles from anywhere, each proved up to a signed root before it is believed.

    `read` fetches the content of a hash tile of the tree with this size. The right edge is fetched and
    checked at once: it is all that a root is made of, and any other tile is proved by its parent. Memory
    stays flat.
    """

    def __init__(self, size: int, root: bytes, read: Callable[[Tile], bytes]) -> None:
        self._size, self._read = size, read
        self._edge = {(t.level or 0, t.index): tile_hashes(t, read(t)) for t in _edge(size)}
        self._recent: dict[tuple[int, int], list[bytes]] = {}
        if (merkle.range_root(0, size, self) if size else merkle.EMPTY_ROOT) != root:
            raise errors.Damage(f"the tiles at the edge of size {size} do not lead to its root")

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree; Damage when a tile on the way does not prove itself."""
        if (index + 1) << level > self._size:
            raise errors.Invalid(
                f"a tree of size {self._size} has no complete subtree {index} at level {level}"
            )
        inner = level % _HEIGHT
        tile, within = divmod(index << inner, WIDTH)
        return merkle.root(self._hashes(level // _HEIGHT, tile)[within : within + (1 << inner)])

    def _hashes(self, level: int, index: int) -> list[bytes]:
        place = (level, index)
        known = self._edge.get(place) or self._recent.get(place)
        return known or self._prove(Tile(level, index), level)

    def _prove(self, tile: Tile, level: int) -> list[bytes]:
        hashes = tile_hashes(tile, self._read(tile))
        if merkle.root(hashes) != self((level + 1) * _HEIGHT, tile.index):
            raise errors.Damage(f"{tile.path} does not lead to the root of size {self._size}")
        if len(self._recent) >= _KEPT:
            del self._recent[next(iter(self._recent))]
        self._recent[level, tile.index] = hashes
        return hashes


def _edge(size: int) -> Iterator[Tile]:
    """The partial tiles of a tree: together they hold exactly the hashes that its root is made of."""
    level = 0
    while size >> _HEIGHT * level:
        index, width = divmod(size >> _HEIGHT * level, WIDTH)
        if width:
            yield Tile(level, index, width)
        level += 1


def _grouped(index: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
