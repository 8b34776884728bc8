"""`yinqiao demo`: start the demo, load it once, and serve its pages, or load it only and say what came out."""

import json
import signal
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from events import errors
from events.alliance import Alliance
from services.demo import agree, world
from services.demo.agree import Agreement
from services.demo.embedded import Embedded
from services.demo.separate import Broker, Separate
from services.runtime import clock, logs

Demo = Embedded | Separate
AGREE_SECONDS = 120.0
_LOOK = 0.5
_DEFAULT = Path(".yinqiao/demo")


def run(
    exchange: Annotated[
        Literal["inprocess", "kafka"], typer.Option(help="kafka: a real broker, and a process per node.")
    ] = "inprocess",
    folder: Annotated[Path, typer.Option(help="Where the data stay for the next start.")] = _DEFAULT,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the data away and start over.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Load into a temporary folder, check, end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object.")] = False,
) -> None:
    """演示:四个节点、25个单位。Four nodes and 25 bureaus with made-up business; Ctrl-C ends it.

    With --once exit code 0 means that all nodes agree and every log verifies, 1 that something differs.
    """
    if as_json and not once:
        raise errors.Invalid("--json goes with --once")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _once(exchange, as_json=as_json) if once else _stay(exchange, folder, fresh=fresh)
    except KeyboardInterrupt:
        typer.echo("演示已停止 · stopped", err=True)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _opened(exchange: str, folder: Path, *, durable: bool) -> Demo:
    if exchange == "kafka":
        return Separate(folder, _broker, durable=durable)
    return Embedded(folder, durable=durable)


def _broker(folder: Path) -> Broker:
    """Kafka for development stands in `deploy`, which nothing else of the services needs."""
    from deploy.kafka import broker

    try:
        return broker.start(folder)
    except broker.BrokerError as error:
        raise errors.Unavailable(str(error)) from error


def _stay(exchange: str, folder: Path, *, fresh: bool) -> None:
    with world.alone(folder):
        if fresh:
            world.erase(folder)
        with (folder / "log").open("a", encoding="utf-8") as log:
            logs.configure(clock.now, log)
            typer.echo(f"正在启动演示,首次启动需装载约一万四千条记录 · starting in {folder}", err=True)
            with _opened(exchange, folder, durable=True) as demo:
                demo.load()
                demo.serve()
                _announce(demo.alliance, folder)
                while True:
                    demo.watch()
                    time.sleep(_LOOK)


def _announce(alliance: Alliance, folder: Path) -> None:
    typer.echo("\n银桥演示已就绪(演示数据,非真实业务) · Yinqiao demo, not real business\n")
    for node in alliance.document.node:
        hosted = len(alliance.logs_of(node.name))
        typer.echo(f"  {node.name:<10} {node.url}   {hosted} 个单位 · bureaus")
    first = alliance.document.node[0].url
    typer.echo(f"\n请打开 · open {first}")
    typer.echo("页眉可切换经办人和审批人 · switch in the header who acts: a clerk or a leader of each bureau")
    typer.echo(
        f"数据保存在 {folder},按 Ctrl-C 结束;重新开始:--fresh · data stay; Ctrl-C ends; --fresh starts over"
    )


def _once(exchange: str, *, as_json: bool) -> None:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yinqiao-demo-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's own account must be able to walk in
        with (folder / "log").open("a", encoding="utf-8") as log:
            logs.configure(clock.now, log)
            try:
                state, open_ends = _loaded(exchange, folder)
            finally:
                world.erase(folder)
    faults = [*open_ends, *state.faults()]
    document = state.document(time.monotonic() - begin)
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else _told(document))
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)


def _loaded(exchange: str, folder: Path) -> tuple[Agreement, list[str]]:
    """What stands at the nodes, and in what they do not agree."""
    with _opened(exchange, folder, durable=False) as demo:
        demo.load()
        open_ends = agree.wait(demo.databases(), demo.alliance, AGREE_SECONDS, demo.watch)
        return agree.state(demo.databases(), demo.alliance, clock.today(clock.now)), open_ends


def _told(document: dict[str, object]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in document.items())
