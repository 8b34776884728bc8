"""Mutants of a function in SQL: its comparisons, numbers, words and statements, one changed at a time."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.python import changed
from tests.mutants.targets import Change, Mutant, Target, copy_project

_NEXT = "(?:END|IF|INSERT|UPDATE|RETURN)"
OPERATORS = (
    (r" <> ", " = "),
    (r" = (?=p_log|r\.|x\.|'open'|ANY)", " <> "),
    (r" > ", " >= "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r"\b\d+\b", "+1"),
    (r"\bAND\b", "OR"),
    (r"\bAND own\b", ""),
    (r"\bgreatest\b", "least"),
    (r"\bmax\(", "min("),
    (r"\btrue\b", "false"),
    (r"\bNOT FOUND\b", "FOUND"),
    (r"(?<!NOT )\bEXISTS\b", "NOT EXISTS"),
    (r" IS NULL\b", " IS NOT NULL"),
    (r" FOR NO KEY UPDATE", ""),
    (r' COLLATE "C"', ""),
    (r" OVER \(ORDER BY \w+\.n\)", " OVER ()"),
    (r"'[a-z_]+'", "'another'"),
    (r"'YQ\d+'", "'YQ009'"),
    (rf"(?s)(?<=\n)    (?:IF|INSERT|UPDATE) (?:(?!\n    {_NEXT}).)*;\n(?:    END IF;\n)?", ""),
)
"""What is looked for, and what stands there instead, so that it stays a function (`+1`: the next number)."""


def run(target: Target) -> Iterator[Mutant]:
    """Every mutant of the target's SQL function, tried by all the tests of the target."""
    if target.sql is None:
        return
    source, name = target.sql
    folder = copy_project(f"{target.name}-sql")
    text = (folder / source).read_text("utf-8")
    found = re.search(rf"(?s)CREATE FUNCTION {re.escape(name)}\(.*?\$\$.*?\$\$;", text)
    if found is None:
        raise LookupError(f"{source} has no function {name}")
    for body in mutants(found[0]):
        (folder / source).write_text(text.replace(found[0], body), "utf-8")
        change = Change(source, name, *changed(found[0].splitlines(), body.splitlines()))
        yield Mutant(change, _fails(folder, target))


def mutants(body: str) -> Iterator[str]:
    """The function with one thing changed, again and again."""
    start = body.index("BEGIN\n")
    for pattern, replacement in OPERATORS:
        for found in re.compile(pattern).finditer(body, start):
            yield body[: found.start()] + _instead(found, replacement) + body[found.end() :]


def _instead(found: re.Match[str], replacement: str) -> str:
    return str(int(found[0]) + 1) if replacement == "+1" else replacement


def _fails(folder: Path, target: Target) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--timeout", "30", *target.tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return (
        subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode != 0
    )
