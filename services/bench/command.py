"""`yinqiao bench`: every figure beside its limit, measured in this run, and what is aimed at."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import typer
from rich.console import Console
from rich.table import Column, Table

from services.auditor.workers import Workers
from services.bench import archive, library, scene, seeing
from services.bench.harness import Contest, Figure, percentile
from services.bench.load import Load
from services.bench.moving import Moving
from services.bench.reading import Reading
from services.bench.saving import Saving
from services.bench.scene import ALLIANCE, COMMANDS, HERE, LOGS, THERE, Scene
from services.bench.seeing import Seeing
from services.ledger import logs
from services.node.node import Node
from services.runtime import clock
from services.runtime import logs as log_lines

_WIDTH = 120
RUNNER = "eventsourcing ProjectionRunner"
SAVE = "eventsourcing Application.save"
NAMES = (
    "command", "command-concurrent", "import", "checkpoint", "ship", "receive", "project", "rebuild",
    "verify", "visible-p50-ms", "visible-p99-ms",
)  # fmt: skip
AIMS = {
    "command": 1.0, "command-concurrent": 1.5, "import": 0.8, "ship": 0.75, "receive": 0.45, "project": 30.0,
    "verify": 0.7, "visible-p50-ms": 25.0, "visible-p99-ms": 60.0, "verify-archive": 0.7,
    "proof-p50-ms": 10.0, "proof-p99-ms": 10.0,
}  # fmt: skip
"""Ratios to the limit; of `…-ms` milliseconds."""
ARCHIVE_NAMES = ("verify-archive", "replay-archive", "proof-p50-ms", "proof-p99-ms")
ARCHIVE = 1_000_000
"""Records that are verified, replayed and proved."""
RATES = {"replay-archive": 1_000_000 / 60}
"""What is aimed at as events a second, whatever the limit is."""


class Size(NamedTuple):
    """Rounds, and how much of each thing a round holds."""

    rounds: int
    commands: int
    entries: int
    part: int
    seen: int


QUICK = Size(rounds=3, commands=200, entries=8_000, part=250, seen=100)
WHOLE = Size(rounds=5, commands=1_000, entries=30_000, part=1_000, seen=300)


def run(*, quick: bool, only_archive: bool, as_json: bool) -> None:
    """Measure and show: quickly, only with a large archive, or everything. Raises Unavailable."""
    figures = [] if only_archive else _on_scene(lambda place: measure(place, QUICK if quick else WHOLE))
    if only_archive or not quick:
        figures += _on_scene(lambda place: measure_archive(place, ARCHIVE))
    typer.echo(document(figures)) if as_json else show(figures)


def _on_scene(measured: Callable[[Scene], Iterator[Figure]]) -> list[Figure]:
    """Log lines of what runs inside are left out."""
    with tempfile.TemporaryDirectory(prefix="yinqiao-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's own account must be able to walk in
        with (folder / "log").open("a", encoding="utf-8") as log, scene.scene(folder) as place:
            log_lines.configure(clock.now, log)
            return list(measured(place))


def measure(place: Scene, size: Size) -> Iterator[Figure]:
    """All figures, in the order of their names in `NAMES`. Raises Unavailable."""
    with ExitStack() as stack:
        workers = stack.enter_context(Workers())  # first: they are forked, and here begin threads
        here = stack.enter_context(scene.node(place.settings_file(HERE)))
        there = stack.enter_context(scene.node(place.settings_file(THERE)))
        limit = stack.enter_context(library.saving(place.database("saved")))
        saving = Saving(here.database, limit)
        yield from _commands(saving, size)
        moving = Moving(here, there, place.bootstrap)
        reading = Reading(there, place.database("projected"), size.part, workers)
        yield from _journey(saving, moving, reading, here, size)
    yield from _seen(place, size)


def measure_archive(place: Scene, count: int) -> Iterator[Figure]:
    """The figures of `ARCHIVE_NAMES`, over so many records. Raises Unavailable."""
    with ExitStack() as stack:
        workers = stack.enter_context(Workers())  # first: they are forked, and here begin threads
        there = stack.enter_context(scene.node(place.settings_file(THERE)))
        yield from archive.measure(place, there, workers, count, _tell)


def _commands(saving: Saving, size: Size) -> Iterator[Figure]:
    load = Load(ALLIANCE, [COMMANDS])
    alone, together = Contest("command", SAVE), Contest("command-concurrent", SAVE)
    for _ in _turns(size.rounds, "command"):
        for contest, ours, limit in (
            (alone, saving.one_by_one, saving.limit_one_by_one),
            (together, saving.at_once, saving.limit_at_once),
        ):
            entries = load.starts(size.commands)
            contest.round(lambda: ours(entries), lambda: limit(entries))  # noqa: B023  (called before the next turn)
    yield from (alone.figure(), together.figure())


def _journey(saving: Saving, moving: Moving, reading: Reading, here: Node, size: Size) -> Iterator[Figure]:
    """One history, round by round on its whole way: appended, signed, shipped, received, projected."""
    load = Load(ALLIANCE, LOGS)
    stages = (
        (Contest("import", SAVE), saving.bulk, saving.limit_bulk),
        (Contest("checkpoint", "bare hashing"), moving.sign, moving.limit_sign),
        (Contest("ship", "bare producer"), moving.ship, moving.limit_ship),
        (Contest("receive", "bare consumer"), moving.receive, moving.limit_receive),
        (Contest("project", RUNNER), reading.project, reading.limit_project),
    )
    moving.settle(_heads(here))
    reading.settle()
    for _ in _turns(size.rounds, "import to project"):
        entries = load.take(size.entries)
        for contest, ours, limit in stages:
            contest.round(lambda: ours(entries), lambda: limit(entries))  # noqa: B023  (called before the next turn)
    moving.close()
    figures = [contest.figure() for contest, _, _ in stages]
    yield from figures
    yield Figure("rebuild", reading.rebuild(), RUNNER, figures[-1].limit_rate)
    verifying = Contest("verify", f"bare reading and hashing (one process, not {reading.processes})")
    for _ in _turns(size.rounds, "verify"):
        verifying.round(lambda: reading.verify(LOGS), lambda: reading.limit_verify(LOGS))
    yield verifying.figure()
    reading.close()


def _heads(node: Node) -> int:
    with node.database.connection() as conn:
        return sum(logs.heads(conn).values())


def _seen(place: Scene, size: Size) -> Iterator[Figure]:
    seen = Seeing(place)
    with seeing.members(place) as writer:
        seen.warm_up(writer)
        for _ in _turns(size.rounds, "visible"):
            seen.round(size.seen, writer)
    for percent in (50, 99):
        name, limit = f"visible-p{percent}-ms", "bare produce and consume"
        yield Figure(name, percentile(seen.ours, percent), limit, percentile(seen.bare, percent))


def _turns(rounds: int, what: str) -> Iterator[int]:
    """The rounds, told on standard error when somebody watches."""
    for number in range(rounds):
        _tell(f"{what}: round {number + 1} of {rounds}")
        yield number


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"{what}, load {os.getloadavg()[0]:.1f}", err=True)


def document(figures: list[Figure]) -> str:
    """The figures as one JSON object."""
    shown = [
        {
            "name": f.name, "rate": round(f.rate, 1), "limit": f.limit, "limit_rate": round(f.limit_rate, 1),
            "ratio": round(f.ratio, 2),
        }
        for f in figures
    ]  # fmt: skip
    return json.dumps({"figures": shown})


def show(figures: list[Figure]) -> None:
    """A table for people."""
    table = Table(Column("figure", no_wrap=True), "events/s", "limit", "events/s", "ratio", "aim", "")
    for f in figures:
        shown = f"{f.rate:,.1f}", f.limit, f"{f.limit_rate:,.1f}", f"{f.ratio:.2f}"
        table.add_row(f.name, *shown, *_judged(f))
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)
    load = f"load at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    typer.echo(f"…-ms in milliseconds; {load}")


def _judged(figure: Figure) -> tuple[str, str]:
    """The aim, and whether it was met; nothing where there is none."""
    if (least := RATES.get(figure.name)) is not None:
        aim, met = f"≥ {least:,.0f}/s", figure.rate >= least
    elif (bound := AIMS.get(figure.name)) is None:
        return "", ""
    elif figure.name.endswith("-ms"):
        aim, met = f"≤ {bound:.0f} ms", figure.rate <= bound
    else:
        aim, met = f"≥ {bound:g}", figure.ratio >= bound
    return aim, "met" if met else "missed"
