"""`yinqiao demo`, as it is typed."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.demo import world
from services.demo.embedded import Embedded
from services.demo.world import NODES
from tests.support.demo import Loaded

# A test run in the background ignores SIGINT, and its children would too.
_HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
YINQIAO = [sys.executable, "-c", f"{_HEARS}\nfrom services.cli import main; main()"]


@pytest.fixture
def folder(server_folder: Path) -> Iterator[Path]:
    """A demo whose load is said to be done: it starts empty."""
    place = server_folder / "kept"
    place.mkdir(mode=0o711, exist_ok=True)
    with Embedded(place, durable=False) as demo:
        for name in NODES:
            demo.world.mark_loaded(name)
    yield place
    world.erase(place)


def start(folder: Path, *more: str) -> "subprocess.Popen[str]":
    command = [*YINQIAO, "demo", "--folder", str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def addresses(running: "subprocess.Popen[str]") -> dict[str, str]:
    """What it prints when it is ready."""
    found: dict[str, str] = {}
    assert running.stdout is not None
    for line in running.stdout:
        if match := re.match(r"\s+(\w+)\s+(http://127\.0\.0\.1:\d+)\s", line):
            found[match[1]] = match[2]
        if "--fresh" in line:
            break
    return found


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_four_nodes_says_where_and_ends_in_order(folder: Path, how: signal.Signals) -> None:
    with start(folder) as running:
        try:
            found = addresses(running)
            assert list(found) == list(NODES)
            for url in found.values():
                assert httpx.get(f"{url}/healthz").status_code == 200
            # a second one in the same folder is told so
            with start(folder) as second:
                assert "already" in second.communicate(timeout=60)[1]
                assert second.returncode == 1
        finally:
            running.send_signal(how)
        assert running.wait(60) == 0
    # and the data stay
    assert (folder / "alliance.note").exists()


def test_json_without_once_is_wrong_use(tmp_path: Path) -> None:
    with start(tmp_path, "--json") as said:
        said.communicate(timeout=60)
        assert said.returncode == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_once_over_kafka_comes_to_the_same_digests_in_four_processes(loaded: Loaded) -> None:
    # given the demo that was loaded in this process; when four processes load it over a real broker
    command = [*YINQIAO, "demo", "--once", "--json", "--exchange", "kafka"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    # then it ends well, with one JSON object and the very same read models
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verified"] is True
    assert told["digests"] == loaded.state.digests
    assert {name: told[name] for name in ("nodes", "bureaus", "events")} == {
        "nodes": 4, "bureaus": 25, "events": loaded.state.events,
    }  # fmt: skip
