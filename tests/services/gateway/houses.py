"""A node for tests of its pages: real database, office, desk, checkpointer and projector, in this process."""

import threading
from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from events import checkpoints, notes
from events.alliance import Alliance, Bureau, Document, Key, Log, Node
from events.loops import Role
from projections.models import MODELS
from services.auditor import schema as auditor_schema
from services.bureau import schema as desk_schema
from services.bureau.case import Officer
from services.bureau.desk import Desk
from services.bureau.office import Office
from services.exchange import schema as exchange_schema
from services.gateway import acting
from services.gateway.site import Site
from services.ledger import logs
from services.ledger import schema as ledger_schema
from services.ledger.checkpoints import Checkpointer
from services.ledger.guard import Guard, GuardFile
from services.ledger.keyring import Held
from services.people import schema as people_schema
from services.people.attachments import Store
from services.people.holdings import Holdings
from services.projector import schema as projector_schema
from services.projector.runner import Projector
from services.runtime import clock, files, workdays
from services.runtime.database import Database, migrate
from services.runtime.signals import Wake

ALLIANCE, NAME = "chuanyu", "chongqing"
BUREAUS = {
    "500000": ("重庆市委老干部局", "Chongqing"), "500116": ("江津区委老干部局", "Jiangjin"),
    "500117": ("合川区委老干部局", "Hechuan"), "500153": ("荣昌区委老干部局", "Rongchang"),
    "510000": ("四川省委老干部局", "Sichuan"), "510300": ("自贡市委老干部局", "Zigong"),
    "511600": ("广安市委老干部局", "Guang'an"), "512000": ("资阳市委老干部局", "Ziyang"),
    "440100": ("广州市委老干部局", "Guangzhou"),
}  # fmt: skip
ELSEWHERE = "440100"
"""Hosted by the node `guests`."""


def log_signer(log: str) -> notes.Signer:
    return notes.Signer(checkpoints.origin(ALLIANCE, log), sha256(log.encode()).digest())


def node_signer(name: str) -> notes.Signer:
    key = checkpoints.node_key(ALLIANCE, name)
    return notes.Signer(key, sha256(key.encode()).digest(), notes.Kind.COSIGNATURE)


def alliance(urls: dict[str, str]) -> Alliance:
    document = Document(
        alliance=ALLIANCE,
        version=1,
        quorum=(notes.Signer("quorum", b"q" * 32).verifier.vkey,),
        bureau=tuple(_bureau(code, *names) for code, names in BUREAUS.items()),
        node=tuple(
            Node(name=name, operator=name, url=url, cosigner=node_signer(name).verifier.vkey)
            for name, url in urls.items()
        ),
        log=tuple(_log(code) for code in BUREAUS),
    )
    return Alliance(document, "")


def _bureau(code: str, zh: str, en: str) -> Bureau:
    known = {"code": code, "name_zh": zh, "name_en": f"{en} bureau", "from": date(2019, 1, 1)}
    return Bureau.model_validate(known)


def _log(code: str) -> Log:
    return Log(name=code, bureau=code, node=_node(code), key=(Key(vkey=log_signer(code).verifier.vkey),))


def _node(code: str) -> str:
    return "guests" if code == ELSEWHERE else NAME


def prepare(dsn: str) -> None:
    """Every step of a node's database."""
    steps = (
        ledger_schema, exchange_schema, people_schema, desk_schema, projector_schema, auditor_schema,
    )  # fmt: skip
    migrate(dsn, [migration for step in steps for migration in step.migrations()])


class House:
    """The parts of a node, and the loop that signs and projects what is appended."""

    def __init__(
        self,
        dsn: str,
        folder: Path,
        now: Callable[[], datetime] = clock.now,
        url: str = "http://127.0.0.1:8501",
    ) -> None:
        self.database = Database(dsn, size=10).open()
        self.alliance = alliance({NAME: url, "guests": "http://127.0.0.1:8503"})
        self._note = notes.sign(self.alliance.document.write(), notes.Signer("quorum", b"q" * 32))
        self.own = sorted(log.name for log in self.alliance.logs_of(NAME))
        self.cause: str | None = None
        self.rebuilds: list[str] = []
        self.troubles: list[str] = []
        self._guard = GuardFile(folder / "guard")
        self.wake, self._stop = Wake(), threading.Event()
        self._lock, self._thread = threading.Lock(), threading.Thread(target=self._run, daemon=True)
        keys = {log: (Held(log_signer(log)),) for log in self.own}
        self.checkpointer = Checkpointer(self.database, keys, self._guard)
        self.projector = Projector(self.database, MODELS)
        self.site = self._site(folder, now, url)
        self._open()

    def _site(self, folder: Path, now: Callable[[], datetime], url: str) -> Site:
        files.make_folder(folder / "vault")
        store = Store(ALLIANCE, folder / "vault")
        holdings = Holdings(NAME, lambda: self.alliance, self.database, store, node_signer(NAME), now)
        office = Office(
            self.database, ALLIANCE, now, workdays.add, self.wake.set, holdings.entitle, self._may_write
        )
        return Site(
            name=NAME,
            held=lambda: self.alliance,
            database=self.database,
            office=office,
            desk=Desk(self.database, office, now, workdays.add),
            attachments=holdings,
            control=self,
            clock=now,
            demo_sign_in=True,
            demo_data=True,
            configuration={"name": NAME, "dsn": "host=db password=***"},
        )

    def _open(self) -> None:
        with self.database.connection() as conn:
            for log in self.own:
                logs.open_own(conn, log)
        self.projector.prepare()

    def _may_write(self, _: str) -> None:
        from events import errors

        if self.cause:
            raise errors.ReadOnly(f"this node is read-only: {self.cause}")

    def officer(self, bureau: str, role: Role = Role.CLERK) -> Officer:
        """The demo's officer."""
        return acting.officer(ALLIANCE, bureau, role)

    # what the site asks of a running node

    def read_only(self) -> str | None:
        return self.cause

    def guard(self) -> Guard | None:
        return self._guard.read()

    def rebuild(self, name: str) -> None:
        self.rebuilds.append(name)

    def rebuilding(self) -> dict[str, str]:
        return dict.fromkeys(self.rebuilds, "50 %")

    def exchange(self) -> list[dict[str, Any]]:
        return []

    def version(self, number: int) -> str | None:
        return self._note if number == 1 else None

    def failures(self) -> dict[str, int]:
        return {"receive": 2}

    def trouble(self) -> list[str]:
        return self.troubles

    def catch_up(self) -> None:
        """Sign and project everything that was appended."""
        with self._lock:
            self.checkpointer.round()
            while self.projector.step():
                pass

    def start(self) -> None:
        """Keep catching up in a thread."""
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.wake.wait(0.2)
            if not self._stop.is_set():
                self.catch_up()

    def close(self) -> None:
        self._stop.set()
        self.wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.database.close()
