"""Correcting and voiding any recorded fact, with a reason; history keeps the first writing (更正、作废).

What a correction may change, `events.history.unchangeable` says, for this node and all others. What was
recorded at the leader's word, and what others rely on, is changed at the leader's word.
"""

from typing import Annotated, TypeVar

from pydantic import Field, JsonValue

from events import catalogue, errors, history, loops
from events.event import Event, Key, Record
from events.history import Corrected, Voided, effective
from events.values import Log, Position, Why
from services.bureau import claims, days, places
from services.bureau.case import Case, Stream
from services.bureau.commands import Command, decides
from services.bureau.loops import Aggregate, StreamId

_E = TypeVar("_E", bound=Event)


class Correct(Command, name="correct", context="record", zh="更正", en="Correct", changes=True):
    """Replace a fact's payload: the fields given take the place of the recorded ones.

    `log` is where the fact stands, when that is not where its stream goes on now.
    """

    aggregate: Aggregate
    stream: StreamId
    position: Position
    log: Log | None = None
    reason: Why
    payload: Annotated[dict[str, JsonValue], Field(min_length=1, max_length=60)]


class Void(Command, name="void", context="record", zh="作废", en="Void", changes=True):
    """Take a fact out of all figures; `log` is where it stands, when its stream goes on elsewhere now."""

    aggregate: Aggregate
    stream: StreamId
    position: Position
    log: Log | None = None
    reason: Why


@decides(Correct)
def correct(case: Case, command: Correct) -> None:
    """The complete new payload is the recorded one with the given fields changed."""
    stream = case.own(command.aggregate, command.stream)
    fact = _fact(stream, command)
    payload, new = _corrected(fact, command)
    _check_may_change(stream, fact.data, new)
    days.check(new, stream.state, case.today)
    places.check(new, case.today, fact.data)
    kind = _kind(command.aggregate, Corrected)
    event = kind(corrects=command.position, reason=command.reason, fact=fact.data.type, payload=payload)
    _add(case, stream, event, [*new.references(), *_elsewhere(case, fact)])
    if fact.data.binding:
        case.bind()


@decides(Void)
def void(case: Case, command: Void) -> None:
    """The fact is left out; refused when what follows could not stand without it."""
    stream = case.own(command.aggregate, command.stream)
    fact = _fact(stream, command)
    relied_on = isinstance(fact.data, loops.STEPS) and loops.asked(_facts(stream))
    kind = _kind(command.aggregate, Voided)
    _add(case, stream, kind(voids=command.position, reason=command.reason), _elsewhere(case, fact))
    if fact.data.binding or relied_on:
        case.bind()


def _corrected(fact: Record[Event], command: Correct) -> tuple[dict[str, JsonValue], Event]:
    """The new payload, as it will stand and as it is read. Raises Invalid, Conflict."""
    payload = complete(fact.data, command)
    try:
        new = catalogue.decode_value(fact.data.type, payload)
    except errors.BadRecord as error:
        raise errors.Invalid(error.message, field="payload") from None
    if new == fact.data:
        raise errors.Conflict("the correction changes nothing")
    return payload, new


def complete(fact: Event, command: Correct) -> dict[str, JsonValue]:
    """The payload that a correction would give a fact, unread."""
    payload = {**fact.model_dump(mode="json", exclude_none=True), **command.payload}
    return {name: value for name, value in payload.items() if value is not None}


def _check_may_change(stream: Stream, old: Event, new: Event) -> None:
    fixed = history.unchangeable(old, effective(stream.records))
    for name in history.changed(old, new):
        if name in old.terms and name in fixed:
            raise errors.Conflict(
                f"{name}: others were asked on this; change or withdraw it and ask anew", field=name
            )
        if name in fixed:
            raise errors.Invalid(
                f"{name}: no correction changes this; void it and record it anew", field=name
            )


def _add(case: Case, stream: Stream, event: Event, basis: list[Key]) -> None:
    """The claims of the whole stream follow: a changed fact can change what others of it hold."""
    before = claims.held(stream.state, _facts(stream))
    case.add(stream, event, basis=basis)
    after = claims.held(stream.state, _facts(stream))
    for kind, key in sorted(before - after):
        case.release(kind, key)
    for kind, key in sorted(after - before):
        case.claim(kind, key, stream)


def _facts(stream: Stream) -> list[Event]:
    return [record.data for record in effective(stream.records)]


def _fact(stream: Stream, command: Correct | Void) -> Record[Event]:
    key = command.log or stream.log, command.position
    found = next((r for r in effective(stream.records) if r.key == key), None)
    if found is None:
        raise errors.NotFound(
            f"this {stream.aggregate.en} has no fact at position {command.position}", field="position"
        )
    return found


def _elsewhere(case: Case, fact: Record[Event]) -> list[Key]:
    """A fact that stands in another log is named by the basis."""
    return [fact.key] if fact.log != case.log else []


def _kind(aggregate: str, base: type[_E]) -> type[_E]:
    kind = next((e for e in catalogue.AGGREGATES[aggregate].events if issubclass(e, base)), None)
    if kind is None:
        raise errors.Invalid(f"a {aggregate} cannot be changed afterwards", field="aggregate")
    return kind
