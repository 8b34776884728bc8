"""What an evidence pack is about: single records, a subject, a bureau, a period, or a report."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from events import errors, values
from events.event import Key
from events.history import Continued, Continues
from services.ledger import read
from services.runtime.database import Connection

Sizes: TypeAlias = Mapping[str, int]
"""How far each log that is held here is published."""
Run: TypeAlias = tuple[str, int, int]
"""Log, first and last position."""
Json: TypeAlias = dict[str, Any]


class Selection(NamedTuple):
    """`told` is how the manifest says it; `runs` finds the records, and may name some twice.

    `report` is the text of a report; `basis` adds all that the records rest on, in as many steps as it takes.
    """

    told: Json
    runs: Callable[[Connection, Sizes], Iterable[Run]]
    report: bytes | None = None
    basis: bool = False

    def spans(self, log: str) -> bool:
        """Whether all of a log that is published, or a part up to its end, may have been asked for."""
        match self.told["kind"]:
            case "bureau" | "period":
                return log.startswith(self.told.get("bureau", ""))
            case "subject":
                return bool(log == self.told["log"])
        return False


def records(keys: Iterable[Key], *, basis: bool = False) -> Selection:
    """These records."""
    wanted = sorted(set(keys))
    told = {"kind": "records", "records": [f"{log}:{position}" for log, position in wanted]}
    return Selection(told, lambda *_: _single(wanted), basis=basis)


def subject(log: str, stream: str, *, basis: bool = False) -> Selection:
    """A stream, from its first record on as far as it is published, with those that it goes on from."""
    told = {"kind": "subject", "log": log, "stream": stream}
    return Selection(told, lambda conn, sizes: _stream(conn, sizes, log, stream), basis=basis)


def bureau(code: str, *, basis: bool = False) -> Selection:
    """All logs of a bureau that are held here, whole."""
    return Selection({"kind": "bureau", "bureau": code}, lambda _, sizes: _bureau(sizes, code), basis=basis)


def period(after: str, until: str, bureau: str | None = None, *, basis: bool = False) -> Selection:
    """What was recorded later than `after` and not later than `until` (27 characters each), by one or all."""
    told = {"kind": "period", "after": after, "until": until} | ({"bureau": bureau} if bureau else {})
    return Selection(told, lambda conn, sizes: _period(conn, sizes, after, until, bureau), basis=basis)


def report(document: Json, *, basis: bool = False) -> Selection:
    """The records that a report's figures and rows rest on. Raises Invalid, naming the field.

        {"name", "query", "parameters", "vector": {log: size}, "versions", "aside", "digest",
         "figures": [{"name", "value", "streams", "records": [[log, position], …], "count"?, "of"?}],
         "rows"?: […]}

    A figure with `count` is the number of its records, or with `of: "streams"` of the streams they are in.
    A row may name its records as a figure does.
    """
    text = plain(document)
    found, cited = _read(text)
    return Selection({"kind": "report", "name": found.name}, lambda *_: _single(cited), text, basis=basis)


def plain(document: Json) -> bytes:
    """JSON, always the same for the same content. Raises Invalid for what JSON cannot hold."""
    try:
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False, indent=1)
        return text.encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise errors.Invalid(f"the report is no JSON: {error}") from None


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


_Cited = list[tuple[values.Log, int]]


class _Row(_Strict):
    records: _Cited


class _Figure(_Row):
    name: str
    value: Any
    count: bool = False
    of: str = Field("records", pattern="^(records|streams)$")


class _Report(_Strict):
    name: str
    query: Any
    parameters: Any
    vector: dict[values.Log, int]
    versions: Any
    digest: str
    figures: list[_Figure]
    rows: list[Any] = []


def _read(text: bytes) -> tuple[_Report, list[Key]]:
    try:
        found = _Report.model_validate_json(text)
        cited = _cited(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise errors.Invalid(f"the report: {place} {first['msg']}", field=place) from None
    for log, position in cited:
        if not 1 <= position <= found.vector.get(log, 0):
            said = f"the report cites {log}:{position}, which lies outside its own positions"
            raise errors.Invalid(said, field="vector")
    return found, cited


def _cited(report: _Report) -> list[Key]:
    citing = [row for row in report.rows if isinstance(row, dict) and "records" in row]
    rows: list[_Row] = [_Row.model_validate_json(json.dumps(row)) for row in citing]
    return sorted({key for part in [*report.figures, *rows] for key in part.records})


def _single(keys: Iterable[Key]) -> Iterator[Run]:
    return ((log, position, position) for log, position in keys)


def _stream(conn: Connection, sizes: Sizes, log: str, stream: str) -> Iterator[Run]:
    size, seen = sizes.get(log, 0), set[str]()
    while log not in seen:
        seen.add(log)
        rows = conn.execute(_STREAM, {"log": log, "stream": stream, "size": size}).fetchall()
        positions = sorted(int(position) for (position,) in rows)  # type: ignore[call-overload]  # bigint
        yield from ((log, position, position) for position in positions)
        old = _goes_on_from(conn, log, positions)
        if old is not None:
            log, stream, size = old.log, old.subject, min(old.position, sizes.get(old.log, 0))


def _goes_on_from(conn: Connection, log: str, positions: Sequence[int]) -> Continues | None:
    """What a stream's first record says that it goes on from; None for one that begins here."""
    if not positions:
        return None
    try:
        first = read.record(conn, (log, positions[0])).data
    except (errors.BadRecord, errors.Refused):  # redacted, or of a type unknown here: nothing goes on so
        return None
    return first.continues if isinstance(first, Continued) else None


# Two halves, because each of the two partial indexes serves one.
_STREAM = """
SELECT position FROM ledger.entry
WHERE own AND log = %(log)s AND stream = %(stream)s::uuid AND position <= %(size)s
UNION ALL SELECT position FROM ledger.entry
WHERE NOT own AND log = %(log)s AND stream = %(stream)s::uuid AND position <= %(size)s
"""


def _bureau(sizes: Sizes, code: str) -> Iterator[Run]:
    return ((log, 1, size) for log, size in sizes.items() if log[:6] == code)


def _period(conn: Connection, sizes: Sizes, after: str, until: str, bureau: str | None) -> Iterator[Run]:
    """With a record before and one behind it in each log: they prove where the period begins and ends."""
    before, last = read.vector_at(conn, after), read.vector_at(conn, until)
    ends = {log: min(last[log], size) for log, size in sizes.items() if bureau in {None, log[:6]} and size}
    if any(before[log] < end for log, end in ends.items()):
        for log, end in ends.items():
            yield log, min(max(before[log], 1), end or 1), min(end + 1, sizes[log])
