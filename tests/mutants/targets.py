"""What is mutated, the tests that must notice it, and where a copy of the project is broken for that."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.support.project import PACKAGES, ROOT

NEEDED = 90
"""Percent of a target's mutants that must be killed."""
FOLDER = ROOT / ".run" / "mutants"


@dataclass(frozen=True)
class Target:
    """Source files, and the tests that are about them; `sql` is a function in a file of SQL."""

    name: str
    sources: Sequence[str]
    tests: Sequence[str]
    sql: tuple[str, str] | None = None


TARGETS = (
    Target("merkle", ("events/merkle.py",), ("tests/events/test_merkle.py",)),
    Target("notes", ("events/notes.py",), ("tests/events/test_notes.py",)),
    Target(
        "append",
        ("services/ledger/append.py",),
        ("tests/services/ledger/test_append.py",),
        ("services/ledger/schema.sql", "ledger.append"),
    ),
    Target(
        "verify",
        ("services/ledger/verify.py", "services/ledger/pages.py", "services/ledger/fields.py"),
        ("tests/services/ledger/test_verify_words.py",),
    ),
)


class Change(NamedTuple):
    """Lines of a function as they were and as they are now."""

    file: str
    function: str
    was: str
    now: str


class Mutant(NamedTuple):
    """A change, and whether the tests noticed."""

    change: Change
    killed: bool


def copy_project(name: str) -> Path:
    """A fresh copy of all that tests need, to be broken."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    for package in (*PACKAGES, "tests"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "target")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder
