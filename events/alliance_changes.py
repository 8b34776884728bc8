"""Changes of the alliance document, one after the other, until `next_version` makes its successor of them.

What a change adds is not checked by itself: `next_version` checks the document as a whole.
"""

from datetime import date

from events import errors, keys
from events.alliance import Alliance
from events.alliance_document import Bureau, Document, Key


def next_version(current: Alliance, changed: Document) -> Document:
    """The successor of `current` with the content of `changed`. Raises Invalid when a rule is broken."""
    changes = {"version": current.version + 1, "previous": current.digest}
    found = Document.read(changed.model_copy(update=changes).write())
    if found.model_copy(update={"version": current.version, "previous": current.document.previous}) == (
        current.document
    ):
        raise errors.Invalid("nothing would change")
    return found


def rotated(document: Document, log: str, vkey: str, from_size: int, to_size: int | None) -> Document:
    """Another key signs the log from `from_size` on, the one before it up to `to_size`, if that is known.

    From `from_size` to `to_size` both sign: that long have all nodes to take this version.
    """
    entry = next((entry for entry in document.log if entry.name == log), None)
    if entry is None:
        raise errors.NotFound(f"the alliance has no log {log!r}")
    if from_size < entry.key[-1].from_size:
        raise errors.Invalid(f"from-size: the key before it signs from {entry.key[-1].from_size} on")
    last = entry.key[-1].model_copy(update={"to_size": to_size})
    signing = (*entry.key[:-1], last, Key.model_construct(vkey=vkey, from_size=from_size, to_size=None))
    return _with(document, "log", entry, entry.model_copy(update={"key": signing}))


def closed(document: Document, log: str, size: int, root: bytes, successor: str | None) -> Document:
    """The log ends after `size` records, whose root this is; what lies beyond is void."""
    entry = next((entry for entry in document.log if entry.name == log), None)
    if entry is None:
        raise errors.NotFound(f"the alliance has no log {log!r}")
    if entry.closed_size is not None:
        raise errors.Invalid(f"log {log} is closed already, after {entry.closed_size} records")
    if successor is not None and (successor == log or all(each.name != successor for each in document.log)):
        raise errors.NotFound(f"successor: the alliance has no other log {successor!r}; let it --join first")
    changes = {"closed_size": size, "closed_root": keys.encode(root), "successor": successor}
    return _with(document, "log", entry, entry.model_copy(update=changes))


def moved(document: Document, node: str, url: str) -> Document:
    """A node is served at another address."""
    entry = next((entry for entry in document.node if entry.name == node), None)
    if entry is None:
        raise errors.NotFound(f"the alliance has no node {node!r}")
    return _with(document, "node", entry, entry.model_copy(update={"url": url}))


def renamed(document: Document, code: str, name_zh: str, name_en: str, day: date) -> Document:
    """A bureau has another name from that day on; its name before ends there."""
    terms = [b for b in document.bureau if b.code == code]
    if not terms:
        raise errors.NotFound(f"the alliance has no bureau {code!r}")
    last = max(terms, key=lambda b: b.from_day)
    if day <= last.from_day:
        raise errors.Invalid(f"the name {code} has now began on {last.from_day}; choose a later day")
    ended = last.model_copy(update={"to_day": min(last.to_day or day, day)})
    document = _with(document, "bureau", last, ended)
    new = Bureau.model_construct(code=code, name_zh=name_zh, name_en=name_en, from_day=day, to_day=None)
    return document.model_copy(update={"bureau": (*document.bureau, new)})


def with_policy(
    document: Document,
    witnesses: tuple[str, ...] | None = None,
    needed: int | None = None,
    heartbeat_minutes: int | None = None,
) -> Document:
    """Other witnesses, another number of them, other heartbeats; what is None stays."""
    given = {"witnesses": witnesses, "needed": needed, "heartbeat_minutes": heartbeat_minutes}
    changes = {name: value for name, value in given.items() if value is not None}
    return document.model_copy(update={"policy": document.policy.model_copy(update=changes)})


def _with(document: Document, part: str, old: object, new: object) -> Document:
    entries = tuple(new if entry is old else entry for entry in getattr(document, part))
    return document.model_copy(update={part: entries})
