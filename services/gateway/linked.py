"""Things and records that a page names: by what they are called, as links, never by a bare number."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from events import errors
from events.event import Event, Key, Record
from services.gateway import shown
from services.gateway.shown import Cell

if TYPE_CHECKING:
    from services.gateway.things import Thing
    from services.gateway.view import View


def record(view: "View", key: Key) -> Cell:
    """The thing that a record began or changed, or what the record says; its number when it is not here."""
    found = view.record(key)
    if found is None:
        return shown.record(*key)
    return _thing(view, found) or shown.link(view.sentence(found), f"/records/{key[0]}/{key[1]}")


def _thing(view: "View", found: Record[Event]) -> Cell | None:
    from services.gateway import kinds  # (the kinds make cells themselves)

    if found.aggregate not in kinds.BY_AGGREGATE:
        return None
    return _named(
        lambda: kinds.find(view, found.log, found.stream, kinds.BY_AGGREGATE[found.aggregate]), view
    )


def stream(view: "View", log: str, stream_: str) -> Cell:
    """A thing by its stream; the first digits of its number when it is not here."""
    from services.gateway import kinds

    return _named(lambda: kinds.find(view, log, stream_), view) or shown.plain(stream_[:8])


def _named(find: Callable[[], "Thing"], view: "View") -> Cell | None:
    try:
        thing = find()
    except (errors.NotFound, errors.BadRecord):
        return None
    return shown.link(thing.title(view), thing.path)
