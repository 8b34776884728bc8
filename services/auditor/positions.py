"""The positions at which one may ask: as a date, and as far as witnesses have countersigned."""

from events.alliance import Alliance
from projections.track import Vector
from services.ledger import read, receipts
from services.runtime.database import Connection


def at(conn: Connection, date: str) -> Vector:
    """What was recorded not after `date` (27 characters), as far as checkpoints cover it."""
    return {log: position for log, position in read.vector_at(conn, date).items() if position}


def covered(conn: Connection) -> Vector:
    """Everything that checkpoints cover here."""
    return {log: size for log, size in read.covered(conn).items() if size}


def witnessed(conn: Connection, alliance: Alliance) -> Vector:
    """The largest witnessed size of each log that is kept here; what a locked report may cite.

    A log of which nothing is witnessed yet is left out. What lies beyond the end of a closed log is void,
    whoever cosigned it.
    """
    held = {log: end for log, end in read.covered(conn).items() if log in alliance.logs}
    found = {log: min(receipts.witnessed_size(conn, alliance, log), end) for log, end in held.items()}
    return {log: size for log, size in found.items() if size}


def within(vector: Vector, bound: Vector) -> Vector:
    """The part of a vector that lies within another one."""
    return {log: end for log, position in vector.items() if (end := min(position, bound.get(log, 0)))}
