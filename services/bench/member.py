"""One node as a process: its loops run, and it records as many activities as it is told on standard input."""

import json
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from events.activity import Form, Theme
from events.loops import Role
from events.values import Place
from services.bench.scene import COMMANDS, node
from services.bench.seeing import PACE
from services.bureau.activity import Plan
from services.bureau.case import Officer
from services.bureau.office import Order
from services.node.node import Node
from services.runtime import clock, logs

_LOOK = 0.01
_OFFICER = Officer(str(UUID(int=7)), COMMANDS, Role.CLERK)


def main() -> None:
    """The argument is a settings file. A line says that it is ready, one each that something is recorded."""
    logs.configure(clock.now)
    with node(Path(sys.argv[1])) as opened:
        opened.start()
        while opened.standing.cause is not None:
            time.sleep(_LOOK)
        _say(ready=opened.name)
        for line in sys.stdin:
            _record(opened, int(line))


def _record(opened: Node, count: int) -> None:
    begun, day = time.monotonic(), clock.today(clock.now)
    for number in range(count):
        time.sleep(max(0.0, begun + number * PACE - time.monotonic()))
        answer = opened.office.do(COMMANDS, Order(str(uuid4()), _OFFICER, _plan(number, day)))
        _say(position=answer.position, at=time.monotonic())


def _plan(number: int, day: date) -> Plan:
    return Plan(
        title=f"老干部读书会第{number}期", form=Form.STUDY, theme=Theme.GENERAL, starts=day,
        ends=day + timedelta(days=1), place=Place(division=COMMANDS),
    )  # fmt: skip


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
