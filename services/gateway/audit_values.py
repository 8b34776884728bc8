"""How the parts of a state or of a read model's row read: places as words, values as people write them."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, get_args

from events import catalogue
from events.values import Choice, Value
from services.gateway import audit_words, kinds, labels, shown
from services.gateway.shown import Cell
from services.gateway.view import View

_PART = re.compile(r"\[(\d+)\]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_CODE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|[A-Za-z0-9+/]{43}=")
_REFERENCE = {"leaf", "log", "position"}
_SINGLE = {"halves": "half", "fields": "field"}
"""Parts of states that hold several of what an event has one of."""
_BUREAUS = labels.BUREAUS | {
    "asker",
    "asked",
    "home",
    "invited",
    "partner",
    "passed_to",
    "turned_to",
    "for_bureau",
}


def flat(view: View, fields: Any, aggregate: str = "") -> list[tuple[str, Cell]]:
    """Every part of a state as a labelled cell."""
    return [
        (place(view, path), value(view, path, found, aggregate)) for path, found in leaves(fields).items()
    ]


def changes(
    view: View, before: Any, after: Any, aggregate: str = ""
) -> list[tuple[str, shown.Cell, shown.Cell]]:
    """What differs between two states: place, before, after."""
    old, new = leaves(before), leaves(after)
    differing = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    return [
        (
            place(view, path),
            value(view, path, old.get(path), aggregate),
            value(view, path, new.get(path), aggregate),
        )
        for path in differing
    ]


def leaves(fields: Any, path: str = "") -> dict[str, Any]:
    """The parts of a JSON value by their places; a reference, or a list of plain values, is one part."""
    match fields:
        case _ if fields in (None, "", [], {}):
            return {}
        case dict() if path and set(fields) != _REFERENCE:
            parts = {f"{path}.{name}": part for name, part in fields.items()}
        case dict() if not path:
            parts = dict(fields)
        case list() if any(isinstance(part, dict) for part in fields):
            parts = {f"{path}[{index}]": part for index, part in enumerate(fields)}
        case _:
            return {path: fields}
    return {found: leaf for name, part in parts.items() for found, leaf in leaves(part, name).items()}


def place(view: View, path: str) -> str:
    """`asks[0].bureau` as words."""
    words = []
    for part in path.split("."):
        name, *numbers = _PART.split(part)
        words.append(" ".join([label(view, name), *(str(int(n) + 1) for n in numbers if n)]))
    return " · ".join(words)


def label(view: View, name: str) -> str:
    """What a column or a part of a state is called."""
    return view.t(
        *(labels.of(name) if labels.is_known(name) else audit_words.PLACES.get(name) or labels.of(name))
    )


def value(view: View, path: str, found: Any, aggregate: str = "") -> Cell:  # noqa: PLR0911  (one line a kind of value)
    """A leaf by the last name of its path; lists and objects in one line."""
    name = _PART.sub("", path).rpartition(".")[2]
    match found:
        case None | "":
            return shown.plain("—")
        case bool():
            return shown.plain(view.t("是", "yes") if found else view.t("否", "no"))
        case int() if name == "fen":
            return shown.plain(shown.yuan(found, view.lang), number=True)
        case list():
            return shown.joined((_part(view, name, part, aggregate) for part in found), view.t("、", ", "))
        case {"log": str(log), "position": int(position), **rest} if set(rest) <= {"leaf"}:
            return shown.record(log, position)
        case dict():
            cells = (value(view, key, part, aggregate) for key, part in found.items())
            return shown.joined((cell for cell in cells if cell.text != "—"), " ")
        case str():
            return _text(view, name, found, aggregate)
    return shown.plain(found)


def _part(view: View, name: str, found: Any, aggregate: str) -> Cell:
    """A part of a list; what is a list itself, such as a day and its half, in one breath."""
    if isinstance(found, list):
        return shown.joined((value(view, name, part, aggregate) for part in found), " ")
    return value(view, name, found, aggregate)


def _text(view: View, name: str, found: str, aggregate: str) -> Cell:
    if name in _BUREAUS and found.isdecimal():
        return shown.plain(view.bureau(found))
    if name == "stage" and (stage := _stage(view, found, aggregate)):
        return stage
    if (choice := _choices().get((_SINGLE.get(name, name), found))) is not None:
        return shown.whole(choice.label(view.lang))
    if _DAY.fullmatch(found):
        return shown.whole(view.day(date.fromisoformat(found)))
    if _TIME.fullmatch(found):
        html = view.time(datetime.fromisoformat(found))
        return Cell(html.striptags(), html)
    return shown.code(found) if _CODE.fullmatch(found) else shown.plain(found)


def _stage(view: View, name: str, aggregate: str) -> Cell | None:
    """As the list of its kind, or of its read model, calls it; else as the first list that knows the word."""
    near = [kind for kind in kinds.KINDS if aggregate in {kind.aggregate, kind.model.name}]
    kind = next((kind for kind in [*near, *kinds.KINDS] if name in kind.stages), None)
    return view.stage(kind, name) if kind else None


@cache
def _choices() -> dict[tuple[str, str], Choice]:
    """The members of closed lists by the name of the field in which they stand, and their stored name."""
    found: dict[tuple[str, str], Choice] = {}
    seen: set[type[Value]] = set()
    for event in catalogue.EVENTS.values():
        for name, kind in _fields(event, seen):
            for member in kind:
                found.setdefault((name, member.value), member)
    return found


def _fields(kind: type[Value], seen: set[type[Value]]) -> Iterator[tuple[str, type[Choice]]]:
    if kind in seen:
        return
    seen.add(kind)
    for name, field in kind.model_fields.items():
        for part in _parts(field.annotation):
            if issubclass(part, Choice):
                yield name, part
            elif issubclass(part, Value):
                yield from _fields(part, seen)


def _parts(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
