"""The algorithms have names, and a second suite has its vectors before anybody builds it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from events import alliance_document, checkpoints, errors, merkle, notes
from events.alliance_document import Log, Suite

VECTORS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "suites.json").read_text("utf-8")
)
RECORDS = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
"""The leaves of Certificate Transparency's reference tree, but its last."""


def root(records: list[bytes], digest: Callable[[bytes], bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there, for any hash."""
    if not records:
        return digest(b"")
    if len(records) == 1:
        return digest(b"\x00" + records[0])
    half = 1 << (len(records) - 1).bit_length() - 1
    return digest(b"\x01" + root(records[:half], digest) + root(records[half:], digest))


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_a_hash_of_a_suite_is_the_one_of_its_standard(name: str) -> None:
    """FIPS 180-4 for SHA-256, GB/T 32905-2016 for SM3: the digest of `abc`."""
    assert hashlib.new(name, b"abc").hexdigest() == VECTORS[name]["abc"]


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_trees_of_a_suite_come_out_as_the_vectors_say(name: str) -> None:
    roots = [
        root(RECORDS[:size], lambda value: hashlib.new(name, value).digest()).hex()
        for size in range(len(RECORDS) + 1)
    ]
    assert roots == VECTORS[name]["roots"]


def test_the_suite_that_is_built_is_the_named_one() -> None:
    assert merkle.ALGORITHM == "sha256"
    leaves = [merkle.leaf_hash(record) for record in RECORDS]
    ours = [merkle.root(leaves[:size]).hex() for size in range(len(leaves) + 1)]
    assert ours == VECTORS[merkle.ALGORITHM]["roots"]


def test_a_log_names_its_suite_and_an_unknown_one_is_refused() -> None:
    text = 'name = "500116"\nbureau = "500116"\nnode = "a"\n{}[[key]]\nvkey = "{}"\n'
    vkey = notes.Signer(checkpoints.origin("chuanyu", "500116"), b"l" * 32).verifier.vkey
    named = alliance_document.read(Log, text.format('suite = "sha256-ed25519"\n', vkey), "a log")
    assert named.suite is Suite.SHA256_ED25519
    assert alliance_document.read(Log, text.format("", vkey), "a log").suite is None
    with pytest.raises(errors.Invalid, match="suite"):
        alliance_document.read(Log, text.format('suite = "sm3-sm2"\n', vkey), "a log")
