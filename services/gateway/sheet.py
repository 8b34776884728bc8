"""A form on a page: what it holds, what can be picked, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from functools import cache

from events import divisions, errors
from services.gateway import forms, said, shown, uploads
from services.gateway.forms import Field, Filled
from services.gateway.things import Option
from services.gateway.view import View

_SPARE = 2
_OWN_TOO = frozenset({"owner", "bureau"})


class Sheet:
    """What the templates of controls ask."""

    accepted = uploads.ACCEPTED

    def __init__(
        self,
        view: View,
        filled: Filled,
        options: Mapping[str, Sequence[Option]],
        error: errors.Refused | None,
    ) -> None:
        self.v, self.t, self.filled, self._options = view, view.t, filled, options
        self.errors = (
            [(e.field or "", said.detail(e, view.lang)) for e in said.all_of(error)] if error else []
        )
        self.wrong: Mapping[str, str] = {field: text for field, text in reversed(self.errors) if field}

    def among(self, field: Field) -> Sequence[Option]:
        """What can be picked."""
        match field.kind:
            case "choice" | "choices":
                return [Option(c.value, c.label(self.v.lang)) for c in field.choices]
            case "bureau" | "bureaus":
                return self._bureaus(own=field.last in _OWN_TOO)
            case "division":
                return _divisions(self.v.lang)
        return self._options.get(field.last, ())

    def _bureaus(self, *, own: bool) -> list[Option]:
        mine = self.v.officer.bureau if self.v.officer else ""
        return [Option(code, name) for code, name in self.v.bureaus() if own or code != mine]

    def holds(self, field: Field) -> bool:
        """Whether a group that may be left out is filled in, or wrong."""
        prefix = f"{field.name}."
        filled = any(name.startswith(prefix) and any(values) for name, values in self.filled.items())
        return filled or any(name == field.name or name.startswith(prefix) for name in self.wrong)

    def lost(self, field: Field) -> bool:
        """Whether a file was chosen for it that could not be stored."""
        return uploads.is_lost(field, self.filled)

    def numbers(self, field: Field) -> list[int]:
        """The rows to show: those that are filled in, and some spare ones."""
        found = forms.numbers(field, self.filled)
        after = found[-1] + 1 if found else 0
        return [*found, *range(after, after + _SPARE)][: forms.ROWS]

    def row(self, field: Field, number: int) -> tuple[Field, ...]:
        return forms.row(field, number)

    def kept(self, field: Field) -> str:
        """What is known of a stored attachment."""
        size = (self.filled.get(f"{field.name}.size") or ["0"])[0]
        return shown.size(int(size)) if size.isascii() and size.isdigit() else ""


@cache
def _divisions(lang: str) -> list[Option]:
    """Every division in force or not, as people say it; codes in their order."""
    return [Option(code, _spoken(code, lang)) for code in divisions.table()]


def _spoken(code: str, lang: str) -> str:
    names = [divisions.name(c, None, lang) for c in (*reversed(divisions.above(code)), code)]
    return "".join(names) if lang == "zh" else ", ".join(reversed(names))
