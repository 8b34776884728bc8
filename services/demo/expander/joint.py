"""Activities that bureaus hold together (A07, A15), and those that no total counts (B25, C30)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from events.activity import Form, Theme
from events.values import Place, Reason, Why
from services.bureau.activity import Confirm, Decline, Hold, Plan, Publish, Report
from services.bureau.commands import Command
from services.demo import facts
from services.demo.expander import activities
from services.demo.script import MADE_UP, Writer, at, seeded
from services.runtime import workdays

_QUARTERLY = (
    (Form.REPORT_HEARD, "听取形势报告"),
    (Form.MEETING_ATTENDED, "列席重要会议"),
    (Form.BRIEFING, "情况通报会"),
)


class Joint(NamedTuple):
    """One joint activity: who plans, who is asked, who of them declines."""

    key: str
    planner: str
    asked: Sequence[str]
    plan: Plan
    persons: int
    declines: Sequence[str] = ()


def write(writer: Writer) -> None:
    """The joint ones through both sides, then the rest."""
    for joint in (*_visits(), *_campaigns()):
        _hold_together(writer, joint)
    _benefits(writer)
    _seven_ways(writer)


def _visits() -> list[Joint]:
    """A07: three kinds of bases, twice; the days, and who declined once, are made up."""
    planner, *asked = facts.entry("A07")["parties"]
    bases = (
        ("革命传统教育基地", Theme.REVOLUTION, "511600", date(2021, 6, 17)),
        ("廉政教育基地", Theme.INTEGRITY, "500117", date(2021, 10, 21)),
        ("爱国主义教育基地", Theme.REVOLUTION, "512000", date(2022, 4, 14)),
        ("革命传统教育基地", Theme.REVOLUTION, "512000", date(2022, 6, 16)),
        ("廉政教育基地", Theme.INTEGRITY, "511600", date(2022, 9, 22)),
        ("爱国主义教育基地", Theme.REVOLUTION, "500117", date(2023, 3, 23)),
    )
    return [
        Joint(
            f"A07/{n}", planner, asked,
            _day_plan(
                f"合川广安资阳老同志{base}联合研学（第{n}期）{MADE_UP}", Form.STUDY_VISIT, theme, day, where
            ),
            40 + 3 * n, declines=("512000",) if n == 5 else (),  # noqa: PLR2004  (the fifth, made up)
        )
        for n, (base, theme, where, day) in enumerate(bases, 1)
    ]  # fmt: skip


def _campaigns() -> list[Joint]:
    """A15: the four campaigns and the one over all; the documents give their names alone."""
    chongqing, sichuan = facts.entry("A15")["parties"]
    names = ("老同志助力产业发展", "老同志助力乡村振兴", "老同志助力社会治理", "老同志助力文化传承")
    days = (date(2021, 9, 16), date(2022, 3, 17), date(2022, 8, 18), date(2022, 11, 17))
    made = [(f"川渝四大助力行动：{name}{MADE_UP}", day) for name, day in zip(names, days, strict=True)] + [
        ("我为成渝地区双城经济圈建设出份力", date(2023, 4, 20))
    ]
    return [
        Joint(
            f"A15/{n}", *((chongqing, [sichuan]) if n % 2 else (sichuan, [chongqing])),
            _day_plan(title, Form.CAMPAIGN, Theme.ECONOMIC_CIRCLE, day, chongqing if n % 2 else sichuan),
            80 + 10 * n,
        )
        for n, (title, day) in enumerate(made, 1)
    ]  # fmt: skip


def _day_plan(title: str, form: Form, theme: Theme, day: date, division: str) -> Plan:
    return Plan(
        title=title, form=form, theme=theme, starts=day, ends=day, place=Place(division=division),
        insured=form is Form.STUDY_VISIT,
    )  # fmt: skip


def _hold_together(writer: Writer, joint: Joint) -> None:
    """Planned, others asked, answered at their side, held naming the confirmations, reported."""
    key, day = joint.key, joint.plan.starts
    asked_on = workdays.add(day.replace(day=1), 1)
    stream = writer.stream(f"{key}/plan", joint.planner)
    writer.order(f"{key}/plan", joint.planner, at(asked_on, 9), joint.plan)
    publish = Publish(stream=stream, bureaus=tuple(joint.asked))
    question = writer.order(f"{key}/publish", joint.planner, at(asked_on, 10), publish)
    answers = [_answer(writer, joint, stream, question, code) for code in joint.asked]
    held = Hold(stream=stream, day=day, persons=joint.persons, hours=6)
    writer.order(f"{key}/hold", joint.planner, at(day, 17, 30), held, after=answers)
    reported = workdays.add(day, 5)
    writer.order(f"{key}/report", joint.planner, at(reported, 10), Report(stream=stream, day=reported))


def _answer(writer: Writer, joint: Joint, stream: str, question: str, code: str) -> str:
    answered_on = workdays.add(joint.plan.starts.replace(day=1), 4)
    asked = {"log": joint.planner, "stream": stream}
    command: Command = Confirm(**asked, persons=joint.persons // (len(joint.asked) + 1))
    if code in joint.declines:
        command = Decline(**asked, reason=Why(code=Reason.TIME))
    return writer.order(f"{joint.key}/answer/{code}", code, at(answered_on, 15), command, after=[question])


def _benefits(writer: Writer) -> None:
    """B25: documents read each month, reports heard, meetings attended and briefings each quarter."""
    log, (first, _) = facts.entry("B25")["bureau"], facts.period("B25")
    monthly = [(Form.DOCUMENTS_READ, "阅读文件", month) for month in range(1, 13)]
    quarterly = [
        (form, name, month)
        for form, name in _QUARTERLY for month in (2, 5, 8, 11)
    ]  # fmt: skip
    for number, (form, name, month) in enumerate(monthly + quarterly):
        day = workdays.add(date(first.year, month, 8), number % 5)
        title = f"{first.year}年{month}月离退休干部{name}{MADE_UP}"
        plan = _day_plan(title, form, Theme.POLITICAL_BENEFITS, day, log)
        _hold_alone(writer, f"B25/{number + 1:02}", log, plan, 20 + 3 * (number % 7))


def _hold_alone(writer: Writer, key: str, log: str, plan: Plan, persons: int) -> None:
    day, stream = plan.starts, writer.stream(f"{key}/plan", log)
    writer.order(f"{key}/plan", log, at(day - timedelta(days=6), 9, 30), plan)
    writer.order(f"{key}/hold", log, at(day, 17), Hold(stream=stream, day=day, persons=persons, hours=2))
    later = workdays.add(day, 4)
    writer.order(f"{key}/report", log, at(later, 11), Report(stream=stream, day=later))


def _seven_ways(writer: Writer) -> None:
    """C30: the seven ways of study, one of each."""
    ways, (first, last) = facts.texts("C30")["forms"]["study"], facts.period("C30")
    days = activities.days(first, last, len(ways), seeded("C30"))
    for number, (way, day) in enumerate(zip(ways, days, strict=True), 1):
        plan = _day_plan(
            f"七学之{way}{MADE_UP}", Form.STUDY, Theme.GENERAL, day, facts.entry("C30")["bureau"]
        )
        _hold_alone(writer, f"C30/{number}", facts.entry("C30")["bureau"], plan, 20 + 5 * number)
