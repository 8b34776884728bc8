"""Checkpoints (C2SP tlog-checkpoint): a log's signed statement "N entries, this root hash".

The name of a log's key is its origin, `<alliance>.yinqiao/<log>`; that of a node's key is
`<alliance>.yinqiao/node/<name>`.
"""

import re
from dataclasses import dataclass
from typing import Self

from events import errors, keys, merkle, notes
from events.values import LOG

SIZE_LIMIT = 2**63
_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")
_ORIGIN = re.compile(rf"([a-z0-9-]+)\.yinqiao/({LOG})")


def origin(alliance: str, log: str) -> str:
    """The origin of a log, which is the name of its keys."""
    return f"{alliance}.yinqiao/{log}"


def node_key(alliance: str, node: str) -> str:
    """The name of a node's key."""
    return f"{alliance}.yinqiao/node/{node}"


def log_of(origin: str) -> tuple[str, str]:
    """(alliance, log) of an origin; Damage when it is none of ours."""
    if not (match := _ORIGIN.fullmatch(origin)):
        raise errors.Damage(f"the origin {origin!r} names no log")
    return match[1], match[2]


@dataclass(frozen=True)
class Checkpoint:
    """The first `size` records of the log `origin` hash to `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.size < SIZE_LIMIT or len(self.root) != merkle.HASH_SIZE:
            raise errors.Damage(f"checkpoint of {self.origin}: no tree has size {self.size} and such a root")
        if self.size == 0 and self.root != merkle.EMPTY_ROOT:
            raise errors.Damage(f"checkpoint of {self.origin}: an empty log has the root of nothing")

    @property
    def text(self) -> str:
        """What is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{keys.encode(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read exactly what `text` writes; Damage for anything else, extension lines too."""
        match = _TEXT.fullmatch(text)
        root = match and keys.decode(match[3])
        if not match or not root:
            raise errors.Damage("a checkpoint is an origin, a size and a root, in three lines")
        return cls(match[1], int(match[2]), root)


def sign_checkpoint(checkpoint: Checkpoint, *signers: notes.Signer) -> str:
    """The note; around a rotation the old and the new key sign. Invalid for a key of another name."""
    _check_names(checkpoint.origin, [signer.verifier for signer in signers])
    return notes.sign(checkpoint.text, *signers)


def open_checkpoint(note: str | bytes, *verifiers: notes.Verifier) -> Checkpoint:
    """The checkpoint, signed by at least one of these keys of one log and wrongly by none; else Damage."""
    checkpoint = Checkpoint.parse(notes.open(note, verifiers).text)
    if any(v.name != checkpoint.origin or v.kind is not notes.Kind.ED25519 for v in verifiers):
        raise errors.Damage(f"the checkpoint is of {checkpoint.origin}, the key is not")
    return checkpoint


def open_receipt(
    note: str | bytes, cosigner: notes.Verifier, *verifiers: notes.Verifier
) -> tuple[Checkpoint, int]:
    """A log's checkpoint with a node's cosignature: the checkpoint, and when it was cosigned (seconds).

    Damage unless both the log and the cosigner signed.
    """
    checkpoint = open_checkpoint(note, *verifiers)
    (signature,) = notes.open(note, [cosigner]).signatures
    if signature.time is None:
        raise errors.Damage(f"{cosigner.name} signed without a time: that is no receipt")
    return checkpoint, signature.time


def unverified(note: str | bytes) -> Checkpoint:
    """What a note claims, to look up the keys that must have signed it. Prove it before anything is done."""
    return Checkpoint.parse(notes.split(note)[0])


def _check_names(origin: str, verifiers: list[notes.Verifier]) -> None:
    if wrong := [verifier.name for verifier in verifiers if verifier.name != origin]:
        raise errors.Invalid(f"a checkpoint of {origin} is signed by keys of that name, not of {wrong[0]}")
