"""Drafts and reviews: what binds the bureau waits here, outside the log, until its leader releases it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from psycopg.rows import class_row

from events import errors
from events.loops import Role
from events.values import Reason
from services.bureau import commands, registry
from services.bureau.case import Officer
from services.bureau.commands import Command
from services.bureau.office import Answer, Office, Order
from services.runtime import clock
from services.runtime.database import Connection, Database

RELEASE_DAYS = 3
"""Working days in which a draft should be released or returned."""
_AT_ONCE = 2
"""Drafts that are moved at once: whoever releases needs a second connection, and must always find one."""
_PATIENCE = 10.0
"""Seconds to wait for one's turn."""


@dataclass(frozen=True)
class Draft:
    """A command on its way to the leader; `state` is proposed, reviewed, returned, released or discarded."""

    id: str
    log: str
    context: str
    command: str
    body: str
    if_match: int | None
    state: str
    proposer: str
    reviewer: str | None
    decider: str | None
    reason: str | None
    due: date
    proposed: datetime
    decided: datetime | None
    position: int | None

    def order(self) -> Command:
        """The command that it will be."""
        return commands.parse(registry.find(self.context, self.command), self.body)


@dataclass(frozen=True)
class Delegation:
    """An officer who may release in a leader's place from `first` to `last`, unless it `ended` before."""

    id: str
    log: str
    leader: str
    delegate: str
    first: date
    last: date
    recorded: datetime
    ended: datetime | None

    def holds(self, day: date) -> bool:
        """Whether the officer may release on that day."""
        return self.ended is None and self.first <= day <= self.last


