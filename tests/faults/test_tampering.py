"""Whoever tampers with a ledger, whatever he changes, is found out and where; nobody is accused wrongly."""

import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from events import alliance, notes
from projections.models import BY_NAME
from services.auditor import answering, checking, guarding, remembering
from services.auditor.checking import Found
from services.commands import other
from services.ledger.guard import GuardFile, Head
from services.node import alliances
from services.projector import rebuild
from services.runtime import settings
from services.runtime.database import Connection, Database
from tests.faults import ledger
from tests.faults.ledger import DOCUMENT, LOGS, Grown
from tests.faults.plants import PLANTS, Plant, Scene, Where
from tests.support.databases import Server

ROUNDS = 50 if int(os.environ.get("FAULT_ROUNDS", "3")) > 3 else 3


class Copy(NamedTuple):
    """A ledger of its own for a module's tests, and its guard file."""

    database: Database
    guard: GuardFile
    grown: Grown


@pytest.fixture(scope="module")
def copy(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """About 2,000 events in three logs; whoever changes it puts it back."""
    dsn, folder = postgres.new(), tmp_path_factory.mktemp("ledger")
    grown = ledger.fill(dsn, folder)
    database = Database(dsn, size=8).open()
    yield Copy(database, GuardFile(folder / "guard"), grown)
    database.close()
    postgres.drop(dsn)


def checked(scene: Scene) -> list[Found]:
    """All that `audit verify` finds in a ledger and its guard file."""
    found = checking.verify_all(scene.conn, scene.document).findings
    found += checking.replay_all(scene.conn, scene.document).findings
    found += guarding.check(scene.conn, scene.guard)
    found += answering.check(scene.conn, scene.document)
    return [*found, *remembering.check(scene.conn, scene.document, ledger.NODE, scene.guard)]


def rolled_back(copy: Copy, plant: Plant, random: Random) -> tuple[list[Found], Where]:
    """What is found after one plant; then it never was."""
    with copy.database.connection() as conn, conn.transaction(force_rollback=True):
        ledger.guarded(conn, copy.guard, copy.grown.heads[-1])
        scene = Scene(conn, copy.guard, copy.grown, random)
        where = plant(scene)
        return checked(scene), where


def healthy(copy: Copy) -> list[Found]:
    with copy.database.connection() as conn:
        ledger.guarded(conn, copy.guard, copy.grown.heads[-1])
        return checked(Scene(conn, copy.guard, copy.grown, Random()))


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", PLANTS, ids=[plant.__name__ for plant in PLANTS])
def test_every_plant_is_found_and_located(copy: Copy, plant: Plant) -> None:
    for round_ in range(ROUNDS):
        seed = zlib.crc32(f"{plant.__name__}/{round_}".encode())
        found, where = rolled_back(copy, plant, Random(seed))
        told = f"{plant.__name__}, round {round_}: {where}, found {found[:5]}"
        assert found, told
        assert {f.log for f in found} == {where.log}, told
        assert where.first <= min(f.position for f in found) <= where.last, told


def test_a_healthy_ledger_has_no_finding(copy: Copy) -> None:
    assert healthy(copy) == []


def test_a_node_that_was_killed_before_it_guarded_a_round_is_healthy(copy: Copy) -> None:
    with copy.database.connection() as conn:
        ledger.guarded(conn, copy.guard, {**copy.grown.heads[-1], **_own(copy.grown.heads[-2])})
        conn.execute("UPDATE ledger.receipt SET sent = false WHERE node = %s", [ledger.NODE])
        assert checked(Scene(conn, copy.guard, copy.grown, Random())) == []


def test_own_checkpoints_without_a_guard_file_and_a_file_that_cannot_be_read_are_found(
    copy: Copy, tmp_path: Path
) -> None:
    with copy.database.connection() as conn:
        missing = guarding.check(conn, GuardFile(tmp_path / "none"))
        assert [(f.log, f.position) for f in missing] == [(log, 1) for log in ledger.OWN]
        (tmp_path / "torn").write_text("yinqiao-guard/v1\n7 1", "utf-8")
        assert [f.kind for f in guarding.check(conn, GuardFile(tmp_path / "torn"))] == ["guard"]


ROWS = (
    ("activity", "activity", "title"), ("timeline", "entry", "actor"), ("timeline", "entry", "type"),
    ("timeline", "subject", "title"), ("tasks", "task", "title"), ("tasks", "task", "stage"),
)  # fmt: skip


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_read_model_edited_by_hand_is_found_with_the_row(copy: Copy) -> None:
    for round_ in range(ROUNDS):
        random = Random(zlib.crc32(f"model/{round_}".encode()))
        name, table, column = random.choice(ROWS)
        with copy.database.connection() as conn, edited(conn, f"{name}.{table}", column, random) as row:
            found = rebuild.check(copy.database, [BY_NAME[name]])[0].differences
        told = f"round {round_}: {name}.{table} {row}, found {found[:5]}"
        assert [(d.table, d.key.split(" ")[:2]) for d in found] == [(table, row)], told
    for name in {name for name, *_ in ROWS}:
        assert rebuild.check(copy.database, [BY_NAME[name]])[0].differences == []


@contextmanager
def edited(conn: Connection, table: str, column: str, random: Random) -> Iterator[list[str]]:
    """Change or remove one row behind everybody's back; gives its log and stream; puts it back."""
    rows = conn.execute(
        f"SELECT log, stream::text, t::text, ctid::text FROM model_{table} t ORDER BY 1, 2, 3".encode()  # noqa: S608
    ).fetchall()
    log, stream, whole, place = random.choice(rows)
    change = f"{column} = {column} || '〔更改〕'"
    update = f"UPDATE model_{table} SET {change} WHERE ctid = %s::tid RETURNING ctid::text"  # noqa: S608
    delete = f"DELETE FROM model_{table} WHERE ctid = %s::tid RETURNING NULL"  # noqa: S608
    changed = conn.execute((update if random.randrange(3) else delete).encode(), [place]).fetchone()
    assert changed
    yield [str(log), str(stream)]
    conn.execute(delete.encode(), [changed[0]])
    conn.execute(f"INSERT INTO model_{table} SELECT (%s::model_{table}).*".encode(), [whole])


@pytest.mark.faults
def test_two_successors_of_an_alliance_document_are_found(tmp_path: Path) -> None:
    for round_ in range(ROUNDS):
        random = Random(zlib.crc32(f"alliance/{round_}".encode()))
        folder = tmp_path / str(round_)
        folder.mkdir()
        versions = random.randint(2, 4)
        place, digests = documents(folder, versions, random)
        # given a chain of versions: all is well, other copies of them too
        copies = [alliances.version(place.file, n) for n in range(1, versions + 1)]
        assert other.documents(place, copies) == []
        # when somebody brings another version, signed by the same quorum
        twice = random.randint(2, versions)
        second = folder / "theirs.note"
        second.write_text(successor(digests, twice, f"https://{random.randrange(10**6)}.example"), "utf-8")
        # then that version is named
        found = other.documents(place, [second])
        assert [(f.kind, f.position) for f in found] == [("alliance", twice)], found
        assert "both signed" in found[0].detail


def documents(folder: Path, versions: int, random: Random) -> tuple[settings.Alliance, list[str]]:
    """A folder with a chain of versions; gives the settings for it and the versions' digests."""
    file, digests = folder / "alliance.note", [""]
    for number in range(1, versions + 1):
        note = successor(digests, number, f"https://{random.randrange(10**6)}.example")
        alliances.version(file, number).write_text(note, "utf-8")
        digests.append(alliance.digest(note))
    return settings.Alliance(file=file, digest=digests[1]), digests


def successor(digests: list[str], number: int, url: str) -> str:
    """A valid version with this number that says something of its own."""
    first, *others = DOCUMENT.document.node
    moved = (first.model_copy(update={"url": url}), *others)
    document = DOCUMENT.document.model_copy(
        update={"version": number, "previous": digests[number - 1] or None, "node": moved}
    )
    return notes.sign(document.write(), notes.Signer("quorum", sha256(b"quorum").digest()))


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_nobody_is_accused_while_a_node_appends_signs_receives_and_cosigns(copy: Copy) -> None:
    # given a node at work
    stop, trouble = threading.Event(), list[BaseException]()
    with copy.database.connection() as conn:
        ledger.guarded(conn, copy.guard, copy.grown.heads[-1])
    working = threading.Thread(target=_work, args=[copy, stop, trouble])
    working.start()
    # when it is checked again and again
    events: list[int] = []
    try:
        with copy.database.connection() as conn:
            while len(events) < min(4 * ROUNDS, 40):
                scene = Scene(conn, copy.guard, copy.grown, Random())
                assert checked(scene) == []
                events.append(sum(scene.head(log) for log in LOGS))
    finally:
        stop.set()
        working.join()
    # then there never was a finding, and much went on meanwhile
    assert not trouble
    assert events[-1] > events[0]


def _work(copy: Copy, stop: threading.Event, trouble: list[BaseException]) -> None:
    try:
        with copy.database.connection() as conn:
            for _ in ledger.working(copy.database, conn, copy.guard):
                if stop.wait(0.02):  # or it would grow faster than it is checked
                    return
    except BaseException as error:
        trouble.append(error)
        raise


def _own(heads: dict[str, Head]) -> dict[str, Head]:
    return {log: heads[log] for log in ledger.OWN}
