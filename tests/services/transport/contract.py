"""What every channel owes: one set of tests, run over each implementation."""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from events import errors
from services.transport.base import Damaged, Exchange, Lost, Message, Notice, NoTopic, Reader, Record

LOG, OTHER = "500116", "440100-2"


class Channel(Protocol):
    """An exchange with nothing in it, and the hands of those who can do harm to it."""

    exchange: Exchange

    def spoil(self, marker: bytes) -> None:
        """Change the stored bytes `marker` to others."""


def records(numbers: Iterable[int]) -> Iterator[Record]:
    return ((b"activity/%d" % n, b"value %d" % n, [("sequence", b"%020d" % n)]) for n in numbers)


def publish(exchange: Exchange, log: str, what: Iterable[Record]) -> None:
    publisher = exchange.publisher()
    publisher.publish(log, what)
    publisher.close()


def read(reader: Reader, number: int, seconds: float = 20) -> list[Message]:
    """At least `number` messages, and all that come with them."""
    out: list[Message] = []
    deadline = time.monotonic() + seconds
    while len(out) < number and time.monotonic() < deadline:
        out += reader.poll(0.2)
    assert len(out) >= number, f"{len(out)} of {number} came; {reader.notices()}"
    return out


def read_all(exchange: Exchange, log: str, begin: int = 0) -> list[Message]:
    reader = exchange.reader()
    reader.assign({log: begin})
    out = read(reader, exchange.ends([log])[log] - begin)
    reader.close()
    return out


