"""Tiles are named and filled as tlog-tiles has it, and whatever anybody hands over must prove itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import errors, merkle, tiles
from events.tiles import Tile

SIZE = 70_000
LEAVES = [merkle.leaf_hash(str(i).encode()) for i in range(SIZE)]
SUBTREE = merkle.subtrees(LEAVES)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 1_234_067), "tile/1/x001/x234/067"),
        (Tile(0, 1000, 5), "tile/0/x001/000.p/5"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
        (Tile(63, 999), "tile/63/999"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tiles.parse(path) == tile


@given(st.none() | st.integers(0, 63), st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_path_is_read_as_it_was_written(level: int | None, index: int, width: int) -> None:
    assert tiles.parse(Tile(level, index, width).path) == Tile(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/x001",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/../000",
        "tile/0/０００",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/" + "x001/" * 5000 + "000",
    ],
)
def test_a_path_spelled_otherwise_is_refused(path: str) -> None:
    with pytest.raises(errors.Invalid):
        tiles.parse(path)


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    names = list(tiles.tiles(SIZE))
    assert [t for t in names if t.level == 0] == [*(Tile(0, i) for i in range(273)), Tile(0, 273, 112)]
    assert [t for t in names if t.level] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [t.path for t in tiles.tiles(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles.bundles(SIZE)) == [Tile(None, t.index, t.width) for t in names if t.level == 0]
    assert not list(tiles.tiles(0))


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_growing_adds_the_tiles_that_were_not_there(one: int, other: int) -> None:
    since, size = sorted((one, other))
    assert set(tiles.tiles(size, since)) == set(tiles.tiles(size)) - set(tiles.tiles(since))
    assert all(tiles.holds(size, tile) for tile in tiles.tiles(size, since))
    assert not any(tiles.holds(since, tile) for tile in tiles.tiles(size, since))


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    content = tiles.encode_bundle(entries)
    assert tiles.decode_bundle(Tile(None, 0, len(entries)), content) == entries


def test_a_bundle_holds_records_up_to_its_limit() -> None:
    entries = [b"", b"x" * tiles.ENTRY_LIMIT]
    assert tiles.encode_bundle(entries)[:4] == b"\0\0\xff\xff"
    assert tiles.decode_bundle(Tile(None, 0, 2), tiles.encode_bundle(entries)) == entries
    with pytest.raises(errors.Invalid):
        tiles.encode_bundle([b"x" * (tiles.ENTRY_LIMIT + 1)])


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\0\1", b"\0\1a", b"\0\1a\0", b"\0\1a\0\1", b"\0\1a\0\1b\0", b"\0\1a\0\1b\0\1c"]
)
def test_a_bundle_of_another_length_is_damage(content: bytes) -> None:
    with pytest.raises(errors.Damage, match="tile/entries/007"):
        tiles.decode_bundle(Tile(None, 7, 2), content)


def test_a_tile_is_its_hashes_in_a_row() -> None:
    tile = Tile(1, 1, 17)
    content = tiles.tile_bytes(tile, SUBTREE)
    assert tiles.tile_hashes(tile, content) == [SUBTREE(8, 256 + i) for i in range(17)]
    with pytest.raises(errors.Damage):
        tiles.tile_hashes(tile, content[:-1])
    with pytest.raises(errors.Invalid):
        tiles.tile_bytes(Tile(None, 0), SUBTREE)


class Holder:
    """Somebody who serves the tiles of a tree, and may change one on the way."""

    def __init__(self, changed: Tile | None = None) -> None:
        self.changed = changed
        self.asked: list[Tile] = []

    def __call__(self, tile: Tile) -> bytes:
        self.asked.append(tile)
        content = tiles.tile_bytes(tile, SUBTREE)
        return content[:-1] + b"?" if tile == self.changed else content


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 65_535, 65_536, 65_537, SIZE])
def test_proofs_come_out_of_tiles_as_out_of_the_tree(size: int) -> None:
    root = merkle.root(LEAVES[:size])
    proven = tiles.Proven(size, root, Holder())
    for index in {0, size // 2, size - 1} if size else ():
        proof = merkle.inclusion_proof(index, size, proven)
        merkle.verify_inclusion(index, size, proven(0, index), proof, root)
        assert proven(0, index) == LEAVES[index]
    for old in {0, size // 3, size // 2, size}:
        proof = merkle.consistency_proof(old, size, proven)
        merkle.verify_consistency(old, size, proof, merkle.root(LEAVES[:old]), root)


def test_only_the_tiles_of_that_size_are_asked_for_each_once() -> None:
    holder = Holder()
    proven = tiles.Proven(SIZE, merkle.root(LEAVES), holder)
    for index in range(0, SIZE, 7):
        proven(0, index)
    assert set(holder.asked) == set(tiles.tiles(SIZE))
    assert len([t for t in holder.asked if t.level == 0]) == 274


@pytest.mark.parametrize(
    "changed",
    [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1), Tile(1, 0), Tile(0, 5)],
    ids=lambda t: t.path,
)
def test_a_changed_tile_proves_nothing(changed: Tile) -> None:
    with pytest.raises(errors.Damage):
        tiles.Proven(SIZE, merkle.root(LEAVES), Holder(changed))(0, 5 * 256)


def test_a_tile_of_another_tree_size_proves_nothing() -> None:
    with pytest.raises(errors.Damage):
        tiles.Proven(SIZE, merkle.root(LEAVES[:-1]), Holder())
    with pytest.raises(errors.Damage):
        tiles.Proven(0, merkle.root(LEAVES), Holder())


@pytest.mark.parametrize(("level", "index"), [(0, SIZE), (0, 273 * 256 + 112), (8, 273), (16, 1), (17, 0)])
def test_what_a_tree_has_not_yet_is_refused(level: int, index: int) -> None:
    with pytest.raises(errors.Invalid):
        tiles.Proven(SIZE, merkle.root(LEAVES), Holder())(level, index)


def test_a_changed_record_is_named_by_its_position() -> None:
    # given a bundle whose third record was changed on the way
    proven = tiles.Proven(SIZE, merkle.root(LEAVES), Holder())
    tile = Tile(None, 1)
    leaves = LEAVES[256:512]
    tiles.check_bundle(tile, leaves, proven)
    leaves[2] = merkle.leaf_hash(b"changed")
    # then the position says where
    with pytest.raises(errors.Damage, match="position 259 "):
        tiles.check_bundle(tile, leaves, proven)
