"""`yinqiao bench` measures every figure on real servers, and says honestly what it aimed at."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from services.bench import command
from services.bench.command import AIMS, ARCHIVE_NAMES, NAMES, Size
from services.bench.harness import Figure
from services.bench.scene import HERE, THERE, Scene
from tests.support.databases import Server

TINY = Size(rounds=1, commands=16, entries=300, part=20, seen=5)


@pytest.fixture
def scene(postgres: Server, kafka: str, tmp_path: Path) -> Iterator[Scene]:
    """The two nodes of the measurement, on the servers of the tests."""
    made = Scene(tmp_path, postgres.dsn, kafka)
    made.prepare()
    yield made
    with psycopg.connect(postgres.dsn, autocommit=True) as conn:
        for name in (HERE, THERE, "saved", "projected", "evidence"):
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def test_every_figure_is_measured_beside_a_limit(scene: Scene) -> None:
    figures = list(command.measure(scene, TINY))

    assert tuple(f.name for f in figures) == NAMES
    assert all(f.rate > 0 and f.limit_rate > 0 for f in figures)
    assert AIMS.keys() <= {*NAMES, *ARCHIVE_NAMES}


def test_an_archive_is_verified_replayed_and_proved(scene: Scene) -> None:
    figures = list(command.measure_archive(scene, 3_000))

    assert tuple(f.name for f in figures) == ARCHIVE_NAMES
    assert all(f.rate > 0 and f.limit_rate > 0 for f in figures)


def test_the_document_for_programs_has_exactly_the_promised_fields() -> None:
    text = command.document([Figure("project", 31_000.04, command.RUNNER, 1_500.0)])

    assert json.loads(text) == {
        "figures": [
            {
                "name": "project", "rate": 31_000.0, "limit": "eventsourcing ProjectionRunner",
                "limit_rate": 1_500.0, "ratio": 20.67,
            },
        ]
    }  # fmt: skip


def test_the_table_for_people_says_what_was_aimed_at_and_what_was_missed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command.show([
        Figure("project", 31_000, "runner", 1_500), Figure("ship", 9_000, "producer", 10_000),
        Figure("visible-p50-ms", 12, "bare", 4), Figure("visible-p99-ms", 90, "bare", 9),
        Figure("rebuild", 10, "runner", 10), Figure("replay-archive", 20_000, "bare", 400_000),
    ])  # fmt: skip

    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if "│" in line}
    assert "missed" in lines["project"]
    assert "met" in lines["ship"]
    assert "met" in lines["visible-p50-ms"]
    assert "missed" in lines["visible-p99-ms"]
    assert "met" in lines["replay-archive"]
    assert not {"met", "missed"} & set(lines["rebuild"].split())
