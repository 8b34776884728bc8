"""A node's memory stays flat however many events pass through it.

From 10 thousand to 300 thousand in `make faults`, to 100 thousand in `make test`: to receive 100 thousand and
fold them into all read models takes a busy machine with two cores more than a minute.
"""

import os
import time
from collections.abc import Iterator, Sequence

import pytest

from events import checkpoints, merkle
from events.checkpoints import Checkpoint
from services.bench.load import Entry, Load
from services.exchange import wire
from services.runtime import keys
from services.transport import base
from services.transport.kafka import KafkaExchange
from services.transport.kafka import Settings as KafkaSettings
from tests.faults.conftest import NewPair
from tests.faults.nodes import EAST, LOGS, WEST, Node

ALLIANCE = "flat"
FIRST, LAST = 10_000, 300_000 if int(os.environ.get("FAULT_ROUNDS", "3")) > 3 else 100_000
CHUNK = 10_000
COVERED = 1_000
"""Records under one checkpoint, as a shipper sends them."""
ROOM = 24 * 2**20
"""What the allocator may keep from one busy moment to the next."""
PATIENCE = 60.0


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_memory_of_a_node_that_receives_and_projects_stays_flat(new_pair: NewPair, kafka: str) -> None:
    # given a node that follows another one's log
    pair = new_pair(ALLIANCE)
    reader, load = pair[EAST], Load(ALLIANCE, [LOGS[WEST]])
    with KafkaExchange(KafkaSettings(kafka, ALLIANCE)) as exchange:
        topic = Topic(exchange, pair[WEST])
        reader.start()
        sizes: dict[int, int] = {}
        # when event after event comes
        entries = load.starts(CHUNK)
        for count in range(CHUNK, LAST + 1, CHUNK):
            topic.publish(entries)
            entries = load.starts(CHUNK)  # made while the node reads
            wait_shown(reader, count)
            sizes[count] = reader.memory()
    # then it takes no more memory than at the beginning
    grown = max(sizes.values()) - max(size for count, size in sizes.items() if count <= FIRST)
    assert grown < ROOM, sizes
    assert reader.end() == 0


class Topic:
    """The topic of a log whose node does not run: what its shipper would write, signed with its key."""

    def __init__(self, exchange: KafkaExchange, node: Node) -> None:
        exchange.create(node.log)
        self._log, self._publisher = node.log, exchange.publisher()
        self._signer = keys.load_log(node.folder / "keys", ALLIANCE, node.log)
        self._tree = merkle.CompactRange()

    def publish(self, entries: Sequence[Entry]) -> None:
        """Each a record, every thousandth with a checkpoint."""
        self._publisher.publish(self._log, self._packed(entries))

    def _packed(self, entries: Sequence[Entry]) -> Iterator[base.Record]:
        for start in range(0, len(entries), COVERED):
            batch = entries[start : start + COVERED]
            self._tree.extend([entry.leaf for entry in batch])
            yield from (wire.pack(entry.position, entry.value, None) for entry in batch[:-1])
            yield wire.pack(batch[-1].position, batch[-1].value, self._note())

    def _note(self) -> str:
        checkpoint = Checkpoint(self._signer.name, self._tree.size, self._tree.root())
        return checkpoints.sign_checkpoint(checkpoint, self._signer)


def wait_shown(reader: Node, count: int) -> None:
    """Until all read models of the node have folded so many records of the log."""
    deadline = time.monotonic() + PATIENCE
    while reader.standing()[2].get(LOGS[WEST], 0) < count:
        assert time.monotonic() < deadline, (count, reader.standing(), reader.said())
        time.sleep(0.05)
