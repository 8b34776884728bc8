"""Whoever changes, swaps, deletes or cuts a stored log is found, with the position."""

from collections.abc import Callable
from datetime import date

import pytest

from events import envelope, errors
from events.activity import ActivityReported, ActivitySignUpStated
from services.ledger import append, logs, pages, store, verify
from services.ledger.findings import Finding, Report
from services.ledger.replay import replay
from services.runtime.database import Connection, connect
from tests.services.ledger.nodes import (
    ALLIANCE,
    LOG,
    OTHER,
    TIME,
    Ledger,
    alliance,
    note_over,
    prepare_database,
    values_of,
)
from tests.support.databases import Server

ALL = alliance(LOG, OTHER)
NewLedger = Callable[..., Ledger]
SIZE = 1_800


@pytest.fixture
def filled(postgres: Server, new_ledger: NewLedger) -> Ledger:
    """A followed log with checkpoints at 600, 1200 and 1800."""
    return new_ledger(of=postgres.template("ledger-filled", _fill))


def _fill(dsn: str) -> None:
    prepare_database(dsn)
    values = values_of(LOG, SIZE)
    with connect(dsn) as conn:
        logs.follow(conn, LOG)
        for end in (600, 1200, SIZE):
            store.accept(conn, ALL, LOG, values[end - 600 : end], note_over(LOG, values[:end]))


def check(ledger: Ledger, start: int = 0, log: str = LOG) -> Report:
    with ledger.database.connection() as conn:
        return verify.verify(conn, ALL, log, start)


def tamper(ledger: Ledger, *orders: str) -> None:
    with ledger.database.connection() as conn:
        for order in orders:
            conn.execute(order.replace("NEW", NEW).encode())


def found(report: Report) -> list[tuple[int, str]]:
    return [(finding.position, finding.kind) for finding in report.findings]


def test_an_untouched_log_is_good(filled: Ledger) -> None:
    report = check(filled)
    assert report == Report(LOG, 0, SIZE, entries=SIZE, checkpoints=3)
    assert report.ok


def test_an_own_log_is_good_before_and_after_it_is_covered(ledger: Ledger) -> None:
    assert check(ledger).ok
    ledger.append(300)
    assert check(ledger) == Report(LOG, 0, 300, entries=300)
    ledger.checkpointer().round()
    assert check(ledger) == Report(LOG, 0, 300, entries=300, checkpoints=1)


NEW = r"overlay(value placing '\x58'::bytea from octet_length(value) - 5)"
CASES: dict[str, list[tuple[int, str]]] = {
    "UPDATE ledger.entry SET value = NEW WHERE position = 700": [(700, "leaf")],
    "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position = 700": [(700, "leaf")],
    r"UPDATE ledger.entry SET value = NEW, leaf = sha256('\x00'::bytea || NEW) WHERE position = 700":
        [(513, "node"), (601, "root")],
    r"UPDATE ledger.entry SET value = NEW, leaf = sha256('\x00'::bytea || NEW) WHERE position = 1799":
        [(1201, "root")],
    r"UPDATE ledger.entry SET value = NEW, leaf = sha256('\x00'::bytea || NEW) WHERE position IN (700, 1799)":
        [(513, "node"), (601, "root"), (1201, "root")],
    """UPDATE ledger.entry e SET value = o.value, leaf = o.leaf, stream = o.stream, version = o.version
    FROM ledger.entry o WHERE e.log = o.log AND (e.position, o.position) IN ((700, 701), (701, 700))""":
        [(513, "node"), (601, "root"), (700, "position"), (701, "position")],
    "DELETE FROM ledger.entry WHERE position = 699": [(699, "missing")],
    "DELETE FROM ledger.entry WHERE position = 700": [(700, "missing")],
    "DELETE FROM ledger.entry WHERE position BETWEEN 601 AND 1200": [(601, "missing")],
    "DELETE FROM ledger.entry WHERE position = 1": [(1, "missing")],
    "DELETE FROM ledger.entry WHERE position > 1790": [(1791, "missing"), (1791, "missing")],
    "DELETE FROM ledger.entry WHERE position > 1790; UPDATE ledger.log SET head = 1790": [(1791, "missing")],
    "DELETE FROM ledger.checkpoint WHERE size = 1800": [(1201, "beyond")],
    "UPDATE ledger.log SET head = 1799": [(1800, "beyond")],
    """INSERT INTO ledger.entry SELECT log, 1801, own, stream, version, leaf, value
    FROM ledger.entry WHERE position = 1800""": [(1801, "beyond")],
    "UPDATE ledger.log SET time = '2025-05-01T08:00:00.000001Z'": [(1800, "time")],
    "UPDATE ledger.node SET hash = sha256(hash) WHERE index = 2": [(513, "node")],
    "DELETE FROM ledger.node WHERE index = 2": [(513, "node")],
    "UPDATE ledger.checkpoint SET root = sha256(root) WHERE size = 600": [(1, "root"), (600, "signature")],
    "UPDATE ledger.checkpoint SET note = replace(note, '600', '601') WHERE size = 600": [(600, "signature")],
}  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), CASES.items())
def test_every_tamper_is_found_and_located(
    filled: Ledger, order: str, expected: list[tuple[int, str]]
) -> None:
    tamper(filled, *order.split("; "))
    assert found(check(filled)) == expected


