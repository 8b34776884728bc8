"""Streams as histories: aggregates, corrections, voidings, other logs to go on in; and their states."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import new_class
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import Field, JsonValue

from events import errors, loops
from events.event import Event, Key, Record, fixed
from events.values import Digest, Log, Position, Reference, Subject, Value, Why


class Corrected(Event):
    """A recorded fact was wrong: the complete new payload takes the old one's place (更正)."""

    corrects: Position
    reason: Why
    fact: Annotated[str, Field(pattern=r"^yinqiao\.[a-z0-9.-]+\.v[1-9][0-9]*$")]
    payload: dict[str, JsonValue]

    def cited(self) -> list[Reference]:
        """The new payload's references too: they stand in the correction's own basis.

        Raises Damage or UnknownType when the payload is none of its fact.
        """
        return [*super().cited(), *self.new().cited()]

    def new(self) -> Event:
        """The new payload in the newest version. Raises Damage, UnknownType."""
        from events import catalogue  # (the catalogue lists the contexts, which import this module)

        return catalogue.decode_value(self.fact, self.payload)


class Voided(Event):
    """A recorded fact never was: it is left out when the stream is folded (作废)."""

    voids: Position
    reason: Why


class Continues(Value):
    """The last record of a stream whose log was closed; `subject` is the stream there."""

    log: Log
    subject: Subject
    version: Annotated[int, Field(ge=1, le=999_999_999)]
    position: Position
    leaf: Digest

    @property
    def key(self) -> Key:
        """(log, position)."""
        return self.log, self.position


class Continued(Event):
    """A stream of a log that was closed goes on here, as the first record of its new stream (续接).

    Folding the new stream is folding the old one's facts up to `continues`, then the new ones.
    """

    continues: Continues

    def cited(self) -> list[Reference]:
        """The old stream's last record."""
        old = self.continues
        return [Reference(log=old.log, position=old.position, leaf=old.leaf)]


GENERIC = (Corrected, Voided, Continued)
"""What every aggregate has, and what is no fact itself."""


def stream_of(log: str, subject: str, successor: str) -> str:
    """The one stream of `successor` in which a stream of `log` can go on: the old one gives its name."""
    return str(uuid5(UUID(subject), f"{log}/{successor}"))


def _continued(context: str, aggregate: str) -> type[Event]:
    """The event with which streams of an aggregate go on, the same for all of them."""
    text = {
        "__doc__": "A stream of a log that was closed goes on here.",
        "__module__": __name__,
        "zh": "{bureau}续接原日志的记录",
        "en": "{bureau} goes on with what another log began",
    }
    name = "".join(part.capitalize() for part in aggregate.split("-")) + "Continued"
    stored = f"yinqiao.{context}.{aggregate}-continued.v1"
    return new_class(name, (Continued,), {"type": stored}, lambda space: space.update(text))


@dataclass(frozen=True)
class Aggregate:
    """One kind of stream: its name in `subject`, its labels, its events, and what they make of it.

    `evolve(state | None, record)` gives the next state and raises ImpossibleHistory for what cannot follow.
    `over` are the stages after which nothing is left to do: such streams stay in a log that is closed.
    """

    name: str
    context: str
    zh: str
    en: str
    events: tuple[type[Event], ...]
    evolve: Callable[[Any, Record[Event]], Any]
    over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Streams of every kind can go on in another log."""
        object.__setattr__(self, "events", (*self.events, _continued(self.context, self.name)))

    def is_over(self, state: Any) -> bool:  # as `fold` gives it
        """Whether a stream in this state is finished."""
        return getattr(state, "stage", None) in self.over

    def fold(self, history: Iterable[Record[Event]]) -> Any:  # each aggregate has a state type of its own
        """The state of a stream; None for no events. Raises ImpossibleHistory."""
        state = None
        for record in effective(list(history)):
            state = self.evolve(state, record)
        return state


def effective(history: Sequence[Record[Event]]) -> list[Record[Event]]:
    """The history with corrections put in place and voided facts left out, corrections themselves dropped.

    The history of a stream that goes on from another log begins with the records of the old one. Raises
    ImpossibleHistory when a correction or voiding names nothing in this stream before it, or a fact of
    another type, when a correction changes what it may not, or when a stream goes on from another one than
    is given.
    """
    facts: dict[Key, Record[Event]] = {}
    before: Record[Event] | None = None
    for record in history:
        match record.data:
            case Corrected() as correction:
                key = _meant(facts, record, correction.corrects)
                new = corrected_payload(correction, facts[key])
                _check_may_change(facts[key].data, new, facts.values())
                facts[key] = facts[key].with_data(new)
            case Voided(voids=position):
                del facts[_meant(facts, record, position)]
            case Continued(continues=old):
                _check_goes_on(before, old)
            case _:
                facts[record.key] = record
        before = record
    return list(facts.values())


def meant(record: Record[Event], position: int) -> tuple[Key, ...]:
    """The facts that a correction or voiding can name by a position, the likelier first.

    In a stream that goes on from another log it names a fact of that log when its basis holds that record.
    """
    return (
        *(key for key in record.basis if key[1] == position and key[0] != record.log),
        (record.log, position),
    )


def _meant(facts: dict[Key, Record[Event]], record: Record[Event], position: int) -> Key:
    for key in meant(record, position):
        if key in facts:
            return key
    raise errors.ImpossibleHistory(f"no fact at position {position} of this stream to correct or void")


def _check_goes_on(before: Record[Event] | None, old: Continues) -> None:
    """A gap at the old stream's end is allowed: what a person skipped is not given."""
    if (
        before is None
        or (before.log, before.stream) != (old.log, old.subject)
        or before.position > old.position
    ):
        raise errors.ImpossibleHistory(
            f"goes on from {old.log}:{old.position}, which does not stand before it"
        )


def corrected_payload(correction: Corrected, old: Record[Event]) -> Event:
    """The new payload in the newest version. Raises ImpossibleHistory when it is no payload of the fact."""
    new = correction.new()
    if type(new) is not type(old.data):
        raise errors.ImpossibleHistory(f"a correction of {old.type} cannot be a {correction.fact}")
    return new


def unchangeable(fact: Event, facts: Iterable[Record[Event]]) -> frozenset[str]:
    """The fields of a fact that no correction changes now; `facts` are those in effect in its stream.

    References and questions never; terms once anybody was asked in the stream: others agreed to them.
    """
    asked = bool(fact.terms) and loops.asked(record.data for record in facts)
    return fixed(type(fact)) | (fact.terms if asked else frozenset())


def changed(old: Event, new: Event) -> list[str]:
    """The fields in which two payloads of one kind differ."""
    return [name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]


def _check_may_change(old: Event, new: Event, facts: Iterable[Record[Event]]) -> None:
    if not_these := unchangeable(old, facts).intersection(changed(old, new)):
        raise errors.ImpossibleHistory(f"a correction cannot change {', '.join(sorted(not_these))} here")


def impossible(state: object, record: Record[Event]) -> errors.ImpossibleHistory:
    """The error for the last branch of every `evolve`."""
    stage = getattr(state, "stage", None)
    return errors.ImpossibleHistory(f"{record.type} cannot follow {stage or 'nothing'}")
