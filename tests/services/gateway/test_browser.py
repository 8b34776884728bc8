"""The pages in a real browser: on a desk and on a telephone, by mouse and by keyboard, for everybody."""

import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from services.gateway.app import create_app
from services.runtime import clock
from tests.services.gateway import houses
from tests.services.gateway.houses import House
from tests.support import project
from tests.support.databases import Server

AXE = (project.ROOT / "tests/support/axe/axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"desk": {"width": 1280, "height": 900}, "telephone": {"width": 390, "height": 844}}
DAY = (clock.today(clock.now) - timedelta(days=1)).isoformat()


@pytest.fixture(scope="module")
def site(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running node."""
    bound = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("browser")
    dsn = postgres.new(postgres.template("gateway", houses.prepare))
    house = House(dsn, folder, url=url)
    house.start()
    server = uvicorn.Server(
        uvicorn.Config(create_app(house.site), log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    yield url
    server.should_exit = True
    thread.join()
    house.close()
    bound.close()
    postgres.drop(dsn)


def act(page: Page, site: str, officer: str, back: str = "/inbox") -> None:
    page.goto(f"{site}/acting?back={back}")
    page.locator(f'main button[value="{officer}"]').click()
    page.wait_for_url(f"{site}{back}")


def plan(page: Page, site: str, title: str) -> None:
    page.goto(f"{site}/activity/activity")
    page.get_by_role("button", name="计划活动").click()
    page.get_by_label("标题").fill(title)
    page.get_by_label("活动形式").select_option("field-study")
    page.get_by_label("开始日期").fill(DAY)
    page.get_by_label("结束日期").fill(DAY)
    page.get_by_label("行政区划", exact=True).select_option("511600")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)


@pytest.mark.parametrize("size", SIZES)
def test_a_joint_visit_on_both_sides(browser: Browser, site: str, size: str) -> None:
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=SIZES[size])  # type: ignore[arg-type]
    page, title = context.new_page(), f"联合研学-{size}"
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    act(page, site, "500117/clerk")
    plan(page, site, title)
    page.get_by_role("button", name="发布并邀请联办").click()
    page.get_by_label("广安市委老干部局").check()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status")).to_contain_text("已登记")

    # the other side answers right in its inbox, without leaving the page for the form
    act(page, site, "511600/clerk")
    item = page.locator(".item", has_text=title)
    item.get_by_role("button", name="谢绝联办").click()
    form = item.locator("form.order")
    form.get_by_role("button", name="提交").click()
    expect(form.get_by_label("原因", exact=True)).to_be_focused()  # the browser asks for what is required
    form.get_by_label("原因", exact=True).select_option("time")
    form.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status")).to_contain_text("已登记")

    act(page, site, "500117/clerk")
    answer = page.locator("#came .item", has_text=title)
    expect(answer).to_contain_text("谢绝")
    answer.get_by_role("link", name=title).click()
    expect(page.locator("main")).to_contain_text("广安市委老干部局谢绝联合举办")
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
    assert problems == []
    context.close()


def test_the_timeline_grows_by_itself_until_it_is_paused(browser: Browser, site: str) -> None:
    context = browser.new_context(locale="zh-CN")
    watching, working = context.new_page(), context.new_page()
    act(working, site, "500116/clerk")
    watching.goto(f"{site}/timeline?live=true")
    plan(working, site, "实时可见")
    expect(watching.locator("main")).to_contain_text("「实时可见」", timeout=10_000)
    watching.get_by_role("button", name="暂停").click()
    expect(watching.get_by_role("button", name="实时更新")).to_be_visible()
    context.close()


def test_language_type_size_and_contrast_stay_chosen(page: Page, site: str) -> None:
    page.goto(f"{site}/timeline?context=activity")
    page.get_by_role("link", name="大字版").click()
    page.get_by_role("link", name="高对比度").click()
    page.get_by_role("link", name="English").click()
    assert "context=activity" in page.url
    page.goto(f"{site}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.locator("html")).to_have_class("large contrast")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_keyboard_is_enough(page: Page, site: str) -> None:
    act(page, site, "500116/clerk")
    page.goto(f"{site}/activity/activity")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="计划活动")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/forms/activity/plan")


def test_a_bureau_of_another_node_is_reached_through_that_nodes_address(page: Page, site: str) -> None:
    page.goto(f"{site}/acting?back=/timeline")
    form = page.locator("form", has=page.locator('button[value="440100/clerk"]')).last
    expect(form).to_have_attribute("action", "http://127.0.0.1:8503/acting")
    expect(form.locator('input[name="back"]')).to_have_value("/timeline")


PAGES = [
    "/",
    "/inbox",
    "/delegations",
    "/timeline",
    "/timeline?live=true",
    "/cooperation/memorandum",
    "/cooperation/task",
    "/talent/dispatch",
    "/talent/expert",
    "/activity/activity",
    "/forms/activity/plan",
    "/forms/cooperation/propose",
    "/forms/talent/offer",
    "/operations",
    "/records/500117/1",
    "/audit/events",
    "/audit/replay",
    "/audit/verification",
    "/audit/witnesses",
    "/audit/forks",
    "/audit/reports",
    "/audit/reports/new?query=activities",
    "/audit/compare",
    "/audit/packs",
    "/audit/lineage/500117/1",
    "/corrections/500117/1",
    "/api/v1/docs",
    "/acting",
    "/nothing",
    "THING",
]


@pytest.mark.parametrize(
    ("size", "look"), [("desk", "size=normal"), ("telephone", "size=large&contrast=high")]
)
def test_no_page_shuts_anybody_out(browser: Browser, site: str, size: str, look: str) -> None:
    """Zero findings of WCAG 2.2 A and AA by axe-core; no page is wider than the screen."""
    context = browser.new_context(locale="zh-CN", viewport=SIZES[size], bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    act(page, site, "500117/clerk")
    plan(page, site, "人人可用")
    thing = page.url.removeprefix(site).partition("?")[0]
    found = []
    for path in PAGES:
        there = thing if path == "THING" else path
        page.goto(f"{site}{there}{'&' if '?' in there else '?'}{look}")
        page.evaluate(AXE)
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        found += [f"{path}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in result["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{path}: wider than the screen")
    context.close()
    assert found == []


@pytest.mark.parametrize("width", [390, 600, 800, 1100, 1200, 1216, 1280, 1440])
def test_nothing_touches_the_edge_of_the_window(page: Page, site: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site}/activity/activity")
    for part in ("h1", ".brand", ".strip span", "footer p", ".card"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["x"] >= 12, part
        assert box["x"] + box["width"] <= width - 12, part


def test_paper_shows_what_is_and_offers_nothing(page: Page, site: str) -> None:
    act(page, site, "500117/clerk")
    plan(page, site, "打印")
    offered = page.get_by_role("heading", name="可以办理"), page.get_by_role("link", name="更正")
    for part in offered:
        expect(part.first).to_be_visible()
    page.emulate_media(media="print")
    for part in (*offered, page.get_by_role("link", name="作废")):
        expect(part.first).to_be_hidden()
    expect(page.get_by_role("heading", name="办理经过")).to_be_visible()


def test_words_beside_an_answer_open_in_place_and_errors_show_where_one_works(page: Page, site: str) -> None:
    act(page, site, "500117/clerk")
    plan(page, site, "有附文")
    page.get_by_role("button", name="取消活动").click()
    page.get_by_label("原因", exact=True).select_option("weather")
    page.get_by_text("补充说明").click()
    page.get_by_label("直接填写").fill("<b>暴雨</b>")
    page.locator("input[name=public_only]:visible").check()
    page.get_by_role("button", name="提交").click()
    page.locator("details.words summary").click()
    expect(page.locator("details.words pre")).to_have_text("<b>暴雨</b>")
    # a form that is sent while nobody acts any more says so, and keeps what was typed
    plan(page, site, "邀请")
    page.get_by_role("button", name="发布并邀请联办").click()
    page.get_by_label("广安市委老干部局").check()
    page.get_by_role("button", name="提交").click()
    act(page, site, "511600/clerk")
    item = page.locator(".item", has_text="邀请").last
    item.get_by_role("button", name="谢绝联办").click()
    item.get_by_label("原因", exact=True).select_option("time")
    page.context.clear_cookies()
    item.locator("form.order").get_by_role("button", name="提交").click()
    expect(item.get_by_role("alert")).to_contain_text("请先在页面右上角选择")
    expect(item.get_by_label("原因", exact=True)).to_have_value("time")


def test_a_leader_delegates_and_takes_it_back(page: Page, site: str) -> None:
    act(page, site, "500117/leader")
    page.get_by_role("link", name="委托签发").click()
    page.get_by_label("受托人").select_option(label="合川区委老干部局 · 经办")
    page.get_by_label("最后一日").fill((clock.today(clock.now) + timedelta(days=5)).isoformat())
    page.get_by_role("button", name="委托", exact=True).click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("合川区委老干部局 · 经办")
    expect(row).to_contain_text("生效中")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delegation")
    row.get_by_role("button", name="Take back").click()
    expect(row).to_contain_text("taken back")


def test_in_english_labels_begin_with_a_capital_and_names_keep_their_case(page: Page, site: str) -> None:
    act(page, site, "500117/clerk")
    plan(page, site, "e-books together")
    thing = page.url.partition("?")[0]
    page.goto(f"{site}/audit/reports/new?query=activities")
    page.locator("input[name=name]").fill("r1")
    page.get_by_role("button", name="查询并保存").click()
    page.wait_for_url(re.compile("/audit/reports/[0-9]+"))
    for url in (page.url, thing):
        page.goto(f"{url.partition('?')[0]}?lang=en")
        assert first_letter(page, "h1") == "none"
        assert first_letter(page, "h2") == "uppercase"


def first_letter(page: Page, selector: str) -> object:
    """How the first letter of an element is written."""
    script = "e => getComputedStyle(e, '::first-letter').textTransform"
    return page.locator(selector).first.evaluate(script)
