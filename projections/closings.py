"""Closed logs, for read models whose queries ask which bureau stands for another now."""

from typing import Any

from events.event import Record
from events.membership import LogClosed
from projections.model import Handlers
from projections.rows import Rows


def follow(on: Handlers) -> None:
    """Handle the closing of logs; the model names `closings` among its `parts`."""

    @on(LogClosed)
    def show_closed(record: Record[LogClosed], rows: Rows) -> None:
        successor = record.data.succession.successor
        if successor is not None and successor[:6] != record.bureau:
            rows.put("closing", record, bureau=record.bureau, successor=successor[:6])


def origin(record: Record[Any]) -> dict[str, Any]:
    """The columns by which other records name a record, also when its stream goes on in another log."""
    return dict(zip(("origin_log", "origin_position"), record.origin, strict=True))


def now(bureau: str) -> str:
    """The expression: who stands for this bureau now, mostly itself."""
    return f"coalesce((SELECT g.successor FROM gone g WHERE g.bureau = {bureau}), {bureau})"  # noqa: S608  (names of ours)


def same(said: str, asked: str) -> str:
    """The condition: whether the bureau that said something is the one that was asked, or stands for it."""
    stands = f"SELECT FROM gone g WHERE g.bureau = {asked} AND g.successor = {said}"
    return f"({said} = {asked} OR EXISTS ({stands}))"
