"""The catalogue: every context, aggregate and event there is, in lists a reader can see."""

from functools import cache
from typing import Any

from pydantic import ValidationError

from events import activity, cooperation, envelope, errors, membership, plainjson, talent
from events.envelope import Envelope
from events.event import Event, Record
from events.history import Aggregate

CONTEXTS = (cooperation, talent, activity, membership)
AGGREGATES: dict[str, Aggregate] = {a.name: a for context in CONTEXTS for a in context.AGGREGATES}
EVENTS: dict[str, type[Event]] = {e.type: e for a in AGGREGATES.values() for e in a.events}
_HOME: dict[str, Aggregate] = {e.type: a for a in AGGREGATES.values() for e in a.events}


def aggregate_of(type_: str) -> Aggregate:
    """The aggregate whose streams hold events of this type. Raises UnknownType."""
    if type_ not in _HOME:
        raise errors.UnknownType(f"{type_} is not known to this version")
    return _HOME[type_]


def decode(value: bytes, leaf: bytes = b"") -> Record[Event]:
    """A value as a record, its payload in the newest version. Raises Damage, UnknownType."""
    return decode_envelope(envelope.read(value), leaf)


def decode_envelope(e: Envelope, leaf: bytes = b"") -> Record[Event]:
    """As `decode`, when the attributes were read already. Raises Damage, UnknownType."""
    kind = EVENTS.get(e.type)
    if kind is None:
        raise errors.UnknownType(f"{e.type} is not known to this version")
    if _HOME[e.type].name != e.aggregate:
        raise errors.Damage(f"{e.type} does not belong in a stream of {e.aggregate}")
    try:
        data = kind.__pydantic_validator__.validate_json(e.data)
    except ValidationError as error:
        raise _refusal(e.type, error) from None
    if kind.__pydantic_serializer__.to_json(data, exclude_none=True) != e.data:  # else it is as we write it
        plainjson.check(e.type, e.data)
    if (cited := data.references()) and not set(cited).issubset(e.basis):
        raise errors.Damage(f"{e.type} refers to a record outside its basis")
    return Record._make((
        e.log, e.sequence, e.time, e.id, e.type, e.aggregate, e.stream, e.version,
        e.actor, e.causation, e.correlation, e.basis, data.upcast(), leaf, None,
    ))  # fmt: skip


def decode_value(type_: str, payload: Any) -> Event:
    """A payload inside another one (a correction's). Raises Damage, UnknownType."""
    from pydantic_core import to_json

    kind = EVENTS.get(type_)
    if kind is None:
        raise errors.UnknownType(f"{type_} is not known to this version")
    try:
        return kind.model_validate_json(to_json(payload)).upcast()
    except ValidationError as error:
        raise _refusal(type_, error) from None


def _refusal(type_: str, error: ValidationError) -> errors.BadRecord:
    """Names the field and the rule, never the value.

    Closed lists may grow: a choice that this version does not know waits for an upgrade, as a new type does.
    """
    found = error.errors(include_input=False, include_url=False, include_context=False)
    kind = errors.UnknownType if all(e["type"] == "enum" for e in found) else errors.Damage
    return kind(f"{type_}: {'.'.join(map(str, found[0]['loc']))}: {found[0]['type']}")


@cache
def schema(type_: str) -> dict[str, Any]:
    """The JSON Schema of an event's payload."""
    return EVENTS[type_].model_json_schema()
