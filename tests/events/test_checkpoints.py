"""A checkpoint is three lines that its own log signed, nothing else; a receipt says who saw it and when."""

from collections.abc import Callable

import pytest

from events import checkpoints, errors, merkle, notes

ORIGIN = checkpoints.origin("chuanyu", "500116")
OLD = notes.Signer(ORIGIN, b"o" * 32)
NEW = notes.Signer(ORIGIN, b"n" * 32)
OTHER = notes.Signer(checkpoints.origin("chuanyu", "510300"), b"x" * 32)
NODE = notes.Signer(checkpoints.node_key("chuanyu", "sichuan"), b"s" * 32, notes.Kind.COSIGNATURE)
ROOT = merkle.root([merkle.leaf_hash(b"one"), merkle.leaf_hash(b"two")])
CHECKPOINT = checkpoints.Checkpoint(ORIGIN, 2, ROOT)
EMPTY = checkpoints.Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)


def test_names_say_what_they_name() -> None:
    assert ORIGIN == "chuanyu.yinqiao/500116"
    assert NODE.name == "chuanyu.yinqiao/node/sichuan"
    assert checkpoints.log_of("chuanyu.yinqiao/500116-2") == ("chuanyu", "500116-2")


@pytest.mark.parametrize(
    "origin", ["", ORIGIN + "\n", "yinqiao/500116", NODE.name, "chuanyu.yinqiao/500116-02"]
)
def test_an_origin_that_names_no_log_is_damage(origin: str) -> None:
    with pytest.raises(errors.Damage):
        checkpoints.log_of(origin)


def test_the_example_of_the_specification_is_read() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = checkpoints.Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text == text


@pytest.mark.parametrize("checkpoint", [CHECKPOINT, EMPTY, checkpoints.Checkpoint(ORIGIN, 2**63 - 1, ROOT)])
def test_a_checkpoint_is_opened_as_it_was_signed(checkpoint: checkpoints.Checkpoint) -> None:
    note = checkpoints.sign_checkpoint(checkpoint, OLD)
    assert checkpoints.open_checkpoint(note, OLD.verifier) == checkpoint
    assert checkpoints.open_checkpoint(note.encode(), OLD.verifier) == checkpoint
    assert checkpoints.unverified(note) == checkpoint


def test_around_a_rotation_either_key_is_enough_and_a_wrong_one_too_many() -> None:
    note = checkpoints.sign_checkpoint(CHECKPOINT, OLD, NEW)
    for verifiers in ([OLD.verifier], [NEW.verifier], [OLD.verifier, NEW.verifier]):
        assert checkpoints.open_checkpoint(note, *verifiers) == CHECKPOINT
    text, (old, new) = notes.split(note)
    with pytest.raises(errors.Damage):
        checkpoints.open_checkpoint(
            f"{text}\n{old}{new._replace(signature=bytes(64))}", OLD.verifier, NEW.verifier
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n2\n", "\n02\n"),
        lambda text: text.replace("\n2\n", "\n+2\n"),
        lambda text: text.replace("\n2\n", "\n-2\n"),
        lambda text: text.replace("\n2\n", "\n２\n"),
        lambda text: text.replace("\n2\n", "\n2_0\n"),
        lambda text: text.replace("\n2\n", "\n2 \n"),
        lambda text: text.replace("\n2\n", "\n\n"),
        lambda text: text.replace("\n2\n", "\n9999999999999999999\n"),
        lambda text: text.replace("\n2\n", "\n0\n"),
        lambda text: text + "extension\n",
        lambda text: text + "\n",
        lambda text: "\n" + text,
        lambda text: text.replace("=\n", "\n"),
        lambda text: text[:-3] + "/=\n",
        lambda text: text.replace("\n", " \n", 1).removeprefix(ORIGIN),
    ],
)
def test_anything_but_the_three_lines_is_damage_even_when_signed(change: Callable[[str], str]) -> None:
    text = change(CHECKPOINT.text)
    assert text != CHECKPOINT.text
    with pytest.raises(errors.Damage):
        checkpoints.open_checkpoint(notes.sign(text, OLD), OLD.verifier)


def test_a_log_is_not_signed_for_by_another() -> None:
    # given a checkpoint of one log in a note that another log signed
    with pytest.raises(errors.Invalid, match="510300"):
        checkpoints.sign_checkpoint(CHECKPOINT, OTHER)
    note = notes.sign(CHECKPOINT.text, OTHER)
    # then nobody opens it, with whichever key
    for verifier in (OTHER.verifier, OLD.verifier):
        with pytest.raises(errors.Damage):
            checkpoints.open_checkpoint(note, verifier)


def test_a_receipt_says_when_the_node_saw_the_checkpoint() -> None:
    note = notes.cosign(checkpoints.sign_checkpoint(CHECKPOINT, OLD), NODE, 1_760_000_000)
    assert checkpoints.open_checkpoint(note, OLD.verifier) == CHECKPOINT
    assert checkpoints.open_receipt(note, NODE.verifier, OLD.verifier) == (CHECKPOINT, 1_760_000_000)


def test_a_receipt_needs_the_log_and_the_node() -> None:
    signed = checkpoints.sign_checkpoint(CHECKPOINT, OLD)
    only_node = notes.keep(notes.cosign(signed, NODE, 1), [NODE.verifier])
    without_time = notes.sign(CHECKPOINT.text, OLD, notes.Signer(NODE.name, NODE.seed))
    for note, cosigner in (
        (signed, NODE.verifier),
        (only_node, NODE.verifier),
        (without_time, notes.Signer(NODE.name, NODE.seed).verifier),
    ):
        with pytest.raises(errors.Damage):
            checkpoints.open_receipt(note, cosigner, OLD.verifier)


def test_a_cosigners_key_does_not_sign_for_a_log() -> None:
    cosigner = notes.Signer(ORIGIN, b"o" * 32, notes.Kind.COSIGNATURE)
    note = notes.cosign(checkpoints.sign_checkpoint(CHECKPOINT, OLD), cosigner, 1)
    with pytest.raises(errors.Damage):
        checkpoints.open_checkpoint(note, cosigner.verifier)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (2**63, ROOT), (1, ROOT[1:]), (0, ROOT)])
def test_a_checkpoint_of_no_tree_cannot_be_made(size: int, root: bytes) -> None:
    with pytest.raises(errors.Damage):
        checkpoints.Checkpoint(ORIGIN, size, root)
