"""A stranger with verifier, pack and digest learns what holds, or the first thing that does not."""

import ast
import base64
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.evidence.verify import Fault, Pack, Verifier
from events import alliance, catalogue, envelope, errors, history, keys, merkle, notes, tiles
from events.alliance_document import Key
from events.membership import Closure, LogClosed, Succession
from tests.deploy.evidence import edited
from tests.deploy.evidence.conftest import Said, Verify
from tests.deploy.evidence.edited import MANIFEST, REPORT, Edited
from tests.services.auditor import packs
from tests.services.ledger import redacted
from tests.services.ledger.nodes import ALLIANCE, LOG, OTHER, TIME, signer, values_of
from tests.support.project import ROOT

Made = Callable[..., bytes]
ALL = ("sichuan", "observer", "chongqing")
RECORDS, CHECKPOINT = f"log/{LOG}/records.jsonl", f"log/{LOG}/checkpoint"
TILE = f"log/{LOG}/tile/0/000"


def fault(said: Said, place: str = "") -> str:
    """What is said of a fault, once it is clear that there is one, and that it is where it must be."""
    assert (said.code, said.err) == (1, ""), said
    assert "结论：不通过" in said.out
    assert "Result: FAULT" in said.out
    line = next(line for line in said.out.splitlines() if line.startswith("First fault: "))
    assert line.startswith(f"First fault: {place}"), said.out
    return said.out


# --- a good pack --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", packs.SELECTIONS)
def test_a_good_pack_is_good(name: str, made: Made, verify: Verify) -> None:
    said = verify(made(name, *ALL))

    assert (said.code, said.err) == (0, "")
    assert "结论：通过" in said.out
    assert "Result: GOOD" in said.out
    assert "2026-03-02 09:01:00 at the latest, and nothing was changed since" in said.out


def test_a_figure_is_told_with_its_events_bureaus_and_witnesses(made: Made, verify: Verify) -> None:
    out = verify(made("report", *ALL)).out

    assert 'Figure "joint activities" = 4 of the report "2025 年川渝联合活动" rests on 7 signed events' in out
    assert (
        "5 signed by Jiangjin District Bureau (500116): log 500116, positions 1–4, 300; witnessed by sichuan "
        "2026-03-02 09:00:00; observer 2026-03-02 09:01:00; unchanged since 2026-03-02 09:01:00."
    ) in out
    assert "中共成都市委老干部局（510100）签署 2 条：日志 510100 第 1–2 条" in out
    assert "Counted again: the figure is the number of subjects" in out
    assert 'That the value 62 of figure "persons" is computed rightly' in out


def test_it_runs_with_cryptography_and_nothing_of_ours(made: Made, verify: Verify) -> None:
    assert verify(made("report", *ALL)).err == ""  # strange modules would be named there

    tree = ast.parse((ROOT / "deploy/evidence/verify.py").read_text("utf-8"), feature_version=(3, 9))
    named = {
        name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in [node.module or ""]
    }
    assert not any(name.startswith(("events", "services", "projections", "deploy")) for name in named)


def test_what_rests_on_records_outside_the_pack_is_named(made: Made, verify: Verify) -> None:
    assert "Anything of log 500116, positions 100, 200" in verify(made("report", *ALL)).out
    assert "rest on these, but" not in verify(made("basis", *ALL)).out


@pytest.mark.parametrize("cosigners", [(), ("chongqing",), ("chongqing", "observer")])
def test_too_few_witnesses_are_told_in_the_headline_and_by_the_exit_code(
    cosigners: tuple[str, ...], made: Made, verify: Verify
) -> None:
    said = verify(made("records", *cosigners))

    assert said.code == 3
    assert "Result: HOLDS, BUT NOT WITNESSED." in said.out
    assert "结论：成立，但未经充分见证" in said.out
    assert "GOOD" not in said.out
    assert "结论：通过" not in said.out
    assert (
        f"That log {LOG} has no other version: it is not witnessed enough" in said.out
    )  # its host is chongqing's


def test_an_unknown_key_on_a_checkpoint_neither_harms_nor_counts(made: Made, verify: Verify) -> None:
    stranger = notes.Signer("stranger.example/node", bytes(32), notes.Kind.COSIGNATURE)
    pack = Edited.of(made("records"))
    pack.files[CHECKPOINT] = notes.cosign(pack.files[CHECKPOINT], stranger, 1).encode()

    said = verify(pack.consistent())

    assert said.code == 3
    assert "No node has cosigned." in said.out


@pytest.mark.parametrize(
    ("name", "where", "zh"),
    [
        ("records", "position 3", "第 3 条"),
        ("subject", "position 302", "第 302 条"),
        ("bureau", "positions 3–4, 150, 302", "第 3–4、150、302 条"),
        ("period", "position 150", "第 150 条"),
        ("report", "positions 3–4", "第 3–4 条"),
    ],
)
def test_redacted_records_are_named_and_proved_by_their_hashes_and_the_decision(
    name: str, where: str, zh: str, holed: Made, verify: Verify
) -> None:
    said = verify(holed(name, *ALL))

    assert (said.code, said.err) == (0, "")
    assert f"What log 500116 said at {where}: the content was removed by decision" in said.out
    assert f"未证明日志 500116 {zh}写的是什么：内容已依决定删去" in said.out


HOLE = b'{"decision":601,"redacted":3}\n'


@pytest.mark.parametrize(
    "other",
    [
        b'{"redacted":3}\n',
        b'{"decision":602,"redacted":3}\n',
        b'{"decision":500,"redacted":3}\n',
        b'{"decision":2,"redacted":3}\n',
        b'{"decision":700,"redacted":3}\n',
    ],
    ids=["none", "of another record", "no decision", "before it", "not here"],
)
def test_a_record_that_is_withheld_without_a_decision_is_found(
    other: bytes, holed: Made, verify: Verify
) -> None:
    def put(lines: list[bytes]) -> None:
        assert lines[2] == HOLE
        lines[2] = other

    out = fault(verify(Edited.of(holed("bureau", *ALL)).lines(put).consistent()), f"log {LOG}, position ")
    assert "no decision to remove it is in the pack" in out
    assert "没有删除它的决定" in out


def test_two_holes_need_two_decisions(holed: Made, verify: Verify) -> None:
    def put(lines: list[bytes]) -> None:
        lines[9] = b'{"decision":601,"redacted":10}\n'

    fault(verify(Edited.of(holed("bureau", *ALL)).lines(put).consistent()), f"log {LOG}, position 10")


# --- wrong use ----------------------------------------------------------------------------------------


def test_without_the_digest_it_says_where_to_get_it(made: Made, verify: Verify) -> None:
    said = verify(made("records"), digest=None)

    assert (said.code, said.out) == (2, "")
    assert "请向您信任的人索取" in said.err
    assert "Get it from" in said.err


def test_a_pack_can_be_looked_at_on_trust_and_the_result_says_so(made: Made, verify: Verify) -> None:
    said = verify(made("records", *ALL), "--trust-pack", digest=None)

    assert said.code == 0
    assert "presupposes that the alliance document in it is genuine" in said.out
    assert edited.digest() in said.out
    assert "can be trusted" not in said.out


def test_wrong_use_has_an_exit_code_of_its_own(made: Made, verify: Verify) -> None:
    assert verify(made("records"), digest="short").code == 2
    assert verify(made("records"), "--unknown").code == 2
    assert verify(made("records"), "more").code == 2


# --- damage that the manifest's digests show ------------------------------------------------------------

PLACES = {
    "README.txt": "file README.txt",
    "alliance/1.note": "file alliance/1.note",
    "alliance/2.note": "file alliance/2.note",
    CHECKPOINT: f"log {LOG}, position 600",
    RECORDS: f"log {LOG}, position 300",
    TILE: f"log {LOG}, position 1",
    f"log/{LOG}/tile/0/001": f"log {LOG}, position 300",
    f"log/{LOG}/tile/0/002.p/88": f"log {LOG}, position 513",
    f"log/{LOG}/tile/1/000.p/2": f"log {LOG}, position 1",
    f"log/{OTHER}/records.jsonl": f"log {OTHER}, position 2",
    REPORT: "file report.json",
    "schemas/yinqiao.activity.activity-planned.v2.json": "file schemas/",
}


@pytest.mark.parametrize("name", PLACES)
def test_one_changed_byte_is_found_in_every_kind_of_file(name: str, made: Made, verify: Verify) -> None:
    pack = Edited.of(made("report", *ALL))
    assert name in pack.files, sorted(pack.files)

    fault(verify(pack.flip(name).zipped()), PLACES[name])


def test_every_kind_of_file_is_tried() -> None:
    assert {name.split("/")[0] for name in PLACES} == {"README.txt", "alliance", "log", REPORT, "schemas"}


@pytest.mark.parametrize("at", [5, 200, -10])
def test_a_changed_manifest_is_found(at: int, made: Made, verify: Verify) -> None:
    fault(verify(Edited.of(made("report", *ALL)).flip(MANIFEST, at).zipped()))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_pack_that_was_cut_off_is_found(part: float, made: Made, verify: Verify) -> None:
    whole = made("report", *ALL)

    assert "was cut off or damaged" in fault(verify(whole[: int(len(whole) * part)]), "the pack as a whole")


def test_damage_in_the_compressed_data_is_found(made: Made, verify: Verify) -> None:
    whole = bytearray(made("bureau", *ALL))
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        start = opened.getinfo(RECORDS).header_offset
    whole[start + 2_000] ^= 255

    fault(verify(bytes(whole)), f"log {LOG}")


# --- damage by somebody who makes the manifest fit --------------------------------------------------------


@pytest.mark.parametrize("position", [1, 256, 257, 600])
def test_an_edited_record_is_found_where_it_is(position: int, made: Made, verify: Verify) -> None:
    def edit(lines: list[bytes]) -> None:
        lines[position - 1] = lines[position - 1][:-4] + b'9"}\n'

    pack = Edited.of(made("bureau", *ALL)).lines(edit)

    assert "other bytes than were signed" in fault(
        verify(pack.consistent()), f"log {LOG}, position {position}"
    )


@pytest.mark.parametrize(
    ("selection", "index", "position"),
    [
        ("bureau", 17, 18),
        ("bureau", -1, 600),
        ("records", 1, 299),
        ("subject", 1, 303),
        ("period", 50, 149),
        ("basis", 0, 17),
    ],
)
def test_a_record_that_was_taken_out_is_missed(
    selection: str, index: int, position: int, made: Made, verify: Verify
) -> None:
    pack = Edited.of(made(selection, *ALL)).lines(lambda lines: lines.pop(index))

    fault(verify(pack.counted().consistent()), f"log {LOG}, position {position}")


