"""Lists as files: what a spreadsheet would compute is quoted, and nothing else is changed."""

import csv
import io
import zipfile
from collections.abc import Callable

import pytest

from services.bureau.office import Order
from services.gateway import export
from tests.services.gateway.clerks import Clerk
from tests.services.gateway.houses import House
from tests.services.gateway.test_activity import DAY, plan

PLAIN = (
    "62", "0", "2025-05-01", "2025年5月1日", "-62", "-0.5", "-12%", "-1,200.00", "1:3", "500116", "<b>", "?",
    "ＡＢ", "—", "",
)  # fmt: skip
FORMULAS = (
    "=SUM(A1)", "＝SUM(A1)", "+1+1", "＋1+1", "-1+1", "－1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "＠SUM(A1)",
    "\t=1", "\r=1", " =1", "\u3000＝1", "－62", "-62\n=1", "-", "+62",
)  # fmt: skip


def cells(exported: str) -> list[str]:
    return next(csv.reader(io.StringIO(exported)))


@pytest.mark.parametrize("text", PLAIN)
def test_a_number_a_day_or_a_word_is_left_as_it_is(text: str) -> None:
    assert cells(export.line([text, "after"])) == [text, "after"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_be_computed_is_quoted(text: str) -> None:
    (cell, _) = cells(export.line([text, "after"]))
    assert cell.startswith("'")


def test_numbers_and_days_of_a_list_can_be_reckoned_with(clerk: Callable[[str], Clerk], house: House) -> None:
    # given an activity whose title is a formula in full width
    order = Order("k", house.officer("500117"), plan("＝SUM(A1)"))
    house.site.office.do("500117", order)
    house.catch_up()
    # when the list is downloaded
    client = clerk("500117/clerk").client
    exported = client.get("/activity/activity.csv").content.decode("utf-8-sig")
    book = zipfile.ZipFile(io.BytesIO(client.get("/activity/activity.xlsx").content))
    # then the title is quoted, the day is not, and the workbook holds no formula
    row = list(csv.reader(io.StringIO(exported)))[1]
    assert "'＝SUM(A1)" in row
    assert [cell for cell in row if cell.startswith("'")] == ["'＝SUM(A1)"]
    assert row[0] == f"{DAY.year}年{DAY.month}月{DAY.day}日"
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "＝SUM(A1)" in sheet
    assert "<f>" not in sheet
