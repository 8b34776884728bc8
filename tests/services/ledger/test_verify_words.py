"""What a check of a stored log says of each fault: where it is, of which kind, and in which words."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from events import checkpoints, merkle, notes
from services.ledger import fields, logs, pages, receipts, store, tree, verify
from services.ledger.findings import Finding, Report
from services.ledger.receipts import Receipt
from services.runtime.database import connect
from tests.services.ledger import redacted
from tests.services.ledger.nodes import (
    ALLIANCE,
    LOG,
    OTHER,
    Ledger,
    alliance,
    note_over,
    prepare_database,
    values_of,
)
from tests.support.databases import Server

ALL = alliance(LOG, OTHER)
HOST = notes.Signer(checkpoints.node_key(ALLIANCE, "host"), sha256(b"node").digest(), notes.Kind.COSIGNATURE)
SIZE = 900
NewLedger = Callable[..., Ledger]


@pytest.fixture
def signed(postgres: Server, new_ledger: NewLedger) -> Ledger:
    """A followed log with checkpoints at 300, 600 and 900, all cosigned by its host, and by us up to 600."""
    return new_ledger(of=postgres.template("ledger-signed", _fill))


def _fill(dsn: str) -> None:
    prepare_database(dsn)
    values = values_of(LOG, SIZE)
    with connect(dsn) as conn:
        logs.follow(conn, LOG)
        for end in (300, 600, SIZE):
            note = note_over(LOG, values[:end])
            store.accept(conn, ALL, LOG, values[end - 300 : end], note)
            root = merkle.root(merkle.leaf_hashes(values[:end]))
            receipt = Receipt(LOG, "host", end, root, 1, notes.cosign(note, HOST, 1))
            receipts.keep_own(conn, [receipt])
            if end == 600:
                conn.execute("INSERT INTO ledger.cosigned VALUES (%s, %s, %s, 1)", [LOG, end, root])


def check(ledger: Ledger, start: int = 0, end: int | None = None) -> Report:
    with ledger.database.connection() as conn:
        return verify.verify(conn, ALL, LOG, start, end)


def found(ledger: Ledger, *orders: str, start: int = 0, end: int | None = None) -> list[Finding]:
    """What is found once these changes were made."""
    with ledger.database.connection() as conn:
        for order in orders:
            conn.execute(order.replace("NEW", _NEW).replace("HASH", _HASH).encode())
    return check(ledger, start, end).findings


_NEW = r"overlay(value placing '\x58'::bytea from octet_length(value) - 5)"
_HASH = rf"sha256('\x00'::bytea || {_NEW})"
LEAF = "the stored hash is not that of the bytes"
OURS = "this node cosigned another root than that of these records"
THEIRS = "host cosigned another root than that of these records"
ROW = "the note of host says another log, size, root or time"
BAD = "a checkpoint is an origin, a size and a root, in three lines"
STRANGER = (
    "no known key signed the note; it carries signatures of chuanyu.yinqiao/510100, chuanyu.yinqiao/node/host"
)


def test_what_was_signed_and_cosigned_holds(signed: Ledger) -> None:
    assert check(signed) == Report(LOG, 0, SIZE, entries=SIZE, checkpoints=3)


CASES: dict[str, list[tuple[int, str, str]]] = {
    "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position IN (1, 300, 301, 900)":
        [(1, "leaf", LEAF), (300, "leaf", LEAF), (301, "leaf", LEAF), (900, "leaf", LEAF)],
    # bytes whose stored hash is still the one that was signed: each is told, and nothing else is
    "UPDATE ledger.entry SET value = NEW WHERE position IN (20, 301, 302, 899)":
        [(20, "leaf", LEAF), (301, "leaf", LEAF), (302, "leaf", LEAF), (899, "leaf", LEAF)],
    "UPDATE ledger.entry SET value = NEW, leaf = HASH WHERE position = 301": [
        (257, "node", "the stored hash of the records 257 to 512 is missing or another"),
        (301, "root", "the checkpoint of size 600 is not over the records after 300")],
    "UPDATE ledger.entry SET value = NEW, leaf = HASH WHERE position IN (2, 301)": [
        (1, "node", "the stored hash of the records 1 to 256 is missing or another"),
        (1, "root", "the checkpoint of size 300 is not over the records after 0"),
        (257, "node", "the stored hash of the records 257 to 512 is missing or another"),
        (301, "root", "the checkpoint of size 600 is not over the records after 300")],
    "UPDATE ledger.node SET hash = sha256(hash) WHERE index = 2":
        [(513, "node", "the stored hash of the records 513 to 768 is missing or another")],
    "DELETE FROM ledger.entry WHERE position IN (299, 700, 701)":
        [(299, "missing", "1 before position 300"), (700, "missing", "2 before position 702")],
    "DELETE FROM ledger.entry WHERE position = 1": [(1, "missing", "1 before position 2")],
    "DELETE FROM ledger.entry WHERE position > 898":
        [(899, "missing", "a checkpoint covers 900 records"), (899, "missing", "and all up to 900")],
    "DELETE FROM ledger.entry": [
        (1, "missing", "a checkpoint covers 900 records"), (1, "missing", "and all up to 900"),
        (1, "missing", "this node cosigned 600 records")],
    "UPDATE ledger.log SET head = 898": [
        (899, "beyond", "the head says 898, and there are records up to 900")],
    "DELETE FROM ledger.checkpoint WHERE size = 900":
        [(601, "beyond", "nothing signed covers the records up to 900")],
    "UPDATE ledger.cosigned SET size = 901": [(901, "missing", "this node cosigned 901 records")],
    "UPDATE ledger.log SET time = '2025-05-01T08:00:00.000001Z'": [
        (900, "time", "the head says 2025-05-01T08:00:00.000001Z, the record 2025-05-01T08:00:00.000000Z")],
    "UPDATE ledger.checkpoint SET root = sha256(root) WHERE size = 600": [
        (301, "root", "the checkpoint of size 600 is not over the records after 300"),
        (600, "signature", "the note says another size or root than its row")],
    "UPDATE ledger.checkpoint SET size = 601 WHERE size = 600": [
        (301, "root", "the checkpoint of size 601 is not over the records after 300"),
        (601, "signature", "the note says another size or root than its row")],
    "UPDATE ledger.checkpoint SET note = replace(note, E'\\n600\\n', E'\\n+\\n') WHERE size = 600":
        [(600, "signature", BAD)],
    "UPDATE ledger.receipt SET root = sha256(root) WHERE size = 300":
        [(300, "receipt", THEIRS), (300, "receipt", ROW)],
    "UPDATE ledger.receipt SET size = 301 WHERE size = 300":
        [(301, "receipt", THEIRS), (301, "receipt", ROW)],
    "UPDATE ledger.receipt SET note = replace(note, '500116', '510100') WHERE size = 900":
        [(900, "receipt", f"of host: {STRANGER}")],
    "UPDATE ledger.receipt SET node = 'nobody' WHERE size = 300":
        [(300, "receipt", "of nobody: the alliance has no node 'nobody'")],
    "UPDATE ledger.cosigned SET root = sha256(root)": [(600, "receipt", OURS)],
    "UPDATE ledger.cosigned SET root = sha256(root), size = 700": [(700, "receipt", OURS)],
    """UPDATE ledger.entry e SET value = o.value, leaf = o.leaf FROM ledger.entry o
    WHERE (e.position, o.position) IN ((700, 701), (701, 700))""": [
        (513, "node", "the stored hash of the records 513 to 768 is missing or another"),
        (601, "root", "the checkpoint of size 900 is not over the records after 600"),
        (700, "position", "it claims 701"), (701, "position", "it claims 700")],
    """INSERT INTO ledger.entry SELECT log, 901, own, stream, version, leaf, value
    FROM ledger.entry WHERE position = 900""":
        [(901, "beyond", "the head says 900, and there are records up to 901")],
    # whose record was changed is told, and not that the others cosigned what it was
    "UPDATE ledger.entry SET value = NEW, leaf = HASH WHERE position = 600": [
        (301, "root", "the checkpoint of size 600 is not over the records after 300")],
}  # fmt: skip


def test_each_fault_is_told_in_its_words(signed: Ledger) -> None:
    for order, expected in CASES.items():
        with signed.database.connection() as conn, conn.transaction(force_rollback=True):
            conn.execute(order.replace("NEW", _NEW).replace("HASH", _HASH).encode())
            assert verify.verify(conn, ALL, LOG).findings == expected, order


@pytest.mark.parametrize("size", [77, 300, 2_000])
def test_wherever_pages_end_the_same_is_found(
    signed: Ledger, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(pages, "SIZE", size)
    orders = [
        "DELETE FROM ledger.entry WHERE position BETWEEN 2 AND 400",
        "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position IN (77, 617, 900)",
        "UPDATE ledger.receipt SET root = sha256(root) WHERE size = 900",
    ]
    assert found(signed, *orders) == [
        (2, "missing", "399 before position 401"),
        (617, "leaf", LEAF),
        (900, "leaf", LEAF),
        (900, "receipt", THEIRS),
        (900, "receipt", ROW),
    ]


def test_an_end_is_the_size_of_a_checkpoint_and_nothing_behind_it_is_looked_at(signed: Ledger) -> None:
    orders = [
        "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position IN (200, 301, 600, 601)",
        "DELETE FROM ledger.entry WHERE position > 899",
    ]
    inside = [Finding(301, "leaf", LEAF), Finding(600, "leaf", LEAF)]
    assert found(signed, *orders, start=300, end=600) == inside
    assert check(signed, 300, 600) == Report(LOG, 300, 600, entries=300, checkpoints=1, findings=inside)
    # and what lacks at the end is told
    assert found(signed, "DELETE FROM ledger.entry WHERE position > 595", start=300, end=600) == [
        (301, "leaf", LEAF),
        (596, "missing", "and all up to 600"),
    ]


def test_the_tree_before_the_start_is_taken_as_it_is_stored(signed: Ledger) -> None:
    # given a stored hash before the start that is another: no root after it can be right
    orders = ["UPDATE ledger.node SET hash = sha256(hash) WHERE index = 0"]
    assert found(signed, *orders, start=300) == [
        (301, "root", "the checkpoint of size 600 is not over the records after 300"),
    ]
    # and one that lacks is not told, but where the walk comes by; other faults are found without it
    orders = [
        "DELETE FROM ledger.node WHERE index = 0",
        "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position = 700",
        "DELETE FROM ledger.entry WHERE position = 800",
    ]
    assert found(signed, *orders, start=300) == [(800, "missing", "1 before position 801")]


def test_after_a_fault_the_check_goes_on_from_the_next_checkpoint_that_stands(signed: Ledger) -> None:
    # given a record that lacks in the first stretch, and changed leaves in the third
    orders = [
        "DELETE FROM ledger.entry WHERE position = 20",
        "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position IN (400, 700)",
        "UPDATE ledger.entry SET value = NEW, leaf = HASH WHERE position = 800",
    ]
    assert found(signed, *orders) == [
        (20, "missing", "1 before position 21"),
        (400, "leaf", LEAF),
        (601, "root", "the checkpoint of size 900 is not over the records after 600"),
        (700, "leaf", LEAF),
    ]


def test_what_is_not_covered_yet_has_no_node(ledger: Ledger) -> None:
    # given 300 covered records, and as many that no checkpoint covers
    ledger.append(300)
    ledger.checkpointer().round()
    ledger.append(300)
    # when the leaf of one of these is changed, and one of the covered ones
    orders = ["UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position IN (5, 301)"]
    # then nothing is told of a node over the last ones
    assert found(ledger, *orders) == [(5, "leaf", LEAF), (301, "leaf", LEAF)]


def test_hashes_are_compared_on_every_level_of_the_tree(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a tree with tiles of 4, four levels high
    monkeypatch.setattr(tree, "WIDTH", 4)
    monkeypatch.setattr(tree, "_HEIGHT", 2)
    ledger.append(300)
    ledger.checkpointer().round()
    assert check(ledger).findings == []
    # when a hash of each level is changed
    for level, index, first, last in ((1, 3, 13, 16), (2, 3, 49, 64), (3, 1, 65, 128), (4, 0, 1, 256)):
        order = f"UPDATE ledger.node SET hash = sha256(hash) WHERE (level, index) = ({level}, {index})"  # noqa: S608  (four numbers)
        # then it is told which records are under it, wherever a page ends
        said = f"the stored hash of the records {first} to {last} is missing or another"
        for size in (2_000, 15, 16):
            monkeypatch.setattr(pages, "SIZE", size)
            assert (first, "node", said) in found(ledger, order if size == 2_000 else "SELECT")


def test_subtrees_are_looked_up_by_where_they_end() -> None:
    assert pages._subtrees(0, 255) == {"levels": [], "firsts": [], "ends": []}
    assert pages._subtrees(0, 256) == {"levels": [1], "firsts": [0], "ends": [1]}
    assert pages._subtrees(65_535, 131_073) == {"levels": [1, 2], "firsts": [255, 0], "ends": [512, 2]}
    assert pages._subtrees(0, 256**8)["levels"] == [1, 2, 3, 4, 5, 6, 7]


def test_a_check_is_divided_at_checkpoints(signed: Ledger) -> None:
    with signed.database.connection() as conn:
        assert verify.stretches(conn, LOG, 0, 1) == [300, 600, 900]
        assert verify.stretches(conn, LOG, 0, 600) == [600, 900]
        assert verify.stretches(conn, LOG, 300, 1_000) == [900]
        assert verify.stretches(conn, LOG, 900, 1) == []
        assert verify.stretches(conn, OTHER, 0, 1) == []


@pytest.mark.parametrize("size", [10, 2_000])
def test_a_redacted_record_is_its_leaf_and_one_that_was_taken_is_not(
    new_ledger: NewLedger, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    # given a log in which two of 20 records were redacted by decision
    monkeypatch.setattr(pages, "SIZE", size)
    ledger = new_ledger()
    ledger.follow(LOG)
    values = redacted.decided(values_of(LOG, 20), 3, 14)
    with ledger.database.transaction() as conn:
        store.accept(conn, ALL, LOG, values, note_over(LOG, values))
    assert redacted.redact(ledger, values[20:]) == 2
    assert check(ledger) == Report(LOG, 0, 22, entries=22, checkpoints=1, redacted=2)
    # when somebody empties another one, changes what is left of one, and bytes beside them
    orders = [
        "UPDATE ledger.entry SET value = '' WHERE position = 7",
        "UPDATE ledger.entry SET leaf = sha256(leaf) WHERE position = 14",
        "UPDATE ledger.entry SET value = NEW WHERE position = 6",
    ]
    # then each of these is told
    assert found(ledger, *orders) == [
        (1, "root", "the checkpoint of size 22 is not over the records after 0"),
        (6, "leaf", LEAF),
        (7, "leaf", LEAF),
        (7, "source", "not an envelope of this contract"),
        (14, "leaf", LEAF),
        (14, "source", "not an envelope of this contract"),
    ]
    assert check(ledger).redacted == 1


def test_a_record_says_where_it_belongs_and_what_does_not_is_told(ledger: Ledger) -> None:
    # given ten records, of which some claim another place or another time
    ledger.append(10)
    other = values_of(OTHER, 1, after=2)[0].hex()
    source = values_of(LOG, 1, after=4)[0].replace(b"//chuanyu/", b"//another/").hex()
    orders = [
        "UPDATE ledger.entry SET value = decode('OTHER', 'hex') WHERE position = 3".replace("OTHER", other),
        "UPDATE ledger.entry SET value = decode('THEIR', 'hex') WHERE position = 5".replace("THEIR", source),
        "UPDATE ledger.entry SET value = 'junk' WHERE position = 6",
        "UPDATE ledger.entry SET value = overlay(value placing '12' from 52) WHERE position = 7",
        "UPDATE ledger.entry SET value = overlay(value placing '2026' from 64) WHERE position IN (8, 10)",
    ]
    told = [finding for finding in found(ledger, *orders) if finding.kind != "leaf"]
    assert told == [
        (3, "source", "it is of //chuanyu/510100"),
        (5, "source", "it is of //another/500116"),
        (6, "source", "not an envelope of this contract"),
        (7, "position", "it claims 12"),
        (9, "time", "2025-05-01T08:00:00.000000Z comes after 2026-05-01T08:00:00.000000Z"),
        (10, "time", "the head says 2025-05-01T08:00:00.000000Z, the record 2026-05-01T08:00:00.000000Z"),
    ]


@pytest.mark.parametrize("size", [2, 3, 2_000])
def test_times_go_on_from_page_to_page_and_from_before_the_start(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(pages, "SIZE", size)
    for minute in range(6):
        ledger.append(1, time=f"2025-05-01T08:0{minute}:00.000000Z")
    assert check(ledger).ok
    later = "UPDATE ledger.entry SET value = overlay(value placing '09' from 78) WHERE position = 2"
    gone_back = [
        (
            position,
            "time",
            f"2025-05-01T08:0{position - 1}:00.000000Z comes after 2025-05-01T08:09:00.000000Z",
        )
        for position in range(3, 7)
    ]
    assert [f for f in found(ledger, later) if f.kind == "time"] == gone_back
    assert [f for f in found(ledger, start=2) if f.kind == "time"] == gone_back
    assert [f for f in found(ledger, start=3) if f.kind == "time"] == []


def test_letters_in_the_place_of_a_time_are_told(ledger: Ledger) -> None:
    ledger.append(3)
    orders = ["UPDATE ledger.entry SET value = overlay(value placing '2025-O5' from 64) WHERE position = 3"]
    assert found(ledger, *orders) == [
        (3, "leaf", LEAF),
        (3, "source", "not an envelope of this contract"),
    ]


def test_the_time_of_a_record_is_known_if_it_is_there_and_can_be_read(ledger: Ledger) -> None:
    ledger.append(2)
    ledger.open(OTHER)
    with ledger.database.connection() as conn:
        conn.execute("UPDATE ledger.entry SET value = 'junk' WHERE position = 2")
        times = [fields.time_at(conn, LOG, position) for position in (1, 2, 3)]
        assert times == [b"2025-05-01T08:00:00.000000Z", b"", b""]
        assert fields.time_at(conn, OTHER, 1) == b""
