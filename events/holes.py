"""Records and holes: a bundle in which a leaf hash stands for a record whose bytes were removed by decision.

A format of ours (`entries+holes`), beside the bundles of C2SP and at the same index and width. A record
stands as in an entry bundle: its length, two bytes, big-endian, then its bytes. A hole is the length 0, then
the 32 bytes of the leaf hash. Without a hole the bytes are those of the bundle.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from events import errors, merkle, tiles
from events.tiles import Tile

_PLACE = "entries+holes/"
_BUNDLE = "tile/entries/"
_LENGTH = struct.Struct(">H")


class Hole(NamedTuple):
    """What is left of a redacted record."""

    leaf: bytes


Held: TypeAlias = bytes | Hole
"""A record's bytes, or what is left of it."""


def leaf_hash(held: Held) -> bytes:
    """Of a record, or of what stood in the place of a hole."""
    return held.leaf if isinstance(held, Hole) else merkle.leaf_hash(held)


def path(bundle: Tile) -> str:
    """Where a bundle stands with its holes, e.g. `entries+holes/x001/067.p/8`."""
    return _PLACE + bundle.path.removeprefix(_BUNDLE)


def parse(path: str) -> Tile | None:
    """The bundle of such a path, None for any other path. Raises Invalid unless spelled as `path` does."""
    return tiles.parse(_BUNDLE + path.removeprefix(_PLACE)) if path.startswith(_PLACE) else None


def encode(entries: Sequence[Held]) -> bytes:
    """The content of a bundle with holes."""
    if not all(0 < len(entry) <= tiles.ENTRY_LIMIT for entry in entries):
        raise errors.Invalid(f"a record in a bundle has 1 to {tiles.ENTRY_LIMIT} bytes")
    return b"".join(map(_encoded, entries))


def _encoded(entry: Held) -> bytes:
    if isinstance(entry, Hole):
        return _LENGTH.pack(0) + entry.leaf
    return _LENGTH.pack(len(entry)) + entry


def decode(bundle: Tile, content: bytes) -> list[Held]:
    """What is in it; Damage unless there is exactly `bundle.width`. Nothing is proved by that."""
    entries: list[Held] = []
    place = 0
    while place + _LENGTH.size <= len(content) and len(entries) < bundle.width:
        start = place + _LENGTH.size
        (length,) = _LENGTH.unpack_from(content, place)
        place = start + (length or merkle.HASH_SIZE)
        entries.append(content[start:place] if length else Hole(content[start:place]))
    if place != len(content) or len(entries) != bundle.width:
        raise errors.Damage(f"{path(bundle)}: the bytes are not {bundle.width} records and holes")
    return entries
