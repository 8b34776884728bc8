"""`yinqiao audit report|reproduce`: keep an answer, and see it come out the same again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from events import errors
from projections.track import Vector
from services.auditor import asking, positions, reports, reproducing
from services.auditor.asking import Asked
from services.auditor.queries import registry
from services.auditor.queries.base import Query
from services.auditor.reports import Made, Report
from services.auditor.reproducing import Outcome
from services.commands import known, lineage, options, screen
from services.commands.options import NODE_TOML, Json, Place, SettingsFile
from services.projector.scratch import Scratch
from services.runtime import clock
from services.runtime.database import Connection

app = typer.Typer(no_args_is_help=True, help="Reports: kept answers that come out the same again.")
Name = Annotated[str, typer.Argument(help="The report's name or number.")]
_SHOWN = 20


@contextmanager
def asked_at(place: Place, what: str) -> Iterator[tuple[Connection, Scratch]]:
    """A patient connection, and what builds read models of past positions while a bar shows how far it is."""
    with place.pool(4) as database, place.connection() as conn, screen.progress(what) as progress:
        yield conn, Scratch(database, progress)


@app.command()
def queries(as_json: Json = False) -> None:
    """The queries there are, and what each may be told."""
    told = [
        {
            "name": q.name, "zh": q.zh, "en": q.en, "model": q.model.name, "version": q.version,
            "parameters": q.parameters.model_json_schema()["properties"],
        }
        for q in registry.QUERIES
    ]  # fmt: skip
    if as_json:
        screen.document(told)
    else:
        screen.table(
            ("query", "中文", "English", "parameters"),
            [(q["name"], q["zh"], q["en"], ", ".join(q["parameters"])) for q in told],
        )


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="A name of its own.")],
    query: Annotated[str, typer.Option("--query", help="Which query; `queries` lists them.")],
    given: Annotated[
        list[str] | None, typer.Option("--with", help="A parameter, name=value; may stand several times.")
    ] = None,
    day: known.Date = None,
    vector: known.Positions = None,
    locked: Annotated[bool, typer.Option("--locked", help="Cite witnessed positions only.")] = False,
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """Ask a query, now or at what was known then, and keep the answer under a name."""
    place, asks = options.place(settings), registry.find(query)
    parameters = asks.read(_pairs(given or []), clock.today(clock.now))
    with asked_at(place, f"save {name}") as (conn, build):
        at = _positions(conn, place, known.vector(conn, day, vector), locked=locked)
        asked = _ask(conn, build, asks, parameters, at)
        made = Made(clock.now(), f"node/{place.settings.name}", known.code())
        number = reports.save(conn, name, asked, made, locked=locked)
        report = reports.load(conn, str(number))
    _tell(report, as_json=as_json)


def _positions(conn: Connection, place: Place, at: Vector | None, *, locked: bool) -> Vector | None:
    """Where to ask; of a locked report what lies within the witnessed positions."""
    if not locked:
        return at
    witnessed = positions.witnessed(conn, place.alliance)
    if not witnessed:
        raise errors.Unavailable("nothing is witnessed yet: a locked report waits for receipts")
    return witnessed if at is None else positions.within(at, witnessed)


def _ask(conn: Connection, build: Scratch, query: Query[Any], parameters: Any, at: Vector | None) -> Asked:
    if at is None:
        return asking.ask_now(conn, build, query, parameters)
    return asking.ask_then(conn, build, query, parameters, at)


def _pairs(given: Sequence[str]) -> dict[str, str]:
    if wrong := [text for text in given if "=" not in text]:
        raise errors.Invalid(f"--with is written name=value, not {wrong[0][:40]!r}", field="with")
    return dict(text.split("=", 1) for text in given)


@app.command("list")
def list_(settings: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """The reports that are kept, the newest first."""
    with options.place(settings).connection() as conn:
        heads = reports.heads(conn)
    if as_json:
        screen.document([head._asdict() for head in heads])
    else:
        screen.table(
            ("number", "name", "query", "locked", "made", "by", "digest"),
            [(h.id, h.name, h.query, h.locked, h.made, h.made_by, h.digest) for h in heads],
        )


@app.command()
def show(
    which: Name,
    settings: SettingsFile = NODE_TOML,
    records: Annotated[bool, typer.Option("--records", help="With every record behind it; JSON.")] = False,
    as_json: Json = False,
) -> None:
    """One report: its figures and rows, and with --records what they rest on, as evidence packs take it."""
    with options.place(settings).connection() as conn:
        report = reports.load(conn, which)
        document = reproducing.document(conn, report) if records else None
    if document is not None:
        screen.document(document)
    else:
        _tell(report, as_json=as_json)


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        screen.document({**report.content, **_about(report)})
        return
    for name, value in _about(report).items():
        screen.line(f"{name}: {value}")
    screen.line("positions: " + ",".join(f"{log}:{at}" for log, at in report.vector.items()))
    screen.line(f"waiting: {len(report.aside.waiting)}, left out: {len(report.aside.left_out)}")
    screen.table(
        ("figure", "中文", "English", "value", "streams"),
        [(f.name, f.zh, f.en, f.value, len(f.streams)) for f in report.answer.figures],
    )


def _about(report: Report) -> dict[str, Any]:
    return {
        "id": report.id, "name": report.name, "query": report.query, "digest": report.digest,
        "locked": report.locked, "code": report.code, "made": report.made.isoformat(), "by": report.made_by,
    }  # fmt: skip


def reproduce(
    which: Name,
    settings: SettingsFile = NODE_TOML,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many differences to tell.")] = 100,
    as_json: Json = False,
) -> None:
    """Make a report again from the records themselves. Exit code 1: it comes out otherwise, and where."""
    place = options.place(settings)
    with asked_at(place, f"reproduce {which}") as (conn, build):
        outcome = reproducing.reproduce(conn, build, reports.load(conn, which), limit)
    _tell_outcome(outcome, as_json=as_json)
    raise typer.Exit(0 if outcome.same else 1)


app.command("reproduce")(reproduce)
app.command("lineage")(lineage.behind)


def _tell_outcome(outcome: Outcome, *, as_json: bool) -> None:
    report = outcome.report
    if as_json:
        screen.document({
            "same": outcome.same, "name": report.name, "digest": report.digest, "again": outcome.again,
            "code": {"then": report.code, "now": known.code()},
            "differences": [d._asdict() for d in outcome.differences],
            "void": [each._asdict() for each in outcome.void],
        })  # fmt: skip
        return
    screen.line(f"{report.name}: {'the same' if outcome.same else 'NOT the same'}")
    for log, size, records in outcome.void:
        screen.line(f"log {log} was closed at size {size}: {records} records that it knew are void since")
    screen.line(f"kept   {report.digest}")
    screen.line(f"again  {outcome.again}")
    screen.table(("where", "kept", "again"), outcome.differences[:_SHOWN])
    if (more := len(outcome.differences) - _SHOWN) > 0:
        screen.line(f"and {more} more: see --json")
