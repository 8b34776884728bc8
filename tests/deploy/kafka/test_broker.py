"""The development broker: fetched once, started on free ports, gone with its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka import broker, jars

PARENT = """
import sys, time
from pathlib import Path
from deploy.kafka import broker
print(broker.start(Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[broker.Broker]:
    started = broker.start(tmp_path_factory.mktemp("broker"))
    yield started
    started.stop()


def test_a_second_fetch_is_instant() -> None:
    broker.fetch()
    begin = time.monotonic()
    assert broker.fetch() == jars.DEFAULT_FOLDER
    assert time.monotonic() - begin < 0.1


@pytest.mark.parametrize("program", ["mvn", "setpriv"])
def test_a_missing_program_is_named_with_its_remedy(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(broker.BrokerError, match=rf"`{program}`.*install"):
        jars.tool(program)
    with pytest.raises(broker.BrokerError, match="install"):
        broker.fetch(tmp_path)


def test_killed_and_restarted_it_keeps_its_port(running: broker.Broker) -> None:
    port = running.port
    running.kill()
    assert not running.alive()
    running.restart()
    assert running.alive()
    assert running.bootstrap == f"127.0.0.1:{port}"


def test_a_broker_that_cannot_start_says_why(running: broker.Broker, tmp_path: Path) -> None:
    with pytest.raises(broker.BrokerError, match="Address already in use"):
        broker.start(tmp_path / "second", port=running.port)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 5
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(child)


def test_run_prints_its_address_and_ends_in_order(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.kafka.broker", "run", "--folder", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline()
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)
    assert address.startswith("127.0.0.1:")
    assert process.returncode == 0


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
