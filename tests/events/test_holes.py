"""A bundle with holes says of each record its bytes or its leaf hash, and can be read in one way only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import errors, holes, merkle, tiles
from events.holes import Hole
from events.tiles import Tile

LEAF = merkle.leaf_hash(b"redacted")
RECORDS = st.binary(min_size=1, max_size=40)


@given(st.lists(RECORDS | st.builds(Hole, st.binary(min_size=32, max_size=32)), min_size=1, max_size=256))
def test_what_was_written_is_read(entries: list[holes.Held]) -> None:
    bundle = Tile(None, 7, len(entries))
    assert holes.decode(bundle, holes.encode(entries)) == entries


@given(st.lists(RECORDS, min_size=1, max_size=256))
def test_without_a_hole_it_is_the_bundle(entries: list[bytes]) -> None:
    assert holes.encode(entries) == tiles.encode_bundle(entries)


def test_a_hole_is_no_length_and_then_the_leaf_hash() -> None:
    content = holes.encode([b"ab", Hole(LEAF), b"c"])
    assert content == b"\x00\x02ab" + b"\x00\x00" + LEAF + b"\x00\x01c"
    assert [holes.leaf_hash(entry) for entry in holes.decode(Tile(None, 0, 3), content)] == [
        merkle.leaf_hash(b"ab"), LEAF, merkle.leaf_hash(b"c"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change", [b"\x00", b"\x00\x00", b"\x00\x00" + LEAF[1:], b"\x00\x02a", b"\x00\x01ab"]
)
def test_what_is_cut_off_or_too_much_is_damage(change: bytes) -> None:
    with pytest.raises(errors.Damage, match=r"holes/000\.p/2"):
        holes.decode(Tile(None, 0, 2), b"\x00\x01a" + change)


@pytest.mark.parametrize("entry", [b"", bytes(65_536)])
def test_what_could_be_read_as_another_thing_is_not_written(entry: bytes) -> None:
    with pytest.raises(errors.Invalid):
        holes.encode([entry])


@pytest.mark.parametrize(
    ("bundle", "path"),
    [(Tile(None, 273, 112), "entries+holes/273.p/112"), (Tile(None, 1067), "entries+holes/x001/067")],
)
def test_it_stands_where_the_bundle_does(bundle: Tile, path: str) -> None:
    assert holes.path(bundle) == path
    assert holes.parse(path) == bundle
    assert holes.parse(bundle.path) is None


@pytest.mark.parametrize(
    "path", ["entries+holes/", "entries+holes/1", "entries+holes/000.p/0", "entries+holes/../0"]
)
def test_another_spelling_is_refused(path: str) -> None:
    with pytest.raises(errors.Invalid):
        holes.parse(path)
