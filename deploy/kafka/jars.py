"""Fetches the jars of the development broker from Maven Central, once."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
DEFAULT_FOLDER = Path(__file__).parents[2] / ".run" / "kafka"
ARCHIVE = "classes.jsa"
REMEDIES = {
    "java": "install a JDK 17 or newer, e.g. `apt-get install openjdk-17-jdk-headless`",
    "mvn": "install Maven 3.8 or newer, e.g. `apt-get install maven`",
    "setpriv": "install util-linux 2.33 or newer, e.g. `apt-get install util-linux`",
}


class BrokerError(RuntimeError):
    """The development broker cannot be had or does not start; the message names the remedy."""


def tool(name: str) -> str:
    """Path of an installed program.

    Raises:
        BrokerError: it is not installed; says how to get it.
    """
    path = shutil.which(name)
    if path is None:
        raise BrokerError(f"the Kafka broker needs `{name}`, which is not on the PATH: {REMEDIES[name]}")
    return path


def fetch(folder: Path, prepare: Callable[[Path], None]) -> Path:
    """Fill `folder` with the broker's jars, `prepare` it, and return it; at once when that was done before.

    Safe to call from several processes: one of them works, the others wait.

    Raises:
        BrokerError: java or mvn is missing, or Maven failed; the message holds the end of its output.
    """
    stamp, wanted = folder / "stamp", _fingerprint()
    if _done(stamp, wanted):
        return folder
    mvn = tool("mvn")
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        if not _done(stamp, wanted):
            _clear(folder)
            _copy(mvn, folder)
            prepare(folder)
            stamp.write_text(wanted)
    return folder


def classpath(folder: Path) -> str:
    """All jars in a fixed order: the class archive is only used with the very same path."""
    return os.pathsep.join(str(jar) for jar in sorted(folder.absolute().glob("*.jar")))


def _fingerprint() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def _done(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _clear(folder: Path) -> None:
    for old in (*folder.glob("*.jar"), *folder.glob(ARCHIVE)):
        old.unlink()


def _copy(mvn: str, folder: Path) -> None:
    command = [mvn, "-q", "-B", "-ntp", "-f", str(POM), f"-Dfolder={folder.absolute()}"]
    done = subprocess.run(
        [*command, "dependency:copy-dependencies"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        end = (done.stdout + done.stderr).strip()[-2000:]
        raise BrokerError(
            f"Maven could not fetch the Kafka broker; is Maven Central (or the mirror in"
            f" ~/.m2/settings.xml) within reach? Its last words:\n{end}"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
