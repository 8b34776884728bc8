"""Journeys 1 to 3 in Chinese, in a real browser, on both sides; each builds on the one before."""

from base64 import b64decode
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from services.demo import agree
from services.demo.embedded import Embedded
from services.runtime import clock
from tests.journeys.officer import BUREAUS, PUBLIC, Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TODAY = clock.today(clock.now)
MEMORANDUM = "川渝人才合作备忘录"
NEED = "血橙栽培技术指导"
SCAN = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
VISIT = "川渝红色基地联合参观"


@pytest.fixture
def person(page: Page, alliance: Embedded) -> Person:
    """Somebody before the first node's pages."""
    return Person(page, alliance.alliance.node("chongqing").url)


def day(back: int) -> str:
    """The day so many days ago."""
    found: date = TODAY - timedelta(days=back)
    return found.isoformat()


def ends_well(person: Person, alliance: Embedded, *steps: str) -> None:
    """All nodes show the same, and each node's timeline tells every step."""
    assert agree.wait(alliance.databases(), alliance.alliance, 30) == []
    assert agree.state(alliance.databases(), alliance.alliance, TODAY).faults() == []
    for name in alliance.nodes:
        person.page.goto(f"{alliance.alliance.node(name).url}/timeline")
        person.sees(*steps)


def release(person: Person, bureau: str, drafts: int = 1) -> None:
    """The leader's word on what the clerk has laid."""
    for _ in range(drafts):
        person.act(bureau, "审批")
        person.press("签发")


# --- 1: a memorandum ---------------------------------------------------------------------------------


def test_a_memorandum_is_returned_amended_signed_and_in_force(person: Person, alliance: Embedded) -> None:
    an_expert_cannot_be_asked_for_yet(person)
    propose(person)
    sign_and_return(person)
    amend(person)
    read_both_versions(person)
    sign(person)
    enter_into_force(person)
    ends_well(
        person, alliance,
        "重庆市委老干部局提出合作备忘录", "将文本送中共四川省委老干部局签署",
        "四川省委老干部局退回文本补正：表述不清", "重庆市委老干部局修订文本",
        "四川省委老干部局签署", "重庆市委老干部局确认各方签署完毕",
    )  # fmt: skip


def an_expert_cannot_be_asked_for_yet(person: Person) -> None:
    person.act("510000")
    publish_need(person, "中共重庆市委老干部局", "四川省")
    person.sees("缺少有效的合作备忘录")


def propose(person: Person) -> None:
    """Chongqing's clerk writes it, its leader sends it for signing."""
    person.act("500000")
    person.press("合作")
    person.press("提出并送签")
    person.fill(标题=MEMORANDUM)
    person.check("人才选派", "联合活动", "中共四川省委老干部局")
    person.write("第一条 双方互派专家。\n第二条 每年会商一次。")
    person.press("送审")
    release(person, "500000")
    person.sees("签署中")


def sign_and_return(person: Person) -> None:
    """Sichuan's clerk lays a signature before the leader, but then returns the text with a reason."""
    person.act("510000")
    person.waits_for(MEMORANDUM)
    person.press("签署")
    person.press("送审")
    person.press(MEMORANDUM)
    person.press("退回补正")
    person.choose("原因", "表述不清")
    person.press("提交")


def amend(person: Person) -> None:
    """Chongqing sees why, and amends; Sichuan's signature on the old text is refused."""
    person.act("500000")
    person.waits_for("退回补正")
    person.press(MEMORANDUM)
    person.sees("表述不清")
    person.press("修订并重新送签")
    person.check("人才选派", "联合活动", "中共四川省委老干部局")
    person.write("第一条 双方互派专家。\n第二条 每半年会商一次。")
    person.press("送审")
    release(person, "500000")
    person.act("510000", "审批")
    person.waits_for("待我答复 1")
    person.press("签发")
    person.sees("文本在您阅读之后已经修订")


def read_both_versions(person: Person) -> None:
    """Both see what was changed."""
    for bureau in ("500000", "510000"):
        person.act(bureau)
        person.press("合作")
        person.press(MEMORANDUM)
        person.press("查看正文与修订")
        person.sees("每半年会商一次")
        expect(person.main.locator("ins", has_text="半")).to_be_visible()


def sign(person: Person) -> None:
    """Sichuan's clerk drops the old draft and lays one for the new text, with the paper's date."""
    person.act("510000")
    person.press("放弃")
    person.act("510000")
    person.press("签署")
    person.open("纸质件", "扫描件")
    person.fill(日期=day(0), 文号="川老〔2025〕3号")
    person.attach(SCAN)
    person.press("送审")
    person.press("请勾选「只含可公开内容」")  # nothing was sent, and the error leads to what is missing
    expect(person.main.get_by_label(PUBLIC).locator("visible=true")).to_be_in_viewport()
    person.say_public()
    person.press("送审")
    person.sees("文件没有保存，请重新选择")  # never silently without it
    person.attach(SCAN)
    person.press("送审")
    release(person, "510000")


