"""`yinqiao alliance`: show the document, ask to join, propose its next version, sign it, put it in place."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from events import alliance as documents
from events import alliance_changes, alliance_request, errors, notes
from events.alliance_document import Bureau, Document, Key, Log, Node
from events.alliance_request import Request
from services.commands import drafts, options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.ledger import logs, store
from services.node import alliances
from services.runtime import clock, files, keys, settings

app = typer.Typer(no_args_is_help=True, help="The alliance document, from the first version on.")
DraftFile = Annotated[Path, typer.Argument(help="The draft that `alliance propose` wrote.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write it here, to a new file.")]


@app.command()
def show(
    file: SettingsFile = NODE_TOML,
    *,
    text: Annotated[bool, typer.Option("--text", help="The document itself.")] = False,
    as_json: Json = False,
) -> None:
    """The version in use: its digest, logs, nodes and keys."""
    found = options.place(file).alliance
    if as_json:
        screen.document({"digest": found.digest, **found.document.model_dump(mode="json", by_alias=True)})
    elif text:
        screen.line(found.document.write().rstrip("\n"))
    else:
        screen.line(f"{found.id}, version {found.version}, digest {found.digest}")
        rows = [
            (log.name, log.node, k.from_size, k.to_size, k.vkey)
            for log in found.document.log
            for k in log.key
        ]
        screen.table(("log", "node", "from", "to", "key"), rows)


@app.command()
def request(  # noqa: PLR0913  (one a section of the document)
    file: SettingsFile = NODE_TOML,
    *,
    alliance: Annotated[str, typer.Option("--alliance", help="The alliance's short name.")],
    log: Annotated[list[str], typer.Option("--log", help="A log to be hosted, by its bureau's code.")],
    name_zh: Annotated[list[str], typer.Option("--name-zh", help="The bureau's name, one a log.")],
    name_en: Annotated[list[str], typer.Option("--name-en", help="And in English, one a log.")],
    since: Annotated[str, typer.Option("--from", help="The day from which it is called so.")],
    operator: Annotated[str, typer.Option("--operator", help="Who operates the node.")],
    url: Annotated[str, typer.Option("--url", help="Where the other nodes reach it.")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Ask to join: make the keys that are missing, and write a note that they sign."""
    if not len(log) == len(name_zh) == len(name_en):
        raise errors.Invalid("give --name-zh and --name-en once for each --log")
    told, day = settings.load(file), _day(since)
    folder = told.keys.dir
    signers = [_log_key(folder, alliance, name) for name in log]
    node = _node_key(folder, alliance, told.name)
    named = zip(log, name_zh, name_en, strict=True)
    asked = Request.model_construct(
        alliance=alliance,
        bureau=tuple(
            Bureau.model_construct(code=n[:6], name_zh=zh, name_en=en, from_day=day, to_day=None)
            for n, zh, en in named
        ),
        node=(Node.model_construct(name=told.name, operator=operator, url=url, cosigner=node.verifier.vkey),),
        log=tuple(
            Log.model_construct(name=n, bureau=n[:6], node=told.name, key=(Key(vkey=s.verifier.vkey),))
            for n, s in zip(log, signers, strict=True)
        ),
    )
    asked = Request.read(asked.write())  # checked here as it will be at the other end
    note = alliance_request.sign(asked, tuple(signers), node, int(clock.now().timestamp()))
    drafts.write(out or Path(f"{told.name}.request"), note, as_json=as_json)


