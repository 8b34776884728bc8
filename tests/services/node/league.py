"""Some nodes of one alliance, each with a folder, keys, a database and pages of its own."""

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from events import alliance, notes
from events.alliance import Alliance
from events.alliance_document import Bureau, Document, Key, Log, Policy
from events.alliance_document import Node as Entry
from events.experts import Tier
from events.loops import Role
from events.values import Expertise
from projections import digest, model
from projections.models import MODELS
from services.bureau import experts
from services.bureau.case import Officer
from services.bureau.commands import Command
from services.bureau.office import Answer, Order
from services.gateway.app import create_app
from services.ledger import read
from services.node import alliances, running, serving, site
from services.node.node import Node
from services.node.serving import Server
from services.runtime import keys
from services.runtime import settings as told
from services.transport.base import Exchange
from tests.services.commands import installation

SECONDS = 45.0
WARNINGS = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
"""FastAPI silences it itself while it builds an application, in a way that other threads undo."""
EXPERT = experts.ShareExpert(
    speciality="柑橘栽培", fields=(Expertise.AGRICULTURE,), tier=Tier.POOL, agreed=True
)


class Member:
    """An installed node; `node` while it runs. Every member has the alliance's folder for itself."""

    def __init__(self, folder: Path, name: str, dsn: str, logs: Sequence[str]) -> None:
        self.folder, self.name, self.dsn, self.logs = folder, name, dsn, tuple(logs)
        self.port = installation.free_port()
        self.node: Node | None = None
        self._server: Server | None = None
        self._bound: socket.socket | None = None
        (folder / "attachments").mkdir(parents=True, mode=0o700)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Path:
        return self.folder / "node.toml"

    @property
    def document(self) -> Path:
        return self.folder / "alliance.note"

    @property
    def running(self) -> Node:
        assert self.node is not None
        return self.node

    def write(self, digest_: str) -> None:
        """Its settings."""
        self.settings.write_text(
            f'name = "{self.name}"\ndsn = {json.dumps(self.dsn)}\nexchange = "inprocess"\n'
            f'demo = true\nsignin = "demo"\ninprocess.folder = "exchange"\n'
            f'http.listen = "127.0.0.1:{self.port}"\n'
            f'alliance.file = "alliance.note"\nalliance.digest = "{digest_}"\nkeys.dir = "keys"\n'
            'guard.file = "guard"\nattachments.dir = "attachments"\n',
            "utf-8",
        )
        self.settings.chmod(0o600)

    def write_again(self) -> None:
        """The settings once more: the database is another one."""
        self.write(told.load(self.settings).alliance.digest)

    def start(self, exchange: Exchange) -> Node:
        """Run it, with its pages; it looks at the others' versions twice a second."""
        found = told.load(self.settings)
        document = alliances.load(self.document, found.alliance.digest)
        named = running.joined(found, document, _slept)
        assert named is not None
        node = self.node = Node(found, named, exchange, witness_every=1, ask_every=0.5)
        node.open()
        self._bound = serving.listen(found.http.address)
        self._server = Server(create_app(site.site(node)), self._bound)
        self._server.start(self.name)
        node.start()
        return node

    def stop(self) -> None:
        """End it; again is harmless."""
        if self._server is not None and self._bound is not None:
            self._server.stop()
            self._bound.close()
        if self.node is not None:
            unfinished = self.node.close()
            assert unfinished == []
        self.node = self._server = self._bound = None

    def record(self, count: int = 1, log: str | None = None, key: str = "") -> Answer:
        """Share experts, each in a stream of its own; the last answer."""
        officer = Officer(str(uuid4()), self.logs[0][:6], Role.CLERK)
        orders = [Order(key or str(uuid4()), officer, EXPERT) for _ in range(count)]
        return [self.running.office.do(log or self.logs[0], order) for order in orders][-1]

    def do(self, command: Command) -> Answer:
        """Have a command done in its first log."""
        officer = Officer(str(uuid4()), self.logs[0][:6], Role.CLERK)
        return self.running.office.do(self.logs[0], Order(str(uuid4()), officer, command))

    def values(self, log: str) -> list[bytes]:
        """What it holds of a log, covered or not."""
        with psycopg.connect(self.dsn) as conn:
            rows = conn.execute(
                "SELECT value FROM ledger.entry WHERE log = %s ORDER BY position", [log]
            ).fetchall()
        return [bytes(value) for (value,) in rows]

    def covered(self) -> Mapping[str, int]:
        """How far its checkpoints cover each log."""
        with self.running.database.connection() as conn:
            return read.covered(conn)

    def note_at(self, log: str, size: int) -> str | None:
        """The checkpoint it holds of this size."""
        with self.running.database.connection() as conn:
            row = conn.execute(
                "SELECT note FROM ledger.checkpoint WHERE log = %s AND size = %s", [log, size]
            ).fetchone()
        return str(row[0]) if row else None

    def signers_at(self, log: str, size: int) -> set[str]:
        """Whose signatures the checkpoint of this size carries, cosignatures left out."""
        keys_ = [notes.Verifier.parse(k.vkey) for k in self.running.alliance.log(log).key]
        note = self.note_at(log, size)
        return {s.verifier.vkey for s in notes.open(note, keys_).signatures} if note else set()

    def digests(self) -> dict[str, str]:
        with self.running.database.connection() as conn:
            return {each.name: digest.digest(conn, model.live(each)) for each in MODELS}

    def run(self, *words: str, exit_code: int = 0) -> str:
        """What a command prints, told of this node's settings."""
        code, output, said = installation.run(*words, "--settings", str(self.settings))
        assert code == exit_code, (code, output, said)
        return output + said