class Desk:
    """The drafts of the bureaus this node hosts."""

    def __init__(
        self,
        database: Database,
        office: Office,
        clock: Callable[[], datetime],
        workdays: Callable[[date, int], date],
    ) -> None:
        self._database, self._office, self._clock, self._workdays = database, office, clock, workdays
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def take(self, log: str, order: Order) -> Answer | Draft:
        """Do what an officer may do alone, and lay what binds the bureau before its leader.

        Raises Refused, Unavailable; the same key gives the same answer or draft again.
        """
        if order.officer.role not in order.command.roles or order.officer.bureau != log[:6]:
            raise errors.NotAllowed(
                f"{order.officer.role.en} of {order.officer.bureau} may not do this in {log}"
            )
        if order.command.binding:
            return self.propose(log, order)
        try:
            return self._office.do(log, order._replace(released=False))
        except errors.Unreleased:  # it binds all the same, by what it changes
            return self.propose(log, order)

    def propose(self, log: str, order: Order) -> Draft:
        """Lay a command before the leader. Raises SameKeyOtherBody, and whatever its decision refuses now."""
        draft = str(uuid5(NAMESPACE_URL, f"yinqiao:draft:{log}/{order.key}"))
        body, now = order.command.model_dump_json(exclude_none=True), self._clock()
        if not self._is_there(log, draft):
            self._office.consider(log, order._replace(key=_key(draft), released=True))
        self._office.cite(log[:6], order.command)
        row = [draft, log, order.command.context, order.command.name, body, order.if_match, order.officer.id]
        with self._database.transaction() as conn:
            self._office.reserve(conn, log, order)
            conn.execute(
                "INSERT INTO desk.draft (id, log, context, command, body, if_match, proposer, due, proposed)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
                [*row, self._workdays(self._today(), RELEASE_DAYS), now],
            )
            return _get(conn, log, draft)

    def waiting(self, log: str) -> list[Draft]:
        """What waits for the leader or, returned, for the proposer; the most urgent first."""
        return self._list(log, "state IN ('proposed', 'reviewed', 'returned') ORDER BY due, proposed")

    def decided(self, log: str) -> list[Draft]:
        """What was released or discarded, the latest first."""
        return self._list(log, "state IN ('released', 'discarded') ORDER BY decided DESC LIMIT 200")

    def get(self, log: str, draft: str) -> Draft:
        """One draft. Raises NotFound."""
        with self._database.connection() as conn:
            return _get(conn, log, draft)

    def review(self, log: str, draft: str, officer: Officer) -> Draft:
        """A second pair of eyes before the leader. Raises NotAllowed, Conflict."""
        _another(self.get(log, draft), officer)
        return self._move(log, draft, ("proposed",), "state = 'reviewed', reviewer = %s", [officer.id])

    def release(self, log: str, draft: str, officer: Officer) -> Answer:
        """The leader's word: the command is decided and recorded. Repeating it gives the first answer.

        Raises NotAllowed, Conflict, and whatever the decision refuses; the draft then stays as it is.
        """
        self._may_decide(self.get(log, draft), officer)
        with self._held(log, draft) as (conn, found):
            if found.state not in {"proposed", "reviewed", "released"}:
                raise errors.Conflict(f"the draft is {found.state}; only what was proposed can be released")
            order = Order(_key(draft), officer, found.order(), None, found.if_match, released=True)
            answer = self._office.do(log, order)
            # A crash here leaves a record and an open draft, which can only be released again: see `_move`.
            if found.state != "released":
                change = "state = 'released', decider = %s, decided = %s, position = %s"
                _change(conn, draft, change, [officer.id, self._clock(), answer.position])
        return answer

    def send_back(self, log: str, draft: str, officer: Officer, reason: Reason) -> Draft:
        """Return it to the proposer with a reason. Raises NotAllowed, Conflict."""
        self._may_decide(self.get(log, draft), officer)
        change = "state = 'returned', decider = %s, decided = %s, reason = %s"
        return self._move(
            log, draft, ("proposed", "reviewed"), change, [officer.id, self._clock(), reason.value]
        )

    def discard(self, log: str, draft: str, officer: Officer) -> Draft:
        """The proposer takes it away. Raises NotAllowed, Conflict."""
        if self.get(log, draft).proposer != officer.id:
            raise errors.NotAllowed("only the proposer can discard a draft")
        change = "state = 'discarded', decided = %s"
        return self._move(log, draft, ("proposed", "reviewed", "returned"), change, [self._clock()])

    def delegate(
        self, log: str, leader: Officer, delegate: str, first: date, last: date, key: str | None = None
    ) -> None:
        """Let another officer release in the leader's place; the same key once only.

        Raises NotAllowed, Invalid.
        """
        _leads(log, leader)
        if delegate == leader.id:
            raise errors.Invalid("delegate: choose another officer", field="delegate")
        if last < first:
            raise errors.Invalid("last: lies before the first day", field="last")
        if last < self._today():
            raise errors.Invalid("last: lies in the past", field="last")
        id_ = str(uuid5(NAMESPACE_URL, f"yinqiao:delegation:{log}/{key}") if key else uuid4())
        with self._database.connection() as conn:
            conn.execute(
                "INSERT INTO desk.delegation VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [id_, log, leader.id, delegate, first, last, self._clock()],
            )

    def delegations(self, log: str) -> list[Delegation]:
        """Who may, might or may no longer release for a leader, the latest first."""
        with self._database.connection() as conn, conn.cursor(row_factory=class_row(Delegation)) as cursor:
            return cursor.execute(
                "SELECT id::text, log, leader, delegate, first, last, recorded, ended FROM desk.delegation"
                " WHERE log = %s ORDER BY ended IS NOT NULL, last DESC, recorded DESC LIMIT 200",
                [log],
            ).fetchall()

    def end_delegation(self, log: str, leader: Officer, delegation: str) -> None:
        """Take a delegation back at once; again is harmless. Raises NotAllowed, NotFound."""
        _leads(log, leader)
        with self._database.connection() as conn:
            found = conn.execute(
                "UPDATE desk.delegation SET ended = coalesce(ended, %s) WHERE log = %s AND id::text = %s",
                [self._clock(), log, delegation],
            ).rowcount
        if not found:
            raise errors.NotFound("there is no such delegation here", field="delegation")

    def may_release(self, log: str, officer: Officer) -> bool:
        """Whether the officer is a leader of the log's bureau, or whom a leader delegated today."""
        if officer.bureau != log[:6]:
            return False
        return officer.role is Role.LEADER or any(
            d.delegate == officer.id and d.holds(self._today()) for d in self.delegations(log)
        )

    def _is_there(self, log: str, draft: str) -> bool:
        try:
            return bool(self.get(log, draft))
        except errors.NotFound:
            return False

    def _today(self) -> date:
        return clock.today(self._clock)

    def _may_decide(self, draft: Draft, officer: Officer) -> None:
        _another(draft, officer)
        if not self.may_release(draft.log, officer):
            raise errors.NotAllowed(
                "only a leader, or whom a leader delegated, can release or return a draft"
            )

    def _move(self, log: str, draft: str, states: tuple[str, ...], change: str, values: list[Any]) -> Draft:
        with self._held(log, draft) as (conn, found):
            state = "released" if self._office.recorded(log, _key(draft)) else found.state
            if state not in states:
                raise errors.Conflict(f"the draft is {state} already")
            _change(conn, draft, change, values)
            return _get(conn, log, draft)

    @contextmanager
    def _held(self, log: str, draft: str) -> Iterator[tuple[Connection, Draft]]:
        """The draft, which nobody else moves until the end. Raises NotFound, Unavailable."""
        if not self._turns.acquire(timeout=_PATIENCE):
            raise errors.Busy("too many drafts are being decided; try again")
        try:
            with self._database.transaction() as conn:
                yield conn, _get(conn, log, draft, " FOR UPDATE")
        finally:
            self._turns.release()

    def _list(self, log: str, condition: str) -> list[Draft]:
        with self._database.connection() as conn, conn.cursor(row_factory=class_row(Draft)) as cursor:
            query = f"{_SELECT} WHERE log = %s AND {condition}"
            return cursor.execute(query, [log]).fetchall()


_SELECT = (
    "SELECT id::text, log, context, command, body, if_match, state, proposer, reviewer, decider, reason, due,"
    " proposed, decided, position FROM desk.draft"
)


def _get(conn: Connection, log: str, draft: str, lock: str = "") -> Draft:
    with conn.cursor(row_factory=class_row(Draft)) as cursor:
        found = cursor.execute(f"{_SELECT} WHERE log = %s AND id::text = %s{lock}", [log, draft]).fetchone()
    if found is None:
        raise errors.NotFound("there is no such draft here", field="draft")
    return found


def _change(conn: Connection, draft: str, change: str, values: list[Any]) -> None:
    conn.execute(f"UPDATE desk.draft SET {change} WHERE id = %s", [*values, draft])  # noqa: S608  (constants)


def _key(draft: str) -> str:
    """The command id of a draft's release."""
    return f"draft/{draft}"


def _leads(log: str, officer: Officer) -> None:
    if officer.role is not Role.LEADER or officer.bureau != log[:6]:
        raise errors.NotAllowed("only a leader can delegate")


def _another(draft: Draft, officer: Officer) -> None:
    if officer.bureau != draft.log[:6]:
        raise errors.NotAllowed(f"this draft is {draft.log[:6]}'s, not {officer.bureau}'s")
    if draft.proposer == officer.id:
        raise errors.NotAllowed("whoever proposed cannot approve; another officer must")
