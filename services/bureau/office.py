"""The office: takes a command, has it decided, and records the facts: all of them, once, or none."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from eventsourcing.persistence import EventStore

from events import envelope, errors
from events.membership import LogClosed
from services.bureau import commands, places, references, sharing
from services.bureau.case import Case, Officer, Reading, Stream
from services.bureau.commands import Command
from services.bureau.reading import LedgerReading
from services.ledger import append
from services.ledger.append import Repeated
from services.ledger.recorder import event_store
from services.runtime import clock
from services.runtime.database import Connection, Database
from services.runtime.failpoints import failpoint

_TRIES = 4


class Answer(NamedTuple):
    """What a command is answered with: its first event, and how many there are."""

    event: str
    log: str
    position: int
    events: int = 1


class Order(NamedTuple):
    """A command on its way: its key (scope: the log), who gives it, and when it is taken to be recorded.

    `released`: the leader's word lies with it, so that it may bind the bureau.
    """

    key: str
    officer: Officer
    command: Command
    at: datetime | None = None
    if_match: int | None = None
    released: bool = False

    def digest(self) -> bytes:
        """What tells one body from another under the same key."""
        text = f"{self.command.context}/{self.command.name}\n{self.command.model_dump_json()}"
        return hashlib.sha256(text.encode()).digest()


@dataclass
class _Pending:
    """Orders decided and not yet recorded, for one log, in one transaction to come."""

    cases: list[Case] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)


class Office:
    """Decides commands for the logs this node hosts. Holds no state between commands."""

    def __init__(
        self,
        database: Database,
        alliance: str,
        clock: Callable[[], datetime],
        workdays: Callable[[date, int], date],
        wake: Callable[[], None] = lambda: None,
        entitle: Callable[[str, str, Iterable[str]], None] = lambda *_: None,
        may_write: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database, self._alliance, self._clock, self._workdays = database, alliance, clock, workdays
        self._wake, self._entitle, self._may_write = wake, entitle, may_write
        self._store: EventStore[str] = event_store(database)
        self._reading: Reading = LedgerReading(database, self._store)

    def do(self, log: str, order: Order) -> Answer:
        """Decide and record one command; the same key gives the first answer again.

        Raises Refused (nothing recorded), Unavailable (perhaps recorded: the same key may be sent again).
        """
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                return self._once(log, order)
            except (errors.Refused, Repeated) as refusal:
                first = self._first_answer(log, order)
                if first is not None:
                    return first
                if last or order.if_match is not None or not isinstance(refusal, errors.Stale):
                    raise
            except errors.Unavailable as doubt:  # the reply to COMMIT may be lost: the command row knows
                first = self._first_answer(log, order)
                if first is None:
                    raise doubt from None
                return first
        raise errors.Busy("the record moves too fast; try again")

    def consider(self, log: str, order: Order) -> None:
        """Decide a command and record nothing: whether it could be done now. Raises Refused, Unavailable."""
        self._decide(log, order, _Pending())

    def _once(self, log: str, order: Order) -> Answer:
        pending = _Pending()
        self._decide(log, order, pending)
        return self._record(log, pending)[0]

    def bulk(
        self, log: str, orders: Iterable[Order], size: int = 200
    ) -> Iterator[Answer | errors.YinqiaoError]:
        """Record many commands, `size` a transaction; one answer or refusal for each, in their order.

        An order that rests on one still pending makes the office record what it has first.
        """
        for chunk in _chunks(orders, size):
            yield from self._chunk(log, chunk)

    def _chunk(self, log: str, orders: Sequence[Order]) -> list[Answer | errors.YinqiaoError]:
        done: list[Answer | errors.YinqiaoError] = []
        pending, places = _Pending(), list[int]()
        for order in orders:
            try:
                self._decide(log, order, pending)
            except references.Pending:
                self._settle(log, pending, places, done)
                pending, places = _Pending(), []
                done.append(errors.Busy("pending"))
                done[-1] = self._attempt(log, order)
                continue
            except errors.Refused as refusal:
                done.append(self._first_answer(log, order) or refusal)
                continue
            places.append(len(done))
            done.append(errors.Busy("pending"))
        self._settle(log, pending, places, done)
        return done

    def _settle(
        self, log: str, pending: _Pending, places: list[int], done: list[Answer | errors.YinqiaoError],
    ) -> None:  # fmt: skip
        """Record what is pending; when the whole is refused, each order stands for itself."""
        if not pending.cases:
            return
        try:
            answers: list[Answer | errors.YinqiaoError] = list(self._record(log, pending))
        except errors.Conflict:
            answers = [self._attempt(log, order) for order in pending.orders]
        for place, answer in zip(places, answers, strict=True):
            done[place] = answer

    def _attempt(self, log: str, order: Order) -> Answer | errors.YinqiaoError:
        try:
            return self.do(log, order)
        except errors.Refused as refusal:
            return refusal

    def _decide(self, log: str, order: Order, pending: _Pending) -> None:
        now = order.at or self._clock()
        case = Case(
            self._alliance, log, order.key, order.officer, clock.local(now).date(),
            self._reading, self._workdays, order.if_match, order.released, pending.streams,
        )  # fmt: skip
        places.check(order.command, case.today)
        try:
            commands.decision(order.command)(case, order.command)
        except errors.BadRecord as unreadable:
            raise errors.Unreadable.because(unreadable) from None
        if not case.facts:
            raise errors.Conflict("there is nothing to record")
        pending.streams.update(case.streams)
        pending.cases.append(case)
        pending.orders.append(order)
        pending.times += [clock.text(now)] * len(case.facts)

    def _record(self, log: str, pending: _Pending) -> list[Answer]:
        cases = pending.cases
        stored = [self._store.mapper.to_stored_event(fact) for case in cases for fact in case.facts]
        self._may_write(log)
        self._share(cases)
        failpoint("append.decided")
        positions = self._store.recorder.insert_events(
            stored,
            log=log,
            times=pending.times,
            commands=[
                append.Command(o.key, o.digest(), len(c.facts))
                for o, c in zip(pending.orders, cases, strict=True)
            ],
            expects=_expects(cases),
            claims=[claim for case in cases for claim in case.claims],
            releases=[release for case in cases for release in case.releases],
            closes=_closes(cases),
        )
        failpoint("append.committed")
        self._wake()
        return list(_answers(log, cases, (positions or [0])[0]))

    def _share(self, cases: Sequence[Case]) -> None:
        """Let those concerned read the attachments; before the append: no event names what stays shut."""
        for case in cases:
            for fact in case.facts:
                records = case.streams[fact.stream].records
                for digest in sharing.attachments(fact.data):
                    if not sharing.inherited(digest, records, case.log):
                        self._entitle(case.bureau, digest, sharing.audience(records))

    def cite(self, bureau: str, command: Command) -> None:
        """A draft is about to name the command's attachments: they stay. Raises NotFound, NotAllowed."""
        for digest in sharing.attachments(command):
            self._entitle(bureau, digest, ())

    def reserve(self, conn: Connection, log: str, order: Order) -> None:
        """The key is this order's, though nothing is recorded yet, in the caller's transaction.

        Raises SameKeyOtherBody.
        """
        if not append.reserve(conn, log, order.key, self._event(log, order.key), order.digest()):
            raise _other_body()

    def recorded(self, log: str, key: str) -> bool:
        """Whether a record stands under the key."""
        with self._database.connection() as conn:
            known = append.answered(conn, log, key, self._event(log, key))
        return known is not None and known.position > 0

    def _first_answer(self, log: str, order: Order) -> Answer | None:
        event = self._event(log, order.key)
        with self._database.connection() as conn:
            known = append.answered(conn, log, order.key, event)
        if known is None:
            return None
        if known.digest and bytes(known.digest) != order.digest():
            raise _other_body()
        if not known.position:
            raise errors.Unreleased("a draft lies under this key: release it, or use a new key")
        return Answer(event, log, known.position, known.events)

    def _event(self, log: str, key: str) -> str:
        """The id of the first event of the command under a key."""
        return envelope.event_id(envelope.namespace(self._alliance, log), key, 0)


def _other_body() -> errors.SameKeyOtherBody:
    return errors.SameKeyOtherBody(
        "this key was used with another body; use a new key", field="Idempotency-Key"
    )


def _expects(cases: Sequence[Case]) -> list[tuple[str, int]]:
    """Streams that were only read; those this transaction also writes are guarded by their versions."""
    written = {fact.stream for case in cases for fact in case.facts}
    return [(s, v) for case in cases for s, v in case.expects.items() if s not in written]


def _closes(cases: Sequence[Case]) -> int | None:
    """How many records stand before the one that closes the log, if one of these does."""
    return next((f.data.last_size for c in cases for f in c.facts if isinstance(f.data, LogClosed)), None)


def _answers(log: str, cases: Sequence[Case], first: int) -> Iterator[Answer]:
    for case in cases:
        yield Answer(case.facts[0].id, log, first, len(case.facts))
        first += len(case.facts)


def _chunks(orders: Iterable[Order], size: int) -> Iterator[list[Order]]:
    chunk: list[Order] = []
    for order in orders:
        chunk.append(order)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
