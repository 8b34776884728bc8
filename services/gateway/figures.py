"""Figures of the overview: a number, and the list behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode


@dataclass(frozen=True)
class Figure:
    """A number with its label; its link opens the list that it counts. `tone` bad: somebody should act."""

    zh: str
    en: str
    number: float
    path: str
    asked: Mapping[str, object] = field(default_factory=dict)
    tone: str = ""

    @property
    def said(self) -> str:
        """The number as it is read: 1,234 or 2.5."""
        return f"{self.number:,.1f}".removesuffix(".0")

    @property
    def href(self) -> str:
        """The list behind the number."""
        asked = {name: str(value) for name, value in self.asked.items() if value is not None}
        return f"{self.path}?{urlencode(asked)}" if asked else self.path


def year(today: date) -> tuple[date, date]:
    """The first and the last day of this year."""
    return date(today.year, 1, 1), date(today.year, 12, 31)
