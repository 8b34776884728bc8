"""`yinqiao audit at|state|play|lineage|report|reproduce`: looking back on the command line."""

import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from projections import track
from services.commands.play import Pace
from tests.services.commands import installation
from tests.services.commands.installation import LOGS, SECONDS, Installation

HERE, THERE = LOGS
DAY = ["--with", "last=2025-12-31"]


@pytest.fixture
def settled(installed: Installation) -> Installation:
    """30 events in one log, signed and projected."""
    installed.run("simulate", "--events", "30")
    installed.settle()
    return installed


def instances(node: Installation) -> set[str]:
    with psycopg.connect(node.dsn) as conn:
        return {s.name for s in track.states(conn)}


def stream(node: Installation) -> str:
    """The stream of the first record."""
    (first, *_) = [json.loads(x) for x in node.run("audit", "play", "--limit", "1", "--json").splitlines()]
    assert first["position"] == 1
    with psycopg.connect(node.dsn) as conn:
        row = conn.execute("SELECT stream::text FROM ledger.entry WHERE log = %s AND position = 1", [HERE])
        return str(row.fetchone()[0])  # type: ignore[index]  # it is there


def test_a_report_is_kept_listed_shown_and_made_again(settled: Installation) -> None:
    saved = settled.json("audit", "report", "save", "四月", "--query", "activities", *DAY)
    assert saved["versions"]["query/activities"] == 1
    assert saved["parameters"] == {"last": "2025-12-31"}
    assert saved["vector"] == {HERE: 30}

    listed = settled.json("audit", "report", "list")
    assert [(r["name"], r["digest"]) for r in listed] == [("四月", saved["digest"])]
    assert "举办活动" in settled.run("audit", "report", "show", "四月")
    told = settled.json("audit", "reproduce", "四月")
    assert (told["same"], told["again"], told["differences"]) == (True, saved["digest"], [])
    assert "the same" in settled.run("audit", "report", "reproduce", "1")


def test_a_report_that_does_not_come_out_the_same_is_a_finding(settled: Installation) -> None:
    settled.execute("UPDATE model_activity.activity SET persons = persons + 1 WHERE persons IS NOT NULL")
    settled.run("audit", "report", "save", "四月", "--query", "activities")
    before = instances(settled)

    told = settled.json("audit", "reproduce", "四月", exit_code=1)

    assert not told["same"]
    assert told["differences"][0]["place"] == "figure persons.value"
    assert "NOT the same" in settled.run("audit", "report", "reproduce", "四月", exit_code=1)
    assert instances(settled) == before


def test_a_report_as_of_a_vector_or_a_date_knows_no_more(settled: Installation) -> None:
    few = settled.json("audit", "report", "save", "a", "--query", "activities", "--vector", f"{HERE}:8")
    none = settled.json("audit", "report", "save", "b", "--query", "activities", "--date", "2024-12-31")
    figures = {f["name"]: f["value"] for f in few["answer"]["figures"]}
    assert (few["vector"], figures["activities"]) == ({HERE: 8}, 2)
    assert (none["vector"], none["answer"]["rows"]) == ({}, [])


def test_a_locked_report_needs_witnesses(settled: Installation) -> None:
    settled.run("audit", "report", "save", "a", "--query", "activities", "--locked", exit_code=1)


def test_what_is_behind_a_report_is_shown_with_its_proofs(settled: Installation) -> None:
    settled.run("audit", "report", "save", "四月", "--query", "activities", "--vector", f"{HERE}:8")
    told = settled.json("audit", "report", "lineage", "四月", "--figure", "persons", "--proofs")
    assert [n["position"] for n in told["nodes"]] == list(range(1, 9))
    assert all(n["proof"]["size"] == 30 and n["proof"]["hashes"] for n in told["nodes"])
    document = settled.json("audit", "report", "show", "四月", "--records")
    assert sorted(document["figures"][0]["records"]) == [[HERE, n] for n in range(1, 9)]


def test_a_read_model_of_a_vector_with_what_is_otherwise_today(settled: Installation) -> None:
    then = settled.json("audit", "at", "--vector", f"{HERE}:29", "--model", "activity")
    (model,) = then["models"]
    assert [[f["place"], f["before"]] for c in model["changes"] for f in c["fields"]] == [["signed_up", None]]
    two = settled.json(
        "audit", "at", "--vector", f"{HERE}:4", "--model", "activity", "--diff-to", f"{HERE}:5"
    )
    assert [c["before"] for c in two["models"][0]["changes"]] == [None]
    short = settled.json("audit", "at", "--date", "2024-12-31", "--model", "timeline", "--limit", "3")
    assert (len(short["models"][0]["changes"]), short["models"][0]["more"]) == (3, True)
    plain = settled.run("audit", "at", "--date", "2030-01-01", "--diff-to", "none")
    assert len(plain.splitlines()) == 1 + len(instances(settled))


