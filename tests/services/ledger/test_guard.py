"""A database that lost what was signed is noticed, and comes back only by what others hold."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from events import errors
from services.ledger import guard, logs, read, store, tiles
from services.ledger.confirm import Source, confirm
from services.ledger.guard import Guard, GuardFile, Head
from services.ledger.store import Run
from services.ledger.verify import verify
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance, note_over, values_of

ALL = alliance(LOG, OTHER)
NewLedger = Callable[..., Ledger]
IDENTITY = "7301234567890123456 1 16384"


def check(ledger: Ledger) -> None:
    with ledger.database.connection() as conn:
        guard.check(conn, ledger.guard.read())


def values(ledger: Ledger, log: str = LOG) -> list[bytes]:
    with ledger.database.connection() as conn:
        return [entry.value for entry in read.entries(conn, log)]


def test_the_file_is_written_as_the_contract_says(ledger: Ledger) -> None:
    ledger.open(OTHER)
    ledger.append(2)
    ledger.append(1, OTHER)
    ledger.checkpointer(OTHER, LOG).round()
    first, who, *heads = ledger.guard.path.read_text("utf-8").splitlines()
    with ledger.database.connection() as conn:
        assert (first, who) == ("yinqiao-guard/v1", guard.identity(conn))
    assert [line.split()[:2] for line in heads] == [[LOG, "2"], [OTHER, "1"]]


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace("v1", "v2"),
        lambda text: text.replace(" 1 ", " one "),
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("500116 3", "500116 03"),
        lambda text: text.replace("A=", "B="),
        lambda text: "\n".join([*text.split("\n")[:2], *sorted(text.split("\n")[2:-1], reverse=True), ""]),
        lambda text: text + text.split("\n")[2] + "\n",
        lambda text: "",
    ],
)
def test_a_file_that_is_not_exactly_that_is_refused(tmp_path: Path, harm: Callable[[str], str]) -> None:
    heads = {LOG: Head(3, bytes(32)), OTHER: Head(9, bytes(32))}
    text = Guard(IDENTITY, heads).text
    assert Guard.parse(text) == Guard(IDENTITY, heads)
    file = GuardFile(tmp_path / "guard")
    file.path.write_text(harm(text), "utf-8")
    with pytest.raises(errors.ReadOnly):
        file.read()


def test_a_size_never_goes_down(tmp_path: Path) -> None:
    file = GuardFile(tmp_path / "new" / "guard")
    file.advance(IDENTITY, {LOG: Head(9, bytes(32))})
    after = file.advance(IDENTITY, {LOG: Head(5, bytes(range(32))), OTHER: Head(1, bytes(32))})
    assert after.heads == {LOG: Head(9, bytes(32)), OTHER: Head(1, bytes(32))}
    assert file.read() == after
    with pytest.raises(errors.ReadOnly, match="another root"):
        file.advance(IDENTITY, {LOG: Head(9, bytes(range(32)))})
    with pytest.raises(errors.ReadOnly, match="another database"):
        file.advance(IDENTITY.replace("1 16384", "2 16384"), {})


def test_a_new_node_needs_no_guard_file_and_gets_one(ledger: Ledger) -> None:
    check(ledger)
    ledger.checkpointer().round()
    assert ledger.guard.read() is not None


def test_checkpoints_without_a_guard_file_are_refused(ledger: Ledger) -> None:
    ledger.append(1)
    ledger.checkpointer().round()
    ledger.guard.path.unlink()
    with pytest.raises(errors.ReadOnly, match="no guard file"):
        check(ledger)
    with pytest.raises(errors.ReadOnly):
        ledger.checkpointer().round()


def test_an_observer_signs_nothing_and_needs_none(new_ledger: NewLedger) -> None:
    ledger = new_ledger()
    ledger.follow(LOG)
    got = values_of(LOG, 3)
    with ledger.database.transaction() as conn:
        store.accept(conn, ALL, LOG, got, note_over(LOG, got))
    check(ledger)


@pytest.fixture
def backup(ledger: Ledger, new_ledger: NewLedger) -> Ledger:
    """A node's database as it was with 300 records signed and 5 more appended; 900 were signed since."""
    ledger.append(300)
    ledger.checkpointer().round()
    ledger.append(5)
    ledger.close()
    old = new_ledger("old", of=ledger.dsn)
    ledger.database = type(ledger.database)(ledger.dsn, size=4).open()
    ledger.append(595)
    ledger.checkpointer().round()
    old.guard = ledger.guard
    return old


