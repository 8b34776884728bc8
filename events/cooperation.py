"""What can happen to a memorandum (备忘录) and to a party's signature, and what that makes of them.

Meetings stand in `events/meetings.py`, tasks and projects in `events/tasks.py`; `AGGREGATES` lists them all.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import Field

from events import loops, meetings, tasks
from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.loops import Answer, Asking, Settling
from events.values import Attachment, Choice, Code, Day, Digest, OutsideParty, Paper, Reference, Title, Why


class Kind(Choice):
    """What the parties call it."""

    MEMORANDUM = "memorandum", "合作备忘录", "memorandum"
    ALLIANCE = "alliance", "党建联盟", "party-building alliance"
    FRAMEWORK = "framework", "框架协议", "framework agreement"


class Subject(Choice):
    """What a memorandum opens: experts are asked for and offered only under one in force.

    An invitation binds nobody who does not confirm it, and needs none; nor does anything within one line of
    authority. Such subjects may be named all the same: the memorandum then says what the parties mean to do.
    """

    TALENT = "talent", "人才选派", "talent"
    ACTIVITY = "activity", "联合活动", "joint activities"
    VENUE = "venue", "阵地共享", "venues"
    LEARNING = "learning", "老年教育", "learning"
    TIMEBANK = "timebank", "时间银行", "time bank"
    SERVICE = "service", "志愿服务", "volunteer service"
    CARE = "care", "关爱服务", "care"
    POLICY = "policy", "政策互通", "policy exchange"
    SUGGESTION = "suggestion", "建言献策", "suggestions"
    BRANCH = "branch", "支部共建", "branch building"
    MEDIATION = "mediation", "矛盾调解", "mediation"
    PUBLICITY = "publicity", "宣讲宣传", "publicity"
    RECOGNITION = "recognition", "荣誉互认", "recognition"
    INFORMATION = "information", "信息互通", "information sharing"


class Terms(Event):
    """What is to be signed: the text, whom it binds beside the proposer, what it opens, from when to when."""

    terms = frozenset({"subjects", "parties", "outside", "text", "valid_from", "valid_to", "notice_days"})
    binding = True
    subjects: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=20)]
    parties: Annotated[tuple[Code, ...], Field(max_length=60, description="the other bureaus that sign")]
    outside: Annotated[tuple[OutsideParty, ...], Field(max_length=20)] = ()
    text: Attachment
    valid_from: Annotated[Day | None, Field(description="none: from the day it enters into force")] = None
    valid_to: Annotated[Day | None, Field(description="the last day; none: without end")] = None
    notice_days: (
        Annotated[int, Field(ge=1, le=1_000, description="notice to be given before it ends")] | None
    ) = None


class MemorandumProposed(Terms, type="yinqiao.cooperation.memorandum-proposed.v1"):
    """A bureau proposes an agreement to other bureaus or outside parties; it is a party itself."""

    zh = "{bureau}提出{kind}「{title}」，合作内容：{subjects}"
    en = "{bureau} proposes the {kind} “{title}” on {subjects}"
    kind: Kind
    title: Title


class MemorandumAmended(Terms, loops.Ending, type="yinqiao.cooperation.memorandum-amended.v1"):
    """A new text with its complete terms; all must sign again, and what is in force stays so until then."""

    zh = "{bureau}修订文本，合作内容：{subjects}"
    en = "{bureau} amends the text; it is now on {subjects}"
    reason: Why | None = None


class MemorandumSentForSigning(Asking, type="yinqiao.cooperation.memorandum-sent-for-signing.v1"):
    """The other parties are asked to sign this text; the proposer's leader signs by sending it."""

    zh = "{bureau}将文本送{asks}签署"
    en = "{bureau} sends the text to {asks} for signature"
    fixed = frozenset({"text"})
    binding = True
    text: Digest
    paper: Paper | None = None


class MemorandumEnteredIntoForce(Settling, type="yinqiao.cooperation.memorandum-entered-into-force.v1"):
    """All parties have signed this text; `answers` names every signature."""

    zh = "{bureau}确认各方签署完毕，自{in_force_from}起生效"
    en = "{bureau} confirms that all have signed; in force from {in_force_from}"
    fixed = frozenset({"text"})
    binding = True
    text: Digest
    in_force_from: Day
    paper: Paper | None = None


class MemorandumWithdrawn(loops.Ending, type="yinqiao.cooperation.memorandum-withdrawn.v1"):
    """The proposal, or the amendment, is taken back before it enters into force."""

    zh = "{bureau}撤回文本：{reason}"
    en = "{bureau} withdraws the text: {reason}"
    binding = True
    reason: Why


class MemorandumPartyReleased(Event, type="yinqiao.cooperation.memorandum-party-released.v1"):
    """A party that left is no longer bound after this day; the others stay."""

    zh = "{bureau}确认{bureau_}于{day}后退出"
    en = "{bureau} confirms that {bureau_} is no longer a party after {day}"
    fixed = frozenset({"bureau"})
    binding = True
    bureau: Code
    day: Day
    notice: Reference


