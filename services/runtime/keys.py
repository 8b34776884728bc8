"""Key files: one private key each, `<log>.key` and `node.key`, as Go's signer keys (contracts.md, "Keys").

Further keys of a log, made to follow the first, stand in `<log>-<key id>.key`.
"""

import os
from collections.abc import Callable
from pathlib import Path

from events import checkpoints, errors, notes
from services.runtime import files

SEED_SIZE = 32
NODE = "node"
_NEXT = "-" + "[0-9a-f]" * 8


def create_log(
    folder: Path, alliance: str, log: str, random: Callable[[int], bytes] = os.urandom
) -> notes.Signer:
    """A new key for a log, in `<log>.key`. Raises Conflict when there is one."""
    return _create(folder, log, checkpoints.origin(alliance, log), notes.Kind.ED25519, random)


def create_next(
    folder: Path, alliance: str, log: str, random: Callable[[int], bytes] = os.urandom
) -> notes.Signer:
    """One more key for a log, in a file named by its key id: it signs once the alliance document names it."""
    signer = notes.Signer(checkpoints.origin(alliance, log), random(SEED_SIZE))
    return _write(folder, f"{log}-{signer.verifier.id.hex()}", signer)


def create_quorum(
    folder: Path, alliance: str, name: str, random: Callable[[int], bytes] = os.urandom
) -> notes.Signer:
    """A new key of the alliance's quorum, in `<name>.key`: it belongs on no node. Raises Conflict."""
    return _create(
        folder, name, f"{checkpoints.origin(alliance, 'quorum')}/{name}", notes.Kind.ED25519, random
    )


def create_node(
    folder: Path, alliance: str, name: str, random: Callable[[int], bytes] = os.urandom
) -> notes.Signer:
    """A new cosigner key for this node, in `node.key`. Raises Conflict when there is one."""
    return _create(folder, NODE, checkpoints.node_key(alliance, name), notes.Kind.COSIGNATURE, random)


def load_log(folder: Path, alliance: str, log: str) -> notes.Signer:
    """The key of a log. Raises NotFound, and Invalid for an open, foreign or malformed file."""
    return _expect(folder, log, checkpoints.origin(alliance, log), notes.Kind.ED25519)


def load_all(folder: Path, alliance: str, log: str) -> list[notes.Signer]:
    """The keys of a log that are held, the first one first. Raises NotFound for none, else as `load_log`."""
    stems = sorted(path.stem for path in folder.glob(f"{log}{_NEXT}.key"))
    name = checkpoints.origin(alliance, log)
    if not stems or _path(folder, log).exists():
        stems.insert(0, log)
    return [_expect(folder, stem, name, notes.Kind.ED25519) for stem in stems]


def load(file: Path) -> notes.Signer:
    """The key in a file of any name. Raises NotFound, Invalid."""
    return _load(file)


def load_node(folder: Path, alliance: str, name: str) -> notes.Signer:
    """The key of this node. Raises as `load_log`."""
    return _expect(folder, NODE, checkpoints.node_key(alliance, name), notes.Kind.COSIGNATURE)


def public(folder: Path) -> dict[str, str]:
    """The public part (vkey) of every key in the folder, by the file's name without `.key`."""
    return {path.stem: _load(path).verifier.vkey for path in sorted(folder.glob("*.key"))}


def _create(
    folder: Path, stem: str, name: str, kind: notes.Kind, random: Callable[[int], bytes]
) -> notes.Signer:
    return _write(folder, stem, notes.Signer(name, random(SEED_SIZE), kind))


def _write(folder: Path, stem: str, signer: notes.Signer) -> notes.Signer:
    files.make_folder(folder)
    files.write_new(_path(folder, stem), f"{signer.line}\n".encode())
    return signer


def _expect(folder: Path, stem: str, name: str, kind: notes.Kind) -> notes.Signer:
    path = _path(folder, stem)
    signer = _load(path)
    if (signer.name, signer.kind) != (name, kind):
        raise errors.Invalid(
            f"{path} holds the key {signer.name} of type {signer.kind}, not {name} of type {kind}"
        )
    return signer


def _load(path: Path) -> notes.Signer:
    """Messages name the file and never what it holds."""
    files.refuse_open(path.parent)
    line, end, rest = files.read(path).partition(b"\n")
    if not end or rest:
        raise errors.Invalid(f"{path} must hold one line")
    try:
        return notes.Signer.parse(line.decode("ascii"))
    except (UnicodeDecodeError, errors.Invalid):
        raise errors.Invalid(f"{path} holds no signer key as Go's note package writes it") from None


def _path(folder: Path, stem: str) -> Path:
    return folder / f"{stem}.key"
