"""The demo's folder made into four nodes: databases, keys, alliance document, and a `node.toml` for each.

alliance.note, alliance-2.note …   the alliance document
quorum/                            the keys that sign it
postgres/                          the server of all nodes, a database each
exchange/ or kafka/                what carries the records between them
nodes/<name>/                      node.toml, keys/, guard, attachments/, loaded
"""

import fcntl
import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from events import errors
from events.alliance import Alliance
from services.demo import documents
from services.node import serving
from services.runtime import files, settings
from services.runtime.embedded import EmbeddedPostgres
from services.runtime.settings import Address, Settings

HOST = "127.0.0.1"
FIRST_PORT = 8500
NODES = tuple(documents.OPERATORS)
PARTS = ("quorum", "postgres", "exchange", "kafka", "nodes")
"""The folders that a demo makes in its own."""


@dataclass(frozen=True)
class World:
    """Where everything of one demo stands.

    `dsn` is needed to prepare it; with `bootstrap` the nodes use Kafka, without it the in-process exchange.
    """

    folder: Path
    dsn: str = ""
    bootstrap: str | None = None

    def node(self, name: str) -> Path:
        """The folder of a node."""
        return self.folder / "nodes" / name

    def settings_file(self, name: str) -> Path:
        """The `node.toml` of a node."""
        return self.node(name) / "node.toml"

    def settings(self, name: str) -> Settings:
        """The settings of a node, checked. Raises Invalid."""
        return settings.load(self.settings_file(name))

    def database(self, name: str) -> str:
        """The DSN of a node's database."""
        return urlsplit(self.dsn)._replace(path=f"/yinqiao_{name}").geturl()

    def prepare(self, ports: Mapping[str, int]) -> Alliance:
        """Make what is missing, and write what changes with each start."""
        urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
        for name in NODES:
            files.make_folder(self.node(name) / "keys")
            files.make_folder(self.node(name) / "attachments")
        alliance, digest = documents.ensure(self.folder, lambda name: self.node(name) / "keys", urls)
        for name in NODES:
            self._create_database(name)
            self._write_settings(name, ports[name], digest)
        return alliance

    def is_loaded(self, *names: str) -> bool:
        """Whether these nodes, or all, have played their share."""
        return all((self.node(name) / "loaded").exists() for name in names or NODES)

    def mark_loaded(self, name: str) -> None:
        """Remember that the node has played its share; again is harmless."""
        (self.node(name) / "loaded").touch(0o600)

    def _create_database(self, name: str) -> None:
        database = urlsplit(self.database(name)).path.removeprefix("/")
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            there = conn.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone()
            if there is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def _write_settings(self, name: str, port: int, digest: str) -> None:
        """Replaces the file: the database listens on another port at each start."""
        file, fresh = self.settings_file(name), self.node(name) / "node.toml.new"
        fresh.touch(0o600)
        fresh.write_text(self._toml(name, port, digest), "utf-8")
        fresh.replace(file)

    def _toml(self, name: str, port: int, digest: str) -> str:
        exchange = "kafka" if self.bootstrap else "inprocess"
        between = (
            f'[kafka]\nbootstrap = "{self.bootstrap}"\n' if self.bootstrap
            else '[inprocess]\nfolder = "../../exchange"\n'
        )  # fmt: skip
        return (
            f'name = "{name}"\ndsn = {json.dumps(self.database(name))}\nexchange = "{exchange}"\n'
            f'signin = "demo"\ndemo = true\n\n{between}\n[http]\nlisten = "{HOST}:{port}"\n\n'
            f'[alliance]\nfile = "../../alliance.note"\ndigest = "{digest}"\n\n'
            '[keys]\ndir = "keys"\n\n[guard]\nfile = "guard"\n\n[attachments]\ndir = "attachments"\n'
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other demos out of the folder. Raises Unavailable when one runs there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.Unavailable(
                f"a demo runs in {folder} already: end it first, or give --folder"
            ) from None
        yield


def erase(folder: Path) -> None:
    """Remove what a demo left in the folder, and nothing else; nobody may run it."""
    EmbeddedPostgres(folder / "postgres").erase()
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
    for file in (folder / "log", *folder.glob("alliance*.note")):
        file.unlink(missing_ok=True)


def bind(folder: Path) -> dict[str, socket.socket]:
    """A listening socket for each node: on its port of the last start, else near 8500, else on a free one."""
    known = {name: urlsplit(url).port or 0 for name, url in documents.addresses(folder).items()}
    return {
        name: _bound([known.get(name, 0), *([] if known else [FIRST_PORT + n]), 0])
        for n, name in enumerate(NODES)
    }


def _bound(ports: list[int]) -> socket.socket:
    for port in ports[:-1]:
        if port:
            try:
                return serving.listen(Address(HOST, port))
            except errors.Unavailable:  # somebody else has it: the next one
                continue
    return serving.listen(Address(HOST, ports[-1]))


def port_of(bound: socket.socket) -> int:
    """The port of a listening socket."""
    return int(bound.getsockname()[1])
