"""While PostgreSQL or Kafka are away, nothing is forgotten; when they are back, nodes agree by themselves."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from deploy.kafka import broker
from events import errors
from services.exchange.receive import Receiver
from services.exchange.ship import Shipper
from services.runtime.signals import Wake
from services.transport.base import Exchange
from services.transport.inprocess import InProcessExchange
from services.transport.kafka import KafkaExchange, Settings
from tests.services.exchange.world import ALL, Follower, Writer, agree, topic
from tests.services.ledger.nodes import LOG, Ledger
from tests.support.databases import Server

NewLedger = Callable[[], Ledger]


@contextmanager
def running(source: Ledger, target: Ledger, exchange: Exchange, copies: int = 1) -> Iterator[None]:
    """Shippers and receivers in threads of their own, as in a node."""
    stop, wake = threading.Event(), Wake()
    shippers = [Shipper(source.database, exchange, source.guard, [LOG], look=0.1) for _ in range(copies)]
    receivers = [Receiver(target.database, exchange, ALL, [LOG]) for _ in range(copies)]
    threads = [threading.Thread(target=shipper.run, args=[stop, wake]) for shipper in shippers]
    threads += [threading.Thread(target=receiver.run, args=[stop]) for receiver in receivers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        wake.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        for shipper in shippers:
            shipper.close()
        for receiver in receivers:
            receiver.close()


def wait_agreed(source: Ledger, target: Ledger, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not agree(source, target):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_unavailable(receiver: Receiver) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            receiver.step(0.05)
        except errors.Unavailable:
            return
    pytest.fail("it never noticed")


def wait_available(ledger: Ledger) -> None:
    """Until the pool has found out that the server is back."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(errors.Unavailable), ledger.database.connection():
            return
    pytest.fail("the pool never came back")


def record(writer: Ledger, count: int) -> None:
    """Append and sign, as soon as the database lets us."""
    for _ in range(100):
        try:
            writer.append(count)
            writer.checkpointer().round()
            return
        except (errors.Unavailable, psycopg.Error):
            time.sleep(0.05)
    pytest.fail("the database never came back")


def test_sessions_that_are_cut_again_and_again_delay_and_lose_nothing(
    inprocess: InProcessExchange, new_ledger: NewLedger, postgres: Server
) -> None:
    source, target = new_ledger(), new_ledger()
    source.open(LOG)
    with running(source, target, inprocess):
        with psycopg.connect(postgres.dsn, autocommit=True) as operator:
            for _ in range(6):
                record(source, 20)
                operator.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ANY(%s)",
                    [[ledger.dsn.rpartition("/")[2] for ledger in (source, target)]],
                )
                time.sleep(0.1)
        record(source, 1)
        wait_agreed(source, target)


def test_while_the_database_is_away_nothing_more_is_read_and_nothing_forgotten(
    inprocess: InProcessExchange, new_writer: Callable[..., Writer], new_ledger: NewLedger, postgres: Server
) -> None:
    # given a follower whose database goes away
    writer, target = new_writer(inprocess), new_ledger()
    follower = Follower(target, inprocess)
    writer.ship(5)
    follower.reach(5)
    name = sql.Identifier(target.dsn.rpartition("/")[2])
    with psycopg.connect(postgres.dsn, autocommit=True) as operator:
        operator.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [target.dsn.rpartition("/")[2]],
        )
        writer.ship(3)
        # when it reads on, then only until it finds out
        wait_unavailable(follower.receiver)
        read = follower.receiver._assignment._reader.positions()[LOG]
        writer.ship(4000)
        with pytest.raises(errors.Unavailable):
            follower.receiver.step(0.05)
        assert follower.receiver._assignment._reader.positions()[LOG] == read
        operator.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    # then it goes on by itself when the database is back
    wait_available(target)
    follower.reach(4008)
    assert agree(writer.ledger, target)
    follower.close()


def test_two_of_each_started_by_mistake_hold_nothing_twice(
    inprocess: InProcessExchange, new_ledger: NewLedger
) -> None:
    source, target = new_ledger(), new_ledger()
    source.open(LOG)
    with running(source, target, inprocess, copies=2):
        for count in (1, 50, 3, 700):
            record(source, count)
        wait_agreed(source, target)
    # and they do not answer each other's shipping for ever
    with running(source, target, inprocess, copies=2):
        time.sleep(0.5)
        before = len(topic(inprocess))
        time.sleep(0.5)
        assert len(topic(inprocess)) == before


def test_a_broker_that_is_killed_and_comes_back_delays_only(
    new_ledger: NewLedger, server_folder: Path
) -> None:
    source, target = new_ledger(), new_ledger()
    source.open(LOG)
    running_broker = broker.start(server_folder / "kafka-killed")
    settings = Settings(running_broker.bootstrap, "test-killed", patience_s=1.0, check_s=0.3)
    try:
        with KafkaExchange(settings) as exchange, running(source, target, exchange):
            record(source, 100)
            wait_agreed(source, target)
            # when the broker dies, and the node goes on recording
            running_broker.kill()
            record(source, 100)
            running_broker.restart()
            record(source, 1)
            # then everything arrives by itself
            wait_agreed(source, target, 60)
    finally:
        running_broker.stop()
