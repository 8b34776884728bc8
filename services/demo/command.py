"""`yinqiao demo`: start the demo, load it once and serve its pages; or load it only and say what came out."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from events import errors

DEFAULT = Path(".yinqiao/demo")


def run(
    exchange: Annotated[
        Literal["inprocess", "kafka"], typer.Option(help="kafka: a real broker, and a process per node.")
    ] = "inprocess",
    folder: Annotated[Path, typer.Option(help="Where the data stay for the next start.")] = DEFAULT,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the data away and start over.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Load into a temporary folder, check, end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object.")] = False,
) -> None:
    """演示：四个节点、25个单位。Four nodes and 25 bureaus with made-up business; Ctrl-C ends it.

    With --once exit code 0 means that all nodes agree and every log verifies, 1 that something differs.
    """
    from services.demo import stage  # brings everything along: `yinqiao --help` goes without

    if as_json and not once:
        raise errors.Invalid("--json goes with --once")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        faults = stage.once(exchange, as_json=as_json) if once else stage.stay(exchange, folder, fresh=fresh)
    except KeyboardInterrupt:
        typer.echo("演示已停止 · stopped", err=True)
        return
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)


def _interrupt(_: int, __: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does; once, so that nothing cuts the ending short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
