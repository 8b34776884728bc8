"""What a context shows: one `Kind` for each thing that has a list, a page of its own and commands.

A context's module says columns, filters, facts and which command belongs to which stage; everything else
(pages, forms, exports, API) is made from that. `Thing` is one of them, read from the ledger itself, so that
its own bureau sees a command's effect at once; answers of other bureaus come through the inbox's questions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from events import catalogue, errors, loops
from events.event import Event, Key, Record
from events.history import Aggregate, Corrected, Voided, effective
from events.loops import Answer, Ask, Asking, PassedOn
from events.values import Reference
from projections.model import ReadModel
from services.bureau.commands import Command
from services.gateway import shown
from services.gateway.shown import Cell
from services.ledger import closing, heirs, read
from services.runtime.database import Connection

if TYPE_CHECKING:
    from services.gateway.view import View

Words = tuple[str, str]
"""(zh, en)."""


@dataclass(frozen=True)
class Column:
    """One column of a list; `show` gives the cell of a row."""

    zh: str
    en: str
    show: Callable[[Any, "View"], Cell]


@dataclass(frozen=True)
class Filter:
    """One condition in a list's address: one of `options`, (value, label), or a typed `date` or `text`."""

    name: str
    zh: str
    en: str
    options: Callable[["View"], Sequence[tuple[str, str]]] | None = None
    typed: str = "date"


@dataclass(frozen=True)
class Stage:
    """What a stage is called; tone: '', good, wait, bad."""

    zh: str
    en: str
    tone: str = ""


@dataclass(frozen=True)
class Option:
    """Something to pick in a form; `why` says why it cannot be."""

    value: str
    label: str
    why: str = ""


@dataclass
class Answered:
    """What one bureau answered in its own stream; `late`: the asker closed the question without it.

    `log` and `stream` are where it stands now; what was said before its log was closed stays its bureau's.
    """

    aggregate: Aggregate
    log: str
    stream: str
    records: list[Record[Event]]
    facts: list[Record[Event]]
    state: Any
    last: Record[Any] | None
    named: bool = False
    late: bool = False

    @property
    def bureau(self) -> str:
        """Who said the last word."""
        return (self.last or self.records[-1]).log[:6]


@dataclass
class Thing:
    """One stream with its facts and the answers to its questions.

    `stands`: who stands for a bureau whose log is closed; `closed`: its own is, and nobody goes on with it.
    """

    kind: "Kind"
    log: str
    stream: str
    records: list[Record[Event]]
    facts: list[Record[Event]]
    state: Any
    answers: list[Answered] = field(default_factory=list)
    stands: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False

    @property
    def bureau(self) -> str:
        return self.log[:6]

    def now(self, bureau: str) -> str:
        """Who stands for a bureau, mostly itself."""
        return self.stands.get(bureau, bureau)

    def place(self, key: Key) -> int:
        """Which of its facts a record is, in order; -1 for none."""
        return next((n for n, record in enumerate(self.facts) if record.key == key), -1)

    @property
    def version(self) -> int:
        return self.records[-1].version

    @property
    def stage(self) -> str:
        return str(getattr(self.state, "stage", ""))

    @property
    def asks(self) -> tuple[Ask, ...]:
        """Who is asked now."""
        return tuple(getattr(self.state, "asks", ()))

    @property
    def path(self) -> str:
        """Its permalink."""
        return f"/{self.kind.context}/{self.kind.aggregate}/{self.log}/{self.stream}"

    @property
    def payload(self) -> dict[str, Any]:
        """The newest value of every field that its facts have stated, as JSON."""
        found: dict[str, Any] = {}
        for record in self.facts:
            found |= record.data.model_dump(mode="json", exclude_none=True)
        return found

    def title(self, view: "View") -> str:
        """What it is called: its own title, what its kind makes of it, or its kind and number."""
        title = self.payload.get("title") or self.kind.title(self, view)
        return str(title or f"{view.t(self.kind.zh, self.kind.en.capitalize())} {self.stream[:8]}")

    def latest(self, *kinds: type[Event]) -> Any:
        """The newest payload of one of these kinds; None for none."""
        return next((r.data for r in reversed(self.facts) if isinstance(r.data, kinds)), None)

    def question_to(self, bureau: str) -> Record[Event] | None:
        """The record that asks a bureau and waits for its answer."""
        meant = {a.bureau for a in self.asks if self.now(a.bureau) == self.now(bureau)}
        for record in reversed(self.facts) if meant else ():
            if isinstance(record.data, (loops.Settling, loops.Ending)):
                return None
            if any(_asks(record, each) for each in meant):
                return None if self._answered(record, bureau) else record
        return None

    def _answered(self, question: Record[Event], bureau: str) -> bool:
        mine = self.mine(bureau)
        if mine is None or mine.last is None:
            return False
        named = mine.last.data.question
        return self.place((named.log, named.position)) >= self.place(question.key)

    def mine(self, bureau: str) -> Answered | None:
        """What a bureau has answered, if it has, or the one in whose place it stands."""
        return next((a for a in self.answers if self.now(a.bureau) == self.now(bureau)), None)

    def due(self, bureau: str) -> date | None:
        return next((a.due for a in self.asks if self.now(a.bureau) == self.now(bureau)), None)

    def history(self) -> list[Record[Event]]:
        """All its records and those of its answers, the oldest first."""
        return sorted([*self.records, *(r for a in self.answers for r in a.records)], key=lambda r: r.order)


