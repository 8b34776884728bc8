"""`yinqiao audit verify` and `diff` compare a ledger with all that it must agree with."""

import json
from pathlib import Path

import pytest

from services.exchange.ship import Shipper
from tests.services.commands.installation import LOGS, Installation
from tests.support.databases import Server

HERE = LOGS[0]
FORGE = r"""UPDATE ledger.entry e SET value = f.value, leaf = sha256('\x00'::bytea || f.value) FROM (
    SELECT log, position,
        convert_to(replace(convert_from(value, 'UTF8'), '〔模拟〕', '〔更改〕'), 'UTF8') AS value
    FROM ledger.entry
) AS f WHERE e.log = f.log AND e.position = f.position AND e.log = %s AND e.position = 5"""


@pytest.fixture
def shipped(installed: Installation) -> Installation:
    """30 events in one log, signed, projected and on their topic."""
    installed.run("simulate", "--events", "30")
    installed.settle()
    with installed.node() as node:
        shipper = Shipper(node.database, node.exchange, node.guard_file, node.own)
        while shipper.step():
            pass
        shipper.close()
    return installed


def kinds(told: dict[str, list[dict[str, object]]]) -> set[tuple[object, object, object]]:
    return {(f["log"], f["position"], f["kind"]) for f in told["findings"]}


def test_a_ledger_is_compared_with_its_topics_byte_for_byte(shipped: Installation) -> None:
    assert shipped.json("audit", "verify", "--exchange")["ok"]

    shipped.execute(FORGE, HERE)

    told = shipped.json("audit", "verify", "--exchange", exit_code=1)
    assert kinds(told) == {(HERE, 1, "root"), (HERE, 5, "exchange")}


def test_what_left_and_is_not_here_any_more_is_found_on_its_topic(shipped: Installation) -> None:
    for table in ("checkpoint", "entry"):
        shipped.execute(f"DELETE FROM ledger.{table} WHERE log = %s", HERE)  # noqa: S608  (two names)
    shipped.execute("UPDATE ledger.log SET head = 0, time = DEFAULT WHERE log = %s", HERE)
    (shipped.folder / "guard").unlink()

    told = shipped.json("audit", "verify", "--exchange", exit_code=1)

    assert kinds(told) == {(HERE, 1, "exchange"), (HERE, 1, "command")}


def test_rows_of_read_models_are_compared_with_what_the_events_make(shipped: Installation) -> None:
    assert shipped.json("audit", "verify", "--models")["ok"]

    shipped.execute("UPDATE model_activity.activity SET title = '更改' WHERE log = %s", HERE)

    told = shipped.json("audit", "verify", "--models", exit_code=1)
    assert {(f["log"], f["kind"]) for f in told["findings"]} == {(HERE, "model")}
    assert all(0 < f["position"] <= 30 for f in told["findings"])


def test_only_the_bytes_are_looked_at_when_it_must_be_quick(shipped: Installation) -> None:
    shipped.execute("UPDATE ledger.entry SET version = version + 900 WHERE position = 5")

    assert shipped.json("audit", "verify", "--quick")["ok"]
    assert (HERE, 5, "columns") in kinds(shipped.json("audit", "verify", exit_code=1))


def test_a_key_swapped_in_the_alliance_document_is_a_finding(shipped: Installation) -> None:
    file = shipped.folder / "alliance.note"
    file.write_text(file.read_text("utf-8").replace(f"{HERE}+", f"{LOGS[1]}+", 1), "utf-8")

    told = shipped.json("audit", "verify", exit_code=1)

    assert kinds(told) == {("", 1, "alliance")}


def test_two_ledgers_are_compared_by_database_settings_and_url(
    shipped: Installation, postgres: Server, tmp_path: Path
) -> None:
    # given a copy of the database that was tampered with
    copy = postgres.new(shipped.dsn)
    assert shipped.json("audit", "diff", "--other", copy) == {
        "ok": True, "logs": 2, "events": 30, "unknown": 0, "redacted": 0, "findings": [], "more": 0,
    }  # fmt: skip
    with shipped.process() as process:
        process.wait_for("node-started")
        assert shipped.json("audit", "diff", "--other", shipped.url)["events"] == 30
        settings = tmp_path / "settings.toml"
        settings.write_text(shipped.file.read_text("utf-8"), "utf-8")
        settings.chmod(0o600)
        # when the copy takes the place of the ledger here
        shipped.write(dsn=json.dumps(copy))
        shipped.execute_at(copy, FORGE, HERE)
        # then it differs from all others
        for other in (shipped.dsn, str(settings), shipped.url, "west"):
            told = shipped.json("audit", "diff", "--other", other, exit_code=1)
            assert kinds(told) == {(HERE, 5, "diff")}, other
    postgres.drop(copy)


def test_what_nobody_holds_is_nothing_to_compare_with(shipped: Installation, tmp_path: Path) -> None:
    shipped.run("audit", "diff", "--other", str(tmp_path / "none.toml"), exit_code=2)
    shipped.run("audit", "diff", "--other", "http://127.0.0.1:1", exit_code=1)
