"""Histories for tests: facts one after the other in a stream, and what an aggregate makes of them."""

from datetime import date
from typing import Any

from events import catalogue
from events.event import Event, Record
from events.loops import Ask, Role
from events.values import Attachment, OutsideParty, PartyKind, Reason, Reference, Why
from tests.events.examples import LEAF

CHONGQING, SICHUAN, CHENGDU, GUANGZHOU = "500000", "510000", "510100", "440100"
WHY = Why(code=Reason.AGREED)
OUTSIDE = OutsideParty(name="重庆市科学技术协会", kind=PartyKind.ASSOCIATION)
TEXT = Attachment(digest=LEAF, size=1200, mediatype="application/pdf")
NEW_TEXT = Attachment(digest="A" * 43 + "=", size=1300, mediatype="application/pdf")


def day(text: str) -> date:
    return date.fromisoformat(text)


def ask(*bureaus: str, due: str = "2023-06-22") -> tuple[Ask, ...]:
    return tuple(Ask(bureau=b, role=Role.LEADER, due=day(due)) for b in bureaus)


def reference(log: str, position: int = 1) -> Reference:
    return Reference(log=log, position=position, leaf=LEAF)


def record(data: Event, position: int = 1, log: str = CHONGQING) -> Record[Event]:
    """The event as it stands in a log, at that position and version."""
    return Record(
        log=log, position=position, time="2023-06-08T01:02:03.000004Z", id="", type=data.type,
        aggregate=catalogue.aggregate_of(data.type).name, stream="", version=position,
        actor="system", causation=None, correlation=None, basis=data.references(), data=data,
    )  # fmt: skip


def history(*facts: Event, log: str = CHONGQING) -> list[Record[Event]]:
    """The facts at positions 1, 2, 3 … of a log."""
    return [record(fact, position, log) for position, fact in enumerate(facts, start=1)]


def fold(*facts: Event, log: str = CHONGQING) -> Any:
    """What the aggregate of the first fact makes of them. Raises ImpossibleHistory."""
    return catalogue.aggregate_of(facts[0].type).fold(history(*facts, log=log))
