"""The documents keep their word: commands run, links lead somewhere, the ten minutes of CONTRIBUTING work."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from services import cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "README.zh.md", "CONTRIBUTING.md")
OPERATION = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "deploy").rglob("*.md"))


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def run(*command: str, where: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"`?make ([a-z]+)", text(name)))
    for target in named:
        found = run("make", "--dry-run", target)
        assert found.returncode == 0, f"{name} names make {target}: {found.stderr}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"`yinqiao ([a-z]+(?: [a-z]+)?)[ `]", text(name)))
    for words in named:
        found = run(str(Path(sys.executable).parent / "yinqiao"), *words.split(), "--help")
        assert found.returncode == 0, f"{name} names yinqiao {words}: {found.stderr}"


@pytest.mark.parametrize("name", [*DOCUMENTS, *OPERATION])
def test_every_command_line_that_is_shown_is_one(name: str) -> None:
    # given each command line, in a block or between backticks, up to its end or a comment
    found = re.findall(r"```(?:sh)?\n(.*?)```|`([^`\n]+)`", text(name), re.DOTALL)
    lines = "\n".join(block or span for block, span in found)
    for line in re.findall(r"\byinqiao((?: +[^\n#`|;&<>)']+)+)", lines):
        # then it names a command, and options that this command has
        command, words = typer.main.get_command(cli.app), [word for word in line.split() if word != "…"]
        while words and isinstance(command, typer.core.TyperGroup) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        if isinstance(command, typer.core.TyperGroup):
            assert words in ([], ["--help"]), f"{name} shows yinqiao{line}"
        known = {each for parameter in command.params for each in parameter.opts} | {"--help"}
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= known, f"{name} shows yinqiao{line}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text(name)):
        assert (ROOT / target).exists(), f"{name} links to {target}"


def test_both_readmes_name_the_same_commands() -> None:
    def named(name: str) -> set[str]:
        return set(re.findall(r"make [a-z]+(?: [A-Z]+=\w+)?", text(name)))

    assert named("README.zh.md") <= named("README.md")
    assert {"make demo", "make test", "make demo EXCHANGE=kafka"} <= named("README.zh.md")


def insert(path: Path, before: str, block: str) -> None:
    content = path.read_text("utf-8")
    assert content.count(before) == 1, f"{path.name} has no single {before!r}"
    path.write_text(content.replace(before, f"{block}{before}"), "utf-8")


def test_an_event_is_added_as_contributing_says(tmp_path: Path) -> None:
    # given a copy of the sources
    ignored = shutil.ignore_patterns("__pycache__", "static", "target")
    for package in ("events", "projections", "services", "tests/events", "tests/support"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    for name in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    event, branch, command, handler = re.findall(r"```python\n(.*?)```", text("CONTRIBUTING.md"), re.DOTALL)
    # when its four blocks are put where it says
    activity = tmp_path / "events/activity.py"
    insert(activity, "class ActivityChanged(", f"{event}\n\n")
    insert(activity, "ActivityCorrected, ActivityVoided),", "ActivityPostponed, ")
    insert(activity, '        case Activity(stage="planned" | "published"), ActivityCancelled():', branch)
    bureau = tmp_path / "services/bureau/activity.py"
    insert(bureau, "COMMANDS = (", f"{command}\n\n")
    insert(bureau, "Plan, Publish, Change", "Postpone, ")
    insert(tmp_path / "projections/activity.py", "@on(activity.ActivityCancelled)", f"{handler}\n\n")
    # then the catalogue, the API, the form, the sentence and the AsyncAPI document have it
    found = run(sys.executable, "-c", _LOOK, where=tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["catalogue", "route", "form", "asyncapi", "evolve", "said", "shown"]
    # and once its golden files are written, what every event must pass is green
    for words in (
        ["-m", "tests.events.golden"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/events/test_catalogue.py"],
        ["-m", "ruff", "check", "--no-cache", str(activity), str(bureau), "projections/activity.py"],
        ["-m", "ruff", "format", "--no-cache", "--check", str(activity), str(bureau), "projections"],
    ):
        passed = run(sys.executable, *words, where=tmp_path)
        assert passed.returncode == 0, passed.stdout + passed.stderr
    golden = tmp_path / "tests/events/golden/yinqiao.activity.activity-postponed.v1.json"
    assert golden.is_file()
    assert "{bureau}推迟活动：{reason}" in (tmp_path / "events/README.md").read_text("utf-8")


_LOOK = """
import json, sys
sys.path.insert(0, ".")
from events import activity, asyncapi, catalogue
from events.event import Record
from projections import activity as shown
from projections import sentences
from services.bureau import registry
from services.gateway import api, forms
from tests.events import examples
name = "yinqiao.activity.activity-postponed.v1"
assert name in catalogue.EVENTS and catalogue.EVENTS[name].zh
print("catalogue")
assert any(r.path.endswith("/activity/postpone") for r in api.router().routes)
print("route")
assert [f.name for f in forms.fields(registry.find("activity", "postpone"))]
print("form")
assert name in json.dumps(asyncapi.document("0"))
print("asyncapi")
assert activity.ActivityPostponed in catalogue.AGGREGATES["activity"].events
plan = examples.example(activity.ActivityPlanned)
planned = activity.Activity("planned", plan)
record = lambda data: Record(
    "500116", 2, "", "i", data.type, "activity", "s", 2, "officer/x", None, "i", (), data
)
postponed = record(examples.example(activity.ActivityPostponed))
assert activity.evolve_activity(planned, postponed) == planned
print("evolve")
assert sentences.sentence(postponed, "zh", lambda code: "江津") == "江津推迟活动：录入错误"
print("said")
assert shown.MODEL.handlers.of(activity.ActivityPostponed)
print("shown")
"""
