"""Filters and cursors that many lists share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from events.values import Day, Expertise, Log, Subject
from services.gateway.things import Filter

if TYPE_CHECKING:
    from services.gateway.view import View

BY_DAY: TypeAdapter[Any] = TypeAdapter(tuple[Day, Log, Subject])
"""The cursor of lists by day, log and stream."""
BUREAU = Filter("bureau", "单位", "bureau", lambda v: v.bureaus())
FIELD = Filter("field", "领域", "field", lambda v: v.choices(Expertise))
TITLE = Filter("title", "标题含", "title holds", typed="text")
DAYS = (Filter("first", "从", "from"), Filter("last", "到", "to"))


def flags(asked: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What was asked, the conditions of these names as booleans."""
    return {name: value == "true" if name in names else value for name, value in asked.items()}


def yes_no(view: "View") -> list[tuple[str, str]]:
    """The options of a condition that holds or does not."""
    return [("true", view.t("是", "yes")), ("false", view.t("否", "no"))]
