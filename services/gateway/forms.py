"""Forms made from commands: what a field is called, how it is filled in, and how a filled form becomes JSON.

A field's kind decides its control; nested values are written with dots (`place.division`), rows with numbers
(`outside.0.name`), lists repeat their name.
"""

import re
import types
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin
from uuid import UUID

from events.loops import Ask
from events.values import Attachment, Choice, Reference, Value
from services.gateway import labels

Filled: TypeAlias = dict[str, list[str]]
"""A posted form: each name with all its values."""
ATTACHED = ("algorithm", "digest", "size", "mediatype")
"""The fields of a stored attachment; they travel as hidden ones."""
ROWS = 20


@dataclass(frozen=True)
class Field:
    """One control; `kind` is one of the lists in `_control`, and `fields` the parts of a group or row."""

    name: str
    kind: str
    zh: str
    en: str
    required: bool
    choices: tuple[Choice, ...] = ()
    help_zh: str = ""
    help_en: str = ""
    least: int | None = None
    most: int | None = None
    longest: int | None = None
    fields: tuple["Field", ...] = ()
    default: str = ""

    @property
    def last(self) -> str:
        """The name within its group."""
        return self.name.rpartition(".")[2]


def fields(kind: type[Value], prefix: str = "") -> tuple[Field, ...]:
    """The controls of a command or of a nested value, in the order of its fields."""
    found = (
        _field(kind.__name__, prefix, name, info, required=info.is_required())
        for name, info in kind.model_fields.items()
    )
    return tuple(field for field in found if field is not None)


def _field(owner: str, prefix: str, name: str, info: Any, *, required: bool) -> Field | None:
    inner, extra = _unwrap(info.annotation)
    if _names_records(inner):
        return None
    zh, en = labels.of(name, owner)
    help_zh, help_en = labels.hint(name, owner)
    default = "" if required or info.default is None else _said(info.default)
    plain = Field(prefix + name, "text", zh, en, required, help_zh=help_zh, help_en=help_en, default=default)
    return _control(plain, name, inner, [*info.metadata, *extra])


def _said(default: object) -> str:
    """A default as a control holds it."""
    match default:
        case bool():
            return "on" if default else ""
        case Choice():
            return default.value
        case int():
            return str(default)
    return ""