def test_a_record_of_a_figure_that_was_taken_out_is_missed(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("report", *ALL)).lines(lambda lines: lines.pop(3)).counted()

    said = fault(verify(pack.consistent()), f"log {LOG}, position 4")
    assert 'figure "joint activities" rests on this record, which is not in the pack' in said


def test_fewer_records_than_told_are_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("period", *ALL)).lines(lambda lines: lines.pop())

    assert "112 records, 111 are here" in fault(verify(pack.consistent()), f"log {LOG}, position 209")


def test_swapped_records_are_found(made: Made, verify: Verify) -> None:
    def swap(lines: list[bytes]) -> None:
        lines[9], lines[10] = lines[10], lines[9]

    pack = Edited.of(made("bureau", *ALL)).lines(swap)

    assert "out of order" in fault(verify(pack.consistent()), f"log {LOG}, position 10")


def test_a_record_that_stands_twice_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("period", *ALL)).lines(lambda lines: lines.insert(5, lines[4])).counted()

    assert "out of order" in fault(verify(pack.consistent()), f"log {LOG}, position 103")


def test_a_record_of_another_log_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("report", *ALL))
    foreign = pack.files[f"log/{OTHER}/records.jsonl"].splitlines(keepends=True)[0]

    def put(lines: list[bytes]) -> None:
        lines[0] = foreign

    fault(verify(pack.lines(put).consistent()), f"log {LOG}, position 1")


@pytest.mark.parametrize(
    "line", [b"{}\n", b"\n", b'{"redacted":0}\n', b'{"redacted":7}', b'{"redacted": 7}\n', b"\xff\n"]
)
def test_a_line_that_is_no_record_is_found(line: bytes, made: Made, verify: Verify) -> None:
    def put(lines: list[bytes]) -> None:
        lines[6:] = [line]

    fault(verify(Edited.of(made("bureau", *ALL)).lines(put).consistent()), f"log {LOG}, position 7")


