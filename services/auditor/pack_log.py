"""One log's part of an evidence pack: its checkpoint, the chosen records, and the tiles that prove them."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from events import envelope, errors, merkle
from events.alliance import Alliance
from events.tiles import WIDTH, Proven, Tile
from services.auditor import pack_records
from services.auditor.pack_archive import Archive
from services.auditor.pack_records import Chosen, Record
from services.ledger import tree
from services.runtime.database import Connection


class Part(NamedTuple):
    """What was written: the size of the checkpoint, and which types of events occur."""

    size: int
    types: frozenset[str]


def write(conn: Connection, archive: Archive, alliance: Alliance, chosen: Chosen, note: str) -> Part:
    """Write `log/<log>/…`, each record proved under the note before it is written.

    Raises Damage, naming the position, when what is stored does not prove itself.
    """
    folder = f"log/{chosen.log}"
    checkpoint = alliance.checkpoint(chosen.log, note)
    read = _reader(conn, chosen.log)
    smaller, larger = _ends(alliance, chosen.log, End(checkpoint.size, checkpoint.root))
    proven = Proven(larger.size, larger.root, read)
    if merkle.range_root(0, smaller.size, proven) != smaller.root:
        raise errors.Damage(f"log {chosen.log} is held here as it was not closed: the other side of a fork")
    archive.add(f"{folder}/checkpoint", note.encode())
    types: set[str] = set()
    bundles: set[int] = set()
    with archive.stream(f"{folder}/records.jsonl") as put:
        for record in pack_records.values(conn, chosen.log):
            _prove(chosen.log, record, proven)
            put(line(record))
            bundles.add((record.position - 1) // WIDTH)
            types |= {envelope.read(record.value).type} if record.value is not None else set()
    for tile in sorted(needed(larger.size, bundles, smaller.size), key=lambda tile: tile.path):
        archive.add(f"{folder}/{tile.path}", read(tile))
    return Part(checkpoint.size, frozenset(types))


class End(NamedTuple):
    """A size of a log and its root there."""

    size: int
    root: bytes


def _ends(alliance: Alliance, log: str, checkpoint: End) -> tuple[End, End]:
    """The checkpoint, and where the alliance document closes the log: the smaller first."""
    told = alliance.log(log)
    if told.closed_size is None:
        return checkpoint, checkpoint
    closed = End(told.closed_size, base64.b64decode(told.closed_root or ""))
    return (closed, checkpoint) if closed.size <= checkpoint.size else (checkpoint, closed)


def _reader(conn: Connection, log: str) -> Callable[[Tile], bytes]:
    def read(tile: Tile) -> bytes:
        found = tree.hashes(conn, log, tile.level or 0, tile.index * WIDTH, tile.width)
        if len(found) != tile.width:
            raise errors.Damage(f"the ledger lacks a part of {tile.path} of log {log}")
        return b"".join(found[index] for index in sorted(found))

    return read


def _prove(log: str, record: Record, proven: merkle.Subtree) -> None:
    leaf = proven(0, record.position - 1)
    if record.value is not None and merkle.leaf_hash(record.value) != leaf:
        raise errors.Damage(f"record {log}:{record.position} has other bytes than were signed")


def line(record: Record) -> bytes:
    """The record as a line: its exact bytes; where these hold a line end, or were redacted, an object."""
    if record.value is None:
        return _object({"decision": record.decision, "redacted": record.position})
    if b"\n" in record.value:
        return _object({"base64": base64.b64encode(record.value).decode(), "position": record.position})
    return record.value + b"\n"


def _object(content: dict[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def needed(size: int, bundles: Iterable[int], smaller: int = 0) -> Iterator[Tile]:
    """The hash tiles that prove what lies under these tiles of level 0: theirs, all above, the right edge.

    And those that lead to the root that the log had at a smaller size.
    """
    level, wanted = 0, set(bundles)
    while count := size // WIDTH**level:
        full, width = divmod(count, WIDTH)
        edge, part = divmod(smaller // WIDTH**level, WIDTH)
        wanted |= {edge} if part else set()
        if width:
            yield Tile(level, full, width)
        wanted = {index for index in wanted if index < full}
        yield from (Tile(level, index) for index in wanted)
        level, wanted = level + 1, {index // WIDTH for index in wanted}
