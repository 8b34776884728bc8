"""Correcting and voiding any recorded fact, with a reason; history keeps the first writing (更正、作废)."""

from typing import Annotated, TypeVar

from pydantic import Field, JsonValue

from events import catalogue, errors
from events.event import Event, Key, Record
from events.history import Corrected, Voided, effective
from events.values import Log, Position, Why
from services.bureau import claims
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
    payload = {**fact.data.model_dump(mode="json", exclude_none=True), **command.payload}
    payload = {name: value for name, value in payload.items() if value is not None}
    try:
        new = catalogue.decode_value(fact.data.type, payload)
    except errors.BadRecord as error:
        raise errors.Invalid(error.message, field="payload") from None
    if new == fact.data:
        raise errors.Conflict("the correction changes nothing")
    kind = _kind(command.aggregate, Corrected)
    event = kind(corrects=command.position, reason=command.reason, fact=fact.data.type, payload=payload)
    _let_go(case, stream, fact.data)
    case.add(stream, event, basis=[*new.references(), *_elsewhere(case, fact)])
    for key in claims.of(stream.state, new):
        case.claim(*key, stream)


@decides(Void)
def void(case: Case, command: Void) -> None:
    """The fact is left out; refused when what follows could not stand without it."""
    stream = case.own(command.aggregate, command.stream)
    fact = _fact(stream, command)
    _let_go(case, stream, fact.data)
    kind = _kind(command.aggregate, Voided)
    case.add(stream, kind(voids=command.position, reason=command.reason), basis=_elsewhere(case, fact))


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


def _let_go(case: Case, stream: Stream, event: Event) -> None:
    for key in claims.of(stream.state, event):
        case.release(*key)


def _kind(aggregate: str, base: type[_E]) -> type[_E]:
    kind = next((e for e in catalogue.AGGREGATES[aggregate].events if issubclass(e, base)), None)
    if kind is None:
        raise errors.Invalid(f"a {aggregate} cannot be changed afterwards", field="aggregate")
    return kind
