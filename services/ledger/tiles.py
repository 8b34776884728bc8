"""The tiles of a log (C2SP tlog-tiles): served from SQL, and proved when they come from any other holder."""

from collections.abc import Callable, Iterator, Sequence

from events import errors, holes, merkle, tiles
from events.alliance import Alliance
from events.checkpoints import Checkpoint
from events.holes import Held, Hole
from events.tiles import Proven, Tile
from services.ledger import checkpoints, logs, read, receipts, redaction, tree
from services.ledger.guard import Guard
from services.ledger.read import Entry
from services.ledger.store import Run
from services.runtime.database import Connection

CHECKPOINT = "checkpoint"
Fetch = Callable[[str], bytes]
"""Gets the bytes under a path of a log, e.g. `checkpoint` or `tile/0/000.p/17`, from one holder."""


def serve(conn: Connection, guard: Guard | None, log: str, path: str) -> bytes:
    """What stands under a path of a log: its published checkpoint, or a tile or bundle of any published size.

    An own log is published as far as the guard file holds it. The checkpoint carries the cosignatures that
    are known of it. Raises NotFound, Gone for a bundle with a redacted record, which is served with its holes
    only (`events.holes`), and Invalid for no such path.
    """
    size, note = published(conn, guard, log)
    if path == CHECKPOINT:
        return receipts.cosigned(conn, log, size, note).encode()
    holed = holes.parse(path)
    tile = holed or tiles.parse(path)
    if not tiles.holds(size, tile):
        raise errors.NotFound(f"log {log} has no {path} at size {size}")
    if tile.level is not None:
        return _hashes(conn, log, tile)
    entries = _entries(conn, log, tile)
    return _holed(entries) if holed else _bundle(log, entries)


def published(conn: Connection, guard: Guard | None, log: str) -> tuple[int, str]:
    """Size and note of the latest checkpoint that may be shown. Raises NotFound when there is none."""
    state = logs.state(conn, log)
    limit = (guard.size(log) if guard else 0) if state.own else state.head
    if (found := checkpoints.published(conn, log, limit)) is None:
        raise errors.NotFound(f"log {log} has published nothing yet")
    return found


def _entries(conn: Connection, log: str, tile: Tile) -> list[Entry]:
    entries = list(read.entries(conn, log, tile.index * tiles.WIDTH, tile.width))
    _whole(log, tile, [entry.position - 1 for entry in entries])
    return entries


def _bundle(log: str, entries: list[Entry]) -> bytes:
    if gone := [entry.position for entry in entries if entry.value == redaction.GONE]:
        raise errors.Gone(f"record {gone[0]} of log {log} was redacted: its bytes are served by nobody")
    return tiles.encode_bundle([entry.value for entry in entries])


def _holed(entries: list[Entry]) -> bytes:
    return holes.encode([Hole(e.leaf) if e.value == redaction.GONE else e.value for e in entries])


def _hashes(conn: Connection, log: str, tile: Tile) -> bytes:
    found = tree.hashes(conn, log, tile.level or 0, tile.index * tiles.WIDTH, tile.width)
    _whole(log, tile, sorted(found))
    return b"".join(found[index] for index in sorted(found))


def _whole(log: str, tile: Tile, indexes: list[int]) -> None:
    first = tile.index * tiles.WIDTH
    if indexes != list(range(first, first + tile.width)):
        raise errors.Unavailable(f"this holder's ledger lacks a part of {tile.path} of log {log}")


def proved_entries(
    fetch: Fetch, alliance: Alliance, log: str, after: int, root: bytes, note: str = ""
) -> Run | None:
    """What a holder has beyond our first `after` records, whose root is `root`, as a run to be stored.

    Everything proves itself up to the holder's checkpoint before it is given: the values one by one while the
    run is read, the rest at once. None when the holder has nothing more. `note` is our own latest, for
    evidence.

        Damage: the holder's checkpoint or tiles do not prove themselves: ask another.
        Fork: they do, and the first `after` records are others than ours. Both notes are the evidence.
    """
    theirs = fetch(CHECKPOINT).decode(errors="replace")
    checkpoint = alliance.checkpoint(log, theirs)
    if checkpoint.size < after:
        return None
    subtree = Proven(checkpoint.size, checkpoint.root, lambda tile: fetch(tile.path))
    if after and merkle.range_root(0, after, subtree) != root:
        raise errors.Fork(
            f"log {log} signed two histories of its first {after} records",
            position=after,
            evidence=[note.encode(), theirs.encode()],
        )
    if checkpoint.size == after:
        return None
    return Run(after, _values(fetch, subtree, checkpoint, after), theirs)


def _values(fetch: Fetch, subtree: merkle.Subtree, checkpoint: Checkpoint, after: int) -> Iterator[Held]:
    """Bundle after bundle, each checked against the proven leaf hashes."""
    for bundle in _bundles(checkpoint.size, after):
        entries = _fetched(fetch, bundle)
        tiles.check_bundle(bundle, map(holes.leaf_hash, entries), subtree)
        yield from entries[max(0, after - bundle.index * tiles.WIDTH) :]


def _fetched(fetch: Fetch, bundle: Tile) -> Sequence[Held]:
    """The records, or where some of them are gone for good, records and holes."""
    try:
        return tiles.decode_bundle(bundle, fetch(bundle.path))
    except errors.Gone:
        return holes.decode(bundle, fetch(holes.path(bundle)))


def _bundles(size: int, after: int) -> Iterator[Tile]:
    for index in range(after // tiles.WIDTH, -(-size // tiles.WIDTH)):
        yield Tile(None, index, min(tiles.WIDTH, size - index * tiles.WIDTH))