def _slept(seconds: float) -> bool:
    time.sleep(seconds)
    return False


class League:
    """The members, and the quorum of three that signs for them."""

    def __init__(
        self, folder: Path, exchange: Exchange, new_dsn: Callable[[], str], name: str = "chuanyu"
    ) -> None:
        self.folder, self.exchange, self.new_dsn, self.name = folder, exchange, new_dsn, name
        self.members: dict[str, Member] = {}
        self.quorum = [keys.create_quorum(folder / "quorum", name, f"q{n}") for n in range(3)]

    def member(self, name: str, *logs: str) -> Member:
        """One more, not in the document yet."""
        self.members[name] = Member(self.folder / name, name, self.new_dsn(), logs)
        return self.members[name]

    def found(self, needed: int | None = None) -> None:
        """Version 1, of all members there are."""
        document = Document(
            alliance=self.name, version=1, quorum=tuple(signer.verifier.vkey for signer in self.quorum),
            bureau=tuple(
                Bureau(code=log, name_zh=log, name_en=log, from_day=date(2021, 1, 1))
                for m in self.members.values() for log in m.logs
            ),
            node=tuple(
                Entry(
                    name=m.name, operator=m.name, url=m.url,
                    cosigner=keys.create_node(m.folder / "keys", self.name, m.name).verifier.vkey,
                )
                for m in self.members.values()
            ),
            log=tuple(
                Log(name=log, bureau=log, node=m.name, key=(Key(vkey=self._log_key(m, log)),))
                for m in self.members.values() for log in m.logs
            ),
            policy=Policy(witnesses=tuple(self.members), needed=needed),
        )  # fmt: skip
        self.first = self.sign(document)
        for member in self.members.values():
            self.hand(member)

    def hand(self, member: Member) -> None:
        """Give a member version 1 and its settings."""
        member.document.write_text(self.first, "utf-8")
        member.write(alliance.digest(self.first))

    def _log_key(self, member: Member, log: str) -> str:
        return keys.create_log(member.folder / "keys", self.name, log).verifier.vkey

    def sign(self, document: Document) -> str:
        return notes.sign(document.write(), *self.quorum[:2])

    def start(self, *names: str) -> None:
        """Start these, or all, and wait until they may write."""
        chosen = [self.members[name] for name in names or self.members]
        for member in chosen:
            member.start(self.exchange)
        eventually(lambda: all(member.running.standing.cause is None for member in chosen))

    def close(self) -> None:
        for member in self.members.values():
            if member.node is not None:
                member.node.loops.tell()
        for member in self.members.values():
            member.stop()

    def publish(self, member: Member, note: str, number: int) -> None:
        """Put a signed version into a member's folder, as an operator does."""
        alliances.version(member.document, number).write_text(note, "utf-8")

    def current(self) -> Alliance:
        """As the first member has it."""
        return next(iter(self.members.values())).running.alliance

    def agree(self, *names: str) -> None:
        """Wait until these members, or all that run, hold and show the same."""
        chosen = [m for m in self.members.values() if m.node is not None and (not names or m.name in names)]
        eventually(lambda: len({tuple(sorted(m.covered().items())) for m in chosen}) == 1)
        eventually(lambda: len({tuple(sorted(m.digests().items())) for m in chosen}) == 1)


def eventually(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until it holds; what it is then."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
