"""What a list may be asked, from one declaration: read from an address, refused, and told to programs."""

import re
from collections.abc import Sequence
from typing import Any, cast

from events import errors
from services.gateway.things import Filter, Kind
from services.gateway.view import View
from services.runtime import clock

_LONGEST = 100
_PAGING = ("limit", "after")


def conditions(view: View, kind: Kind) -> dict[str, Any]:
    """The filters in an address. Raises Invalid for a choice that is none, and for what is no date."""
    given = view.request.query_params
    return {f.name: _condition(view, f, given[f.name]) for f in kind.filters if given.get(f.name)}


def strictly(view: View, kind: Kind) -> dict[str, Any]:
    """As `conditions`; raises Invalid too for a name that is no filter of the list, or stands twice."""
    known = [*(f.name for f in kind.filters), *_PAGING]
    seen: set[str] = set()
    for name, _ in view.request.query_params.multi_items():
        if name not in known:
            said = name if re.fullmatch(r"[a-z_]{1,40}", name) else "query"
            raise errors.Invalid(f"{said}: is no filter of this list; it has {', '.join(known)}", field=said)
        if name in seen:
            raise errors.Invalid(f"{name}: stands twice; send it once", field=name)
        seen.add(name)
    return conditions(view, kind)


def _condition(view: View, asked: Filter, text: str) -> Any:
    if len(text) > _LONGEST or not text.isprintable():
        raise errors.Invalid(f"{asked.name}: is too long or no text", field=asked.name)
    if asked.options is not None:
        return _choice(view, asked.name, text, [value for value, _ in asked.options(view)])
    return text if asked.typed == "text" else clock.day(text, asked.name)


def _choice(view: View, name: str, text: str, allowed: Sequence[str]) -> str:
    """Bureaus of the past can be asked for too."""
    if text in allowed or text in {bureau.code for bureau in view.site.alliance.document.bureau}:
        return text
    raise errors.Invalid(f"{name}: must be one of {', '.join(allowed)}", field=name)


class _Words:
    """Stands for a view where options are told: no request, both languages, no bureaus of an alliance."""

    lang = "en"
    stages, choices = View.stages, View.choices

    def t(self, zh: str, en: str) -> str:
        return f"{zh} · {en}"

    def bureaus(self) -> list[tuple[str, str]]:
        return []


def documented(kind: Kind) -> list[dict[str, Any]]:
    """The filters of a list as parameters of an OpenAPI document."""
    where = {"in": "query", "required": False}
    return [
        {"name": f.name, **where, "description": f"{f.zh} · {f.en}", "schema": _schema(f)}
        for f in kind.filters
    ]


def _schema(asked: Filter) -> dict[str, Any]:
    if asked.options is None:
        limits = {"maxLength": _LONGEST} if asked.typed == "text" else {"format": "date"}
        return {"type": "string", **limits}
    values = [value for value, _ in asked.options(cast("View", _Words()))]
    return {"type": "string", **({"enum": values} if values else {"pattern": "^[0-9]{6}$"})}