@pytest.mark.parametrize(
    ("tile", "position"), [("0/000", 3), ("0/001", 299), ("0/002.p/88", 600), ("1/000.p/2", 600)]
)
def test_a_changed_tile_is_found(tile: str, position: int, made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records", *ALL)).flip(f"log/{LOG}/tile/{tile}")

    assert "the root of the checkpoint" in fault(verify(pack.consistent()), f"log {LOG}, position {position}")


def test_a_forged_record_with_a_tile_that_fits_it_is_found(made: Made, verify: Verify) -> None:
    # given a record with other content, its leaf put into the tile
    pack = Edited.of(made("records", *ALL))

    def forge(lines: list[bytes]) -> None:
        value = lines[0][:-1].replace(b'"persons":3', b'"persons":9')
        lines[0] = value + b"\n"
        tile = bytearray(pack.files[TILE])
        tile[2 * 32 : 3 * 32] = merkle.leaf_hash(value)
        pack.files[TILE] = bytes(tile)

    fault(verify(pack.lines(forge).consistent()), f"log {LOG}, position 3")


@pytest.mark.parametrize("name", [TILE, f"log/{LOG}/tile/1/000.p/2", CHECKPOINT, RECORDS])
def test_a_missing_file_is_found(name: str, made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records", *ALL))
    del pack.files[name]

    fault(verify(pack.consistent()), f"log {LOG}")
    fault(verify(pack.zipped()))


# --- keys and signatures ----------------------------------------------------------------------------------


def resigned(pack: Edited, *signers: notes.Signer) -> Edited:
    text = notes.split(pack.files[CHECKPOINT])[0]
    pack.files[CHECKPOINT] = notes.sign(text, *signers).encode()
    return pack


def test_a_checkpoint_of_another_key_is_found(made: Made, verify: Verify) -> None:
    forger = notes.Signer(signer(LOG).name, bytes(32))
    pack = resigned(Edited.of(made("records")), forger)

    assert "no key that may sign" in fault(verify(pack.consistent()), f"log {LOG}, position 600")


def test_a_checkpoint_of_another_log_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records"))
    pack.files[CHECKPOINT] = pack.files[f"log/{OTHER}/checkpoint"]

    assert "no checkpoint of this log" in fault(verify(pack.consistent()), f"log {LOG}, position 600")


def test_a_checkpoint_with_another_root_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records"))
    lines = pack.files[CHECKPOINT].split(b"\n")
    lines[2] = pack.files[f"log/{OTHER}/checkpoint"].split(b"\n")[2]
    pack.files[CHECKPOINT] = b"\n".join(lines)

    assert "signature of chuanyu.yinqiao/500116 does not hold" in fault(
        verify(pack.consistent()), f"log {LOG}, position 600"
    )


def test_a_size_that_the_checkpoint_does_not_have_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records")).json(MANIFEST, lambda manifest: manifest["logs"][0].update(size=601))

    assert "tells another size" in fault(verify(pack.consistent()), f"log {LOG}, position 601")


def test_a_log_is_its_own_bureaus(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records")).json(
        MANIFEST, lambda manifest: manifest["logs"][0].update(bureau=OTHER)
    )

    assert "has no such log" in fault(verify(pack.consistent()), f"log {LOG}")


def test_nobody_is_two_witnesses(made: Made, verify: Verify) -> None:
    # given an alliance in which two nodes cosign with one key, which its quorum signed
    vkeys = [packs.cosigner(name).verifier.vkey for name in ("sichuan", "observer")]
    twin = notes.Signer(
        packs.cosigner("observer").name, packs.cosigner("sichuan").seed, notes.Kind.COSIGNATURE
    )
    text = packs.document().write().replace(vkeys[1], twin.verifier.vkey)
    note = notes.sign(text, packs.quorum(0), packs.quorum(1))
    pack = Edited.of(made("records"))
    pack.files["alliance/1.note"] = note.encode()

    said = verify(pack.consistent(), digest=alliance.digest(note))

    assert "a key stands there twice" in fault(said, "file alliance/1.note")


@pytest.mark.parametrize("node", ["sichuan", "chongqing"])
def test_a_forged_cosignature_is_found_whoever_it_is_of(node: str, made: Made, verify: Verify) -> None:
    forger = notes.Signer(packs.cosigner(node).name, bytes(32), notes.Kind.COSIGNATURE)
    pack = Edited.of(made("records"))
    text, lines = notes.split(notes.cosign(pack.files[CHECKPOINT], forger, packs.COSIGNED))
    forged = lines[-1]._replace(id=packs.cosigner(node).verifier.id)
    pack.files[CHECKPOINT] = f"{text}\n{lines[0]}{forged}".encode()

    said = fault(verify(pack.consistent()), f"log {LOG}, position 600")
    assert f"signature of chuanyu.yinqiao/node/{node} does not hold" in said


def test_a_cosignature_with_another_time_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records", *ALL))
    text, lines = notes.split(pack.files[CHECKPOINT])
    lines[1] = lines[1]._replace(signature=bytes(7) + b"\x01" + lines[1].signature[8:])
    pack.files[CHECKPOINT] = f"{text}\n{''.join(map(str, lines))}".encode()

    fault(verify(pack.consistent()), f"log {LOG}, position 600")


def test_a_pack_of_another_alliance_is_found(made: Made, verify: Verify) -> None:
    said = fault(verify(made("records"), digest="A" * 43 + "="), "file alliance/1.note")

    assert "not the one you gave" in said


def later(version: int, previous: str, *signers: notes.Signer, **changed: object) -> bytes:
    document = packs.document(version, previous).model_copy(update=changed)
    return notes.sign(document.write(), *signers).encode()


def test_a_version_of_the_alliance_that_the_quorum_did_not_sign_is_found(made: Made, verify: Verify) -> None:
    last = alliance.digest(packs.versions()[-1])
    for signers in [
        (packs.quorum(0),),
        (notes.Signer("x", bytes(32)), packs.quorum(1)),
        (packs.quorum(2),) * 1,
    ]:
        pack = Edited.of(made("records", *ALL))
        pack.files["alliance/3.note"] = later(3, last, *signers)

        assert "of the 3 keys of version 2's quorum signed" in fault(
            verify(pack.consistent()), "file alliance/3.note"
        )


def test_a_version_of_the_alliance_that_does_not_follow_is_found(made: Made, verify: Verify) -> None:
    first, last = (alliance.digest(text) for text in packs.versions())
    both = packs.quorum(0), packs.quorum(1)
    fewer = packs.document().log[:1]
    for note in [later(3, first, *both), later(4, last, *both), later(3, last, *both, log=fewer)]:
        pack = Edited.of(made("records", *ALL))
        pack.files["alliance/3.note"] = note

        assert "does not follow version 2" in fault(verify(pack.consistent()), "file alliance/3.note")


MOVED = {"node": "sichuan"}
CLOSED = {"closed_size": 600, "closed_root": keys.encode(bytes(32))}


@pytest.mark.parametrize("changes", [[MOVED], [CLOSED, {}], [CLOSED, CLOSED | {"closed_size": 599}]])
def test_a_version_that_nodes_would_refuse_is_refused_here(
    changes: list[dict[str, object]], made: Made, verify: Verify
) -> None:
    # given versions that move a log, open it again, or close it elsewhere
    pack, last = Edited.of(made("records", *ALL)), packs.versions()[-1]
    for version, changed in enumerate(changes, 3):
        base = packs.document().log
        logs = (base[0].model_copy(update=changed), base[1])
        both = packs.quorum(0), packs.quorum(1)
        last = later(version, alliance.digest(last), *both, log=logs).decode()
        pack.files[f"alliance/{version}.note"] = last.encode()

    file = f"file alliance/{2 + len(changes)}.note"
    assert "does not follow version" in fault(verify(pack.consistent()), file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format = 1", "format = 2"),
        ("[policy]", "[extra]\na = 1\n\n[policy]"),
        ("[policy]", "[policy]\nmore = 1"),
        ("[policy]", "[policy]\nneeded = 3"),
        ('operator = "', 'more = 1\noperator = "'),
        ('bureau = "500116"', 'bureau = "500116"\nsuite = "other"'),
        ('bureau = "500116"', 'bureau = "500116"\nsuccessor = "510100"'),
        ('bureau = "500116"', 'bureau = "510100"'),
        ('name_zh = "', 'more = "'),
        ("witnesses = [", 'witnesses = ["chongqing",'),
        ("witnesses = [", 'witnesses = ["nobody",'),
    ],
)
def test_a_document_that_nodes_would_not_read_is_no_document(
    old: str, new: str, made: Made, verify: Verify
) -> None:
    text = packs.document().write()
    changed = text.replace(old, new, 1)
    assert changed != text, text
    note = notes.sign(changed, packs.quorum(0), packs.quorum(1))
    with pytest.raises(errors.Invalid):
        alliance.parse(note)
    pack = Edited.of(made("records", *ALL))
    pack.files["alliance/1.note"] = note.encode()
    del pack.files["alliance/2.note"]
    pack.json(MANIFEST, lambda manifest: manifest.update(alliance_digest=alliance.digest(note)))

    said = fault(verify(pack.consistent(), digest=alliance.digest(note)))
    assert "file alliance/1.note\n" in said


def test_a_missing_version_of_the_alliance_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records", *ALL))
    pack.files["alliance/3.note"] = pack.files.pop("alliance/2.note")

    fault(verify(pack.consistent()), "file alliance/2.note")


# --- a bureau that signs what it must not -------------------------------------------------------------------


def test_a_log_made_by_hand_is_good(verify: Verify) -> None:
    said = verify(edited.handmade(values_of(LOG, 6)).consistent())

    assert (said.code, said.err) == (3, ""), said.out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"sequence":"00000000000000000004"', b'"sequence":"00000000000000000004" ', "no envelope"),
        (b"//chuanyu/500116", b"//chuanyu/510100", "of another log"),
        (b"//chuanyu/500116", b"//jingjinji/500116", "of another log"),
        (b"2025-05-01T08", b"2025-05-01T07", "of before the one before it"),
        (b"urn:yinqiao:schema:yinqiao.activity", b"urn:yinqiao:schema:yinqiao.talent", "no envelope"),
        (b'"data":{', b'"data":{"persons":1},"data":{', "no envelope"),
        (b'"data":{', b'"sequence":"00000000000000000004","data":{', "no envelope"),
        (b'"data":{', b'"data":{},"sequence":"00000000000000000099","x":{', "no envelope"),
        (b'"data":{', b'"data":}{not json', "no envelope"),
        (b'"data":{', b'"data":{"x":NaN,', "no envelope"),
        (b'"data":{', b'"data":{"x":1e999,', "no envelope"),
        (b'"data":{', b'"data":{"x":1,"x":1,', "no envelope"),
        (b'"data":{', b'"data":[{', "no envelope"),
        (b'"data":{', b'"basis":"500116:2 500116:1","data":{', "no envelope"),
    ],
)
def test_a_signed_record_that_does_not_belong_there_is_found(
    old: bytes, new: bytes, told: str, verify: Verify
) -> None:
    values = values_of(LOG, 6)
    values[3] = values[3].replace(old, new)

    assert told in fault(verify(edited.handmade(values).consistent()), f"log {LOG}, position 4")


