"""What the gateway serves: one node, with everything its routes and pages may use."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from events.alliance_document import Alliance
from projections.model import ReadModel
from services.bureau.desk import Desk
from services.bureau.office import Office
from services.runtime.database import Connection, Database


class Attachments(Protocol):
    """The attachments this node holds or may fetch."""

    def put(self, bureau: str, content: bytes, mediatype: str, entitled: tuple[str, ...]) -> Any: ...
    def get(self, digest: str, asker: str, log: str) -> tuple[bytes, str]: ...


@dataclass(frozen=True)
class Site:
    """One node as its pages see it. `bureaus` are the codes it hosts, `nodes` the pages of the others."""

    name: str
    alliance: Alliance
    database: Database
    office: Office
    desk: Desk
    clock: Callable[[], datetime]
    attachments: Attachments
    bureaus: frozenset[str]
    nodes: dict[str, str]
    demo_sign_in: bool
    demo_data: bool
    control: Any
    configuration: dict[str, str]

    @property
    def alliance_name(self) -> str:
        """The alliance's short name, e.g. `chuanyu`."""
        return self.alliance.alliance

    def today(self) -> date:
        """Today in Asia/Shanghai."""
        from services.runtime import clock

        return clock.today(self.clock)

    def log_of(self, bureau: str) -> str:
        """The log that a hosted bureau writes now."""
        return bureau

    def reading(self, model: ReadModel) -> AbstractContextManager[Connection]:
        """A connection that reads a model's tables."""
        raise NotImplementedError
