"""Experts who go elsewhere: to partners (A05, A06, A12), to outside hosts (C06, C20, C27); and the pool."""

from collections.abc import Sequence
from datetime import date
from itertools import cycle
from uuid import UUID, uuid5

from events import divisions, envelope
from events.experts import Tier
from events.talent import Purpose
from events.values import Code, Expertise, OutsideParty, PartyKind, Place
from services.bureau import experts, talent
from services.demo import facts
from services.demo.expander import dispatches
from services.demo.expander.dispatches import Group, Turn
from services.demo.script import MADE_UP, Writer, at, seeded, split
from services.runtime import workdays

HOSTS_A_BATCH = 6
_BATCHES = {
    "C06": (date(2025, 3, 3), date(2025, 6, 9), date(2025, 9, 8)),
    "C20": (date(2024, 4, 8), date(2025, 4, 14)),
}
_TERM_END = date(2026, 12, 31)
"""Until then the advisers of the last host of C06 serve: something of the demo goes on."""


def write(writer: Writer) -> None:
    """Dispatches under memoranda first, then those recorded by one side, then the pool's strength."""
    _advisory_trips(writer)
    _exchanges(writer)
    _research(writer)
    _advisers(writer, "C06")
    _advisers(writer, "C20")
    _elsewhere(writer)
    _strength(writer)


def _advisory_trips(writer: Writer) -> None:
    """A05: under the party-building alliance of A04, in the two fields of the seed; the host asks first."""
    home, host = facts.entry("A05")["from"], facts.entry("A05")["to"]
    for number, (field, title) in enumerate(
        ((Expertise.INDUSTRY, "毗邻镇产业发展指导"), (Expertise.GOVERNANCE, "毗邻镇社区治理指导"))
    ):
        day = date(2021, 9 + number, 13)
        group = Group(f"A05/{number + 1}", home, field, Purpose.CONSULTING, day, 2, days=3)
        _asked_for(writer, group, host, title, "A04/in-force")
    _satisfied(writer, "A05", host, date(2021, 12, 20), 4)


def _exchanges(writer: Writer) -> None:
    """A06: think tanks visit each other, one field with each partner."""
    entry = facts.entry("A06")
    fields = (Expertise.ENGINEERING, Expertise.INDUSTRY, Expertise.EDUCATION)
    for number, (host, field) in enumerate(zip(entry["with"], fields, strict=True)):
        group = Group(
            f"A06/{number + 1}",
            entry["from"],
            field,
            Purpose.EXCHANGE,
            date(2022, 3 + 2 * number, 7),
            2,
            days=2,
        )
        streams = dispatches.share(writer, group, seeded(group.key))
        dispatches.send(writer, group, streams, host, f"A06/memorandum/{host}/in-force")
        _satisfied(writer, group.key, host, date(2022, 12, 20), 2)


def _research(writer: Writer) -> None:
    """A12: blood orange, livestock, heritage. One offer is declined and one ends early (made up)."""
    entry = facts.entry("A12")
    plans = (
        (Expertise.AGRICULTURE, "血橙品质提升", (Turn(), Turn(), Turn(declined=True))),
        (Expertise.LIVESTOCK, "生猪健康养殖", (Turn(), Turn(ended_early=True))),
        (Expertise.HERITAGE, "非遗传承保护", (Turn(), Turn())),
    )
    for number, (host, (field, title, turns)) in enumerate(zip(entry["to"], plans, strict=True)):
        group = Group(
            f"A12/{number + 1}",
            entry["from"],
            field,
            Purpose.RESEARCH,
            date(2021, 4 + number, 12),
            len(turns),
            days=4,
        )
        opened = f"A12/memorandum/{host}/in-force"
        _asked_for(writer, group, host, f"{title}{MADE_UP}", opened, turns)
        kept = sum(not turn.declined for turn in turns)
        _satisfied(writer, group.key, host, date(2021, 12, 21), kept)
    _uncleared(writer, entry["from"])


def _uncleared(writer: Writer, home: Code) -> None:
    """A leading expert without clearance: seen in the pool, and cannot be offered."""
    command = experts.ShareExpert(
        speciality="血橙产业规划", fields=(Expertise.AGRICULTURE, Expertise.INDUSTRY), tier=Tier.THINK_TANK,
        needs_clearance=True, agreed=True,
    )  # fmt: skip
    writer.order("A12/uncleared/share", home, at(date(2021, 3, 1), 9), command)


