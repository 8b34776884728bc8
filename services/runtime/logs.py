"""Logs: one JSON object a line on standard error, Chinese unescaped, without anything private.

Whatever stands under a name of `DROPPED` is left out, at any depth. Messages of errors that are not ours are
left out too, for drivers put values into them ("Failing row contains …").
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO, TypeAlias

import structlog

from events import errors
from services.runtime import clock

Fields: TypeAlias = MutableMapping[str, Any]
DROPPED = frozenset({
    "address", "authorization", "body", "ciphertext", "content", "cookie", "data", "dsn", "headers",
    "id_number", "password", "payload", "person", "phone", "plaintext", "private", "secret", "seed", "signer",
    "telephone", "text", "token", "value",
})  # fmt: skip
FRAMES = 12
CHATTY = ("httpx", "httpcore", "kafka", "eventsourcing", "psycopg", "uvicorn.access")


def configure(now: clock.Clock, stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Set up logging for the process; called once, in `main`."""
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _stamp(now),
        _explain,
        _drop,
    ]
    structlog.configure(
        processors=[*chain, structlog.processors.JSONRenderer(_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_part, *chain],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(_json),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger that says who speaks: `log.info("received", log="500116", count=7)`."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return log


@contextmanager
def request(number: str) -> Iterator[None]:
    """Every line written inside carries the request's number, which the error page shows too."""
    with structlog.contextvars.bound_contextvars(request=number):
        yield


def _name_part(_: Any, __: str, fields: Fields) -> Fields:
    record: logging.LogRecord = fields["_record"]
    return {"part": record.name, **fields}


def _stamp(now: clock.Clock) -> structlog.typing.Processor:
    def stamp(_: Any, __: str, fields: Fields) -> Fields:
        fields["time"] = clock.text(now())
        return fields

    return stamp


def _explain(_: Any, __: str, fields: Fields) -> Fields:
    error = fields.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        fields["error"] = _chain(error)
    return fields


def _chain(error: BaseException | None) -> list[dict[str, Any]]:
    """The error and its causes, the outermost first: kinds and places, messages of our own errors only."""
    found: list[dict[str, Any]] = []
    while error is not None and len(found) < FRAMES:
        said = {"message": error.message} if isinstance(error, errors.YinqiaoError) else {}
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        found.append(
            {"kind": type(error).__name__, **said, "at": [f"{f.filename}:{f.lineno}" for f in frames]}
        )
        error = error.__cause__ or error.__context__
    return found


def _drop(_: Any, __: str, fields: Fields) -> Fields:
    kept: Fields = _without(fields)
    return kept


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without(item) for key, item in value.items() if str(key).lower() not in DROPPED}
    return [_without(item) for item in value] if isinstance(value, list | tuple) else value


def _json(fields: Any, **_: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    """How a value without JSON form is shown: bytes and models by kind only, for they may hold anything."""
    return (
        str(value)
        if type(value).__module__ in {"datetime", "uuid", "pathlib"}
        else f"<{type(value).__name__}>"
    )
