"""Logs are JSON lines that people can read and that hold nothing private."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from events import errors
from services.runtime import logs

MARKER = "王标记甲"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(lambda: datetime(2025, 10, 1, tzinfo=UTC), stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object_with_chinese_as_it_is(written: io.StringIO) -> None:
    logs.get("exchange").info("received", log="500116", bureau="江津区", count=7)
    assert lines(written) == [
        {
            "part": "exchange", "event": "received", "log": "500116", "bureau": "江津区", "count": 7,
            "level": "info", "time": "2025-10-01T00:00:00.000000Z",
        }
    ]  # fmt: skip
    assert "江津区" in written.getvalue()


def test_every_line_of_a_request_carries_its_number(written: io.StringIO) -> None:
    with logs.request("r-1"):
        logs.get("gateway").info("inside")
    logs.get("gateway").info("outside")
    assert [line.get("request") for line in lines(written)] == ["r-1", None]


def test_private_fields_are_left_out_at_any_depth(written: io.StringIO) -> None:
    deep = {"Content": MARKER, "kept": 1, "list": [{"password": MARKER}]}
    logs.get("people").warning(
        "refused", dsn=MARKER, deep=deep, raw=MARKER.encode(), model=errors.Invalid(MARKER)
    )
    assert MARKER not in written.getvalue()
    assert lines(written)[0]["deep"] == {"kept": 1, "list": [{}]}


def driver() -> None:
    raise RuntimeError(f"Failing row contains ({MARKER})")


def fail() -> None:
    try:
        driver()
    except RuntimeError as cause:
        raise errors.Busy("too many are waiting") from cause


def test_an_error_tells_kinds_and_places_and_our_own_words_only(written: io.StringIO) -> None:
    try:
        fail()
    except errors.Busy:
        logs.get("gateway").exception("failed")
    busy, cause = lines(written)[0]["error"]
    assert (busy["kind"], busy["message"]) == ("Busy", "too many are waiting")
    assert cause["kind"] == "RuntimeError"
    assert "test_logs.py" in cause["at"][-1]
    assert MARKER not in written.getvalue()


def test_libraries_write_the_same_lines_and_chatty_ones_only_warnings(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("started on %s", "8501")
    logging.getLogger("httpx").info("GET http://somewhere")
    try:
        fail()
    except errors.Busy:
        logging.getLogger("kafka.client").exception("lost")
    started, lost = lines(written)
    assert (started["part"], started["event"]) == ("uvicorn.error", "started on 8501")
    assert lost["error"][0]["kind"] == "Busy"
    assert MARKER not in written.getvalue()
