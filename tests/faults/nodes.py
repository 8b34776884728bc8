"""Installed nodes, `yinqiao node` as processes that can be armed with a failpoint, and what they hold."""

import json
import multiprocessing
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from events import alliance, notes
from events.alliance_document import Bureau, Document, Key, Log
from events.alliance_document import Node as Entry
from projections import digest, model
from projections.models import MODELS
from services.ledger import guard, read
from services.ledger.guard import GuardFile
from services.projector import rebuild
from services.runtime import keys
from services.runtime.database import Database
from services.runtime.failpoints import VARIABLE
from services.transport.base import Message
from services.transport.kafka import KafkaExchange
from services.transport.kafka import Settings as KafkaSettings
from tests.faults.checker import Entry as Stored
from tests.faults.checker import Evidence, Held, Signed, Vector
from tests.services.commands.installation import free_port
from tests.services.exchange import world

WEST, EAST = "west", "east"
LOGS = {WEST: "500116", EAST: "510100"}
HOSTED = {**LOGS, "jiangbei": "500105", "liangjiang": "500157"}
"""The log of each node that a test may install."""
_MODEL = "SELECT log, position FROM projection.position WHERE model = 'timeline'"
_STANDING: tuple[LiteralString, ...] = (
    "SELECT log, head FROM ledger.log",
    "SELECT log, max(size) FROM ledger.checkpoint GROUP BY log",
    "SELECT log, min(position) FROM projection.position GROUP BY log",
)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["services.cli", "services.node.running", "tests.faults.nodes"])


def yinqiao(words: Sequence[str], failpoint: str, log: str) -> None:
    """The command line in a process forked from one that has everything imported: a start takes no time."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.pop(VARIABLE, None)
    if failpoint:
        os.environ[VARIABLE] = failpoint
    from services import cli

    sys.argv = ["yinqiao", *words]
    cli.main()


@dataclass
class Node:
    """One installed node. Its process belongs to the thread that starts it."""

    name: str
    folder: Path
    dsn: str
    port: int
    vectors: list[Vector] = field(default_factory=list)
    seen: set[Signed] = field(default_factory=set)
    process: ForkServerProcess | None = None

    @property
    def file(self) -> Path:
        return self.folder / "node.toml"

    @property
    def log(self) -> str:
        return HOSTED[self.name]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, failpoint: str = "") -> None:
        """Start it, armed or not."""
        words = ["node", "--settings", str(self.file)]
        self.process = _context.Process(
            target=yinqiao, args=[words, failpoint, str(self.folder / "log")], daemon=True
        )
        self.process.start()

    def wait(self, seconds: float) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        assert self.process is not None
        self.process.join(seconds)
        return self.process.exitcode

    def end(self) -> int | None:
        """Tell it to stop and wait for it."""
        assert self.process is not None
        os.kill(self.process.pid or 0, signal.SIGTERM)
        return self.wait(30)

    def look(self) -> None:
        """Remember how far it is and what it signed."""
        with psycopg.connect(self.dsn) as conn:
            self.vectors.append(dict(conn.execute(_MODEL).fetchall()))
            rows = conn.execute("SELECT log, size, root FROM ledger.checkpoint").fetchall()
        self.seen |= {Signed(log, size, bytes(root)) for log, size, root in rows}
        self.seen |= set(self.guarded().values())

    def guarded(self) -> dict[str, Signed]:
        """What the guard file stands for."""
        found = GuardFile(self.folder / "guard").read()
        return {log: Signed(log, head.size, head.root) for log, head in found.heads.items()} if found else {}

    def standing(self) -> tuple[Vector, Vector, Vector, int]:
        """Heads, what checkpoints cover, how far the slowest read model is, and how many records wait."""
        with psycopg.connect(self.dsn) as conn:
            heads, covered, shown = (_vector(conn, query) for query in _STANDING)
            row = conn.execute("SELECT count(*) FROM projection.waiting").fetchone()
        return heads, covered, shown, row[0] if row else 0

    def held(self) -> Held:
        """Everything, at the end; the guard must hold for the database as it is."""
        database = Database(self.dsn, size=2).open()
        try:
            with database.connection() as conn:
                guard.check(conn, GuardFile(self.folder / "guard").read())
                ends = read.covered(conn)
                ledger = {log: [(e.position, e.value) for e in read.entries(conn, log)] for log in ends}
                digests = {each.name: digest.digest(conn, model.live(each)) for each in MODELS}
            folded = {each.name: _folded(database, each, ends) for each in MODELS}
        finally:
            database.close()
        return self._held(ledger, digests, folded)

    def _held(
        self, ledger: Mapping[str, Sequence[Stored]], digests: Mapping[str, str], folded: Mapping[str, str]
    ) -> Held:
        with psycopg.connect(self.dsn) as conn:
            commands = conn.execute(
                "SELECT command FROM ledger.command WHERE log = %s", [self.log]
            ).fetchall()
            shown = conn.execute("SELECT log, position FROM model_timeline.arrival").fetchall()
            latest = conn.execute(
                "SELECT DISTINCT ON (log) log, size, root FROM ledger.checkpoint WHERE log = %s"
                " ORDER BY log, size DESC",
                [self.log],
            ).fetchall()
        return Held(
            self.name, frozenset({self.log}), ledger, {self.log: frozenset(c for (c,) in commands)},
            {log: Signed(log, size, bytes(root)) for log, size, root in latest}, self.guarded(),
            digests, folded, Counter((log, position) for log, position in shown), tuple(self.vectors),
        )  # fmt: skip

    def memory(self) -> int:
        """Bytes of its process that are in memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    def said(self) -> str:
        """The end of its log lines."""
        return (self.folder / "log").read_text("utf-8")[-3000:]


