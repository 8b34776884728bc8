"""Two nodes over real PostgreSQL and Kafka, killed at every named step under load: nothing is lost."""

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.runtime import clock
from tests.faults import nodes
from tests.faults.checker import check
from tests.faults.client import Board, Client
from tests.faults.conftest import NewPair
from tests.faults.journal import Journal
from tests.faults.nodes import EAST, LOGS, WEST, Node

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
STEPS = {
    WEST: (
        "append.decided", "append.committed", "checkpoint.signed", "checkpoint.committed",
        "checkpoint.guarded", "receive.stored",
    ),
    EAST: ("ship.sent", "ship.read", "receive.buffered", "project.folded", "project.committed"),
}  # fmt: skip
"""Both nodes write, sign, ship, receive and project; which of them dies where is shared out."""
ONCE = frozenset({"ship.read"})
"""Passed once a start: when something was shipped that is not remembered."""
PATIENCE = 60.0


def kill_at_each_step(node: Node) -> None:
    """Start it armed with one step after the other; it must die there each time."""
    chance = random.Random(node.name)
    for _ in range(ROUNDS):
        for step in STEPS[node.name]:
            passes = 1 if step in ONCE else chance.randint(1, 4)
            node.start(f"{step}:{passes}")
            ended = node.wait(PATIENCE)
            assert ended == -signal.SIGKILL, f"{node.name} at {step}:{passes}: {ended}\n{node.said()}"
            node.look()
    node.start()


def settled(pair: dict[str, Node]) -> bool:
    """Whether both hold and show the same, and nothing is under way."""
    found = [node.standing() for node in pair.values()]
    return all(
        state[:3] == (found[0][0],) * 3 and not state[3] and set(state[0]) == set(LOGS.values())
        for state in found
    )


@pytest.mark.faults
@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_killed_at_any_step_nothing_is_lost_nothing_shown_twice_and_both_nodes_agree(
    new_pair: NewPair, kafka: str, tmp_path: Path
) -> None:
    # given two nodes with a client each
    pair = new_pair("drill")
    journal, board, stop = Journal(tmp_path / "journal"), Board(), threading.Event()
    today = clock.today(clock.now)
    others = {WEST: LOGS[EAST], EAST: LOGS[WEST]}
    clients = [
        Client("drill", node.log, others[name], node.url, journal, board, today, stop)
        for name, node in pair.items()
    ]
    with ThreadPoolExecutor(len(clients) + len(pair)) as pool:
        working = [pool.submit(client.run) for client in clients]
        # when the nodes are killed at every step, again and again
        killing = [pool.submit(kill_at_each_step, node) for node in pair.values()]
        try:
            for each in killing:
                each.result()
        finally:
            stop.set()
        for each in working:
            each.result()
    # then it becomes quiet by itself
    deadline = time.monotonic() + PATIENCE
    while not settled(pair):
        assert time.monotonic() < deadline, [node.standing() for node in pair.values()]
        time.sleep(0.1)
    for node in pair.values():
        assert node.end() == 0, node.said()
        node.look()
    # and everything is there that was answered, once
    said = journal.read()
    assert {s.word for s in said} == {"sent", "ok", "refused", "unknown"}
    assert check(said, nodes.evidence("drill", pair, kafka)) == []
    journal.close()
