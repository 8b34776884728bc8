"""What a query answers: figures, and the rows behind them, in one form that gives one digest."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import to_jsonable_python

Stream: TypeAlias = tuple[str, str]
"""(log, stream): one stream anywhere in the alliance."""


class Figure(NamedTuple):
    """A number and the streams that it counts, sorted, each once.

    `counts`: the number is how many streams these are; otherwise a sum or something else over them.
    """

    name: str
    zh: str
    en: str
    value: int
    streams: tuple[Stream, ...]
    counts: bool


class Row(NamedTuple):
    """One line of the answer, of one stream; `key` tells several lines of a stream apart."""

    log: str
    stream: str
    key: str
    fields: Mapping[str, Any]


class Answer(NamedTuple):
    """`figures` in the query's order, `rows` sorted by log, stream and key."""

    figures: tuple[Figure, ...]
    rows: tuple[Row, ...]


def row(of: Any, key: str = "") -> Row:
    """A read model's row, a dataclass with `log` and `stream`, as a line of JSON values."""
    fields = plain(asdict(of))
    return Row(fields.pop("log"), fields.pop("stream"), key, fields)


def plain(value: Any) -> Any:
    """A value as JSON has it: days and identifiers as text."""
    return to_jsonable_python(value)


def streams(rows: Iterable[Any]) -> tuple[Stream, ...]:
    """The streams of rows, sorted, each once."""
    return tuple(sorted({(each.log, each.stream) for each in rows}))


def number(name: str, zh: str, en: str, rows: Iterable[Any]) -> Figure:
    """How many streams these rows are of."""
    found = streams(rows)
    return Figure(name, zh, en, len(found), found, counts=True)


def measure(name: str, zh: str, en: str, value: int, rows: Iterable[Any]) -> Figure:
    """A sum, or another measure, over these rows."""
    return Figure(name, zh, en, value, streams(rows), counts=False)


def answer(figures: Iterable[Figure], rows: Iterable[Row]) -> Answer:
    """Figures and rows in the order that every node gives."""
    return Answer(tuple(figures), tuple(sorted(rows, key=lambda r: r[:3])))


def canonical(content: Any) -> str:
    """The one JSON text of a content: keys sorted, no white space, nothing escaped that need not be."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(content: Any) -> str:
    """SHA-256 of the canonical text, in hex."""
    return sha256(canonical(content).encode()).hexdigest()


def document(of: Answer) -> dict[str, Any]:
    """The answer as JSON values."""
    return {
        "figures": [{**f._asdict(), "streams": [list(s) for s in f.streams]} for f in of.figures],
        "rows": [{**r._asdict(), "fields": dict(r.fields)} for r in of.rows],
    }


def read(content: Mapping[str, Any]) -> Answer:
    """The answer that `document` wrote."""
    figures = [
        Figure(**{**f, "streams": tuple((log, stream) for log, stream in f["streams"])})
        for f in content["figures"]
    ]
    return Answer(tuple(figures), tuple(Row(**r) for r in content["rows"]))
