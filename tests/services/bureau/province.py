"""A node that hosts several bureaus, signed and projected by hand: the smallest place with loops."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from events import checkpoints, envelope, notes
from events.event import Event, Record
from events.loops import Role
from projections import digest, model
from projections.models import MODELS
from services.bureau.case import Officer, Stream
from services.bureau.commands import Command
from services.bureau.desk import Desk
from services.bureau.office import Answer, Office, Order
from services.bureau.reading import LedgerReading
from services.ledger import logs
from services.ledger.checkpoints import Checkpointer
from services.ledger.guard import GuardFile
from services.ledger.keyring import Held
from services.ledger.recorder import event_store
from services.node.node import migrations
from services.projector.runner import Projector
from services.runtime import database, workdays
from services.runtime.database import Database

ALLIANCE = "chuanyu"
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def prepare(dsn: str) -> None:
    """The schema of a node, and its read models."""
    database.migrate(dsn, migrations())
    opened = Database(dsn, size=2).open()
    Projector(opened, MODELS).prepare()
    opened.close()


class Province:
    """Offices of some bureaus over one database; `settle` covers and projects what was recorded."""

    def __init__(self, dsn: str, folder: Path, bureaus: Iterable[str]) -> None:
        self.database = Database(dsn, size=4).open()
        self.now = NOW
        self.shared: list[tuple[str, str, frozenset[str]]] = []
        self.office = Office(
            self.database, ALLIANCE, lambda: self.now, workdays.add, entitle=self._entitle,
        )  # fmt: skip
        self.desk = Desk(self.database, self.office, lambda: self.now, workdays.add)
        signers = {bureau: (Held(_signer(bureau)),) for bureau in bureaus}
        with self.database.connection() as conn:
            for bureau in signers:
                logs.open_own(conn, bureau)
        self._checkpointer = Checkpointer(self.database, signers, GuardFile(folder / "guard"))
        self._projector = Projector(self.database, MODELS)
        self._projector.prepare()
        self.reading = LedgerReading(self.database, event_store(self.database))
        self._keys = 0

    def _entitle(self, bureau: str, digest_: str, bureaus: Iterable[str]) -> None:
        self.shared.append((bureau, digest_, frozenset(bureaus)))

    def do(self, bureau: str, command: Command, key: str = "", if_match: int | None = None) -> Answer:
        """Have a command done, projected and signed; a fresh key unless one is given."""
        answer = self.office.do(bureau, self.order(bureau, command, key, if_match))
        self.settle()
        return answer

    def order(self, bureau: str, command: Command, key: str = "", if_match: int | None = None) -> Order:
        """An order by the bureau's leader, released."""
        self._keys += 1
        leader = officer(bureau, Role.LEADER)
        return Order(key or f"key-{self._keys}", leader, command, None, if_match, released=True)

    def settle(self) -> None:
        """Cover everything and fold it."""
        self._checkpointer.round()
        while self._projector.step():
            pass

    def stream(self, answer: Answer) -> str:
        """The stream of a command's first event."""
        return self.record(answer).stream

    def record(self, answer: Answer) -> Record[Event]:
        """A command's first event."""
        return self.reading.record((answer.log, answer.position))

    def history(self, log: str, stream: str) -> list[Record[Event]]:
        """All events of a stream."""
        return self.reading.history(log, stream)

    def ask(self, which: model.ReadModel, query: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """The answer of a read model's query."""
        with self.database.connection() as conn, model.reading(conn, which):
            return query(conn, *values, **named)

    def digests(self) -> dict[str, str]:
        """Of all read models."""
        with self.database.connection() as conn:
            return {m.name: digest.digest(conn, model.live(m)) for m in MODELS}

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()


def officer(bureau: str, role: Role = Role.CLERK) -> Officer:
    """An officer with an id of its own."""
    return Officer(envelope.event_id(envelope.namespace(ALLIANCE, bureau), role, 0), bureau, role)


def _signer(bureau: str) -> notes.Signer:
    name = checkpoints.origin(ALLIANCE, bureau)
    return notes.Signer(name, sha256(name.encode()).digest())


def day(text: str) -> date:
    """A day of the examples."""
    return date.fromisoformat(text)


__all__ = ["NOW", "Province", "Stream", "day", "officer", "prepare"]
