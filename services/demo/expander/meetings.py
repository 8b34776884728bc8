"""Meetings with their tasks (A01 with A13 and A14, D07) and projects (C12)."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from events.tasks import Outcome
from events.values import Attachment, Expertise, OutsideParty, PartyKind, Place
from services.bureau import meetings, tasks
from services.demo import facts
from services.demo.expander import activities
from services.demo.script import MADE_UP, Positions, Writer, at, seeded
from services.runtime import workdays

PROJECT_NAMES = ("示范推广", "成果转化", "技术改造", "科普服务", "联合攻关", "培训基地")
PRINCIPLES = ("自愿参与", "发挥专长", "专业对口", "量力而行")
"""A14: willing, to one's strengths, in one's field, within one's powers."""
ROAD_MAP = (
    "拓展多层次合作载体", "推动县与县结对升级", "推动合作备忘录升级", "健全信息互通机制", "推进资源共享",
    "交流政治待遇生活待遇政策", "联合开展红色基地研学", "做好流动党员教育管理", "做好异地安置老同志服务",
    "加强关工委和老年大学交流", "宣传推广典型经验",
)  # fmt: skip
"""A13, in the order of the seed."""


def write(writer: Writer) -> None:
    """The meetings through both sides, what they decided, and the projects."""
    _joint_meeting(writer)
    _suzhou_meeting(writer)
    _projects(writer)


def _joint_meeting(writer: Writer) -> None:
    """A01: called and held by Sichuan, attended by Chongqing; its decisions become tasks of both."""
    entry = facts.entry("A01")
    host, guest, day = entry["hosts"][0], entry["parties"][0], date.fromisoformat(entry["date"])
    stream = writer.stream("A01/call", host)
    call = meetings.CallMeeting(
        title=entry["title_zh"],
        day=day,
        place=Place(division="510100", name=entry["place"]),
        bureaus=(guest,),
    )
    called = writer.order("A01/call", host, at(day - timedelta(days=17), 10), call)
    attend = meetings.Attend(log=host, stream=stream, persons=12)
    attends = writer.order("A01/attend", guest, at(day - timedelta(days=13), 11), attend, after=[called])
    titles = [*ROAD_MAP, *(f"邀请老同志坚持{principle}" for principle in PRINCIPLES)]
    held = meetings.HoldMeeting(
        stream=stream, day=day, present=36, excused=2, observing=4, decisions=len(titles),
        minutes=_minutes(writer, "A01", host, entry["title_zh"], titles),
    )  # fmt: skip
    writer.order("A01/hold", host, at(day, 17), held, after=[attends])
    for number, title in enumerate(titles, 1):
        owner = (host, guest)[number % 2]
        _set_task(writer, f"A13/{number:02}", host, owner, title, workdays.add(day, 1), "A01/hold")


def _set_task(writer: Writer, key: str, setter: str, owner: str, title: str, day: date, source: str) -> None:
    """Set by one bureau; taken on by the other when it is to own it, with a first report of progress."""
    stream, due = writer.stream(f"{key}/set", setter), day + timedelta(days=540)
    command = _from(source, title, owner, due)
    was_set = writer.order(f"{key}/set", setter, at(day, 9, int(key[-2:])), command, events=1, after=[source])
    if owner == setter:
        progress = tasks.Progress(stream=stream, percent=10)
        writer.order(f"{key}/progress", setter, at(workdays.add(day, 9), 10), progress)
        return
    taken = tasks.TakeOn(log=setter, stream=stream)
    writer.order(f"{key}/take-on", owner, at(workdays.add(day, 3), 10), taken, after=[was_set])
    ours = tasks.ProgressOurs(stream=writer.stream(f"{key}/take-on", owner), percent=10)
    writer.order(f"{key}/progress", owner, at(workdays.add(day, 9), 10), ours)