def enter_into_force(person: Person) -> None:
    """Chongqing confirms."""
    person.act("500000")
    person.waits_for("同意")
    person.press(MEMORANDUM)
    person.sees("川老〔2025〕3号")
    expect(
        person.main.locator("section", has_text="征求与答复").get_by_role("link", name="图片")
    ).to_be_visible()
    person.press("确认生效")
    person.press("提交")
    person.sees("已生效")


# --- 2: experts --------------------------------------------------------------------------------------


def test_two_experts_are_offered_one_serves_and_is_rated(person: Person, alliance: Embedded) -> None:
    person.act("510300")
    publish_need(person, "中共荣昌区委老干部局", "四川省自贡市")
    person.sees("征集中")
    share_experts(person)
    offer(person)
    accept_one_and_decline_one(person)
    serve(person)
    confirm(person)
    end_early(person)
    rate(person)
    look_down_to_the_record(person)
    ends_well(
        person, alliance,
        "自贡市委老干部局发布需求", "荣昌区委老干部局共享一名专家：血橙栽培",
        "荣昌区委老干部局拟选派一名专家",
        "批准选派，征求中共自贡市委老干部局意见", "自贡市委老干部局同意接收",
        "自贡市委老干部局谢绝接收：力量不足", "荣昌区委老干部局撤回选派", "到岗",
        "荣昌区委老干部局登记服务", "自贡市委老干部局确认服务日",
        "提前结束：个人原因", "评价",
    )  # fmt: skip


def publish_need(person: Person, to: str, division: str) -> None:
    person.press("人才")
    person.press("发布需求")
    person.fill(标题=NEED, 人数="2", 服务天数="20", 开始日期=day(10), 结束日期=day(-30))
    person.choose("领域", "农林种植")
    person.choose("行政区划", division)
    person.check(to)
    person.press("提交")


def share_experts(person: Person) -> None:
    """Rongchang's pool: two who may go, one who needs clearance and has none."""
    person.act("500153")
    for speciality, *more in (("血橙栽培",), ("果树病虫害防治",), ("产业规划", "任职须经审批")):
        person.press("人才")
        person.press("共享专家")
        person.press("共享专家")
        person.fill(专长=speciality)
        person.choose("层级", "智库")
        person.check("农林种植", "本人已同意共享", *more)
        person.press("提交")
        person.sees(speciality)


def offer(person: Person) -> None:
    """Rongchang picks the two; the third cannot be picked, and it says why."""
    person.press("人才")
    person.press(NEED)
    person.press("选派专家")
    expect(person.field("产业规划")).to_be_disabled()
    person.sees("任职须经审批而尚未审批，不能选派")
    person.check("血橙栽培", "果树病虫害防治")
    person.choose("选派事由", "技术指导")
    person.fill(本人同意日期=day(10))
    person.press("送审")
    release(person, "500153")


def accept_one_and_decline_one(person: Person) -> None:
    """Zigong's clerk and leader say yes to one and no to the other; the reason is in Rongchang's inbox."""
    person.act("510300")
    person.waits_for("果树病虫害防治（技术指导）")
    person.press("同意接收", beside="血橙栽培")
    person.press("谢绝接收", beside="果树病虫害防治")
    person.choose("原因", "力量不足")
    person.press("送审")
    release(person, "510300", drafts=2)
    person.act("500153")
    person.waits_for("同意")
    person.waits_for("谢绝")
    person.press("果树病虫害防治（技术指导）")
    person.sees("力量不足")


def serve(person: Person) -> None:
    """Rongchang takes the declined offer back, and logs where the other served, and when."""
    person.press("撤回选派")
    person.choose("原因", "不再需要")
    person.press("提交")
    person.sees("已撤回")
    to_dispatch(person)
    person.press("登记到岗")
    person.fill(到岗日期=day(9))
    person.press("提交")
    for back in (9, 8):
        person.press("登记服务日")
        person.fill(服务日期=day(back))
        person.press("提交")
    expect(person.main.get_by_text("待确认")).to_have_count(2)


def to_dispatch(person: Person) -> None:
    """To the page of the dispatch that goes on."""
    person.press("人才")
    person.press("选派")
    person.press("血橙栽培")


def confirm(person: Person) -> None:
    """Zigong's inbox asks for its word on the days."""
    person.act("510300")
    person.waits_for("确认服务日")
    person.press("血橙栽培")
    expect(person.main.get_by_text("待确认")).to_have_count(2)
    person.press("确认服务日")
    expect(person.main.get_by_text("已确认")).to_have_count(2)


