"""Runs a single-node Apache Kafka (KRaft) on free loopback ports, for development, demo and tests.

Not for production: one node, no replicas, no TLS. `python -m deploy.kafka.broker fetch|run`.
"""

import argparse
import base64
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.kafka import jars as maven

BrokerError = maven.BrokerError

READY = b"Kafka Server started"
START_SECONDS = 90.0
STOP_SECONDS = 20.0
# C1 and the serial collector start soonest and leave the second core to the tests; clients are the limit.
JVM = ["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]

# The session time-out is also how long a killed broker waits before its own controller takes it back.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
"""
META = "version=1\ncluster.id={cluster}\nnode.id=1\ndirectory.id={directory}\n"
LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=OUT
logger.server.name=kafka.server
logger.server.level=info
"""


@dataclass
class Broker:
    """A running broker; its data, settings and log (`broker.log`) are all in `folder`.

    It is killed when the *thread* that started it ends: start it from a thread that stays.
    """

    folder: Path
    jars: Path
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: what was not flushed by the operating system stays in its page cache, nothing is lost."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: the ports stay open and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Orderly, or by force when that takes more than 20 s."""
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def restart(self) -> None:
        """Stop it if it runs, and start it again on the same folder and port."""
        if self.alive():
            self.stop()
        self.process = _launch(self.folder, self.jars, [])


def fetch(folder: Path = maven.DEFAULT_FOLDER) -> Path:
    """Have the jars in `folder`, with an archive of loaded classes that saves a third of every start.

    Raises:
        BrokerError: java or mvn is missing, or Maven failed; the message names the remedy.
    """
    return maven.fetch(folder, _archive_classes)


def start(
    folder: Path, jars: Path | None = None, port: int = 0, settings: Mapping[str, str] | None = None
) -> Broker:
    """Start a broker on `folder` and wait until it serves.

    Args:
        folder: an empty one becomes a new cluster; one of an earlier broker keeps its topics and ports.
        jars: where `fetch` keeps the jars; fetched when they are not there yet.
        port: 0 takes the folder's earlier port, or a free one.
        settings: more lines of `server.properties`; the last word counts.

    Raises:
        BrokerError: a program is missing, or the broker did not start; holds the end of its log.
    """
    jars = fetch(jars or maven.DEFAULT_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    _format(folder)
    port = _configure(folder, port, settings or {})
    return Broker(folder, jars, port, _launch(folder, jars, []))


def _format(folder: Path) -> None:
    """What `kafka-storage format` writes for a static quorum, without starting a JVM for it."""
    meta = folder / "data" / "meta.properties"
    if not meta.exists():
        meta.parent.mkdir(exist_ok=True)
        meta.write_text(META.format(cluster=_kafka_id(), directory=_kafka_id()))


def _kafka_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _configure(folder: Path, port: int, more: Mapping[str, str]) -> int:
    settings = folder / "server.properties"
    port = port or _earlier_port(settings) or free_port()
    text = PROPERTIES.format(port=port, controller=free_port(), data=(folder / "data").absolute())
    settings.write_text(text + "".join(f"{name}={value}\n" for name, value in more.items()))
    (folder / "log4j2.properties").write_text(LOGGING)
    return port


def _earlier_port(settings: Path) -> int | None:
    if not settings.exists():
        return None
    found = re.search(r"^advertised.*:(\d+)$", settings.read_text(), re.MULTILINE)
    return int(found[1]) if found else None


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _launch(folder: Path, jars: Path, flags: list[str]) -> subprocess.Popen[bytes]:
    log = folder / "broker.log"
    with log.open("ab") as out:
        begin = out.tell()
        command = _command(folder, jars, flags)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder)
    _wait_ready(process, log, begin)
    return process


def _command(folder: Path, jars: Path, flags: list[str]) -> list[str]:
    """`setpriv` and not a hook in Python: between fork and exec no Python may run beside other threads."""
    archive = jars.absolute() / maven.ARCHIVE
    shared = [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
    logging = f"-Dlog4j2.configurationFile={folder.absolute() / 'log4j2.properties'}"
    java = [maven.tool("java"), *JVM, *shared, *flags, logging, "-cp", maven.classpath(jars)]
    settings = str(folder.absolute() / "server.properties")
    return [maven.tool("setpriv"), "--pdeathsig", "KILL", "--", *java, "kafka.Kafka", settings]


def _wait_ready(process: subprocess.Popen[bytes], log: Path, begin: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if READY in _tail(log, begin):
            return
        time.sleep(0.02)
    process.kill()
    process.wait()
    end = _tail(log, begin)[-2000:].decode(errors="replace")
    raise BrokerError(f"the Kafka broker did not start (exit {process.returncode}); end of {log}:\n{end}")


def _tail(log: Path, begin: int) -> bytes:
    with log.open("rb") as handle:
        handle.seek(begin)
        return handle.read()


def _archive_classes(jars: Path) -> None:
    """Run a broker once and have the JVM write down the classes it loaded."""
    with tempfile.TemporaryDirectory(prefix="yinqiao-kafka-") as name:
        folder = Path(name)
        _format(folder)
        port = _configure(folder, 0, {})
        flags = [f"-XX:ArchiveClassesAtExit={jars.absolute() / maven.ARCHIVE}"]
        Broker(folder, jars, port, _launch(folder, jars, flags)).stop()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.broker", description=__doc__)
    parser.add_argument("what", choices=["fetch", "run"])
    parser.add_argument("--jars", type=Path, default=maven.DEFAULT_FOLDER, help="where the jars are kept")
    parser.add_argument("--folder", type=Path, default=maven.DEFAULT_FOLDER / "broker", help="data of `run`")
    parser.add_argument("--port", type=int, default=0, help="0: the folder's earlier one, or a free one")
    chosen = parser.parse_args(arguments)
    try:
        return _fetch_or_run(chosen)
    except BrokerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _fetch_or_run(chosen: argparse.Namespace) -> int:
    if chosen.what == "fetch":
        sys.stdout.write(f"{fetch(chosen.jars)}\n")
        return 0
    broker = start(chosen.folder, chosen.jars, chosen.port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.stdout.write(f"{broker.bootstrap}\n")
        sys.stdout.flush()
        return broker.process.wait()
    except KeyboardInterrupt:
        broker.stop()
        return 0


if __name__ == "__main__":
    sys.exit(main())
