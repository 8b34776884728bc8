"""Opens kafka-python's clients with safe settings and without leaks; says its errors in our words."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

from events import errors
from services.transport import topics
from services.transport.base import NoTopic
from services.transport.kafka import security

T = TypeVar("T")
PARTITION = 0
UNKNOWN = kafka_errors.UnknownTopicOrPartitionError.errno
FORBIDDEN = kafka_errors.TopicAuthorizationFailedError.errno
FETCH_BYTES = 4 * 1024 * 1024
PARTITION_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach a cluster.

    bootstrap: `host:port`, several by comma.
    patience_s: how long any call waits for a broker that does not answer.
    check_s: how often a reader asks whether its topics are still the same ones.
    fetch_wait_ms: how long a broker may hold a fetch back when there is nothing new. New records end the wait
        at once: a longer one costs no latency (measured), only time until a new assignment is fetched.
    security: kafka-python's `security_protocol`, `ssl_…` and `sasl_…` settings, from `security.settings`.
    """

    bootstrap: str
    alliance: str
    patience_s: float = 5.0
    check_s: float = 2.0
    fetch_wait_ms: int = 100
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def topic(self, log: str) -> str:
        return topics.named(self.alliance, log)

    def unavailable(self, error: object) -> errors.Unavailable:
        said = security.explained(self.security, error)
        return errors.Unavailable(f"Kafka at {self.bootstrap} cannot be used just now: {said}")


def consumer(settings: Settings, frame_bytes: int = FETCH_BYTES + PARTITION_BYTES) -> KafkaConsumer:
    """Reads what it is assigned, from offsets that we keep: no group, no commits, no resets.

    A larger answer than `frame_bytes` breaks the connection: memory has a bound whatever strangers write.
    """
    return _open(
        KafkaConsumer,
        settings,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        allow_auto_create_topics=False,
        metrics_enabled=False,
        fetch_max_wait_ms=settings.fetch_wait_ms,
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=PARTITION_BYTES,
        receive_message_max_bytes=frame_bytes,
    )


def producer(settings: Settings) -> KafkaProducer:
    """Idempotence and `acks=all` are the library's defaults and stay untouched; a test asserts them."""
    return _open(
        KafkaProducer,
        settings,
        allow_auto_create_topics=False,
        metrics_enabled=False,
        batch_size=262144,
        linger_ms=5,
        delivery_timeout_ms=_patience_ms(settings) + 10,
        max_block_ms=_patience_ms(settings),
        receive_message_max_bytes=FETCH_BYTES,
    )


def _admin(settings: Settings) -> KafkaAdminClient:
    return _open(KafkaAdminClient, settings, receive_message_max_bytes=FETCH_BYTES)


def _patience_ms(settings: Settings) -> int:
    return int(settings.patience_s * 1000)


class _Direct(KafkaNetSocket):  # type: ignore[misc]  # published without types
    """Connects as the library does, but closes the socket when that fails, instead of dropping it open."""

    SCHEMES = ("direct",)

    async def sock_connect(self, net: object, sock: socket.socket, *rest: object, **more: object) -> object:
        try:
            return await super().sock_connect(net, sock, *rest, **more)
        except BaseException:
            sock.close()
            raise


def _open(make: Callable[..., T], settings: Settings, **config: object) -> T:
    """Construct a client, which needs a living broker.

    A constructor that fails leaves its thread and sockets behind, so they are closed here. And the setting
    `allow_auto_create_topics` never reaches the metadata requests, where it matters, so it is set there.
    """
    opened: list[KafkaNetClient] = []

    def net(**settings: object) -> KafkaNetClient:
        opened.append(KafkaNetClient(**settings))
        opened[-1].cluster.config["allow_auto_create_topics"] = False
        return opened[-1]

    try:
        return make(kafka_client=net, **_common(settings), **config)
    except kafka_errors.KafkaError as error:
        for client in opened:
            client.close()
        raise settings.unavailable(error) from error


