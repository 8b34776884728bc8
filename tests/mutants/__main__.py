"""`python -m tests.mutants [target...]`: how many mutants the tests kill; fails where that are too few."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import psycopg

from services.runtime.embedded import EmbeddedPostgres
from tests.mutants import equivalent, python, sql
from tests.mutants.targets import NEEDED, TARGETS, Change, Target

MEMORY = 3_000_000_000
"""Bytes of address space: some mutants never cease to fill a list."""


def main(names: Sequence[str]) -> int:
    """0 when every target reached its share and no equivalent mutant is listed in vain."""
    chosen = [target for target in TARGETS if not names or target.name in names]
    with _server():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        good = [_check(target) for target in chosen]
    return 0 if good and all(good) else 1


@contextmanager
def _server() -> Iterator[None]:
    """One PostgreSQL for all mutants; tests/conftest.py takes it from the environment."""
    with tempfile.TemporaryDirectory(prefix="yinqiao-mutants-") as folder:
        Path(folder).chmod(0o711)  # the server's account must reach it
        embedded = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        try:
            os.environ["TEST_POSTGRES"] = embedded.start()
            yield
            psycopg.connect(embedded.dsn).close()  # had it gone away, every mutant would look killed
        finally:
            embedded.erase()


def _check(target: Target) -> bool:
    began = monotonic()
    try:
        mutants = [*python.run(target), *sql.run(target)]
    except subprocess.CalledProcessError as error:
        _say(f"{target.name}: mutmut ended with {error.returncode}, see .run/mutants/{target.name}.log")
        return False
    listed = equivalent.listed({mutant.change.file for mutant in mutants})
    same = [m for m in mutants if m.change in listed and not m.killed]
    survivors = [m for m in mutants if m.change not in listed and not m.killed]
    idle = listed - {m.change for m in same}
    killed = sum(m.killed for m in mutants)
    share = 100 * killed / max(1, len(mutants) - len(same))
    took = monotonic() - began
    _tell("survived", [m.change for m in survivors])
    _tell("listed as equivalent, but killed or not made", sorted(idle))
    _say(
        f"{target.name}: {len(mutants)} mutants, {killed} killed, {len(same)} equivalent:"
        f" {share:.1f} % of the others ({NEEDED} % needed), {took:.0f} s"
    )
    return share >= NEEDED and not idle


def _tell(what: str, changes: Sequence[Change]) -> None:
    for file, function, was, now in changes:
        _say(f"{file}, {function}: {what}\n  - {was}\n  + {now}".replace("\n", "\n    "))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