class MemorandumEnded(loops.Ending, type="yinqiao.cooperation.memorandum-ended.v1"):
    """It ends with this day, before its term or by a party's notice."""

    zh = "{bureau}终止协议，最后一日为{day}：{reason}"
    en = "{bureau} ends the agreement, its last day is {day}: {reason}"
    binding = True
    day: Day
    reason: Why
    notice: Reference | None = None
    paper: Paper | None = None


class MemorandumExtended(loops.Extended, type="yinqiao.cooperation.memorandum-extended.v1"):
    """A party gets more time to sign."""

    zh = "{bureau}将{bureau_}的签署期限延至{due}"
    en = "{bureau} gives {bureau_} until {due} to sign"


class MemorandumPassedOn(loops.PassedOn, type="yinqiao.cooperation.memorandum-passed-on.v1"):
    """Another bureau signs instead."""

    zh = "{bureau}将签署方由{bureau_}改为{to}"
    en = "{bureau} asks {to} to sign in place of {bureau_}"


class MemorandumReminded(loops.Reminded, type="yinqiao.cooperation.memorandum-reminded.v1"):
    """A party is reminded to sign."""

    zh = "{bureau}催办{bureau_}签署"
    en = "{bureau} reminds {bureau_} to sign"


class MemorandumCorrected(Corrected, type="yinqiao.cooperation.memorandum-corrected.v1"):
    """A fact of the memorandum was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class MemorandumVoided(Voided, type="yinqiao.cooperation.memorandum-voided.v1"):
    """A fact of the memorandum never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class SignatureSigned(Answer, type="yinqiao.cooperation.signature-signed.v1"):
    """The bureau signs the text with this digest."""

    zh = "{bureau}签署"
    en = "{bureau} signs"
    fixed = frozenset({"text"})
    binding = True
    text: Digest
    paper: Paper | None = None


class SignatureDeclined(loops.Declined, type="yinqiao.cooperation.signature-declined.v1"):
    """The bureau does not sign."""

    zh = "{bureau}不予签署：{reason}"
    en = "{bureau} declines to sign: {reason}"
    binding = True


class SignatureReturned(loops.Returned, type="yinqiao.cooperation.signature-returned.v1"):
    """The bureau sends the text back for completion."""

    zh = "{bureau}退回文本补正：{reason}"
    en = "{bureau} returns the text: {reason}"


class SignatureLeft(Event, type="yinqiao.cooperation.signature-left.v1"):
    """A party that signed gives notice; the proposer releases it or ends the agreement."""

    zh = "{bureau}通知自{day}后退出：{reason}"
    en = "{bureau} gives notice to leave after {day}: {reason}"
    binding = True
    day: Day
    reason: Why
    paper: Paper | None = None


class SignatureCorrected(Corrected, type="yinqiao.cooperation.signature-corrected.v1"):
    """A fact of the signature was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class SignatureVoided(Voided, type="yinqiao.cooperation.signature-voided.v1"):
    """A fact of the signature never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Force:
    """Terms that entered into force; `released` holds the last day of each party that left."""

    entry: MemorandumEnteredIntoForce
    terms: Terms
    parties: tuple[str, ...]
    released: tuple[tuple[str, date], ...] = ()

    @property
    def first(self) -> date:
        """Its first day: of the entry into force, or of the terms where that is later."""
        return max(self.entry.in_force_from, self.terms.valid_from or self.entry.in_force_from)


@dataclass(frozen=True)
class Memorandum:
    """A memorandum as its proposer's stream tells it.

    `stage` is proposed, signing, in-force, withdrawn or ended. `terms` is the newest text; `forces` are the
    texts that entered into force, oldest first. While an amendment is proposed or signed the last of them
    stays in force.
    """

    stage: str
    proposal: MemorandumProposed
    terms: Terms
    asks: tuple[loops.Ask, ...] = ()
    forces: tuple[Force, ...] = ()
    ended: MemorandumEnded | None = None

    @property
    def one_sided(self) -> bool:
        """Whether a side of it is recorded by one bureau only (单方登记)."""
        return bool(self.terms.outside)

    def in_force(self, day: date) -> Force | None:
        """The terms in force on that day, if any."""
        begun = [f for f in self.forces if f.first <= day]
        if not begun or (self.ended is not None and self.ended.day < day):
            return None
        last = begun[-1]
        return None if last.terms.valid_to is not None and last.terms.valid_to < day else last


