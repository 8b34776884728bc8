"""The loop between bureaus: one stream decides, everybody else's answer is a promise (design.md, decision 6).

The decider asks in an event that carries `asks`; each asked bureau answers in a stream of its own, in an
event that names the question; the decider settles in an event that names the answers it saw. An answer the
decider did not name is shown as too late. Deadlines are fixed in the event; overdue is computed when asked.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, TypeAlias

from pydantic import Field

from events import errors
from events.event import Event, Key
from events.values import Choice, Code, Day, Reference, Value, Why


class Role(Choice):
    """Who in a bureau a step waits for."""

    CLERK = "clerk", "经办", "clerk"
    REVIEWER = "reviewer", "审核", "reviewer"
    LEADER = "leader", "审批", "leader"


class Ask(Value):
    """One bureau is asked, and until when; `due` counts working days from the day of asking, fixed here."""

    bureau: Code
    role: Role
    due: Day


Basis: TypeAlias = tuple[Key, ...]
Asks = Annotated[tuple[Ask, ...], Field(max_length=60)]


class Asking(Event):
    """Base of every event that puts a question to other bureaus."""

    fixed = frozenset({"asks"})
    asks: Asks


class Answer(Event):
    """Base of every event that answers one; it counts only from a bureau that the question names."""

    fixed = frozenset({"question"})
    question: Reference


class Returned(Answer):
    """Sent back for completion (退回补正); the question stays open until it is asked anew or withdrawn."""

    reason: Why


class Declined(Answer):
    """Base of every answer that says no."""

    reason: Why


class Remark(Event):
    """Base of every event that says something of a day which the asker's stream holds, after the answer.

    Where that stream goes on in another log, the basis names its last record in the one that asked.
    """

    day: Reference


class Settling(Event):
    """Base of every event that settles a loop; `answers` are the promises it rests on."""

    fixed = frozenset({"answers"})
    answers: Annotated[tuple[Reference, ...], Field(max_length=60)]


class Extended(Event):
    """The asker gives one bureau more time (延期)."""

    fixed = frozenset({"bureau", "due"})
    bureau: Code
    due: Day
    reason: Why


class PassedOn(Event):
    """The asker turns the question from one bureau to another (转办)."""

    fixed = frozenset({"bureau", "to"})
    bureau: Code
    to: Ask


class Reminded(Event):
    """A person pressed the reminder (催办)."""

    fixed = frozenset({"bureau"})
    bureau: Code


class Ending(Event):
    """Base of every event of the asker after which nobody is asked any more: amended, withdrawn, dropped.

    An answer that comes later is too late, until the asker asks anew.
    """


class Expired(Ending):
    """The asker's node ended the question at its deadline; recorded by `system`."""

    reason: Why


STEPS = (Asking, Settling, Ending, Extended, PassedOn)
"""What the asker says to those it asked: to void it is to take back what they rely on."""


def asked(events: Iterable[Event]) -> bool:
    """Whether any bureau was asked."""
    return any(isinstance(e, PassedOn) or (isinstance(e, Asking) and e.asks) for e in events)


def stepped(asks: tuple[Ask, ...], event: Event) -> tuple[Ask, ...]:
    """The open asks after a step of the asker. Raises ImpossibleHistory when it names a bureau not asked."""
    match event:
        case Extended(bureau=bureau, due=due) if _asked(asks, bureau):
            return tuple(a.model_copy(update={"due": due}) if a.bureau == bureau else a for a in asks)
        case PassedOn(bureau=bureau, to=to) if _asked(asks, bureau) and not _asked(asks, to.bureau):
            return tuple(to if a.bureau == bureau else a for a in asks)
        case Reminded(bureau=bureau) if _asked(asks, bureau):
            return asks
    raise errors.ImpossibleHistory(f"{event.type} names a bureau that was not asked, or was asked already")


def _asked(asks: tuple[Ask, ...], bureau: str) -> bool:
    return any(a.bureau == bureau for a in asks)


def overdue(asks: tuple[Ask, ...], answered: frozenset[str], today: date) -> list[Ask]:
    """The asks without an answer whose day has passed."""
    return [a for a in asks if a.bureau not in answered and a.due < today]


def others(asks: tuple[Ask, ...], asker: str) -> bool:
    """Whether each bureau is asked once, and none is the asker itself."""
    bureaus = {a.bureau for a in asks}
    return len(bureaus) == len(asks) and asker not in bureaus


def fresh(last: Answer | None, answer: Answer) -> bool:
    """Whether this answers a question that the stream has not answered yet."""
    return last is None or last.question != answer.question


def answered_by_asked(asks: tuple[Ask, ...], answers: tuple[Reference, ...], basis: Basis = ()) -> bool:
    """Whether every answer stands in the log of a bureau that was asked, one for each.

    An answer by another stands in the place of an asked bureau whose log was closed, where the basis names
    a record of that log; that this is its closing, and in whose favour, the projector sees (`parties`).
    """
    bureaus, asked = [a.log[:6] for a in answers], {a.bureau for a in asks}
    strangers = set(bureaus) - asked
    return len(set(bureaus)) == len(bureaus) and len(strangers) <= len(_gone(asked, bureaus, basis))


def answered_by_all(asks: tuple[Ask, ...], answers: tuple[Reference, ...], basis: Basis = ()) -> bool:
    """Whether there is an answer in the log of each bureau that was asked, or in its place, and no other."""
    bureaus, asked = [a.log[:6] for a in answers], {a.bureau for a in asks}
    missing = asked - set(bureaus) - (_gone(asked, bureaus, basis) if set(bureaus) - asked else set())
    return answered_by_asked(asks, answers, basis) and not missing


def _gone(asked: set[str], bureaus: list[str], basis: Basis) -> set[str]:
    """The asked bureaus that did not answer themselves, of whose log the basis names a record."""
    return (asked - set(bureaus)) & {log[:6] for log, _ in basis}
