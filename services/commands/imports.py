"""`yinqiao import`: record many commands from a file; the same file again records nothing twice."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from events import errors
from events.loops import Role
from services.bureau.case import Officer
from services.bureau.office import Answer, Office
from services.commands import options, screen
from services.commands.lines import Line, Reader
from services.commands.options import NODE_TOML, Json, Place, SettingsFile
from services.ledger import logs
from services.runtime import clock

CHUNK = 200
"""Lines of one log that are recorded in one transaction."""
SHOWN = 1_000
"""Refused lines that are told one by one."""
_REMEDIES = {
    "invalid": "correct this field and import the file again",
    "not-allowed": "name whoever may do this with --as, or use the node that writes this log",
    "not-found": "see `yinqiao openapi` for the commands; name a thing that is recorded here",
    "stale": "import the file again",
    "taken": "choose another, or take the line out",
    "missing-memorandum": "conclude a memorandum that opens it, then import the file again",
}
COLUMNS = ("line", "field", "kind", "message", "remedy")
_ANY_REMEDY = "look at what stands in the way on the thing's page; import the file again"


@dataclass
class Summary:
    """What came of an import. `repeated` lines were recorded before; `told` names line, field and remedy."""

    lines: int = 0
    recorded: int = 0
    repeated: int = 0
    refused: int = 0
    events: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    _ends: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def begin(self, heads: Mapping[str, int]) -> None:
        """What the logs hold before."""
        self._ends |= heads

    def refuse(self, line: Line, error: errors.YinqiaoError) -> None:
        """The line asks for something that cannot be recorded."""
        self.lines += 1
        self.refused += 1
        if len(self.told) < SHOWN:
            remedy = _REMEDIES.get(error.kind(), _ANY_REMEDY)
            values = (line.number, error.field, error.kind(), error.message, remedy)
            self.told.append(dict(zip(COLUMNS, values, strict=True)))

    def accept(self, answer: Answer | None) -> None:
        """The line is good, and what it asked for is recorded, now or before."""
        self.lines += 1
        if answer is None:
            return
        end = answer.position + answer.events - 1
        if end <= self._ends[answer.log]:
            self.repeated += 1
        else:
            self.recorded, self.events, self._ends[answer.log] = (
                self.recorded + 1, self.events + answer.events, end,
            )  # fmt: skip

    def counts(self) -> dict[str, int]:
        """The numbers, by name."""
        return {
            "lines": self.lines, "recorded": self.recorded, "repeated": self.repeated,
            "refused": self.refused, "events": self.events,
        }  # fmt: skip

    def errors_told(self) -> list[dict[str, Any]]:
        """The refused lines, in their order."""
        return sorted(self.told, key=lambda error: int(error["line"]))


def run(
    file: Annotated[Path, typer.Argument(help="One command a line, as JSON.", exists=True, dir_okay=False)],
    acting: Annotated[list[str], typer.Option("--as", help="Who acts: <bureau>/clerk or <bureau>/leader.")],
    settings: SettingsFile = NODE_TOML,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the lines' form.")] = False,
    as_json: Json = False,
) -> None:
    """Record commands from a file, as many as can be in one transaction. Exit code 1: a line was refused."""
    place = options.place(settings)
    own = sorted(log.name for log in place.alliance.logs_of(place.settings.name))
    reader = Reader(own, _officers(place.alliance.id, acting), clock.now())
    with file.open("rb") as opened, screen.progress(file.name) as progress:
        size = file.stat().st_size
        lines = _watched(reader.read(opened), lambda: progress(opened.tell(), size))
        summary = check(lines) if dry_run else _record(place, lines)
    _tell(summary, dry_run=dry_run, as_json=as_json)


def _watched(lines: Iterable[Line], tell: Callable[[], object]) -> Iterator[Line]:
    for line in lines:
        if line.number % CHUNK == 0:
            tell()
        yield line


def check(lines: Iterable[Line]) -> Summary:
    """What is wrong with the lines themselves."""
    summary = Summary()
    for line in lines:
        if line.error is None:
            summary.accept(None)
        else:
            summary.refuse(line, line.error)
    return summary


def _record(place: Place, lines: Iterable[Line]) -> Summary:
    from services.node import apart

    with apart.opened(place.settings, place.alliance) as node:
        with node.database.connection() as conn:
            heads = logs.heads(conn)
        summary = Summary()
        summary.begin(heads)
        record(node.office, lines, summary)
    return summary


def record(office: Office, lines: Iterable[Line], summary: Summary) -> None:
    """Record runs of lines of one log together. Raises Unavailable: import the file again then."""
    for log, run_ in groupby(lines, lambda line: line.log):
        while chunk := list(islice(run_, CHUNK)):
            _chunk(office, log, chunk, summary)


def _chunk(office: Office, log: str, lines: list[Line], summary: Summary) -> None:
    good = [line for line in lines if line.order is not None]
    answers = office.bulk(log, [line.order for line in good if line.order is not None], CHUNK)
    for line in lines:
        if line.error is not None:
            summary.refuse(line, line.error)
    for line, answer in zip(good, answers, strict=True):
        if isinstance(answer, Answer):
            summary.accept(answer)
        else:
            summary.refuse(line, answer)


def _officers(alliance: str, texts: Iterable[str]) -> dict[str, Officer]:
    """Who acts for each bureau."""
    from services.gateway.acting import officer

    found: dict[str, Officer] = {}
    for text in texts:
        bureau, _, role = text.partition("/")
        if role not in {Role.CLERK.value, Role.LEADER.value}:
            raise typer.BadParameter(f"{text!r} is not <bureau>/clerk or <bureau>/leader", param_hint="--as")
        found[bureau] = officer(alliance, bureau, Role(role))
    return found


def _tell(summary: Summary, *, dry_run: bool, as_json: bool) -> None:
    told = summary.errors_told()
    if as_json:
        screen.document({"dry_run": dry_run, **summary.counts(), "errors": told})
    else:
        screen.table(COLUMNS, [list(error.values()) for error in told])
        screen.line(", ".join(f"{name} {number}" for name, number in summary.counts().items()))
    raise typer.Exit(1 if summary.refused else 0)
