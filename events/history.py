"""Streams as histories: aggregates, corrections and voidings, and folding them into a state."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, JsonValue

from events import errors
from events.event import Event, Record
from events.values import Position, Reference, Why


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


@dataclass(frozen=True)
class Aggregate:
    """One kind of stream: its name in `subject`, its labels, its events, and what they make of it.

    `evolve(state | None, record)` gives the next state and raises ImpossibleHistory for what cannot follow.
    """

    name: str
    context: str
    zh: str
    en: str
    events: tuple[type[Event], ...]
    evolve: Callable[[Any, Record[Event]], Any]

    def fold(self, history: Iterable[Record[Event]]) -> Any:  # each aggregate has a state type of its own
        """The state of a stream; None for no events. Raises ImpossibleHistory."""
        state = None
        for record in effective(list(history)):
            state = self.evolve(state, record)
        return state


def effective(history: Sequence[Record[Event]]) -> list[Record[Event]]:
    """The history with corrections put in place and voided facts left out, corrections themselves dropped.

    Raises ImpossibleHistory when a correction or voiding names nothing in this stream before it, or a fact
    of another type.
    """
    facts: dict[int, Record[Event]] = {}
    for record in history:
        match record.data:
            case Corrected() as correction:
                old = _earlier(facts, correction.corrects)
                facts[correction.corrects] = old.with_data(corrected_payload(correction, old))
            case Voided(voids=position):
                _earlier(facts, position)
                del facts[position]
            case _:
                facts[record.position] = record
    return [facts[position] for position in sorted(facts)]


def _earlier(facts: dict[int, Record[Event]], position: int) -> Record[Event]:
    if position not in facts:
        raise errors.ImpossibleHistory(f"no fact at position {position} of this stream to correct or void")
    return facts[position]


def corrected_payload(correction: Corrected, old: Record[Event]) -> Event:
    """The new payload in the newest version. Raises ImpossibleHistory when it is no payload of the fact."""
    new = correction.new()
    if type(new) is not type(old.data):
        raise errors.ImpossibleHistory(f"a correction of {old.type} cannot be a {correction.fact}")
    return new


def impossible(state: object, record: Record[Event]) -> errors.ImpossibleHistory:
    """The error for the last branch of every `evolve`."""
    stage = getattr(state, "stage", None)
    return errors.ImpossibleHistory(f"{record.type} cannot follow {stage or 'nothing'}")
