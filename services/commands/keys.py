"""`yinqiao keys`: make the keys of a node and of its logs, show their public parts, ask for another."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands import options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.runtime import keys, settings

app = typer.Typer(no_args_is_help=True, help="Signing keys: create, rotate, list.")
Folder = Annotated[
    Path | None, typer.Option("--dir", help="The folder of the keys; the one in the settings if left out.")
]


@app.command()
def create(
    alliance: Annotated[str, typer.Option("--alliance", help="The alliance's short name, e.g. chuanyu.")],
    folder: Folder = None,
    file: SettingsFile = NODE_TOML,
    log: Annotated[list[str] | None, typer.Option("--log", help="Make the key of this log.")] = None,
    node: Annotated[str | None, typer.Option("--node", help="Make the node's key, under this name.")] = None,
    quorum: Annotated[
        str | None, typer.Option("--quorum", help="Make a key of the alliance's quorum.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make keys, each in a file of its own that only we can read; none is ever replaced."""
    if not log and node is None and quorum is None:
        raise typer.BadParameter("say what for: --log and --node, or --quorum")
    chosen = _folder(folder, file)
    made = {name: keys.create_log(chosen, alliance, name).verifier.vkey for name in log or ()}
    if node is not None:
        made[keys.NODE] = keys.create_node(chosen, alliance, node).verifier.vkey
    if quorum is not None:
        made[quorum] = keys.create_quorum(chosen, alliance, quorum).verifier.vkey
    _tell(made, as_json=as_json)


@app.command()
def rotate(
    log: Annotated[str, typer.Argument(help="An own log.")],
    file: SettingsFile = NODE_TOML,
    *,
    from_size: Annotated[
        int | None, typer.Option("--from-size", min=0, help="The first size it is to sign; 1000 from now.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the log's next key, and ask for it in the log; it signs once the alliance document names it."""
    from services.node import apart, rotating

    place = options.place(file)
    with apart.opened(place.settings, place.alliance) as node:
        asked = rotating.ask(node, log, from_size)
    if as_json:
        screen.document(asked._asdict())
    else:
        screen.line(f"{asked.vkey} from size {asked.from_size} on, asked for at {log}:{asked.position}")


@app.command("list")
def list_(folder: Folder = None, file: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """The public part of every key, as the alliance document names it."""
    _tell(keys.public(_folder(folder, file)), as_json=as_json)


def _folder(folder: Path | None, file: Path) -> Path:
    return folder if folder is not None else settings.load(file).keys.dir


def _tell(public: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        screen.document(public)
    else:
        screen.table(("key", "public part"), public.items())
