"""Mutants that behave as the code does, each with the reason: equivalent.toml."""

import tomllib
from collections.abc import Collection
from pathlib import Path

from tests.mutants.targets import Change

FILE = Path(__file__).with_name("equivalent.toml")


def reasons() -> dict[Change, str]:
    """Every listed change, and why nobody can tell the difference."""
    found = tomllib.loads(FILE.read_text("utf-8"))
    return {
        Change(file, function, entry["was"].strip(), now.strip()): entry["why"]
        for file, functions in found.items()
        for function, entries in functions.items()
        for entry in entries
        for now in entry["now"]
    }


def listed(files: Collection[str]) -> set[Change]:
    return {change for change in reasons() if change.file in files}
