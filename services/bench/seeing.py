"""From a commit at one node to the read models of another, over real Kafka, at fifty events a second."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka import TopicPartition

from events import errors
from services.bench.scene import COMMANDS, HERE, THERE, Scene
from services.runtime import database
from services.transport.kafka import KafkaExchange, clients
from services.transport.kafka import Settings as KafkaSettings

PACE = 0.02
"""Seconds between two events."""
_FIRST = 200
_PATIENCE = 30.0
_SHOWN = "SELECT position FROM projection.position WHERE model = 'activity' AND log = %s"
_BEHIND = """
SELECT EXISTS (SELECT FROM projection.model m, ledger.log l WHERE l.head > coalesce(
    (SELECT position FROM projection.position p WHERE p.model = m.name AND p.log = l.log), 0))
"""
_TELLING = """
CREATE OR REPLACE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('shown', NEW.position::text); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER tell AFTER INSERT OR UPDATE ON projection.position FOR EACH ROW
    WHEN (NEW.model = 'activity' AND NEW.log = '{log}') EXECUTE FUNCTION public.tell();
LISTEN shown;
"""
"""The database tells of each commit once it can be seen: to ask all the time would be a load of its own."""


@dataclass
class Seeing:
    """A process a node; `ours` and `bare` collect milliseconds."""

    scene: Scene
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def warm_up(self, writer: "Member") -> None:
        """Have everybody meet, and read models come to where the ledgers are, as on a usual day."""
        self._commands(_FIRST, writer)
        for name in (HERE, THERE):
            with database.connect(self.scene.database(name)) as conn:
                _catch_up(conn)

    def round(self, count: int, writer: "Member") -> None:
        """Commands at one node, seen at the other; then the clients alone, at the same pace."""
        self.ours += self._commands(count, writer)
        self.bare += _bare(KafkaSettings(self.scene.bootstrap, "bare"), count)

    def _commands(self, count: int, writer: "Member") -> list[float]:
        with database.connect(self.scene.database(THERE)) as conn:
            conn.execute(_TELLING.format(log=COMMANDS).encode())
            row = conn.execute(_SHOWN, [COMMANDS]).fetchone()
            at = int(row[0]) if row else 0  # type: ignore[call-overload]  # bigint
            writer.tell(count)
            seen = dict(_watch(conn, at, at + count))
        answers = [writer.hear() for _ in range(count)]
        return [(seen[answer["position"]] - answer["at"]) * 1000 for answer in answers]


def _catch_up(conn: database.Connection) -> None:
    deadline = time.monotonic() + _PATIENCE
    while conn.execute(_BEHIND).fetchone() == (True,):
        if time.monotonic() > deadline:
            raise errors.Unavailable("a node does not come to the end of what it projects")
        time.sleep(PACE)


def _watch(conn: database.Connection, at: int, end: int) -> Iterator[tuple[int, float]]:
    """When each position could first be seen in the read models."""
    deadline = time.monotonic() + _PATIENCE + (end - at) * PACE
    while at < end:
        for told in conn.notifies(timeout=1.0, stop_after=1):
            now, shown = time.monotonic(), int(told.payload)
            yield from ((position, now) for position in range(at + 1, shown + 1))
            at = max(at, shown)
        if time.monotonic() > deadline:
            raise errors.Unavailable("what was recorded at one node does not show at the other")


def _bare(settings: KafkaSettings, count: int) -> list[float]:
    """Milliseconds from handing a record to a producer to having it from a consumer."""
    place = TopicPartition(settings.topic(COMMANDS), clients.PARTITION)
    with KafkaExchange(settings) as exchange:
        exchange.create(COMMANDS)
        end = exchange.ends([COMMANDS])[COMMANDS]
    consumer, producer = clients.consumer(settings), clients.producer(settings)
    consumer.assign([place])
    consumer.seek(place, end)
    consumer.poll(timeout_ms=100)
    begun = time.monotonic()
    sender = threading.Thread(target=_send, args=[producer, place, count, begun])
    sender.start()
    found: list[float] = []
    while len(found) < count:
        if time.monotonic() > begun + _PATIENCE + count * PACE:
            raise errors.Unavailable("Kafka does not give what was sent to it")
        for messages in consumer.poll(timeout_ms=1000).values():
            now = time.monotonic()
            found += [(now - float(message.value)) * 1000 for message in messages]
    sender.join()
    producer.close()
    consumer.close(autocommit=False)
    return found


def _send(producer: Any, place: TopicPartition, count: int, begun: float) -> None:
    for number in range(count):
        time.sleep(max(0.0, begun + number * PACE - time.monotonic()))
        producer.send(place.topic, repr(time.monotonic()).encode(), partition=place.partition)
        producer.flush()


class Member:
    """A node in a process of its own (services/bench/member.py), spoken to by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, count: int) -> None:
        """Have it record so many activities at the pace."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.write(f"{count}\n")
            stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Its next line. Raises Unavailable when it ended."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise errors.Unavailable("a node of the measurement ended; its last words stand above")
        return dict(json.loads(line))


@contextmanager
def member(file: Path) -> Iterator[Member]:
    """Start one, and wait until its loops run."""
    command = [sys.executable, "-m", "services.bench.member", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = Member(process)
            found.hear()
            yield found
        finally:
            process.terminate()


@contextmanager
def members(scene: Scene) -> Iterator[Member]:
    """Both nodes; gives the one that records."""
    with member(scene.settings_file(THERE)), member(scene.settings_file(HERE)) as writer:
        yield writer
