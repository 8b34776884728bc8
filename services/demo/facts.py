"""The demo's sources: what the documents report, when it was, and the query in which each total comes out."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from events import errors
from events.activity import Form, Theme
from events.experts import Tier
from events.talent import Purpose
from events.values import Code, Value

CONTEXTS = ("cooperation", "talent", "activity")
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
Measure = Literal["activities", "persons", "dispatches", "projects", "strength"]


class Query(Value):
    """Where a total comes out; every given condition holds. Several `forms`: any of them."""

    context: Literal["cooperation", "talent", "activity"]
    measure: Measure
    bureau: Code
    start: Annotated[Month, Field(alias="from")]
    end: Annotated[Month, Field(alias="to")]
    theme: Theme | None = None
    forms: tuple[Form, ...] = ()
    purpose: Purpose | None = None
    tier: Tier | None = None
    per: Literal["year"] | None = None

    @property
    def first(self) -> date:
        """The first day of the period."""
        return first_day(self.start)

    @property
    def last(self) -> date:
        """The last day of the period."""
        return last_day(self.end)

    def spans(self) -> list[tuple[date, date]]:
        """First and last day of each stretch in which the value must come out."""
        if self.per is None:
            return [(self.first, self.last)]
        years = range(self.first.year, self.last.year + 1)
        return [(max(self.first, date(y, 1, 1)), min(self.last, date(y, 12, 31))) for y in years]


def first_day(month: str) -> date:
    """Of a month written `2024-01`."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """Of a month written `2024-12`."""
    first = first_day(month)
    return first.replace(day=monthrange(first.year, first.month)[1])


@cache
def entries() -> Mapping[str, Mapping[str, Any]]:
    """The entries of seed-facts.yaml by id."""
    return {entry["id"]: entry for entry in _load("seed-facts.yaml")}


def entry(name: str) -> Mapping[str, Any]:
    """One entry. Raises NotFound."""
    if name not in entries():
        raise errors.NotFound(f"the seed has no entry {name}")
    return entries()[name]


@cache
def queries() -> Mapping[str, Query]:
    """The query of each total of the three contexts, by the entry's id."""
    made = {name: _tuples(query) for name, query in _load("queries.yaml").items()}
    return {name: Query.model_validate(query, strict=False) for name, query in made.items()}


def period(name: str) -> tuple[date, date]:
    """First and last day in which an entry happened, by its source and bureau (seed-periods.yaml)."""
    found, periods = entry(name), _load("seed-periods.yaml")
    keys = (name, f"{found['source']}_{found.get('bureau', found.get('from'))}", found["source"])
    span = next(periods[key] for key in keys if key in periods)
    return first_day(span["from"]), last_day(span["to"])


def texts(name: str) -> Mapping[str, Any]:
    """What the activities of an entry are called (activities.yaml)."""
    found: Mapping[str, Any] = _load("activities.yaml")[name]
    return found


def talents() -> Mapping[str, Any]:
    """Specialities, hosts and shares (talent.yaml)."""
    found: Mapping[str, Any] = _load("talent.yaml")
    return found


def _tuples(query: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in query.items()}


@cache
def _load(name: str) -> Any:
    return yaml.safe_load(resources.files("services.demo").joinpath(f"data/{name}").read_text("utf-8"))


def bureaus() -> list[Mapping[str, str]]:
    """Code, hosting node and official names of the demo's bureaus."""
    found: list[Mapping[str, str]] = _load("bureaus.yaml")
    return found
