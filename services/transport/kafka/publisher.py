"""Publishes to Kafka: in order, all acknowledged, and never more under way than memory can hold."""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from kafka import KafkaProducer
from kafka import errors as kafka_errors
from kafka.producer.future import FutureRecordMetadata

from services.transport.base import NoTopic, Record, check_record
from services.transport.kafka import clients

MOST_RECORDS = 1000
MOST_BYTES = 8 * 1024 * 1024


class KafkaPublisher:
    """See `base.Publisher`; the producer is opened by the first call and after every error."""

    def __init__(self, settings: clients.Settings, admin: clients.Admin) -> None:
        self._settings = settings
        self._admin = admin
        self._producer: KafkaProducer | None = None
        self._known: set[str] = set()

    def publish(self, log: str, records: Iterable[Record]) -> None:
        self._refuse_unknown(log)
        try:
            self._producer = self._producer or clients.producer(self._settings)
            _Stream(self._producer, self._settings, log).send(records)
        except kafka_errors.KafkaError as error:
            self._drop()
            self._refuse_unknown(log)
            raise clients.explained(error, log, self._settings) from error

    def close(self) -> None:
        self._drop()

    def _refuse_unknown(self, log: str) -> None:
        """Ask once per log: the producer itself would wait for the topic until its time is over."""
        if log in self._known:
            return
        if log not in self._admin.identities([log]):
            raise NoTopic(f"log {log} has no topic {self._settings.topic(log)}; create it before publishing")
        self._known.add(log)

    def _drop(self) -> None:
        """Forget what was not sent: `close()` alone would wait, give up, and leave it to be sent later."""
        self._known.clear()
        producer, self._producer = self._producer, None
        if producer is None:
            return
        producer._sender.force_close()  # noqa: SLF001 - see above
        producer._sender.join(self._settings.patience_s)  # noqa: SLF001
        with suppress(kafka_errors.KafkaError):  # it only says again that records were dropped
            producer.close(timeout=0)


class _Stream:
    """One call of `publish`: the window of records that are under way."""

    def __init__(self, producer: KafkaProducer, settings: clients.Settings, log: str) -> None:
        self._producer = producer
        self._patience = settings.patience_s
        self._topic = settings.topic(log)
        self._under_way: deque[tuple[FutureRecordMetadata, int]] = deque()
        self._bytes = 0

    def send(self, records: Iterable[Record]) -> None:
        for key, value, pairs in records:
            headers = list(pairs)
            size = check_record(key, value, headers)
            if len(self._under_way) >= MOST_RECORDS or self._bytes + size > MOST_BYTES:
                self._settle(MOST_RECORDS // 2, MOST_BYTES // 2)
            future = self._producer.send(self._topic, value, key, headers, partition=clients.PARTITION)
            self._under_way.append((future, size))
            self._bytes += size
        self._producer.flush(self._patience)  # or the last batch would wait out its linger
        self._settle(0, 0)

    def _settle(self, records: int, size: int) -> None:
        """Wait until at most so many records and bytes are under way; raises what the broker said of one."""
        while self._under_way and (len(self._under_way) > records or self._bytes > size):
            future, settled = self._under_way.popleft()
            if not future.is_done or future.exception is not None:
                future.get(self._patience)
            self._bytes -= settled
