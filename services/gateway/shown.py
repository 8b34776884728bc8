"""How values read on pages and in tables that leave them: a text, and where it helps a link."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from events import divisions
from events.history import Continues
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


def whole(text: object) -> Cell:
    """A short text that is not broken over two lines, such as a day."""
    return Cell(str(text), Markup('<span class="nowrap">{}</span>').format(text)) if text else plain("")


def word(text: str, lang: str) -> Cell:
    """A member of a closed list: a Chinese word stays whole, English breaks between words."""
    return whole(text) if lang == "zh" else plain(text)


def code(text: str) -> Cell:
    """A digest, for those who compare."""
    return Cell(text, Markup('<code class="hash">{}</code>').format(text))


def link(text: str, href: str) -> Cell:
    return Cell(text, Markup('<a href="{}">{}</a>').format(href, text))


def chip(text: str, tone: str = "") -> Cell:
    """A state: a word on a coloured ground."""
    return Cell(text, Markup('<span class="chip {}">{}</span>').format(tone, text), tone=tone)


def joined(cells: Iterable[Cell], separator: str = "、") -> Cell:
    found = list(cells)
    return Cell(separator.join(c.text for c in found), escape(separator).join(c.html for c in found))


def lines(cells: Iterable[Cell]) -> Cell:
    """Cells below one another."""
    found = list(cells)
    return Cell("、".join(c.text for c in found), Markup("<br>").join(c.html for c in found))


def day(when: date, lang: str) -> str:
    return f"{when.year}年{when.month}月{when.day}日" if lang == "zh" else when.isoformat()


def yuan(fen: int, lang: str) -> str:
    return f"{fen / 100:,.2f}" + ("元" if lang == "zh" else " yuan")


def aside(text: object, more: object, lang: str) -> str:
    """A text with more in brackets, as the language writes them."""
    return f"{text}（{more}）" if lang == "zh" else f"{text} ({more})"


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
    from services.gateway import linked  # (what it makes are cells)

    lang = view.lang
    match value:
        case None | "" | ():
            return plain("")
        case bool():
            return plain(view.t("是", "yes") if value else view.t("否", "no"))
        case Choice():
            return word(value.label(lang), lang)
        case int() if name == "fen":
            return plain(yuan(value, lang), number=True)
        case int():
            return plain(f"{value:,}" if name != "position" else value, number=True)
        case date():
            return whole(day(value, lang))
        case Attachment() if log:
            return attachment(value, view, log)
        case Attachment():
            return plain(aside(_kind(value, view), size(value.size), lang))
        case Place():
            return _place(value, view)
        case Money():
            return plain(aside(yuan(value.fen, lang), value.source.label(lang), lang))
        case OutsideParty():
            return _outside(value, view, log)
        case Why():
            return joined(
                [plain(value.code.label(lang)), *([cell(value.note, view, "", log)] if value.note else [])],
                " ",
            )
        case Ask():
            return plain(aside(view.bureau(value.bureau), day(value.due, lang), lang))
        case Reference():
            return linked.record(view, (value.log, value.position))
        case Continues():
            return linked.record(view, value.key)
        case Paper():
            words = plain(" ".join(filter(None, [day(value.date, lang), value.number])))
            return joined([words, *([cell(value.scan, view, "", log)] if value.scan else [])], " ")
        case Value():
            return joined((cell(v, view, n, log) for n, v in value if v is not None), " ")
        case (OutsideParty(), *_):
            return lines(cell(v, view, name, log) for v in value)
        case tuple() | list():
            return joined((cell(v, view, name, log) for v in value), view.t("、", ", "))
        case str() if name in {"text", "digest", "leaf"}:
            return code(value)
        case str() if name in labels.BUREAUS:
            return plain(view.bureau(value))
    return plain(value)


def record(log: str, position: int) -> Cell:
    """The permalink of a record."""
    return link(f"{log}:{position}", f"/records/{log}/{position}")


def attachment(value: Attachment, view: "View", log: str) -> Cell:
    """The link to an attachment that a record of this log names."""
    text = aside(_kind(value, view), size(value.size), view.lang)
    return link(text, f"/files/{quote(fetch.token(value.digest))}?log={log}")


def attachments(value: Any, view: "View", label: str = "") -> list[tuple[str, Attachment]]:
    """Every attachment inside a payload, in its order, with what it is called there."""
    if isinstance(value, Attachment):
        return [(label, value)]
    if isinstance(value, OutsideParty) and value.letter:
        return [(f"{value.name} {view.t(*labels.of('letter'))}", value.letter)]
    if isinstance(value, Value):
        owner = type(value).__name__
        parts = ((view.t(*labels.of(name, owner)), part) for name, part in value)
        return [found for said, part in parts for found in attachments(part, view, said)]
    if isinstance(value, tuple):
        return [found for part in value for found in attachments(part, view, label)]
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
    where = place(value.division, view)
    return plain(" ".join(filter(None, [where, None if value.name and value.name in where else value.name])))


def _outside(value: OutsideParty, view: "View", log: str) -> Cell:
    mark = view.t("单方登记", "recorded by one side")
    name = aside(value.name, value.kind.label(view.lang), view.lang)
    words = Cell(f"{name} {mark}", Markup('{} <span class="chip">{}</span>').format(name, mark))
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
