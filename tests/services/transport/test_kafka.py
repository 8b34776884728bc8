"""The exchange over a real Kafka broker: the contract, and what a broker does to its clients."""

import contextlib
import gzip
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from deploy.kafka import broker as development
from events import errors
from services.transport.base import Damaged, Lost, NoTopic, Reader, Record, Stalled
from services.transport.kafka import KafkaExchange, Settings, clients
from services.transport.kafka.reader import STALL_CHECKS
from tests.services.transport.contract import (
    LOG,
    OTHER,
    Contract,
    publish,
    read,
    read_all,
    records,
    resident_bytes,
    wait_notice,
)


def settings(bootstrap: str, patience_s: float = 3.0) -> Settings:
    """An alliance of its own for each test, so that no topic is shared."""
    return Settings(bootstrap, f"test-{uuid.uuid4().hex[:12]}", patience_s, check_s=0.3)


class KafkaChannel:
    """A cluster and its operator."""

    def __init__(self, bootstrap: str, data: Path) -> None:
        self.exchange = KafkaExchange(settings(bootstrap))
        self._data = data

    def topic(self, log: str) -> str:
        return self.exchange.settings.topic(log)

    def spoil(self, marker: bytes) -> None:
        for path in self._data.glob(f"{self.topic('0')[:-1]}*/*.log"):
            at = path.read_bytes().find(marker)
            if at >= 0:
                with path.open("r+b") as handle:
                    handle.seek(at)
                    handle.write(b"X")


class TestKafka(Contract):
    """The contract."""

    @pytest.fixture
    def channel(self, kafka: str, server_folder: Path) -> Iterator[KafkaChannel]:
        made = KafkaChannel(kafka, server_folder / "kafka" / "data")
        yield made
        made.exchange.close()


@pytest.fixture
def exchange(kafka: str) -> Iterator[KafkaExchange]:
    with KafkaExchange(settings(kafka)) as made:
        yield made


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[development.Broker]:
    """One that may be killed and frozen; created with topics allowed to come by themselves."""
    folder = tmp_path_factory.mktemp("kafka")
    running = development.start(folder, settings={"auto.create.topics.enable": "true"})
    yield running
    running.stop()


@pytest.fixture
def broker(own_broker: development.Broker) -> Iterator[development.Broker]:
    yield own_broker
    own_broker.resume()
    if not own_broker.alive():
        own_broker.restart()


