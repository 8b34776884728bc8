"""Killed at any named step of shipping and receiving, nothing is lost and nothing is held twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.runtime.failpoints import VARIABLE
from services.transport.inprocess import InProcessExchange
from tests.services.exchange.world import Follower, Writer, agree, topic, values
from tests.services.ledger.nodes import LOG, Ledger

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
STEPS = ("ship.read", "ship.sent", "receive.buffered", "receive.stored")


def killed(step: str, writer: Ledger, follower: Ledger, folder: Path) -> int:
    """Run the process with the step armed; its exit code."""
    command = [sys.executable, "-m", "tests.services.exchange.killed"]
    where = [writer.dsn, str(writer.guard.path), follower.dsn, str(folder)]
    return subprocess.run([*command, *where], env=os.environ | {VARIABLE: step}, check=False).returncode


def distinct(exchange: InProcessExchange) -> list[bytes]:
    """The topic's records without repeats, in order of their places."""
    found = {dict(m.headers)["sequence"]: m.value or b"" for m in topic(exchange)}
    assert len({*found.values()}) == len(found)
    return [found[place] for place in sorted(found, key=lambda p: p or b"")]


@pytest.mark.faults
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_nothing_is_lost_and_nothing_is_held_twice(
    step: str, new_ledger: Callable[[], Ledger], tmp_path: Path
) -> None:
    source, target, folder = new_ledger(), new_ledger(), tmp_path / "exchange"
    with InProcessExchange(folder) as exchange:
        writer = Writer(source, exchange, names=(LOG,))
        writer.ship(3)
    for number in range(ROUNDS):
        # given new records in several batches, and a process that forgot what it knew of its topic
        for count in (1, 40 + number, 2):
            writer.record(count)
        with source.database.connection() as conn:
            conn.execute("TRUNCATE exchange.hint")
        # when it is killed at the step
        nth = 1 + number % 2 if step == "receive.buffered" else 1
        assert killed(f"{step}:{nth}", source, target, folder) == -signal.SIGKILL
    # then the next process brings everything together
    with InProcessExchange(folder) as exchange:
        Writer(source, exchange, names=(LOG,)).ship()
        follower = Follower(target, exchange, names=(LOG,))
        follower.reach(len(values(source)))
        assert distinct(exchange) == values(source)
        follower.close()
    assert agree(source, target)
