"""Memoranda, alliances, framework agreements (A02, A03, A04, A11, C28), and what A06 and A12 presuppose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from events import divisions
from events.cooperation import Kind, Subject
from events.loops import Role
from events.values import Attachment, OutsideParty, Paper, PartyKind, Reason, Why
from services.bureau.cooperation import Amend, EnterIntoForce, Propose, ReturnText, Sign
from services.demo import facts
from services.demo.script import MADE_UP, Writer, at
from services.runtime import workdays

S = Subject
_FRIENDS = (
    ("甲大学", PartyKind.UNIVERSITY),
    ("乙职业学院", PartyKind.UNIVERSITY),
    ("丙企业", PartyKind.ENTERPRISE),
)
"""Made-up universities and enterprise of C28."""
_MINGLED = (S.ACTIVITY, S.VENUE, S.LEARNING, S.SERVICE, S.TIMEBANK, S.INFORMATION, S.BRANCH, S.PUBLICITY)
"""What the partnerships of A03 are about: which of them have what is made up."""


@dataclass(frozen=True)
class Agreement:
    """One agreement: who proposes it to whom, on which day, and what it opens."""

    key: str
    proposer: str
    parties: Sequence[str]
    day: date
    title: str
    subjects: tuple[Subject, ...]
    kind: Kind = Kind.MEMORANDUM
    outside: tuple[OutsideParty, ...] = ()
    returned: bool = False
    """Whether the first text came back, so that an amended one was signed."""


def write(writer: Writer) -> None:
    """Each agreement, signed by all its sides."""
    for agreement in (_upper(), *_partnerships(), _party_alliance(), *presupposed(), *_outside(writer)):
        conclude(writer, agreement)


def _upper() -> Agreement:
    """A02: opens policy and joint activities, and no more."""
    chongqing, sichuan = facts.entry("A02")["parties"]
    title = facts.entry("A02")["title_zh"]
    return Agreement("A02", chongqing, [sichuan], date(2021, 4, 8), title, (S.POLICY, S.ACTIVITY))


def _partnerships() -> list[Agreement]:
    """A03: every left with every right; days and subjects are made up."""
    entry = facts.entry("A03")
    return [
        Agreement(
            f"A03/{left}-{right}", left, [right], workdays.add(date(2020, 9, 1), 8 * n),
            f"{_short(left)}{_short(right)}老干部工作合作备忘录{MADE_UP}", _some(n),
        )
        for n, (left, right) in enumerate(product(entry["left"], entry["right"]))
    ]  # fmt: skip


def _some(n: int) -> tuple[Subject, ...]:
    """Two to four subjects, other ones for each pair, and talent for every fourth."""
    chosen = [_MINGLED[(n + step * 3) % len(_MINGLED)] for step in range(2 + n % 2)]
    return (*chosen, S.TALENT) if n % 4 == 0 else tuple(chosen)


def _party_alliance() -> Agreement:
    """A04: the alliance of the towns on both sides of the border; A05's advisers go under it."""
    proposer, *parties = facts.entry("A04")["parties"]
    places = "、".join(facts.entry("A04")["places_zh"])
    subjects = (S.BRANCH, S.TALENT, S.ACTIVITY, S.SERVICE)
    day = date(2020, 11, 12)
    return Agreement("A04", proposer, parties, day, f"{places}党建联盟", subjects, Kind.ALLIANCE)


def presupposed() -> list[Agreement]:
    """What A06 and A12 rest on: memoranda that open talent, made up and marked."""
    made = []
    for entry, partners, first in (("A06", "with", date(2021, 5, 10)), ("A12", "to", date(2021, 1, 11))):
        home = facts.entry(entry)["from"]
        for n, partner in enumerate(facts.entry(entry)[partners]):
            title = f"{_short(home)}{_short(partner)}人才选派合作备忘录{MADE_UP}"
            day, returned = workdays.add(first, 6 * n), (entry, n) == ("A12", 1)
            key = f"{entry}/memorandum/{partner}"
            subjects = (S.TALENT, S.INFORMATION) if n else (S.TALENT, S.SERVICE)
            made.append(Agreement(key, home, [partner], day, title, subjects, returned=returned))
    return made


