"""Packs made by a real node, once for all tests here; and the verifier as a stranger runs it."""

import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.evidence import edited
from tests.services.auditor import packs
from tests.services.ledger import nodes
from tests.services.ledger.nodes import Ledger
from tests.support.databases import Server
from tests.support.project import ROOT

PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
"""The interpreter without this environment."""
NEEDED = ("cryptography", "cffi", "_cffi_backend*", "pycparser")
# Runs a file as a program; afterwards names every module that came from neither Python nor `lib`.
RUN = """
import atexit, os, runpy, sys
lib, program = sys.argv[1:3]
python = os.path.dirname(os.__file__)
@atexit.register
def strange():
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not file.startswith((lib + os.sep, python + os.sep)) and name != "__main__":
            sys.stderr.write(f"strange module {name} from {file}\\n")
sys.path.append(lib)
sys.argv = sys.argv[2:]
runpy.run_path(program, run_name="__main__")
"""


class Said(NamedTuple):
    """How the verifier ended."""

    code: int
    out: str
    err: str


Verify = Callable[..., Said]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cryptography and what it needs, and nothing of ours."""
    folder = tmp_path_factory.mktemp("library")
    for pattern in NEEDED:
        for found in Path(sysconfig.get_path("platlib")).glob(pattern):
            (folder / found.name).symlink_to(found)
    return folder


@pytest.fixture
def verify(library: Path, tmp_path: Path) -> Verify:
    """Runs a copy of the verifier, without our packages and without this environment's."""
    program = tmp_path / "verify.py"
    program.write_bytes((ROOT / "deploy/evidence/verify.py").read_bytes())

    def run(pack: bytes | None, *words: str, digest: str | None = edited.digest()) -> Said:
        if pack is not None:
            (tmp_path / "pack.zip").write_bytes(pack)
        options = [*words, *(["--digest", digest] if digest else [])]
        done = subprocess.run(
            [PYTHON, "-I", "-S", "-X", "utf8", "-c", RUN, library, program, "pack.zip", *options],
            cwd=tmp_path, capture_output=True, text=True, check=False, env={}, encoding="utf-8",
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def made(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., bytes]]:
    """A function `(selection's name, *cosigning nodes) -> bytes`."""
    yield from _making(postgres, tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="session")
def holed(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., bytes]]:
    """As `made`, where records 3, 4, 150 and 302 of `LOG` were redacted, by those at 601 to 604."""
    yield from _making(postgres, tmp_path_factory.mktemp("node"), 3, 4, 150, 302)


def _making(postgres: Server, folder: Path, *redacted: int) -> Iterator[Callable[..., bytes]]:
    ledger = Ledger(postgres.new(postgres.template("ledger", nodes.prepare_database)), folder)
    packs.fill(ledger)
    if redacted:
        packs.redact(ledger, *redacted)
    known: dict[tuple[str, ...], bytes] = {}

    def make(name: str, *cosigners: str) -> bytes:
        if (name, *cosigners) not in known:
            known[name, *cosigners] = packs.make(ledger, packs.SELECTIONS[name](), *cosigners)
        return known[name, *cosigners]

    yield make
    ledger.close()
    postgres.drop(ledger.dsn)
