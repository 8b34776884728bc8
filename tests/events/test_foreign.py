"""A stranger verifies: the Go checksum database and other people's libraries accept what we make."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from events import alliance, checkpoints, merkle, notes, tiles
from events.proofs import InclusionProof
from tests.events.foreign import stranger
from tests.events.foreign.stranger import Stranger

ORIGIN = checkpoints.origin("chuanyu", "500116")
LOG = notes.Signer(ORIGIN, b"l" * 32)
NODE = notes.Signer(checkpoints.node_key("chuanyu", "sichuan"), b"n" * 32, notes.Kind.COSIGNATURE)
SIZE = 700
RECORDS = [f'{{"sequence":"{i:020d}","subject":"活动"}}'.encode() for i in range(1, SIZE + 1)]
LEAVES = [merkle.leaf_hash(record) for record in RECORDS]
SUBTREE = merkle.subtrees(LEAVES)
ROOT = merkle.root(LEAVES)
NOTE = checkpoints.sign_checkpoint(checkpoints.Checkpoint(ORIGIN, SIZE, ROOT), LOG)
SIZES = [1, 2, 3, 7, 8, 64, 255, 256, 257, 511, 512, 513, 699]


@pytest.fixture(scope="session")
def go(request: pytest.FixtureRequest) -> Iterator[Stranger]:
    cache = request.config.cache
    assert cache is not None
    program = stranger.build(cache.mkdir("go"))
    yield program
    program.erase()


def served(size: int) -> dict[str, bytes]:
    """All that a node would serve of the tree at this size."""
    hashes = {tile.path: tiles.tile_bytes(tile, SUBTREE) for tile in tiles.tiles(size)}
    for tile in tiles.bundles(size):
        first = tile.index * tiles.WIDTH
        hashes[tile.path] = tiles.encode_bundle(RECORDS[first : first + tile.width])
    return hashes


def test_a_stranger_opens_our_notes_and_no_changed_one(go: Stranger) -> None:
    vkey = LOG.verifier.vkey
    good, changed, unknown = go.ask(
        {"Check": "note", "Note": NOTE, "Keys": [vkey]},
        {"Check": "note", "Note": NOTE.replace("700", "701"), "Keys": [vkey]},
        {"Check": "note", "Note": NOTE, "Keys": [notes.Signer(ORIGIN, b"?" * 32).verifier.vkey]},
    )
    assert (good["error"], good["names"]) == ("", [ORIGIN])
    assert good["text"] == checkpoints.unverified(NOTE).text
    assert "invalid signature" in changed["error"]
    assert "no verifiable signatures" in unknown["error"]


def test_a_stranger_opens_our_checkpoints_the_empty_one_too(go: Stranger) -> None:
    for size in (0, 1, SIZE):
        root = merkle.root(LEAVES[:size])
        note = checkpoints.sign_checkpoint(checkpoints.Checkpoint(ORIGIN, size, root), LOG)
        (answer,) = go.ask(
            {"Check": "checkpoint", "Note": note, "Origin": ORIGIN, "Keys": [LOG.verifier.vkey]}
        )
        assert (answer["error"], answer["size"]) == ("", size)
        assert base64.b64decode(answer["root"]) == root


def test_a_stranger_opens_our_receipts_and_reads_their_time(go: Stranger) -> None:
    receipt = notes.cosign(NOTE, NODE, 1_760_000_000)
    by_node, by_log, changed = go.ask(
        {"Check": "cosignature", "Note": receipt, "Keys": [NODE.verifier.vkey]},
        {"Check": "note", "Note": receipt, "Keys": [LOG.verifier.vkey]},
        {"Check": "cosignature", "Note": receipt.replace("700", "701"), "Keys": [NODE.verifier.vkey]},
    )
    assert (by_node["error"], by_node["names"], by_node["times"]) == ("", [NODE.name], [1_760_000_000])
    assert (by_log["error"], by_log["names"]) == ("", [ORIGIN])
    assert "invalid signature" in changed["error"]


def test_a_stranger_opens_the_alliance_document(go: Stranger) -> None:
    quorum = [notes.Signer(f"chuanyu.yinqiao/quorum/{i}", bytes([i]) * 32) for i in range(3)]
    vkeys = tuple(signer.verifier.vkey for signer in quorum)
    document = alliance.Document(alliance="chuanyu", version=1, quorum=vkeys)
    (answer,) = go.ask({"Check": "note", "Note": notes.sign(document.write(), *quorum), "Keys": vkeys})
    assert (answer["error"], answer["names"]) == ("", [signer.name for signer in quorum])


def test_we_open_what_a_stranger_signs_with_our_key(go: Stranger) -> None:
    text = checkpoints.Checkpoint(ORIGIN, SIZE, ROOT).text
    (answer,) = go.ask({"Check": "sign", "Text": text, "Keys": [LOG.line]})
    assert answer["text"] == NOTE


def test_a_stranger_accepts_our_proofs_and_makes_the_same(go: Stranger) -> None:
    requests: list[dict[str, Any]] = []
    ours: list[list[bytes]] = []
    for past in SIZES:
        inclusion = merkle.inclusion_proof(past, SIZE, SUBTREE)
        consistency = merkle.consistency_proof(past, SIZE, SUBTREE)
        tree = {"Size": SIZE, "Root": ROOT}
        leaf = {"Index": past, "Leaf": LEAVES[past], "Proof": inclusion}
        prefix = {"Old": past, "Past": merkle.root(LEAVES[:past]), "Proof": consistency}
        requests += [tree | leaf | {"Check": "inclusion"}, tree | prefix | {"Check": "consistency"}]
        requests += [
            tree | {"Check": "prove", "Leaves": LEAVES, "Index": past},
            tree | {"Check": "prove", "Leaves": LEAVES, "Old": past},
        ]
        ours += [inclusion, consistency]
    answers = go.ask(*requests)
    assert [answer["error"] for answer in answers] == [""] * len(answers)
    proved = [answer for answer in answers if answer["root"]]
    assert {base64.b64decode(answer["root"]) for answer in proved} == {ROOT}
    assert [[base64.b64decode(node) for node in answer["proof"] or ()] for answer in proved] == ours


def test_a_stranger_refuses_a_proof_of_something_else(go: Stranger) -> None:
    proof = merkle.inclusion_proof(5, SIZE, SUBTREE)
    past = merkle.consistency_proof(5, SIZE, SUBTREE)
    tree = {"Size": SIZE, "Root": ROOT}
    answers = go.ask(
        tree | {"Check": "inclusion", "Index": 6, "Leaf": LEAVES[5], "Proof": proof},
        tree | {"Check": "consistency", "Old": 5, "Past": merkle.root(LEAVES[1:6]), "Proof": past},
    )
    assert all("invalid" in answer["error"] for answer in answers)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, SIZE])
def test_a_stranger_reads_our_tiles_and_bundles(go: Stranger, size: int) -> None:
    (answer,) = go.ask(
        {"Check": "tiles", "Size": size, "Root": merkle.root(LEAVES[:size]), "Tiles": served(size)}
    )
    assert answer["error"] == ""


def test_a_stranger_finds_a_changed_tile_and_a_changed_record(go: Stranger) -> None:
    content = served(SIZE)
    tile, bundle = tiles.Tile(0, 1).path, tiles.Tile(None, 1).path
    answers = go.ask(
        *(
            {
                "Check": "tiles",
                "Size": SIZE,
                "Root": ROOT,
                "Tiles": content | {path: content[path][:-1] + b"?"},
            }
            for path in (tile, bundle)
        )
    )
    assert "downloaded inconsistent tile" in answers[0]["error"]
    assert "record 255 is another one" in answers[1]["error"]


def test_a_stranger_reads_our_proof_files_and_checks_the_record(go: Stranger) -> None:
    receipt = notes.cosign(NOTE, NODE, 1_760_000_000)
    path = tuple(merkle.inclusion_proof(5, SIZE, SUBTREE))
    text = InclusionProof(5, path, receipt).text
    asked = {"Check": "proof", "Text": text, "Origin": ORIGIN, "Keys": [LOG.verifier.vkey]}
    good, other, changed = go.ask(
        asked | {"Leaf": RECORDS[5]},
        asked | {"Leaf": RECORDS[6]},
        asked | {"Leaf": RECORDS[5], "Text": text.replace("index 5", "index 6")},
    )
    assert (good["error"], good["size"]) == ("", SIZE)
    assert other["error"]
    assert changed["error"]
