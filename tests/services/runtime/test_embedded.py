"""The embedded PostgreSQL: comes up anywhere, keeps its data, and goes when we go."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from events import errors
from services.runtime.embedded import EmbeddedPostgres


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "db"  # closed to other accounts when we are root, as a home folder is
    EmbeddedPostgres(tmp_path / "db").erase()


def ask(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None


def until(promise: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not promise():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_finds_its_data_again_after_a_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder) as first, psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with EmbeddedPostgres(folder) as second:
        assert ask(second.dsn, "SELECT n FROM kept") == 7


def test_knows_chinese_and_keeps_the_promises_of_its_settings(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
        assert ask(server.dsn, "SELECT cardinality(show_trgm('银桥通')) > 0") is True
        assert ask(server.dsn, "SHOW fsync") == "on"
        assert ask(server.dsn, "SHOW server_encoding") == "UTF8"
        assert ask(server.dsn, "SHOW unix_socket_directories") == ""
        assert ask(server.dsn, "SHOW listen_addresses") == "127.0.0.1"


def test_asks_for_the_password_which_only_we_can_read(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        secret = folder / "password"
        assert secret.stat().st_mode & 0o777 == 0o600
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.dsn.replace(secret.read_text(), "guessed"))


def test_never_runs_as_root(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_two_folders_make_two_servers(folder: Path, tmp_path: Path) -> None:
    other = EmbeddedPostgres(tmp_path / "other", durable=False)
    with EmbeddedPostgres(folder, durable=False) as one:
        assert other.start() != one.dsn
        other.erase()


def test_a_second_start_on_the_same_folder_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False), pytest.raises(errors.Unavailable, match="another process"):
        EmbeddedPostgres(folder).start()


def test_erase_leaves_nothing_anywhere(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    pointer = folder / "postgres.at"
    home = Path(pointer.read_text()) if pointer.exists() else folder / "postgres"
    server.erase()
    assert not home.exists()
    assert list(folder.iterdir()) == []


RUNNER = """
import pathlib, sys, time
from services.runtime.embedded import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
server.start()
sys.stdout.write(f"{server.pid}\\n{server.dsn}\\n")
sys.stdout.flush()
time.sleep(600)
"""


@pytest.fixture
def killed_run(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that runs the server on `folder`, and the server's pid."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        yield owner, int(owner.stdout.readline())
        owner.kill()


def test_a_killed_owner_leaves_no_server_behind(
    killed_run: tuple[subprocess.Popen[str], int], folder: Path
) -> None:
    owner, server = killed_run
    assert is_alive(server)
    owner.kill()
    until(lambda: not is_alive(server))
    with EmbeddedPostgres(folder) as again:
        assert ask(again.dsn, "SELECT 1") == 1


def test_a_start_right_after_the_owner_was_killed_comes_up(
    killed_run: tuple[subprocess.Popen[str], int], folder: Path
) -> None:
    owner, _ = killed_run
    owner.kill()
    owner.wait()
    with EmbeddedPostgres(folder) as again:
        assert ask(again.dsn, "SELECT 1") == 1


def test_a_killed_server_comes_up_again(folder: Path) -> None:
    first = EmbeddedPostgres(folder)
    first.start()
    os.kill(first.pid, signal.SIGKILL)
    first.stop()
    with EmbeddedPostgres(folder) as again:
        assert ask(again.dsn, "SELECT 1") == 1


def test_a_stale_pid_that_another_program_got_is_no_obstacle(folder: Path) -> None:
    with EmbeddedPostgres(folder) as first:
        stale = Path(f"/proc/{first.pid}/cwd").readlink() / "postmaster.pid"
        left_behind = stale.read_text()
    # given: the file of a killed run, and its number given to a program under the server's account
    with subprocess.Popen(["sleep", "60"], **first._account.popen()) as stranger:
        stale.write_text(f"{stranger.pid}\n{left_behind.split(chr(10), 1)[1]}")
        first._account.owns(stale)
        with EmbeddedPostgres(folder) as again:
            assert ask(again.dsn, "SELECT 1") == 1
        stranger.kill()


def test_stop_and_erase_are_harmless_when_nothing_runs(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.stop()
    server.erase()
    assert server.dsn == ""
