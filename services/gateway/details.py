"""One thing: its facts, the answers to it, what may be done now, and its history as sentences by day."""

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from events import errors
from events.event import Event, Key, Record
from events.history import GENERIC, Corrected, Voided, meant
from events.values import Attachment, Paper
from services.auditor import states
from services.gateway import kinds, lists, orders, shown, things
from services.gateway.paths import LogName, StreamName
from services.gateway.shown import Cell
from services.gateway.things import Answered, Kind, Thing
from services.gateway.view import View
from services.people import fetch
from services.runtime import clock

Part: TypeAlias = tuple[str, str]
_SHORT = 20_000
"""Bytes of a text that is opened within a history."""


@dataclass(frozen=True)
class Attached:
    """An attachment of a record: what it is, its link, and where its words are read if it is a plain text."""

    label: str
    cell: Cell
    text_at: str | None


@dataclass(frozen=True)
class Line:
    """One record in a history: what it says, when, who did it, what it rests on and what became of it."""

    record: Record[Event]
    sentence: str
    attachments: list[Attached]
    actor: str
    paper: Cell | None
    became: str
    changes: list[tuple[str, Cell, Cell]]
    correctable: bool


def router() -> APIRouter:
    """The page of every kind of thing, its texts, and the same in the API."""
    routes = APIRouter()
    for kind in kinds.KINDS:
        _add(routes, kind)
    return routes


def _add(routes: APIRouter, kind: Kind) -> None:
    def page(log: LogName, stream: StreamName, request: Request) -> HTMLResponse:
        view = View(request)
        return _show(view, kinds.find(view, log, stream, kind))

    def compared(log: LogName, stream: StreamName, request: Request) -> HTMLResponse:
        view = View(request)
        return _compare(view, kinds.find(view, log, stream, kind))

    def api(log: LogName, stream: StreamName, request: Request) -> JSONResponse:
        """Stage, newest value of each field, answers and whether they count, all records as sentences."""
        view = View(request)
        return _api(view, kinds.find(view, log, stream, kind))

    path = f"{kind.path}/{{log}}/{{stream}}"
    routes.add_api_route(path, page, methods=["GET"], include_in_schema=False)
    routes.add_api_route(f"{path}/texts", compared, methods=["GET"], include_in_schema=False)
    routes.add_api_route(
        f"/api/v1{path}", api, methods=["GET"], tags=["read"], summary=f"{kind.zh} · one of {kind.en}"
    )


def _show(view: View, thing: Thing) -> HTMLResponse:
    """The page of one thing, and how fresh its kind's read model is."""
    with view.reading(thing.kind.model):
        pass
    return view.page(
        "detail.html",
        thing=thing,
        facts=things.facts(thing, view),
        tables=thing.kind.tables(thing, view) if thing.state else [],
        offers=things.offers(thing, view),
        steps=things.steps(thing, view),
        days=history(view, thing),
        texts=texts(thing),
        parameters=orders.parameters,
        simple=orders.simple,
        attached=attached(view),
        paper=lambda record: paper(view, record, scanned=True),
    )


def _api(view: View, thing: Thing) -> JSONResponse:
    return lists.json(
        {
            "log": thing.log,
            "stream": thing.stream,
            "aggregateversion": thing.version,
            "stage": thing.stage,
            "fields": thing.payload,
            "asks": [ask.model_dump(mode="json") for ask in thing.asks],
            "answers": [_answer_json(answer) for answer in thing.answers],
            "history": [record_json(view, record) for record in thing.history()],
        }
    )


def _answer_json(answer: Answered) -> dict[str, object]:
    stage = getattr(answer.state, "stage", None)
    named = {"counts": answer.named, "too_late": answer.late}
    return {"log": answer.log, "stream": answer.stream, "stage": stage, **named}


def record_json(view: View, record: Record[Event]) -> dict[str, object]:
    """A record as the API lists it."""
    return {
        "log": record.log,
        "position": record.position,
        "time": record.time,
        "type": record.type,
        "stream": f"{record.aggregate}/{record.stream}",
        "aggregateversion": record.version,
        "actor": record.actor,
        "sentence": view.sentence(record),
        "data": record.data.model_dump(mode="json", exclude_none=True),
    }


def history(view: View, thing: Thing) -> list[tuple[str, list[Line]]]:
    """Its records and those of its answers, grouped by day, the newest day first."""
    view.know(thing.history())
    streams = (thing.records, *(answer.records for answer in thing.answers))
    lines = [_line(view, record, stream) for stream in streams for record in stream]
    lines.sort(key=lambda line: line.record.order, reverse=True)
    return [(day, list(group)) for day, group in groupby(lines, lambda line: day_of(view, line.record.time))]


def day_of(view: View, time: str) -> str:
    return view.day(clock.local(clock.moment(time)).date())


def _line(view: View, record: Record[Event], stream: Sequence[Record[Event]]) -> Line:
    """`stream` is the whole of the record's own, with what it goes on from or goes on in."""
    later = _changing(record, stream)
    mine = view.officer is not None and stream[-1].log == _own_log(view)
    still = not any(isinstance(r.data, Voided) for r in later)
    fact = not isinstance(record.data, GENERIC)
    return Line(
        record,
        view.sentence(record),
        [_attached(*a, view, record.log) for a in shown.attachments(record.data, view)],
        view.actor(record.actor),
        paper(view, record, scanned=False),
        _became(view, later),
        _changes(view, record, stream),
        mine and still and fact and things.may_be_corrected(record.aggregate),
    )