def evolve_memorandum(memorandum: Memorandum | None, record: Record[Event]) -> Memorandum:  # noqa: PLR0911  (one branch a fact)
    """The next state of a memorandum. Raises ImpossibleHistory."""
    match memorandum, record.data:
        case None, MemorandumProposed() as proposal if _sound(proposal, record.bureau):
            return Memorandum("proposed", proposal, proposal)
        case Memorandum(stage="proposed" | "signing" | "in-force"), MemorandumAmended() as terms if _sound(
            terms, record.bureau
        ):
            return replace(memorandum, stage="proposed", terms=terms, asks=())
        case Memorandum(stage="proposed" | "signing"), MemorandumSentForSigning() as sent if _names(
            memorandum, sent
        ):
            return replace(memorandum, stage="signing", asks=sent.asks)
        case Memorandum(stage="signing"), MemorandumEnteredIntoForce() as entry if _complete(
            memorandum, entry, record.basis
        ):
            return replace(
                memorandum, stage="in-force", forces=(*memorandum.forces, _force(memorandum, entry))
            )
        case Memorandum(stage="proposed" | "signing"), MemorandumWithdrawn():
            return _withdrawn(memorandum)
        case Memorandum(stage="proposed" | "signing" | "in-force", forces=(*_, _)), MemorandumEnded() as end:
            return replace(memorandum, stage="ended", ended=end)
        case Memorandum(stage="proposed" | "signing" | "in-force"), MemorandumPartyReleased() as release if (
            _bound(memorandum, release, record.basis)
        ):
            return replace(
                memorandum, forces=(*memorandum.forces[:-1], _released(memorandum.forces[-1], release))
            )
        case Memorandum(stage="signing"), loops.Extended() | loops.PassedOn() | loops.Reminded() as step:
            return replace(memorandum, asks=loops.stepped(memorandum.asks, step))
    raise impossible(memorandum, record)


def _sound(terms: Terms, proposer: str) -> bool:
    others = {*terms.parties, *(o.name for o in terms.outside)}
    distinct = len(others) == len(terms.parties) + len(terms.outside) > 0
    ordered = terms.valid_from is None or terms.valid_to is None or terms.valid_from <= terms.valid_to
    return distinct and ordered and proposer not in others and len(set(terms.subjects)) == len(terms.subjects)


def _names(memorandum: Memorandum, sent: MemorandumSentForSigning) -> bool:
    terms = memorandum.terms
    return sent.text == terms.text.digest and sorted(a.bureau for a in sent.asks) == sorted(terms.parties)


def _complete(memorandum: Memorandum, entry: MemorandumEnteredIntoForce, basis: loops.Basis) -> bool:
    terms = memorandum.terms
    lasting = terms.valid_to is None or entry.in_force_from <= terms.valid_to
    return (
        entry.text == terms.text.digest
        and lasting
        and loops.answered_by_all(memorandum.asks, entry.answers, basis)
    )


def _force(memorandum: Memorandum, entry: MemorandumEnteredIntoForce) -> Force:
    return Force(entry, memorandum.terms, tuple(a.bureau for a in memorandum.asks))


def _withdrawn(memorandum: Memorandum) -> Memorandum:
    if memorandum.forces:
        return replace(memorandum, stage="in-force", terms=memorandum.forces[-1].terms, asks=())
    return replace(memorandum, stage="withdrawn", asks=())


def _bound(memorandum: Memorandum, release: MemorandumPartyReleased, basis: loops.Basis) -> bool:
    """Whether a party is released that is bound still, upon its notice.

    Another bureau gives notice in its place where the basis names a record of the party's log; that the
    party's signature goes on in the log of the notice, the projector sees (`parties`).
    """
    if not memorandum.forces:
        return False
    force = memorandum.forces[-1]
    noticed = {log[:6] for log, _ in basis} | {release.notice.log[:6]}
    return release.bureau in noticed & set(force.parties) - {bureau for bureau, _ in force.released}


def _released(force: Force, release: MemorandumPartyReleased) -> Force:
    return replace(force, released=(*force.released, (release.bureau, release.day)))


@dataclass(frozen=True)
class Signature:
    """A party's answer; stage: signed, declined, returned, left."""

    stage: str
    last: Answer


def evolve_signature(signature: Signature | None, record: Record[Event]) -> Signature:
    """The next state of a signature; a new question is answered anew. Raises ImpossibleHistory."""
    match signature, record.data:
        case _, SignatureSigned() | SignatureDeclined() | SignatureReturned() as answer if loops.fresh(
            signature.last if signature else None, answer
        ):
            return Signature(_STAGE[type(answer)], answer)
        case Signature(stage="signed"), SignatureLeft():
            return replace(signature, stage="left")
    raise impossible(signature, record)


_STAGE: dict[type[Event], str] = {
    SignatureSigned: "signed",
    SignatureDeclined: "declined",
    SignatureReturned: "returned",
}

AGGREGATES = (
    Aggregate(
        "memorandum", "cooperation", "合作协议", "memorandum",
        (MemorandumProposed, MemorandumAmended, MemorandumSentForSigning, MemorandumEnteredIntoForce,
         MemorandumWithdrawn, MemorandumPartyReleased, MemorandumEnded, MemorandumExtended,
         MemorandumPassedOn, MemorandumReminded, MemorandumCorrected, MemorandumVoided),
        evolve_memorandum, ("withdrawn", "ended"),
    ),
    Aggregate(
        "signature", "cooperation", "签署", "signature",
        (SignatureSigned, SignatureDeclined, SignatureReturned, SignatureLeft, SignatureCorrected,
         SignatureVoided),
        evolve_signature, ("declined", "left"),
    ),
    *meetings.AGGREGATES,
    *tasks.AGGREGATES,
)  # fmt: skip
