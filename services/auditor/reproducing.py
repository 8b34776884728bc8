"""Making a report again from the records themselves, and comparing; and writing it down for others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from projections.track import Vector
from services.auditor import answers, asking, differences
from services.auditor.asking import Build
from services.auditor.behind import Behind, behind
from services.auditor.differences import Difference
from services.auditor.queries import registry
from services.auditor.reports import Report
from services.ledger import closing, store
from services.runtime.database import Connection


class Void(NamedTuple):
    """A log that was closed at `size` since, so that `records` of those that the report knew are void."""

    log: str
    size: int
    records: int


class Outcome(NamedTuple):
    """What came out: `again` is the new digest; `differences` say where, the first of them.

    `void`: what the report knew, and what does not count any more.
    """

    report: Report
    again: str
    differences: list[Difference]
    void: Sequence[Void] = ()

    @property
    def same(self) -> bool:
        """Whether the digest and every row came out the same."""
        return not self.differences and self.again == self.report.digest


def reproduce(conn: Connection, build: Build, report: Report, limit: int = 100) -> Outcome:
    """Fold the report's read model anew at its positions, ask again, and compare row by row.

    What a person left out when it was made is left out again. Records that were declared void since count as
    they did then, where they are kept as evidence; a node that has none of them folds the log up to its end,
    and the vector is a difference. The connection is in no transaction. Raises NotFound when this version
    knows no such query, Invalid when not all of its positions are held here.
    """
    query = registry.find(report.query)
    parameters = query.read(report.parameters)
    void = _void(conn, report.vector)
    asked = asking.ask_then(
        conn, build, query, parameters, _held(conn, report.vector, void), report.aside.left_out
    )
    found = list(islice(_compare(report, asked.content), limit))
    return Outcome(report, asked.digest, found, void)


def _void(conn: Connection, vector: Vector) -> list[Void]:
    ends = {log: found.size for log, found in closing.closings(conn).items()}
    return [Void(log, ends[log], at - ends[log]) for log, at in vector.items() if at > ends.get(log, at)]


def _held(conn: Connection, vector: Vector, void: Iterable[Void]) -> Vector:
    """The vector, of closed logs as far as records and a checkpoint are still there."""
    ends = {each.log: store.latest(conn, each.log)[0] for each in void}
    return {log: min(at, ends.get(log, at)) for log, at in vector.items()}


def _compare(report: Report, again: Mapping[str, Any]) -> Iterator[Difference]:
    kept = report.content
    own = answers.digest(kept)
    if own != report.digest:
        yield Difference("digest of what is kept", report.digest, own)
    for part in ("parameters", "versions", "vector", "aside"):
        yield from differences.fields(kept[part], again[part], part)
    for part, key in (("figures", ("name",)), ("rows", ("log", "stream", "key"))):
        before, after = (_keyed(c["answer"][part], key) for c in (kept, again))
        yield from _by_key(part.removesuffix("s"), before, after)


def _keyed(lines: list[dict[str, Any]], key: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {" ".join(str(line[name]) for name in key).strip(): line for line in lines}


def _by_key(
    what: str, before: Mapping[str, dict[str, Any]], after: Mapping[str, dict[str, Any]]
) -> Iterator[Difference]:
    for key in sorted(before.keys() | after.keys()):
        place = f"{what} {key}"
        if key in before and key in after:
            yield from differences.fields(before[key], after[key], place)
        else:
            yield Difference(place, before.get(key), after.get(key))


def document(conn: Connection, report: Report) -> dict[str, Any]:
    """A report as others can check it: every figure with its records, every row with its own and their basis.

    A figure that counts streams is the number of streams that its records stand in.
    """
    return {
        "name": report.name,
        "query": report.query,
        "parameters": report.parameters,
        "vector": report.vector,
        "versions": report.versions,
        "aside": asking.document(report.aside),
        "digest": report.digest,
        "figures": [_figure(conn, report, figure) for figure in report.answer.figures],
        "rows": list(_rows(conn, report)),
    }


def _figure(conn: Connection, report: Report, figure: answers.Figure) -> dict[str, Any]:
    records = [[*b.key] for b in behind(conn, figure.streams, report.vector, report.aside)]
    shown = {
        "name": figure.name, "zh": figure.zh, "en": figure.en, "value": figure.value,
        "count": figure.counts, "records": records, "streams": [list(stream) for stream in figure.streams],
    }  # fmt: skip
    return {**shown, "of": "streams"} if figure.counts else shown


def _rows(conn: Connection, report: Report) -> Iterator[dict[str, Any]]:
    known: dict[answers.Stream, list[Behind]] = {}
    for each in behind(conn, answers.streams(report.answer.rows), report.vector, report.aside):
        known.setdefault((each.log, each.stream), []).append(each)
    for row in report.answer.rows:
        mine = known.get((row.log, row.stream), [])
        keys = {b.key for b in mine} | {key for b in mine for key in b.basis}
        yield {**row._asdict(), "records": [list(key) for key in sorted(keys)]}


def figure_records(conn: Connection, report: Report, name: str) -> Iterator[Behind]:
    """The records behind a figure. Raises NotFound."""
    return behind(conn, report.figure(name).streams, report.vector, report.aside)
