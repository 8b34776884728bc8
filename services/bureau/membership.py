"""What a bureau may ask about its own log."""

from events import membership as events
from events.event import Event
from services.bureau.case import Case
from services.bureau.commands import Command, decides


class AskForKey(
    Command, name="ask-for-key", context="alliance", zh="申请更换密钥", en="Ask for another key", binding=True
):
    """The alliance is asked to let another key sign the log; its document decides."""

    vkey: events.Vkey
    from_size: events.Size


@decides(AskForKey)
def ask_for_key(case: Case, command: AskForKey) -> None:
    """The same key is asked for once."""
    say(case, events.LogKeyAsked(**dict(command)))


def say(case: Case, event: Event) -> None:
    """Add to the one stream about the log itself, or start it."""
    if stream := case.reading.holder(case.log, "log", case.log):
        case.add(case.own("log", stream), event)
    else:
        case.claim("log", case.log, case.start("log", event))


COMMANDS: tuple[type[Command], ...] = (AskForKey,)
