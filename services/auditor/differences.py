"""Two JSON values side by side: what differs, named by its path."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """What stands at a place before and after; None where there is nothing."""

    place: str
    before: Any
    after: Any


def fields(before: Any, after: Any, place: str = "") -> Iterator[Difference]:
    """Every leaf that differs, in the order of the paths; lists by their places in them.

    Where one side has nothing, each leaf of the other is a difference.
    """
    match _like(before, after), _like(after, before):
        case old, new if old == new:
            return
        case Mapping() as old, Mapping() as new:
            for name in sorted(old.keys() | new.keys()):
                yield from fields(old.get(name), new.get(name), f"{place}.{name}" if place else str(name))
        case list() as old, list() as new:
            for index in range(max(len(old), len(new))):
                yield from fields(_at(old, index), _at(new, index), f"{place}[{index}]")
        case _:
            yield Difference(place, before, after)


def _like(value: Any, other: Any) -> Any:
    """Nothing, beside something with parts, has none of them."""
    if value is None and other:
        return {} if isinstance(other, Mapping) else [] if isinstance(other, list) else None
    return value


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None
