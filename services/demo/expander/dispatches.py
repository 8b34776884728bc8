"""One dispatch, played through: shared, offered, answered by the host, started, served, confirmed, rated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from uuid import UUID

from events.experts import Tier
from events.loops import Role
from events.talent import Half, Purpose
from events.values import Code, Expertise, OutsideParty, Reason, Title, Why
from services.bureau import experts, talent
from services.demo import facts
from services.demo.script import Positions, Writer, at
from services.runtime import workdays


@dataclass(frozen=True)
class Group:
    """Experts of one home who go to one host in one offer. `days`: how often each serves."""

    key: str
    home: Code
    field: Expertise
    purpose: Purpose
    day: date
    persons: int
    days: int = 1
    until: date | None = None
    """The last day of a term that goes on; none: they complete their days and are done."""


@dataclass(frozen=True)
class Turn:
    """What happens to an expert beside the rule."""

    declined: bool = False
    ended_early: bool = False


def share(writer: Writer, group: Group, random: Random, *, leading: bool = False) -> list[str]:
    """The experts of a group, some days before the offer; their streams. Leading ones are cleared first."""
    day, streams = workdays.add(group.day, 0), []
    for number in range(1, group.persons + 1):
        key = f"{group.key}/expert/{number:02}"
        needs = leading and number % 10 == 1
        command = experts.ShareExpert(
            speciality=speciality(group.field, random), fields=(group.field,), needs_clearance=needs,
            tier=Tier.THINK_TANK if number % 4 == 0 else Tier.POOL, agreed=True,
        )  # fmt: skip
        writer.order(f"{key}/share", group.home, at(day, 9, number), command)
        stream = writer.stream(f"{key}/share", group.home)
        if needs:
            clear = experts.Clear(stream=stream)
            writer.order(f"{key}/clear", group.home, at(day, 11, number), clear, role=Role.LEADER)
        streams.append(stream)
    return streams


def speciality(field: Expertise, random: Random) -> Title:
    """What an expert is good at, of a field."""
    found: Title = random.choice(facts.talents()["specialities"][field.value])
    return found


def send_outside(
    writer: Writer, group: Group, streams: Sequence[str], host: OutsideParty, batch: UUID | None
) -> None:
    """To a host without a node: its consent is recorded by the home, and nobody answers."""
    home, offered = group.home, workdays.add(group.day, 2)
    starts, ends = workdays.add(offered, 5), group.until or workdays.add(offered, 5 + group.days)
    offer = talent.Offer(
        experts=tuple(streams), outside=host, field=group.field, purpose=group.purpose, starts=starts,
        service_days=group.days, ends=ends, agreed=group.day, batch=batch,
    )  # fmt: skip
    writer.order(f"{group.key}/offer", home, at(offered, 10), offer, role=Role.LEADER)
    for index in range(group.persons):
        key, minute = f"{group.key}/dispatch/{index + 1:02}", index + 1
        stream = writer.stream(f"{group.key}/offer", home, index)
        consent = talent.ConfirmOutside(stream=stream, day=workdays.add(offered, 3))
        writer.order(f"{key}/consent", home, at(workdays.add(offered, 3), 10, minute), consent)
        _start(writer, key, home, stream, starts, minute, ())
        _serve(writer, key, home, stream, starts, group.days, minute)
        if group.until is None:
            complete = talent.Complete(stream=stream, day=ends)
            writer.order(f"{key}/complete", home, at(ends, 17, minute), complete)


def send(
    writer: Writer,
    group: Group,
    streams: Sequence[str],
    host: Code,
    opened: str,
    need: str | None = None,
    turns: Sequence[Turn] = (),
) -> None:
    """To a bureau: `opened` is the key of the entry into force it rests on, `need` that of the need."""
    home, offered = group.home, workdays.add(group.day, 2)
    starts = workdays.add(offered, 8)
    offer = talent.Offer(
        experts=tuple(streams), host=host, field=group.field, purpose=group.purpose, starts=starts,
        service_days=group.days, ends=workdays.add(starts, group.days + 5), agreed=group.day,
        need_log=host if need else None, need=writer.stream(need, host) if need else None,
    )  # fmt: skip
    after = [opened, need] if need else [opened]
    offer_key = writer.order(
        f"{group.key}/offer", home, at(offered, 10), offer, role=Role.LEADER, after=after
    )
    for index in range(group.persons):
        turn = turns[index] if index < len(turns) else Turn()
        _one(writer, group, host, offer_key, index, starts, turn)


def _one(writer: Writer, group: Group, host: Code, offer: str, index: int, starts: date, turn: Turn) -> None:
    home, key, minute = group.home, f"{group.key}/dispatch/{index + 1:02}", index + 1
    stream, answered = writer.stream(offer, home, index), workdays.add(group.day, 5)
    asked = {"log": home, "stream": stream}
    if turn.declined:
        no = talent.DeclineOffer(**asked, reason=Why(code=Reason.CAPACITY))
        answer = writer.order(
            f"{key}/decline", host, at(answered, 15, minute), no, role=Role.LEADER, after=[offer]
        )
        back = talent.WithdrawOffer(stream=stream, reason=Why(code=Reason.NO_LONGER_NEEDED))
        writer.order(f"{key}/withdraw", home, at(workdays.add(answered, 2), 11, minute), back, after=[answer])
        return
    yes = talent.Accept(**asked)
    answer = writer.order(
        f"{key}/accept", host, at(answered, 15, minute), yes, role=Role.LEADER, after=[offer]
    )
    _start(writer, key, home, stream, starts, minute, [answer])
    served = _serve(writer, key, home, stream, starts, group.days - turn.ended_early, minute)
    last = workdays.add(starts, group.days + 1)
    confirm = _confirm(home, stream, served)
    writer.order(f"{key}/confirm", host, at(last, 9, minute), confirm, after=served, events=len(served))
    ending = _ending(writer, key, home, stream, last, minute, turn)
    mark = writer.paper(f"{key}/mark", host, "演示数据，非真实业务。评价：满意\n")
    rate = talent.Rate(**asked, mark=mark)
    writer.order(f"{key}/rate", host, at(workdays.add(last, 3), 10, minute), rate, after=[ending])


def _start(
    writer: Writer, key: str, home: Code, stream: str, day: date, minute: int, after: Sequence[str]
) -> None:
    writer.order(f"{key}/start", home, at(day, 9, minute), talent.Start(stream=stream, day=day), after=after)


def _serve(
    writer: Writer, key: str, home: Code, stream: str, starts: date, days: int, minute: int
) -> list[str]:
    """The service days, one after another, every third only in the morning."""
    keys = []
    for number in range(days):
        day = workdays.add(starts, number)
        log = talent.LogDay(stream=stream, day=day, half=Half.AM if number % 3 == 2 else Half.FULL)  # noqa: PLR2004  (every third)
        keys.append(writer.order(f"{key}/day/{number + 1}", home, at(day, 16, minute), log))
    return keys


def _confirm(home: Code, stream: str, served: Sequence[str]) -> Callable[[Positions], talent.ConfirmDays]:
    return lambda at_: talent.ConfirmDays(log=home, stream=stream, positions=tuple(map(at_, served)))


def _ending(writer: Writer, key: str, home: Code, stream: str, last: date, minute: int, turn: Turn) -> str:
    moment = at(last, 17, minute)
    if turn.ended_early:
        early = talent.EndEarly(stream=stream, day=last, reason=Why(code=Reason.HEALTH_OR_FAMILY))
        return writer.order(f"{key}/end", home, moment, early)
    return writer.order(f"{key}/complete", home, moment, talent.Complete(stream=stream, day=last))
