"""What an auditor wants beside a record: the state after it, what it changed, what it follows from."""

from dataclasses import dataclass

from events import errors
from events.event import Event, Record
from services.auditor import states
from services.gateway import audit_values, shown
from services.gateway.shown import Cell
from services.gateway.view import View
from services.runtime.database import Connection


@dataclass(frozen=True)
class Beside:
    """`changed` are the parts of the state that this record changed: place, before, after."""

    version: int
    state: list[tuple[str, Cell]]
    changed: list[tuple[str, Cell, Cell]]
    broken: str | None
    cause: Cell | None


def beside(conn: Connection, view: View, record: Record[Event]) -> Beside:
    """All of it for one record, which can be read here."""
    try:
        after = states.at_version(conn, record.log, record.stream, record.version)
        before = states.before(conn, record.log, record.stream, record.version)
    except errors.BadRecord as error:
        return Beside(record.version, [], [], error.message, _cause(view, record))
    changed = audit_values.changes(view, before.fields, after.fields, record.aggregate)
    flat = audit_values.flat(view, after.fields, record.aggregate)
    return Beside(record.version, flat, changed, after.broken, _cause(view, record))


def nothing(record: Record[Event]) -> Beside:
    """Beside a record that does not count."""
    return Beside(record.version, [], [], None, None)


def _cause(view: View, record: Record[Event]) -> Cell | None:
    """The record that this one follows from, if it rests on that; otherwise its number."""
    if record.causation is None:
        return None
    for key in record.basis:
        there = view.record(key)
        if there is not None and there.id == record.causation:
            return shown.link(view.sentence(there), f"/records/{key[0]}/{key[1]}")
    return shown.code(record.causation)
