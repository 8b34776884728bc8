"""A proof file says what it says in one way only, and holds for one record only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import checkpoints, errors, merkle, notes
from events.checkpoints import Checkpoint
from events.proofs import InclusionProof

SIGNER = notes.Signer(checkpoints.origin("chuanyu", "500116"), b"l" * 32)
RECORDS = [f"record {number}".encode() for number in range(300)]
LEAVES = [merkle.leaf_hash(record) for record in RECORDS]


def proof(index: int, size: int = 300, extra: bytes = b"") -> InclusionProof:
    note = checkpoints.sign_checkpoint(Checkpoint(SIGNER.name, size, merkle.root(LEAVES[:size])), SIGNER)
    path = merkle.inclusion_proof(index, size, merkle.subtrees(LEAVES[:size]))
    return InclusionProof(index, tuple(path), note, extra)


@given(st.integers(1, 300), st.data(), st.binary(max_size=40))
def test_a_proof_is_read_as_it_was_written_and_holds(size: int, data: st.DataObject, extra: bytes) -> None:
    index = data.draw(st.integers(0, size - 1))
    made = proof(index, size, extra)
    read = InclusionProof.parse(made.text)
    assert read == made
    assert read.check(RECORDS[index]).size == size


def test_it_holds_for_no_other_record_and_no_other_place() -> None:
    made = proof(7)
    with pytest.raises(errors.Damage):
        made.check(RECORDS[8])
    with pytest.raises(errors.Damage):
        InclusionProof(8, made.hashes, made.note).check(RECORDS[7])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("index 7", "index 07"),
        ("index 7", "index -1"),
        ("index 7", "extra \nindex 7"),
        ("index 7", "extra !\nindex 7"),
        ("index 7\n", "index 7\n\n"),
        ("=\n", "\n"),
        ("=\n", "=\r\n"),
    ],
)
def test_anything_else_is_damage(old: str, new: str) -> None:
    text = proof(7).text
    assert old in text
    with pytest.raises(errors.Damage):
        InclusionProof.parse(text.replace(old, new, 1)).check(RECORDS[7])
