"""Reads logs from Kafka: raw bytes from offsets of ours, and a word about whatever goes wrong."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec
from kafka.consumer.fetcher import Fetcher

from events import errors
from services.transport.base import Damaged, Lost, Message, Notice, NoTopic, Stalled
from services.transport.kafka import batches, clients

STALL_CHECKS = 5
"""A log that did not move for so many checks, although it has more, is stalled."""
QUIET_S = 2.0
"""Nothing new for so long: then a fetch may wait at the broker `LONGER` times as long."""
LONGER = 5
FRAMES = (clients.FETCH_BYTES + clients.PARTITION_BYTES, 100 * 1024 * 1024)
"""Largest answers taken: usually, and after a stall, which a stranger's giant record may have caused."""


class KafkaReader:
    """See `base.Reader`; the consumer is opened by the first call and after every error."""

    def __init__(self, settings: clients.Settings, admin: clients.Admin) -> None:
        self._settings = settings
        self._admin = admin
        self._consumer: KafkaConsumer | None = None
        self._logs: dict[TopicPartition, str] = {}
        self._positions: dict[str, int] = {}
        self._identities: dict[str, str] = {}
        self._notices: list[Notice] = []
        self._empty: list[tuple[str, int, int]] = []
        self._check_at = 0.0
        self._checks = 0
        self._marks: dict[str, int] = {}
        self._dry = False
        self._moved_at = 0.0
        self._frame_bytes = FRAMES[0]

    def assign(self, offsets: Mapping[str, int]) -> None:
        found = self._admin.identities(offsets)
        missing = sorted(set(offsets) - set(found))
        if missing:
            raise NoTopic(f"no topic yet for {', '.join(missing)}; follow those that `ends` knows")
        self._positions, self._identities, self._marks = dict(offsets), found, {}
        self._logs = {self._partition(log): log for log in offsets}
        self._check_at = time.monotonic() + self._settings.check_s
        if self._consumer is not None:
            self._point(self._consumer)

    def positions(self) -> dict[str, int]:
        return dict(self._positions)

    def notices(self) -> list[Notice]:
        noticed, self._notices = self._notices, []
        return noticed

    def poll(self, timeout_s: float, most: int = 1000) -> list[Message]:
        if time.monotonic() >= self._check_at:
            self._check()
        if not self._positions:
            time.sleep(timeout_s)
            return []
        messages = self._fetch(timeout_s, most)
        self._dry = not messages
        return messages

    def close(self) -> None:
        self._drop()

    def _fetch(self, timeout_s: float, most: int) -> list[Message]:
        try:
            consumer = self._open()
            consumer._fetcher.config["fetch_max_wait_ms"] = self._wait_ms()  # noqa: SLF001  (read at each fetch)
            found = consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=most)
        except kafka_errors.OffsetOutOfRangeError as error:
            self._lose(error.args[0], "out of range: the topic was cut, or retention took what came next")
        except kafka_errors.LogTruncationError as error:
            self._lose(error.divergent_offsets, "the cluster lost the end of the topic")
        except kafka_errors.KafkaError as error:
            self._drop()
            raise self._settings.unavailable(error) from error
        else:
            return self._taken(found)
        return []

    def _wait_ms(self) -> int:
        """On quiet topics fetches are spared; a new assignment may wait so long for its first one."""
        quiet = time.monotonic() > self._moved_at + QUIET_S
        return self._settings.fetch_wait_ms * (LONGER if quiet else 1)

    def _taken(self, found: Mapping[TopicPartition, list[Message]]) -> list[Message]:
        out: list[Message] = []
        if found:
            self._moved_at = time.monotonic()
        for partition, messages in found.items():
            out += messages
            log = self._logs[partition]
            self._positions[log] = max(self._positions[log], messages[-1].offset + 1)
        self._pass_empty()
        return out

    def _pass_empty(self) -> None:
        """Step over batches without records once all before them was given."""
        for log, first, after in self._empty:
            if first <= self._positions.get(log, -1) < after:
                self._positions[log] = after
        self._empty = []

    def _open(self) -> KafkaConsumer:
        if self._consumer is None:
            opened = clients.consumer(self._settings, self._frame_bytes)
            opened._fetcher.PartitionRecords = _unpacking(self)  # noqa: SLF001 - see there
            self._point(opened)
            self._consumer = opened
        return self._consumer

    def _point(self, consumer: KafkaConsumer) -> None:
        self._moved_at = time.monotonic()
        consumer.assign(list(self._logs))
        for partition, log in self._logs.items():
            consumer.seek(partition, self._positions[log])

    def _partition(self, log: str) -> TopicPartition:
        return TopicPartition(self._settings.topic(log), clients.PARTITION)

    def log_of(self, partition: TopicPartition) -> str:
        return self._logs[partition]

    def end_of(self, partition: TopicPartition) -> int | None:
        end: int | None = self._consumer.highwater(partition) if self._consumer is not None else None
        return end

    def empty(self, log: str, first: int, after: int) -> None:
        """The decoder met a batch without records, e.g. the end of a transaction."""
        self._empty.append((log, first, after))

    def damaged(self, log: str, first: int, after: int, why: str) -> None:
        """The decoder stepped over a batch."""
        self._positions[log] = after
        last = self._notices[-1] if self._notices else None
        if isinstance(last, Damaged) and (last.log, last.next) == (log, first):
            self._notices[-1] = last._replace(next=after)
        else:
            self._notices.append(Damaged(log, first, after, why))

    def _lose(self, partitions: Mapping[TopicPartition, object], why: str) -> None:
        for partition in list(partitions):
            log = self._logs.pop(partition)
            del self._identities[log]
            self._notices.append(Lost(log, self._positions.pop(log), why))
        if self._consumer is not None:
            self._consumer.assign(list(self._logs))  # the others keep their positions

    def _check(self) -> None:
        """Notice what fetching never says: no broker, topic gone, another topic of that name, no progress."""
        try:
            found = self._admin.identities(self._identities)
            ends = self._ends_when_due()
        except errors.Unavailable:
            self._drop()
            raise
        for log, identity in list(self._identities.items()):
            if found.get(log) != identity:
                why = "its topic was made again" if log in found else "its topic was deleted"
                self._lose({self._partition(log): None}, why)
        self._notice_stalled(ends)
        self._check_at = time.monotonic() + self._settings.check_s

    def _ends_when_due(self) -> dict[str, int]:
        self._checks += 1
        due = self._dry and self._checks % STALL_CHECKS == 0
        return self._admin.offsets(self._identities, OffsetSpec.LATEST) if due else {}

    def _notice_stalled(self, ends: Mapping[str, int]) -> None:
        stalled = {
            log: end
            for log, end in ends.items()
            if self._marks.get(log) == self._positions.get(log, end) < end
        }
        for log, end in stalled.items():
            at = self._positions[log]
            self._notices.append(Stalled(log, at, f"{end - at} records do not come; reading anew"))
        if stalled:
            self._frame_bytes = FRAMES[1]
            self._drop()  # a new consumer is the cure for one that hangs
        if ends:
            self._marks = dict(self._positions)

    def _drop(self) -> None:
        consumer, self._consumer, self._empty = self._consumer, None, []
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=int(self._settings.patience_s * 1000))


