"""A bureau's own log as its subject: that it asks for another key. One stream a log.

What the log says here only asks: the alliance document alone states keys (design.md, decision 15).
"""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.values import POSITION_LIMIT

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
    vkey: Vkey
    from_size: Size


class LogCorrected(Corrected, type="yinqiao.alliance.log-corrected.v1"):
    """What was said of the log was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class LogVoided(Voided, type="yinqiao.alliance.log-voided.v1"):
    """What was said of the log does not stand: a request is withdrawn."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Membership:
    """A log; stage: open. `asked` are the keys that were asked for, in order."""

    stage: str
    asked: tuple[LogKeyAsked, ...] = ()


def evolve_log(log: Membership | None, record: Record[Event]) -> Membership:
    """The next state of a log. Raises ImpossibleHistory."""
    match log or Membership("open"), record.data:
        case Membership(stage="open") as known, LogKeyAsked() as asked if asked.vkey not in {
            earlier.vkey for earlier in known.asked
        }:
            return replace(known, asked=(*known.asked, asked))
    raise impossible(log, record)


AGGREGATES = (
    Aggregate("log", "alliance", "日志", "log", (LogKeyAsked, LogCorrected, LogVoided), evolve_log),
)  # fmt: skip
