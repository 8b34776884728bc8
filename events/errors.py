"""The one error tree; each kind says what to do about it, and maps to one HTTP status.

YinqiaoError
├── Refused                 the asker must change something
│   ├── Invalid             422  a field breaks a rule
│   │   ├── SameKeyOtherBody 422 the idempotency key was used with another body
│   │   └── TooLarge        413  the body is larger than may be sent
│   ├── TooSlow             408  the body did not come in time
│   ├── PreconditionRequired 428 the version that the asker saw must be sent
│   ├── NotAllowed          403  this officer may not do this
│   ├── NotFound            404
│   │   ├── Gone            410  it was, and was removed by decision
│   │   └── Void            410  it stands beyond the end of a closed log
│   └── Conflict            409  true a moment ago, not now
│       ├── Stale                the stream moved on
│       ├── Taken                somebody else holds the claim
│       ├── MissingMemorandum    no memorandum in force opens this subject
│       ├── Unreadable           a record that is set aside stands in the way
│       └── Unreleased           it binds the bureau, and its leader has not released it
├── Unavailable             503  try again later; nothing was recorded
│   ├── ReadOnly                 the node must be confirmed before it may write
│   └── Busy
├── BadRecord                    a record that is set aside; who asks for it is answered Unreadable
│   ├── Damage                   bytes that no checkpoint covers
│   ├── UnknownType              stored, waits for an upgrade
│   ├── Foreign                  an answer by someone who was not asked
│   └── ImpossibleHistory        events that cannot follow one another
└── Breach                       evidence is kept, the log stops
    ├── Fork                     two histories under one key
    ├── WrongSource              a covered record that belongs to another log
    ├── WrongPosition            a covered record that claims another position
    └── Reopened                 a covered record after the one that closed its log
"""

import re
from collections.abc import Sequence
from typing import ClassVar


class YinqiaoError(Exception):
    """Root of all errors of ours; `message` holds the values and the next step, never private data."""

    status: ClassVar[int] = 500
    title_zh: ClassVar[str] = "出错了"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    @classmethod
    def kind(cls) -> str:
        """Kebab-case name, as in `urn:yinqiao:problem:<kind>`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class Refused(YinqiaoError):
    """The command cannot be done as asked."""

    status = 400
    title_zh = "未被接受"


class Invalid(Refused):
    """A field breaks a rule; `field` names it. `also`: other rules that the same form breaks."""

    status = 422
    title_zh = "填写有误"

    def __init__(self, message: str, *, field: str | None = None, also: Sequence["Invalid"] = ()) -> None:
        super().__init__(message, field=field)
        self.also = tuple(also)


class SameKeyOtherBody(Invalid):
    """The idempotency key was used before with another body."""

    title_zh = "幂等键已用于其他内容"


class TooLarge(Invalid):
    """The body is larger than may be sent here."""

    status = 413
    title_zh = "内容过大"


class TooSlow(Refused):
    """The body did not come in time."""

    status = 408
    title_zh = "传输超时"


class PreconditionRequired(Refused):
    """The asker must say which version it saw, so that nobody's change is lost (RFC 6585, 3)."""

    status = 428
    title_zh = "须注明所见版本"


class NotAllowed(Refused):
    """This officer may not do this."""

    status = 403
    title_zh = "无权办理"


class NotFound(Refused):
    """There is no such thing here."""

    status = 404
    title_zh = "未找到"


class Gone(NotFound):
    """It was there, and was removed by decision."""

    status = 410
    title_zh = "已依决定删除"


class Void(NotFound):
    """It is kept as evidence, and does not count: its log was closed before it."""

    status = 410
    title_zh = "已作废"


class Conflict(Refused):
    """True a moment ago, not now."""

    status = 409
    title_zh = "与现状不符"


class Stale(Conflict):
    """The stream moved on since it was read."""

    title_zh = "内容已更新，请刷新后重试"


class Taken(Conflict):
    """Somebody else holds what was claimed."""

    title_zh = "已被占用"


class MissingMemorandum(Conflict):
    """No memorandum in force between the two bureaus opens this subject."""

    title_zh = "缺少有效的合作备忘录"


class Unreleased(Conflict):
    """It binds the bureau: a draft of it must be released first."""

    title_zh = "须经审批人签发"


class Unreadable(Conflict):
    """A record that is set aside here stands in the way; after an upgrade it may not."""

    title_zh = "有记录无法读取"

    @classmethod
    def because(cls, cause: "BadRecord") -> "Unreadable":
        """What to do about it."""
        if isinstance(cause, UnknownType):
            return cls("this record was written by a newer version: update this node, then try again")
        return cls("a record of this cannot be read at this node: see its operations page")


class Unavailable(YinqiaoError):
    """Cannot be done now; nothing was recorded, the same call may succeed later."""

    status = 503
    title_zh = "暂不可用，请稍后再试"


class ReadOnly(Unavailable):
    """The node must be confirmed before it may write again."""

    title_zh = "本节点处于只读状态"


class Busy(Unavailable):
    """Too much is waiting already."""

    title_zh = "系统繁忙"


class BadRecord(YinqiaoError):
    """A record that cannot be used; it is set aside and shown."""


class Damage(BadRecord):
    """Bytes that do not prove themselves."""


class UnknownType(BadRecord):
    """A type or version this node does not know yet."""


class Foreign(BadRecord):
    """An answer by someone who was not asked, or about something else."""


class ImpossibleHistory(BadRecord):
    """Events that cannot follow one another."""


class Breach(YinqiaoError):
    """A log broke its promise under its own signature; `evidence` is what shows it: notes and values."""

    def __init__(self, message: str, *, position: int = 0, evidence: Sequence[bytes] = ()) -> None:
        super().__init__(message)
        self.position = position
        self.evidence = tuple(evidence)


class Fork(Breach):
    """Two histories under one key."""


class WrongSource(Breach):
    """A covered record that is no readable envelope of its log."""


class WrongPosition(Breach):
    """A covered record that claims another position."""


class Reopened(Breach):
    """A covered record after the one that closed its log."""
