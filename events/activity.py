"""What can happen to an activity (活动) and to a co-host's answer, and what that makes of them."""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from events import loops
from events.event import Event, Record
from events.history import Aggregate, Corrected, Voided, impossible
from events.loops import Answer, Asking, Settling
from events.values import Attachment, Choice, Count, Day, Money, OutsideParty, Paper, Place, Title, Why

Hours = Annotated[int, Field(ge=1, le=2_000, description="hours, rounded up")]
Quota = Annotated[int, Field(ge=1, le=100_000)]
Outside = Annotated[tuple[OutsideParty, ...], Field(max_length=20)]


class Form(Choice):
    """What kind of activity; the last four are political benefits (政治待遇)."""

    SEMINAR = "seminar", "座谈研讨", "seminar"
    STUDY_VISIT = "study-visit", "参观考察", "study visit"
    LECTURE = "lecture", "报告讲座", "lecture"
    CONTEST = "contest", "竞赛展演", "contest"
    FAIR = "fair", "志愿集市", "volunteer fair"
    CULTURE_SPORTS = "culture-sports", "文体活动", "culture and sports"
    STUDY = "study", "学习教育", "study session"
    FIELD_STUDY = "field-study", "现场研学", "field study"
    ON_SITE_CLASS = "on-site-class", "现场教学", "on-site class"
    CAMPAIGN = "campaign", "联合行动", "joint campaign"
    DOCUMENTS_READ = "documents-read", "阅读文件", "documents read"
    REPORT_HEARD = "report-heard", "听取报告", "report heard"
    MEETING_ATTENDED = "meeting-attended", "参加会议", "meeting attended"
    BRIEFING = "briefing", "情况通报", "briefing"


class Theme(Choice):
    """What it was about."""

    GENERAL = "general", "综合", "general"
    DISCIPLINE = "discipline", "党纪学习教育", "discipline study"
    BELIEF = "belief", "理想信念教育", "belief education"
    REVOLUTION = "revolution", "红色革命教育", "revolutionary history"
    INTEGRITY = "integrity", "廉政教育", "integrity"
    KEY_DATES = "key-dates", "重要节点", "key dates"
    ECONOMIC_CIRCLE = "economic-circle", "双城经济圈建设", "economic circle"
    CULTURE = "culture", "文化体育", "culture and sports"
    VOLUNTEERING = "volunteering", "志愿服务", "volunteering"
    POLITICAL_BENEFITS = "political-benefits", "政治待遇", "political benefits"


class ActivityPlannedV1(Event, type="yinqiao.activity.activity-planned.v1"):
    """Before themes were recorded."""

    title: Title
    form: Form
    starts: Day
    ends: Day
    place: Place

    def upcast(self) -> "ActivityPlanned":
        """Version 2 asks for a theme; what was planned before has the general one."""
        return ActivityPlanned(theme=Theme.GENERAL, **{n: getattr(self, n) for n in type(self).model_fields})


class ActivityPlanned(Event, type="yinqiao.activity.activity-planned.v2"):
    """An activity is planned; the report is due some working days after it ends."""

    zh = "{bureau}计划于{starts}举办「{title}」（{form}）"
    en = "{bureau} plans “{title}” ({form}) for {starts}"
    terms = frozenset({"form", "starts", "ends", "place"})
    title: Title
    form: Form
    theme: Theme
    starts: Day
    ends: Day
    place: Place
    report_due: Day | None = None
    quota: Quota | None = None
    insured: bool = False
    safety_plan: Attachment | None = None
    outside: Outside = ()
    cost: Money | None = None


class ActivityPublished(Asking, type="yinqiao.activity.activity-published.v1"):
    """Sign-up opens, and other bureaus are asked to co-host."""

    zh = "{bureau}发布活动，邀请{asks}联合举办"
    en = "{bureau} publishes the activity and asks {asks} to co-host"
    sign_up_until: Day | None = None


class ActivityChanged(Event, type="yinqiao.activity.activity-changed.v1"):
    """Time, place or quota change."""

    zh = "{bureau}将活动调整为{starts}在{place}举行"
    en = "{bureau} moves the activity to {starts} at {place}"
    terms = frozenset({"starts", "ends", "place"})
    starts: Day
    ends: Day
    place: Place
    quota: Quota | None = None


class ActivitySignUpStated(Event, type="yinqiao.activity.activity-sign-up-stated.v1"):
    """How many of the bureau's own members have signed up, as a count."""

    zh = "{bureau}已有{persons}人报名"
    en = "{persons} people of {bureau} have signed up"
    persons: Count


class ActivityCancelled(loops.Ending, type="yinqiao.activity.activity-cancelled.v1"):
    """It will not be held."""

    zh = "{bureau}取消活动：{reason}"
    en = "{bureau} cancels the activity: {reason}"
    reason: Why


class ActivityHeld(Settling, type="yinqiao.activity.activity-held.v1"):
    """It was held; `answers` are the co-hosts' confirmations that count."""

    zh = "{bureau}于{day}举办活动，{persons}人参加"
    en = "{bureau} held the activity on {day}, {persons} people took part"
    day: Day
    persons: Count
    hours: Hours | None = None
    place: Place | None = None


class ActivityReported(Event, type="yinqiao.activity.activity-reported.v1"):
    """The report is in; its text is an attachment."""

    zh = "{bureau}于{day}提交活动总结"
    en = "{bureau} reported on the activity on {day}"
    day: Day
    text: Attachment | None = None
    paper: Paper | None = None


class ActivityExtended(loops.Extended, type="yinqiao.activity.activity-extended.v1"):
    """A bureau asked to co-host gets more time."""

    zh = "{bureau}将{bureau_}的答复期限延至{due}"
    en = "{bureau} gives {bureau_} until {due} to answer"


