"""The kinds of value that payloads are made of: codes, titles, references, attachments, choices."""

import re
import unicodedata
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

POSITION_LIMIT = 2**53 - 1
_HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Value(BaseModel):
    """A frozen, closed, strict part of a payload."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Choice(StrEnum):
    """A closed list; each member has a stored value and a label in both languages."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh, member.en = zh, en
        return member

    def label(self, lang: str) -> str:
        """The label in `zh` or `en`."""
        return self.zh if lang == "zh" else self.en


def _clean(text: str) -> str:
    if text != text.strip():
        raise ValueError("must have no control characters and no blanks at its ends")
    if not text.isprintable():  # which nearly every text is, and then needs no closer look
        _check_characters(text)
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("must be in Unicode normal form C")
    return text


def _check_characters(text: str) -> None:
    if any(unicodedata.category(c) in {"Cc", "Cs", "Co", "Cn"} for c in text):
        raise ValueError("must have no control characters and no blanks at its ends")
    if _HIDDEN.search(text):
        raise ValueError("must have no invisible characters")


def meant(day: date) -> date:
    """The day, if it lies in the years that a bureau can mean. Raises ValueError."""
    if not 1900 <= day.year <= 2199:  # noqa: PLR2004  (those years)
        raise ValueError("must lie between 1900 and 2199")
    return day


Code = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="administrative division code, GB/T 2260")]
"""A bureau, by the code of its division."""
LOG = r"[0-9]{6}(?:-(?:[2-9]|[1-9][0-9]{1,3}))?"
"""The name of a log, as a pattern: a bureau's code, from `-2` on where it had to be continued."""
Log = Annotated[str, Field(pattern=rf"^{LOG}$")]
Title = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_clean)]
"""A short public heading: no person's name, no story, nothing private."""
Digest = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$", description="32 bytes, base64")]
Position = Annotated[int, Field(ge=1, le=POSITION_LIMIT)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
Day = Annotated[date, AfterValidator(meant)]
Subject = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="a stream")
]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]{1,500}$")]


class Reference(Value):
    """The exact record meant: its log, its position, and its leaf hash (contracts.md)."""

    log: Log
    position: Position
    leaf: Digest


class Attachment(Value):
    """Bytes kept outside the log, known here by a salted digest (contracts.md)."""

    algorithm: Annotated[str, Field(pattern=r"^hmac-sha256$")] = "hmac-sha256"
    digest: Digest
    size: Annotated[int, Field(ge=0, le=50_000_000)]
    mediatype: Annotated[str, Field(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", max_length=100)]


class Paper(Value):
    """The signed paper behind a record: its date, its document number, its scan."""

    date: Day
    number: Title | None = None
    scan: Attachment | None = None


class Source(Choice):
    """Where money came from."""

    BUDGET = "budget", "财政预算", "budget"
    PARTY_DUES = "party-dues", "党费", "Party dues"
    DONATION = "donation", "社会捐赠", "donation"
    SELF_RAISED = "self-raised", "自筹", "self-raised"
    OTHER = "other", "其他", "other"


class Money(Value):
    """An amount in fen (0.01 yuan) and where it came from."""

    fen: Annotated[int, Field(ge=0, le=10**13)]
    source: Source


class Expertise(Choice):
    """The nine fields of the talent pool (人才库)."""

    AGRICULTURE = "agriculture", "农林种植", "agriculture and forestry"
    LIVESTOCK = "livestock", "畜牧水产", "livestock and fisheries"
    INDUSTRY = "industry", "产业发展", "industry and enterprise"
    ENGINEERING = "engineering", "工程科技", "engineering and technology"
    MEDICINE = "medicine", "医疗卫生", "medicine"
    EDUCATION = "education", "教育培训", "education"
    HERITAGE = "heritage", "文化非遗", "culture and heritage"
    LAW = "law", "法律调解", "law"
    GOVERNANCE = "governance", "社区治理", "community governance"


class PartyKind(Choice):
    """What an outside party is."""

    ASSOCIATION = "association", "社会组织", "association"
    UNIVERSITY = "university", "高校", "university"
    ENTERPRISE = "enterprise", "企业", "enterprise"
    GOVERNMENT = "government", "党政机关", "government body"
    COMMUNITY = "community", "社区（村）", "community"
    PLACE = "place", "未接入地区", "place without a node"


class OutsideParty(Value):
    """A party without a node; one bureau records its side (单方登记), with the signed letter if any."""

    name: Title
    kind: PartyKind
    division: Code | None = None
    letter: Attachment | None = None


class Reason(Choice):
    """Why; what more there is to say is an attachment, never text in a log."""

    TYPING = "typing", "录入错误", "typing error"
    COUNTING = "counting", "统计口径调整", "counted differently"
    DUPLICATE = "duplicate", "重复登记", "entered twice"
    LATE_NEWS = "late-news", "情况后补", "learnt later"
    INCOMPLETE = "incomplete", "材料不全", "papers incomplete"
    UNCLEAR = "unclear", "表述不清", "unclear"
    TIME = "time", "时间冲突", "time does not fit"
    CAPACITY = "capacity", "力量不足", "no capacity"
    NOT_OURS = "not-ours", "不属本单位职责", "not ours to answer"
    HEALTH_OR_FAMILY = "personal", "个人原因", "personal grounds"
    WEATHER = "weather", "天气或突发情况", "weather or emergency"
    NO_LONGER_NEEDED = "no-longer-needed", "不再需要", "no longer needed"
    AGREED = "agreed", "双方商定", "agreed by both"
    OVERDUE = "overdue", "逾期未答复", "no answer in time"
    OTHER = "other", "其他（见附件）", "other (see attachment)"


class Why(Value):
    """A reason from the list, and the words beyond it as an attachment."""

    code: Reason
    note: Attachment | None = None


class Place(Value):
    """Where: a division code of 6 digits, or 9 (street) or 12 (community), and what the place is called."""

    division: Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{3}){0,2}$")]
    name: Title | None = None


def short(uuid: UUID) -> str:
    """The first eight digits, for people to read aloud."""
    return str(uuid)[:8]


def plain(value: Any, lang: str) -> str:  # noqa: PLR0911  (one line a kind of value)
    """How a payload value reads inside a sentence."""
    match value:
        case Choice():
            return value.label(lang)
        case Why():
            return value.code.label(lang)
        case OutsideParty():
            return value.name
        case Place():
            return value.name or value.division
        case date():
            return f"{value.year}年{value.month}月{value.day}日" if lang == "zh" else value.isoformat()
        case tuple() | list():
            return ("、" if lang == "zh" else ", ").join(plain(v, lang) for v in value)
        case _:
            return str(value)
