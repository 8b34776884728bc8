"""Any holder serves the same tiles, and nothing that does not prove itself comes out of them."""

from collections.abc import Callable

import pytest

from events import errors, merkle
from events import tiles as names
from services.ledger import read, store, tiles
from services.ledger.tiles import Fetch
from tests.services.ledger.nodes import LOG, OTHER, Ledger, alliance, note_over, values_of

ALL = alliance(LOG, OTHER)
NewLedger = Callable[..., Ledger]


@pytest.fixture
def holder(new_ledger: NewLedger) -> Ledger:
    ledger = new_ledger("holder")
    ledger.follow(LOG)
    return ledger


def put(ledger: Ledger, got: list[bytes], after: int = 0) -> None:
    with ledger.database.transaction() as conn:
        store.accept(conn, ALL, LOG, got[after:], note_over(LOG, got))


def fetch(ledger: Ledger) -> Fetch:
    def get(path: str) -> bytes:
        with ledger.database.connection() as conn:
            return tiles.serve(conn, ledger.guard.read(), LOG, path)

    return get


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_every_tile_and_bundle_of_every_published_size_is_served(holder: Ledger, size: int) -> None:
    got = values_of(LOG, size)
    put(holder, got)
    get = fetch(holder)
    part = merkle.subtrees([merkle.leaf_hash(value) for value in got])
    for published in {1, size // 2 or 1, size}:
        for tile in names.tiles(published):
            assert get(tile.path) == names.tile_bytes(tile, part)
        for bundle in names.bundles(published):
            start = bundle.index * 256
            assert names.decode_bundle(bundle, get(bundle.path)) == got[start : start + bundle.width]
    assert get("checkpoint").decode() == note_over(LOG, got)


@pytest.mark.parametrize("path", ["tile/0/000.p/4", "tile/entries/001", "tile/1/000"])
def test_what_is_not_published_is_not_found(holder: Ledger, path: str) -> None:
    put(holder, values_of(LOG, 3))
    with pytest.raises(errors.NotFound):
        fetch(holder)(path)
    with pytest.raises(errors.Invalid):
        fetch(holder)("tile/0/../../etc")


def test_an_own_log_is_published_as_far_as_it_is_guarded(ledger: Ledger) -> None:
    get = fetch(ledger)
    ledger.append(4)
    with pytest.raises(errors.NotFound):
        get("checkpoint")
    ledger.checkpointer().round()
    held = ledger.guard.path.read_bytes()
    ledger.append(4)
    ledger.checkpointer().round()
    ledger.guard.path.write_bytes(held)  # as if it had died before guarding the second
    assert ALL.checkpoint(LOG, get("checkpoint")).size == 4
    with pytest.raises(errors.NotFound):
        get("tile/entries/000.p/8")


@pytest.mark.parametrize(("ours", "size"), [(0, 1), (0, 700), (255, 256), (256, 257), (300, 1300), (5, 5)])
def test_a_missing_stretch_comes_from_any_holder_and_proves_itself(
    holder: Ledger, new_ledger: NewLedger, ours: int, size: int
) -> None:
    got = values_of(LOG, size)
    put(holder, got)
    reader = new_ledger("reader")
    reader.follow(LOG)
    if ours:
        put(reader, got[:ours])
    root = merkle.root(merkle.leaf_hash(value) for value in got[:ours])
    run = tiles.proved_entries(fetch(holder), ALL, LOG, ours, root)
    if size == ours:
        assert run is None
        return
    assert run is not None
    with reader.database.transaction() as conn:
        store.accept_run(conn, ALL, LOG, run)
        assert [entry.value for entry in read.entries(conn, LOG)] == got


def test_a_lying_holder_is_damage_whatever_it_changes(holder: Ledger) -> None:
    got = values_of(LOG, 700)
    put(holder, got)
    get = fetch(holder)
    asked: list[str] = []

    def noted(path: str) -> bytes:
        asked.append(path)
        return get(path)

    run = tiles.proved_entries(noted, ALL, LOG, 0, merkle.EMPTY_ROOT)
    assert run is not None
    assert list(run.values) == got
    for lie in asked:

        def lying(path: str, lie: str = lie) -> bytes:
            content = get(path)
            return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:] if path == lie else content

        with pytest.raises(errors.Damage):
            _read(tiles.proved_entries(lying, ALL, LOG, 0, merkle.EMPTY_ROOT))


def _read(run: store.Run | None) -> None:
    assert run is not None
    list(run.values)


def test_a_holder_with_another_past_is_a_fork_with_both_notes(holder: Ledger) -> None:
    theirs, mine = values_of(LOG, 20), values_of(LOG, 10)
    put(holder, theirs)
    root, note = merkle.root(map(merkle.leaf_hash, mine)), note_over(LOG, mine)
    with pytest.raises(errors.Fork) as found:
        tiles.proved_entries(fetch(holder), ALL, LOG, 10, root, note)
    assert found.value.evidence == (note.encode(), note_over(LOG, theirs).encode())


def test_a_holder_that_has_less_has_nothing_to_give(holder: Ledger) -> None:
    got = values_of(LOG, 20)
    put(holder, got[:7])
    root = merkle.root(map(merkle.leaf_hash, got))
    assert tiles.proved_entries(fetch(holder), ALL, LOG, 20, root) is None


def test_tiles_stay_the_same_while_the_log_grows(holder: Ledger) -> None:
    got = values_of(LOG, 600)
    put(holder, got[:300])
    before = fetch(holder)("tile/0/001.p/44")
    put(holder, got, after=300)
    assert fetch(holder)("tile/0/001.p/44") == before