def end_early(person: Person) -> None:
    """Rongchang ends it, with the reason."""
    person.act("500153")
    to_dispatch(person)
    person.press("提前结束")
    person.fill(结束日期=day(1))
    person.choose("原因", "个人原因")
    person.press("提交")
    person.sees("已提前结束")


def rate(person: Person) -> None:
    """Zigong is satisfied."""
    person.act("510300")
    to_dispatch(person)
    person.waits_for("已提前结束")
    person.press("评价")
    person.choose("评价", "满意")
    person.press("提交")


def look_down_to_the_record(person: Person) -> None:
    """Rongchang's leader: what went to Zigong, one of them, its record, and the proof of it."""
    person.act("500153", "审批")
    person.press("人才")
    person.press("选派")
    person.choose("接收单位", BUREAUS["510300"])
    person.press("查询")
    person.press("血橙栽培")
    person.main.locator("li", has_text="登记服务").locator("a[href^='/records/']").first.click()
    person.sees("登记服务", "检查点覆盖")


# --- 3: a joint visit --------------------------------------------------------------------------------


def test_a_joint_visit_counts_once_and_is_corrected(person: Person, alliance: Embedded) -> None:
    plan(person)
    invite(person)
    answer(person)
    hold(person)
    correct(person)
    for bureau, activities, persons in (("500117", 1, 26), ("511600", 1, 26), ("512000", 0, 0)):
        counts(person, bureau, activities, persons)
    history(person)
    ends_well(
        person, alliance,
        "合川区委老干部局计划于", "邀请中共广安市委老干部局、中共资阳市委老干部局联合举办",
        "广安市委老干部局确认联合举办", "资阳市委老干部局谢绝联合举办：时间冲突", "举办活动，62人参加",
        "合川区委老干部局更正第3号记录：录入错误",
    )  # fmt: skip


def plan(person: Person) -> None:
    """Hechuan plans a visit to Guang'an."""
    person.act("500117")
    person.press("活动")
    person.press("计划活动")
    expect(person.field("行政区划")).to_have_value("500117")
    person.fill(标题=VISIT, 开始日期=day(0), 结束日期=day(0), 场所名称="红色教育基地")
    person.choose("活动形式", "参观考察")
    person.choose("主题", "红色革命教育")
    person.choose("行政区划", "四川省广安市")
    person.press("提交")
    person.sees("已计划")


def invite(person: Person) -> None:
    """Two bureaus are asked to host it too."""
    person.press("发布并邀请联办")
    person.check(BUREAUS["511600"], BUREAUS["512000"])
    person.press("提交")
    person.sees("已发布")


def answer(person: Person) -> None:
    """Guang'an agrees; Ziyang declines with a reason."""
    person.act("511600")
    person.waits_for(VISIT)
    person.press("确认联办", beside=VISIT)
    person.fill(预计参加人数="20")
    person.press("提交")
    person.act("512000")
    person.waits_for(VISIT)
    person.press("谢绝联办", beside=VISIT)
    person.choose("原因", "时间冲突")
    person.press("提交")


def hold(person: Person) -> None:
    """Both answers stand in Hechuan's inbox; 62 people took part."""
    person.act("500117")
    person.waits_for("同意")
    person.waits_for("谢绝")
    person.press(VISIT)
    person.sees("时间冲突")
    person.press("登记举办情况")
    person.fill(人数="62")
    person.press("提交")
    person.sees("已举办，待总结")


def correct(person: Person) -> None:
    """It was 26, by mistake."""
    person.press("更正", beside="62人")
    person.fill(参加人数="26")
    person.choose("原因", "录入错误")
    person.press("提交")
    person.sees("62 → 26")


def counts(person: Person, bureau: str, activities: int, persons: int) -> None:
    """The list shows one activity with 26 people; the overview the bureau's own figures and all."""
    person.act(bureau)
    person.press("活动")
    person.waits_for("26")
    expect(person.main.locator("tbody tr")).to_have_count(1)
    expect(person.main.locator("td[data-label=人数]")).to_have_text("26")
    person.press("总览")
    for figure, own, all_ in (("今年举办活动", activities, 1), ("今年参加人次", persons, 26)):
        tiles = person.main.locator(".tile", has_text=figure).locator("b")
        expect(tiles).to_have_text([str(own), str(all_)])


def history(person: Person) -> None:
    """Both figures stand in the history, with the reason, at the other node too."""
    person.act("511600")
    person.press("活动")
    person.press(VISIT)
    person.sees("62人", "录入错误")
