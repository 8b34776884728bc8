"""How values read on pages and in tables that leave them: a text, and where it helps a link."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from events import divisions
from events.loops import Ask
from events.values import Attachment, Choice, Money, OutsideParty, Paper, Place, Reference, Value, Why
from services.gateway import labels
from services.people import fetch

if TYPE_CHECKING:
    from services.gateway.view import View


@dataclass(frozen=True)
class Cell:
    """A value as text, and as HTML where that says more; `number` stands at the right; `tone` colours it."""

    text: str
    html: Markup
    number: bool = False
    tone: str = ""

    def __html__(self) -> str:
        return str(self.html)

    def __bool__(self) -> bool:
        return bool(self.text)


def plain(text: object, *, number: bool = False, tone: str = "") -> Cell:
    return Cell(str(text), escape(str(text)), number, tone)


def link(text: str, href: str) -> Cell:
    return Cell(text, Markup('<a href="{}">{}</a>').format(href, text))


def chip(text: str, tone: str = "") -> Cell:
    """A state: a word on a coloured ground."""
    return Cell(text, Markup('<span class="chip {}">{}</span>').format(tone, text), tone=tone)


def joined(cells: Iterable[Cell], separator: str = "、") -> Cell:
    found = list(cells)
    return Cell(separator.join(c.text for c in found), escape(separator).join(c.html for c in found))


def day(when: date, lang: str) -> str:
    return f"{when.year}年{when.month}月{when.day}日" if lang == "zh" else when.isoformat()


def yuan(fen: int, lang: str) -> str:
    return f"{fen / 100:,.2f}" + ("元" if lang == "zh" else " yuan")


def size(count: int) -> str:
    """Bytes for people."""
    for unit, factor in (("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count} B"


def cell(value: Any, view: "View", name: str = "", log: str = "") -> Cell:  # noqa: C901, PLR0911, PLR0912  (one line a kind of value)
    """A value of a payload; `name` is its field, which tells bureau codes from other texts.

    With the `log` that names it an attachment is a link.
    """
    lang = view.lang
    match value:
        case None | "" | ():
            return plain("")
        case bool():
            return plain(view.t("是", "yes") if value else view.t("否", "no"))
        case Choice():
            return plain(value.label(lang))
        case int() if name == "fen":
            return plain(yuan(value, lang), number=True)
        case int():
            return plain(f"{value:,}" if name != "position" else value, number=True)
        case date():
            return plain(day(value, lang))
        case Attachment() if log:
            return attachment(value, view, log)
        case Attachment():
            return plain(f"{_kind(value, view)}, {size(value.size)}")
        case Place():
            return _place(value, view)
        case Money():
            return plain(f"{yuan(value.fen, lang)}({value.source.label(lang)})")
        case OutsideParty():
            return _outside(value, view, log)
        case Why():
            return joined(
                [plain(value.code.label(lang)), *([cell(value.note, view, "", log)] if value.note else [])],
                " ",
            )
        case Ask():
            return plain(f"{view.bureau(value.bureau)}({day(value.due, lang)})")
        case Reference():
            return record(value.log, value.position)
        case Paper():
            words = plain(" ".join(filter(None, [day(value.date, lang), value.number])))
            return joined([words, *([cell(value.scan, view, "", log)] if value.scan else [])], " ")
        case Value():
            return joined((cell(v, view, n, log) for n, v in value if v is not None), " ")
        case tuple() | list():
            return joined((cell(v, view, name, log) for v in value), view.t("、", ", "))
        case str() if name in labels.BUREAUS:
            return plain(view.bureau(value))
    return plain(value)


def record(log: str, position: int) -> Cell:
    """The permalink of a record."""
    return link(f"{log}:{position}", f"/records/{log}/{position}")


def attachment(value: Attachment, view: "View", log: str) -> Cell:
    """The link to an attachment that a record of this log names."""
    text = f"{_kind(value, view)}({size(value.size)})"
    return link(text, f"/files/{quote(fetch.token(value.digest))}?log={log}")


def attachments(value: Any) -> list[Attachment]:
    """Every attachment inside a payload, in its order."""
    if isinstance(value, Attachment):
        return [value]
    if isinstance(value, Value):
        return [found for _, part in value for found in attachments(part)]
    if isinstance(value, tuple):
        return [found for part in value for found in attachments(part)]
    return []


def _kind(value: Attachment, view: "View") -> str:
    zh, en = labels.MEDIA.get(value.mediatype, (value.mediatype, value.mediatype))
    return view.t(zh, en)


def place(division: str, view: "View") -> str:
    """A division's name with those above it, as people say it."""
    names = [divisions.name(code, None, view.lang) for code in reversed(divisions.above(division[:6]))]
    name = divisions.name(division, None, view.lang)
    return "".join([*names, name]) if view.lang == "zh" else ", ".join([name, *reversed(names)])


def _place(value: Place, view: "View") -> Cell:
    return plain(" ".join(filter(None, [place(value.division, view), value.name])))


def _outside(value: OutsideParty, view: "View", log: str) -> Cell:
    mark = view.t("单方登记", "recorded by one side")
    words = Cell(
        f"{value.name}({value.kind.label(view.lang)},{mark})",
        Markup('{}({}) <span class="chip">{}</span>').format(value.name, value.kind.label(view.lang), mark),
    )
    return joined([words, *([cell(value.letter, view, "", log)] if value.letter else [])], " ")


def fields(
    payload: Value, view: "View", without: Iterable[str] = (), log: str = ""
) -> list[tuple[str, Cell]]:
    """A payload as labels and values, in the order of its fields; what is not said is left out."""
    skip, owner = {*without}, type(payload).__name__
    return [
        (view.t(*labels.of(name, owner)), cell(value, view, name, log))
        for name, value in payload
        if name not in skip and value is not None and value != ()
    ]
