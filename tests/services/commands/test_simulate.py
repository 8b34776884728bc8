"""`yinqiao simulate`: the same seed makes the same events, once."""

from collections.abc import Callable
from pathlib import Path

from services.ledger import read
from tests.services.bureau.province import prepare
from tests.services.commands.installation import LOGS, Installation
from tests.support.databases import Server


def test_as_many_events_are_recorded_as_asked_for_over_all_logs(installed: Installation) -> None:
    told = installed.json("simulate", "--events", "1203", "--seed", "7")

    assert told["events"] == 1203
    assert sizes(installed) == {LOGS[0]: 603, LOGS[1]: 600}


def test_the_same_seed_again_records_nothing_twice_and_another_seed_records_more(
    installed: Installation,
) -> None:
    for seed in ("7", "7", "8"):
        installed.run("simulate", "--events", "10", "--seed", seed)

    assert sizes(installed) == {LOGS[0]: 20, LOGS[1]: 0}


def test_the_same_seed_makes_the_same_bytes_at_another_node(
    postgres: Server, new_database: Callable[..., str], tmp_path: Path
) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        installed = Installation(tmp_path / name, new_database(postgres.template("node", prepare)))
        installed.run("simulate", "--events", "30")
        with installed.node() as node, node.database.connection() as conn:
            made.append([e.value for e in read.entries(conn, LOGS[0])])

    assert made[0] == made[1]
    assert len(made[0]) == 30


def test_a_node_that_is_no_demo_is_left_alone(installed: Installation) -> None:
    installed.write(demo="false", signin='"none"')

    installed.run("simulate", "--events", "1", exit_code=2)

    assert sizes(installed) == {LOGS[0]: 0, LOGS[1]: 0}


def sizes(installed: Installation) -> dict[str, int]:
    with installed.node() as node, node.database.connection() as conn:
        return {log: len(list(read.entries(conn, log))) for log in LOGS}
