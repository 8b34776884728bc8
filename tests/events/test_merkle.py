"""The tree is the one of RFC 6962 / 9162: public vectors, another implementation, and every kind of lie."""

import json
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import errors, merkle

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "rfc6962.json").read_text("utf-8"))
VALUES = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(i).encode()) for i in range(size)]


def node(name: str) -> bytes:
    return bytes.fromhex(VECTORS["nodes"][name])


def test_roots_are_those_of_the_reference_tree() -> None:
    hashes = [merkle.leaf_hash(value) for value in VALUES]
    assert [merkle.root(hashes[:size]) for size in range(9)] == ROOTS
    assert ROOTS[0] == merkle.EMPTY_ROOT
    assert merkle.leaf_hashes(VALUES) == hashes


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=str)
def test_inclusion_proofs_are_those_of_the_reference_tree(case: dict[str, Any]) -> None:
    subtree = merkle.subtrees([merkle.leaf_hash(value) for value in VALUES])
    proof = merkle.inclusion_proof(case["index"], case["size"], subtree)
    assert proof == [node(name) for name in case["proof"]]


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=str)
def test_consistency_proofs_are_those_of_the_reference_tree(case: dict[str, Any]) -> None:
    subtree = merkle.subtrees([merkle.leaf_hash(value) for value in VALUES])
    proof = merkle.consistency_proof(case["old"], case["new"], subtree)
    assert proof == [node(name) for name in case["proof"]]


def test_every_proof_of_every_small_tree_is_accepted() -> None:
    hashes = leaves(34)
    subtree = merkle.subtrees(hashes)
    roots = [merkle.root(hashes[:size]) for size in range(35)]
    for size in range(35):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, subtree)
            merkle.verify_inclusion(index, size, hashes[index], proof, roots[size])
        for old in range(size + 1):
            proof = merkle.consistency_proof(old, size, subtree)
            merkle.verify_consistency(old, size, proof, roots[old], roots[size])


