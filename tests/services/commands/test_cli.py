"""The command line as a whole: every command explains itself, and documents are printed for programs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from events import catalogue, errors
from services import cli
from services.bureau import registry
from services.commands import options
from services.runtime import keys
from tests.services.commands import installation
from tests.services.commands.installation import Installation

YINQIAO = Path(sys.executable).with_name("yinqiao")


def commands() -> list[list[str]]:
    """Every command, as it is typed."""
    root = typer.main.get_command(cli.app)
    assert isinstance(root, typer.core.TyperGroup)
    return list(below(root, []))


def below(group: typer.core.TyperGroup, words: list[str]) -> Iterator[list[str]]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from below(command, [*words, name])
        else:
            yield [*words, name]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_says_what_it_does(words: list[str]) -> None:
    code, out, _ = installation.run(*words, "--help")

    assert code == 0
    assert len(out.split("Options:")[0].splitlines()) > 2


def test_what_is_not_there_is_wrong_use() -> None:
    assert installation.run("dance")[0] == 2
    assert installation.run("projections", "status", "--settings", "nowhere.toml")[0] == 2


def test_errors_are_one_line_without_colour_and_an_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [YINQIAO, "doctor", "--settings", tmp_path / "none.toml"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("yinqiao: ")
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


ON_A_DATABASE = (
    "projections status", "projections rebuild", "projections pause activity", "quarantine list",
    "audit verify", "audit replay", "audit at --date 2025-01-01", "audit report list",
)  # fmt: skip


@pytest.mark.parametrize("words", ON_A_DATABASE)
def test_a_database_without_tables_is_said_in_one_line(words: str, database: str, tmp_path: Path) -> None:
    # given settings that name a database in which no node ever started
    empty = Installation(tmp_path, database)

    # when a command asks it, then the answer is what helps, and nothing of the statement
    code, out, said = installation.run(*empty.words(words.split()))

    assert (code, out) == (1, "")
    assert "no tables of a node: start the node once, or correct dsn" in said
    assert len(said.splitlines()) == 1


def test_a_connection_that_is_lost_in_the_middle_is_said_as_well(installed: Installation) -> None:
    def ended() -> None:
        with options.place(installed.file).connection() as conn:
            installed.execute("SELECT pg_terminate_backend(%s)", conn.info.backend_pid)
            conn.execute("SELECT count(*) FROM ledger.log")

    with pytest.raises(errors.Unavailable, match="the database cannot be reached"):
        ended()


def test_the_openapi_document_has_a_route_for_each_command() -> None:
    document = json.loads(installation.run("openapi")[1])

    assert document["openapi"].startswith("3.1")
    for kind in registry.COMMANDS:
        assert f"/api/v1/bureaus/{{code}}/{kind.context}/{kind.name}" in document["paths"]


def test_the_asyncapi_document_has_a_message_for_each_event() -> None:
    text = installation.run("asyncapi")[1]

    assert json.loads(text)["asyncapi"] == "3.1.0"
    assert all(f'"{type_}"' in text for type_ in catalogue.EVENTS)


def test_keys_are_made_once_and_shown_without_their_private_part(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    create = [
        "keys",
        "create",
        "--dir",
        str(folder),
        "--alliance",
        "chuanyu",
        "--log",
        "500117",
        "--node",
        "a",
    ]

    code, out, _ = installation.run(*create, "--json")

    assert code == 0
    assert json.loads(out) == keys.public(folder)
    assert json.loads(installation.run("keys", "list", "--dir", str(folder), "--json")[1]) == json.loads(out)
    assert "PRIVATE" not in out
    assert installation.run(*create)[0] == 2


def test_keys_are_found_by_the_settings_as_by_every_other_command(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = keys.public(installed.folder / "keys")
    assert installed.json("keys", "list") == public
    monkeypatch.setenv("YINQIAO_SETTINGS", str(installed.file))
    assert json.loads(installation.run("keys", "list", "--json")[1]) == public
    monkeypatch.delenv("YINQIAO_SETTINGS")
    monkeypatch.chdir(installed.folder)
    assert json.loads(installation.run("keys", "list", "--json")[1]) == public
    monkeypatch.chdir(installed.folder / "keys")
    assert installation.run("keys", "list")[0] == 2


ONLY_JSON = {("openapi",), ("asyncapi",), ("audit", "prove"), ("audit", "consistency"), ("node",)}
"""What prints nothing but JSON anyway, and the node, whose log is JSON."""


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_json_for_programs(words: list[str]) -> None:
    assert ("--json" in installation.run(*words, "--help")[1]) != (tuple(words) in ONLY_JSON)
