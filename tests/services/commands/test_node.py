"""`yinqiao node` runs as a process of its own: it starts in any order, and a signal ends it in order."""

import signal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from services.runtime.settings import FORBIDDEN_SWITCH
from tests.services.commands import installation
from tests.services.commands.installation import Installation
from tests.support.databases import Server


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_node_starts_on_an_empty_database_and_a_signal_ends_it_well(
    database: str, tmp_path: Path, by: signal.Signals
) -> None:
    installed = Installation(tmp_path, database)

    with installed.process() as process:
        started = process.wait_for("node-started")
        page = installation.answers(f"{installed.url}/acting")
        code = process.end(by)
        last = process.lines()[-1]

    assert (started["own"], started["followed"], page, code) == (2, 0, 200, 0)
    assert (last["event"], last["unfinished"]) == ("node-stopped", [])
    assert (tmp_path / "attachments").stat().st_mode & 0o777 == 0o700


def test_a_node_started_before_its_database_waits_and_says_so(postgres: Server, tmp_path: Path) -> None:
    name = "later"
    installed = Installation(tmp_path, postgres.dsn_of(name))

    with installed.process() as process:
        waits = process.wait_for("database-awaited")
        _run(postgres, "CREATE DATABASE {}", name)
        process.wait_for("node-started")
        code = process.end()

    _run(postgres, "DROP DATABASE {} WITH (FORCE)", name)
    assert (waits["level"], code) == ("warning", 0)


def test_a_node_that_waits_for_its_database_ends_well_on_a_signal(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{installation.free_port()}/none"
    installed = Installation(tmp_path, nowhere)

    with installed.process() as process:
        process.wait_for("database-awaited")

        assert process.end() == 0


def test_a_node_without_kafka_starts_and_ends_well(database: str, tmp_path: Path) -> None:
    bootstrap = f'"127.0.0.1:{installation.free_port()}"'
    installed = Installation(tmp_path, database, exchange='"kafka"', kafka__bootstrap=bootstrap)

    with installed.process() as process:
        process.wait_for("node-started")

        assert process.end() == 0


def test_a_node_keeps_what_it_recorded_from_start_to_start(database: str, tmp_path: Path) -> None:
    installed = Installation(tmp_path, database)
    for _ in range(2):
        with installed.process() as process:
            process.wait_for("node-started")
            assert process.end() == 0

    assert installed.json("audit", "verify")["ok"]


@pytest.mark.parametrize(
    ("unsafe", "said"),
    [
        ({"http__listen": '"0.0.0.0:8500"'}, "http.listen: with signin"),
        ({"demo": "false"}, "signin: "),
        ({"unheard_of": "1"}, "unheard_of: "),
        ({"exchange": '"kafka"'}, "kafka.bootstrap: must be given"),
    ],
)
def test_unsafe_settings_are_refused_as_wrong_use(tmp_path: Path, unsafe: dict[str, str], said: str) -> None:
    installed = Installation(tmp_path, "postgresql://nobody@127.0.0.1:1/none", **unsafe)

    with installed.process() as process:
        assert process.exit_code() == 2
        assert said in process.said()


def test_the_switch_that_drops_the_order_of_events_is_refused(installed: Installation) -> None:
    with installed.process(**{FORBIDDEN_SWITCH: "y"}) as process:
        assert process.exit_code() == 2
        assert FORBIDDEN_SWITCH in process.said()


def test_open_keys_are_refused_with_the_remedy(installed: Installation) -> None:
    (installed.folder / "keys").chmod(0o755)

    with installed.process() as process:
        assert process.exit_code() == 2
        assert "chmod 700" in process.said()


def test_a_taken_port_is_named_with_the_remedy(installed: Installation) -> None:
    with installation.listening(installed.port), installed.process() as process:
        assert process.exit_code() == 1
        assert "choose another http.listen" in process.said()


def _run(server: Server, order: str, name: str) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as conn:
        conn.execute(sql.SQL(order).format(sql.Identifier(name)))
