"""Forms made from commands: what a field is called, how it is filled in, and how a filled form becomes JSON.

A field's kind decides its control; nested values are written with dots (`place.division`), lists repeat names.
"""

import types
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Union, get_args, get_origin

from events.values import Attachment, Choice, Value
from services.bureau.commands import Command
from services.gateway import labels


@dataclass(frozen=True)
class Field:
    """One control. `kind`: text, number, date, check, choice, bureau, bureaus, parties, file, hidden, group."""

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


def fields(kind: type[Value], prefix: str = "") -> tuple[Field, ...]:
    """The controls of a command or of a nested value, in the order of its fields."""
    return tuple(
        _field(prefix + name, name, info.annotation, info.metadata, required=info.is_required())
        for name, info in kind.model_fields.items()
    )


def _field(path: str, name: str, annotation: Any, metadata: list[Any], *, required: bool) -> Field:
    zh, en = labels.of(name)
    help_zh, help_en = labels.hint(name)
    plain = Field(path, "text", zh, en, required, help_zh=help_zh, help_en=help_en)
    inner, extra = _unwrap(annotation)
    return _control(plain, name, inner, [*metadata, *extra])


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
    if not isinstance(inner, type):
        return field
    if issubclass(inner, Choice):
        return replace(field, kind="choice", choices=tuple(inner))
    if issubclass(inner, Attachment):
        return replace(field, kind="file")
    if issubclass(inner, Value):
        return replace(field, kind="group", fields=fields(inner, f"{field.name}."))
    if issubclass(inner, bool):
        return replace(field, kind="check", required=False)
    if issubclass(inner, int):
        return replace(field, kind="number", least=_bound(metadata, "ge"), most=_bound(metadata, "le"))
    if issubclass(inner, date):
        return replace(field, kind="date")
    return _text(field, name, metadata)


def _text(field: Field, name: str, metadata: list[Any]) -> Field:
    if name in labels.BUREAUS:
        return replace(field, kind="bureau")
    if name in labels.HIDDEN:
        return replace(field, kind="hidden")
    return replace(field, longest=_bound(metadata, "max_length"))


def _list(field: Field, name: str, item: Any) -> Field:
    inner, _ = _unwrap(item)
    if isinstance(inner, type) and issubclass(inner, Choice):
        return replace(field, kind="choices", choices=tuple(inner))
    if isinstance(inner, type) and issubclass(inner, Value):
        return replace(field, kind="rows", fields=fields(inner, f"{field.name}."))
    return replace(field, kind="bureaus" if name in labels.BUREAUS else "texts")


def _bound(metadata: list[Any], name: str) -> int | None:
    """The limit that an annotation states: `ge`, `le` or `max_length`."""
    return next((getattr(m, name) for m in metadata if hasattr(m, name)), None)


Filled = dict[str, list[str]]
"""A posted form: each name with all its values."""


def body(kind: type[Command], filled: Filled) -> dict[str, Any]:
    """The JSON body that a filled form means; what was left empty is left out, so that defaults hold."""
    return _object(fields(kind), filled)


def _object(controls: tuple[Field, ...], filled: Filled) -> dict[str, Any]:
    found = {control.name.rpartition(".")[2]: _value(control, filled) for control in controls}
    return {name: value for name, value in found.items() if value is not None}


def _value(control: Field, filled: Filled) -> Any:  # noqa: PLR0911  (one line a kind)
    values = [text.strip() for text in filled.get(control.name, []) if text.strip()]
    match control.kind:
        case "group":
            return _object(control.fields, filled) or None
        case "rows":
            return _rows(control, filled)
        case "bureaus" | "choices" | "texts":
            return values or None
        case "check":
            return bool(values)
        case "number":
            return _number(values[0]) if values else None
        case "file":
            return _attachment(control, filled)
        case _:
            return values[0] if values else None


def _rows(control: Field, filled: Filled) -> list[dict[str, Any]] | None:
    """Repeated groups: the n-th value of each name belongs to the n-th row; empty rows are left out."""
    count = max((len(filled.get(f.name, [])) for f in control.fields), default=0)
    rows = [_object(control.fields, {k: v[i : i + 1] for k, v in filled.items()}) for i in range(count)]
    return [row for row in rows if row] or None


def _attachment(control: Field, filled: Filled) -> dict[str, Any] | None:
    """An uploaded file was stored before; its four fields come as hidden ones."""
    names = ("algorithm", "digest", "size", "mediatype")
    found = {n: filled[f"{control.name}.{n}"][0] for n in names if filled.get(f"{control.name}.{n}")}
    return {**found, "size": _number(found.get("size", ""))} if found else None


def _number(text: str) -> int | str:
    """An integer where it is one (full-width digits too); otherwise the text, which the command then refuses."""
    try:
        return int(text)
    except ValueError:
        return text