def _from(source: str, title: str, owner: str, due: date) -> Callable[[Positions], tasks.SetTask]:
    return lambda at_: tasks.SetTask(title=title, owner=owner, due=due, source=at_(source))


def _suzhou_meeting(writer: Writer) -> None:
    """D07: ten county-level areas, whose names the document leaves out, and the year's task list."""
    entry = facts.entry("D07")
    log, day = entry["bureau"], date.fromisoformat(f"{entry['date']}-25")
    areas = tuple(
        OutsideParty(name=f"第{n}板块老干部部门{MADE_UP}", kind=PartyKind.GOVERNMENT)
        for n in range(1, entry["parties_count"] + 1)
    )
    call = meetings.CallMeeting(
        title="市县老干部工作重点任务推进会", day=day, place=Place(division=log), outside=areas
    )
    stream = writer.stream("D07/call", log)
    writer.order("D07/call", log, at(day - timedelta(days=14), 9), call)
    titles = [
        f"年度重点任务之{name}{MADE_UP}" for name in ("离休干部服务", "党建阵地共享", "文化养老", "银发志愿")
    ]
    minutes = _minutes(writer, "D07", log, call.title, titles)
    held = meetings.HoldMeeting(stream=stream, day=day, present=28, decisions=len(titles), minutes=minutes)
    writer.order("D07/hold", log, at(day, 17), held)
    for number, title in enumerate(titles, 1):
        key = f"D07/{number:02}"
        due = date(day.year, 12, 20)
        command = _from("D07/hold", title, log, due)
        writer.order(
            f"{key}/set", log, at(workdays.add(day, 1), 9, number), command, events=1, after=["D07/hold"]
        )
        progress = tasks.Progress(stream=writer.stream(f"{key}/set", log), percent=40 + 10 * number)
        writer.order(f"{key}/progress", log, at(workdays.add(day, 3), 10, number), progress)


def _minutes(writer: Writer, key: str, log: str, title: str, decisions: Sequence[str]) -> Attachment:
    lines = "\n".join(f"{n}. {decision}" for n, decision in enumerate(decisions, 1))
    text = f"演示数据，非真实业务。正文为示例。\n\n{title}纪要\n\n会议议定：\n{lines}\n"
    return writer.paper(f"{key}/minutes", log, text)


def _projects(writer: Writer) -> None:
    """C12: introduced over the year; some went on, some are completed (made up)."""
    log, count = facts.entry("C12")["bureau"], facts.entry("C12")["value"]
    random, (first, last), fields = seeded("C12"), facts.period("C12"), list(Expertise)
    for number, day in enumerate(activities.days(first, last, count, random)):
        expertise = fields[number % len(fields)]
        title = f"老科技工作者{expertise.zh}{random.choice(PROJECT_NAMES)}项目之{number + 1}{MADE_UP}"
        key = f"C12/{number + 1:02}"
        partner = OutsideParty(name=f"合作单位{number + 1}{MADE_UP}", kind=PartyKind.ENTERPRISE)
        introduced = tasks.IntroduceProject(title=title, field=expertise, day=day, outside=(partner,))
        stream = writer.stream(f"{key}/introduce", log)
        writer.order(f"{key}/introduce", log, at(day, 10), introduced)
        _go_on(writer, key, log, stream, number, day, last)


def _go_on(writer: Writer, key: str, log: str, stream: str, number: int, day: date, last: date) -> None:
    """Half of the projects report progress while the year lasts, a quarter are completed in it."""
    middle, end = workdays.add(day, 20), workdays.add(day, 60)
    if number % 2 == 0 and middle <= last:
        progress = tasks.ProgressProject(stream=stream, percent=30 + number)
        writer.order(f"{key}/progress", log, at(middle, 10), progress)
    if number % 4 == 0 and end <= last:
        ended = tasks.EndProject(stream=stream, day=end, outcome=Outcome.COMPLETED)
        writer.order(f"{key}/end", log, at(end, 10), ended)