def _changing(record: Record[Event], stream: Sequence[Record[Event]]) -> list[Record[Event]]:
    """The corrections and voidings of a record."""
    keys = {each.key for each in stream}
    return [r for r in stream if _changed(r, keys) == record.key]


def _changed(record: Record[Event], keys: Collection[Key]) -> Key | None:
    """The record of the same stream that a correction or voiding names; None for any other record."""
    at = states.changed(record.data)
    return next((key for key in meant(record, at) if key in keys), None) if at is not None else None


def _attached(label: str, value: Attachment, view: View, log: str) -> Attached:
    plain = value.mediatype == "text/plain" and value.size <= _SHORT
    at = f"/files/{fetch.token(value.digest)}/words?log={log}" if plain else None
    return Attached(label, shown.attachment(value, view, log), at)


def paper(view: View, record: Record[Event], *, scanned: bool) -> Cell | None:
    """The paper that a record rests on: its date, its number, and its scan; None for none."""
    found = getattr(record.data, "paper", None)
    if not isinstance(found, Paper):
        return None
    return shown.cell(found if scanned else found.model_copy(update={"scan": None}), view, "", record.log)


def _own_log(view: View) -> str:
    return view.site.log_of(view.officer.bureau) if view.officer else ""


def _became(view: View, later: Sequence[Record[Event]]) -> str:
    for other in reversed(later):
        if isinstance(other.data, Voided):
            return view.t(f"已由第{other.position}号记录作废", f"voided by record {other.position}")
        return view.t(f"已由第{other.position}号记录更正", f"corrected by record {other.position}")
    return ""


def _changes(
    view: View, record: Record[Event], stream: Sequence[Record[Event]]
) -> list[tuple[str, Cell, Cell]]:
    """What a correction changed: field, before, after."""
    if not isinstance(record.data, Corrected):
        return []
    before = _before(record, stream)
    if before is None:
        return []
    old, new = dict(shown.fields(before, view)), dict(shown.fields(record.data.new(), view))
    names = [*old, *(name for name in new if name not in old)]
    none = shown.plain("—")
    return [(n, old.get(n, none), new.get(n, none)) for n in names if old.get(n, none) != new.get(n, none)]


def _before(record: Record[Event], stream: Sequence[Record[Event]]) -> Event | None:
    """The payload that a correction replaced: the fact's own, or that of the correction before."""
    keys = {each.key for each in stream}
    fact = _changed(record, keys)
    found: Event | None = None
    for other in stream[: stream.index(record)]:
        if other.key == fact:
            found = other.data
        elif isinstance(other.data, Corrected) and _changed(other, keys) == fact:
            found = other.data.new()
    return found


def attached(view: View) -> Callable[[Attachment, str], Cell]:
    return lambda value, log: shown.attachment(value, view, log)


@dataclass(frozen=True)
class Text:
    """One version of a text, in the record that stated it."""

    record: Record[Event]
    attachment: Attachment


def texts(thing: Thing) -> list[Text]:
    """The versions of a thing's text, the oldest first."""
    named = ((record, getattr(record.data, "text", None)) for record in thing.facts)
    return [Text(record, text) for record, text in named if isinstance(text, Attachment)]


def _compare(view: View, thing: Thing) -> HTMLResponse:
    """The versions of a text, each with what it changed against the one before."""
    versions = [(text, content(view, text)) for text in texts(thing)]
    lines = [
        (text, None if now is None else marked(before or "", now))
        for (text, now), before in zip(versions, [None, *[c for _, c in versions]], strict=False)
    ]
    return view.page("texts.html", thing=thing, versions=lines, attached=attached(view))


def content(view: View, text: Text) -> str | None:
    """A plain text as the acting bureau may read it; None for other kinds of file."""
    if text.attachment.mediatype != "text/plain":
        return None
    if view.officer is None:
        raise errors.NotAllowed("choose who acts: the text is for the bureaus concerned")
    found, kind = view.site.attachments.get(text.attachment.digest, view.officer.bureau, text.record.log)
    return found.decode(kind.rpartition("charset=")[2] or "utf-8")


def marked(before: str, after: str) -> list[list[Part]]:
    """The lines of a text, each as parts: '' for kept, `ins` for new, `del` for gone."""
    old, new = before.splitlines(), after.splitlines()
    if not before:
        return [[("", line)] for line in new]
    found: list[list[Part]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [[("", line)] for line in new[c:d]]
        elif b - a == d - c:
            found += [_within(one, other) for one, other in zip(old[a:b], new[c:d], strict=True)]
        else:
            found += [*([("del", line)] for line in old[a:b]), *([("ins", line)] for line in new[c:d])]
    return found


def _within(before: str, after: str) -> list[Part]:
    """One line's changes, letter by letter."""
    found: list[Part] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("", after[c:d]))
        else:
            found += [(mark, part) for mark, part in (("del", before[a:b]), ("ins", after[c:d])) if part]
    return found
