"""`yinqiao doctor` names what is wrong, and what helps; only bad findings make its exit code 1."""

import json
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from events import errors
from services.ledger import logs
from services.runtime import keys
from tests.services.commands import installation
from tests.services.commands.installation import ALLIANCE, LOGS, NAME, Installation

HERE = LOGS[0]


@pytest.fixture
def running(installed: Installation) -> Installation:
    """A node that has recorded, signed and projected."""
    installed.run("simulate", "--events", "8")
    installed.settle()
    return installed


def test_a_good_node_has_no_bad_finding(running: Installation) -> None:
    told = running.json("doctor")

    assert told["ok"]
    checks = {f["check"] for f in told["findings"] if f["level"] == "good"}
    assert checks == {
        "alliance", "keys", "attachments", "exchange", "database", "schema", "guard", "clock", "logs",
        "read-models",
    }  # fmt: skip
    assert "good\tthe database holds all that this node has signed" in running.run("doctor")


def test_a_missing_key_is_bad(running: Installation) -> None:
    (running.folder / "keys" / f"{HERE}.key").unlink()

    finding = bad(running, "keys")

    assert f"{HERE}.key" in finding["detail"]
    assert "backup" in finding["remedy"]


def test_another_key_than_the_alliance_names_is_bad(running: Installation) -> None:
    (running.folder / "keys" / "node.key").unlink()
    keys.create_node(running.folder / "keys", ALLIANCE, NAME)

    assert "node.key is not the key" in bad(running, "keys")["detail"]


def test_a_database_that_is_away_is_bad_and_the_rest_is_looked_at(running: Installation) -> None:
    running.write(dsn=f'"postgresql://nobody:secret@127.0.0.1:{installation.free_port()}/none"')

    told = running.json("doctor", exit_code=1)

    (finding,) = [f for f in told["findings"] if f["level"] == "bad"]
    assert (finding["check"], finding["remedy"]) == (
        "database",
        "start PostgreSQL, or correct dsn in node.toml",
    )
    assert "secret" not in str(told)
    assert any(f["check"] == "keys" for f in told["findings"])


def test_an_empty_database_is_a_warning_before_the_first_start(database: str, tmp_path: Path) -> None:
    installed = Installation(tmp_path, database)

    finding = one(installed.json("doctor"), "schema", "warning")

    assert "no tables" in finding["detail"]
    assert "start the node once, or correct dsn" in finding["remedy"]


def test_an_empty_database_of_a_node_that_signed_is_bad(running: Installation, database: str) -> None:
    running.write(dsn=json.dumps(database))

    assert "correct dsn" in bad(running, "schema")["remedy"]


def test_a_step_that_was_not_applied_is_pending(installed: Installation) -> None:
    installed.execute("DELETE FROM public.migration WHERE name = 'people-1'")

    finding = one(installed.json("doctor"), "schema", "warning")

    assert finding["remedy"] == "start the node: yinqiao node"


def test_tables_that_were_dropped_are_bad_and_no_traceback(running: Installation) -> None:
    running.execute("DROP SCHEMA ledger CASCADE")

    assert "no tables of a node" in bad(running, "database")["detail"]


def test_a_schema_that_this_version_does_not_know_is_bad(running: Installation) -> None:
    running.execute("INSERT INTO public.migration (name, checksum) VALUES ('later-1', '')")

    assert "install the version" in bad(running, "schema")["remedy"]


def test_a_restored_old_database_is_bad(running: Installation) -> None:
    running.execute("DELETE FROM ledger.checkpoint WHERE log = %s", HERE)

    assert f"log {HERE} was signed up to 8" in bad(running, "guard")["detail"]


def test_a_lost_guard_file_is_bad(running: Installation) -> None:
    (running.folder / "guard").unlink()

    assert "there is no guard file" in bad(running, "guard")["detail"]


def test_kafka_that_is_away_is_bad(running: Installation) -> None:
    running.write(exchange='"kafka"', kafka__bootstrap=f'"127.0.0.1:{installation.free_port()}"')

    assert bad(running, "exchange")["remedy"] == "start Kafka, or correct kafka.bootstrap"


def test_a_topic_that_would_lose_records_is_bad(running: Installation, kafka: str) -> None:
    running.write(exchange='"kafka"', kafka__bootstrap=f'"{kafka}"')
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.create_topics({f"yinqiao.{ALLIANCE}.{HERE}": {"num_partitions": 2}})

    finding = bad(running, "exchange")

    assert "2 partitions instead of 1" in finding["detail"]
    assert "alter the topic" in finding["remedy"]


def test_own_topics_that_are_not_there_yet_are_created_by_the_node(running: Installation) -> None:
    assert "creates them" in one(running.json("doctor"), "exchange", "warning")["remedy"]


def test_a_clock_that_runs_behind_the_records_is_bad(running: Installation) -> None:
    running.execute("UPDATE ledger.log SET time = '2999-01-01T00:00:00.000000Z' WHERE log = %s", HERE)

    assert "NTP" in bad(running, "clock")["remedy"]


def test_a_log_that_broke_its_promise_is_bad(running: Installation) -> None:
    with running.node() as node:
        logs.stop(node.database, HERE, errors.Fork("two histories", position=5))

    finding = bad(running, "logs")

    assert "fork at 5: two histories" in finding["detail"]
    assert "evidence" in finding["remedy"]


def test_a_read_model_that_stands_still_is_bad(running: Installation) -> None:
    running.execute("UPDATE projection.position SET position = 1 WHERE model = 'activity'")
    running.execute("UPDATE ledger.checkpoint SET stored = stored - interval '1 hour'")

    assert "activity is 7 events" in bad(running, "read-models")["detail"]


def test_a_read_model_of_another_version_names_the_rebuild(running: Installation) -> None:
    running.execute("UPDATE projection.model SET version = 0 WHERE name = 'activity'")

    assert bad(running, "read-models")["remedy"] == "yinqiao projections rebuild activity"


def test_records_that_are_not_signed_and_those_set_aside_are_warnings(running: Installation) -> None:
    running.execute("UPDATE ledger.log SET head = head + 1 WHERE log = %s", HERE)
    running.execute(
        "INSERT INTO projection.waiting (model, log, position, stream, time, type, cause, detail) VALUES"
        " ('activity', %s, 99, gen_random_uuid(), '', '', 'foreign', '')",
        HERE,
    )

    told = running.json("doctor")

    assert told["ok"]
    assert "not signed" in one(told, "logs", "warning")["detail"]
    assert "1 foreign" in one(told, "read-models", "warning")["detail"]


def test_a_node_that_the_alliance_does_not_know_is_wrong_use(running: Installation) -> None:
    running.write(name='"elsewhere"')

    running.run("doctor", exit_code=2)


def bad(installed: Installation, check: str) -> dict[str, Any]:
    """The one bad finding of a check; the exit code says that there is one."""
    return one(installed.json("doctor", exit_code=1), check, "bad")


def one(told: dict[str, Any], check: str, level: str) -> dict[str, Any]:
    (found,) = [f for f in told["findings"] if (f["check"], f["level"]) == (check, level)]
    return dict(found)
