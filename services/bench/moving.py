"""From the log of one node to the ledger of another: sign, ship, receive."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby

from kafka import TopicPartition

from events import errors, merkle
from services.bench.harness import rate
from services.bench.load import Entry
from services.exchange import wire
from services.exchange.receive import BATCH, Receiver
from services.exchange.ship import Shipper
from services.node.node import Node
from services.transport.base import Record
from services.transport.kafka import KafkaExchange, clients
from services.transport.kafka import Settings as KafkaSettings

_WAIT = 1.0
_PATIENCE = 60.0


class Moving:
    """Signs and ships at one node, receives at the other; beside it the Kafka clients alone."""

    def __init__(self, here: Node, there: Node, bootstrap: str) -> None:
        self._here = here
        self._shipper = Shipper(here.database, here.exchange, here.guard_file, here.own)
        self._receiver = Receiver(there.database, there.exchange, there.alliance, there.followed)
        self._ours = KafkaSettings(bootstrap, here.alliance.id)
        self._bare = KafkaSettings(bootstrap, "bare")
        with KafkaExchange(self._bare) as exchange:
            for log in here.own:
                exchange.create(log)
        self._producer, self._consumer = clients.producer(self._bare), clients.consumer(self._ours)

    def settle(self, count: int) -> None:
        """Bring `count` entries over that stand unsigned, and begin to read behind them."""
        self._here.checkpointer.round()
        while self._shipper.step():
            pass
        self._receive(count)
        ends = self._here.exchange.ends(self._here.own)
        places = {TopicPartition(self._ours.topic(log), clients.PARTITION): end for log, end in ends.items()}
        self._consumer.assign(list(places))
        for place, end in places.items():
            self._consumer.seek(place, end)

    def sign(self, entries: Sequence[Entry]) -> float:
        """Checkpoints over entries that were appended: tree, signatures, commit, guard file."""
        return rate(len(entries), self._here.checkpointer.round)

    def limit_sign(self, entries: Sequence[Entry]) -> float:
        """Nothing but the hashes of the same leaves and of the trees over them."""
        values: dict[str, list[bytes]] = defaultdict(list)
        for entry in entries:
            values[entry.fact.log].append(entry.value)
        return rate(len(entries), lambda: [_root(each) for each in values.values()])

    def ship(self, entries: Sequence[Entry]) -> float:
        """From the ledger to the topics, acknowledged and remembered."""
        return rate(len(entries), lambda: self._ship(len(entries)))

    def _ship(self, count: int) -> None:
        shipped = 0
        while shipped < count:
            shipped += self._shipper.step()

    def limit_ship(self, entries: Sequence[Entry]) -> float:
        """Keys, values and headers that are ready in memory, log by log as the shipper sends them."""
        ordered = sorted(entries, key=lambda entry: entry.fact.log)
        ready = [
            (log, [wire.pack(e.position, e.value, None) for e in group])
            for log, group in groupby(ordered, lambda entry: entry.fact.log)
        ]
        return rate(len(entries), lambda: self._produce(ready))

    def _produce(self, ready: Sequence[tuple[str, Sequence[Record]]]) -> None:
        for log, records in ready:
            topic = self._bare.topic(log)
            for key, value, headers in records:
                self._producer.send(topic, value, key, headers, partition=clients.PARTITION)
            self._producer.flush(self._bare.patience_s)

    def receive(self, entries: Sequence[Entry]) -> float:
        """From the topics into the other node's ledger: read, checked against the checkpoints, committed."""
        return rate(len(entries), lambda: self._receive(len(entries)))

    def _receive(self, count: int) -> None:
        _gather(count, lambda: self._receiver.step(_WAIT))

    def limit_receive(self, entries: Sequence[Entry]) -> float:
        """kafka-python's own consumer on the same topics, which drops what it read."""
        return rate(len(entries), lambda: self._consume(len(entries)))

    def _consume(self, count: int) -> None:
        _gather(count, self._poll)

    def _poll(self) -> int:
        found = self._consumer.poll(timeout_ms=_WAIT * 1000, max_records=BATCH)
        return sum(map(len, found.values()))

    def close(self) -> None:
        """Give the clients back."""
        self._shipper.close()
        self._receiver.close()
        self._producer.close()
        self._consumer.close(autocommit=False)


def _gather(count: int, step: Callable[[], int]) -> None:
    """Until so many came. Raises Unavailable after a minute."""
    new, deadline = 0, time.monotonic() + _PATIENCE
    while new < count:
        new += step()
        if time.monotonic() > deadline:
            raise errors.Unavailable(f"Kafka gave {new} of {count} records that were sent to it")


def _root(values: Sequence[bytes]) -> bytes:
    tree = merkle.CompactRange()
    tree.extend([merkle.leaf_hash(value) for value in values])
    return tree.root()
