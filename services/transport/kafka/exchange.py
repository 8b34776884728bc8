"""The exchange over Kafka: topics that keep everything, in one order, and their identities."""

import time
from collections.abc import Iterable
from typing import Self

from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec

from events import errors
from services.transport.kafka import clients
from services.transport.kafka.publisher import KafkaPublisher
from services.transport.kafka.reader import KafkaReader

KEPT_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
CREATED_WITH = {**KEPT_FOR_EVER, "max.message.bytes": str(1024 * 1024)}

_BRIEFLY = 0.02


class KafkaExchange:
    """See `base.Exchange`. Opens nothing before it is asked; not to be carried over a fork."""

    def __init__(self, settings: clients.Settings) -> None:
        self.settings = settings
        self._admin = clients.Admin(settings)

    def create(self, log: str) -> None:
        topic = self.settings.topic(log)
        try:
            self._admin.call(lambda client: _create(client, topic, self.settings.patience_s))
        except kafka_errors.KafkaError as error:
            raise clients.explained(error, log, self.settings) from error
        self._check(topic)

    def drop(self, log: str) -> None:
        topic = self.settings.topic(log)
        try:
            self._admin.call(lambda client: client.delete_topics([topic]))
        except kafka_errors.UnknownTopicOrPartitionError:
            return
        except kafka_errors.KafkaError as error:
            raise clients.explained(error, log, self.settings) from error
        deadline = time.monotonic() + self.settings.patience_s
        while self.identity(log) is not None:
            if time.monotonic() > deadline:
                raise self.settings.unavailable(f"{topic} is still being deleted")
            time.sleep(_BRIEFLY)

    def _check(self, topic: str) -> None:
        partitions, kept = self._admin.call(lambda client: _described(client, topic))
        if partitions != 1:
            raise errors.Invalid(f"topic {topic} has {partitions} partitions instead of 1: have it made anew")
        for name, wanted in KEPT_FOR_EVER.items():
            if kept[name] != wanted:
                raise errors.Invalid(
                    f"topic {topic} has {name}={kept[name]} and would lose records: set it to {wanted}"
                )

    def identity(self, log: str) -> str | None:
        return self._admin.identities([log]).get(log)

    def begins(self, logs: Iterable[str]) -> dict[str, int]:
        return self._admin.offsets(logs, OffsetSpec.EARLIEST)

    def ends(self, logs: Iterable[str]) -> dict[str, int]:
        return self._admin.offsets(logs, OffsetSpec.LATEST)

    def publisher(self) -> KafkaPublisher:
        return KafkaPublisher(self.settings, self._admin)

    def reader(self) -> KafkaReader:
        return KafkaReader(self.settings, self._admin)

    def close(self) -> None:
        self._admin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _create(client: KafkaAdminClient, topic: str, patience_s: float) -> None:
    try:
        client.create_topics({topic: {"num_partitions": 1, "configs": CREATED_WITH}})
    except kafka_errors.TopicAlreadyExistsError:
        return
    finally:
        client.wait_for_topics([topic], timeout_ms=patience_s * 1000)


def _described(client: KafkaAdminClient, topic: str) -> tuple[int, dict[str, str]]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    configs = client.describe_configs([resource], config_filter="all")["topic"][topic]
    partitions = client.describe_topics([topic])[0]["partitions"]
    return len(partitions), {name: configs[name]["value"] for name in KEPT_FOR_EVER}
