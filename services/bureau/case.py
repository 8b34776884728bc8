"""A case (办件): what one command's decision may read, and the facts it decides, before they are recorded."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple, Protocol

from events import catalogue, divisions, envelope, errors, loops
from events.event import Event, Key, Record
from events.history import Aggregate, Continued, stream_of
from events.loops import Ask, Role
from events.values import Reference
from services.bureau import claims, days, references
from services.ledger.append import Claim
from services.ledger.closing import Closing
from services.ledger.recorder import Fact

_PENDING = 2**52
"""Positions of facts that have none yet: after every real one, in order."""


class Officer(NamedTuple):
    """Who acts: an officer of a bureau in a role; `system` acts for timers and has no uuid."""

    id: str
    bureau: str
    role: Role

    @property
    def actor(self) -> str:
        """As it stands in the envelope."""
        return "system" if self.id == "system" else f"officer/{self.id}"


@dataclass
class Stream:
    """A stream and what it says: its state, its records in order, and how many of them are recorded."""

    aggregate: Aggregate
    log: str
    id: str
    records: list[Record[Event]]
    state: Any
    version: int

    def latest(self, *kinds: type[Event]) -> Record[Event] | None:
        """The last record of one of these kinds."""
        return next((r for r in reversed(self.records) if isinstance(r.data, kinds)), None)


class Reading(Protocol):
    """What a decision may look up beside its own streams; every answer comes from verified records."""

    def own(self, stream: str) -> list[Record[Event]]: ...
    def held(self, stream: str) -> tuple[list[Record[Event]], int]: ...
    def history(self, log: str, stream: str) -> list[Record[Event]]: ...
    def record(self, key: Key) -> Record[Event]: ...
    def end(self, log: str) -> tuple[int, bytes]: ...
    def closing(self, log: str) -> Closing | None: ...
    def closings(self) -> Iterable[Closing]: ...
    def streams(self, closed: Closing) -> Iterator[list[Record[Event]]]: ...
    def holder(self, log: str, kind: str, key: str) -> str | None: ...
    def answers(self, log: str, stream: str) -> list[Key]: ...
    def in_force(self, ours: Sequence[str], theirs: Sequence[str], subject: str, day: date) -> Key | None: ...


@dataclass
class Case:
    """One command being decided. `facts` is what will be recorded if nothing refuses.

    `released`: the leader's word lies with it.
    """

    alliance: str
    log: str
    command: str
    officer: Officer
    today: date
    reading: Reading
    workdays: Callable[[date, int], date]
    if_match: int | None = None
    released: bool = False
    pending: Mapping[str, Stream] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    releases: list[tuple[str, str]] = field(default_factory=list)
    expects: dict[str, int] = field(default_factory=dict)
    _started: int = 0

    @property
    def bureau(self) -> str:
        """The code of the bureau that decides."""
        return self.log[:6]

    def due(self, days: int) -> date:
        """The deadline `days` working days from today, holidays counted out (fixed in the event)."""
        return self.workdays(self.today, days)

    def ask(self, bureaus: Iterable[str], days: int, role: Role = Role.CLERK) -> tuple[Ask, ...]:
        """Questions to other bureaus, each once, each with the same deadline. Raises Invalid."""
        codes = sorted(set(bureaus))
        if self.bureau in codes:
            raise errors.Invalid("a bureau cannot ask itself; leave your own code out", field="bureaus")
        return tuple(Ask(bureau=code, role=role, due=self.due(days)) for code in codes)

    def own(self, aggregate: str, stream: str) -> Stream:
        """An own stream. Raises NotFound, Conflict when void, Stale when `If-Match` names another version."""
        found = self.streams.get(stream) or self._taken_over(stream)
        found = found or self._load(aggregate, self.log, stream, *self.reading.held(stream))
        seen = found.records[-1].version  # who reads it does not see the version of a redacted record
        if self.if_match not in {None, seen}:
            raise errors.Stale(f"you saw version {self.if_match}, now it is {seen}; read it again")
        self.if_match = None  # it speaks of the one stream that the command names first
        return _standing(found)

    def _taken_over(self, stream: str) -> Stream | None:
        """A copy of a stream that an earlier command of this transaction wrote: a refusal spoils nothing."""
        found = self.pending.get(stream)
        if found is not None:
            self.streams[stream] = replace(found, records=list(found.records))
        return self.streams.get(stream)

    def read(self, aggregate: str, stream: str) -> Stream:
        """An own stream that the decision only reads: the append refuses if it moves meanwhile."""
        found = self.own(aggregate, stream)
        self.expects[stream] = found.version
        return found

    def theirs(self, aggregate: str, log: str, stream: str) -> Stream:
        """Another bureau's stream, as far as checkpoints cover it. Raises NotFound, Conflict when void."""
        return _standing(self._load(aggregate, log, stream, self.reading.history(log, stream), 0))

    def _load(
        self, aggregate: str, log: str, stream: str, records: list[Record[Event]], version: int
    ) -> Stream:
        kind = catalogue.AGGREGATES[aggregate]
        if not records or records[0].aggregate != aggregate or records[-1].log != log:
            raise errors.NotFound(f"there is no {kind.en} {stream[:8]} of {log} here", field="stream")
        try:
            state = kind.fold(records)
        except errors.ImpossibleHistory:  # what made sense of it was redacted
            raise errors.Conflict("what is left of this no longer makes sense; begin a new one") from None
        loaded = Stream(kind, log, stream, records, state, max(version, records[-1].version))
        if log == self.log:
            self.streams[stream] = loaded
        return loaded

    def start(
        self, aggregate: str, event: Event, *, cause: Record[Event] | None = None, basis: Iterable[Key] = ()
    ) -> Stream:
        """A new stream with its first fact; `cause` is the record of another stream that it follows from."""
        kind = catalogue.AGGREGATES[aggregate]
        space = envelope.namespace(self.alliance, self.log)
        stream = Stream(kind, self.log, envelope.subject_id(space, self.command, self._started), [], None, 0)
        self._started += 1
        self.streams[stream.id] = stream
        self.add(stream, event, cause=cause, basis=basis)
        return stream

    def go_on(self, records: list[Record[Event]], event: Continued, basis: Iterable[Key]) -> Stream:
        """The stream in which another log's goes on, with its first fact; `records` are the old one's."""
        last = records[-1]
        kind = catalogue.AGGREGATES[last.aggregate]
        name = stream_of(last.log, last.stream, self.log)
        stream = Stream(kind, self.log, name, list(records), kind.fold(records), 0)
        self.streams[name] = stream
        self.add(stream, event, basis=basis)
        return stream

    def standing_for(self, bureaus: Collection[str], log: str) -> dict[str, Key]:
        """Those of the bureaus in whose place `log` speaks since theirs was closed, with the closings."""
        return {
            c.log[:6]: c.record.key
            for c in self.reading.closings()
            if c.record and log in c.succession.logs and c.log[:6] in bureaus
        }

    def _closings(self, stream: Stream, event: Event) -> set[Key]:
        """The closings that an answer in another's place rests on, and a settlement that names such a one."""
        match event:
            case loops.Answer():
                return {
                    c.record.key
                    for c in self.reading.closings()
                    if c.record and self.log in c.succession.logs
                }
            case loops.Settling(answers=answers):
                asked = {ask.bureau for ask in getattr(stream.state, "asks", ())}
                logs = {answer.log for answer in answers if answer.log[:6] not in asked}
                return {key for log in logs for key in self.standing_for(asked, log).values()}
        return set()

    def add(
        self, stream: Stream, event: Event, *, cause: Record[Event] | None = None, basis: Iterable[Key] = ()
    ) -> None:
        """One more fact in an own stream.

        Raises Conflict when it cannot follow what stands there, Invalid when it cannot be of that day.
        """
        days.check(event, stream.state, self.today)
        space = envelope.namespace(self.alliance, self.log)
        identity = envelope.event_id(space, self.command, len(self.facts))
        first = stream.records[0] if stream.records else None
        fact = Fact(
            self.alliance, self.log, identity, stream.aggregate.name, stream.id, stream.version + 1,
            self.officer.actor, event, cause.id if cause else None, _correlation(identity, first, cause),
            tuple(sorted({
                *event.references(), *basis, *([cause.key] if cause else []), *self._closings(stream, event),
            })),
        )  # fmt: skip
        record = _pending(fact, len(stream.records))
        try:
            state = stream.aggregate.fold([*stream.records, record])
        except errors.ImpossibleHistory as error:
            raise errors.Conflict(f"not possible now: {error.message}") from None
        stream.records.append(record)
        stream.state, stream.version = state, fact.version
        self.facts.append(fact)
        for kind, key in claims.of(state, event):
            self.claim(kind, key, stream)

    def reference(self, record: Record[Event]) -> Reference:
        """Names a record by log, position and leaf. Raises references.Pending when it has no position yet."""
        return references.to(record)

    def opened(self, subject: str, others: Iterable[str]) -> tuple[Reference, ...]:
        """What opens a subject with each of the others: entries into force, if any is needed.

        A memorandum also covers the bureaus below its parties. Raises MissingMemorandum naming whom it lacks.
        """
        found = {self._opening(subject, other) for other in others}
        return tuple(self.reference(self.reading.record(key)) for key in sorted(k for k in found if k))

    def _opening(self, subject: str, other: str) -> Key | None:
        if divisions.in_line_of_authority(self.bureau, other):
            return None
        ours, theirs = (self.bureau, *divisions.above(self.bureau)), (other, *divisions.above(other))
        key = self.reading.in_force(ours, theirs, subject, self.today)
        if key is None:
            raise errors.MissingMemorandum(
                f"no memorandum in force opens {subject} between {self.bureau} and {other}: conclude one",
            )
        return key

    def bind(self) -> None:
        """What is decided binds the bureau, though its kind of command need not. Raises Unreleased."""
        if not self.released:
            raise errors.Unreleased("this binds the bureau; its leader must release it")

    def claim(self, kind: str, key: str, stream: Stream) -> None:
        """Hold something that can be held once; the append refuses with Taken."""
        self.claims.append(Claim(kind, key, stream.id))

    def release(self, kind: str, key: str) -> None:
        """Let go of a claim."""
        self.releases.append((kind, key))


def _standing(stream: Stream) -> Stream:
    """Raises Conflict for a stream of which no fact stands any more: nothing can be done with it."""
    if stream.state is None:
        raise errors.Conflict(f"this {stream.aggregate.en} was voided; record it anew")
    return stream


def _correlation(identity: str, first: Record[Event] | None, cause: Record[Event] | None) -> str:
    if first is not None:
        return first.correlation or first.id
    return (cause.correlation or cause.id) if cause else identity


def _pending(fact: Fact, index: int) -> Record[Event]:
    return Record(
        fact.log, _PENDING + index, "", fact.id, fact.data.type, fact.aggregate, fact.stream, fact.version,
        fact.actor, fact.causation, fact.correlation, fact.basis, fact.data,
    )  # fmt: skip
