"""An auditor in a real browser: from a figure to its records, proofs, lineage, and a pack that holds."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from events.proofs import InclusionProof
from services.demo.embedded import Embedded
from services.runtime import clock
from tests.journeys.officer import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
YESTERDAY = (clock.today(clock.now) - timedelta(days=1)).isoformat()
LOG, TITLE, REPORT = "500117", "川渝银发科普讲座", "举办活动核对"
WITNESSED_SECONDS = 150
"""Nodes cosign at most once a minute."""


@pytest.fixture
def auditor(page: Page, alliance: Embedded) -> Person:
    """Somebody before the first node's pages."""
    return Person(page, alliance.alliance.node("chongqing").url)


def test_an_auditor_goes_from_a_figure_to_evidence_that_holds_without_us(
    auditor: Person, alliance: Embedded, tmp_path: Path
) -> None:
    an_activity_is_held(auditor)
    look(auditor, alliance, "verification")
    verify(auditor)
    be_witnessed(auditor, alliance)
    save_a_report(auditor, alliance)
    open_the_figure(auditor)
    check_the_proof(auditor, tmp_path)
    follow_the_lineage(auditor)
    take_the_pack_away(auditor, alliance, tmp_path)


def test_replay_plays_pauses_and_steps(auditor: Person, alliance: Embedded) -> None:
    look(auditor, alliance, "replay")
    lines, state = auditor.page.locator("#played-lines > li"), auditor.page.locator("#player-state")
    expect(lines).to_have_count(2)  # what the walk above recorded, without any script
    auditor.page.get_by_role("button", name="下一条").click()
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text(TITLE)
    expect(state).to_have_text("已暂停")
    auditor.page.get_by_role("button", name="播放").click()
    expect(lines).to_have_count(2)
    expect(state).to_have_text("播放完毕")


def test_events_come_by_themselves_until_paused(auditor: Person, alliance: Embedded) -> None:
    watching = auditor.page.context.new_page()
    watching.goto(f"{alliance.alliance.node('chongqing').url}/audit/events?live=true")
    an_activity_is_held(auditor)
    expect(watching.locator("main")).to_contain_text(f"{LOG}:4")
    watching.get_by_role("button", name="暂停").click()
    expect(watching.get_by_role("button", name="实时更新")).to_be_visible()


def look(auditor: Person, alliance: Embedded, page: str) -> None:
    auditor.page.goto(f"{alliance.alliance.node('chongqing').url}/audit/{page}")


def an_activity_is_held(clerk: Person) -> None:
    clerk.act(LOG)
    clerk.press("活动")
    clerk.press("计划活动")
    clerk.fill(标题=TITLE, 开始日期=YESTERDAY, 结束日期=YESTERDAY)
    clerk.choose("活动形式", "报告讲座")
    clerk.page.get_by_label("行政区划", exact=True).select_option("500117")
    clerk.press("提交")
    clerk.press("登记举办情况")
    clerk.fill(人数="42")
    clerk.press("提交")
    clerk.sees("已举办，待总结")


def verify(auditor: Person) -> None:
    auditor.press("全部重新核验")
    auditor.sees("全部日志均已核验，未发现问题")


def be_witnessed(auditor: Person, alliance: Embedded) -> None:
    """The policy stands there in words, and in time the log is covered and witnessed to its end."""
    look(auditor, alliance, "witnesses")
    auditor.sees("个见证节点中至少 2 个签名，才算已见证")
    row = auditor.page.locator(f"#log-{LOG}")
    for _ in range(WITNESSED_SECONDS * 2):
        cells = row.locator("td.number").all_inner_texts()
        if cells == ["2", "2"]:
            break
        auditor.page.wait_for_timeout(500)
        auditor.page.reload()
    expect(row.locator("td.number")).to_have_text(["2", "2"])


def save_a_report(auditor: Person, alliance: Embedded) -> None:
    look(auditor, alliance, "reports")
    auditor.page.get_by_role("button", name="活动", exact=True).click()
    auditor.fill(报表名称=REPORT)
    auditor.page.get_by_label("只引用已见证的记录（锁定）").check()
    auditor.page.get_by_role("button", name="查询并保存").click()
    auditor.sees("只引用已见证的记录", "42")
    auditor.page.get_by_role("button", name="现在重做并比对").click()
    auditor.sees("重做结果完全一致")


def open_the_figure(auditor: Person) -> None:
    auditor.page.locator("a.tile", has_text="举办活动").click()
    expect(auditor.page.get_by_role("heading", level=1)).to_have_text("举办活动 = 1")
    auditor.sees(TITLE, f"{LOG}:1", f"{LOG}:2")


def check_the_proof(auditor: Person, folder: Path) -> None:
    """The proof file leads from the exact bytes of the record to a checkpoint."""
    proof = download(auditor, auditor.page.get_by_role("link", name="存在证明 .tlog-proof").last, folder)
    auditor.page.get_by_role("link", name=f"{LOG}:2").first.click()
    value = download(auditor, auditor.page.get_by_role("button", name="下载原始字节"), folder)
    checkpoint = InclusionProof.parse(proof.read_text("utf-8")).check(value.read_bytes())
    assert checkpoint.size == 2
    auditor.sees("由它改变", "已举办，待总结")


def follow_the_lineage(auditor: Person) -> None:
    auditor.page.get_by_role("link", name="来龙去脉图").click()
    expect(auditor.page.locator("svg.lineage").first).to_be_visible()
    auditor.sees("它影响到的报表数字")
    auditor.page.get_by_role("link", name=f"{REPORT} · 举办活动 = 1").click()
    expect(auditor.page.get_by_role("heading", level=1)).to_have_text("举办活动 = 1")


def take_the_pack_away(auditor: Person, alliance: Embedded, folder: Path) -> None:
    """What the verifier says rests on the digest that was had from elsewhere."""
    auditor.page.get_by_role("button", name="证据包").click()
    auditor.sees("核验程序和联盟摘要都应当来自您信任的人")
    pack = download(auditor, auditor.page.get_by_role("button", name="下载报表证据包"), folder)
    verifier = download(auditor, auditor.page.get_by_role("link", name="verify.py"), folder)
    told = run(verifier, pack, alliance.alliance.digest)
    assert told.returncode == 0, told.stdout
    assert "结论：通过" in told.stdout
    assert REPORT in told.stdout
    forged = run(verifier, pack, "A" * 43 + "=")
    assert forged.returncode == 1


def download(auditor: Person, link: Locator, folder: Path) -> Path:
    with auditor.page.expect_download() as begun:
        link.click()
    there = folder / begun.value.suggested_filename
    begun.value.save_as(there)
    return there


def run(verifier: Path, pack: Path, digest: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-I", verifier, pack, "--digest", digest]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