def resident_bytes() -> int:
    """Memory of this process, as the kernel counts it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def wait_notice(reader: Reader, seconds: float = 20) -> list[Notice]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reader.poll(0.1)
        if found := reader.notices():
            return found
    raise AssertionError("no notice came")


class Contract:
    """Subclasses give the fixture `channel`."""

    def test_order_is_kept(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, records(range(5000)))
        publish(channel.exchange, LOG, records(range(5000, 6000)))
        found = read_all(channel.exchange, LOG)
        assert [m.offset for m in found] == list(range(6000))
        assert [m.value for m in found] == [b"value %d" % n for n in range(6000)]
        assert {m.log for m in found} == {LOG}

    def test_delivered_twice_it_is_there_twice(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        for _ in range(2):
            publish(channel.exchange, LOG, records(range(3)))
        assert [m.value[-1:] for m in read_all(channel.exchange, LOG) if m.value] == [b"0", b"1", b"2"] * 2

    @pytest.mark.parametrize(
        ("key", "value", "headers"),
        [
            (b"\x00", b"\x00" * 9, (("sequence", b"\x00\xff"),)),
            (b"\xff\xfe", b"\xc3\x28\x80", (("h", b"\xed\xa0\x80"),)),
            (b"", b"", (("empty", b""),)),
            (None, b"no key", ()),
            (b"tombstone", None, ()),
            ("键".encode(), "值".encode(), (("头", "文".encode()), ("头", b"again"))),
            (
                b"k" * 300,
                os.urandom(60_000),
                (("note", b"n" * 9000), *((f"h{n}", b"%d" % n) for n in range(90))),
            ),
        ],
        ids=["nul", "not-utf8", "empty", "no-key", "tombstone", "chinese", "large"],
    )
    def test_bytes_are_untouched(
        self, channel: Channel, key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]
    ) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, [(key, value, headers)])
        assert read_all(channel.exchange, LOG) == [Message(LOG, 0, key, value, headers)]

    def test_two_readers_are_independent(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, records(range(10)))
        one, two = channel.exchange.reader(), channel.exchange.reader()
        one.assign({LOG: 0})
        two.assign({LOG: 7})
        assert [m.offset for m in read(one, 10)] == list(range(10))
        assert [m.offset for m in read(two, 3)] == [7, 8, 9]
        assert one.positions() == two.positions() == {LOG: 10}
        one.close()
        two.close()

    def test_a_late_reader_reads_all_and_then_what_is_new(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, records(range(10)))
        reader = channel.exchange.reader()
        reader.assign({LOG: 0})
        assert len(read(reader, 10)) == 10
        publish(channel.exchange, LOG, records(range(10, 12)))
        assert [m.offset for m in read(reader, 2)] == [10, 11]
        assert reader.notices() == []
        reader.close()

    def test_one_reader_follows_many_logs(self, channel: Channel) -> None:
        for log in (LOG, OTHER):
            channel.exchange.create(log)
            publish(channel.exchange, log, records(range(2000)))
        reader = channel.exchange.reader()
        reader.assign({LOG: 0, OTHER: 500})
        found = read(reader, 3500)
        assert [m.offset for m in found if m.log == LOG] == list(range(2000))
        assert [m.offset for m in found if m.log == OTHER] == list(range(500, 2000))
        reader.assign({OTHER: 1999})
        assert [(m.log, m.offset) for m in read(reader, 1)] == [(OTHER, 1999)]
        reader.close()

    def test_poll_gives_no_more_than_asked_for(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, records(range(100)))
        reader = channel.exchange.reader()
        reader.assign({LOG: 0})
        got: list[int] = []
        while sum(got) < 100:
            got.append(len(reader.poll(5, most=7)))
        assert max(got) <= 7
        assert sum(got) == 100
        reader.close()

    def test_a_waiting_reader_wakes_at_once(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        reader, publisher = channel.exchange.reader(), channel.exchange.publisher()
        reader.assign({LOG: 0})
        publisher.publish(LOG, records([0]))  # both have opened what they need
        read(reader, 1)
        threading.Timer(0.3, publisher.publish, (LOG, list(records([1])))).start()
        begin = time.monotonic()
        assert len(read(reader, 1)) == 1
        assert time.monotonic() - begin < 1.0
        reader.close()
        publisher.close()

    def test_an_empty_poll_waits_and_returns(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        reader = channel.exchange.reader()
        reader.assign({LOG: 0})
        reader.poll(0)
        begin = time.monotonic()
        assert reader.poll(0.3) == []
        assert 0.2 < time.monotonic() - begin < 3
        reader.close()

    def test_begins_and_ends(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, records(range(3)))
        assert channel.exchange.begins([LOG, OTHER]) == {LOG: 0}
        assert channel.exchange.ends([LOG, OTHER]) == {LOG: 3}
        assert channel.exchange.ends([]) == {}

    def test_nothing_creates_topics_by_itself(self, channel: Channel) -> None:
        publisher, reader = channel.exchange.publisher(), channel.exchange.reader()
        with pytest.raises(NoTopic, match=LOG):
            publisher.publish(LOG, records([0]))
        with pytest.raises(NoTopic, match=LOG):
            reader.assign({LOG: 0})
        assert channel.exchange.identity(LOG) is None
        assert channel.exchange.ends([LOG]) == {}
        channel.exchange.create(LOG)
        publisher.publish(LOG, records([0]))
        reader.assign({LOG: 0})
        assert len(read(reader, 1)) == 1
        publisher.close()
        reader.close()

    def test_created_twice_it_keeps_its_records_and_identity(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        identity = channel.exchange.identity(LOG)
        publish(channel.exchange, LOG, records([0]))
        channel.exchange.create(LOG)
        assert channel.exchange.ends([LOG]) == {LOG: 1}
        assert channel.exchange.identity(LOG) == identity

    def test_a_topic_deleted_and_made_again_is_noticed(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        channel.exchange.create(OTHER)
        publisher, reader = channel.exchange.publisher(), channel.exchange.reader()
        publisher.publish(LOG, records(range(3)))
        before = channel.exchange.identity(LOG)
        reader.assign({LOG: 0, OTHER: 0})
        read(reader, 3)

        channel.exchange.drop(LOG)
        channel.exchange.create(LOG)
        publisher.publish(LOG, records(range(9)))  # grown past the reader's offset

        (notice,) = [n for n in wait_notice(reader) if isinstance(n, Lost)]
        assert notice.log == LOG
        assert channel.exchange.identity(LOG) not in (None, before)
        assert reader.positions() == {OTHER: 0}
        publisher.publish(OTHER, records([0]))
        assert {m.log for m in read(reader, 1)} == {OTHER}
        reader.assign({LOG: 0})
        assert len(read(reader, 9)) == 9
        publisher.close()
        reader.close()

    def test_a_deleted_topic_is_noticed_by_those_who_use_it(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publisher, reader = channel.exchange.publisher(), channel.exchange.reader()
        publisher.publish(LOG, records(range(3)))
        reader.assign({LOG: 3})
        reader.poll(0.1)
        channel.exchange.drop(LOG)
        assert [(n.log, n.offset) for n in wait_notice(reader) if isinstance(n, Lost)] == [(LOG, 3)]
        with pytest.raises(NoTopic):
            publisher.publish(LOG, records([0]))
        assert channel.exchange.identity(LOG) is None
        publisher.close()
        reader.close()

    def test_a_dropped_topic_is_gone_with_all_it_held_and_another_can_be_made(self, channel: Channel) -> None:
        channel.exchange.create(OTHER)
        for _ in range(2):  # again, and where there never was one
            channel.exchange.drop(LOG)
            channel.exchange.create(LOG)
            assert channel.exchange.ends([LOG]) == {LOG: 0}
            publish(channel.exchange, LOG, records([7]))
            channel.exchange.drop(LOG)
            channel.exchange.drop(LOG)
            assert channel.exchange.ends([LOG, OTHER]) == {OTHER: 0}

    def test_an_offset_out_of_range_is_noticed(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, records(range(3)))
        reader = channel.exchange.reader()
        reader.assign({LOG: 8})
        (notice,) = wait_notice(reader)
        assert isinstance(notice, Lost)
        assert (notice.log, notice.offset) == (LOG, 8)
        assert reader.positions() == {}
        reader.close()

    def test_damage_is_stepped_over_counted_and_hides_nothing_else(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        for n in range(3):
            publish(channel.exchange, LOG, [(b"k", b"before-%d" % n, ())])
        publish(channel.exchange, LOG, [(b"k", b"damage me please", ())])
        publish(channel.exchange, LOG, [(b"k", b"after", ())])
        channel.spoil(b"damage me please")
        reader = channel.exchange.reader()
        reader.assign({LOG: 1})
        assert [m.value for m in read(reader, 3)] == [b"before-1", b"before-2", b"after"]
        assert reader.notices() == [Damaged(LOG, 3, 4, "bad checksum")]
        assert reader.notices() == []
        assert reader.positions() == {LOG: 5}
        reader.close()

    def test_damage_at_the_end_does_not_keep_the_next_record_away(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publish(channel.exchange, LOG, [(b"k", b"good", ()), (b"k", b"damage me please", ())])
        channel.spoil(b"damage me please")
        reader = channel.exchange.reader()
        reader.assign({LOG: 1})
        assert wait_notice(reader) == [Damaged(LOG, 1, 2, "bad checksum")]
        publish(channel.exchange, LOG, [(b"k", b"next", ())])
        assert [(m.offset, m.value) for m in read(reader, 1)] == [(2, b"next")]
        reader.close()

    def test_impossible_records_are_refused(self, channel: Channel) -> None:
        channel.exchange.create(LOG)
        publisher = channel.exchange.publisher()
        with pytest.raises(errors.Invalid, match="key or a value"):
            publisher.publish(LOG, [(None, None, ())])
        with pytest.raises(errors.Invalid, match="larger than"):
            publisher.publish(LOG, [(b"k", b"v" * 300_000, ())])
        with pytest.raises(errors.Invalid, match="topic's name"):
            channel.exchange.create("../x")
        publisher.publish(LOG, records([0]))
        assert len(read_all(channel.exchange, LOG)) == 1
        publisher.close()
