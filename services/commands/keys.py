"""`yinqiao keys`: make the keys of a node and of its logs, and show their public parts."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands import screen
from services.commands.options import Json
from services.runtime import keys, settings

app = typer.Typer(no_args_is_help=True, help="Signing keys: create, list.")
Folder = Annotated[Path | None, typer.Option("--dir", help="The folder of the keys.")]
File = Annotated[Path | None, typer.Option("--settings", "-s", help="Or the settings that name the folder.")]


@app.command()
def create(
    alliance: Annotated[str, typer.Option("--alliance", help="The alliance's short name, e.g. chuanyu.")],
    folder: Folder = None,
    file: File = None,
    log: Annotated[list[str] | None, typer.Option("--log", help="Make the key of this log.")] = None,
    node: Annotated[str | None, typer.Option("--node", help="Make the node's key, under this name.")] = None,
    as_json: Json = False,
) -> None:
    """Make keys, each in a file of its own that only we can read; none is ever replaced."""
    if not log and node is None:
        raise typer.BadParameter("say what for: --log and --node")
    chosen = _folder(folder, file)
    made = {name: keys.create_log(chosen, alliance, name).verifier.vkey for name in log or ()}
    if node is not None:
        made[keys.NODE] = keys.create_node(chosen, alliance, node).verifier.vkey
    _tell(made, as_json=as_json)


@app.command("list")
def list_(folder: Folder = None, file: File = None, as_json: Json = False) -> None:
    """The public part of every key, as the alliance document names it."""
    _tell(keys.public(_folder(folder, file)), as_json=as_json)


def _folder(folder: Path | None, file: Path | None) -> Path:
    if (folder is None) == (file is None):
        raise typer.BadParameter("give --dir or --settings")
    return folder if folder is not None else settings.load(file or Path()).keys.dir


def _tell(public: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        screen.document(public)
    else:
        screen.table(("key", "public part"), public.items())
