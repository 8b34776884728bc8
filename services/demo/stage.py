"""The demo on stage: kept in a folder and served until it is ended, or loaded once into a temporary one."""

import json
import tempfile
import time
from pathlib import Path

import typer

from events import errors
from events.alliance import Alliance
from services.demo import agree, world
from services.demo.agree import Agreement
from services.demo.embedded import Embedded
from services.demo.separate import Broker, Separate
from services.demo.world import World
from services.runtime import clock, logs

Demo = Embedded | Separate
AGREE_SECONDS = 120.0
_LOOK = 0.5


def stay(exchange: str, folder: Path, *, fresh: bool) -> list[str]:
    """Serve until KeyboardInterrupt, which is passed on; the data stay in the folder. Raises Unavailable."""
    with world.alone(folder):
        if fresh:
            world.erase(folder)
        with (folder / "log").open("a", encoding="utf-8") as log:
            logs.configure(clock.now, log)
            typer.echo(starting(folder), err=True)
            with _opened(exchange, folder, kept=True) as demo:
                demo.load()
                demo.serve()
                _announce(demo.alliance, folder)
                while True:
                    demo.watch()
                    time.sleep(_LOOK)


def starting(folder: Path) -> str:
    """What is said while the demo starts: that it takes longer, when it has still to be loaded."""
    if World(folder).is_loaded():
        return "正在启动演示 · starting the demo"
    return "正在启动演示，首次启动需装载约一万四千条记录 · starting the demo; the first time it is loaded"


def once(exchange: str, *, as_json: bool) -> list[str]:
    """Load into a temporary folder, print what came out; what is not as it must be."""
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
    document = state.document(time.monotonic() - begin)
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else _told(document))
    return [*open_ends, *state.faults()]


def _loaded(exchange: str, folder: Path) -> tuple[Agreement, list[str]]:
    """What stands at the nodes, and in what they do not agree."""
    with _opened(exchange, folder, kept=False) as demo:
        demo.load()
        open_ends = agree.wait(demo.databases(), demo.alliance, AGREE_SECONDS, demo.watch)
        return agree.state(demo.databases(), demo.alliance, clock.today(clock.now)), open_ends


def _opened(exchange: str, folder: Path, *, kept: bool) -> Demo:
    if exchange == "kafka":
        return Separate(folder, _broker, durable=kept)
    return Embedded(folder, durable=kept)


def _broker(folder: Path) -> Broker:
    """Kafka for development stands in `deploy`, which nothing else of the services needs."""
    from deploy.kafka import broker

    try:
        return broker.start(folder)
    except broker.BrokerError as error:
        raise errors.Unavailable(str(error)) from error


def _announce(alliance: Alliance, folder: Path) -> None:
    typer.echo("\n银桥演示已就绪（演示数据，非真实业务） · Yinqiao demo, not real business\n")
    for node in alliance.document.node:
        hosted = len(alliance.logs_of(node.name))
        typer.echo(f"  {node.name:<10} {node.url}   {hosted}个单位 · bureaus")
    typer.echo(f"\n请打开 · open {alliance.document.node[0].url}")
    typer.echo("页眉可切换经办人和审批人 · switch in the header who acts: clerk or leader of a bureau")
    typer.echo(f"数据保存在{folder}，按Ctrl-C结束 · data stay there; Ctrl-C ends, --fresh starts over")


def _told(document: dict[str, object]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in document.items())