def test_another_implementation_computes_the_same() -> None:
    size = 300
    other = pymerkle.InmemoryTree.init_from_entries([str(i).encode() for i in range(size)])
    hashes = leaves(size)
    subtree = merkle.subtrees(hashes)
    for past in (1, 2, 3, 64, 65, 127, 128, 255, 256, 257, 300):
        assert merkle.root(hashes[:past]) == other.get_root(past)
        for index in {0, past // 3, past - 1}:
            theirs = other.prove_inclusion(index + 1, past)
            assert merkle.inclusion_proof(index, past, subtree) == theirs.path[1:]
            pymerkle.verify_inclusion(hashes[index], other.get_root(past), theirs)
        proof = merkle.consistency_proof(past, size, subtree)
        merkle.verify_consistency(past, size, proof, other.get_root(past), other.get_root(size))


@given(st.lists(st.integers(0, 70), max_size=8))
def test_a_range_grows_alike_however_the_leaves_are_cut(cuts: list[int]) -> None:
    hashes = leaves(sum(cuts))
    one_by_one, in_pieces, start = merkle.CompactRange(), merkle.CompactRange(), 0
    for leaf in hashes:
        one_by_one.append(leaf)
    for cut in cuts:
        in_pieces.extend(hashes[start : start + cut])
        in_pieces = merkle.CompactRange.restore(in_pieces.size, in_pieces.hashes)
        start += cut
    subtree = merkle.subtrees(hashes)
    assert in_pieces.size == one_by_one.size == len(hashes)
    assert in_pieces.hashes == one_by_one.hashes
    assert in_pieces.hashes == [subtree(*part) for part in merkle.complete(0, len(hashes))]


def test_long_batches_and_copies_grow_apart() -> None:
    # given a range that took more leaves than one inner chunk, and a copy of it
    tree = merkle.CompactRange()
    tree.extend(iter(leaves(10_001)))
    copy = tree.copy()
    # when the copy grows
    copy.append(merkle.leaf_hash(b"only here"))
    # then the first one does not
    assert tree.root() == merkle.root(leaves(10_001))
    assert copy.root() != tree.root()


@pytest.mark.parametrize(("size", "hashes"), [(0, [b"x" * 32]), (3, [b"x" * 32]), (1, [b"short"]), (-1, [])])
def test_a_stored_range_that_does_not_fit_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(errors.Damage):
        merkle.CompactRange.restore(size, hashes)


@given(st.data())
def test_no_changed_inclusion_proof_is_accepted(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    root = merkle.root(hashes)
    proof = merkle.inclusion_proof(index, size, merkle.subtrees(hashes))
    place = data.draw(st.integers(0, len(proof)))
    changed = data.draw(
        st.sampled_from(
            [
                [*proof[:place], merkle.EMPTY_ROOT, *proof[place:]],
                [*proof[:place], merkle.EMPTY_ROOT, *proof[place + 1 :]],
                [*proof[:place], b"short", *proof[place + 1 :]],
            ]
        )
    )
    with pytest.raises(errors.Damage):
        merkle.verify_inclusion(index, size, hashes[index], changed, root)
    with pytest.raises(errors.Damage):
        merkle.verify_inclusion(index, size, merkle.EMPTY_ROOT, proof, root)
    with pytest.raises(errors.Damage):
        merkle.verify_inclusion(index, size, hashes[index], proof, merkle.EMPTY_ROOT)
    if size > 1:
        with pytest.raises(errors.Damage):
            merkle.verify_inclusion((index + 1) % size, size, hashes[index], proof, root)


@given(st.data())
def test_no_changed_consistency_proof_is_accepted(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, new - 1))
    hashes = leaves(new)
    old_root, new_root = merkle.root(hashes[:old]), merkle.root(hashes)
    proof = merkle.consistency_proof(old, new, merkle.subtrees(hashes))
    place = data.draw(st.integers(0, len(proof) - 1))
    lies = [
        (old, new, proof[:place] + proof[place + 1 :], old_root, new_root),
        (old, new, [*proof, merkle.EMPTY_ROOT], old_root, new_root),
        (old, new, [*proof[:place], merkle.EMPTY_ROOT, *proof[place + 1 :]], old_root, new_root),
        (old, new, proof, merkle.EMPTY_ROOT, new_root),
        (old, new, proof, old_root, merkle.EMPTY_ROOT),
        (new, old, proof, new_root, old_root),
        (0, new, [], old_root, new_root),
        (new, new, [], old_root, new_root),
    ]
    for lie in lies:
        with pytest.raises(errors.Damage):
            merkle.verify_consistency(*lie)


def test_a_history_that_was_rewritten_is_found() -> None:
    # given two logs that differ in one old record
    honest, forged = leaves(20), leaves(20)
    forged[3] = merkle.leaf_hash(b"something else")
    # when the forged one proves that it continues the honest one
    proof = merkle.consistency_proof(10, 20, merkle.subtrees(forged))
    # then the proof names what does not fit
    with pytest.raises(errors.Damage, match="size 10 with size 20: the proof leads to another old root"):
        merkle.verify_consistency(10, 20, proof, merkle.root(honest[:10]), merkle.root(forged))


def test_the_same_bytes_cut_elsewhere_are_no_proof() -> None:
    # given a leaf and its sibling, whose hash is taken over both in a row
    leaf, sibling = leaves(2)
    root = merkle.root([leaf, sibling])
    # when one byte changes sides
    with pytest.raises(errors.Damage, match="no hash"):
        merkle.verify_inclusion(0, 2, leaf + sibling[:1], [sibling[1:]], root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_proofs_of_what_is_not_there_are_refused(index: int, size: int) -> None:
    with pytest.raises(errors.Invalid):
        merkle.inclusion_proof(index, size, merkle.subtrees(leaves(3)))
    with pytest.raises(errors.Damage):
        merkle.verify_inclusion(index, size, merkle.EMPTY_ROOT, [], merkle.EMPTY_ROOT)


def test_a_proof_into_the_future_is_refused() -> None:
    with pytest.raises(errors.Invalid):
        merkle.consistency_proof(4, 3, merkle.subtrees(leaves(3)))


def test_what_is_wrong_with_a_proof_is_told_with_its_sizes() -> None:
    # given a tree of seven leaves, and its proofs
    hashes = leaves(7)
    tree, root, past = merkle.subtrees(hashes), merkle.root(hashes), merkle.root(hashes[:4])
    inclusion, consistency = merkle.inclusion_proof(3, 7, tree), merkle.consistency_proof(4, 7, tree)
    # then one that has a hash too few is told from one that leads elsewhere
    with pytest.raises(errors.Damage) as found:
        merkle.verify_inclusion(3, 7, hashes[3], inclusion[1:], root)
    assert str(found.value) == "inclusion of leaf 3 in size 7: the proof has 2 hashes and must have 3"
    with pytest.raises(errors.Damage) as found:
        merkle.verify_inclusion(3, 7, hashes[2], inclusion, root)
    assert str(found.value) == "inclusion of leaf 3 in size 7: the proof leads to another root"
    with pytest.raises(errors.Damage) as found:
        merkle.verify_consistency(4, 7, [*consistency, root], past, root)
    assert str(found.value) == "consistency of size 4 with size 7: the proof has 2 hashes and must have 1"
    with pytest.raises(errors.Damage) as found:
        merkle.verify_consistency(7, 7, [root], root, root)
    assert str(found.value) == "consistency of size 7 with size 7: the proof has 1 hashes and must have 0"
    with pytest.raises(errors.Damage) as found:
        merkle.verify_consistency(4, 7, consistency, past, past)
    assert str(found.value) == "consistency of size 4 with size 7: the proof leads to another new root"
