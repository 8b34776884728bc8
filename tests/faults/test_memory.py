"""A node's memory stays flat however many events pass through it."""

import os
import time
from collections.abc import Sequence

import pytest

from services.bench.load import Entry, Load
from services.bench.saving import batches
from services.bench.scene import node as opened
from services.exchange.ship import Shipper
from services.ledger import append
from services.ledger.recorder import event_store
from services.node.node import Node as Writer
from tests.faults.conftest import NewPair
from tests.faults.nodes import EAST, LOGS, WEST, Node

FIRST, LAST = (10_000, 300_000) if int(os.environ.get("FAULT_ROUNDS", "3")) > 3 else (5_000, 40_000)
CHUNK = 5_000
ROOM = 24 * 2**20
"""What the allocator may keep from one busy moment to the next."""
PATIENCE = 60.0


@pytest.mark.faults
@pytest.mark.timeout(60 + LAST // 200)
def test_memory_of_a_node_that_receives_and_projects_stays_flat(new_pair: NewPair) -> None:
    # given a node that follows another one's log
    pair = new_pair("flat")
    reader, load = pair[EAST], Load("flat", [LOGS[WEST]])
    reader.start()
    with opened(pair[WEST].file) as writer:
        shipper = Shipper(writer.database, writer.exchange, writer.guard_file, writer.own)
        sizes: dict[int, int] = {}
        # when event after event comes
        for count in range(CHUNK, LAST + 1, CHUNK):
            record(writer, shipper, load.starts(CHUNK))
            wait_shown(reader, count)
            sizes[count] = reader.memory()
        shipper.close()
    # then it takes no more memory than at the beginning
    grown = max(sizes.values()) - max(size for count, size in sizes.items() if count <= FIRST)
    assert grown < ROOM, sizes
    assert reader.end() == 0


def record(writer: Writer, shipper: Shipper, entries: Sequence[Entry]) -> None:
    """Append, sign, ship."""
    store = event_store(writer.database)
    for batch in batches(entries):
        store.recorder.insert_events(
            [store.mapper.to_stored_event(entry.fact) for entry in batch],
            log=LOGS[WEST], times=[entry.time for entry in batch],
            commands=[append.Command(entry.fact.id, entry.leaf, 1) for entry in batch],
        )  # fmt: skip
    writer.checkpointer.round()
    while shipper.step():
        pass


def wait_shown(reader: Node, count: int) -> None:
    """Until all read models of the node have folded so many records of the log."""
    deadline = time.monotonic() + PATIENCE
    while reader.standing()[2].get(LOGS[WEST], 0) < count:
        assert time.monotonic() < deadline, (count, reader.standing(), reader.said())
        time.sleep(0.05)
