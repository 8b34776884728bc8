"""From nothing to a running node, by the very commands that deploy/keys.md names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from events import errors
from services.node import alliances
from tests.services.commands import installation
from tests.services.commands.installation import Process
from tests.support import project

KEYS = project.ROOT / "deploy/keys.md"


def steps() -> list[str]:
    """The lines of the first block of commands, comments left out."""
    section = KEYS.read_text("utf-8").split("## From nothing to a running node")[1]
    block = section.split("```sh\n")[1].split("```")[0]
    return [line for line in block.splitlines() if not line.startswith("#")]


def run(line: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def fitted(file: Path, dsn: str, port: int) -> None:
    """The example's settings, as they are where there is no container."""
    text = file.read_text("utf-8")
    for setting, value in {
        "dsn": dsn, "exchange": "inprocess", "listen": f"127.0.0.1:{port}",
        "bootstrap": "127.0.0.1:9092", "/var/lib/yinqiao/guard": "", "/var/lib/yinqiao/attachments": "",
    }.items():  # fmt: skip
        if setting.startswith("/"):
            text = text.replace(setting, setting.rpartition("/")[2])
        else:
            text = re.sub(rf'^{setting} = ".*"$', f'{setting} = "{value}"', text, flags=re.MULTILINE)
    file.write_text(f'{text}\n[inprocess]\nfolder = "exchange"\n', "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the top folder of the sources, for what the commands read of it."""
    (tmp_path / "deploy").symlink_to(project.ROOT / "deploy")
    return tmp_path


def test_the_commands_of_the_document_lead_to_a_running_node(folder: Path, database: str) -> None:
    # given nothing but the example of settings; when each command is typed with what those before it printed
    port, told = installation.free_port(), ""
    known: dict[str, str] = {}
    for line in steps():
        for name, value in known.items():
            line = re.sub(rf"\b{name}\b", value, line)  # noqa: PLW2901
        told = run(line, folder)
        if line.startswith("cp "):
            fitted(folder / "node/node.toml", database, port)
        elif line.startswith("yinqiao keys create"):
            known["VKEY"] = told.split()[-1]
        elif line.startswith("yinqiao alliance sign"):
            known["DIGEST"] = told.split()[-1]

    # then the document is believed, nothing is open to others, and a node starts on it
    assert f"chuanyu, version 1, digest {known['DIGEST']}" in told
    assert [path.name for path in (folder / "node").rglob("*") if path.stat().st_mode & 0o077] == []
    with Process.start("node", "--settings", str(folder / "node/node.toml")) as process:
        process.wait_for("node-started")
        assert installation.answers(f"http://127.0.0.1:{port}/readyz") == 200


def test_what_is_signed_by_too_few_is_said_and_believed_by_nobody(folder: Path) -> None:
    # given a first version whose quorum is three keys
    vkeys = []
    for name in ("one", "two", "three"):
        said = run(f"yinqiao keys create --alliance chuanyu --dir quorum --quorum {name} --json", folder)
        vkeys.append(re.findall(r'"(\S+\+\S+\+\S+)"', said)[0])
    (folder / "node").mkdir(mode=0o700)
    run("cp deploy/compose/node.toml.example node/node.toml", folder)
    run(next(line for line in steps() if "alliance request" in line), folder)
    quorum = " ".join(f"--quorum {vkey}" for vkey in vkeys)
    run(f"yinqiao alliance found --join node.request --out first {quorum}", folder)

    # when one of them signs, and then another
    one = run("yinqiao alliance sign first --key quorum/one.key --json", folder)
    with pytest.raises(errors.YinqiaoError):
        alliances.load(folder / "first", re.findall(r'"digest": "(.*)"', one)[0])
    two = run("yinqiao alliance sign first --key quorum/two.key", folder)

    # then the digest is the same, and now it counts
    digest = two.split()[-1]
    assert digest in one
    assert two.startswith("signed by 2 of 3")
    assert alliances.load(folder / "first", digest).version == 1
