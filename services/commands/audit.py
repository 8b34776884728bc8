"""`yinqiao audit`: find out whether what is stored is what was signed, and prove it to others."""

from pathlib import Path
from typing import Annotated, Any

import typer

from events import errors, keys
from services.auditor import proving
from services.auditor.proving import Proof
from services.commands import checks, options, screen
from services.commands.options import NODE_TOML, SettingsFile
from services.ledger.guard import GuardFile

app = typer.Typer(no_args_is_help=True, help="Verify what is stored, and prove single records.")
app.command()(checks.verify)
app.command()(checks.replay)
app.command()(checks.diff)


@app.command()
def prove(
    log: Annotated[str, typer.Option("--log", help="The log in which the record stands.")],
    position: Annotated[int, typer.Option("--position", min=1, help="The record's position in it.")],
    settings: SettingsFile = NODE_TOML,
    record: Annotated[Path | None, typer.Option("--record", help="Write the record's bytes here.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Write a .tlog-proof file here.")] = None,
) -> None:
    """Print the proof that a record stands in a signed log: JSON, hashes in base64."""
    place = options.place(settings)
    guarded = GuardFile(place.settings.guard.file).read()
    with place.connection() as conn:
        found = proving.prove(conn, place.alliance, guarded, log, position)
    if record is not None and found.redacted:
        raise errors.Gone(f"record {log}:{position} was redacted: its bytes are served by nobody")
    if record is not None:
        record.write_bytes(found.value)
    if file is not None:
        file.write_text(found.file, "utf-8")
    screen.document(_shown(place.alliance.origin(log), found))


@app.command()
def consistency(
    log: Annotated[str, typer.Option("--log", help="The log.")],
    old: Annotated[int, typer.Option("--from", min=1, help="The smaller size.")],
    new: Annotated[
        int | None, typer.Option("--to", min=1, help="The larger one; the latest if left out.")
    ] = None,
    settings: SettingsFile = NODE_TOML,
) -> None:
    """Print the proof that a log at one size is how it begins at another: JSON, hashes in base64."""
    place = options.place(settings)
    guarded = GuardFile(place.settings.guard.file).read()
    with place.connection() as conn:
        found = proving.consistent(conn, guarded, log, old, new)
    screen.document(
        {
            "log": log,
            "from": {"size": found.old, "root": keys.encode(found.old_root)},
            "to": {"size": found.new, "root": keys.encode(found.new_root)},
            "proof": [keys.encode(node) for node in found.hashes],
        }
    )


def _shown(origin: str, proof: Proof) -> dict[str, Any]:
    return {
        "origin": origin,
        "log": proof.log,
        "position": proof.position,
        "index": proof.position - 1,
        "size": proof.size,
        "root": keys.encode(proof.root),
        "leaf": keys.encode(proof.leaf),
        "proof": [keys.encode(node) for node in proof.hashes],
        "checkpoint": proof.note,
        "witnessed": proof.witnessed,
        "record": None if proof.redacted else proof.value.decode(),
        "redacted": proof.redacted,
    }