def _vector(conn: psycopg.Connection[tuple[Any, ...]], query: LiteralString) -> Vector:
    return dict(conn.execute(query).fetchall())


def _folded(database: Database, each: model.ReadModel, ends: Vector) -> str:
    """The digest of the model folded from nothing."""
    instance = rebuild.past(database, each, "check", ends)
    with database.connection() as conn:
        return digest.digest(conn, instance)


def install(folder: Path, name: str, dsns: Mapping[str, str], bootstrap: str) -> dict[str, Node]:
    """Nodes of an alliance of this name, over Kafka; each hosts one log and follows the others."""
    found = {each: Node(each, folder / each, dsn, free_port()) for each, dsn in dsns.items()}
    for node in found.values():
        node.folder.mkdir()
    digest_ = _write_alliance(folder / "alliance.note", name, found)
    for node in found.values():
        node.file.touch(0o600)
        node.file.write_text(
            f'name = "{node.name}"\ndsn = {json.dumps(node.dsn)}\nexchange = "kafka"\nsignin = "demo"\n'
            f'demo = true\n[kafka]\nbootstrap = "{bootstrap}"\n[http]\nlisten = "127.0.0.1:{node.port}"\n'
            f'[alliance]\nfile = "../alliance.note"\ndigest = "{digest_}"\n[keys]\ndir = "keys"\n'
            '[guard]\nfile = "guard"\n[attachments]\ndir = "attachments"\n'
        )
    return found


def _write_alliance(file: Path, name: str, found: Mapping[str, Node]) -> str:
    quorum = notes.Signer("quorum", bytes(32))
    logs = {n.log: keys.create_log(n.folder / "keys", name, n.log).verifier.vkey for n in found.values()}
    document = Document(
        alliance=name, version=1, quorum=(quorum.verifier.vkey,),
        bureau=tuple(Bureau(code=log, name_zh=log, name_en=log, from_day=date(2021, 1, 1)) for log in logs),
        node=tuple(
            Entry(
                name=n.name, operator=n.name, url=n.url,
                cosigner=keys.create_node(n.folder / "keys", name, n.name).verifier.vkey,
            )
            for n in found.values()
        ),
        log=tuple(
            Log(name=n.log, bureau=n.log, node=n.name, key=(Key(vkey=logs[n.log]),)) for n in found.values()
        ),
    )  # fmt: skip
    note = notes.sign(document.write(), quorum)
    file.write_text(note, "utf-8")
    return alliance.digest(note)


def evidence(name: str, found: Mapping[str, Node], bootstrap: str) -> Evidence:
    """What all nodes hold, and what stands on the topics."""
    with KafkaExchange(KafkaSettings(bootstrap, name)) as exchange:
        topics = {n.log: [_record(m) for m in world.topic(exchange, n.log)] for n in found.values()}
    seen = frozenset().union(*(node.seen for node in found.values()))
    return Evidence(name, tuple(node.held() for node in found.values()), topics, seen)


def _record(message: Message) -> Stored:
    return int(dict(message.headers)["sequence"] or 0), message.value or b""
