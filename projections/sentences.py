"""Records as sentences in Chinese and English, made from the payload when somebody reads them."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias, get_type_hints

from events import values
from events.event import Event, Key, Record
from events.loops import Ask
from events.values import Code, Money, Reference

Names: TypeAlias = Callable[[str], str]
"""The name of a bureau by its code, in the language of the page."""
Cited: TypeAlias = Mapping[Key, Record[Event]]
"""Records that sentences refer to, as far as they are known."""
_FIELD = re.compile(r"\{([a-z_]+)\}")


def sentence(record: Record[Event], lang: str, bureau_name: Names, cited: Cited | None = None) -> str:
    """What the record says, in `zh` or `en`; `cited` holds the records of `named`, as far as they are known.

    `{bureau}` of a template is the bureau that recorded it, `{bureau_}` the payload's own field `bureau`.
    """
    template = record.data.zh if lang == "zh" else record.data.en
    return _filled(record, template, lang, bureau_name, cited or {})


def named(event: Event) -> list[Key]:
    """The records that the event's sentence calls by their names."""
    values_ = (getattr(event, name) for name in fields(type(event)))
    return [(v.log, v.position) for v in values_ if isinstance(v, Reference)]


def _filled(record: Record[Event], template: str, lang: str, bureau_name: Names, cited: Cited) -> str:
    event = record.data

    def field(match: re.Match[str]) -> str:
        if match[1] == "bureau":
            return bureau_name(record.bureau)
        name = match[1].removesuffix("_")
        value = getattr(event, name)
        if isinstance(value, Reference):
            return _called(value, lang, bureau_name, cited)
        return _plain(value, lang, bureau_name if name in _bureaus(type(event)) else str)

    return _FIELD.sub(field, template)


def _called(reference: Reference, lang: str, bureau_name: Names, cited: Cited) -> str:
    """What the record that is meant is called, or its number when it is not known here."""
    record = cited.get((reference.log, reference.position))
    template = (record.data.called_zh if lang == "zh" else record.data.called_en) if record else ""
    if record is not None and template:
        return _filled(record, template, lang, bureau_name, {})
    return f"第{reference.position}号记录" if lang == "zh" else f"of record {reference.position}"


def fields(kind: type[Event]) -> set[str]:
    """The payload fields that the two sentences of an event use."""
    used = set(_FIELD.findall(kind.zh)) | set(_FIELD.findall(kind.en))
    return {name.removesuffix("_") for name in used - {"bureau"}}


@cache
def _bureaus(kind: type[Event]) -> frozenset[str]:
    """The fields that hold codes of bureaus, or things that name a bureau."""
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if _holds(hint))


def _holds(hint: Any) -> bool:
    return hint == Code or hint is Ask or any(_holds(part) for part in getattr(hint, "__args__", ()))


def _plain(value: Any, lang: str, name: Names) -> str:
    match value:
        case Ask():
            return name(value.bureau)
        case Money():
            return f"{value.fen / 100:,.2f}" + ("元" if lang == "zh" else " yuan")
        case tuple():
            return ("、" if lang == "zh" else ", ").join(_plain(part, lang, name) for part in value)
        case str() if type(value) is str:
            return name(value)
    return values.plain(value, lang)