def test_a_signed_record_with_another_position_is_found(verify: Verify) -> None:
    values = values_of(LOG, 6)
    values[3] = values[3].replace(b'"sequence":"00000000000000000004"', b'"sequence":"00000000000000000005"')
    pack = edited.handmade(values, {"kind": "records", "records": []})

    def tell_otherwise(lines: list[bytes]) -> None:
        raw = base64.b64encode(lines[3][:-1]).decode()
        lines[3] = f'{{"base64":"{raw}","position":4}}\n'.encode()

    assert "has another position" in fault(
        verify(pack.lines(tell_otherwise).consistent()), f"log {LOG}, position 4"
    )


def test_a_key_after_its_time_proves_nothing(verify: Verify) -> None:
    # given an alliance whose key for the log signs up to size 5 only
    logs = packs.document().log
    ended = (logs[0].model_copy(update={"key": (Key(vkey=logs[0].key[0].vkey, to_size=5),)}), logs[1])
    pack = edited.handmade(values_of(LOG, 6))
    pack.files["alliance/3.note"] = later(
        3, alliance.digest(packs.versions()[-1]), packs.quorum(0), packs.quorum(1), log=ended
    )

    fault(verify(pack.consistent()), f"log {LOG}, position 6")


# --- a bureau, a period -------------------------------------------------------------------------------------


def without(pack: bytes, log: str) -> Edited:
    """A pack from which somebody took a log."""
    left = Edited.of(pack)
    left.files = {name: raw for name, raw in left.files.items() if not name.startswith(f"log/{log}/")}
    return left.json(MANIFEST, lambda m: m.update(logs=[part for part in m["logs"] if part["log"] != log]))


def selected(pack: Edited, **selection: str) -> bytes:
    return pack.json(MANIFEST, lambda m: m.update(selection=selection)).consistent()


def test_a_log_that_is_lacking_is_named(made: Made, verify: Verify) -> None:
    said = verify(without(made("period", *ALL), OTHER).consistent())

    assert f"Anything of log {OTHER}: the alliance document has it, this pack has not." in said.out
    assert "(but 1 log of these not here: see 2)" in said.out


def test_a_pack_about_a_bureau_without_its_logs_is_found(made: Made, verify: Verify) -> None:
    for kind in ({"kind": "bureau"}, {"kind": "period", "after": START, "until": END}):
        said = fault(verify(selected(Edited.of(made("bureau", *ALL)), bureau=OTHER, **kind)))
        assert "no log of what was selected is here" in said


START, END = "2025-05-01T00:09:59.999999Z", "2025-05-01T00:20:00.000000Z"


@pytest.mark.parametrize(("after", "until"), [("zzz", "aaa"), (END, START), (START, START), ("", END)])
def test_what_is_no_period_is_refused(after: str, until: str, made: Made, verify: Verify) -> None:
    pack = selected(Edited.of(made("bureau", *ALL)), kind="period", after=after, until=until, bureau=LOG)

    assert "no period" in fault(verify(pack), "file manifest.json")


