"""The demo's alliance document: version 1 at the first start, a signed successor when an address changes."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from events import alliance, checkpoints, errors, notes
from events.alliance import Alliance, Bureau, Document, Key, Log, Node, Policy
from services.demo import facts
from services.node import alliances
from services.runtime import files, keys

NAME = "chuanyu"
OPERATORS = {
    "chongqing": "重庆节点运行方（演示）",
    "sichuan": "四川节点运行方（演示）",
    "guests": "外省市节点运行方（演示）",
    "observer": "观察节点运行方（演示）",
}
"""The demo's nodes, in the order in which they are shown; the last hosts no log."""
QUORUM = ("chongqing", "sichuan", "guests")
"""Who signs the document: two of these three suffice."""
_SINCE = date(2020, 1, 1)


def hosted(node: str) -> list[str]:
    """The logs that a node hosts, each named as its bureau."""
    return [bureau["code"] for bureau in facts.bureaus() if bureau["node"] == node]


def ensure(folder: Path, keys_of: Callable[[str], Path], urls: Mapping[str, str]) -> tuple[Alliance, str]:
    """The alliance in `folder` with these addresses, and the digest of its version 1.

    Makes keys and version 1 when there are none, and a successor when an address changed. Killed at any
    instant, the next call goes on with what is there.
    """
    file = folder / "alliance.note"
    signers = [_quorum_key(folder / "quorum", name) for name in QUORUM]
    if not file.exists():
        files.write_new(file, notes.sign(_first(keys_of, urls, signers).write(), *signers).encode())
    digest = alliance.digest(file.read_text("utf-8"))
    found = alliances.load(file, digest)
    if urls != {node.name: node.url for node in found.document.node}:
        note = notes.sign(_next(found, urls).write(), *signers)
        files.write_new(alliances.version(file, found.version + 1), note.encode())
        found = alliances.load(file, digest)
    return found, digest


def addresses(folder: Path) -> dict[str, str]:
    """The addresses of the nodes as they stand in the newest version; empty before the first start."""
    file = folder / "alliance.note"
    if not file.exists():
        return {}
    found = alliances.load(file, alliance.digest(file.read_text("utf-8")))
    return {node.name: node.url for node in found.document.node}


def _first(
    keys_of: Callable[[str], Path], urls: Mapping[str, str], quorum: Sequence[notes.Signer]
) -> Document:
    return Document(
        alliance=NAME, version=1, quorum=tuple(signer.verifier.vkey for signer in quorum),
        bureau=tuple(
            Bureau(code=b["code"], name_zh=b["zh"], name_en=b["en"], from_day=_SINCE) for b in facts.bureaus()
        ),
        node=tuple(
            Node(name=name, operator=operator, url=urls[name], cosigner=_node_key(keys_of(name), name))
            for name, operator in OPERATORS.items()
        ),
        log=tuple(_log(b["code"], b["node"], keys_of(b["node"])) for b in facts.bureaus()),
        policy=Policy(witnesses=tuple(OPERATORS)),
    )  # fmt: skip


def _log(code: str, node: str, folder: Path) -> Log:
    return Log(name=code, bureau=code, node=node, key=(Key(vkey=_log_key(folder, code)),))


def _next(found: Alliance, urls: Mapping[str, str]) -> Document:
    old = found.document
    moved = tuple(node.model_copy(update={"url": urls[node.name]}) for node in old.node)
    return old.model_copy(update={"version": old.version + 1, "previous": found.digest, "node": moved})


def _node_key(folder: Path, name: str) -> str:
    return _had(lambda: keys.load_node(folder, NAME, name), lambda: keys.create_node(folder, NAME, name))


def _log_key(folder: Path, log: str) -> str:
    return _had(lambda: keys.load_log(folder, NAME, log), lambda: keys.create_log(folder, NAME, log))


def _had(load: Callable[[], notes.Signer], create: Callable[[], notes.Signer]) -> str:
    try:
        return load().verifier.vkey
    except errors.NotFound:
        return create().verifier.vkey


def _quorum_key(folder: Path, name: str) -> notes.Signer:
    path = folder / f"{name}.key"
    files.make_folder(folder)
    if not path.exists():
        seed = os.urandom(keys.SEED_SIZE)
        signer = notes.Signer(f"{checkpoints.origin(NAME, 'quorum')}/{name}", seed)
        files.write_new(path, f"{signer.line}\n".encode())
    return notes.Signer.parse(files.read(path).decode("ascii").removesuffix("\n"))
