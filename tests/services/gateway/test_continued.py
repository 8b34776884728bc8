"""What goes on from a closed log, on the pages: one thing under either address, done by the successor."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from events.loops import Role
from events.membership import Closure
from services.bureau.commands import Command
from services.bureau.continuing import CloseLog, Continue
from services.bureau.office import Order
from services.runtime import clock
from tests.services.gateway.clerks import Clerk, Form
from tests.services.gateway.houses import House
from tests.services.gateway.test_cooperation import in_force, release
from tests.services.gateway.test_talent import shared
from tests.support.project import ROOT

Seat = Callable[[str], Clerk]
HOME, NEW_HOME, HOST, NEW_HOST = "500153", "500117", "510300", "511600"
DAY = clock.today(clock.now) - timedelta(days=2)


def merge(house: House, old: str, new: str, *, streams: bool = True) -> None:
    """The old log is closed in favour of the new one, which goes on with its streams, if there are any."""

    def do(log: str, command: Command) -> None:
        house.site.office.do(log, Order(uuid4().hex, house.officer(log, Role.LEADER), command))
        house.catch_up()

    do(old, CloseLog(reason=Closure.MERGER, successor=new))
    if streams:
        do(new, Continue(log=old))


def press(clerk: Clerk, page: str, command: str) -> None:
    """Send a form that stands on a page as it is."""
    action = f"/forms/{command}"
    answer = clerk.client.post(action, data=Form(clerk.get(page)).forms[action], follow_redirects=False)
    assert answer.status_code == 303, answer.text


def both(clerk: Seat, bureau: str) -> tuple[Clerk, Clerk]:
    return clerk(f"{bureau}/clerk"), clerk(f"{bureau}/leader")


@pytest.fixture
def started(clerk: Seat) -> str:
    """The page of a dispatch that has started, with one day logged."""
    home, host = both(clerk, HOME), both(clerk, HOST)
    in_force(home, host)
    shared(home[0], "柑橘栽培")
    fields = {
        "host": HOST, "field": "agriculture", "purpose": "advice", "service_days": "20", "starts": DAY,
        "ends": DAY, "agreed": DAY,
    }  # fmt: skip
    form = home[0].get("/forms/talent/offer")
    expert = re.findall(r'name="experts"[^>]*value="([0-9a-f-]{36})"', form)
    home[0].does("/forms/talent/offer", experts=expert, **fields)
    page = release(home[1])
    press(host[0], page, "talent/accept")
    release(host[1])
    home[0].does(home[0].offered(page, "talent/start"), day=DAY)
    home[0].does(home[0].offered(page, "talent/log-day"), day=DAY, half="am")
    return page


def test_a_dispatch_goes_on_at_its_successors_and_days_of_before_and_after_are_confirmed(
    clerk: Seat, house: House, started: str
) -> None:
    # given both sides merged into others
    merge(house, HOME, NEW_HOME)
    merge(house, HOST, NEW_HOST)
    home, host = both(clerk, NEW_HOME), both(clerk, NEW_HOST)
    # then the old address shows it as it stands now, and its successor goes on with it
    html = home[0].get(started)
    assert "续接自" in html
    assert f"{NEW_HOME}/" in html
    home[0].does(home[0].offered(started, "talent/log-day"), day=DAY, half="pm")
    # when the host's successor confirms the day from before, and then the one after
    press(host[0], started, "talent/confirm-days")
    press(host[0], started, "talent/confirm-days")
    # then both are confirmed, and nothing is left to confirm
    html = host[0].get(started)
    assert html.count("已确认") == 2
    assert "/forms/talent/confirm-days" not in html
    # and the old bureaus' officers can only read
    assert "/forms/talent/" not in clerk(f"{HOME}/clerk").get(started)


def test_a_fact_from_before_is_corrected_by_the_successor(clerk: Seat, house: House, started: str) -> None:
    merge(house, HOME, NEW_HOME)
    home = clerk(f"{NEW_HOME}/clerk")
    told = home.get(started).partition("登记服务")[2]
    (link,) = re.findall(rf'href="(/corrections/{HOME}/[0-9]+)"', told)[:1]
    other = clerk(f"{HOST}/clerk")
    assert other.client.get(link).status_code == 403
    home.does(link, payload__half="full", reason__code="typing")
    html = home.get(started)
    assert "号记录更正" in html
    assert "<dd>1 天</dd>" in html


def test_the_inbox_of_a_successor_has_what_its_predecessor_was_asked(clerk: Seat, house: House) -> None:
    # given a proposal to a bureau whose log is closed before it answered
    proposer = both(clerk, "500000")
    proposer[0].does(
        "/forms/cooperation/propose", title="合作备忘录", subjects=["talent"], parties=[HOST],
        text__written="第一条 共享专家。", public_only="on",
    )  # fmt: skip
    page = release(proposer[1])
    merge(house, HOST, NEW_HOST, streams=False)
    # when the proposer reminds whoever is asked now, and the successor signs
    host = both(clerk, NEW_HOST)
    assert "合作备忘录" in host[0].get("/inbox")
    press(proposer[0], page, "loop/remind")
    host[0].does(host[0].offered(page, "cooperation/sign"))
    release(host[1])
    # then it enters into force with the successor as the party
    proposer[0].does(proposer[0].offered(page, "cooperation/enter-into-force"))
    assert "已生效" in host[0].get(page)
    row = host[0].get("/cooperation/memorandum?bureau=511600")
    assert "广安市委老干部局" in row
    # and the successor leaves it, and is released
    host[0].does(host[0].offered(page, "cooperation/leave"), day=DAY, reason__code="no-longer-needed")
    release(host[1])
    press(proposer[0], page, "cooperation/release-party")
    assert "广安" in proposer[0].get(page)


def test_an_auditor_goes_from_a_stream_to_where_it_goes_on_and_back(
    clerk: Seat, house: House, started: str, tmp_path: Path
) -> None:
    merge(house, HOME, NEW_HOME)
    old = "/audit/streams/" + started.removeprefix("/talent/dispatch/")
    auditor = clerk("500000/clerk")
    (new,) = re.findall(rf'href="(/audit/streams/{NEW_HOME}/[0-9a-f-]{{36}})"', auditor.get(old))
    html = auditor.get(new)
    assert "第 1 版，共 1 版" in html
    assert "这一版改变了什么" not in html  # to go on changes nothing
    assert f'href="{old}"' in html
    assert f'href="{old}?version=2"' in html
    assert "登记服务" in html
    assert auditor.client.get(f"/api/v1{new}").json()["facts"][0]["log"] == HOME
    # and the evidence of it holds what it goes on from, and proves itself
    pack = tmp_path / "pack.zip"
    query = f"kind=stream&stream={new.removeprefix('/audit/streams/')}&unwitnessed=true"
    pack.write_bytes(auditor.client.get(f"/audit/packs/download?{query}").content)
    names = zipfile.ZipFile(pack).namelist()
    assert {f"log/{log}/records.jsonl" for log in (HOME, NEW_HOME)} <= set(names)
    program = ROOT / "deploy/evidence/verify.py"
    done = subprocess.run(
        [sys.executable, "-I", program, pack, "--trust-pack"], capture_output=True, check=False
    )
    assert done.returncode == 3, done.stdout.decode() + done.stderr.decode()  # nobody witnesses here
