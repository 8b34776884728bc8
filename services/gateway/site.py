"""What the gateway serves: one node, with everything its routes and pages may use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from events import errors
from events.alliance import Alliance
from projections import model
from projections.model import ReadModel
from services.bureau.desk import Desk
from services.bureau.office import Office
from services.ledger.guard import Guard
from services.people.holdings import Holdings
from services.runtime import clock
from services.runtime.database import Connection, Database


class Control(Protocol):
    """What an operator may do and see beyond the tables: the running node's own answers."""

    def read_only(self) -> str | None:
        """Why the node may not write now; None when it may."""

    def guard(self) -> Guard | None:
        """The guard file as it stands: how far own logs are published."""

    def rebuild(self, name: str) -> None:
        """Begin to build a read model beside the running one. Raises NotFound, Conflict."""

    def rebuilding(self) -> dict[str, str]:
        """The rebuilds of this process by read model: how far they are, or how they ended."""

    def exchange(self) -> list[dict[str, Any]]:
        """One line a log: head, received, lag, damage, breach; keys are column names."""

    def version(self, number: int) -> str | None:
        """The note of a version of the alliance document that is held here."""

    def failures(self) -> dict[str, int]:
        """How often each loop of the node had to begin anew."""

    def trouble(self) -> list[str]:
        """What is wrong with the alliance document, the keys of own logs or own topics; else nothing."""


@dataclass(frozen=True, eq=False)
class Site:
    """One node as its pages see it; `held` gives the newest version of the alliance document."""

    name: str
    held: Callable[[], Alliance]
    database: Database
    office: Office
    desk: Desk
    attachments: Holdings
    control: Control
    clock: Callable[[], datetime]
    demo_sign_in: bool = False
    demo_data: bool = False
    configuration: dict[str, str] = field(default_factory=dict)

    @property
    def alliance(self) -> Alliance:
        """Who is who now."""
        return self.held()

    @property
    def nodes(self) -> dict[str, str]:
        """The pages of all nodes, by name."""
        return {node.name: node.url for node in self.alliance.document.node}

    @property
    def alliance_name(self) -> str:
        """The alliance's short name, e.g. `chuanyu`."""
        return self.alliance.id

    @property
    def bureaus(self) -> frozenset[str]:
        """The codes of the bureaus that this node hosts."""
        return frozenset(log.bureau for log in self.alliance.logs_of(self.name))

    @property
    def origins(self) -> frozenset[str]:
        """Scheme, host and port of every node's pages."""
        return self.alliance.origins

    def today(self) -> date:
        """Today in Asia/Shanghai."""
        return clock.today(self.clock)

    def log_of(self, bureau: str) -> str:
        """The log that a hosted bureau writes now: the one continued last. Raises NotFound."""
        logs = [log.name for log in self.alliance.logs_of(self.name) if log.bureau == bureau]
        if not logs:
            raise errors.NotFound(f"bureau {bureau[:12]} is not hosted by this node", field="code")
        return max(logs, key=lambda name: (len(name), name))

    def node_of(self, bureau: str) -> str:
        """The name of the node that hosts a bureau."""
        logs = [log for log in self.alliance.document.log if log.bureau == bureau]
        return logs[-1].node if logs else ""

    @contextmanager
    def reading(self, which: ReadModel) -> Iterator[Connection]:
        """A connection that reads a model's tables, in one transaction."""
        with self.database.connection() as conn, model.reading(conn, which):
            yield conn
