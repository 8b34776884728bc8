"""The evidence pack: one file from which anybody can check chosen records without our servers or code.

deploy/evidence/README.md describes the format; deploy/evidence/verify.py is its other side.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, NamedTuple, TypeAlias

from events import alliance, catalogue, errors
from events.alliance import Alliance
from events.event import Key
from services.auditor import pack_archive, pack_log, pack_readme, pack_records
from services.auditor.pack_archive import Archive
from services.auditor.pack_log import Part
from services.auditor.pack_records import Chosen
from services.auditor.pack_selection import Json, Selection
from services.ledger import read, receipts, tiles
from services.ledger.guard import Guard
from services.runtime.database import Connection

FORMAT = "yinqiao-evidence/v1"
SUFFIX = ".yinqiao-evidence.zip"

Covering: TypeAlias = Callable[[Connection, str, int], tuple[int, str]]
"""Size and note of the checkpoint to prove records of a log with, up to a position."""


class Source(NamedTuple):
    """Where a pack is made: the alliance, all versions of its document, the guard file, and checkpoints."""

    alliance: Alliance
    notes: Sequence[str]
    guarded: Guard | None
    covering: Covering


class Packed(NamedTuple):
    """What a pack holds; `absent` are records of a basis that this node could not give."""

    logs: int
    records: int
    absent: list[Key]


def witnessed(members: Alliance, guarded: Guard | None) -> Covering:
    """The smallest witnessed checkpoint that covers the position, else the latest with what cosigned it."""

    def covering(conn: Connection, log: str, position: int) -> tuple[int, str]:
        if found := receipts.witnessed(conn, members, log, position):
            return found
        size, note = tiles.published(conn, guarded, log)
        return size, receipts.cosigned(conn, log, size, note)

    return covering


def export(conn: Connection, out: BinaryIO, source: Source, selection: Selection, made: str) -> Packed:
    """Write the pack; every record is proved under its checkpoint before it is written.

    The same selection with the same checkpoints and the same `made` (27 characters) gives the same bytes at
    every node. Memory stays flat. Raises NotFound for what is not published here, Damage when what is stored
    does not prove itself; what was written until then is worth nothing.
    """
    with conn.transaction(), Archive(out) as archive:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        sizes = {log: min(_size(conn, source.guarded, log), end) for log, end in read.covered(conn).items()}
        absent = pack_records.choose(conn, sizes, selection)
        chosen = pack_records.chosen(conn)
        _add_documents(archive, source.notes)
        parts = [_add_log(conn, archive, source, each) for each in chosen]
        _add_rest(archive, source, selection, absent, list(zip(chosen, parts, strict=True)), made)
    return Packed(len(chosen), sum(each.records for each in chosen), absent)


def _size(conn: Connection, guarded: Guard | None, log: str) -> int:
    try:
        return tiles.published(conn, guarded, log)[0]
    except errors.NotFound:
        return 0


def _add_documents(archive: Archive, notes: Iterable[str]) -> None:
    archive.add("README.txt", pack_readme.TEXT.encode())
    for name, note in sorted((f"alliance/{version}.note", note) for version, note in enumerate(notes, 1)):
        archive.add(name, note.encode())


def _add_log(conn: Connection, archive: Archive, source: Source, chosen: Chosen) -> Part:
    _, note = source.covering(conn, chosen.log, chosen.last)
    return pack_log.write(conn, archive, source.alliance, chosen, note)


def _add_rest(
    archive: Archive,
    source: Source,
    selection: Selection,
    absent: Iterable[Key],
    parts: Sequence[tuple[Chosen, Part]],
    made: str,
) -> None:
    """The manifest with every digest, and the files that come after it."""
    later = {f"schemas/{type_}.json": _json(catalogue.schema(type_)) for type_ in _known(parts)}
    if selection.report is not None:
        later["report.json"] = selection.report
    digests = archive.digests | {name: pack_archive.digest(content) for name, content in later.items()}
    later["manifest.json"] = _json({
        "format": FORMAT,
        "alliance": source.alliance.id,
        "alliance_digest": alliance.digest(source.notes[0]),
        "made": made,
        "selection": _told(selection, absent),
        "logs": [_part(source.alliance, *each) for each in parts],
        "files": dict(sorted(digests.items())),
    })  # fmt: skip
    for name, content in sorted(later.items()):
        archive.add(name, content)


def _known(parts: Iterable[tuple[Chosen, Part]]) -> list[str]:
    """The types that occur and that this version knows."""
    return sorted({type_ for _, part in parts for type_ in part.types}.intersection(catalogue.EVENTS))


def _told(selection: Selection, absent: Iterable[Key]) -> Json:
    if not selection.basis:
        return selection.told
    return selection.told | {"basis": True, "absent": [f"{log}:{position}" for log, position in absent]}


def _part(members: Alliance, chosen: Chosen, part: Part) -> Json:
    bureau = members.log(chosen.log).bureau
    return {"log": chosen.log, "bureau": bureau, "size": part.size, "records": chosen.records}


def _json(content: Json) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"