class ActivityPassedOn(loops.PassedOn, type="yinqiao.activity.activity-passed-on.v1"):
    """The invitation goes to another bureau instead."""

    zh = "{bureau}将对{bureau_}的邀请转至{to}"
    en = "{bureau} turns the invitation of {bureau_} to {to}"


class ActivityReminded(loops.Reminded, type="yinqiao.activity.activity-reminded.v1"):
    """A bureau is reminded of the invitation."""

    zh = "{bureau}催办{bureau_}"
    en = "{bureau} reminds {bureau_}"


class ActivityCorrected(Corrected, type="yinqiao.activity.activity-corrected.v1"):
    """A fact of the activity was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class ActivityVoided(Voided, type="yinqiao.activity.activity-voided.v1"):
    """A fact of the activity never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


class CohostConfirmed(Answer, type="yinqiao.activity.cohost-confirmed.v1"):
    """The bureau takes part as a host."""

    zh = "{bureau}确认联合举办"
    en = "{bureau} confirms that it co-hosts"
    persons: Count | None = None


class CohostDeclined(loops.Declined, type="yinqiao.activity.cohost-declined.v1"):
    """The bureau does not take part."""

    zh = "{bureau}谢绝联合举办：{reason}"
    en = "{bureau} declines to co-host: {reason}"


class CohostReturned(loops.Returned, type="yinqiao.activity.cohost-returned.v1"):
    """The bureau sends the invitation back for completion."""

    zh = "{bureau}退回邀请补正：{reason}"
    en = "{bureau} returns the invitation: {reason}"


class CohostSignUpStated(Event, type="yinqiao.activity.cohost-sign-up-stated.v1"):
    """How many of the co-host's members have signed up, as a count."""

    zh = "{bureau}已有{persons}人报名"
    en = "{persons} people of {bureau} have signed up"
    persons: Count


class CohostCorrected(Corrected, type="yinqiao.activity.cohost-corrected.v1"):
    """A fact of the answer was wrong."""

    zh = "{bureau}更正第{corrects}号记录：{reason}"
    en = "{bureau} corrects record {corrects}: {reason}"


class CohostVoided(Voided, type="yinqiao.activity.cohost-voided.v1"):
    """A fact of the answer never was."""

    zh = "{bureau}作废第{voids}号记录：{reason}"
    en = "{bureau} voids record {voids}: {reason}"


@dataclass(frozen=True)
class Activity:
    """An activity as its planner's stream tells it; stage: planned, published, cancelled, held, reported."""

    stage: str
    plan: ActivityPlanned
    asks: tuple[loops.Ask, ...] = ()
    held: ActivityHeld | None = None


def evolve_activity(activity: Activity | None, record: Record[Event]) -> Activity:  # noqa: PLR0911  (one branch a fact)
    """The next state of an activity. Raises ImpossibleHistory."""
    match activity, record.data:
        case None, ActivityPlanned() as plan if plan.starts <= plan.ends:
            return Activity("planned", plan)
        case Activity(stage="planned" | "published"), ActivityPublished(asks=asks):
            return replace(activity, stage="published", asks=asks)
        case Activity(stage="planned" | "published"), ActivityChanged() as new if new.starts <= new.ends:
            return replace(activity, plan=activity.plan.model_copy(update=dict(new)))
        case Activity(stage="planned" | "published"), ActivitySignUpStated():
            return activity
        case Activity(stage="planned" | "published"), ActivityCancelled():
            return replace(activity, stage="cancelled")
        case Activity(stage="planned" | "published", asks=asks), ActivityHeld() as held if (
            loops.answered_by_asked(asks, held.answers, record.basis)
        ):
            return replace(activity, stage="held", held=held)
        case Activity(stage="held"), ActivityReported():
            return replace(activity, stage="reported")
        case Activity(stage="published"), loops.Extended() | loops.PassedOn() | loops.Reminded() as step:
            return replace(activity, asks=loops.stepped(activity.asks, step))
    raise impossible(activity, record)


@dataclass(frozen=True)
class Cohost:
    """A co-host's answer; stage: confirmed, declined, returned."""

    stage: str
    question: Answer


def evolve_cohost(cohost: Cohost | None, record: Record[Event]) -> Cohost:
    """The next state of a co-host's answer; a new question may be answered anew. Raises ImpossibleHistory."""
    match cohost, record.data:
        case _, CohostConfirmed() | CohostDeclined() | CohostReturned() as answer if _fresh(cohost, answer):
            return Cohost(_STAGE[type(answer)], answer)
        case Cohost(stage="confirmed"), CohostSignUpStated():
            return cohost
    raise impossible(cohost, record)


_STAGE: dict[type[Event], str] = {
    CohostConfirmed: "confirmed",
    CohostDeclined: "declined",
    CohostReturned: "returned",
}


def _fresh(cohost: Cohost | None, answer: Answer) -> bool:
    return cohost is None or cohost.question.question != answer.question


AGGREGATES = (
    Aggregate(
        "activity", "activity", "活动", "activity",
        (ActivityPlannedV1, ActivityPlanned, ActivityPublished, ActivityChanged, ActivitySignUpStated,
         ActivityCancelled, ActivityHeld, ActivityReported, ActivityExtended, ActivityPassedOn,
         ActivityReminded, ActivityCorrected, ActivityVoided),
        evolve_activity, ("cancelled", "reported"),
    ),
    Aggregate(
        "cohost", "activity", "联办答复", "co-host's answer",
        (CohostConfirmed, CohostDeclined, CohostReturned, CohostSignUpStated, CohostCorrected, CohostVoided),
        evolve_cohost, ("declined",),
    ),
)  # fmt: skip
