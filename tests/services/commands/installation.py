"""A node installed in a folder, and its command line: in this process, or as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
from typer.testing import CliRunner

from events import alliance, errors, notes
from events.alliance_document import Bureau, Document, Key, Log
from events.alliance_document import Node as NodeEntry
from services import cli
from services.commands import options
from services.node import channel
from services.node.node import Node
from services.runtime import keys

ALLIANCE, NAME = "chuanyu", "west"
LOGS = ("500116", "510100")
SECONDS = 30.0


class Installation:
    """One node hosting two logs, in-process exchange; `toml` replaces lines of its settings."""

    def __init__(self, folder: Path, dsn: str, logs: Sequence[str] = LOGS, **toml: str) -> None:
        self.folder, self.dsn, self.logs = folder, dsn, tuple(logs)
        self.file = folder / "node.toml"
        self.port = free_port()
        digest = self._write_alliance()
        self._lines = {
            "name": f'"{NAME}"', "dsn": json.dumps(dsn), "exchange": '"inprocess"',
            "inprocess.folder": '"exchange"', "http.listen": f'"127.0.0.1:{self.port}"',
            "alliance.file": '"alliance.note"', "alliance.digest": f'"{digest}"', "keys.dir": '"keys"',
            "guard.file": '"guard"', "attachments.dir": '"attachments"', "demo": "true", "signin": '"demo"',
        }  # fmt: skip
        self.write(**toml)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, **changed: str) -> None:
        """Write the settings, some of them changed (`http__listen='"…"'`)."""
        self._lines |= {name.replace("__", "."): value for name, value in changed.items()}
        self.file.write_text("".join(f"{name} = {value}\n" for name, value in self._lines.items()), "utf-8")
        self.file.chmod(0o600)

    def _write_alliance(self) -> str:
        folder, quorum = self.folder / "keys", notes.Signer("quorum", bytes(32))
        vkeys = {log: keys.create_log(folder, ALLIANCE, log).verifier.vkey for log in self.logs}
        cosigner = keys.create_node(folder, ALLIANCE, NAME).verifier.vkey
        bureaus = [
            Bureau.model_validate({"code": code, "name_zh": code, "name_en": code, "from": date(2021, 1, 1)})
            for code in sorted({log[:6] for log in self.logs})
        ]
        document = Document(
            alliance=ALLIANCE, version=1, quorum=(quorum.verifier.vkey,), bureau=tuple(bureaus),
            node=(NodeEntry(name=NAME, operator=NAME, url=self.url, cosigner=cosigner),),
            log=tuple(Log(name=n, bureau=n[:6], node=NAME, key=(Key(vkey=v),)) for n, v in vkeys.items()),
        )  # fmt: skip
        note = notes.sign(document.write(), quorum)
        (self.folder / "alliance.note").write_text(note, "utf-8")
        return alliance.digest(note)

    def run(self, *words: str, exit_code: int = 0) -> str:
        """What a command prints; `SETTINGS` stands for the option. Fails on another exit code."""
        result = run(*self.words(words))
        assert result[0] == exit_code, result
        return result[1]

    def execute(self, order: LiteralString, *values: Any) -> None:
        """Change the database behind the node's back."""
        self.execute_at(self.dsn, order, *values)

    def execute_at(self, dsn: str, order: LiteralString, *values: Any) -> None:
        """Change another database."""
        with psycopg.connect(dsn) as conn:
            conn.execute(order, values)

    def json(self, *words: str, exit_code: int = 0) -> Any:
        """As `run`, of a command with --json."""
        return json.loads(self.run(*words, "--json", exit_code=exit_code))

    def words(self, words: Sequence[str]) -> list[str]:
        return [*words, "--settings", str(self.file)]

    @contextmanager
    def node(self) -> Iterator[Node]:
        """The node opened in this process, no loop started."""
        found = options.place(self.file)
        with channel.opened(found.settings, ALLIANCE) as exchange:
            node = Node(found.settings, found.alliance, exchange)
            try:
                node.open()
                yield node
            finally:
                node.close()

    def settle(self) -> None:
        """Sign and project what was recorded."""
        with self.node() as node:
            node.checkpointer.round()
            while node.projector.step():
                pass

    @contextmanager
    def process(self, **environ: str) -> Iterator["Process"]:
        """`yinqiao node` as a process of its own; killed when a test leaves it running."""
        with Process.start("node", "--settings", str(self.file), **environ) as process:
            yield process


class Process:
    """A running `yinqiao`, its standard error read as JSON lines."""

    def __init__(self, popen: subprocess.Popen[str], log: Path) -> None:
        self._popen, self._log = popen, log

    @classmethod
    @contextmanager
    def start(cls, *words: str, **environ: str) -> Iterator["Process"]:
        with tempfile.NamedTemporaryFile("w") as log:
            popen = subprocess.Popen(
                [Path(sys.executable).with_name("yinqiao"), *words],
                stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environ},
            )  # fmt: skip
            try:
                yield cls(popen, Path(log.name))
            finally:
                popen.kill()
                popen.communicate()

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        return [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]

    def said(self) -> str:
        return self._log.read_text("utf-8")

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first line that tells this; fails when the process ends before, or after a while."""
        deadline = time.monotonic() + SECONDS
        while True:
            for line in self.lines() if self.said().endswith("\n") else []:
                if line.get("event") == event:
                    return line
            assert self._popen.poll() is None, f"ended with {self._popen.returncode}: {self.said()}"
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self._popen.send_signal(by)
        return self.exit_code()

    def exit_code(self) -> int:
        return self._popen.wait(SECONDS)


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command in this process."""
    runner = CliRunner()
    try:
        result = runner.invoke(cli.app, list(words), catch_exceptions=False)
    except errors.YinqiaoError as error:
        return cli.exit_code(error), "", error.message
    return result.exit_code, result.stdout, result.stderr


def answers(url: str) -> int:
    """The status of a page."""
    return httpx.get(url, timeout=10, trust_env=False).status_code


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def listening(port: int) -> Iterator[None]:
    """Somebody else has the port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", port))
        bound.listen()
        yield
