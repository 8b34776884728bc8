"""Divisions: who stands above whom, and what a code means on a day."""

from datetime import date

import pytest

from events import divisions

BEFORE, FROM = date(2025, 11, 5), date(2025, 11, 6)


def test_knows_every_division_of_the_table_in_both_languages() -> None:
    assert len(divisions.table()) == 264
    assert divisions.name("500116") == "江津区"
    assert divisions.name("510000", lang="en") == "Sichuan Province"


def test_every_parent_and_successor_is_in_the_table() -> None:
    for row in divisions.table().values():
        assert {row.parent, row.successor} - {None} <= set(divisions.table())


def test_a_place_below_a_county_is_named_by_its_county() -> None:
    assert divisions.name("500116001") == divisions.name("500116001002") == "江津区"


def test_a_stranger_is_called_by_its_code_and_stands_under_nobody() -> None:
    assert divisions.name("999999") == "999999"
    assert divisions.parent("999999") is None
    assert not divisions.in_line_of_authority("999999", "500000")
    assert not divisions.is_known("999999")


@pytest.mark.parametrize(
    ("a", "b", "in_line"),
    [
        ("500000", "500116", True),
        ("510522", "510000", True),
        ("510522", "510500", True),
        ("500000", "510000", False),
        ("500116", "510500", False),
        ("510500", "510600", False),
        ("500116", "500116", False),
    ],
)
def test_the_line_of_authority_goes_up_and_down_but_not_across(a: str, b: str, *, in_line: bool) -> None:
    assert divisions.in_line_of_authority(a, b) is in_line


def test_two_districts_became_one_new_district() -> None:
    assert divisions.successor("500105", BEFORE) == "500105"
    assert divisions.successor("500105", FROM) == divisions.successor("500112") == "500157"
    assert divisions.name("500112", BEFORE) == "渝北区"
    assert divisions.name("500112", FROM) == "两江新区"
    assert divisions.name("500112") == "渝北区"  # history stays under the name it was made under


def test_a_division_is_known_from_its_first_day_on() -> None:
    assert divisions.is_known("500157", FROM)
    assert not divisions.is_known("500157", BEFORE)