def _names_records(inner: Any) -> bool:
    """References and questions are not filled in by hand."""
    parts = get_args(inner) if get_origin(inner) is tuple else (inner,)
    return any(isinstance(p, type) and issubclass(p, (Reference, Ask, UUID)) for p in parts)


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """The type itself, without `| None` and `Annotated`, and what was annotated."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return _unwrap(next(part for part in get_args(annotation) if part is not type(None)))
    if hasattr(annotation, "__metadata__"):
        inner, extra = _unwrap(annotation.__origin__)
        return inner, [*extra, *_flat(annotation.__metadata__)]
    return annotation, []


def _flat(metadata: tuple[Any, ...]) -> list[Any]:
    return [item for part in metadata for item in getattr(part, "metadata", [part])]


def _control(field: Field, name: str, inner: Any, metadata: list[Any]) -> Field:  # noqa: PLR0911  (one line a kind)
    if get_origin(inner) is tuple:
        return _list(field, name, get_args(inner)[0])
    if get_origin(inner) is Literal:
        return replace(field, kind="agree")
    if not isinstance(inner, type):
        return replace(field, kind="hidden")
    if issubclass(inner, Choice):
        return replace(field, kind="choice", choices=tuple(inner))
    if issubclass(inner, Attachment):
        return replace(field, kind="file")
    if issubclass(inner, Value):
        return replace(field, kind="group", fields=fields(inner, f"{field.name}."))
    if issubclass(inner, bool):
        return replace(field, kind="check", required=False)
    if issubclass(inner, int):
        return _number_control(field, name, metadata)
    if issubclass(inner, date):
        return replace(field, kind="date")
    return _text(field, name, metadata)


def _number_control(field: Field, name: str, metadata: list[Any]) -> Field:
    if name in {"position", "source"}:
        return replace(field, kind="hidden")
    kind = "yuan" if name == "fen" else "number"
    return replace(field, kind=kind, least=_bound(metadata, "ge"), most=_bound(metadata, "le"))


def _text(field: Field, name: str, metadata: list[Any]) -> Field:
    if name == "division":
        return replace(field, kind="division")
    if name in labels.BUREAUS:
        return replace(field, kind="bureau")
    if name in labels.HIDDEN or _bound(metadata, "pattern"):
        return replace(field, kind="hidden")
    return replace(field, longest=_bound(metadata, "max_length"))


def _list(field: Field, name: str, item: Any) -> Field:
    inner, _ = _unwrap(item)
    if isinstance(inner, type) and issubclass(inner, Choice):
        return replace(field, kind="choices", choices=tuple(inner))
    if isinstance(inner, type) and issubclass(inner, Value):
        return replace(field, kind="rows", fields=fields(inner, f"{field.name}.#."))
    if inner is int:
        return replace(field, kind="positions")
    return replace(field, kind="bureaus" if name in labels.BUREAUS else "picks")


def _bound(metadata: list[Any], name: str) -> Any:
    """The limit that an annotation states: `ge`, `le`, `max_length` or `pattern`."""
    return next((getattr(m, name) for m in metadata if getattr(m, name, None) is not None), None)


def row(field: Field, number: int) -> tuple[Field, ...]:
    """The controls of the n-th row."""
    return tuple(_numbered(part, field.name, number) for part in field.fields)


def _numbered(part: Field, name: str, number: int) -> Field:
    inner = tuple(_numbered(p, name, number) for p in part.fields)
    return replace(part, name=part.name.replace(f"{name}.#.", f"{name}.{number}.", 1), fields=inner)


def numbers(field: Field, filled: Filled) -> list[int]:
    """The numbers of the rows that were posted, `ROWS` at most."""
    found = (re.match(rf"{re.escape(field.name)}\.([0-9]{{1,3}})\.", name) for name in filled)
    return sorted({int(m[1]) for m in found if m})[:ROWS]


def files(controls: Iterable[Field], filled: Filled) -> Iterator[Field]:
    """Every control that takes a file, those in groups and rows too."""
    for control in controls:
        if control.kind == "file":
            yield control
        elif control.kind == "rows":
            for number in numbers(control, filled):
                yield from files(row(control, number), filled)
        else:
            yield from files(control.fields, filled)


def body(kind: type[Value], filled: Filled) -> dict[str, Any]:
    """The JSON body that a filled form means; what was left empty is left out, so that defaults hold."""
    return _object(fields(kind), filled)


def _object(controls: tuple[Field, ...], filled: Filled) -> dict[str, Any]:
    found = {control.last: value(control, filled) for control in controls}
    return {name: value for name, value in found.items() if value is not None}


def value(control: Field, filled: Filled) -> Any:  # noqa: C901, PLR0911  (one line a kind)
    """What a filled control means as JSON; None for what was left empty."""
    values = [_clean(text) for text in filled.get(control.name, []) if text.strip()]
    match control.kind:
        case "group":
            return _object(control.fields, filled) or None
        case "rows":
            rows = (_object(row(control, number), filled) for number in numbers(control, filled))
            return [found for found in rows if found] or None
        case "bureaus" | "choices" | "picks":
            return values or None
        case "positions":
            return [_number(value) for value in values] or None
        case "check":
            return bool(values)
        case "agree":
            return True if values else None
        case "yuan":
            return _fen(values[0]) if values else None
        case "number":
            return _number(values[0]) if values else None
        case "hidden" if control.last in {"position", "source"}:
            return _number(values[0]) if values else None
        case "file":
            return _attachment(control, filled)
        case _:
            return values[0] if values else None


def _clean(text: str) -> str:
    """As a person means it: composed characters, no blanks at the ends."""
    return unicodedata.normalize("NFC", text).strip()


def _attachment(control: Field, filled: Filled) -> dict[str, Any] | None:
    """An uploaded file was stored before; its four fields come as hidden ones."""
    found = {n: filled[f"{control.name}.{n}"][0] for n in ATTACHED if filled.get(f"{control.name}.{n}")}
    return {**found, "size": _number(found.get("size", ""))} if found else None


def _number(text: str) -> int | str:
    """An integer where it is one (full-width digits too); else the text, which the command refuses."""
    try:
        return int(text) if len(text) < 20 else text  # noqa: PLR2004  (longer than any bound)
    except ValueError:
        return text


def _fen(text: str) -> int | str:
    """Yuan with at most two decimals, in fen."""
    try:
        fen = Decimal(text.replace(",", "")) * 100
    except InvalidOperation:
        return text
    return int(fen) if fen.is_finite() and fen == fen.to_integral_value() and abs(fen) < 10**15 else text


def filled(controls: Iterable[Field], payload: dict[str, Any]) -> Filled:
    """The filled form that means this JSON: the way back from `body`."""
    found: Filled = {}
    for control in controls:
        if payload.get(control.last) is not None:
            _fill(control, payload[control.last], found)
    return found


def _fill(control: Field, value: Any, found: Filled) -> None:
    match control.kind:
        case "group":
            found.update(filled(control.fields, value))
        case "rows":
            for number, item in enumerate(value):
                found.update(filled(row(control, number), item))
        case "file":
            found.update({f"{control.name}.{n}": [str(value[n])] for n in ATTACHED if n in value})
        case "check" | "agree":
            found[control.name] = ["on"] if value else []
        case "yuan":
            found[control.name] = [f"{value / 100:.2f}"]
        case "bureaus" | "choices" | "picks" | "positions":
            found[control.name] = list(map(str, value))
        case _:
            found[control.name] = [str(value)]
