"""A load that was killed goes on at the next start: nothing lost, nothing twice, the same records."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo import agree, world
from services.demo.embedded import Embedded
from services.ledger import logs
from services.projector.source import signed
from services.runtime import clock
from services.runtime.database import Database
from tests.services.demo import small


@pytest.fixture
def folder(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for one demo, cleared afterwards."""
    place = server_folder / request.node.name
    place.mkdir(mode=0o711)
    yield place
    world.erase(place)


def digests(demo: Embedded) -> dict[str, list[str]]:
    assert agree.wait(demo.databases(), demo.alliance, 60) == []
    state = agree.state(demo.databases(), demo.alliance, clock.today(clock.now))
    assert state.faults() == []
    return state.digests


def recorded(database: Database) -> int:
    """How many records of its own a node has, whichever node came first."""
    with database.connection() as conn:
        return sum(state.head for state in logs.states(conn) if state.own)


def test_a_load_killed_on_the_way_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    # given a demo that is killed when the second transaction of a load is committed
    killed = subprocess.run(
        [sys.executable, "-m", "tests.services.demo.small", str(folder)],
        env=os.environ | {"YINQIAO_FAILPOINT": "append.committed:4"}, check=False, capture_output=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    # when it is started again
    with Embedded(folder) as demo:
        begun = sum(recorded(database) for database in demo.databases().values())
        demo.load(small.script())
        again = digests(demo)
        with demo.nodes["observer"].database.connection() as conn:
            total = sum(signed(conn).values())
    # then it did not start over, and ends with what an undisturbed load ends with
    assert 0 < begun < total == sum(small.script().ends().values())
    with Embedded(folder / "other", durable=False) as undisturbed:
        undisturbed.load(small.script())
        assert digests(undisturbed) == again
    world.erase(folder / "other")


def test_a_second_start_loads_nothing_and_keeps_the_addresses(folder: Path) -> None:
    with Embedded(folder, durable=False) as demo:
        demo.load(small.script())
        first, urls = digests(demo), {node.name: node.url for node in demo.alliance.document.node}
    with Embedded(folder, durable=False) as demo:
        demo.load()  # the whole script, had this one not been marked as loaded
        assert digests(demo) == first
        assert {node.name: node.url for node in demo.alliance.document.node} == urls
        assert demo.alliance.version == 1