def _asks(record: Record[Event], bureau: str) -> bool:
    match record.data:
        case PassedOn(to=to):
            return to.bureau == bureau
        case Asking(asks=asks):
            return any(a.bureau == bureau for a in asks)
    return False


@dataclass(frozen=True)
class Kind:
    """One kind of thing; `rows(conn, conditions, today, limit, after)` is its list's query.

    `steps`: what its own bureau may do at a stage. `answers`: what a bureau that is asked may answer, in
    streams of `answered_in`; `after`: what it may do once it has answered so. `others`: what any bureau may
    do at a stage. `values` gives a command's fields that the page knows, or None when the command makes no
    sense yet. `facts` and `tables` stand on its page beside what its events say; `tabled` are events that
    only a table shows; `title` names those whose events have none; `renamed`: what the API calls columns of
    a row.
    """

    aggregate: str
    context: str
    zh: str
    en: str
    model: ReadModel
    rows: Callable[[Connection, Mapping[str, Any], date, int, Any], Sequence[Any]]
    cursor: TypeAdapter[Any]
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    stages: Mapping[str, Stage]
    begin: tuple[type[Command], ...] = ()
    steps: Mapping[str, tuple[type[Command], ...]] = field(default_factory=dict)
    answers: tuple[type[Command], ...] = ()
    answered_in: tuple[str, ...] = ()
    after: Mapping[str, tuple[type[Command], ...]] = field(default_factory=dict)
    others: Mapping[str, tuple[type[Command], ...]] = field(default_factory=dict)
    values: Callable[[Thing, type[Command], "View"], Mapping[str, Any] | None] = lambda _t, _c, _v: {}
    facts: Callable[[Thing, "View"], list[tuple[str, Cell]]] = lambda _thing, _view: []
    tables: Callable[[Thing, "View"], list["Table"]] = lambda _thing, _view: []
    tabled: tuple[type[Event], ...] = ()
    title: Callable[[Thing, "View"], str | None] = lambda _thing, _view: None
    renamed: Mapping[str, str] = field(default_factory=dict)
    empty: Words = ("", "")

    @property
    def path(self) -> str:
        """Its list."""
        return f"/{self.context}/{self.aggregate}"

    def stage(self, name: str) -> Stage:
        return self.stages.get(name, Stage(name, name))


@dataclass(frozen=True)
class Table:
    """A table on the page of a thing."""

    zh: str
    en: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Offer:
    """A command that is possible now, with the fields that are known already."""

    command: type[Command]
    values: Mapping[str, Any]
    version: int | None = None
    asked: str | None = None

    @property
    def path(self) -> str:
        return f"/forms/{self.command.context}/{self.command.name}"


def load(
    conn: Connection, kind: Kind, log: str, stream: str, answers: Iterable[tuple[str, str]] = ()
) -> Thing:
    """Read one thing and the streams that answer it. Raises NotFound; what does not fold has no state."""
    records = read.history(conn, log, stream)
    if not records or records[0].aggregate != kind.aggregate:
        raise errors.NotFound(f"there is no {kind.en} {stream[:8]} of {log} here")
    facts, state = _fold(records)
    found = Thing(kind, log, stream, records, facts, state, stands=heirs.stand(conn))
    found.closed = closing.of(conn, log) is not None
    found.answers = [_answered(found, read.history(conn, *each)) for each in answers]
    return found


def _fold(records: list[Record[Event]]) -> tuple[list[Record[Event]], Any]:
    try:
        return effective(records), catalogue.AGGREGATES[records[0].aggregate].fold(records)
    except errors.ImpossibleHistory:
        return records, None


