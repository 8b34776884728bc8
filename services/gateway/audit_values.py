"""How the parts of a state or of a read model's row read: places as words, values as people write them."""

import re
from datetime import date
from typing import Any

from services.auditor import differences
from services.gateway import kinds, labels, shown
from services.gateway.shown import Cell
from services.gateway.view import View

_PART = re.compile(r"\[(\d+)\]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)")


def flat(view: View, fields: Any, aggregate: str = "") -> list[tuple[str, Cell]]:
    """Every leaf of a JSON value as a labelled cell."""
    found = differences.fields({}, fields or {})
    return [(place(view, d.place), value(view, d.place, d.after, aggregate)) for d in found]


def place(view: View, path: str) -> str:
    """`asks[0].bureau` as words."""
    words = []
    for part in path.split("."):
        name, *numbers = _PART.split(part)
        words.append(" ".join([view.t(*labels.of(name)), *(str(int(n) + 1) for n in numbers if n)]))
    return view.t(" · ", " · ").join(words)


def value(view: View, path: str, found: Any, aggregate: str = "") -> Cell:  # noqa: PLR0911  (one line a kind of value)
    """A leaf, by the last name of its path."""
    name = _PART.sub("", path).rpartition(".")[2]
    match found:
        case None | "":
            return shown.plain("—")
        case bool():
            return shown.plain(view.t("是", "yes") if found else view.t("否", "no"))
        case int() if name == "fen":
            return shown.plain(shown.yuan(found, view.lang), number=True)
        case str() if name == "stage" and aggregate in kinds.BY_AGGREGATE:
            return view.stage(kinds.BY_AGGREGATE[aggregate], found)
        case str() if name in labels.BUREAUS:
            return shown.plain(view.bureau(found))
        case str() if _DAY.fullmatch(found):
            return shown.whole(view.day(date.fromisoformat(found)))
        case str() if name in {"digest", "leaf", "id"} or len(found) == 36:  # noqa: PLR2004  (a UUID)
            return shown.code(found)
    return shown.plain(found)
