"""`yinqiao audit export`: one file from which anybody can check records without this node."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from events import alliance, errors
from services.auditor import pack, pack_selection, reports, reproducing
from services.auditor.pack import Packed, Source
from services.auditor.pack_selection import Selection
from services.commands import moments, options, screen
from services.commands.options import NODE_TOML, Json, Place, SettingsFile
from services.ledger.guard import GuardFile
from services.node import alliances
from services.runtime import clock
from services.runtime.database import Connection

File = Annotated[Path, typer.Argument(help=f"The new file, named …{pack.SUFFIX} by custom.")]
Report = Annotated[str | None, typer.Option("--report", help="What a report rests on: its name or number.")]
Records = Annotated[
    list[str] | None, typer.Option("--record", help="A record, log:position; may stand several times.")
]
Log = Annotated[str | None, typer.Option("--log", help="The log of the stream.")]
Stream = Annotated[str | None, typer.Option("--stream", help="A subject: the stream's UUID, with --log.")]
Bureau = Annotated[
    str | None, typer.Option("--bureau", help="All logs of a bureau; or its part of a period.")
]
First = Annotated[str | None, typer.Option("--from", help="A period: its first day (YYYY-MM-DD).")]
Last = Annotated[str | None, typer.Option("--to", help="Its last day.")]
Unwitnessed = Annotated[
    bool, typer.Option("--unwitnessed", help="Also what is not witnessed yet; the verifier then says so.")
]
Basis = Annotated[bool, typer.Option("--basis", help="And all records that these rest on.")]


def export(  # noqa: PLR0913, PLR0917  (one argument an option)
    file: File,
    report: Report = None,
    record: Records = None,
    log: Log = None,
    stream: Stream = None,
    bureau: Bureau = None,
    first: First = None,
    last: Last = None,
    basis: Basis = False,
    unwitnessed: Unwitnessed = False,
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """Write an evidence pack; deploy/evidence/verify.py checks it anywhere, and says what it proves."""
    place = options.place(settings)
    source = _source(place, unwitnessed=unwitnessed)
    with place.connection() as conn, screen.waiting("export"), _new(file) as out:
        found = _selections(conn, report, record, (log, stream), (first, last), bureau, basis=basis)
        if len(found) != 1:
            raise errors.Invalid(
                "choose one: --report, --record, --log with --stream, --bureau, or --from with --to"
            )
        packed = pack.export(conn, out, source, found[0], clock.text(clock.now()))
    _tell(file, source, packed, as_json=as_json)


def _source(place: Place, *, unwitnessed: bool) -> Source:
    told = place.settings
    versions = alliances.Versions(told.alliance.file, told.alliance.digest)
    texts = [versions.note(number) or "" for number in range(1, versions.current.version + 1)]
    guarded = GuardFile(told.guard.file).read()
    return pack.source(versions.current, texts, guarded, unwitnessed=unwitnessed)


@contextmanager
def _new(file: Path) -> Iterator[BinaryIO]:
    """A new file that stands only when it is whole. Raises Invalid when there is one, or no folder for it."""
    if file.exists() or not file.parent.is_dir():
        raise errors.Invalid(f"{file} exists already, or its folder does not", field="file")
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w+b") as out:
            yield out
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _selections(
    conn: Connection,
    report: str | None,
    record: Sequence[str] | None,
    subject: tuple[str | None, str | None],
    days: tuple[str | None, str | None],
    bureau: str | None,
    *,
    basis: bool,
) -> list[Selection]:
    """Everything that was asked for, of which there should be one."""
    found: list[Selection] = []
    if report is not None:
        document = reproducing.document(conn, reports.load(conn, report))
        found.append(pack_selection.report(document, basis=basis))
    if record:
        found.append(pack_selection.records(map(moments.key, record), basis=basis))
    if subject[0] and subject[1]:
        found.append(pack_selection.subject(subject[0], subject[1], basis=basis))
    first, last = days
    if first and last:
        found.append(pack_selection.period(*_period(first, last), bureau, basis=basis))
    elif bureau is not None:
        found.append(pack_selection.bureau(bureau, basis=basis))
    return found if _complete(subject) and _complete(days) else []


def _complete(pair: tuple[str | None, str | None]) -> bool:
    return (pair[0] is None) == (pair[1] is None)


def _period(first: str, last: str) -> tuple[str, str]:
    """From the last moment before the first day to the last moment of the last one. Raises Invalid."""
    try:
        before = date.fromisoformat(first) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise errors.Invalid("--from is a day, YYYY-MM-DD", field="from") from None
    return moments.end_of_day(before.isoformat()), moments.end_of_day(last)


def _tell(file: Path, source: Source, packed: Packed, *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "file": str(file),
        "logs": packed.logs,
        "records": packed.records,
        "absent": [f"{log}:{position}" for log, position in packed.absent],
        "awaited": [
            {"log": log, "witnessed": witnessed, "published": published}
            for log, (witnessed, published) in packed.awaited.items()
        ],
        "alliance_digest": alliance.digest(source.notes[0]),
    }
    if as_json:
        screen.document(told)
        return
    screen.line(f"{file}: {packed.records} records of {packed.logs} logs")
    if packed.absent:
        screen.line(f"not held here, though rested on: {', '.join(told['absent'])}")
    for log, (witnessed, published) in packed.awaited.items():
        screen.line(f"left out: records {witnessed + 1} to {published} of log {log} are not witnessed yet")
    screen.line(f"digest of the alliance's version 1: {told['alliance_digest']}")
    screen.line("give that digest and the verifier by another way than the pack: they are what is trusted")