class _Source(Protocol):
    """What the decoder needs to know of a reader."""

    def log_of(self, partition: TopicPartition) -> str: ...

    def end_of(self, partition: TopicPartition) -> int | None: ...

    def empty(self, log: str, first: int, after: int) -> None: ...

    def damaged(self, log: str, first: int, after: int, why: str) -> None: ...


def _unpacking(source: _Source) -> type[Any]:
    """kafka-python's holder of fetched records, with our decoder inside.

    Its own one raises at a bad checksum and then loops for ever in the next `poll()`. This reaches into a
    private class: the version is pinned, and tests read damaged and compressed batches through a real broker.
    """

    class Unpacked(Fetcher.PartitionRecords):  # type: ignore[misc]  # published without types
        def _unpack_records(self, tp: TopicPartition, records: Any, *_: object) -> Iterator[Message]:
            log = source.log_of(tp)
            for batch in batches.batches(log, bytes(records._buffer)):  # noqa: SLF001
                self.leader_epoch = batch.epoch
                self.bytes_read += 1  # more than none: then the next log has its turn
                for message in batch.messages:
                    self.next_fetch_offset = message.offset + 1
                    yield message
                self.next_fetch_offset = self._after(tp, batch)
                first = max(batch.first, self.fetch_offset)
                if not (batch.why or batch.messages):
                    source.empty(log, first, self.next_fetch_offset)
                if batch.why:
                    source.damaged(log, first, self.next_fetch_offset, batch.why)
            self.drain()

        def _after(self, tp: TopicPartition, batch: batches.Batch) -> int:
            """A bad batch with none behind it is believed when it says that it is the last; else one step."""
            least: int = self.fetch_offset + 1
            sure = batch.sure or batch.next == source.end_of(tp)
            return max(batch.next, least) if sure else least

    return Unpacked
