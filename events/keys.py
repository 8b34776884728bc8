"""Ed25519 keys as Go's `note` package writes them, and what each kind of signature signs.

All signing and verifying of the project happens here: Ed25519 is the one algorithm, a type byte says for
what.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from events import errors

TIME_LIMIT = 2**63
_PRIVATE = "PRIVATE+KEY+"
_KEY_SIZE = 32
_SIGNATURE_SIZE = 64
_TIME_SIZE = 8
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")


class Kind(IntEnum):
    """Signature type byte (C2SP signed-note, "Signature types")."""

    ED25519 = 1
    COSIGNATURE = 4


class Signature(NamedTuple):
    """A verified signature: who, and for a cosignature when (seconds since 1970)."""

    verifier: "Verifier"
    time: int | None


@dataclass(frozen=True)
class Verifier:
    """A public key that signs under a name."""

    name: str
    public: bytes
    kind: Kind = Kind.ED25519

    def __post_init__(self) -> None:
        _check_key(self.name, self.public)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read `<name>+<id>+<base64(type, public key)>`; Invalid when it is not exactly that."""
        name, id_, kind, public = _parse_key(vkey)
        self = cls(name, public, kind)
        if self.id.hex() != id_:
            raise errors.Invalid(f"key {name!r}: the id {id_} is not that of the key, {self.id.hex()}")
        return self

    @cached_property
    def id(self) -> bytes:
        """The four bytes that stand before each of its signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode(bytes([self.kind]) + self.public)}"

    @cached_property
    def _key(self) -> ed25519.Ed25519PublicKey:
        return ed25519.Ed25519PublicKey.from_public_bytes(self.public)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check a bare Ed25519 signature (64 bytes); Damage when it is not by this key over these bytes."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise errors.Damage(f"the signature of {self.name}+{self.id.hex()} does not fit") from None

    def check(self, text: str, signature: bytes) -> Signature:
        """Check what a signature line of this key carries, by its kind; Damage when it does not fit."""
        if self.kind is Kind.ED25519:
            self.verify(text.encode(), signature)
            return Signature(self, None)
        time = int.from_bytes(signature[:-_SIGNATURE_SIZE])
        if len(signature) != _TIME_SIZE + _SIGNATURE_SIZE or time >= TIME_LIMIT:
            raise errors.Damage(f"the cosignature of {self.name} has no time before its signature")
        self.verify(cosigned(text, time), signature[-_SIGNATURE_SIZE:])
        return Signature(self, time)


@dataclass(frozen=True)
class Signer:
    """A private key under a name. `seed` is 32 random bytes and never shown by repr."""

    name: str
    seed: bytes = field(repr=False)
    kind: Kind = Kind.ED25519

    def __post_init__(self) -> None:
        _check_key(self.name, self.seed)

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read `PRIVATE+KEY+<name>+<id>+<base64(type, seed)>`; Invalid when it is not exactly that."""
        if not line.startswith(_PRIVATE):
            raise errors.Invalid(f"a private key begins with {_PRIVATE}")
        name, id_, kind, seed = _parse_key(line.removeprefix(_PRIVATE))
        self = cls(name, seed, kind)
        if self.verifier.id.hex() != id_:
            raise errors.Invalid(f"private key {name!r}: the id {id_} is not that of the key")
        return self

    @property
    def line(self) -> str:
        """The secret, as it stands in a key file (without a line end)."""
        secret = encode(bytes([self.kind]) + self.seed)
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{secret}"

    @cached_property
    def _key(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self._key.public_key().public_bytes_raw(), self.kind)

    def sign(self, message: bytes) -> bytes:
        """A bare Ed25519 signature, 64 bytes."""
        return self._key.sign(message)


def cosigned(text: str, time: int) -> bytes:
    """What a cosignature signs (C2SP tlog-cosignature, "Ed25519 signed message")."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _parse_key(line: str) -> tuple[str, str, Kind, bytes]:
    """Name, id in hex, kind, 32 bytes. Messages must not hold the line: it may be a secret."""
    name, id_, encoded = (*line.split("+", 2), "", "")[:3]  # base64 may hold a plus too
    key = decode(encoded)
    if not is_name(name) or not re.fullmatch("[0-9a-f]{8}", id_) or not key:
        raise errors.Invalid("a key is written <name>+<id in 8 hex digits>+<type and key in base64>")
    if key[0] not in Kind.__members__.values():
        raise errors.Invalid(f"key {name!r}: type {key[0]} is not known here")
    return name, id_, Kind(key[0]), key[1:]


def _check_key(name: str, key: bytes) -> None:
    if not is_name(name):
        raise errors.Invalid("the name of a key is not empty and has no blanks, plus or control characters")
    if len(key) != _KEY_SIZE:
        raise errors.Invalid(f"key {name!r} has {_KEY_SIZE} bytes, not {len(key)}")


def is_name(name: str) -> bool:
    """Whether a key may have this name: not empty, no blanks, no plus (C2SP signed-note)."""
    return _NAME.fullmatch(name) is not None


def encode(raw: bytes) -> str:
    """Base64 as in notes and keys."""
    return base64.b64encode(raw).decode()


def decode(encoded: str) -> bytes | None:
    """Base64 in its one canonical spelling, or None."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if encode(raw) == encoded else None
