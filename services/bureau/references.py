"""References: naming an exact record by log, position and leaf hash."""

import base64

from events import errors
from events.event import Event, Record
from events.values import Reference


class Pending(errors.Busy):
    """The record has no position yet: record what is pending first, then decide again."""


def to(record: Record[Event]) -> Reference:
    """The reference to a recorded fact. Raises Pending."""
    if not record.leaf:
        raise Pending("the record that this one rests on is not recorded yet")
    return Reference(log=record.log, position=record.position, leaf=base64.b64encode(record.leaf).decode())
