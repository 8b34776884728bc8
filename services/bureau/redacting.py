"""Redaction: by the leader's decision a record's bytes are removed everywhere; its leaf hash stays."""

import base64

from events import errors
from events.history import Continued
from events.membership import LogClosed, RecordRedacted
from events.values import Attachment, Position, Why
from services.bureau.case import Case
from services.bureau.commands import Command, decides


class Redact(
    Command, name="redact", context="alliance", zh="删除记录内容", en="Redact a record", binding=True
):
    """Remove what a record of the own log says, at every node; proofs hold, figures go on without it."""

    position: Position
    reason: Why
    decision: Attachment | None = None


@decides(Redact)
def redact(case: Case, command: Redact) -> None:
    """What holds logs together is no content and stays."""
    try:
        record = case.reading.record((case.log, command.position))
    except (errors.BadRecord, errors.Gone):
        raise errors.Conflict("this record was redacted before, or cannot be read") from None
    if isinstance(record.data, (LogClosed, RecordRedacted, Continued)):
        raise errors.Conflict("this record holds the log together and says nothing else; it stays")
    case.claim("redacted", str(command.position), case.start("record", RecordRedacted(
        log=case.log, position=command.position, leaf=base64.b64encode(record.leaf).decode(),
        stream=record.stream, reason=command.reason, decision=command.decision,
    )))  # fmt: skip


COMMANDS: tuple[type[Command], ...] = (Redact,)