def _outside(writer: Writer) -> list[Agreement]:
    """A11 and C28: with parties that have no node, recorded by one side with their letters."""
    recorder, *others = facts.entry("A11")["recorded_by"]
    associations = tuple(
        OutsideParty(
            name=f"{divisions.name(code)}科学技术协会", kind=PartyKind.ASSOCIATION, division=code,
            letter=_letter(writer, f"A11/letter/{code}", recorder),
        )
        for code in (recorder, *others)
    )  # fmt: skip
    guangzhou = facts.entry("C28")["bureau"]
    friends = tuple(
        OutsideParty(name=f"{name}{MADE_UP}", kind=kind, letter=_letter(writer, f"C28/letter/{n}", guangzhou))
        for n, (name, kind) in enumerate(_FRIENDS)
    )
    return [
        Agreement(
            "A11", recorder, (), date(2021, 3, 18), "荣昌内江自贡泸州科协框架协议",
            (S.TALENT, S.LEARNING, S.INFORMATION), Kind.FRAMEWORK, associations,
        ),
        Agreement(
            "C28", guangzhou, (), date(2025, 3, 12), "银映红棉联盟", (S.VENUE, S.LEARNING), Kind.ALLIANCE,
            friends,
        ),
    ]  # fmt: skip


def _letter(writer: Writer, key: str, log: str) -> Attachment:
    return writer.paper(key, log, f"演示数据，非真实业务。\n外部单位同意函{MADE_UP}\n")


def conclude(writer: Writer, agreement: Agreement) -> str:
    """Proposed and sent, signed by each party, entered into force; the key of the entry."""
    key, log = agreement.key, agreement.proposer
    text = _text(writer, agreement, "第一稿" if agreement.returned else "")
    propose = Propose(
        kind=agreement.kind, title=agreement.title, text=text, subjects=agreement.subjects,
        parties=tuple(agreement.parties), outside=agreement.outside,
    )  # fmt: skip
    sent = writer.order(f"{key}/propose", log, at(agreement.day, 9, 30), propose, role=Role.LEADER)
    stream, day = writer.stream(f"{key}/propose", log), agreement.day
    if agreement.returned:
        back = _return(writer, agreement, stream, sent)
        text, day = _text(writer, agreement, "修订稿"), workdays.add(day, 4)
        amend = Amend(
            stream=stream, text=text, subjects=agreement.subjects, parties=tuple(agreement.parties),
            outside=agreement.outside,
        )  # fmt: skip
        sent = writer.order(f"{key}/amend", log, at(day, 9, 30), amend, role=Role.LEADER, after=[back])
    signed = [
        _sign(writer, agreement, stream, text, workdays.add(day, 3), sent, p) for p in agreement.parties
    ]
    last = workdays.add(day, 5)
    entry = EnterIntoForce(stream=stream, in_force_from=last, paper=Paper(date=last))
    return writer.order(f"{key}/in-force", log, at(last, 10), entry, after=signed)


def _sign(
    writer: Writer, agreement: Agreement, stream: str, text: Attachment, day: date, sent: str, party: str
) -> str:
    command = Sign(log=agreement.proposer, stream=stream, text=text.digest, paper=Paper(date=day))
    key = f"{agreement.key}/sign/{party}"
    return writer.order(key, party, at(day, 15), command, role=Role.LEADER, after=[sent])


def _return(writer: Writer, agreement: Agreement, stream: str, sent: str) -> str:
    party = agreement.parties[0]
    command = ReturnText(log=agreement.proposer, stream=stream, reason=Why(code=Reason.UNCLEAR))
    moment = at(workdays.add(agreement.day, 2), 16)
    return writer.order(f"{agreement.key}/return/{party}", party, moment, command, after=[sent])


def _text(writer: Writer, agreement: Agreement, draft: str) -> Attachment:
    subjects = "\n".join(f"{n}、{subject.zh}" for n, subject in enumerate(agreement.subjects, 1))
    text = (
        f"演示数据，非真实业务。正文为示例。\n\n{agreement.title}{f'（{draft}）' if draft else ''}\n\n"
        f"各方本着自愿、平等、共享的原则，在下列方面开展合作：\n{subjects}\n\n"
        "本文件自各方签署之日起生效，长期有效。\n"
    )
    return writer.paper(f"{agreement.key}/text/{draft}", agreement.proposer, text)


def _short(code: str) -> str:
    """A division's name without 区, 县, 市 at its end."""
    return divisions.name(code).rstrip("区县市")