def until_unavailable(call: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            call()
        except errors.Unavailable:
            return
    raise AssertionError("it goes on without a broker")


def until_available(call: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(errors.Unavailable):
            call()
            return
    raise AssertionError("it does not heal")


def test_settings_are_the_safe_ones(exchange: KafkaExchange) -> None:
    producer, consumer = clients.producer(exchange.settings), clients.consumer(exchange.settings)
    try:
        assert producer.config["enable_idempotence"] is True
        assert producer.config["acks"] == -1  # all
        assert producer.config["retries"] == float("inf")
        assert producer.config["max_in_flight_requests_per_connection"] == 5
        assert producer.config["compression_type"] is None
        assert consumer.config["enable_auto_commit"] is False
        assert consumer.config["auto_offset_reset"] == "none"
        assert consumer.config["isolation_level"] == "read_uncommitted"
        assert consumer.config["group_id"] is None
        assert consumer.config["receive_message_max_bytes"] <= 8 * 1024 * 1024
        for client in (producer._sender._client, consumer._client):
            assert client.cluster.metadata_request().allow_auto_topic_creation is False
    finally:
        producer.close()
        consumer.close()


def test_not_even_a_willing_broker_creates_topics_for_us(broker: development.Broker) -> None:
    with KafkaExchange(settings(broker.bootstrap)) as exchange:
        producer = clients.producer(exchange.settings)
        with pytest.raises(Exception, match="metadata"):
            producer.send(exchange.settings.topic(LOG), b"v")
        producer.close()
        consumer = clients.consumer(exchange.settings)
        consumer.assign([TopicPartition(exchange.settings.topic(LOG), 0)])
        consumer.seek(TopicPartition(exchange.settings.topic(LOG), 0), 0)
        consumer.poll(500)
        consumer.close()
        publisher, reader = exchange.publisher(), exchange.reader()
        with pytest.raises(NoTopic):
            publisher.publish(LOG, records([0]))
        with pytest.raises(NoTopic):
            reader.assign({LOG: 0})
        assert exchange.identity(LOG) is None


@pytest.mark.parametrize(
    ("partitions", "configs", "said"),
    [
        (2, {"retention.ms": "-1"}, "2 partitions instead of 1"),
        (1, {"retention.ms": "604800000"}, "retention.ms=604800000"),
        (1, {"retention.ms": "-1", "retention.bytes": "1000"}, "retention.bytes=1000"),
        (1, {"retention.ms": "-1", "cleanup.policy": "compact"}, "cleanup.policy=compact"),
    ],
)
def test_a_topic_that_would_lose_records_is_refused(
    exchange: KafkaExchange, partitions: int, configs: dict[str, str], said: str
) -> None:
    topic = exchange.settings.topic(LOG)
    with KafkaAdminClient(bootstrap_servers=exchange.settings.bootstrap) as admin:
        admin.create_topics({topic: {"num_partitions": partitions, "configs": configs}})
        admin.wait_for_topics([topic])
    with pytest.raises(errors.Invalid, match=said):
        exchange.create(LOG)


def test_a_strangers_compressed_batch_is_not_inflated(exchange: KafkaExchange) -> None:
    exchange.create(LOG)
    publish(exchange, LOG, records(range(2)))
    topic = exchange.settings.topic(LOG)
    stranger = KafkaProducer(
        bootstrap_servers=exchange.settings.bootstrap, compression_type="gzip", linger_ms=1000
    )
    for _ in range(5):
        stranger.send(topic, gzip.compress(b"0" * 1000) + b"0" * 900_000, b"k", partition=0)
    stranger.close()
    publish(exchange, LOG, records([2]))
    reader = exchange.reader()
    reader.assign({LOG: 0})
    assert [m.offset for m in read(reader, 3)] == [0, 1, 7]
    assert [(n.first, n.next) for n in reader.notices() if isinstance(n, Damaged)] == [(2, 7)]
    reader.close()


def test_the_ends_of_transactions_are_passed_over(exchange: KafkaExchange) -> None:
    # given a topic whose records came in transactions, as a mirror that counts exactly once leaves them
    exchange.create(LOG)
    transactions(exchange, LOG, keep=[True, False, True])
    end = exchange.ends([LOG])[LOG]
    # when it is read
    reader = exchange.reader()
    reader.assign({LOG: 0})
    found = read(reader, 6)
    wait_position(reader, end)
    # then all records came, and it stands at the end of the topic, behind the last transaction's
    assert [m.offset for m in found] == [0, 1, 3, 4, 6, 7]
    assert end == 9
    # and nobody takes it for stalled
    deadline = time.monotonic() + STALL_CHECKS * 3 * exchange.settings.check_s
    while time.monotonic() < deadline:
        assert reader.poll(0.2) == []
    assert reader.notices() == []
    # and one that begins before a transaction's end gets there too, and gets what follows
    reader.assign({LOG: end - 1})
    wait_position(reader, end)
    publish(exchange, LOG, records([7]))
    assert [m.offset for m in read(reader, 1)] == [end]
    reader.close()


def transactions(exchange: KafkaExchange, log: str, keep: Iterable[bool]) -> None:
    """A stranger's, of two records each, kept or aborted."""
    name = f"mirror-{uuid.uuid4()}"
    stranger = KafkaProducer(bootstrap_servers=exchange.settings.bootstrap, transactional_id=name)
    stranger.init_transactions()
    for kept in keep:
        stranger.begin_transaction()
        for key, value, _ in records(range(2)):
            stranger.send(exchange.settings.topic(log), value, key, partition=0)
        stranger.flush()
        if kept:
            stranger.commit_transaction()
        else:
            stranger.abort_transaction()
    stranger.close()


def wait_position(reader: Reader, end: int) -> None:
    deadline = time.monotonic() + 10
    while reader.positions()[LOG] < end:
        assert time.monotonic() < deadline, f"it stands at {reader.positions()}, {reader.notices()}"
        assert reader.poll(0.2) == []


def test_a_strangers_giant_record_does_not_stop_the_others_for_long(exchange: KafkaExchange) -> None:
    topic = exchange.settings.topic(LOG)
    size = 6 * 1024 * 1024
    with KafkaAdminClient(bootstrap_servers=exchange.settings.bootstrap) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "configs": {"max.message.bytes": str(2 * size)}}})
        admin.wait_for_topics([topic])
    stranger = KafkaProducer(bootstrap_servers=exchange.settings.bootstrap, max_request_size=2 * size)
    stranger.send(topic, b"0" * size, b"k", partition=0)
    stranger.close()
    exchange.create(OTHER)
    publish(exchange, OTHER, records(range(10)))
    reader = exchange.reader()
    reader.assign({LOG: 0, OTHER: 0})
    found = read(reader, 11)
    assert [m.offset for m in found if m.log == OTHER] == list(range(10))
    assert Stalled(LOG, 0, "1 records do not come; reading anew") in reader.notices()
    reader.close()


def test_a_reader_that_begins_inside_a_batch_gets_the_rest_of_it(exchange: KafkaExchange) -> None:
    exchange.create(LOG)
    publish(exchange, LOG, records(range(300)))
    for begin in (1, 150, 299):
        assert [m.offset for m in read_all(exchange, LOG, begin)] == list(range(begin, 300))


