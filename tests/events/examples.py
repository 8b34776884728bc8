"""One full example of every event, every field filled, always the same."""

from datetime import date
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from events import catalogue, envelope
from events.event import Event
from events.history import GENERIC, Aggregate, Corrected
from events.values import Choice, Code, Digest, Log, Subject, Title, Value

LEAF = "BVYhp0q0LTcnXyJZNh9yAnGiHoEtZx1kdUYBkuW9vC4="
TEXTS: list[tuple[Any, str]] = [
    (Code, "510000"),
    (Log, "510000"),
    (Subject, "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"),
    (Title, "川渝老干部工作座谈会"),
    (Digest, LEAF),
]
NAMED = {
    "algorithm": "hmac-sha256",
    "mediatype": "application/pdf",
    "division": "510104",
    "vkey": "chuanyu.yinqiao/510000+b31e5df9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
}
PLAIN: dict[Any, Any] = {
    bool: True,
    int: 3,
    date: date(2023, 6, 8),
    UUID: UUID("0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"),
}
V = TypeVar("V", bound=Value)


def example(kind: type[V]) -> V:
    """The example of an event or value."""
    hints = get_type_hints(kind, include_extras=True)
    values = {name: sample(hints[name], name) for name in kind.model_fields}
    if issubclass(kind, Corrected):
        fact = example(_a_fact(catalogue.aggregate_of(kind.type)))
        values |= {"fact": fact.type, "payload": fact.model_dump(mode="json", exclude_none=True)}
    return kind(**values)


def _a_fact(aggregate: Aggregate) -> type[Event]:
    return [e for e in aggregate.events if not issubclass(e, GENERIC)][-1]


def sample(hint: Any, name: str) -> Any:
    """A value that fits an annotation."""
    for alias, text in TEXTS:
        if hint == alias:
            return text
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return sample(arguments[0], name)
    if origin in (UnionType, Union):
        return sample(arguments[0], name)
    if origin is tuple:
        return (sample(arguments[0], name),)
    return _plain(hint, name)


def _plain(kind: Any, name: str) -> Any:
    if kind in PLAIN:
        return PLAIN[kind]
    if kind is str:
        return NAMED.get(name, "yinqiao.a.b.v1")
    if isinstance(kind, type) and issubclass(kind, Choice):
        return next(iter(kind))
    return example(kind) if isinstance(kind, type) and issubclass(kind, Value) else {}


def value(data: Event, *, position: int = 7, time: str = "2023-06-08T01:02:03.000004Z") -> bytes:
    """The envelope of an event, with fixed ids."""
    space = envelope.namespace("chuanyu", "500000")
    prepared = envelope.prepare(
        alliance="chuanyu",
        log="500000",
        id=envelope.event_id(space, "golden", 0),
        aggregate=catalogue.aggregate_of(data.type).name,
        stream=envelope.subject_id(space, "golden", 0),
        version=2,
        actor="officer/0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9",
        causation=envelope.event_id(space, "cause", 0),
        correlation=envelope.event_id(space, "flow", 0),
        basis=data.references(),
        data=data,
    )
    return envelope.stamp(prepared, position, time)
