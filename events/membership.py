"""A bureau's own log as its subject: that it asks for another key, and that it is closed. One stream a log.

What the log says here only asks: the alliance document alone states keys (design.md, decision 15).
Beside it stand the decisions to redact records of the log.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.values import POSITION_LIMIT, Attachment, Choice, Digest, Log, Position, Subject, Value, Why

Vkey = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9./-]{1,100}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$", description="C2SP signed-note vkey"
    ),
]
Size = Annotated[int, Field(ge=0, le=POSITION_LIMIT, description="records in the log")]


class LogKeyAsked(Event, type="yinqiao.alliance.log-key-asked.v1"):
    """The bureau asks that its log be signed with another key, from that size on."""

    zh = "{bureau}申请自第{from_size}条记录起更换日志签名密钥"
    en = "{bureau} asks that another key sign its log from size {from_size} on"
    binding = True
    vkey: Vkey
    from_size: Size


class Closure(Choice):
    """Why a log ends."""

    CLOSING = "closing", "机构撤销", "bureau closed"
    MERGER = "merger", "机构合并", "merger"
    SPLIT = "split", "机构拆分", "split"
    LOST_KEY = "lost-key", "密钥遗失", "key lost"
    FORK = "fork", "日志分叉", "fork"
    DAMAGE = "damage", "日志损坏", "damage"
    SUITE = "suite", "更换密码算法", "change of algorithms"


class Part(Value):
    """Streams that go on in another log than all others."""

    log: Log
    streams: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=1_400)]


class Succession(Value):
    """In which logs the streams of a closed one go on: the default, and exceptions stream by stream."""

    successor: Log | None = None
    parts: Annotated[tuple[Part, ...], Field(max_length=60)] = ()

    def of(self, stream: str) -> str | None:
        """The log in which this stream goes on; None for nowhere."""
        return next((part.log for part in self.parts if stream in part.streams), self.successor)

    @property
    def logs(self) -> tuple[str, ...]:
        """Every log that goes on with something, the default first."""
        named = (self.successor, *(part.log for part in self.parts))
        return tuple(dict.fromkeys(log for log in named if log is not None))


class LogClosed(Event, type="yinqiao.alliance.log-closed.v1"):
    """The log's last record: what lies beyond it is void, and its streams go on elsewhere.

    `last_size` and `last_root` are those of the log before this record.
    """

    zh = "{bureau}关闭日志：{reason}"
    en = "{bureau} closes its log: {reason}"
    binding = True
    reason: Closure
    last_size: Size
    last_root: Digest
    succession: Succession


class LogCorrected(Corrected, type="yinqiao.alliance.log-corrected.v1"):
    """What was said of the log was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class LogVoided(Voided, type="yinqiao.alliance.log-voided.v1"):
    """What was said of the log does not stand: a request is withdrawn."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class RecordRedacted(Event, type="yinqiao.alliance.record-redacted.v1"):
    """By decision the bytes of a record are removed everywhere; its leaf hash stays, and so do all proofs."""

    zh = "{bureau}依决定删除第{position}号记录的内容：{reason}"
    en = "{bureau} redacts record {position}: {reason}"
    fixed = frozenset({"log", "position", "leaf", "stream"})
    binding = True
    log: Log
    position: Position
    leaf: Digest
    stream: Subject
    reason: Why
    decision: Attachment | None = None


class RecordCorrected(Corrected, type="yinqiao.alliance.record-corrected.v1"):
    """What was said of a redaction was wrong; the bytes do not come back."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class RecordVoided(Voided, type="yinqiao.alliance.record-voided.v1"):
    """A redaction was no decision; the bytes do not come back."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Redaction:
    """A decision to redact; stage: redacted."""

    stage: str


def evolve_record(redaction: Redaction | None, record: Record[Event]) -> Redaction:
    """The next state of a decision. Raises ImpossibleHistory."""
    match redaction, record.data:
        case None, RecordRedacted(log=log) if log == record.log:
            return Redaction("redacted")
    raise impossible(redaction, record)


@dataclass(frozen=True)
class Membership:
    """A log; stage: open, closed. `asked` are the keys that were asked for, in order."""

    stage: str
    asked: tuple[LogKeyAsked, ...] = ()


def evolve_log(log: Membership | None, record: Record[Event]) -> Membership:
    """The next state of a log. Raises ImpossibleHistory."""
    match log or Membership("open"), record.data:
        case Membership(stage="open") as known, LogKeyAsked() as asked if asked.vkey not in {
            earlier.vkey for earlier in known.asked
        }:
            return replace(known, asked=(*known.asked, asked))
        case Membership(stage="open") as known, LogClosed(succession=succession) if (
            record.log not in succession.logs
        ):
            return replace(known, stage="closed")
    raise impossible(log, record)


AGGREGATES = (
    Aggregate(
        "log", "alliance", "日志", "log",
        (LogKeyAsked, LogClosed, LogCorrected, LogVoided), evolve_log, ("closed",),
    ),
    Aggregate(
        "record", "alliance", "删除决定", "decision to redact",
        (RecordRedacted, RecordCorrected, RecordVoided), evolve_record, ("redacted",),
    ),
)  # fmt: skip
