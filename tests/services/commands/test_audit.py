"""`yinqiao audit` finds what was changed behind the node's back, and proves what was not."""

import json

import pytest

from events import checkpoints, keys, merkle
from events.loops import Role
from events.values import Reason, Why
from services.auditor import verifications
from services.bureau.office import Order
from services.bureau.redacting import Redact
from services.commands import options
from services.gateway import acting
from tests.services.commands.installation import ALLIANCE, LOGS, Installation

HERE = LOGS[0]


@pytest.fixture
def signed(installed: Installation) -> Installation:
    """30 events in one log, signed and projected."""
    installed.run("simulate", "--events", "30")
    installed.settle()
    return installed


def test_a_whole_ledger_has_no_finding(signed: Installation) -> None:
    told = signed.json("audit", "verify")

    assert told == {
        "ok": True,
        "logs": 2,
        "events": 30,
        "unknown": 0,
        "redacted": 0,
        "findings": [],
        "more": 0,
    }
    assert signed.run("audit", "verify").splitlines()[-1] == "2 logs, 30 events: no findings"
    assert signed.json("audit", "replay")["ok"]


def test_redacted_records_are_counted_and_proved_without_their_bytes(signed: Installation) -> None:
    # given a record that was redacted by decision
    prove = ("audit", "prove", "--log", HERE, "--position", "7")
    leaf = json.loads(signed.run(*prove))["leaf"]
    with signed.node() as node:
        redact = Redact(position=7, reason=Why(code=Reason.OTHER))
        node.standing.admit()
        node.office.do(HERE, Order("redact", acting.officer(ALLIANCE, HERE, Role.LEADER), redact))
    signed.settle()

    # then that is said, and is no finding
    told = signed.json("audit", "verify")
    assert (told["ok"], told["events"], told["redacted"]) == (True, 31, 1)
    assert signed.run("audit", "verify").splitlines()[-1] == "2 logs, 31 events, 1 redacted: no findings"
    assert signed.json("audit", "replay")["redacted"] == 1
    proof = json.loads(signed.run(*prove))
    assert (proof["leaf"], proof["record"], proof["redacted"]) == (leaf, None, 31)
    signed.run(*prove, "--record", str(signed.folder / "record"), exit_code=2)
    assert not (signed.folder / "record").exists()


def test_what_was_verified_is_kept_for_the_pages(signed: Installation) -> None:
    signed.run("audit", "verify")
    signed.run("audit", "verify", "--log", HERE, "--from", "10", "--quick")

    with options.place(signed.file).connection() as conn:
        kept = verifications.kept(conn)

    assert [(x.start, x.upto, x.replayed, x.findings) for x in kept[HERE]] == [
        (10, 30, False, 0), (0, 30, True, 0),
    ]  # fmt: skip
    assert verifications.covered(kept[HERE]) == 30
    assert [x.upto for x in kept[LOGS[1]]] == [0]


def test_a_changed_record_is_found_where_it_is_and_the_exit_code_says_so(signed: Installation) -> None:
    signed.execute(
        "UPDATE ledger.entry SET value ="
        " convert_to(replace(convert_from(value, 'UTF8'), '〔模拟〕', '〔更改〕'), 'UTF8')"
        " WHERE log = %s AND position = 5",
        HERE,
    )

    told = signed.json("audit", "verify", exit_code=1)

    assert told["ok"] is False
    assert {(f["bureau"], f["position"], f["kind"]) for f in told["findings"]} == {(HERE, 5, "leaf")}
    assert "leaf" in signed.run("audit", "verify", "--log", HERE, exit_code=1)
    assert signed.json("audit", "verify", "--log", LOGS[1])["ok"]
    assert signed.json("audit", "verify", "--log", HERE, "--from", "5")["events"] == 25


def test_a_tail_that_was_cut_off_with_its_checkpoints_is_found_by_the_guard(signed: Installation) -> None:
    signed.execute("DELETE FROM ledger.checkpoint WHERE log = %s", HERE)
    signed.execute("DELETE FROM ledger.entry WHERE log = %s", HERE)
    signed.execute("UPDATE ledger.log SET head = 0 WHERE log = %s", HERE)

    found = signed.json("audit", "verify", exit_code=1)["findings"]

    assert [(f["bureau"], f["position"], f["kind"]) for f in found] == [
        (HERE, 30, "guard"),
        (HERE, 1, "command"),
    ]


def test_an_impossible_history_is_found_by_replay(signed: Installation) -> None:
    signed.execute(
        "UPDATE ledger.entry SET value = convert_to(replace(convert_from(value, 'UTF8'), '.activity-held.v',"
        " '.activity-cancelled.v'), 'UTF8') WHERE log = %s AND position = 3",
        HERE,
    )

    (finding,) = signed.json("audit", "replay", exit_code=1)["findings"]

    assert (finding["log"], finding["position"]) == (HERE, 3)


def test_a_record_is_proved_with_what_anybody_can_check(signed: Installation) -> None:
    proof = json.loads(signed.run("audit", "prove", "--log", HERE, "--position", "7"))

    alliance = options.place(signed.file).alliance
    checkpoint = checkpoints.open_checkpoint(proof["checkpoint"], *alliance.verifiers(HERE, proof["size"]))
    hashes = [keys.decode(node) or b"" for node in proof["proof"]]
    leaf = merkle.leaf_hash(proof["record"].encode())
    merkle.verify_inclusion(proof["index"], proof["size"], leaf, hashes, checkpoint.root)
    assert (proof["index"], proof["size"], proof["origin"]) == (6, 30, alliance.origin(HERE))


def test_what_no_checkpoint_covers_and_unknown_logs_are_wrong_use(signed: Installation) -> None:
    signed.run("audit", "prove", "--log", HERE, "--position", "31", exit_code=2)
    signed.run("audit", "prove", "--log", LOGS[1], "--position", "1", exit_code=2)
    signed.run("audit", "verify", "--log", "999999", exit_code=2)


def test_a_changed_record_proves_nothing(signed: Installation) -> None:
    signed.execute("UPDATE ledger.entry SET value = value || ' ' WHERE log = %s AND position = 7", HERE)

    signed.run("audit", "prove", "--log", HERE, "--position", "7", exit_code=1)