def test_a_value_of_another_log_in_the_place_of_one_is_found(filled: Ledger) -> None:
    value = values_of(OTHER, 1, after=699)[0].hex()
    tamper(
        filled,
        "UPDATE ledger.entry SET value = decode('HEX', 'hex') WHERE position = 700".replace("HEX", value),
    )
    assert (700, "source") in found(check(filled))
    tamper(filled, "UPDATE ledger.entry SET value = 'junk' WHERE position = 700")
    assert found(check(filled)) == [(700, "leaf"), (700, "source")]


def test_verifying_from_a_position_on_finds_what_comes_after_it(filled: Ledger) -> None:
    tamper(filled, "UPDATE ledger.entry SET value = NEW WHERE position IN (10, 1700)")
    assert check(filled, 1000) == Report(
        LOG, 1000, SIZE, 800, 2, findings=[Finding(1700, "leaf", "the stored hash is not that of the bytes")]
    )


def test_pages_are_no_borders(filled: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SIZE", 77)
    assert check(filled).ok
    tamper(filled, "DELETE FROM ledger.entry WHERE position IN (77, 78, 154, 1200)")
    assert [p for p, kind in found(check(filled)) if kind == "missing"] == [77, 154, 1200]


def test_a_time_that_goes_back_is_found(ledger: Ledger) -> None:
    ledger.append(10)
    tamper(ledger, "UPDATE ledger.entry SET value = overlay(value placing '2024' from 64) WHERE position = 5")
    assert (5, "time") in found(check(ledger))


def _report(ledger: Ledger) -> Report:
    with ledger.database.connection() as conn:
        return replay(conn, LOG)


def test_replay_folds_every_stream(filled: Ledger) -> None:
    assert _report(filled) == Report(LOG, 0, SIZE, entries=SIZE, streams=600)


COLUMNS: dict[str, list[tuple[int, str]]] = {
    "UPDATE ledger.entry SET version = 9 WHERE position = 700": [(700, "columns"), (700, "stream")],
    "UPDATE ledger.entry SET stream = NULL WHERE position = 699": [(699, "columns"), (699, "history")],
    "UPDATE ledger.entry SET stream = gen_random_uuid() WHERE position = 699":
        [(699, "columns"), (699, "history"), (699, "stream")],
    "UPDATE ledger.entry SET own = true WHERE position = 700": [(700, "columns")],
    "DELETE FROM ledger.entry WHERE position = 700":
        [(701, "history"), (701, "stream"), (702, "stream")],
    "UPDATE ledger.entry SET value = 'junk' WHERE position = 702": [(702, "payload")],
    "UPDATE ledger.entry SET value = NEW WHERE position = 702": [(702, "payload")],
}  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), COLUMNS.items())
def test_what_stands_beside_a_record_is_what_it_says(
    filled: Ledger, order: str, expected: list[tuple[int, str]]
) -> None:
    tamper(filled, order)
    assert found(_report(filled)) == expected


def test_replay_from_a_position_on_looks_at_streams_that_went_on(filled: Ledger) -> None:
    with filled.database.connection() as conn:
        assert replay(conn, LOG, SIZE - 2) == Report(LOG, SIZE - 2, SIZE, entries=3, streams=1)
    tamper(filled, "UPDATE ledger.entry SET version = 9 WHERE position IN (700, 1799)")
    with filled.database.connection() as conn:
        assert {p for p, _ in found(replay(conn, LOG, 900))} == {1799}


def test_replay_names_what_cannot_be_and_counts_what_is_not_known(ledger: Ledger) -> None:
    # given a log with an impossible event, a payload that is none, and an unknown type
    ledger.append(9)
    with ledger.database.connection() as conn:
        streams = [s for (s,) in conn.execute("SELECT DISTINCT stream::text FROM ledger.entry").fetchall()]
        for stream, change in zip(streams, ("", "persons", "stated"), strict=True):
            _add(conn, str(stream), 4, change)
        _add(conn, str(streams[2]), 5, "")  # impossible only to whoever does not know the one before it
    # when it is replayed
    report = _report(ledger)
    # then each is what it is
    assert found(report) == [(10, "history"), (11, "payload")]
    assert (report.entries, report.streams, report.unknown) == (13, 3, 1)


def _add(conn: Connection, stream: str, version: int, harm: str) -> None:
    """One more event of a stream: one that cannot follow, or one with a word replaced."""
    data = ActivitySignUpStated(persons=1) if harm else ActivityReported(day=_DAY)
    value = envelope.prepare(
        alliance=ALLIANCE, log=LOG, id=stream, aggregate="activity", stream=stream, version=version,
        actor="system", data=data,
    )  # fmt: skip
    entry = append.Entry(
        value.replace(harm.encode(), b"x" * len(harm)) if harm else value, TIME, stream, version
    )
    append.append(conn, append.Batch(LOG, [entry], [append.Command(f"{stream}/{version}", bytes(32), 1)]))


_DAY = date(2025, 5, 3)


def test_a_log_that_is_not_held_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(errors.NotFound):
        check(ledger, log=OTHER)
