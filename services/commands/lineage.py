"""`yinqiao audit lineage`: from a record to what it rests on, what rests on it, and what it touched."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import typer

from events import errors, keys
from services.auditor import lineage, proving, reports, reproducing, touched
from services.auditor.lineage import Direction, Graph
from services.commands import known, options, screen
from services.commands.options import NODE_TOML, Json, Place, SettingsFile
from services.ledger.guard import Guard, GuardFile
from services.runtime import clock
from services.runtime.database import Connection

Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many records.")]
Proofs = Annotated[bool, typer.Option("--proofs", help="Prove each record; the paths are in the JSON.")]


def run(  # noqa: PLR0913, PLR0917  (one argument an option)
    log: Annotated[str, typer.Option("--log", help="The record's log.")],
    position: Annotated[int, typer.Option("--position", min=1, help="Its position.")],
    direction: Annotated[str, typer.Option("--direction", help="back, forth or both.")] = "both",
    steps: Annotated[int | None, typer.Option("--steps", min=0, help="At most so many steps.")] = None,
    correlated: Annotated[
        bool, typer.Option("--correlated", help="From every record of the same correlation.")
    ] = False,
    limit: Limit = lineage.LIMIT,
    proofs: Proofs = False,
    lang: known.Lang = "zh",
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """What a record rests on and what rests on it, across bureaus; the rows and figures that it touched."""
    place, start = options.place(settings), (log, position)
    with place.connection() as conn:
        graph = lineage.graph(
            conn, start, _direction(direction), limit=limit, steps=steps, correlated=correlated
        )
        told = _document(conn, place, graph, proofs=proofs)
        told["rows"] = [row._asdict() for row in touched.rows(conn, start)]
        told["figures"] = [
            {**each.figure._asdict(), "through": each.through} for each in touched.figures(conn, start)
        ]
    _tell(told, known.language(lang), as_json=as_json)


def behind(
    which: Annotated[str, typer.Argument(help="The report's name or number.")],
    figure: Annotated[str | None, typer.Option("--figure", help="Only behind this figure.")] = None,
    limit: Limit = lineage.LIMIT,
    proofs: Proofs = False,
    lang: known.Lang = "zh",
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """The records that a report's figures count, how they rest on one another, and their proofs."""
    place = options.place(settings)
    with place.connection() as conn:
        report = reports.load(conn, which)
        chosen = [report.figure(figure)] if figure else report.answer.figures
        keys_ = {b.key for f in chosen for b in reproducing.figure_records(conn, report, f.name)}
        graph = lineage.among(conn, sorted(keys_)[:limit], cut=len(keys_) > limit)
        told = _document(conn, place, graph, proofs=proofs)
    _tell(told, known.language(lang), as_json=as_json)


def _direction(text: str) -> Direction:
    for each in get_args(Direction):
        if each == text:
            return each  # type: ignore[no-any-return]  # one of the literal's own
    raise errors.Invalid("--direction is back, forth or both", field="direction")


def _document(conn: Connection, place: Place, graph: Graph, *, proofs: bool) -> dict[str, Any]:
    told = lineage.document(graph, known.names(place.alliance, clock.today(clock.now)))
    if proofs:
        _prove(conn, place, GuardFile(place.settings.guard.file).read(), told["nodes"])
    return told


def _prove(conn: Connection, place: Place, guarded: Guard | None, nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        try:
            proof = proving.prove(conn, place.alliance, guarded, node["log"], node["position"])
        except errors.NotFound as error:
            node["proof"], node["unproved"] = None, error.message
        else:
            node["proof"] = {
                "size": proof.size, "root": keys.encode(proof.root), "leaf": keys.encode(proof.leaf),
                "hashes": [keys.encode(each) for each in proof.hashes], "checkpoint": proof.note,
            }  # fmt: skip


def _tell(told: dict[str, Any], lang: str, *, as_json: bool) -> None:
    if as_json:
        screen.document(told)
        return
    edges: dict[tuple[str, int], list[str]] = {}
    for edge in told["edges"]:
        edges.setdefault(tuple(edge["source"]), []).append(f"{edge['kind']} {_written(edge['target'])}")
    screen.table(("steps", "record", "time", "says", "rests on", "proof"), _lines(told, edges, lang))
    if told["cut"]:
        screen.line(f"cut after {len(told['nodes'])} records: see --limit")
    screen.table(
        ("model", "table", "key"), [(r["model"], r["table"], _key(r["key"])) for r in told.get("rows", ())]
    )
    screen.table(
        ("report", "figure", "value", "through"),
        [(f["name"], f["figure"], f["value"], _written(f["through"])) for f in told.get("figures", ())],
    )


def _lines(
    told: dict[str, Any], edges: dict[tuple[str, int], list[str]], lang: str
) -> Iterator[tuple[object, ...]]:
    for n in told["nodes"]:
        proved = "" if "proof" not in n else f"in {n['proof']['size']}" if n["proof"] else "not proved"
        rests = ", ".join(edges.get((n["log"], n["position"]), []))
        yield n["steps"], f"{n['log']}:{n['position']}", n["time"], n[lang], rests, proved


def _written(key: Any) -> str:
    return f"{key[0]}:{key[1]}" if key else ""


def _key(key: dict[str, Any]) -> str:
    return " ".join(map(str, key.values()))