def test_the_ends_of_a_period_are_proved_by_the_records_around_it(made: Made, verify: Verify) -> None:
    whole = made("period", *ALL)
    assert "of the period: its neighbour is not here" not in verify(whole).out

    for cut, end in ((slice(0, 2), "start"), (slice(-2, None), "end")):
        pack = Edited.of(whole).lines(lambda lines, cut=cut: lines.__delitem__(cut)).counted()  # type: ignore[misc]
        said = verify(pack.consistent()).out
        assert f"That no record of log {LOG} was left out at the {end} of the period" in said


def test_a_record_missing_within_a_period_is_found(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("period", *ALL)).lines(lambda lines: lines.pop(30)).counted()

    fault(verify(pack.consistent()), f"log {LOG}, position 129")


def test_whole_is_to_the_size_of_the_checkpoint(made: Made, verify: Verify) -> None:
    said = verify(made("bureau", *ALL))

    assert f"Log {LOG} is here whole from position 1 to size 600 of this checkpoint" in said.out
    assert "last one that was signed" not in said.out


# --- a subject ----------------------------------------------------------------------------------------------


def subject(number: int, log: str = LOG) -> dict[str, str]:
    return {"kind": "subject", "log": log, "stream": packs.stream(log, number)}


def with_a_hole() -> list[bytes]:
    """Nine records of three subjects, and the decision, at 10, to redact the first."""
    return redacted.decided(packs.values(LOG, 9), 1)


def chosen(values: list[bytes], selection: dict[str, str], *positions: int) -> Edited:
    """A pack of these; 1 is a hole."""
    lines = [b"%b\n" % values[position - 1] for position in positions]
    if 1 in positions:
        lines[positions.index(1)] = b'{"decision":10,"redacted":1}\n'
    pack = edited.handmade(values, selection)
    pack.files[RECORDS] = b"".join(lines)
    return pack.counted()


def test_a_record_withheld_from_a_subject_is_not_made_good_by_a_hole_of_another(verify: Verify) -> None:
    # given a subject with records 4, 5 and 6, and a redacted record of another one
    pack = chosen(with_a_hole(), subject(1), 1, 4, 6, 10)

    said = fault(verify(pack.consistent()), f"log {LOG}, position 6")
    assert "version 2 of the subject is missing" in said


def test_a_subject_of_which_nothing_is_here_is_found(verify: Verify) -> None:
    said = fault(verify(chosen(with_a_hole(), subject(1), 1, 10).consistent()), f"log {LOG}")

    assert "no record of the subject is here" in said


def test_a_hole_of_the_subject_counts_and_its_first_record_cannot_say_where_it_goes_on_from(
    verify: Verify,
) -> None:
    said = verify(chosen(with_a_hole(), subject(0), 1, 2, 3, 10).consistent())

    assert "versions 1 to 3 are all here" in said.out
    assert "Whether something came before: the subject's first record was removed" in said.out


GOES_ON = "yinqiao.activity.activity-continued.v1"


def continued(old: list[bytes], **changed: object) -> Edited:
    """A pack of subject 1 of `OTHER`, which goes on from the first of `LOG` (three records)."""
    last = {"log": LOG, "subject": packs.stream(LOG, 0), "version": 3, "position": 3}
    leaf = keys.encode(merkle.leaf_hash(old[2]))
    goes_on = history.Continues.model_validate(last | {"leaf": leaf} | changed)
    value = envelope.prepare(
        alliance=ALLIANCE, log=OTHER, id=str(uuid4()), aggregate="activity", stream=packs.stream(OTHER, 1),
        version=1, actor="system", basis=[goes_on.key],
        data=catalogue.EVENTS[GOES_ON].model_validate({"continues": goes_on}),
    )  # fmt: skip
    selection = subject(1, OTHER)
    return edited.handmade([envelope.stamp(value, 1, TIME)], selection, OTHER)


def both(old: list[bytes], new: Edited, count: int = 3) -> Edited:
    first = edited.handmade(old).lines(lambda lines: lines.__delitem__(slice(count, None)))
    files = first.files | {name: raw for name, raw in new.files.items() if name not in first.files}
    pack = Edited(files | {MANIFEST: new.files[MANIFEST]})
    parts = [*json.loads(first.files[MANIFEST])["logs"], *json.loads(new.files[MANIFEST])["logs"]]
    return pack.json(MANIFEST, lambda manifest: manifest.update(logs=parts)).counted()


def test_a_subject_that_goes_on_from_a_closed_log_is_followed_there(verify: Verify) -> None:
    old = packs.values(LOG, 6)

    said = verify(both(old, continued(old)).consistent())
    assert f"Subject {packs.stream(OTHER, 1)} in log {OTHER}: versions 1 to 1 are all here." in said.out
    assert f"Subject {packs.stream(LOG, 0)} in log {LOG}: versions 1 to 3 are all here." in said.out


def test_what_a_subject_goes_on_from_and_is_not_here_is_told(verify: Verify) -> None:
    said = verify(continued(packs.values(LOG, 6)).consistent())

    assert f"goes on from subject {packs.stream(LOG, 0)} of log {LOG}, up to its version 3 at position 3" in (
        said.out
    )
    assert "续接自日志 500116" in said.out


def test_the_end_of_what_a_subject_goes_on_from_must_be_here_as_it_says(verify: Verify) -> None:
    old = packs.values(LOG, 6)

    fault(verify(both(old, continued(old), 2).consistent()), f"log {LOG}, position 3")
    other = continued(old, leaf=keys.encode(bytes(32)))
    fault(verify(both(old, other).consistent()), f"log {LOG}, position 3")
    fault(verify(both(old, continued(old, version=4)).consistent()), f"log {LOG}, position 3")


