"""What a query is: a name, a read model, typed parameters, and the function that answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from events import errors
from events.values import Code, Day
from projections.model import ReadModel
from services.auditor.answers import Answer
from services.runtime.database import Connection

MOST = 200_000
"""Rows of one answer; more is a question to be asked in parts."""
_PAGE = 1_000
R = TypeVar("R")


class Parameters(BaseModel):
    """What a query may be told; each query has a class of its own.

    `day` is the day in the world for which the answer holds (in force on, overdue on), `first` and `last`
    bound when things happened. When they were known is another matter: the vector at which one asks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class OnDay(Parameters):
    """As things stood on a day, of all or of one bureau."""

    day: Day
    bureau: Code | None = None


class Between(Parameters):
    """What happened in a time, of all or of one bureau."""

    first: Day | None = None
    last: Day | None = None
    bureau: Code | None = None


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True)
class Query(Generic[P]):
    """A named question over one read model; a change of its answer needs a new `version`.

    `ask(conn, parameters)` runs inside `model.reading(conn, …)` of the live model or one of a past day.
    """

    name: str
    zh: str
    en: str
    model: ReadModel
    parameters: type[P]
    ask: Callable[[Connection, P], Answer]
    version: int = 1

    def read(self, given: Mapping[str, Any], today: date | None = None) -> P:
        """Parameters from texts or JSON values; a `day` that is not given is `today`. Raises Invalid."""
        asked = dict(given)
        if today is not None and "day" in self.parameters.model_fields:
            asked.setdefault("day", today.isoformat())
        try:
            return self.parameters.model_validate(asked)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"]))
            names = ", ".join(self.parameters.model_fields)
            raise errors.Invalid(
                f"{field}: {first['msg'].lower()}; {self.name} takes {names}", field=field
            ) from None


def pages(ask: Callable[[Any, int], Sequence[R]]) -> Iterator[R]:
    """Every row of a list that is read page by page: `ask(after, limit)`. Raises Invalid for too many."""
    after, count = None, 0
    while found := ask(after, _PAGE):
        count += len(found)
        if count > MOST:
            raise errors.Invalid(
                f"the answer has more than {MOST:,} rows: ask for a bureau or a shorter time"
            )
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].cursor  # type: ignore[attr-defined]  # every list's rows have one
