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
from services.auditor.pack_selection import Json, Selection, Sizes
from services.ledger import read, receipts, tiles
from services.ledger.guard import Guard
from services.runtime.database import Connection

FORMAT = "yinqiao-evidence/v1"
SUFFIX = ".yinqiao-evidence.zip"

Covering: TypeAlias = Callable[[Connection, str, int], tuple[int, str]]
"""Size and note of the checkpoint to prove records of a log with, up to a position."""


Reach: TypeAlias = Callable[[Connection, str], int]
"""How far records of a log may be packed."""


class Source(NamedTuple):
    """Where a pack is made: the alliance, all versions of its document, the guard file, and checkpoints.

    `reach`: nothing beyond goes in, though it is published; None for no such bound.
    """

    alliance: Alliance
    notes: Sequence[str]
    guarded: Guard | None
    covering: Covering
    reach: Reach | None = None


class Packed(NamedTuple):
    """What a pack holds; `absent` are records of a basis that this node could not give.

    `awaited`: of logs that were selected from, up to where they are witnessed, and published; what lies
    between was left out.
    """

    logs: int
    records: int
    absent: list[Key]
    awaited: dict[str, tuple[int, int]]


def source(
    members: Alliance, notes: Sequence[str], guarded: Guard | None, *, unwitnessed: bool = False
) -> Source:
    """Of what is witnessed here (decision 16); or also of what is not yet, which the verifier then says."""
    covering = witnessed(members, guarded)
    if unwitnessed:
        return Source(members, notes, guarded, covering)
    return Source(
        members, notes, guarded, covering, lambda conn, log: receipts.witnessed_size(conn, members, log)
    )


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
    every node. Memory stays flat. Raises NotFound for what is not published here, Void, Unavailable for what
    is not witnessed yet, Damage when what is stored does not prove itself; what was written until then is
    worth nothing.
    """
    with conn.transaction(), Archive(out) as archive:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ends = read.covered(conn)
        published = {log: min(_size(conn, source.guarded, log), end) for log, end in ends.items()}
        sizes = _reached(conn, source, published)
        absent = pack_records.choose(conn, sizes, selection, published)
        chosen = pack_records.chosen(conn)
        _add_documents(archive, source.notes)
        parts = [_add_log(conn, archive, source, each) for each in chosen]
        _add_rest(archive, source, selection, absent, list(zip(chosen, parts, strict=True)), made)
    awaited = {
        log: (sizes[log], end) for log, end in published.items() if sizes[log] < end and selection.spans(log)
    }
    return Packed(len(chosen), sum(each.records for each in chosen), absent, awaited)


def _reached(conn: Connection, source: Source, published: Sizes) -> Sizes:
    if (reach := source.reach) is None:
        return published
    known = source.alliance.logs
    return {log: min(end, reach(conn, log)) if log in known else 0 for log, end in published.items()}


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
