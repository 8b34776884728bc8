"""Whether each own record is the event of a command that is known as answered, and the other way round.

The id of an event is made of the command's id (contracts.md, "id"), so a row for it cannot be invented. What
a request said, and that one was answered without a record, stands nowhere else and is believed.
"""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import NamedTuple

from events import envelope
from events.alliance import Alliance
from services.auditor.checking import Found
from services.ledger import logs, pages
from services.ledger.findings import LIMIT
from services.runtime.database import Connection

_KIND = "command"
_PAGE = 2_000


class _Command(NamedTuple):
    """As it is stored; an event's own id stands for the command of a record that was restored."""

    position: int
    events: int
    id: str

    @property
    def end(self) -> int:
        return self.position + self.events


_END = _Command(1 << 62, 0, "")


def check(conn: Connection, alliance: Alliance, names: Collection[str] = ()) -> list[Found]:
    """What is wrong in own logs, these or all; all findings are of kind `command`. Memory stays flat."""
    found: list[Found] = []
    with pages.snapshot(conn):
        for state in logs.states(conn):
            if state.own and (not names or state.log in names):
                found += islice(_check(conn, alliance.id, state.log), LIMIT)
    return found


def _check(conn: Connection, alliance: str, log: str) -> Iterator[Found]:
    """Both lists side by side, in the order of positions."""
    space = envelope.namespace(alliance, log)
    commands = _commands(conn, log)
    command, position = next(commands, _END), 0
    for position, id_ in _ids(conn, log):
        while command.end <= position:
            due, command = command.end, next(commands, _END)
            if command.position < due:
                yield Found(log, command.position, _KIND, "two commands say that they became this record")
        if not id_:  # of a redacted one nothing comes back
            continue
        if position < command.position:
            yield Found(log, position, _KIND, "no command is known that became this record")
        elif id_ not in {command.id, envelope.event_id(space, command.id, position - command.position)}:
            yield Found(log, position, _KIND, "another command is said to have become this record")
    if any(each.end > position + 1 for each in (command, *commands) if each is not _END):
        yield Found(log, position + 1, _KIND, "a command says that it became a record that is not here")


def _commands(conn: Connection, log: str) -> Iterator[_Command]:
    with conn.cursor("answered") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(_COMMANDS, [log])
        yield from map(_Command._make, cursor)


_COMMANDS = """
SELECT position, count, command FROM ledger.command WHERE log = %s AND position > 0 ORDER BY 1, 2
"""


def _ids(conn: Connection, log: str) -> Iterator[tuple[int, str]]:
    """Positions and event ids; none of a redacted record."""
    with conn.cursor("ids") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(
            "SELECT position, encode(substring(value FROM %s FOR 36), 'escape') FROM ledger.entry"
            " WHERE log = %s ORDER BY position",
            [envelope.ID_AT + 1, log],
        )
        yield from cursor