# --- a log that was closed ----------------------------------------------------------------------------------


def root(values: list[bytes]) -> bytes:
    return merkle.root([merkle.leaf_hash(value) for value in values])


def closed_at(pack: Edited, size: int, closing: bytes) -> bytes:
    pack.files["alliance/3.note"] = packs.closed(size, closing)[2].encode()
    return pack.consistent()


def test_a_record_beyond_the_size_at_which_the_alliance_closed_the_log_is_void(verify: Verify) -> None:
    values = values_of(LOG, 6)

    said = fault(verify(closed_at(edited.handmade(values), 4, root(values[:4]))), f"log {LOG}, position 5")
    assert "the log was closed at size 4" in said
    assert "日志已在第 4 条关闭" in said


def test_what_stands_before_the_closing_is_proved_and_the_closing_told(verify: Verify) -> None:
    values = values_of(LOG, 6)
    pack = edited.handmade(values).lines(lambda lines: lines.__delitem__(slice(4, None))).counted()

    said = verify(closed_at(pack, 4, root(values[:4])))
    assert "The alliance document closes this log at size 4" in said.out
    assert "结论：" in said.out
    assert "FAULT" not in said.out


@pytest.mark.parametrize("size", [4, 6, 9])
def test_a_pack_of_the_other_side_of_a_fork_is_found(size: int, verify: Verify) -> None:
    # given that the alliance closed the log as others hold it
    others = values_of(LOG, 9)
    pack = edited.handmade(values_of(LOG, 6))
    if size > 6:  # the tiles are those of the larger tree
        leaves = merkle.subtrees([merkle.leaf_hash(value) for value in others])
        pack.files |= {f"log/{LOG}/{t.path}": tiles.tile_bytes(t, leaves) for t in tiles.tiles(size)}
        del pack.files[f"log/{LOG}/tile/0/000.p/6"]

    fault(verify(closed_at(pack, size, root(others[:size]))), f"log {LOG}, position {min(size, 6)}")


def test_what_a_bureau_writes_after_it_closed_its_log_is_void(verify: Verify) -> None:
    # given a log whose fourth record closes it
    values = values_of(LOG, 6)
    last = LogClosed(
        reason=Closure.CLOSING, last_size=3, last_root=keys.encode(root(values[:3])), succession=Succession()
    )
    closes = envelope.prepare(
        alliance=ALLIANCE, log=LOG, id=str(uuid4()), aggregate="log", stream=str(uuid4()), version=1,
        actor="system", data=last,
    )  # fmt: skip
    values[3] = envelope.stamp(closes, 4, TIME)

    said = fault(verify(edited.handmade(values).consistent()), f"log {LOG}, position 5")
    assert "the log was closed at size 4" in said
    assert "The log closed itself by its record 4" in verify(edited.handmade(values[:4]).consistent()).out


# --- the report ---------------------------------------------------------------------------------------------


