"""`yinqiao projections` and `yinqiao quarantine`: see, rebuild, look back, and leave out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.services.commands.installation import LOGS, SECONDS, Installation, Process

HERE = LOGS[0]


@pytest.fixture
def projected(installed: Installation) -> Installation:
    """30 events in one log, signed and projected."""
    installed.run("simulate", "--events", "30")
    installed.settle()
    return installed


def test_status_tells_position_lag_waiting_state_and_version(projected: Installation) -> None:
    (activity,) = projected.json("projections", "status", "activity")

    assert activity["positions"] == {HERE: 30}
    assert (activity["state"], activity["events"], activity["behind"]) == ("running", 30, 0)
    assert (activity["lag_seconds"], activity["waiting"], activity["oldest"]) == (0.0, {}, None)
    assert activity["digest"]
    assert projected.run("projections", "status").count("\trunning\t") >= 6


def test_what_is_signed_and_not_folded_is_a_lag(projected: Installation) -> None:
    projected.run("projections", "pause", "activity")
    projected.run("simulate", "--events", "3", "--seed", "2")
    projected.settle()

    activity, inbox = (projected.json("projections", "status", m)[0] for m in ("activity", "inbox"))

    assert (activity["state"], activity["behind"], inbox["behind"]) == ("paused", 3, 0)
    assert activity["lag_seconds"] > 0

    projected.run("projections", "resume", "activity")
    projected.settle()
    assert projected.json("projections", "status", "activity")[0]["behind"] == 0


def test_a_rebuild_makes_the_same_rows_and_takes_over(projected: Installation) -> None:
    before = digests(projected)

    told = projected.json("projections", "rebuild")

    assert all(r["switched"] and not r["differences"] and r["records"] == 30 for r in told)
    assert digests(projected) == before


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_a_scratch_schema_does_not_outlast_its_command(projected: Installation, by: signal.Signals) -> None:
    # given a command that is stopped while it folds: it waits for a table that somebody has locked
    words = ["projections", "rebuild", "activity", "--until", f"{HERE}:30"]
    with psycopg.connect(projected.dsn) as other:
        other.execute("LOCK TABLE ledger.entry IN ACCESS EXCLUSIVE MODE")
        with Process.start(*projected.words(words)) as process:
            wait_for(projected, "SELECT FROM pg_locks WHERE NOT granted")
            assert scratch(projected)
            process.end(by)

    # then nothing of it is left, at the latest when the next one was built
    if by is signal.SIGKILL:
        projected.run(*words)
    assert scratch(projected) == []


def scratch(installed: Installation) -> list[str]:
    """The read models of past vectors that stand in the database."""
    with psycopg.connect(installed.dsn) as conn:
        found = conn.execute("SELECT name FROM projection.model WHERE name LIKE '%\\_at\\_%'").fetchall()
    return [str(name) for (name,) in found]


def wait_for(installed: Installation, query: LiteralString) -> None:
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(installed.dsn, autocommit=True) as conn:
        while conn.execute(query).fetchone() is None:
            assert time.monotonic() < deadline, f"never came: {query}"
            time.sleep(0.05)


def test_rows_that_differ_keep_the_old_model_and_are_a_finding(projected: Installation) -> None:
    projected.execute("UPDATE model_activity.activity SET persons = persons + 1 WHERE persons IS NOT NULL")

    (kept,) = projected.json("projections", "rebuild", "activity", exit_code=1)
    (taken,) = projected.json("projections", "rebuild", "activity", "--accept", exit_code=1)

    assert (kept["switched"], taken["switched"]) == (False, True)
    assert kept["differences"] == taken["differences"]
    assert projected.json("projections", "rebuild", "activity")[0]["switched"]


def test_the_digest_of_a_past_vector_is_the_one_it_had_then(projected: Installation) -> None:
    then = digests(projected)
    projected.run("simulate", "--events", "8", "--seed", "2")
    projected.settle()

    told = projected.json("projections", "rebuild", "--until", f"{HERE}:30")

    assert told == {"positions": {HERE: 30}, "digests": then}
    assert digests(projected) != then
    assert {s["name"] for s in projected.json("projections", "status")} == set(then)


def test_a_date_is_a_vector_too(projected: Installation) -> None:
    everything = projected.json("projections", "rebuild", "activity", "--at", "2025-01-01")
    nothing = projected.json("projections", "rebuild", "activity", "--at", "2024-12-31")

    assert everything["positions"] == {HERE: 30, LOGS[1]: 0}
    assert nothing["positions"] == {HERE: 0, LOGS[1]: 0}
    assert everything["digests"]["activity"] == digests(projected)["activity"]


@pytest.mark.parametrize(
    "words",
    [
        ["rebuild", "nothing"], ["pause", "nothing"], ["status", "nothing"], ["rebuild", "--until", "x"],
        ["rebuild", "--at", "yesterday"], ["rebuild", "--at", "2025-01-01", "--until", f"{HERE}:1"],
        ["rebuild", "--until", f"{HERE}:99"],
    ],
)  # fmt: skip
def test_wrong_use_is_told(projected: Installation, words: list[str]) -> None:
    projected.run("projections", *words, exit_code=2)


def test_what_was_set_aside_is_listed_shown_tried_again_and_skipped(projected: Installation) -> None:
    # given a record whose rows the database refuses
    projected.execute("ALTER TABLE model_activity.activity ADD CHECK (stage <> 'reported') NOT VALID")
    projected.run("simulate", "--events", "4", "--seed", "2")
    projected.settle()
    record = f"{HERE}:34"

    # when it is looked at
    (listed,) = projected.json("quarantine", "list")
    (shown,) = projected.json("quarantine", "show", record)

    # then
    assert (listed["model"], listed["position"], listed["cause"]) == ("activity", 34, "failed")
    assert shown == listed
    assert record in projected.run("quarantine", "list", "--cause", "failed")
    assert projected.json("quarantine", "list", "--model", "inbox") == []

    # when it is tried again, it fails again; skipped, it is gone, with the reason
    assert projected.run("quarantine", "retry", record) == "1 to be tried again\n"
    projected.settle()
    assert projected.json("quarantine", "list")[0]["attempts"] == 2
    projected.run("quarantine", "skip", record, "--reason", "测试")
    assert projected.json("quarantine", "list") == []
    assert projected.json("quarantine", "list", "--skipped")[0]["reason"] == "测试"


def test_skipping_needs_a_reason_and_a_record_that_waits(projected: Installation) -> None:
    projected.run("quarantine", "skip", f"{HERE}:1", exit_code=2)
    projected.run("quarantine", "skip", f"{HERE}:1", "--reason", " ", exit_code=2)
    projected.run("quarantine", "skip", f"{HERE}:1", "--reason", "x", exit_code=2)
    projected.run("quarantine", "show", f"{HERE}:1", exit_code=2)


def digests(projected: Installation) -> dict[str, str]:
    return {s["name"]: s["digest"] for s in projected.json("projections", "status")}


def test_a_rebuild_shows_how_far_it_is(projected: Installation) -> None:
    environ = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "100"}  # as at a terminal
    words = projected.words(["projections", "rebuild", "activity"])
    done = subprocess.run(
        [Path(sys.executable).with_name("yinqiao"), *words],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rebuild activity" in done.stderr
    assert "100%" in done.stderr
