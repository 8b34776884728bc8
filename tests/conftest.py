"""The servers that tests run against, real ones; and the rule that nothing is skipped quietly."""

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, Page

from services.runtime.embedded import EmbeddedPostgres
from tests.support.browsers import chromium
from tests.support.databases import KeptServer, Server

hypothesis.settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that servers under another account can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="yinqiao-tests-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[Server]:
    """One PostgreSQL for the session, without fsync; `.new()`, `.template(key, prepare)`, `.drop(dsn)`."""
    if running := os.environ.get("TEST_POSTGRES"):  # thousands of short sessions: tests/mutants
        yield KeptServer(running)
        return
    embedded = EmbeddedPostgres(server_folder / "postgres", durable=False)
    try:
        yield Server(embedded.start())
    finally:
        embedded.erase()


@pytest.fixture
def new_database(postgres: Server) -> Iterator[Callable[..., str]]:
    """A function `(template: str | None = None) -> dsn` that makes databases, gone after the test."""
    made: list[str] = []

    def new(template: str | None = None) -> str:
        made.append(postgres.new(template))
        return made[-1]

    yield new
    for dsn in made:
        postgres.drop(dsn)


@pytest.fixture
def database(new_database: Callable[..., str]) -> str:
    """The DSN of a fresh, empty database."""
    return new_database()


@pytest.fixture(scope="session")
def kafka(server_folder: Path) -> Iterator[str]:
    """The address of one real Kafka broker for the session."""
    from deploy.kafka import broker

    running = broker.start(server_folder / "kafka")
    try:
        yield running.bootstrap
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; for a module only, since its event loop gets in the way of other tests' loops."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with a profile of its own, as a clerk in Chongqing has it."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    yield context.new_page()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", _no_skip(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        report.outcome, report.longrepr = "failed", _no_skip(report.longrepr)
    return report


def _no_skip(reason: object) -> str:
    said = reason[2] if isinstance(reason, tuple) else reason
    return f"A skip is a failure here: a test either runs or goes. It said: {said}"
