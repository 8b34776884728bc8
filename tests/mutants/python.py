"""Mutants of Python functions, made and run by mutmut: each is tried by the tests that enter its function."""

import json
import subprocess
import sys
from collections.abc import Iterator
from difflib import ndiff
from pathlib import Path

from tests.mutants.targets import FOLDER, Change, Mutant, Target, copy_project
from tests.support.project import PACKAGES

NOT_KILLED = {0, 2, 5, 33, 34, None}
"""mutmut's exit codes of mutants that no test noticed, or none was tried on. Any other: a test failed, or did
not end, or ran out of memory."""
UNTOUCHED = r"(raise|return) errors\.\w+\("
"""Lines where nothing but the words of an error could be changed."""


def run(target: Target) -> Iterator[Mutant]:
    """Every mutant of the target's sources. Raises CalledProcessError; the log is beside the copy."""
    folder = copy_project(target.name)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(_settings(target))
    with (FOLDER / f"{target.name}.log").open("w") as log:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1"]
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True)
    for source in target.sources:
        yield from _found(folder / "mutants" / source, source)


def _settings(target: Target) -> str:
    tops = sorted({source.split("/")[0] for source in target.sources})
    lines = {
        "source_paths": tops,
        "also_copy": [package for package in PACKAGES if package not in tops],
        "only_mutate": list(target.sources),
        "timeout_multiplier": 15.0,
        "do_not_mutate_patterns": [UNTOUCHED],
        "pytest_add_cli_args_test_selection": list(target.tests),
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())


def _found(path: Path, source: str) -> Iterator[Mutant]:
    codes = json.loads(path.with_name(f"{path.name}.meta").read_text("utf-8"))["exit_code_by_key"]
    spans = json.loads(path.with_name(f"{path.name}.spans").read_text("utf-8"))["spans"]
    lines = path.read_text("utf-8").splitlines()
    for key, code in codes.items():
        name = key.rpartition(".")[2]
        mangled = name.rpartition("__mutmut_")[0]
        was, now = (lines[start:end] for start, end in (spans[f"{mangled}__mutmut_orig"], spans[name]))
        yield Mutant(Change(source, _readable(mangled), *changed(was, now)), code not in NOT_KILLED)


def _readable(mangled: str) -> str:
    """`xǁTreeǁgrow` is Tree.grow, `x_root` is root."""
    return mangled[2:].replace("ǁ", ".")


def changed(was: list[str], now: list[str]) -> tuple[str, str]:
    """The lines that differ, without their indentation."""
    diff = list(ndiff(was, now))
    return _side(diff, "- "), _side(diff, "+ ")


def _side(diff: list[str], sign: str) -> str:
    lines = [line[2:].strip() for line in diff if line.startswith(sign)]
    return "\n".join(line for line in lines if "__mutmut_" not in line)
