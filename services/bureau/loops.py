"""The loop mechanism for every question between bureaus: answer, settle, extend, pass on, remind.

The asker's stream decides. Contexts say which events ask and which answer; the steps are the same for all.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

from pydantic import Field

from events import catalogue, errors, loops
from events.event import Event, Record
from events.history import stream_of
from events.loops import Answer, Asking, PassedOn, Role
from events.values import Code, Day, Log, Reference, Why
from services.bureau.case import Case, Stream
from services.bureau.commands import Command, decides

StreamId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Days = Annotated[int, Field(ge=1, le=250, description="working days")]
_E = TypeVar("_E", bound=Event)


def asked(case: Case, aggregate: str, log: str, stream: str) -> tuple[Stream, Reference]:
    """Another bureau's stream and the reference of its question to us. Raises NotAllowed, Conflict."""
    if log == case.log:
        raise errors.NotAllowed("a bureau does not answer itself")
    theirs = case.theirs(aggregate, log, stream)
    asked_ = {ask.bureau for ask in getattr(theirs.state, "asks", ())}
    mine = [case.bureau] if case.bureau in asked_ else sorted(case.standing_for(asked_, case.log))
    if not mine:
        raise errors.NotAllowed(f"this {theirs.aggregate.en} asks nothing of {case.bureau}")
    found = _question_to(theirs, mine[0])
    closing = theirs.latest(loops.Settling, loops.Ending)
    if closing is not None and theirs.records.index(closing) > theirs.records.index(found):
        raise errors.Conflict(
            f"this {theirs.aggregate.en} is {theirs.state.stage}; there is nothing to answer"
        )
    return theirs, case.reference(found)


def _question_to(stream: Stream, bureau: str) -> Record[Event]:
    for record in reversed(stream.records):
        match record.data:
            case PassedOn(to=to) if to.bureau == bureau:
                return record
            case Asking(asks=asks) if any(a.bureau == bureau for a in asks):
                return record
    raise errors.NotAllowed(f"{bureau} was not asked")


def answer(case: Case, aggregate: str, theirs: Stream, event: Answer) -> Stream:
    """Record our answer in the one stream we answer theirs with."""
    question = event.question.log, event.question.position
    cause = next(r for r in theirs.records if r.key == question)
    key = named(theirs)
    mine = case.reading.holder(case.log, aggregate, key)
    if mine is not None:
        stream = case.own(aggregate, mine)
        case.add(stream, event, cause=cause)
        return stream
    stream = case.start(aggregate, event, cause=cause)
    case.claim(aggregate, key, stream)
    return stream


def named(theirs: Stream) -> str:
    """How the one stream that answers another is claimed: by the other's name before it went on elsewhere."""
    first = theirs.records[0]
    return f"{first.log}/{first.stream}"


def history_now(case: Case, record: Record[Event]) -> list[Record[Event]]:
    """The whole stream of a record of any log, with what goes on from it elsewhere, as far as it is here."""
    log, stream = record.log, record.stream
    found = case.reading.history(log, stream)
    while (closing := case.reading.closing(log)) and (new := closing.succession.of(stream)):
        log, stream = new, stream_of(log, stream, new)
        more = case.reading.history(log, stream)
        if not more:
            break
        found = more
    return found


def answers(case: Case, stream: Stream, kind: type[_E], *asking: type[Event]) -> list[Record[_E]]:
    """Each bureau's latest word to the question that stands now, where that is of one kind; see `words`."""
    found = {r.key: r for _, r in sorted(words(case, stream, *asking).items()) if isinstance(r.data, kind)}
    return [_checked(r) for r in found.values()]