def _common(settings: Settings) -> dict[str, Any]:
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": f"yinqiao-{settings.alliance}",
        "bootstrap_timeout_ms": _patience_ms(settings),
        "request_timeout_ms": _patience_ms(settings),
        "reconnect_backoff_max_ms": 1000,
        "proxy_url": "direct://",  # names _Direct
        **settings.security,
    }


class Admin:
    """One administrative client for all threads: asks, and asks again until `patience_s` is over."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: KafkaAdminClient | None = None

    def call(self, ask: Callable[[KafkaAdminClient], T]) -> T:
        """Answer of `ask`, repeated while the cluster is in motion.

        Raises:
            errors.Unavailable: no answer within `patience_s`; the next call starts with a new client.
            kafka.errors.KafkaError: an answer that asking again does not change.
        """
        deadline = time.monotonic() + self._settings.patience_s
        if not self._lock.acquire(timeout=self._settings.patience_s):
            raise self._settings.unavailable("others are waiting for its answer, too")
        try:
            return self._until(deadline, ask)
        finally:
            self._lock.release()

    def _until(self, deadline: float, ask: Callable[[KafkaAdminClient], T]) -> T:
        while True:
            try:
                self._client = self._client or _admin(self._settings)
                return ask(self._client)
            except kafka_errors.UnknownTopicOrPartitionError:
                raise
            except kafka_errors.SaslAuthenticationFailedError as error:
                self._drop()
                raise self._settings.unavailable(error) from error
            except kafka_errors.RetriableError as error:
                if time.monotonic() > deadline:
                    self._drop()
                    raise self._settings.unavailable(error) from error
                time.sleep(0.05)

    def identities(self, logs: Iterable[str]) -> dict[str, str]:
        """`<cluster id>/<topic id>` of each log that has a topic."""
        names = {self._settings.topic(log): log for log in logs}
        if not names:
            return {}
        cluster, found = self.call(
            lambda client: (client.describe_cluster()["cluster_id"], client.describe_topics(list(names)))
        )
        self._refuse_forbidden(found)
        there = [topic for topic in found if topic["error_code"] != UNKNOWN]
        return {names[topic["name"]]: f"{cluster}/{topic['topic_id']}" for topic in there}

    def _refuse_forbidden(self, found: list[dict[str, Any]]) -> None:
        for topic in found:
            if topic["error_code"] == FORBIDDEN:
                raise self._settings.unavailable(
                    f"this node's account may not see {topic['name']}; have its rights (ACL) extended"
                )

    def offsets(self, logs: Iterable[str], spec: OffsetSpec) -> dict[str, int]:
        """First or next offset of each log that has a topic."""
        for _ in range(3):  # a topic may go between the two questions
            wanted = self._partitions(self.identities(logs))
            with suppress(kafka_errors.UnknownTopicOrPartitionError):
                found = self._list(dict.fromkeys(wanted, spec))
                return {wanted[partition]: offset for partition, offset in found.items()}
        raise self._settings.unavailable("topics come and go")

    def _partitions(self, logs: Iterable[str]) -> dict[TopicPartition, str]:
        return {TopicPartition(self._settings.topic(log), PARTITION): log for log in logs}

    def _list(self, wanted: dict[TopicPartition, OffsetSpec]) -> dict[TopicPartition, int]:
        if not wanted:
            return {}
        found = self.call(lambda client: client.list_partition_offsets(wanted))
        return {partition: at.offset for partition, at in found.items()}

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


TOO_LARGE = (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)
NOT_ALLOWED = (kafka_errors.TopicAuthorizationFailedError, kafka_errors.ClusterAuthorizationFailedError)


def explained(error: Exception, log: str, settings: Settings) -> errors.YinqiaoError:
    """The error of ours that says what `error` means to a caller."""
    topic = settings.topic(log)
    if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
        return NoTopic(f"log {log} has no topic {topic} in Kafka at {settings.bootstrap}")
    if isinstance(error, NOT_ALLOWED):
        return settings.unavailable(
            f"this node's account may not use {topic}; have its rights (ACL) extended"
        )
    if isinstance(error, TOO_LARGE):
        return errors.Invalid(f"the broker refuses a record of {topic} as too large: {error}", field="value")
    return settings.unavailable(error)