def test_without_a_broker_everything_says_so_and_leaves_nothing_behind() -> None:
    nowhere = KafkaExchange(settings(f"127.0.0.1:{development.free_port()}", patience_s=0.5))
    reader, publisher = nowhere.reader(), nowhere.publisher()
    calls: list[Callable[[], object]] = [
        lambda: nowhere.create(LOG),
        lambda: nowhere.identity(LOG),
        lambda: nowhere.ends([LOG]),
        lambda: reader.assign({LOG: 0}),
        lambda: publisher.publish(LOG, records([0])),
    ]
    threads = threading.active_count()
    for call in calls:
        begin = time.monotonic()
        with pytest.raises(errors.Unavailable, match="Kafka at"):
            call()
        assert time.monotonic() - begin < 3
    nowhere.close()
    assert threading.active_count() == threads


def test_killed_while_publishing_it_heals_and_loses_nothing(broker: development.Broker) -> None:
    with KafkaExchange(settings(broker.bootstrap, patience_s=1.0)) as exchange:
        exchange.create(LOG)
        publisher, reader = exchange.publisher(), exchange.reader()
        reader.assign({LOG: 0})
        killer = threading.Timer(0.05, broker.kill)
        killer.start()
        until_unavailable(lambda: publisher.publish(LOG, records(range(2000))))
        killer.join()
        until_unavailable(lambda: reader.poll(0.1))
        broker.restart()

        publisher.publish(LOG, records(range(2000)))
        end = exchange.ends([LOG])[LOG]
        found = read(reader, end)
        assert [m.offset for m in found] == list(range(end))
        assert [m.value for m in found[-2000:]] == [b"value %d" % n for n in range(2000)]
        assert reader.notices() == []
        publisher.close()
        reader.close()


@pytest.mark.parametrize("size", [60_000, 10])
def test_frozen_it_is_unavailable_in_time_and_memory_stays_bounded(
    broker: development.Broker, size: int
) -> None:
    with KafkaExchange(settings(broker.bootstrap, patience_s=1.0)) as exchange:
        exchange.create(LOG)
        publisher, reader = exchange.publisher(), exchange.reader()
        publisher.publish(LOG, records(range(1000)))
        reader.assign({LOG: 0})
        read(reader, 1000)
        before, taken = resident_bytes(), 0

        def endless() -> Iterator[Record]:
            nonlocal taken
            while True:
                taken += 1
                yield b"k", b"v" * size, ()

        broker.pause()
        begin = time.monotonic()
        with pytest.raises(errors.Unavailable):
            publisher.publish(LOG, endless())
        until_unavailable(lambda: reader.poll(0.1))
        assert time.monotonic() - begin < 12
        assert taken * size < 12 * 1024 * 1024
        assert taken <= 1001
        assert resident_bytes() - before < 60_000_000

        broker.resume()
        until_available(lambda: publisher.publish(LOG, records([0])))
        end = exchange.ends([LOG])[LOG]
        assert [m.offset for m in read(reader, end - 1000)] == list(range(1000, end))
        publisher.close()
        reader.close()


def test_a_topic_cut_by_retention_is_noticed(exchange: KafkaExchange) -> None:
    exchange.create(LOG)
    exchange.create(OTHER)
    publish(exchange, LOG, records(range(10)))
    publish(exchange, OTHER, records(range(10)))
    with KafkaAdminClient(bootstrap_servers=exchange.settings.bootstrap) as admin:
        admin.delete_records({TopicPartition(exchange.settings.topic(LOG), 0): 6})
    reader = exchange.reader()
    reader.assign({LOG: 2, OTHER: 0})
    assert [m.log for m in read(reader, 10)] == [OTHER] * 10
    (notice,) = reader.notices() or wait_notice(reader)
    assert isinstance(notice, Lost)
    assert (notice.log, notice.offset) == (LOG, 2)
    assert exchange.begins([LOG]) == {LOG: 6}
    reader.close()


def test_what_a_dropped_topic_held_leaves_the_disk(tmp_path: Path) -> None:
    """A broker waits `log.segment.delete.delay.ms`, a minute unless set, before it removes the files."""
    soon = {"log.segment.delete.delay.ms": "100", "log.initial.task.delay.ms": "100"}
    running = development.start(tmp_path, settings=soon)
    try:
        with KafkaExchange(settings(running.bootstrap)) as exchange:
            exchange.create(LOG)
            publish(exchange, LOG, [(b"k", b"marker of what is redacted", ())])
            assert _holds(tmp_path, b"marker of what")
            exchange.drop(LOG)
            exchange.create(LOG)
            publish(exchange, LOG, records(range(3)))
            deadline = time.monotonic() + 20
            while _holds(tmp_path, b"marker of what"):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert len(read_all(exchange, LOG)) == 3
    finally:
        running.stop()


def _holds(folder: Path, marker: bytes) -> bool:
    for path in folder.rglob("*.log"):
        with contextlib.suppress(FileNotFoundError):  # it goes while it is looked at
            if marker in path.read_bytes():
                return True
    return False
