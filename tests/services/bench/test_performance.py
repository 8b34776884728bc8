"""What is written about speed names every figure that is measured, with the aim that is measured against."""

import re

import pytest

from services.bench import command
from tests.support.project import ROOT

PAGE = (ROOT / "deploy/performance.md").read_text("utf-8")
ROWS = {
    row[0].split("`")[1]: row[2]
    for line in PAGE.splitlines()
    if line.startswith("| `")
    for row in [[cell.strip() for cell in line.strip("|").split("|")]]
}


def test_every_figure_is_written_down() -> None:
    assert set(ROWS) == {*command.NAMES, *command.ARCHIVE_NAMES}


@pytest.mark.parametrize("name", ROWS)
def test_the_aim_is_the_one_that_is_measured_against(name: str) -> None:
    if name in command.RATES:
        seconds = float(re.findall(r"[\d.]+", ROWS[name])[0])
        assert command.ARCHIVE / seconds == pytest.approx(command.RATES[name])
    elif name in command.AIMS:
        assert float(re.findall(r"[\d.]+", ROWS[name])[0]) == command.AIMS[name]
    else:
        assert ROWS[name] == "none"


def test_what_misses_its_aim_is_said() -> None:
    assert "**`visible-p99-ms` does: 68 ms where 60 were aimed at.**" in PAGE
