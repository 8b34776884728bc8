"""What a fact holds that can be held once: registered by context, taken when recorded, let go when voided."""

from collections.abc import Callable, Iterable
from typing import Any

from events.event import Event

Keys = list[tuple[str, str]]
"""(kind, key) of each claim."""
SINGLE = frozenset({"pool", "satisfaction", "log"})
"""Aggregates of which a log has one stream: its claim is named by aggregate and log."""
_HELD: dict[type[Event], Callable[[Any, Any], Keys]] = {}


def holds(kind: type[Event]) -> Callable[[Callable[[Any, Any], Keys]], Callable[[Any, Any], Keys]]:
    """Mark the function (state, event) → claims of a kind of event."""

    def mark(function: Callable[[Any, Any], Keys]) -> Callable[[Any, Any], Keys]:
        _HELD[kind] = function
        return function

    return mark


def of(state: Any, event: Event) -> Keys:
    """The claims that a fact holds, in a stream with this state."""
    found = _HELD.get(type(event))
    return found(state, event) if found else []


def held(state: Any, facts: Iterable[Event]) -> set[tuple[str, str]]:
    """All claims of the facts of a stream with this state."""
    return {claim for fact in facts for claim in of(state, fact)}
