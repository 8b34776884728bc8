"""What an event is: a frozen payload with a stored name, and the record it becomes in a log."""

from functools import cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

from events.values import Reference, Value

Key: TypeAlias = tuple[str, int]
"""(log, position): one record anywhere in the alliance."""


class Event(Value):
    """A past-tense fact. The class line gives the stored name; `zh` and `en` are its sentence.

    Sentences may use the payload's fields and `{bureau}`, the bureau that recorded the event. `called_zh` and
    `called_en` are what the sentence of another event calls this one, where that event refers to it. Stored
    names are chosen by hand, spelled once and kept for ever.

    `terms` are the fields that others agree to: no correction changes them once anybody was asked. `fixed`
    are those that none ever changes, beside references. `binding` facts are recorded at the leader's word,
    and corrected or voided at the leader's word only.
    """

    type: ClassVar[str] = ""
    zh: ClassVar[str] = ""
    en: ClassVar[str] = ""
    called_zh: ClassVar[str] = ""
    called_en: ClassVar[str] = ""
    terms: ClassVar[frozenset[str]] = frozenset()
    fixed: ClassVar[frozenset[str]] = frozenset()
    binding: ClassVar[bool] = False

    def __init_subclass__(cls, *, type: str = "", **kwargs: Any) -> None:  # noqa: A002  (the attribute's name in CloudEvents)
        super().__init_subclass__(**kwargs)
        cls.type = type

    def upcast(self) -> "Event":
        """The same fact in the newest version of its type; versions that are newest return themselves."""
        return self

    def references(self) -> tuple[Key, ...]:
        """Every record that the payload refers to; each must stand in the record's basis."""
        return tuple([(r.log, r.position) for r in self.cited()]) if _cites(type(self)) else ()

    def cited(self) -> list[Reference]:
        """As `references`, with the leaf hashes that the payload gives them."""
        return _references(self)


def _references(value: object) -> list[Reference]:
    if isinstance(value, Reference):
        return [value]
    if isinstance(value, Value):
        return [found for name in _nested(type(value)) for found in _references(getattr(value, name))]
    if isinstance(value, tuple):
        return [found for item in value for found in _references(item)]
    return []


@cache
def _cites(kind: type[Event]) -> bool:
    """Whether a payload of this kind can refer to a record at all: most cannot, and are not walked."""
    return kind.cited is not Event.cited or bool(_nested(kind))


@cache
def _nested(kind: type[Value]) -> tuple[str, ...]:
    """The fields that can hold a reference: only those are walked, because most payloads hold none."""
    return tuple(name for name, field in kind.model_fields.items() if _may_refer(field.annotation))


@cache
def fixed(kind: type[Event]) -> frozenset[str]:
    """The fields that no correction ever changes: references, and what any of the event's bases names."""
    return frozenset(_nested(kind)).union(*(vars(base).get("fixed", ()) for base in kind.__mro__))


def _may_refer(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return annotation is Reference or bool(_nested(annotation))
    return any(_may_refer(part) for part in getattr(annotation, "__args__", ()))


E_co = TypeVar("E_co", bound=Event, covariant=True)


class Record(NamedTuple, Generic[E_co]):
    """An event as it stands in a log, decoded.

    `time` is the 27 characters of the envelope, so that (time, log, position) sorts as text; ids are
    lower-case UUID text, because a record is decoded thirty thousand times a second.
    """

    log: str
    position: int
    time: str
    id: str
    type: str
    aggregate: str
    stream: str
    version: int
    actor: str
    causation: str | None
    correlation: str | None
    basis: tuple[Key, ...]
    data: E_co
    leaf: bytes = b""
    home: Key | None = None
    """Where it stands, while it is folded into a stream that goes on from its own."""

    @property
    def key(self) -> Key:
        """(log, position)."""
        return self.log, self.position

    @property
    def bureau(self) -> str:
        """The code of the bureau whose log it is."""
        return self.log[:6]

    @property
    def order(self) -> tuple[str, str, int]:
        """Replay order after basis: (time, log, position)."""
        return self.time, self.log, self.position

    @property
    def originator_id(self) -> str:
        """The stream, as the event-sourcing library names it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version in the stream, as the event-sourcing library names it."""
        return self.version

    def with_data(self, data: Event) -> "Record[Event]":
        """The same record with another payload (a correction folded in)."""
        return Record(*self[:12], data, self.leaf, self.home)

    @property
    def origin(self) -> Key:
        """(log, position) by which other records refer to it."""
        return self.home or (self.log, self.position)

    def moved(self, log: str, stream: str, back: int) -> "Record[E_co]":
        """As a part of a stream that goes on from its own, `back` logs further on.

        Positions stay in order: those of earlier logs lie below zero.
        """
        place = (log, self.position - back * 2**53)
        return self._replace(log=place[0], position=place[1], stream=stream, home=self.key)
