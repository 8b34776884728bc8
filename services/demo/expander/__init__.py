"""Makes of the seed's entries, deterministically, the script of orders that becomes the demo's events."""

from collections.abc import Sequence
from types import ModuleType

from services.demo.expander import activities, agreements, joint, meetings, talents
from services.demo.script import Script, Writer

CONTEXTS = (agreements, meetings, talents, joint, activities)


def expand(alliance: str, contexts: Sequence[ModuleType] = CONTEXTS) -> Script:
    """All orders of the demo, for an alliance of this name; the same at every call."""
    writer = Writer(alliance)
    for context in contexts:
        context.write(writer)
    return writer.script()
