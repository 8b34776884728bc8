"""Notes are those of Go's `note` package and of C2SP; nothing malformed or wrongly signed gets in."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import errors, keys, notes

VECTOR: dict[str, str] = json.loads((Path(__file__).parent / "vectors" / "note.json").read_text("utf-8"))
PETER_PRIVATE, PETER_PUBLIC = VECTOR["private"], VECTOR["public"]
PETER_TEXT, PETER_LINE, ENOCH_LINE = VECTOR["text"], VECTOR["signature"], VECTOR["second"]
PETER_NOTE = PETER_TEXT + "\n" + PETER_LINE

PETER = notes.Signer.parse(PETER_PRIVATE)
ENOCH = notes.Signer("EnochRoot", bytes(32))  # made from 32 zero bytes in the published example
WITNESS = notes.Signer("witness.example/w1", b"w" * 32, notes.Kind.COSIGNATURE)
TREE = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def opened(note: str | bytes, *signers: notes.Signer) -> notes.Note:
    return notes.open(note, [signer.verifier for signer in signers])


def test_gos_example_comes_out_byte_for_byte() -> None:
    assert notes.sign(PETER_TEXT, PETER) == PETER_NOTE
    assert notes.sign(PETER_TEXT, PETER, ENOCH) == PETER_NOTE + ENOCH_LINE


def test_gos_example_is_opened_with_gos_key() -> None:
    verifier = notes.Verifier.parse(PETER_PUBLIC)
    note = notes.open(PETER_NOTE.encode(), [verifier])
    assert note.text == PETER_TEXT
    assert note.signatures == (notes.Signature(verifier, None),)
    assert note.signed_by(verifier)
    assert not note.signed_by(ENOCH.verifier)


@pytest.mark.parametrize("signer", [PETER, ENOCH, WITNESS], ids=lambda signer: signer.name)
def test_keys_are_written_as_they_are_read(signer: notes.Signer) -> None:
    assert notes.Signer.parse(signer.line) == signer
    assert notes.Verifier.parse(signer.verifier.vkey) == signer.verifier
    assert PETER.line == PETER_PRIVATE
    assert PETER.verifier.vkey == PETER_PUBLIC


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        PETER_PUBLIC + "\n",
        PETER_PUBLIC.replace("c74f20a3", "c74f20a4"),
        PETER_PUBLIC.replace("c74f20a3", "C74F20A3"),
        PETER_PUBLIC.replace("PeterNeumann", "Peter Neumann"),
        PETER_PUBLIC.replace("PeterNeumann", "PeterNeumamm"),
        PETER_PUBLIC.replace("PeterNeumann", ""),
        PETER_PUBLIC.replace("PeterNeumann", "\ud800"),
        PETER_PUBLIC[:-4],
        PETER_PUBLIC.replace("+ARp", "+AhV"),
        "PeterNeumann+c74f20a3+",
    ],
)
def test_a_key_that_is_not_exactly_one_is_refused(vkey: str) -> None:
    with pytest.raises(errors.Invalid):
        notes.Verifier.parse(vkey)


def test_a_refused_private_key_is_not_repeated_in_the_message() -> None:
    # given a private key with one character changed
    secret = PETER_PRIVATE[-44:]
    for line in (PETER_PRIVATE[12:], PETER_PRIVATE.replace("c74f", "c74e"), PETER_PRIVATE[:-1]):
        # when it is read
        with pytest.raises(errors.Invalid) as caught:
            notes.Signer.parse(line)
        # then the message holds nothing of it, and neither does repr of a good one
        assert secret[2:12] not in str(caught.value)
    assert "seed" not in repr(PETER)


def test_signatures_of_unknown_keys_are_ignored_even_broken_ones() -> None:
    note = PETER_NOTE + ENOCH_LINE.replace("rwz+eBzm", "rwz+eBzn")
    assert opened(note, PETER).text == PETER_TEXT
    # a known name with another id, or a known id with another name, is an unknown key
    assert opened(PETER_NOTE + PETER_LINE.replace("x08g", "x08h").replace("x08", "y08"), PETER)
    assert opened(PETER_NOTE + PETER_LINE.replace("PeterNeumann", "Peter"), PETER)


def test_a_known_keys_bad_signature_is_damage_beside_a_good_one() -> None:
    broken = PETER_NOTE + ENOCH_LINE.replace("rwz+eBzm", "rwz+eBzn")
    with pytest.raises(errors.Damage, match="EnochRoot"):
        opened(broken, PETER, ENOCH)
    with pytest.raises(errors.Damage, match="PeterNeumann"):
        opened(PETER_NOTE.replace("problem is", "problem was"), PETER)


def test_a_note_that_no_known_key_signed_is_damage() -> None:
    with pytest.raises(errors.Damage, match=r"no known key.*PeterNeumann"):
        opened(PETER_NOTE, ENOCH)
    with pytest.raises(errors.Damage):
        notes.open(PETER_NOTE, [])


def test_a_signature_that_comes_twice_counts_once() -> None:
    assert len(opened(PETER_NOTE + PETER_LINE, PETER).signatures) == 1


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        PETER_TEXT,
        PETER_TEXT + PETER_LINE,
        PETER_NOTE[:-1],
        PETER_NOTE + "\n",
        PETER_NOTE.replace("\n", "\r\n"),
        PETER_NOTE.replace("If you", "If\tyou"),
        PETER_NOTE.replace("If you", "If\0you"),
        PETER_NOTE.replace("—", "-"),
        PETER_NOTE.replace("— ", "—  "),
        PETER_NOTE.replace("PeterNeumann ", "PeterNeumann\u3000"),
        PETER_NOTE.replace("PeterNeumann", "Peter+Neumann"),
        PETER_NOTE.replace("JnAM=", "JnAM"),
        PETER_NOTE.replace("JnAM=", "JnAN="),
        PETER_NOTE.replace("JnAM=", "JnA M="),
        PETER_TEXT + "\n— PeterNeumann x08gow==\n",
        PETER_NOTE + ENOCH_LINE * 100,
        "x" * notes.MAX_BYTES + PETER_NOTE,
        PETER_NOTE.encode().replace(b"\xe2", b"\xe3\xe2"),
        PETER_NOTE.replace("If", "\ud800"),
    ],
)
def test_a_malformed_note_is_damage(note: str | bytes) -> None:
    with pytest.raises(errors.Damage):
        opened(note, PETER)


@pytest.mark.parametrize(
    "text", ["a\tb\n", "a\rb\n", "\0\n", "x" * notes.MAX_BYTES + "\n"], ids=["tab", "return", "nul", "giant"]
)
def test_a_text_that_no_note_can_carry_is_damage_even_when_signed(text: str) -> None:
    line = notes.Line(PETER.name, PETER.verifier.id, PETER.sign(text.encode()))
    with pytest.raises(errors.Damage):
        opened(f"{text}\n{line}", PETER)


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_junk_is_damage_and_nothing_worse(junk: bytes | str) -> None:
    with pytest.raises(errors.Damage):
        opened(junk, PETER)
    tail = junk if isinstance(junk, bytes) else junk.encode(errors="surrogatepass")
    try:
        assert opened(PETER_NOTE.encode() + tail, PETER).text
    except errors.Damage:
        assert tail


@given(st.data())
def test_no_changed_byte_of_the_text_is_accepted(data: st.DataObject) -> None:
    note = bytearray(PETER_NOTE.encode())
    place = data.draw(st.integers(0, len(PETER_TEXT) - 1))
    note[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(errors.Damage):
        opened(bytes(note), PETER)


@pytest.mark.parametrize(
    "text", ["", "no line end", "a\r\n", "tab\t\n", "\ud800\n", "x" * notes.MAX_BYTES + "\n"]
)
def test_a_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(errors.Invalid):
        notes.sign(text, PETER)


def test_notes_are_signed_by_somebody_and_by_nobody_twice() -> None:
    for signers in ([], [PETER, PETER], [WITNESS]):
        with pytest.raises(errors.Invalid):
            notes.sign(TREE, *signers)


@pytest.mark.parametrize("text", ["\n", "a\n\n\nb\n", "川渝\n\n", "— looks like a signature\n"])
def test_blank_lines_and_dashes_in_a_text_are_text(text: str) -> None:
    assert opened(notes.sign(text, PETER), PETER).text == text


def test_a_cosignature_says_when() -> None:
    # given a checkpoint that its log signed
    note = notes.sign(TREE, PETER)
    # when a witness cosigns, and cosigns again later
    first = notes.cosign(note, WITNESS, 1_679_315_147)
    later = notes.cosign(first, WITNESS, 1_679_315_148)
    # then each says when, the later one stands in the place of the first, and the log's own is still there
    assert opened(first, WITNESS).signatures == ((WITNESS.verifier, 1_679_315_147),)
    assert [s.time for s in opened(later, PETER, WITNESS).signatures] == [None, 1_679_315_148]


def test_a_cosignature_with_another_time_is_damage() -> None:
    note = notes.cosign(notes.sign(TREE, PETER), WITNESS, 1_679_315_147)
    text, (log, witness) = notes.split(note)
    later = witness._replace(signature=(1_679_315_148).to_bytes(8) + witness.signature[8:])
    bare = witness._replace(signature=witness.signature[8:])
    giant = witness._replace(signature=b"\xff" + witness.signature[1:])
    for changed in (later, bare, giant):
        with pytest.raises(errors.Damage, match=WITNESS.name):
            opened(f"{text}\n{log}{changed}", WITNESS)


def test_a_time_beyond_the_specification_is_damage_even_when_signed() -> None:
    text, (log, _) = notes.split(notes.cosign(notes.sign(TREE, PETER), WITNESS, 1))
    signature = (2**63).to_bytes(8) + WITNESS.sign(keys.cosigned(text, 2**63))
    with pytest.raises(errors.Damage, match="no time"):
        opened(f"{text}\n{log}{notes.Line(WITNESS.name, WITNESS.verifier.id, signature)}", WITNESS)


def test_cosigning_takes_a_cosigners_key_and_a_time() -> None:
    note = notes.sign(TREE, PETER)
    for signer, time in ((PETER, 1), (WITNESS, -1), (WITNESS, 2**63)):
        with pytest.raises(errors.Invalid):
            notes.cosign(note, signer, time)


def test_the_same_key_bytes_of_another_kind_are_another_key() -> None:
    plain = notes.Signer(WITNESS.name, WITNESS.seed)
    note = notes.cosign(notes.sign(TREE, PETER), WITNESS, 1)
    assert plain.verifier.id != WITNESS.verifier.id
    with pytest.raises(errors.Damage, match="no known key"):
        opened(note, plain)


def test_served_notes_carry_only_what_the_policy_needs() -> None:
    # given a note with the signatures of many witnesses
    witnesses = [notes.Signer(f"w{i}", bytes([i]) * 32, notes.Kind.COSIGNATURE) for i in range(20)]
    note = notes.sign(TREE, PETER)
    for i, witness in enumerate(witnesses):
        note = notes.cosign(note, witness, i)
    # when the policy needs the log and two of them
    served = notes.keep(note, [s.verifier for s in (PETER, witnesses[3], witnesses[5])])
    # then those lines are left and hold
    assert [s.time for s in opened(served, PETER, *witnesses).signatures] == [None, 3, 5]
    # and neither none nor more than a strict verifier takes are ever served
    for too in ([], witnesses):
        with pytest.raises(errors.Invalid):
            notes.keep(note, [s.verifier for s in too])


def test_a_bare_signature_of_any_length_but_its_own_is_damage() -> None:
    signature = PETER.sign(b"hello")
    PETER.verifier.verify(b"hello", signature)
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(64)):
        with pytest.raises(errors.Damage):
            PETER.verifier.verify(b"hello", wrong)
    with pytest.raises(errors.Invalid):
        notes.Signer("short", b"seed")
    assert keys.decode(keys.encode(signature)) == signature


def test_notes_of_one_text_are_joined_into_one_with_each_line_once() -> None:
    # given the same text signed by its own key, and cosigned by two nodes apart
    other = notes.Signer("witness.example/w2", b"x" * 32, notes.Kind.COSIGNATURE)
    note = notes.sign(TREE, PETER)
    first, second = notes.cosign(note, WITNESS, 5), notes.cosign(note, other, 6)
    # then joined, delivered twice too, every signature holds
    joined = notes.join([first, second, first])
    assert len(opened(joined, PETER, WITNESS, other).signatures) == 3
    assert joined.count("\u2014") == 3
    # and notes of different texts are not
    with pytest.raises(errors.Invalid):
        notes.join([first, notes.sign("another\n", PETER)])


def test_a_note_joined_from_one_is_that_note_and_of_two_times_of_a_key_the_last_counts() -> None:
    note = notes.sign(TREE, PETER)
    assert notes.join([note]) == note
    joined = notes.join([notes.cosign(note, WITNESS, 5), notes.cosign(note, WITNESS, 7)])
    assert joined == notes.cosign(note, WITNESS, 7)


def test_a_note_may_carry_as_many_signatures_and_bytes_as_it_says() -> None:
    # given a hundred keys
    signers = [notes.Signer(f"s{i}", bytes([i]) * 32) for i in range(notes.MAX_SIGNATURES)]
    note = notes.sign(TREE, *signers)
    # then all of them sign one note, which is read, and so many less are served
    assert len(opened(note, *signers).signatures) == notes.MAX_SIGNATURES
    with pytest.raises(errors.Invalid):
        notes.sign(TREE, *signers, PETER)
    served = notes.keep(note, [signer.verifier for signer in signers[: notes.SERVED_SIGNATURES]])
    assert len(notes.split(served)[1]) == notes.SERVED_SIGNATURES
    with pytest.raises(errors.Invalid):
        notes.keep(note, [signer.verifier for signer in signers[: notes.SERVED_SIGNATURES + 1]])
    # and a text may fill it to the last byte
    room = notes.MAX_BYTES - len(notes.sign("\n", PETER).encode())
    assert len(notes.sign("x" * room + "\n", PETER).encode()) == notes.MAX_BYTES
    assert opened(notes.sign("x" * room + "\n", PETER), PETER)
    with pytest.raises(errors.Invalid):
        notes.sign("x" * (room + 1) + "\n", PETER)


def test_whose_signatures_a_note_carries_is_told_by_name() -> None:
    stranger = notes.Signer("stranger", b"s" * 32)
    with pytest.raises(errors.Damage) as found:
        opened(PETER_NOTE + ENOCH_LINE, stranger)
    assert str(found.value) == (
        "no known key signed the note; it carries signatures of EnochRoot, PeterNeumann"
    )


@pytest.mark.parametrize(
    "note",
    [
        "a\n\n",
        PETER_NOTE + ENOCH_LINE[:-1],
        PETER_TEXT + "\n" + PETER_LINE.removeprefix("— "),
        PETER_NOTE + "— stranger x08gow==\n",
        PETER_NOTE + "— x08gow==\n",
    ],
    ids=["no line", "no line end", "no dash", "no signature", "no name"],
)
def test_a_malformed_note_is_not_even_taken_apart(note: str) -> None:
    with pytest.raises(errors.Damage):
        notes.split(note)


def test_lone_surrogates_are_not_signed() -> None:
    for code in (0xD800, 0xDBFF, 0xDC00, 0xDFFF):
        with pytest.raises(errors.Invalid):
            notes.sign(f"{chr(code)}\n", PETER)
    assert notes.sign("\ud7ff\ue000\n", PETER)