def report(pack: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    """A report with something changed, and the digest that it then has."""
    changed = Edited.of(pack).json(REPORT, change)
    return changed.json(REPORT, lambda r: r.update(packs.sealed(dict(r)))).consistent()


def test_what_a_forger_writes_into_a_report_stands_under_what_is_not_proved(
    made: Made, verify: Verify
) -> None:
    # given a report in which a count is said to be none, with another value, name and rows
    def forge(r: dict[str, Any]) -> None:
        r["figures"][0].update(count=False, value=999, en="forged name")
        r["rows"][0]["fields"] = {"amount": 10**9}
        r["parameters"] = {"first": "1900-01-01"}

    said = verify(report(made("report", *ALL), forge))

    proved, _, gaps = said.out.partition("1. What is proved")[2].partition("2. What is not proved")
    assert "999" not in proved
    assert 'That the value 999 of figure "forged name" is computed rightly' in gaps
    assert "the values in its rows are signed by nobody" in gaps
    assert "Anything about 1 row of the report that cite no record at all" in gaps
    assert "999" not in said.out.partition("一、已经证明")[2].partition("二、没有证明")[0]


def test_a_report_has_the_digest_that_it_names(made: Made, verify: Verify) -> None:
    changes: list[Callable[[dict[str, Any]], object]] = [
        lambda r: r.update(digest="0" * 64),
        lambda r: r["figures"][1].update(value=63),
        lambda r: r["rows"][0]["fields"].update(persons=6),
        lambda r: r["parameters"].update(first="1900-01-01"),
    ]
    for change in changes:
        pack = Edited.of(made("report", *ALL)).json(REPORT, change)

        said = fault(verify(pack.consistent()), "file report.json")
        assert "has not the digest that it names" in said


def test_a_figure_that_is_not_the_number_of_its_records_is_found(made: Made, verify: Verify) -> None:
    pack = made("report", *ALL)

    for changed in ({"value": 5}, {"value": "4"}, {"of": "records"}):
        said = fault(verify(report(pack, lambda r, c=changed: r["figures"][0].update(c))), "file report.json")  # type: ignore[misc]
        assert 'figure "joint activities" says' in said


def test_a_figure_that_rests_on_what_is_not_in_the_pack_is_found(made: Made, verify: Verify) -> None:
    pack = report(made("report", *ALL), lambda r: r["figures"][1]["records"].append([OTHER, 5]))  # type: ignore[index]

    fault(verify(pack), f"log {OTHER}, position 5")


def test_a_record_beyond_the_reports_own_positions_is_found(made: Made, verify: Verify) -> None:
    pack = report(made("report", *ALL), lambda r: r["vector"].update({LOG: 299}))  # type: ignore[attr-defined]

    fault(verify(pack), f"log {LOG}, position 300")


# --- a damaged file -----------------------------------------------------------------------------------------


def test_a_damaged_zip_is_a_fault_wherever_it_was_damaged(made: Made, verify: Verify) -> None:
    whole = made("records", *ALL)
    end = whole.rindex(b"PK\5\6")
    offset = whole[: end + 16] + b"\xff\xff\xff\x7f" + whole[end + 20 :]
    directory = whole.index(b"PK\1\2")
    header = whole[: directory + 42] + b"\xff\xff\xff\x7f" + whole[directory + 46 :]
    for raw in (offset, header, whole[:5000] + whole[5100:], whole[:-30], b"", b"PK"):
        fault(verify(raw))


def test_a_file_that_is_not_there_is_wrong_use(verify: Verify, tmp_path: Path) -> None:
    (tmp_path / "pack.zip").mkdir()
    said = verify(None)

    assert (said.code, said.out) == (2, "")
    assert "cannot open the file" in said.err


def test_content_that_would_fill_the_memory_is_refused(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records", *ALL))
    pack.files[MANIFEST] = b"[" + b"[]," * 2_500_000 + b"1]"

    assert "too much in it" in fault(verify(pack.zipped()), "file manifest.json")


def test_numbers_that_nobody_can_print_are_refused(made: Made, verify: Verify) -> None:
    text = packs.document().write() + "needed = 0x" + "f" * 5000 + "\n"
    note = notes.sign(text.replace("needed = 2\n", ""), packs.quorum(0), packs.quorum(1))
    pack = Edited.of(made("records", *ALL))
    pack.files["alliance/1.note"] = note.encode()

    fault(verify(pack.consistent(), digest=alliance.digest(note)), "file alliance/1.note")


def test_what_the_verifier_cannot_cope_with_is_a_fault_and_no_traceback(made: Made, verify: Verify) -> None:
    deep = b"[" * 960 + b"]" * 960
    pack = Edited.of(made("report", *ALL)).json(REPORT, lambda r: r["figures"][1].update(value="@"))
    pack.files[REPORT] = pack.files[REPORT].replace(b'"@"', deep)

    said = verify(pack.consistent())
    assert said.code in {0, 1}
    assert said.err == ""


# --- tricks with the ZIP ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/passwd",
        "log/500116/../../x",
        "log/",
        "verify.py",
        "log/500116/tile/0/000.p/0",
        "README.TXT",
        "a\\b",
    ],
)
def test_a_file_that_a_pack_does_not_have_is_refused(name: str, made: Made, verify: Verify) -> None:
    fault(verify(Edited.of(made("records")).zipped((name, b"x"))), "file ")


def test_a_name_that_stands_there_twice_is_refused(made: Made, verify: Verify) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        pack = Edited.of(made("records")).zipped((MANIFEST, b"{}"))

    assert "stands there twice" in fault(verify(pack), "file manifest.json")


def test_files_that_nothing_needs_are_refused(made: Made, verify: Verify) -> None:
    for name, raw in [(f"log/{LOG}/tile/2/000.p/1", bytes(32)), ("log/999999/checkpoint", b"x")]:
        pack = Edited.of(made("records"))
        pack.files[name] = raw

        fault(verify(pack.consistent()), f"log {name.split('/')[1]}")


def test_a_bomb_is_not_unpacked(made: Made, verify: Verify) -> None:
    pack = Edited.of(made("records"))
    pack.files[TILE] = bytes(50_000_000)

    assert "too large" in fault(verify(pack.consistent()), f"file {TILE}")


def test_text_of_a_pack_cannot_steer_the_terminal(made: Made, verify: Verify) -> None:
    pack = report(made("report", *ALL), lambda r: r["figures"][0].update(zh="\x1b[2J\u202eok\nResult"))  # type: ignore[index]

    out = verify(pack).out

    assert "?[2J?ok?Result" in out


def test_what_is_not_json_is_refused(made: Made, verify: Verify) -> None:
    whole = Edited.of(made("report", *ALL))
    for raw in (
        b"",
        b"[]",
        b"\xff",
        b'{"a":1,"a":2}',
        b"NaN",
        b"[" * 100_000,
        b'{"figures":' + b"9" * 5000 + b"}",
    ):
        for name in (MANIFEST, REPORT):
            pack = Edited(dict(whole.files))
            pack.files[name] = raw

            fault(verify(pack.zipped() if name == MANIFEST else pack.consistent()), f"file {name}")


OTHERS: tuple[object, ...] = (None, -1, 10**30, "x", [], {}, [[1]], True, 0.5)


@pytest.mark.parametrize("name", [MANIFEST, REPORT])
def test_no_change_of_shape_brings_the_verifier_down(name: str, made: Made) -> None:
    whole = Edited.of(made("report", *ALL))
    for path in list(edited.places(json.loads(whole.files[name])))[1:]:
        for other in OTHERS:
            pack = Edited(dict(whole.files)).json(name, lambda c, p=path, o=other: edited.put(c, p, o))  # type: ignore[misc]
            found = tried(pack.zipped() if name == MANIFEST else pack.consistent())
            assert found is None or (found.place.zh and found.place.en)


def tried(pack: bytes) -> Fault | None:
    """In this process: several hundred runs."""
    try:
        Verifier(Pack(BytesIO(pack)), edited.digest())
    except Fault as found:
        return found
    return None
