"""Who may say what: an answer comes from the bureau that was asked, a stream goes on where it is said."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from events import errors, loops
from events.cooperation import MemorandumPartyReleased, SignatureLeft
from events.event import Event, Key, Record
from events.history import Continued, Corrected, stream_of
from events.membership import LogClosed, Succession
from events.talent import DispatchOffered
from projections.source import Place, Source


class Closing(NamedTuple):
    """A log was closed after its first `size` records; its streams go on as `succession` says."""

    log: str
    size: int
    succession: Succession


def closing(record: Record[Event]) -> Closing | None:
    """The closing that a record is; None for any other."""
    match record.data:
        case LogClosed(last_size=size, succession=succession) if size == record.position - 1:
            return Closing(record.log, record.position, succession)
    return None


LookUp = Callable[[Iterable[Key]], Mapping[Key, Record[Event]]]


class Parties:
    """Judges answers, settlements and continued streams of one batch; `look_up` finds records."""

    def __init__(self, source: Source, look_up: LookUp) -> None:
        self._source, self._look_up = source, look_up

    def check(self, record: Record[Event], fact: Event, found: Mapping[Key, Record[Event]]) -> None:
        """Raises Foreign. `fact` is what the record says, `found` holds all that this refers to."""
        match fact:
            case loops.Answer(question=reference):
                if not self._was_asked(record, found[reference.log, reference.position]):
                    name = f"{reference.log}:{reference.position}"
                    raise errors.Foreign(f"{record.bureau} was not asked by {name}")
            case loops.Settling(answers=answers):
                for answer in answers:
                    self._check_answer(record, found[answer.log, answer.position].data)
            case loops.Remark(day=day) if any(key[0] != day.log for key in record.basis):
                self._check_remark(record, found[day.log, day.position])
            case DispatchOffered(expert=expert) if expert.log[:6] != record.bureau:
                self._check_lent(record, (expert.log, expert.position))
            case MemorandumPartyReleased(bureau=party, notice=notice) if notice.log[:6] != party:
                self._check_notice(party, found[notice.log, notice.position])
            case Continued(continues=old):
                self._check_continued(record, fact, found[old.key])

    def _was_asked(self, answer: Record[Event], question: Record[Event]) -> bool:
        """By the question, or by a later step of its stream, which the basis names: it may be passed on.

        A bureau whose log was closed is answered for by the one that goes on with it; the basis names that.
        """
        if names(question.data, answer.bureau):
            return True
        asking = list(self._questions(answer, question))
        return any(
            names(event, bureau) for bureau in {answer.bureau, *self._gone(answer)} for event in asking
        )

    def _questions(self, answer: Record[Event], question: Record[Event]) -> Iterator[Event]:
        yield question.data
        steps = self._look_up([key for key in answer.basis if key != question.key])
        streams = {(question.log, question.stream)}
        for step in sorted(steps.values(), key=lambda r: r.order):
            if isinstance(step.data, Continued) and _before(step) in streams:
                streams.add((step.log, step.stream))
        yield from (step.data for step in steps.values() if (step.log, step.stream) in streams)

    def _gone(self, answer: Record[Event]) -> set[str]:
        """The bureaus whose log was closed in favour of the answer's, as its basis names it."""
        closings = [closing(record) for record in self._look_up(answer.basis).values()]
        return {c.log[:6] for c in closings if c is not None and answer.log in c.succession.logs}

    def _check_answer(self, settling: Record[Event], answer: Event) -> None:
        if not isinstance(answer, loops.Answer):
            raise errors.Foreign("settles with a record that is no answer")
        question = answer.question
        if question.log != settling.log and not self._goes_on(settling, (question.log, question.position)):
            raise errors.Foreign("settles with an answer to a question that is not its own")

    def _check_remark(self, record: Record[Event], day: Record[Event]) -> None:
        """A day of a stream that goes on in another log: it must go on from the one that asked."""
        own = [r.data for part in self._back(record) for r in part]
        asked = {(e.question.log, e.question.position) for e in own if isinstance(e, loops.Answer)}
        if asked and not any(self._goes_on(day, question) for question in asked):
            raise errors.Foreign("speaks of a day in a stream that does not go on from the one that asked")

    def _check_lent(self, record: Record[Event], expert: Key) -> None:
        """An expert of a closed log: the basis names where its stream goes on in the log of the offer."""
        here = self._look_up([key for key in record.basis if key[0] == record.log]).values()
        if not any(isinstance(r.data, Continued) and self._goes_on(r, expert) for r in here):
            raise errors.Foreign("offers an expert of another bureau")

    def _speaks_for(self, record: Record[Event]) -> set[str]:
        """Its own bureau, and for an answer those in whose place that was given."""
        return {record.bureau, *(self._gone(record) if isinstance(record.data, loops.Answer) else ())}

    def _check_notice(self, party: str, notice: Record[Event]) -> None:
        """Notice in a party's place: by the bureau with which the party's signature goes on."""
        stands = {b for part in self._back(notice) for record in part for b in self._speaks_for(record)}
        if party not in stands or not isinstance(notice.data, SignatureLeft):
            raise errors.Foreign(f"releases {party} upon a notice that is not its own")

    def _goes_on(self, record: Record[Event], earlier: Key) -> bool:
        """Whether the record's stream is that of the earlier one, or goes on from it over some logs."""
        stood = self._look_up([earlier]).get(earlier)
        streams = ((part[0].log, part[0].stream) for part in self._back(record))
        return stood is not None and (stood.log, stood.stream) in streams

    def _back(self, record: Record[Event]) -> Iterator[list[Record[Event]]]:
        """The record's stream up to it, then those that it goes on from, as far as they are here.

        A stream never comes back to a log that was closed; one that says so would lead round for ever.
        """
        log, stream, until = record.log, record.stream, record.position
        seen: set[str] = set()
        while log not in seen and (part := self._source.history(log, stream, until, ())):
            yield part
            seen.add(log)
            if isinstance(part[0].data, Continued):
                (log, stream), until = _before(part[0]), part[0].data.continues.position

    def _check_continued(self, record: Record[Event], fact: Continued, last: Record[Event]) -> None:
        old = fact.continues
        if record.version != 1 or record.stream != stream_of(old.log, old.subject, record.log):
            raise errors.Foreign(f"goes on with {old.log}:{old.position} elsewhere than in its one stream")
        if (last.stream, last.version, last.aggregate) != (old.subject, old.version, record.aggregate):
            raise errors.Foreign(f"{old.log}:{old.position} is not what it says that it is")
        found = self._closing_of(old.log, record)
        if found is None or found.succession.of(old.subject) != record.log:
            raise errors.Foreign(f"log {old.log} was not closed in favour of {record.log} for this stream")
        if self._source.versions_before([Place(old.log, old.subject, found.size + 1)]) != [old.version]:
            raise errors.Foreign(f"{old.log}:{old.position} is not the last record of its stream")

    def _closing_of(self, log: str, record: Record[Event]) -> Closing | None:
        """How the log was closed, as the record's basis names it: so all of it is here, at every node."""
        stated = self._source.closing(log)
        if stated is not None:
            return stated if (log, stated.size) in record.basis else None
        found = self._look_up([key for key in record.basis if key[0] == log])
        return next((c for c in map(closing, found.values()) if c is not None), None)


def _before(record: Record[Event]) -> tuple[str, str]:
    """The stream that a record goes on from."""
    assert isinstance(record.data, Continued)  # noqa: S101  (narrowed by the callers)
    return record.data.continues.log, record.data.continues.subject


def names(question: Event, bureau: str) -> bool:
    """Whether a record asks this bureau: by asking, by passing on, or by correcting one that did."""
    match question:
        case loops.Asking(asks=asks):
            return any(ask.bureau == bureau for ask in asks)
        case loops.PassedOn(to=to):
            return to.bureau == bureau
        case Corrected():
            return names(question.new(), bureau)
    return False
