"""`yinqiao audit export` writes what the verifier takes, whatever is selected, and leaves no half pack."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.commands import options
from tests.services.commands.installation import LOGS, Installation
from tests.support.project import ROOT

HERE = LOGS[0]


@pytest.fixture
def signed(installed: Installation) -> Installation:
    """30 events in one log, signed and projected."""
    installed.run("simulate", "--events", "30")
    installed.settle()
    return installed


def verified(installed: Installation, file: Path) -> str:
    digest = options.place(installed.file).settings.alliance.digest
    program = ROOT / "deploy/evidence/verify.py"
    done = subprocess.run(
        [sys.executable, "-I", program, file, "--digest", digest],
        capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr  # this alliance has no witness that counts
    return done.stdout


def a_stream(installed: Installation) -> str:
    proof = json.loads(installed.run("audit", "prove", "--log", HERE, "--position", "1"))
    return str(json.loads(proof["record"])["subject"]).partition("/")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("--record", f"{HERE}:3", "--record", f"{HERE}:30"),
        ("--bureau", HERE),
        ("--log", HERE, "--stream"),
        ("--from", "2000-01-01", "--to", "2100-01-01"),
        ("--from", "2000-01-01", "--to", "2100-01-01", "--bureau", HERE, "--basis"),
        ("--report", "活动"),
    ],
)
def test_every_selection_makes_a_pack_that_proves_itself(
    words: tuple[str, ...], signed: Installation
) -> None:
    signed.run("audit", "report", "save", "活动", "--query", "activities")
    words = (*words, a_stream(signed)) if words[-1] == "--stream" else words
    file = signed.folder / "one.yinqiao-evidence.zip"

    told = signed.json("audit", "export", str(file), *words, "--unwitnessed")

    assert told["alliance_digest"] == options.place(signed.file).settings.alliance.digest
    assert f"All {told['records']} record" in verified(signed, file)
    assert told["absent"] == []


def test_a_report_is_told_figure_by_figure(signed: Installation) -> None:
    signed.run("audit", "report", "save", "活动", "--query", "activities")
    file = signed.folder / "report.zip"

    said = signed.run("audit", "export", str(file), "--report", "活动", "--unwitnessed")

    assert "give that digest and the verifier by another way" in said
    assert "指标“举办活动”" in verified(signed, file)
    assert "Counted again: the figure is the number of subjects" in verified(signed, file)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--log", HERE),
        ("--from", "2025-01-01"),
        ("--from", "never", "--to", "2025-01-01"),
        ("--bureau", HERE, "--record", f"{HERE}:3"),
        ("--record", f"{HERE}:31"),
        ("--record", f"{HERE}:0"),
        ("--bureau", "999999"),
        ("--report", "none"),
    ],
)
def test_wrong_use_leaves_no_file(words: tuple[str, ...], signed: Installation) -> None:
    signed.run("audit", "export", str(signed.folder / "x.zip"), *words, exit_code=2)

    assert not list(signed.folder.glob("x.zip*"))


def test_what_nobody_witnessed_is_refused_until_it_is_asked_for(signed: Installation) -> None:
    for words in (("--record", f"{HERE}:3"), ("--bureau", HERE)):
        signed.run("audit", "export", str(signed.folder / "x.zip"), *words, exit_code=1)

    assert not list(signed.folder.glob("x.zip*"))


def test_a_file_that_is_there_is_not_written_over(signed: Installation) -> None:
    file = signed.folder / "there.zip"
    file.write_bytes(b"mine")

    signed.run("audit", "export", str(file), "--bureau", HERE, exit_code=2)

    assert file.read_bytes() == b"mine"


def test_what_was_changed_is_not_exported(signed: Installation) -> None:
    signed.execute("UPDATE ledger.entry SET value = value || ' ' WHERE log = %s AND position = 7", HERE)

    signed.run(
        "audit", "export", str(signed.folder / "x.zip"), "--bureau", HERE, "--unwitnessed", exit_code=1
    )

    assert not list(signed.folder.glob("x.zip*"))