def test_a_stream_at_a_version_and_what_differs_to_another(settled: Installation) -> None:
    which = ["audit", "state", "--log", HERE, "--stream", stream(settled)]
    found = settled.json(*which, "--version", "3", "--against", "1")
    assert (found["aggregate"], found["version"], found["fields"]["stage"]) == ("activity", 3, "held")
    assert ("stage", "planned", "held") in [
        (d["place"], d["before"], d["after"]) for d in found["differences"]
    ]
    assert settled.json(*which, "--vector", f"{HERE}:2")["version"] == 2
    assert settled.json(*which, "--date", "2024-12-31")["version"] == 0
    assert "stage\treported" in settled.run(*which)


def test_history_is_played_as_sentences_and_goes_on_behind_a_cursor(settled: Installation) -> None:
    lines = settled.run("audit", "play").splitlines()
    assert len(lines) == 30
    assert lines[0].split("\t")[1] == f"{HERE}:1"
    assert "计划" in lines[0]
    assert "plans" in settled.run("audit", "play", "--lang", "en", "--limit", "1")

    told = [json.loads(x) for x in settled.run("audit", "play", "--json", "--limit", "7").splitlines()]
    rest = settled.run("audit", "play", "--after", told[-1]["cursor"]).splitlines()
    assert rest == lines[7:]
    assert settled.run("audit", "play", "--from", f"{HERE}:7", "--to", f"{HERE}:9").splitlines() == lines[7:9]
    assert settled.run("audit", "play", "--subject", f"{HERE}/{stream(settled)}").splitlines() == lines[:4]
    assert settled.run("audit", "play", "--context", "talent", "--speed", "1000") == ""


def test_a_record_leads_to_its_rows_and_figures(settled: Installation) -> None:
    settled.run("audit", "report", "save", "四月", "--query", "activities")
    told = settled.json("audit", "lineage", "--log", HERE, "--position", "3", "--proofs", "--correlated")
    assert [n["position"] for n in told["nodes"]] == [1, 2, 3, 4]
    assert {"activity", "timeline"} <= {r["model"] for r in told["rows"]}
    assert [f["figure"] for f in told["figures"]] == ["activities", "persons"]
    assert told["nodes"][0]["proof"]["size"] == 30
    assert f"{HERE}:3" in settled.run("audit", "lineage", "--log", HERE, "--position", "3", "--lang", "en")


@pytest.mark.parametrize(
    "words",
    [
        ["at"], ["at", "--date", "2025-01-01", "--vector", f"{HERE}:1"], ["at", "--vector", "x"],
        ["at", "--vector", f"{HERE}:99"], ["at", "--vector", f"{HERE}:1", "--model", "nothing"],
        ["state", "--log", HERE, "--stream", "x" * 8], ["play", "--subject", "x"], ["play", "--lang", "fr"],
        ["play", "--after", "x", "--from", f"{HERE}:1"], ["lineage", "--log", HERE, "--position", "99"],
        ["lineage", "--log", HERE, "--position", "1", "--direction", "up"], ["reproduce", "nothing"],
        ["report", "save", "a", "--query", "nothing"], ["report", "save", "17", "--query", "activities"],
        ["report", "save", "a", "--query", "activities", "--with", "x"], ["report", "show", "nothing"],
    ],
)  # fmt: skip
def test_wrong_use_is_told(settled: Installation, words: list[str]) -> None:
    settled.run("audit", *words, exit_code=2)


def test_the_queries_are_listed_with_what_they_take() -> None:
    code, told, _ = installation.run("audit", "report", "queries", "--json")
    assert code == 0
    takes = {query["name"]: set(query["parameters"]) for query in json.loads(told)}
    assert takes["memoranda-in-force"] == {"day", "bureau"}


def test_keys_pause_step_change_the_speed_and_end() -> None:
    pressed = iter([" ", "n", "n", "+", "-", " ", "", "q"])
    pace = Pace(lambda _: next(pressed), speed=0.0)
    waits = [pace._wait() for _ in range(3)]
    assert waits == [True, True, True]
    assert pace._wait() is False
    assert not pace.paused


def test_at_a_terminal_it_waits_for_keys(settled: Installation) -> None:
    # given a player at a terminal that begins paused
    ours, theirs = pty.openpty()
    yinqiao = str(Path(sys.executable).with_name("yinqiao"))
    command = [yinqiao, "audit", "play", "--step", "--settings", str(settled.file)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as player:
        os.close(theirs)
        said = bytearray()
        threading.Thread(target=_read, args=(ours, said), daemon=True).start()
        try:
            # when two events are asked for and then the end
            for wanted, key in (("q: end", b"n"), (f"{HERE}:1\t", b"n"), (f"{HERE}:2\t", b"q")):
                _wait(lambda wanted=wanted: wanted in said.decode(errors="replace"))  # type: ignore[misc]  # a default
                os.write(ours, key)
            # then these two were shown, and it says how to go on
            assert player.wait(SECONDS) == 0
        finally:
            player.kill()
    _wait(lambda: f"--after {HERE}:2" in said.decode())
    assert f"{HERE}:3" not in said.decode()


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _read(fd: int, into: bytearray) -> None:
    while True:
        try:
            part = os.read(fd, 4096)
        except OSError:  # the other side is closed
            return
        into += part
