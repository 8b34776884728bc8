"""Killed at any named step of cosigning, a node never takes back a cosignature and loses none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime.failpoints import VARIABLE
from services.transport.inprocess import InProcessExchange
from tests.services.exchange import world
from tests.services.exchange.conftest import NewLedger
from tests.services.exchange.test_witness import Party, world_rows
from tests.services.ledger import nodes
from tests.services.ledger.nodes import LOG

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))


@pytest.mark.faults
@pytest.mark.parametrize("step", ["cosign.signed", "cosign.committed", "cosign.guarded"])
def test_killed_at_a_step_of_cosigning_all_is_published_in_order(
    step: str, new_ledger: NewLedger, tmp_path: Path
) -> None:
    # given a witness that is killed each time something new is to be cosigned
    ledger, folder = new_ledger(), tmp_path / "exchange"
    with InProcessExchange(folder) as exchange:
        party = Party("west", ledger, exchange)
        command = [sys.executable, "-m", "tests.services.exchange.killed_witness"]
        party.close()
    for number in range(ROUNDS):
        values = nodes.values_of(LOG, 3, after=number * 3)
        party.accept(values, note=nodes.note_over(LOG, [*world.values(ledger), *values]))
        where = [ledger.dsn, str(ledger.folder), str(folder), str(number * 2)]
        killed = subprocess.run([*command, *where], env=os.environ | {VARIABLE: step}, check=False)
        assert killed.returncode == -signal.SIGKILL
    # when the next process has its turn
    with InProcessExchange(folder) as exchange:
        party = Party("west", ledger, exchange)
        party.round(minutes=ROUNDS * 2 + 1)
        # then the newest is on the topic, sizes never went back, and the guard file holds it
        sizes = [size for _, size in world_rows(exchange, "west")]
        party.close()
    assert sizes == sorted(sizes)
    assert sizes[-1] == ROUNDS * 3
    guarded = ledger.guard.read()
    assert guarded is not None
    assert guarded.size(LOG) == ROUNDS * 3
