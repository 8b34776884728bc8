"""Where it is measured: a durable PostgreSQL, a real Kafka, and two nodes of an alliance made for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from events import alliance, errors, notes
from events.alliance_document import Bureau, Document, Key, Log
from events.alliance_document import Node as Entry
from services.node import alliances, channel
from services.node.node import Node
from services.runtime import files, keys, settings
from services.runtime.embedded import EmbeddedPostgres

ALLIANCE = "bench"
HERE, THERE = "here", "there"
LOGS = ("500101", "500102", "500103", "500116", "500117", "500118", "500119", "500153")
"""What the node `here` hosts; `there` hosts none."""
COMMANDS = "500236"
"""The log of `here` to which commands are saved one by one."""
_SINCE = date(2021, 1, 1)


@dataclass(frozen=True)
class Scene:
    """The folder, the server's DSN, and the address of the broker."""

    folder: Path
    dsn: str
    bootstrap: str

    def database(self, name: str) -> str:
        """The DSN of a database of this server, made when it is missing."""
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            if conn.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return urlsplit(self.dsn)._replace(path=f"/{name}").geturl()

    def settings_file(self, name: str) -> Path:
        """The `node.toml` of a node."""
        return self.folder / name / "node.toml"

    def prepare(self) -> None:
        """Make keys, alliance document and settings of both nodes."""
        for name in (HERE, THERE):
            files.make_folder(self.folder / name)
        digest = self._write_alliance()
        for name in (HERE, THERE):
            file = self.settings_file(name)
            file.touch(0o600)
            file.write_text(self._toml(name, digest), "utf-8")

    def _write_alliance(self) -> str:
        quorum = notes.Signer("quorum", bytes(keys.SEED_SIZE))
        here = {log: keys.create_log(self.folder / HERE / "keys", ALLIANCE, log) for log in (*LOGS, COMMANDS)}
        nodes = [
            Entry(
                name=name, operator=name, url=f"http://127.0.0.1:{port}",
                cosigner=keys.create_node(self.folder / name / "keys", ALLIANCE, name).verifier.vkey,
            )
            for port, name in enumerate((HERE, THERE), 1)  # nobody listens: all that is shipped arrives
        ]  # fmt: skip
        document = Document(
            alliance=ALLIANCE, version=1, quorum=(quorum.verifier.vkey,),
            bureau=tuple(Bureau(code=log, name_zh=log, name_en=log, from_day=_SINCE) for log in here),
            node=tuple(nodes),
            log=tuple(
                Log(name=log, bureau=log, node=HERE, key=(Key(vkey=signer.verifier.vkey),))
                for log, signer in here.items()
            ),
        )  # fmt: skip
        note = notes.sign(document.write(), quorum)
        files.write_new(self.folder / "alliance.note", note.encode())
        return alliance.digest(note)

    def _toml(self, name: str, digest: str) -> str:
        return (
            f'name = "{name}"\ndsn = {json.dumps(self.database(name))}\nexchange = "kafka"\n\n'
            f'[kafka]\nbootstrap = "{self.bootstrap}"\n\n'
            f'[alliance]\nfile = "../alliance.note"\ndigest = "{digest}"\n\n'
            '[keys]\ndir = "keys"\n\n[guard]\nfile = "guard"\n\n[attachments]\ndir = "attachments"\n'
        )


@contextmanager
def node(file: Path) -> Iterator[Node]:
    """The node of a settings file, opened; none of its loops runs."""
    found = settings.load(file)
    document = alliances.load(found.alliance.file, found.alliance.digest)
    with channel.opened(found, document.id) as exchange:
        opened = Node(found, document, exchange)
        try:
            opened.open()
            yield opened
        finally:
            opened.close()


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Start the servers, prepare both nodes; everything is gone afterwards. Raises Unavailable."""
    from deploy.kafka import broker

    server = EmbeddedPostgres(folder / "postgres", durable=True)
    try:
        running = broker.start(folder / "kafka")
    except broker.BrokerError as error:
        raise errors.Unavailable(str(error)) from error
    try:
        made = Scene(folder, server.start(), running.bootstrap)
        made.prepare()
        yield made
    finally:
        running.stop()
        server.erase()
