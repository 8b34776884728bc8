"""The script of the demo: orders in the order of their logs, each with its place there and what it rests on.

Ids and positions follow from the keys alone, so the same seed gives the same records at every start.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from hashlib import sha256
from random import Random
from typing import NamedTuple

from events import envelope, errors
from events.event import Key
from events.loops import Role
from events.values import Attachment
from services.bureau import cooperation, talent
from services.bureau.commands import Command
from services.bureau.office import Order
from services.gateway.acting import officer
from services.people import attachments
from services.runtime.clock import SHANGHAI

MADE_UP = "〔示例〕"
"""Marks in titles what no document states."""
_PLAIN = "text/plain"


class Step(NamedTuple):
    """An order of one log: where its first event stands, how many it becomes, what must be folded before."""

    order: Order
    position: int
    events: int
    rests: tuple[Key, ...]


class Paper(NamedTuple):
    """A text that the script's events name by its digest; `salt` makes the digest the same at every start."""

    log: str
    content: bytes
    mediatype: str
    salt: bytes
    attachment: Attachment


class Script(NamedTuple):
    """Everything to play: the steps of each log in their order, and the texts they name."""

    steps: Mapping[str, Sequence[Step]]
    papers: Sequence[Paper]

    def ends(self) -> dict[str, int]:
        """The position of each log's last event."""
        return {log: steps[-1].position + steps[-1].events - 1 for log, steps in self.steps.items()}


Positions = Callable[[str], int]
"""The position of the first event of the order with this key."""


@dataclass(frozen=True)
class _Draft:
    key: str
    log: str
    role: Role
    at: datetime
    command: Command | Callable[[Positions], Command]
    after: tuple[str, ...]
    events: int


@dataclass
class Writer:
    """Takes orders down by key. Under `after` stand those that must be visible where an order is given."""

    alliance: str
    _drafts: dict[str, _Draft] = field(default_factory=dict)
    _papers: list[Paper] = field(default_factory=list)

    def order(
        self,
        key: str,
        log: str,
        at: datetime,
        command: Command | Callable[[Positions], Command],
        *,
        role: Role = Role.CLERK,
        after: Iterable[str] = (),
        events: int | None = None,
    ) -> str:
        """Take one order down; the key again, for those that rest on it. `events`: how many it becomes."""
        full = f"demo/{key}"
        if full in self._drafts:
            raise errors.Conflict(f"the script has two orders {full}")
        if not isinstance(command, Command) and events is None:
            raise errors.Invalid(f"the script does not know how many events {full} becomes")
        count = events or (_count(command) if isinstance(command, Command) else 1)
        self._drafts[full] = _Draft(full, log, role, at, command, tuple(f"demo/{k}" for k in after), count)
        return key

    def stream(self, key: str, log: str, index: int = 0) -> str:
        """The id of a stream that the order with this key starts."""
        return envelope.subject_id(envelope.namespace(self.alliance, log), f"demo/{key}", index)

    def paper(self, key: str, log: str, text: str) -> Attachment:
        """A text that an order names."""
        content, salt = text.encode(), sha256(f"yinqiao/demo/{log}/{key}".encode()).digest()
        attachment = attachments.describe(content, _PLAIN, salt)
        self._papers.append(Paper(log, content, _PLAIN, salt, attachment))
        return attachment

    def script(self) -> Script:
        """Everything in its place. Raises Invalid when an order does not come after what it rests on."""
        logs: dict[str, list[_Draft]] = defaultdict(list)
        for draft in sorted(self._drafts.values(), key=lambda d: d.at):
            logs[draft.log].append(draft)
        places = dict(place for drafts in logs.values() for place in _places(drafts))
        made = {log: [self._step(d, places) for d in drafts] for log, drafts in sorted(logs.items())}
        return Script(made, tuple(self._papers))

    def _step(self, draft: _Draft, places: Mapping[str, int]) -> Step:
        rests = tuple(sorted({self._rest(draft, self._drafts[key], places) for key in draft.after}))
        command = draft.command
        if not isinstance(command, Command):
            command = command(lambda key: places[f"demo/{key}"])
        acts = officer(self.alliance, draft.log, draft.role)
        order = Order(draft.key, acts, command, draft.at)
        return Step(order, places[draft.key], draft.events, rests)

    @staticmethod
    def _rest(draft: _Draft, other: _Draft, places: Mapping[str, int]) -> Key:
        if other.at >= draft.at:
            raise errors.Invalid(f"{draft.key} is given before {other.key}, on which it rests")
        return other.log, places[other.key] + other.events - 1


def _places(drafts: Sequence[_Draft]) -> Iterable[tuple[str, int]]:
    position = 1
    for draft in drafts:
        yield draft.key, position
        position += draft.events


def _count(command: Command) -> int:
    """How many events a command becomes."""
    match command:
        case cooperation.Propose() | cooperation.Amend():
            return 2
        case talent.Offer(experts=experts):
            return 2 * len(experts)
        case talent.ConfirmDays(positions=positions):
            return len(positions)
    return 1


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day in Chongqing and Chengdu."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def seeded(name: str) -> Random:
    """Always the same numbers for the same name."""
    return Random(f"yinqiao/demo/{name}")  # noqa: S311  (made-up data, no secrets)


def split(total: int, parts: int, random: Random) -> list[int]:
    """A total in uneven parts, none below a half of the mean (at least 1), that add up exactly.

    Raises Invalid when there are more parts than can be filled.
    """
    if parts < 1 or total < parts:
        raise errors.Invalid(f"{total} cannot be split in {parts} parts")
    least = max(1, total // parts // 2)
    weights = [random.random() for _ in range(parts)]
    rest, whole = total - least * parts, sum(weights)
    found = [least + int(rest * weight / whole) for weight in weights]
    for index in range(total - sum(found)):
        found[index % parts] += 1
    return found