def test_an_old_backup_is_read_only_even_under_the_same_identity(backup: Ledger) -> None:
    with pytest.raises(errors.ReadOnly, match="that of database"):
        check(backup)
    held = backup.guard.read()
    assert held is not None
    with backup.database.connection() as conn:
        backup.guard.replace(replace(held, identity=guard.identity(conn)))
    with pytest.raises(errors.ReadOnly, match=f"log {LOG} was signed up to 900"):
        check(backup)
    backup.append(1)
    with pytest.raises(errors.ReadOnly):
        backup.checkpointer().round()


def tiles_of(ledger: Ledger, to: Ledger) -> Source:
    """Another holder's tiles as a source."""

    def source(log: str, after: int) -> Iterator[Run]:
        with ledger.database.connection() as conn, to.database.connection() as ours:
            size, root, note = store.latest(ours, log)
            assert size == after
            held = ledger.guard.read()
            run = tiles.proved_entries(
                lambda path: tiles.serve(conn, held, log, path), ALL, log, size, root, note
            )
            yield from [run] if run else []

    return source


def topic_of(got: list[bytes], *ends: int) -> Source:
    """The log's own topic as a source, from its start whatever is asked, as a topic may be read."""

    def source(log: str, _after: int) -> Iterator[Run]:
        for start, end in zip([0, *ends], ends, strict=False):
            yield Run(start, got[start:end], note_over(log, got[:end]))

    return source


def unreachable(log: str, after: int) -> list[Run]:
    raise errors.Unavailable(f"no line for {log} after {after}")


@pytest.mark.parametrize("kind", ["tiles", "topic"])
def test_what_was_signed_comes_back_from_topic_or_tiles(ledger: Ledger, backup: Ledger, kind: str) -> None:
    # given a restored backup that lacks 595 records which the world has seen
    original = values(ledger)
    source = tiles_of(ledger, backup) if kind == "tiles" else topic_of(original, 300, 640, 900)
    # when it is confirmed, the first source being out of reach
    restored = confirm(backup.database, ALL, backup.guard, [LOG], [unreachable, source])
    # then it holds the same bytes as before, as its own, and signs again
    assert restored == {LOG: 595}
    assert values(backup) == original
    check(backup)
    with backup.database.connection() as conn:
        assert verify(conn, ALL, LOG).ok
        assert logs.state(conn, LOG).own
        own = conn.execute("SELECT count(*) FROM ledger.entry WHERE own AND stream IS NOT NULL").fetchone()
        ids = conn.execute("SELECT command FROM ledger.command WHERE position = 900").fetchall()
    assert own == (900,)
    assert f'"id":"{ids[0][0]}"'.encode() in original[-1]
    backup.append(2)
    assert [s.size for s in backup.checkpointer().round()] == [902]
    # and confirming again changes nothing
    assert confirm(backup.database, ALL, backup.guard, [LOG], [source]) == {LOG: 0}


def test_without_a_line_or_with_half_of_it_the_node_stays_read_only(ledger: Ledger, backup: Ledger) -> None:
    before = backup.guard.read()
    with pytest.raises(errors.ReadOnly, match="nobody could be asked"):
        confirm(backup.database, ALL, backup.guard, [LOG], [unreachable])
    with pytest.raises(errors.ReadOnly, match="up to 900"):
        confirm(backup.database, ALL, backup.guard, [LOG], [topic_of(values(ledger), 300, 640)])
    assert backup.guard.read() == before
    # and the rest may come later from another
    assert confirm(backup.database, ALL, backup.guard, [LOG], [tiles_of(ledger, backup)]) == {LOG: 260}


def test_records_appended_in_the_place_of_signed_ones_are_not_overwritten(
    ledger: Ledger, backup: Ledger
) -> None:
    backup.append(1)
    with pytest.raises(errors.Conflict, match="position 306"):
        confirm(backup.database, ALL, backup.guard, [LOG], [tiles_of(ledger, backup)])
    assert len(values(backup)) == 306


def test_a_lost_database_comes_back_whole(ledger: Ledger, new_ledger: NewLedger) -> None:
    ledger.append(700)
    ledger.checkpointer().round()
    empty = new_ledger("empty")
    empty.guard = ledger.guard
    with pytest.raises(errors.ReadOnly):
        check(empty)
    assert confirm(empty.database, ALL, empty.guard, [LOG], [tiles_of(ledger, empty)]) == {LOG: 700}
    assert values(empty) == values(ledger)
    check(empty)


def test_a_lost_guard_file_is_made_anew_from_what_others_hold(ledger: Ledger, backup: Ledger) -> None:
    backup.guard = GuardFile(backup.folder / "guard")
    with pytest.raises(errors.ReadOnly, match="no guard file"):
        check(backup)
    assert confirm(backup.database, ALL, backup.guard, [LOG], [tiles_of(ledger, backup)]) == {LOG: 595}
    held = backup.guard.read()
    assert held is not None
    assert held.size(LOG) == 900
