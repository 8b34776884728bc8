"""Every command there is, in one list a reader can see; routes, forms and imports come from it."""

from events import errors
from services.bureau import activity, continuing, cooperation, loops, membership, records, redacting, talent
from services.bureau.commands import Command

COMMANDS: tuple[type[Command], ...] = (
    *cooperation.COMMANDS,
    *talent.COMMANDS,
    *activity.COMMANDS,
    *membership.COMMANDS,
    *continuing.COMMANDS,
    *redacting.COMMANDS,
    loops.Extend,
    loops.PassOn,
    loops.Remind,
    records.Correct,
    records.Void,
)
_BY_NAME = {(c.context, c.name): c for c in COMMANDS}


def find(context: str, name: str) -> type[Command]:
    """The command of this name. Raises NotFound."""
    if (context, name) not in _BY_NAME:
        raise errors.NotFound(f"there is no command {context}/{name}")
    return _BY_NAME[context, name]
