"""Closing a log, and going on with the streams of one that is closed (design.md, decision 14)."""

import base64
from typing import Annotated

from pydantic import Field

from events import catalogue, errors
from events.event import Event, Key, Record
from events.history import Continued, Continues, effective, stream_of
from events.loops import Answer
from events.membership import Closure, LogClosed, Part, Succession
from events.values import Log
from services.bureau import claims, membership
from services.bureau.case import Case, Stream
from services.bureau.commands import Command, decides
from services.ledger.closing import Closing

MOST = 1_000
"""Streams that one command goes on with; what is left over is for the next one."""


class CloseLog(
    Command, name="close-log", context="alliance", zh="关闭日志", en="Close the log", binding=True
):
    """The log's last word: nothing is recorded in it any more, its open streams go on elsewhere."""

    reason: Closure
    successor: Log | None = None
    parts: Annotated[tuple[Part, ...], Field(max_length=60)] = ()


class Continue(
    Command,
    name="continue",
    context="alliance",
    zh="续接已关闭的日志",
    en="Go on with a closed log",
    binding=True,
):
    """Open in this log every open stream of a closed one that goes on here; again opens what is left."""

    log: Log


@decides(CloseLog)
def close_log(case: Case, command: CloseLog) -> None:
    """Size and root are those before this record; the append refuses when the log moves meanwhile."""
    succession = Succession(successor=command.successor, parts=command.parts)
    if case.log in succession.logs:
        raise errors.Invalid("a log does not go on in itself; name another log", field="successor")
    size, root = case.reading.end(case.log)
    text = base64.b64encode(root).decode()
    membership.say(
        case, LogClosed(reason=command.reason, last_size=size, last_root=text, succession=succession)
    )


@decides(Continue)
def continue_(case: Case, command: Continue) -> None:
    """Finished streams stay where they are."""
    closing = case.reading.closing(command.log)
    if closing is None:
        raise errors.Conflict(f"log {command.log} is not closed, as far as is known here")
    if case.log not in closing.succession.logs:
        raise errors.NotAllowed(f"log {command.log} does not go on in {case.log}")
    going = 0
    for records in case.reading.streams(closing):
        if going < MOST and _goes_on_here(case, closing, records):
            _go_on(case, closing, records)
            going += 1


def _goes_on_here(case: Case, closing: Closing, records: list[Record[Event]]) -> bool:
    last = records[-1]
    if closing.succession.of(last.stream) != case.log:
        return False
    kind = catalogue.AGGREGATES[last.aggregate]
    known = case.reading.own(stream_of(last.log, last.stream, case.log))
    return not known and not kind.is_over(kind.fold(records))


def _go_on(case: Case, closing: Closing, records: list[Record[Event]]) -> None:
    last = records[-1]
    kind = next(k for k in catalogue.AGGREGATES[last.aggregate].events if issubclass(k, Continued))
    continues = Continues(
        log=last.log, subject=last.stream, version=last.version, position=last.position,
        leaf=base64.b64encode(last.leaf).decode(),
    )  # fmt: skip
    stream = case.go_on(records, kind(continues=continues), basis=[(closing.log, closing.size)])
    _hold_again(case, stream, records)


def _hold_again(case: Case, stream: Stream, records: list[Record[Event]]) -> None:
    """What the old stream held once only, and the question that it answers, are held by the new one."""
    held = {claim[:2] for claim in case.claims}
    name = stream.aggregate.name
    keys = [(name, case.log)] if name in claims.SINGLE else []
    for fact in effective(records):
        keys += [*claims.of(stream.state, fact.data), *_answered(case, stream, fact.data)]
    for kind, key in keys:
        if (kind, key) not in held and case.reading.holder(case.log, kind, key) is None:
            case.claim(kind, key, stream)
            held.add((kind, key))


def _answered(case: Case, stream: Stream, fact: Event) -> list[tuple[str, str]]:
    if not isinstance(fact, Answer):
        return []
    question: Key = (fact.question.log, fact.question.position)
    try:
        asking = case.reading.record(question)
    except errors.Gone:  # nobody can answer it again
        return []
    first = case.reading.history(asking.log, asking.stream)[0]
    return [(stream.aggregate.name, f"{first.log}/{first.stream}")]


COMMANDS: tuple[type[Command], ...] = (CloseLog, Continue)
