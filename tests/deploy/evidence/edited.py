"""Packs taken apart, changed and put together again, with or without the digests that then belong to them."""

import json
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from typing import Any, Self

from events import checkpoints, keys, merkle, tiles
from events.checkpoints import Checkpoint
from tests.services.auditor import packs
from tests.services.ledger.nodes import LOG, signer

MANIFEST, REPORT = "manifest.json", "report.json"


class Edited:
    """The files of a pack; `zipped()` as they are, `consistent()` with a manifest that fits them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    @classmethod
    def of(cls, pack: bytes) -> Self:
        with zipfile.ZipFile(BytesIO(pack)) as opened:
            return cls({name: opened.read(name) for name in opened.namelist()})

    def flip(self, name: str, at: int = -3) -> Self:
        """Change one byte."""
        raw = bytearray(self.files[name])
        raw[at] ^= 1
        self.files[name] = bytes(raw)
        return self

    def lines(self, change: Callable[[list[bytes]], object], log: str = LOG) -> Self:
        """Change the lines of a log's records."""
        name = f"log/{log}/records.jsonl"
        lines = self.files[name].splitlines(keepends=True)
        change(lines)
        self.files[name] = b"".join(lines)
        return self

    def json(self, name: str, change: Callable[[dict[str, Any]], object]) -> Self:
        """Change a JSON file."""
        content = json.loads(self.files[name])
        change(content)
        self.files[name] = json.dumps(content).encode()
        return self

    def counted(self) -> Self:
        """Let the manifest tell as many records as there are."""

        def count(manifest: dict[str, Any]) -> None:
            for part in manifest["logs"]:
                part["records"] = self.files[f"log/{part['log']}/records.jsonl"].count(b"\n")

        return self.json(MANIFEST, count)

    def consistent(self) -> bytes:
        """The ZIP, after the manifest was made to name each file's digest."""
        digests = {
            name: sha256(raw).hexdigest() for name, raw in sorted(self.files.items()) if name != MANIFEST
        }
        return self.json(MANIFEST, lambda manifest: manifest.update(files=digests)).zipped()

    def zipped(self, *more: tuple[str, bytes]) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, raw in (*sorted(self.files.items()), *more):
                made.writestr(name, raw)
        return out.getvalue()


def handmade(values: list[bytes], selection: dict[str, Any] | None = None, log: str = LOG) -> Edited:
    """A pack of one log that signed exactly these values (at most 256), whatever they say."""
    leaves = [merkle.leaf_hash(value) for value in values]
    signed = checkpoints.sign_checkpoint(
        Checkpoint(signer(log).name, len(values), merkle.root(leaves)), signer(log)
    )
    texts = packs.versions()
    manifest = {
        "format": "yinqiao-evidence/v1",
        "alliance": "chuanyu",
        "alliance_digest": digest(),
        "made": packs.MADE,
        "selection": selection or {"kind": "bureau", "bureau": log[:6]},
        "logs": [{"log": log, "bureau": log[:6], "size": len(values), "records": len(values)}],
        "files": {},
    }
    subtree = merkle.subtrees(leaves)
    edge = {f"log/{log}/{t.path}": tiles.tile_bytes(t, subtree) for t in tiles.tiles(len(values))}
    return Edited({
        **{f"alliance/{n}.note": text.encode() for n, text in enumerate(texts, 1)},
        f"log/{log}/checkpoint": signed.encode(),
        f"log/{log}/records.jsonl": b"".join(value + b"\n" for value in values),
        **edge,
        MANIFEST: json.dumps(manifest).encode(),
    })  # fmt: skip


def digest() -> str:
    """What a user of the verifier was told."""
    return keys.encode(sha256(packs.versions()[0].rpartition("\n\n")[0].encode() + b"\n").digest())


def places(node: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything in a JSON document, the document itself first."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def put(content: Any, path: tuple[Any, ...], value: object) -> None:
    """Replace what stands at a path of a JSON document."""
    *way, last = path
    for step in way:
        content = content[step]
    content[last] = value