def _answered(thing: Thing, records: list[Record[Event]]) -> Answered:
    facts, state = _fold(records)
    now = records[-1]
    last: Record[Any] | None = next((r for r in reversed(facts) if isinstance(r.data, Answer)), None)
    found = Answered(catalogue.AGGREGATES[now.aggregate], now.log, now.stream, records, facts, state, last)
    named = {
        (a.log, a.position) for r in thing.facts if isinstance(r.data, loops.Settling) for a in r.data.answers
    }
    found.named = any(r.key in named for r in facts)
    if (
        last is not None
        and not isinstance(last.data, (loops.Declined, loops.Returned))
        and last.key not in named
    ):
        found.late = _closed_after(thing, last.data.question)
    return found


def question_of(records: Sequence[Record[Event]]) -> Key:
    """The record that a stream of answers answers. Raises NotFound."""
    for record in records:
        if isinstance(record.data, Answer):
            return record.data.question.log, record.data.question.position
    raise errors.NotFound("there is no such thing here")


def _closed_after(thing: Thing, question: Reference) -> bool:
    later = thing.facts[thing.place((question.log, question.position)) + 1 :]
    return any(isinstance(r.data, (loops.Settling, loops.Ending)) for r in later)


def offers(thing: Thing, view: "View") -> list[Offer]:
    """What the acting officer's bureau may do with it now."""
    if thing.state is None or view.officer is None:
        return []
    kind, bureau = thing.kind, view.officer.bureau
    if thing.bureau == bureau:
        named = {"stream": thing.stream}
        steps_ = () if thing.closed else kind.steps.get(thing.stage, ())
        found = [_offer(thing, command, view, named, thing.version) for command in steps_]
    else:
        named = {"log": thing.log, "stream": thing.stream}
        asked = kind.answers if thing.question_to(bureau) is not None else ()
        found = [
            _offer(thing, command, view, named) for command in (*asked, *kind.others.get(thing.stage, ()))
        ]
        if (mine := thing.mine(bureau)) is not None:
            found += [
                _after(thing, c, view, mine)
                for c in kind.after.get(str(getattr(mine.state, "stage", "")), ())
            ]
    return [offer for offer in found if offer is not None]


def _after(thing: Thing, command: type[Command], view: "View", mine: Answered) -> Offer | None:
    if "log" in command.model_fields:
        return _offer(thing, command, view, {"log": thing.log, "stream": thing.stream})
    return _offer(thing, command, view, {"stream": mine.stream}, mine.records[-1].version)


def _offer(
    thing: Thing, command: type[Command], view: "View", named: dict[str, Any], version: int | None = None
) -> Offer | None:
    values = thing.kind.values(thing, command, view)
    return None if values is None else Offer(command, {**named, **values}, version)


def facts(thing: Thing, view: "View") -> list[tuple[str, Cell]]:
    """The newest value of every field that its facts have stated, labelled, and what its kind adds."""
    found: dict[str, Cell] = {}
    apart: tuple[type, ...] = (loops.Extended, PassedOn, loops.Reminded, *thing.kind.tabled)
    for record in thing.facts:
        if not isinstance(record.data, apart):
            found |= dict(shown.fields(record.data, view, _APART, thing.log))
    return [
        (view.t("发起单位", "bureau"), shown.plain(view.bureau(thing.bureau))),
        *found.items(),
        *thing.kind.facts(thing, view),
    ]


_APART = frozenset({"title", "asks", "answers", "question", "text", "batch"})
"""Fields that have a place of their own on the page."""


def steps(thing: Thing, view: "View") -> list[Offer]:
    """What the asker may do with each bureau that it waits for: remind, give more time, turn to another."""
    if view.officer is None or thing.bureau != view.officer.bureau or thing.closed:
        return []
    waiting = [ask for ask in thing.asks if thing.question_to(ask.bureau) is not None]
    return [offer for ask in waiting for offer in steps_for(thing.kind.aggregate, thing.stream, ask.bureau)]


def steps_for(aggregate: str, stream: str, bureau: str) -> list[Offer]:
    """The steps of a loop that its aggregate has events for."""
    from services.bureau.loops import Extend, PassOn, Remind

    known = catalogue.AGGREGATES[aggregate].events
    pairs = ((Remind, loops.Reminded), (Extend, loops.Extended), (PassOn, PassedOn))
    values = {"aggregate": aggregate, "stream": stream, "bureau": bureau}
    return [
        Offer(command, values, None, bureau)
        for command, event in pairs
        if any(issubclass(e, event) for e in known)
    ]


def may_be_corrected(aggregate: str) -> bool:
    """Whether facts of such streams can be corrected and voided."""
    return any(issubclass(e, (Corrected, Voided)) for e in catalogue.AGGREGATES[aggregate].events)
