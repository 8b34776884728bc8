"""`yinqiao alliance`: show the document, ask to join, propose its next version, sign it, put it in place."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from events import alliance as documents
from events import alliance_changes, alliance_request, errors, notes
from events.alliance_document import Bureau, Document, Key, Log, Node
from events.alliance_request import Request
from services.commands import options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.node import alliances
from services.runtime import clock, files, keys, settings

app = typer.Typer(no_args_is_help=True, help="The alliance document: show, request, propose, sign, publish.")
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
    _write(out or Path(f"{told.name}.request"), note)


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
) -> None:
    """Write the next version with these changes, unsigned; the quorum of this version signs it."""
    current = options.place(file).alliance
    document = current.document
    for path in join or ():
        document = alliance_request.opened(_read(path)).added(document)
    if rotate is not None:
        log, vkey = _pair("--rotate", rotate)
        if from_size is None:
            raise errors.Invalid("--rotate needs --from-size")
        document = alliance_changes.rotated(document, log, vkey, from_size, to_size)
    for each in url or ():
        document = alliance_changes.moved(document, *_pair("--url", each))
    if rename is not None:
        document = alliance_changes.renamed(document, rename, name_zh, name_en, _day(since))
    chosen = None if witnesses is None else tuple(name for name in witnesses.split(",") if name)
    document = alliance_changes.with_policy(document, chosen, needed, heartbeat)
    if quorum:
        document = document.model_copy(update={"quorum": tuple(quorum)})
    proposed = alliance_changes.next_version(current, document)
    _write(out or Path(f"alliance-{proposed.version}.draft"), proposed.write())


@app.command()
def sign(
    draft: DraftFile,
    key: Annotated[Path, typer.Option("--key", help="The file of a key of the quorum.")],
    file: SettingsFile = NODE_TOML,
) -> None:
    """Add one signature of the quorum to the draft, in its place; the same key again changes nothing."""
    current, signer, text = options.place(file).alliance, keys.load(key), _read(draft)
    if signer.verifier.vkey not in current.document.quorum:
        raise errors.Invalid(f"{signer.name} is no key of the quorum of version {current.version}")
    body = _body(text)
    _check_follows(current, body)
    note = notes.sign(body, signer)
    signed = note if body == text else notes.join([text, note])
    files.replace(draft, signed.encode())
    screen.line(f"signed by {_signatures(current, signed)} of {len(current.document.quorum)}")


@app.command()
def publish(draft: DraftFile, file: SettingsFile = NODE_TOML) -> None:
    """Check the signed draft as every node will, and put it beside the others; running nodes take it."""
    told = settings.load(file)
    current = alliances.load(told.alliance.file, told.alliance.digest)
    note = _read(draft)
    found = documents.successor(current, note)
    if found is current:
        screen.line(f"version {current.version} is in place already")
        return
    files.write_new(alliances.version(told.alliance.file, found.version), note.encode())
    screen.line(f"version {found.version} of {found.id} is in place, digest {found.digest}")


def _body(text: str) -> str:
    """The document of a draft, signed by somebody or by nobody yet."""
    try:
        return notes.split(text)[0]
    except errors.Damage:
        return text


def _check_follows(current: documents.Alliance, body: str) -> None:
    found = Document.read(body)
    if (found.version, found.previous) != (current.version + 1, current.digest):
        raise errors.Invalid(f"the draft does not follow version {current.version}, digest {current.digest}")


def _signatures(current: documents.Alliance, note: str) -> int:
    quorum = [notes.Verifier.parse(vkey) for vkey in current.document.quorum]
    return len(notes.open(note, quorum).signatures)


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


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"{path} cannot be read as text: {type(error).__name__}") from None


def _write(path: Path, text: str) -> None:
    files.write_new(path, text.encode())
    screen.line(str(path))
