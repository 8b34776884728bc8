"""`yinqiao simulate`: fill a demo node's logs with made-up activities, the same for the same seed."""

import resource
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count, cycle, islice
from random import Random
from typing import Annotated, NamedTuple

import typer

from events import envelope, errors
from events.activity import Form, Theme
from events.loops import Role
from events.values import Place
from services.bureau import activity
from services.bureau.case import Officer
from services.bureau.commands import Command
from services.bureau.office import Answer, Order
from services.commands import options, screen
from services.commands.options import NODE_TOML, Json, SettingsFile
from services.runtime.clock import SHANGHAI

BEGIN = datetime(2025, 1, 1, 8, tzinfo=SHANGHAI)
RUN = 600
"""Orders of one log in a row."""
_STEP = timedelta(seconds=20)
_ADJECTIVES = ("红色", "银龄", "巴渝", "川渝", "金秋", "重阳")
_NOUNS = ("研学", "书画展", "合唱", "太极交流", "读书会", "健步走", "茶话会", "摄影展")


class Work(NamedTuple):
    """Some orders for one log, to be recorded together."""

    log: str
    orders: list[Order]


def run(
    events: Annotated[int, typer.Option("--events", min=1, help="How many events to record.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same events.")] = 1,
    settings: SettingsFile = NODE_TOML,
    as_json: Json = False,
) -> None:
    """Record made-up activities in a demo node's own logs; the same seed again records nothing twice."""
    from services.gateway.acting import officer
    from services.node import apart

    place = options.place(settings)
    own = sorted(log.name for log in place.alliance.logs_of(place.settings.name))
    _refuse(own, demo=place.settings.demo)
    begin, done = time.monotonic(), 0
    with apart.opened(place.settings, place.alliance) as node, screen.progress("simulate") as progress:
        clerks = {log: officer(place.alliance.id, log[:6], Role.CLERK) for log in own}
        for log, orders in work(place.alliance.id, clerks, events, seed):
            _check(node.office.bulk(log, orders))
            done += len(orders)
            progress(done, events)
    _tell(done, time.monotonic() - begin, as_json=as_json)


def work(alliance: str, clerks: Mapping[str, Officer], events: int, seed: int) -> Iterator[Work]:
    """Orders that become one event each, run by run, the logs in turn."""
    made = {log: _orders(alliance, log, clerk, seed) for log, clerk in clerks.items()}
    for log in cycle(made):
        orders = list(islice(made[log], min(RUN, events)))
        yield Work(log, orders)
        events -= len(orders)
        if not events:
            return


def _orders(alliance: str, log: str, clerk: Officer, seed: int) -> Iterator[Order]:
    """Activity after activity: planned, sign-up stated, held, reported."""
    random, at = Random(f"{seed}/{log}"), BEGIN  # noqa: S311  (made-up data, no secrets)
    for number in count():
        key = f"simulate/{seed}/{number}"
        stream = envelope.subject_id(envelope.namespace(alliance, log), f"{key}/0", 0)
        for step, command in enumerate(_activity(random, log, stream, at)):
            yield Order(f"{key}/{step}", clerk, command, at)
            at += _STEP


def _activity(random: Random, log: str, stream: str, at: datetime) -> Iterable[Command]:
    title = f"〔模拟〕{random.choice(_ADJECTIVES)}{random.choice(_NOUNS)}{random.randrange(1, 100)}期"
    yield activity.Plan(
        title=title, form=random.choice(list(Form)), theme=random.choice(list(Theme)), starts=at.date(),
        ends=at.date(), place=Place(division=log[:6]),
    )  # fmt: skip
    persons = random.randrange(5, 200)
    yield activity.StateSignUp(stream=stream, persons=persons)
    yield activity.Hold(stream=stream, day=at.date(), persons=persons)
    yield activity.Report(stream=stream, day=at.date())


def _refuse(own: Sequence[str], *, demo: bool) -> None:
    if not demo:
        raise errors.NotAllowed("simulate makes activities up: only at a node with demo = true")
    if not own:
        raise errors.NotAllowed("this node writes no log; use one that does")


def _check(answers: Iterable[Answer | errors.YinqiaoError]) -> None:
    for answer in answers:
        if not isinstance(answer, Answer):
            raise answer


def _tell(events: int, seconds: float, *, as_json: bool) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = events / seconds
    if as_json:
        screen.document({"events": events, "seconds": seconds, "rate": rate, "peak_mib": peak})
    else:
        screen.line(f"{events} events in {seconds:.1f} s, {rate:.0f} a second, {peak:.0f} MiB at most")