def _asked_for(
    writer: Writer, group: Group, host: Code, title: str, opened: str, turns: Sequence[Turn] = ()
) -> None:
    """The host publishes what it needs, and the home answers with an offer."""
    day = workdays.add(group.day, 0)
    starts = workdays.add(day, 10)
    need = talent.PublishNeed(
        field=group.field, title=title, persons=group.persons, service_days=group.days, starts=starts,
        ends=workdays.add(starts, group.days + 5), place=Place(division=host), to=(group.home,),
    )  # fmt: skip
    key = writer.order(f"{group.key}/need", host, at(day, 8, 30), need, after=[opened])
    streams = dispatches.share(writer, group, seeded(group.key), leading=True)
    dispatches.send(writer, group, streams, host, opened, key, turns)


def _satisfied(writer: Writer, key: str, host: Code, day: date, count: int) -> None:
    """How the host was satisfied in that year, as counts."""
    command = experts.StateSatisfaction(starts=day.replace(month=1, day=1), ends=day, satisfied=count)
    writer.order(f"{key}/satisfaction", host, at(day, 15), command)


def _advisers(writer: Writer, entry: str) -> None:
    """Advisers to enterprises and new organisations, in as many batches as the seed says."""
    home, value, random = facts.entry(entry)["bureau"], facts.entry(entry)["value"], seeded(entry)
    sizes = split(value, facts.entry(entry)["batches"], random)
    fields, hosts = cycle(Expertise), cycle(_hosts())
    for number, (day, size) in enumerate(zip(_BATCHES[entry], sizes, strict=True), 1):
        batch = _batch(writer, home, f"{entry}/{number}")
        for place, persons in enumerate(split(size, HOSTS_A_BATCH, random), 1):
            last = (entry, number, place) == ("C06", len(sizes), HOSTS_A_BATCH)
            group = Group(
                f"{entry}/{number}/{place}", home, next(fields), Purpose.ADVISER, workdays.add(day, place),
                persons, days=1 + place % 2, until=_TERM_END if last else None,
            )  # fmt: skip
            streams = dispatches.share(writer, group, random, leading=True)
            dispatches.send_outside(writer, group, streams, next(hosts), batch)


def _hosts() -> list[OutsideParty]:
    return [
        OutsideParty(name=f"{name}{MADE_UP}", kind=PartyKind(kind))
        for kind, names in facts.talents()["hosts"].items()
        for name in names
    ]


def _batch(writer: Writer, home: Code, name: str) -> UUID:
    return uuid5(envelope.namespace(writer.alliance, home), f"demo/{name}/batch")


def _elsewhere(writer: Writer) -> None:
    """C27: technical guidance in regions without a node."""
    entry = facts.entry("C27")
    for number, (code, field) in enumerate(
        zip(entry["to"], (Expertise.AGRICULTURE, Expertise.INDUSTRY), strict=True), 1
    ):
        group = Group(
            f"C27/{number}", entry["from"], field, Purpose.ADVICE, date(2025, 4 + number, 12), 3, days=2
        )
        host = OutsideParty(name=divisions.name(code), kind=PartyKind.PLACE, division=code)
        streams = dispatches.share(writer, group, seeded(group.key))
        dispatches.send_outside(writer, group, streams, host, _batch(writer, entry["from"], f"C27/{number}"))


def _strength(writer: Writer) -> None:
    """C07 and C08: two tiers over nine fields; how they are spread is made up."""
    for entry in ("C07", "C08"):
        query, value = facts.queries()[entry], facts.entry(entry)["value"]
        day = date(query.first.year, 1, 15)
        for minute, (field, persons) in enumerate(_spread(value)):
            command = experts.StateStrength(
                day=day, tier=query.tier or Tier.POOL, field=field, persons=persons, opening=True
            )
            writer.order(f"{entry}/{field.value}", query.bureau, at(day, 10, minute), command)


def _spread(total: int) -> list[tuple[Expertise, int]]:
    """A total over the nine fields by their shares, to the last person."""
    shares: dict[str, int] = facts.talents()["shares"]
    found = [(Expertise(name), total * share // 100) for name, share in shares.items()]
    rest = total - sum(persons for _, persons in found)
    (field, persons), *others = found
    return [(field, persons + rest), *others]