@app.command()
def propose(  # noqa: PLR0913  (one a kind of change)
    file: SettingsFile = NODE_TOML,
    *,
    join: Annotated[list[Path] | None, typer.Option("--join", help="A request to be added.")] = None,
    rotate: Annotated[str | None, typer.Option("--rotate", help="LOG=VKEY: another key signs it.")] = None,
    from_size: Annotated[
        int | None, typer.Option("--from-size", min=0, help="The new key's first size.")
    ] = None,
    to_size: Annotated[int | None, typer.Option("--to-size", min=0, help="The old key's last size.")] = None,
    close: Annotated[
        str | None, typer.Option("--close", help="LOG: it cannot close itself, and ends here.")
    ] = None,
    at: Annotated[
        int | None, typer.Option("--at", min=1, help="Its last good size; what lies beyond is void.")
    ] = None,
    successor: Annotated[
        str | None, typer.Option("--successor", help="The log that goes on with it; nobody if left out.")
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option("--url", help="NODE=URL: served there from now on.")
    ] = None,
    rename: Annotated[str | None, typer.Option("--rename", help="CODE: another name from --from on.")] = None,
    name_zh: Annotated[str, typer.Option("--name-zh", help="The new name.")] = "",
    name_en: Annotated[str, typer.Option("--name-en", help="And in English.")] = "",
    since: Annotated[str, typer.Option("--from", help="The new name's first day.")] = "",
    witnesses: Annotated[str | None, typer.Option("--witnesses", help="Nodes, by commas.")] = None,
    needed: Annotated[int | None, typer.Option("--needed", min=1, help="How many must cosign.")] = None,
    heartbeat: Annotated[int | None, typer.Option("--heartbeat-minutes", min=1, max=1440)] = None,
    quorum: Annotated[list[str] | None, typer.Option("--quorum", help="The new quorum, a VKEY each.")] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Write the next version with these changes, unsigned; the quorum of this version signs it."""
    place = options.place(file)
    current, document = place.alliance, place.alliance.document
    for path in join or ():
        document = alliance_request.opened(drafts.read(path)).added(document)
    if rotate is not None:
        log, vkey = _pair("--rotate", rotate)
        if from_size is None:
            raise errors.Invalid("--rotate needs --from-size")
        document = alliance_changes.rotated(document, log, vkey, from_size, to_size)
    if close is not None:
        if at is None:
            raise errors.Invalid("--close needs --at")
        document = alliance_changes.closed(document, close, at, _root(place, close, at), successor)
    for each in url or ():
        document = alliance_changes.moved(document, *_pair("--url", each))
    if rename is not None:
        document = alliance_changes.renamed(document, rename, name_zh, name_en, _day(since))
    chosen = None if witnesses is None else tuple(name for name in witnesses.split(",") if name)
    document = alliance_changes.with_policy(document, chosen, needed, heartbeat)
    if quorum:
        document = document.model_copy(update={"quorum": tuple(quorum)})
    proposed = alliance_changes.next_version(current, document)
    path = out or Path(f"alliance-{proposed.version}.draft")
    drafts.write(path, proposed.write(), as_json=as_json, version=proposed.version)


def _root(place: options.Place, log: str, size: int) -> bytes:
    """The root of the log's first records as they are held here. Raises NotFound, Invalid, Damage."""
    with place.connection() as conn:
        logs.state(conn, log)
        if size > (covered := store.latest(conn, log)[0]):
            raise errors.Invalid(f"--at: {covered} records of log {log} are held here under its signature")
        return store.tree_root(conn, log, size)


@app.command()
def sign(
    draft: DraftFile,
    key: Annotated[Path, typer.Option("--key", help="The file of a key of the quorum.")],
    file: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """Add one signature of the quorum to the draft, in its place; the same key again changes nothing.

    For version 1, which is believed by its digest, no settings are needed.
    """
    signer, text = keys.load(key), drafts.read(draft)
    body = _body(text)
    quorum = _quorum(file, body)
    if signer.verifier.vkey not in quorum:
        raise errors.Invalid(f"{signer.name} is no key of the quorum that signs this version")
    note = notes.sign(body, signer)
    signed = note if body == text else notes.join([text, note])
    files.replace(draft, signed.encode())
    count, digest = _signatures(quorum, signed), documents.digest(signed)
    if as_json:
        screen.document({"signed": count, "quorum": len(quorum), "digest": digest})
    else:
        screen.line(f"signed by {count} of {len(quorum)}, digest {digest}")


@app.command()
def publish(draft: DraftFile, file: SettingsFile = NODE_TOML, as_json: Json = False) -> None:
    """Check the signed draft as every node will, and put it beside the others; running nodes take it."""
    told = settings.load(file)
    current = alliances.load(told.alliance.file, told.alliance.digest)
    note = drafts.read(draft)
    found = documents.successor(current, note)
    if found is not current:
        files.write_new(alliances.version(told.alliance.file, found.version), note.encode())
    if as_json:
        screen.document({"version": found.version, "digest": found.digest, "new": found is not current})
    elif found is current:
        screen.line(f"version {current.version} is in place already")
    else:
        screen.line(f"version {found.version} of {found.id} is in place, digest {found.digest}")


def _body(text: str) -> str:
    """The document of a draft, signed by somebody or by nobody yet."""
    try:
        return notes.split(text)[0]
    except errors.Damage:
        return text


def _quorum(file: Path, body: str) -> tuple[str, ...]:
    """Whose signatures the version needs: that of the version before it, or for the first its own."""
    found = Document.read(body)
    if found.version == 1:
        return found.quorum
    current = options.place(file).alliance
    if (found.version, found.previous) != (current.version + 1, current.digest):
        raise errors.Invalid(f"the draft does not follow version {current.version}, digest {current.digest}")
    return current.document.quorum


def _signatures(quorum: Sequence[str], note: str) -> int:
    return len(notes.open(note, [notes.Verifier.parse(vkey) for vkey in quorum]).signatures)


def _log_key(folder: Path, alliance: str, log: str) -> notes.Signer:
    try:
        return keys.load_log(folder, alliance, log)
    except errors.NotFound:
        return keys.create_log(folder, alliance, log)


def _node_key(folder: Path, alliance: str, name: str) -> notes.Signer:
    try:
        return keys.load_node(folder, alliance, name)
    except errors.NotFound:
        return keys.create_node(folder, alliance, name)


def _pair(option: str, text: str) -> tuple[str, str]:
    left, found, right = text.partition("=")
    if not found or not left or not right:
        raise errors.Invalid(f"{option}: write NAME=VALUE, not {text[:60]!r}")
    return left, right


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise errors.Invalid(f"--from: write a day as 2025-11-06, not {text[:20]!r}") from None