def words(case: Case, stream: Stream, *asking: type[Event]) -> dict[str, Record[Event]]:
    """By the bureau that is asked now, the latest word of it or of the one in its place, verified.

    The question stands in the last event of one of the kinds `asking`, and in every turn to another bureau
    after it.
    """
    open_ = _open(case, stream, asking or (Asking,))
    asked_now = {ask.bureau for ask in stream.state.asks}
    latest: dict[str, Record[Event]] = {}
    for key in case.reading.answers(stream.log, stream.id):
        record = case.reading.record(key)
        if isinstance(record.data, Answer) and record.data.question in open_:
            latest |= dict.fromkeys(_spoken_for(case, record, asked_now), record)
    return latest


def _spoken_for(case: Case, answer: Record[Event], asked_now: set[str]) -> Iterable[str]:
    """The asked bureau whose answer this is: its own, or those in whose place it speaks."""
    return [answer.bureau] if answer.bureau in asked_now else case.standing_for(asked_now, answer.log)


def _open(case: Case, stream: Stream, asking: tuple[type[Event], ...]) -> list[Reference]:
    """References of the records that ask now."""
    found: list[Reference] = []
    for record in reversed(stream.records):
        if isinstance(record.data, (*asking, PassedOn)):
            found.append(case.reference(record))
        if isinstance(record.data, asking):
            break
    return found


def _checked(record: Record[Event]) -> Record[_E]:
    return record  # type: ignore[return-value]  # narrowed by the caller's isinstance


def _step(aggregate: str, base: type[_E]) -> type[_E]:
    kind = next((e for e in catalogue.AGGREGATES[aggregate].events if issubclass(e, base)), None)
    if kind is None:
        raise errors.Invalid(f"a {aggregate} has no such step", field="aggregate")
    return kind


Aggregate = Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")]


class Extend(Command, name="extend", context="loop", zh="延长答复期限", en="Give more time", changes=True):
    """Give one bureau more working days to answer."""

    aggregate: Aggregate
    stream: StreamId
    bureau: Code
    days: Days
    reason: Why


class PassOn(Command, name="pass-on", context="loop", zh="转办", en="Turn to another bureau", changes=True):
    """Turn the question from one bureau to another."""

    aggregate: Aggregate
    stream: StreamId
    bureau: Code
    to: Code
    days: Days = 10


class Remind(Command, name="remind", context="loop", zh="催办", en="Remind", changes=True):
    """Remind a bureau that an answer is awaited."""

    aggregate: Aggregate
    stream: StreamId
    bureau: Code


@decides(Extend)
def extend(case: Case, command: Extend) -> None:
    """The decider gives more time; the new day is fixed here."""
    kind = _step(command.aggregate, loops.Extended)
    due: Day = case.due(command.days)
    _add(case, command, lambda bureau: kind(bureau=bureau, due=due, reason=command.reason))


@decides(PassOn)
def pass_on(case: Case, command: PassOn) -> None:
    """The decider asks another bureau instead."""
    kind = _step(command.aggregate, loops.PassedOn)
    (ask,) = case.ask([command.to], command.days, Role.CLERK)
    _add(case, command, lambda bureau: kind(bureau=bureau, to=ask))


@decides(Remind)
def remind(case: Case, command: Remind) -> None:
    """A person reminds; nothing reminds by itself."""
    kind = _step(command.aggregate, loops.Reminded)
    _add(case, command, lambda bureau: kind(bureau=bureau))


def _add(case: Case, command: Extend | PassOn | Remind, event: Callable[[str], Event]) -> None:
    stream = case.own(command.aggregate, command.stream)
    case.add(stream, event(_named(case, stream, command.bureau)))


def _named(case: Case, stream: Stream, bureau: str) -> str:
    """The bureau as the question names it: itself, or the one in whose place it stands now."""
    asked_now = {ask.bureau for ask in getattr(stream.state, "asks", ())}
    if bureau in asked_now:
        return bureau
    before = (c.log[:6] for c in case.reading.closings() if bureau in {log[:6] for log in c.succession.logs})
    return next((old for old in before if old in asked_now), bureau)


class Asked(Command):
    """Base of commands that answer another bureau: whose stream asks, and which."""

    log: Log
    stream: StreamId
