"""`yinqiao alliance found`: version 1 of an alliance document, made of the first nodes' requests."""

from pathlib import Path
from typing import Annotated

import typer

from events import alliance_changes, alliance_request
from events.alliance_document import Document
from services.commands import drafts
from services.commands.options import Json


def found(
    join: Annotated[list[Path], typer.Option("--join", help="A node's request, one for each of the first.")],
    quorum: Annotated[list[str], typer.Option("--quorum", help="Who signs the next versions, a VKEY each.")],
    *,
    witnesses: Annotated[str, typer.Option("--witnesses", help="Nodes, by commas.")] = "",
    needed: Annotated[int | None, typer.Option("--needed", min=1, help="How many must cosign.")] = None,
    heartbeat: Annotated[int | None, typer.Option("--heartbeat-minutes", min=1, max=1440)] = None,
    out: Annotated[Path, typer.Option("--out", help="Write it here, to a new file.")] = Path(
        "alliance-1.draft"
    ),
    as_json: Json = False,
) -> None:
    """Write version 1, unsigned; its own quorum signs it, and all trust rests on its digest."""
    asked = [alliance_request.opened(drafts.read(path)) for path in join]
    document = Document.model_construct(alliance=asked[0].alliance, version=1, quorum=tuple(quorum))
    for request in asked:
        document = request.added(document)
    chosen = tuple(name for name in witnesses.split(",") if name)
    document = alliance_changes.with_policy(document, chosen, needed, heartbeat)
    text = Document.read(document.write()).write()  # checked here as it will be at every node
    drafts.write(out, text, as_json=as_json, version=1)
