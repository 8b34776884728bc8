"""Signed notes (C2SP signed-note) and timestamped cosignatures on them (C2SP tlog-cosignature).

A note is a text, a blank line, and signature lines. What is malformed or signed wrongly is Damage;
what we are asked to write and cannot is Invalid.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from events import errors, keys
from events.keys import Kind, Signature, Signer, Verifier

__all__ = [
    "Kind",
    "Line",
    "Note",
    "Signature",
    "Signer",
    "Verifier",
    "cosign",
    "join",
    "keep",
    "open",
    "sign",
    "split",
]

MAX_BYTES = 4_000_000
"""An alliance of 3,200 bureaus takes over one million."""
MAX_SIGNATURES = 100
SERVED_SIGNATURES = 15
"""What a served note may carry: verifiers must accept 16, so that one more may be added on the way."""
_ID_SIZE = 4
_DASH = "\u2014 "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")


class Line(NamedTuple):
    """One signature line, not yet verified: key name, key id (4 bytes), what the key made."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {keys.encode(self.id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A text and its verified signatures, at most one for each key."""

    text: str
    signatures: tuple[Signature, ...]

    def signed_by(self, verifier: Verifier) -> Signature | None:
        """The signature of this key, if there is one."""
        return next((s for s in self.signatures if s.verifier == verifier), None)


def sign(text: str, *signers: Signer) -> str:
    """The note that these keys sign. Text ends with a line end; Invalid when no note can carry it."""
    _check_text(text)
    if any(signer.kind is not Kind.ED25519 for signer in signers):
        raise errors.Invalid("a cosigner's key signs by `cosign`, with a time")
    return _assemble(text, [Line(s.name, s.verifier.id, s.sign(text.encode())) for s in signers])


def cosign(note: str | bytes, signer: Signer, time: int) -> str:
    """The same note with the signer's timestamped cosignature (seconds since 1970) after the other lines.

    An older one of the same key is replaced. The caller has verified the note, and knows of no larger one.
    """
    if signer.kind is not Kind.COSIGNATURE or not 0 <= time < keys.TIME_LIMIT:
        raise errors.Invalid("a cosignature takes a cosigner's key and a time from 0 to 2^63-1")
    text, lines = split(note)
    signature = time.to_bytes(8) + signer.sign(keys.cosigned(text, time))
    mine = Line(signer.name, signer.verifier.id, signature)
    return _assemble(text, [*(line for line in lines if line[:2] != mine[:2]), mine])


def join(notes: Iterable[str | bytes]) -> str:
    """One note with the signature lines of all of these, which have the same text, each key's line once.

    Lines are taken as they stand, not verified. Invalid when the texts differ.
    """
    found = [split(note) for note in notes]
    if len({text for text, _ in found}) != 1:
        raise errors.Invalid("notes of different texts cannot be joined")
    lines = {line[:2]: line for _, lines in found for line in lines}
    return _assemble(found[0][0], list(lines.values()))


def keep(note: str | bytes, verifiers: Iterable[Verifier]) -> str:
    """The same note with the lines of these keys only: what a policy needs is what is served.

    Lines are chosen by key, not verified. Invalid when none, or more than may be served, would be left.
    """
    known = {(verifier.name, verifier.id) for verifier in verifiers}
    text, lines = split(note)
    kept = [line for line in lines if line[:2] in known]
    if len(kept) > SERVED_SIGNATURES:
        raise errors.Invalid(f"a served note carries at most {SERVED_SIGNATURES} signatures, not {len(kept)}")
    return _assemble(text, kept)


def open(note: str | bytes, verifiers: Iterable[Verifier]) -> Note:  # noqa: A001  (as in Go's note.Open)
    """Verify a note: lines of unknown keys are ignored, each line of a known key must hold, one at least.

    Damage when the note is malformed, a known key's signature does not fit, or no known key signed.
    """
    known = {(verifier.name, verifier.id): verifier for verifier in verifiers}
    text, lines = split(note)
    signatures: dict[Verifier, Signature] = {}
    for line in lines:
        if verifier := known.get(line[:2]):
            signatures.setdefault(verifier, verifier.check(text, line.signature))
    if not signatures:
        names = ", ".join(sorted({line.name for line in lines}))
        raise errors.Damage(f"no known key signed the note; it carries signatures of {names}")
    return Note(text, tuple(signatures.values()))


def split(note: str | bytes) -> tuple[str, list[Line]]:
    """Take a note apart into text and signature lines, nothing verified; Damage when it is malformed."""
    text, found, block = _decoded(note).rpartition("\n\n")
    lines = block.split("\n")
    if not found or lines.pop() or not lines:
        raise errors.Damage("a note ends with a blank line and signature lines")
    if len(lines) > MAX_SIGNATURES:
        raise errors.Damage(f"a note carries at most {MAX_SIGNATURES} signatures, not {len(lines)}")
    return text + "\n", [_parse_line(line) for line in lines]


def _decoded(note: str | bytes) -> str:
    raw = note if isinstance(note, bytes) else note.encode(errors="surrogatepass")
    if len(raw) > MAX_BYTES:
        raise errors.Damage(f"a note has at most {MAX_BYTES} bytes, not {len(raw)}")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise errors.Damage("a note is UTF-8") from None
    if _CONTROL.search(text):
        raise errors.Damage("a note has no control characters but line ends")
    return text


def _parse_line(line: str) -> Line:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signature = keys.decode(encoded)
    if (
        not line.startswith(_DASH)
        or not keys.is_name(name)
        or signature is None
        or len(signature) <= _ID_SIZE
    ):
        raise errors.Damage("a signature line is an em dash, a key name and a signature in base64")
    return Line(name, signature[:_ID_SIZE], signature[_ID_SIZE:])


def _assemble(text: str, lines: list[Line]) -> str:
    if not 0 < len(lines) <= MAX_SIGNATURES or len({line[:2] for line in lines}) < len(lines):
        raise errors.Invalid(f"a note carries 1 to {MAX_SIGNATURES} signatures, one for each key")
    note = text + "\n" + "".join(map(str, lines))
    if len(note.encode()) > MAX_BYTES:
        raise errors.Invalid(f"a note has at most {MAX_BYTES} bytes")
    return note


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise errors.Invalid("the text of a note ends with a line end and has no other control characters")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise errors.Invalid("the text of a note is Unicode without lone surrogates")
