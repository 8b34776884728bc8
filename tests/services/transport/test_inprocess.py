"""The in-process exchange: the contract, and files that survive a restart."""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from events import errors
from services.transport.base import Lost
from services.transport.inprocess import InProcessExchange
from tests.services.transport.contract import (
    LOG,
    Contract,
    publish,
    read,
    read_all,
    records,
    resident_bytes,
    wait_notice,
)


class InProcessChannel:
    """The files of an exchange and its operator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exchange = InProcessExchange(folder)

    def spoil(self, marker: bytes) -> None:
        for path in self.folder.glob("*.records"):
            _overwrite(path, marker, b"X")


def _overwrite(path: Path, marker: bytes, other: bytes) -> None:
    at = path.read_bytes().find(marker)
    if at >= 0:
        with path.open("r+b") as handle:
            handle.seek(at)
            handle.write(other)


class TestInProcess(Contract):
    """The contract."""

    @pytest.fixture
    def channel(self, tmp_path: Path) -> Iterator[InProcessChannel]:
        made = InProcessChannel(tmp_path)
        yield made
        made.exchange.close()


def test_a_folder_survives_a_restart_and_half_a_frame_is_cut_off(tmp_path: Path) -> None:
    with InProcessExchange(tmp_path) as exchange:
        exchange.create(LOG)
        publish(exchange, LOG, records(range(1000)))
        identity = exchange.identity(LOG)
    with (tmp_path / f"{LOG}.records").open("ab") as handle:
        handle.write(b"\x00\x00\x00\x50half")  # a kill in the middle of a write
    with InProcessExchange(tmp_path) as exchange:
        assert exchange.identity(LOG) == identity
        publish(exchange, LOG, records([1000]))
        assert [m.offset for m in read_all(exchange, LOG, 700)] == list(range(700, 1001))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with InProcessExchange(tmp_path), pytest.raises(errors.Unavailable, match="another process"):
        InProcessExchange(tmp_path)


def test_a_lost_tail_is_noticed_and_shipped_again() -> None:
    with InProcessExchange() as exchange:
        exchange.create(LOG)
        publish(exchange, LOG, records(range(1000)))
        behind, ahead = exchange.reader(), exchange.reader()
        behind.assign({LOG: 10})
        ahead.assign({LOG: 0})
        read(ahead, 1000)
        assert len(behind.poll(1, most=5)) == 5
        exchange.truncate(LOG, 600)
        assert wait_notice(ahead) == [Lost(LOG, 1000, "out of range: the topic was cut")]
        publish(exchange, LOG, records(range(600, 1000)))
        assert [m.value for m in read(behind, 985)] == [b"value %d" % n for n in range(15, 1000)]


def test_other_bytes_behind_a_cut_do_not_confuse_a_reader() -> None:
    with InProcessExchange() as exchange:
        exchange.create(LOG)
        publish(exchange, LOG, records(range(1000)))
        reader = exchange.reader()
        reader.assign({LOG: 0})
        assert len(reader.poll(1, most=700)) == 700
        exchange.truncate(LOG, 600)
        publish(exchange, LOG, ((b"k", b"longer %30d" % n, ()) for n in range(600, 900)))
        assert [m.value for m in read(reader, 200)] == [b"longer %30d" % n for n in range(700, 900)]
        assert reader.notices() == []


def test_a_closed_exchange_wakes_its_readers() -> None:
    exchange = InProcessExchange()
    exchange.create(LOG)
    reader = exchange.reader()
    reader.assign({LOG: 0})
    threading.Timer(0.1, exchange.close).start()
    with pytest.raises(errors.Unavailable, match="closed"):
        reader.poll(10)


def test_a_frame_whose_length_is_damaged_does_not_spin(tmp_path: Path) -> None:
    with InProcessExchange(tmp_path) as exchange:
        exchange.create(LOG)
        publish(exchange, LOG, records(range(3)))
        with (tmp_path / f"{LOG}.records").open("r+b") as handle:
            handle.write(b"\x7f\xff")
        reader = exchange.reader()
        reader.assign({LOG: 0})
        (notice,) = wait_notice(reader)
        assert isinstance(notice, Lost)


def test_a_full_disk_is_unavailable_and_leaves_no_half_record(monkeypatch: pytest.MonkeyPatch) -> None:
    with InProcessExchange() as exchange:
        exchange.create(LOG)
        publish(exchange, LOG, records(range(3)))
        real = os.write

        def full(handle: int, data: bytes) -> int:
            real(handle, data[:5])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(errors.Unavailable, match="No space"):
                publish(exchange, LOG, records([3]))
        publish(exchange, LOG, records([3]))
        assert [m.value for m in read_all(exchange, LOG)] == [b"value %d" % n for n in range(4)]


def test_a_reader_wakes_within_milliseconds() -> None:
    with InProcessExchange() as exchange:
        exchange.create(LOG)
        reader, publisher = exchange.reader(), exchange.publisher()
        reader.assign({LOG: 0})
        taken: list[float] = []

        def take() -> None:
            while len(taken) < 50:
                taken.extend(time.perf_counter() for _ in reader.poll(1))

        thread = threading.Thread(target=take)
        thread.start()
        sent = []
        for n in range(50):
            sent.append(time.perf_counter())
            publisher.publish(LOG, records([n]))
            time.sleep(0.005)
        thread.join()
        assert statistics.median(b - a for a, b in zip(sent, taken, strict=True)) < 0.01


def test_memory_stays_flat() -> None:
    with InProcessExchange() as exchange:
        exchange.create(LOG)
        publish(exchange, LOG, records(range(20_000)))
        before = resident_bytes()
        publish(exchange, LOG, ((b"k", b"v" * 500, ()) for _ in range(100_000)))
        reader = exchange.reader()
        reader.assign({LOG: 0})
        seen = 0
        while seen < 120_000:
            seen += len(reader.poll(1))
        assert resident_bytes() - before < 10_000_000
