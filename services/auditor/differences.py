"""Two JSON values side by side: what differs, named by its path."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """What stands at a place before and after; None where there is nothing."""

    place: str
    before: Any
    after: Any


def fields(before: Any, after: Any, place: str = "") -> Iterator[Difference]:
    """Every leaf that differs, in the order of the paths; lists by their places in them."""
    match before, after:
        case Mapping(), Mapping():
            for name in sorted(before.keys() | after.keys()):
                yield from fields(
                    before.get(name), after.get(name), f"{place}.{name}" if place else str(name)
                )
        case list(), list():
            for index in range(max(len(before), len(after))):
                yield from fields(_at(before, index), _at(after, index), f"{place}[{index}]")
        case _ if before != after:
            yield Difference(place, before, after)


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None
