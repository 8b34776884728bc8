"""Journey 1 through the pages: a memorandum is returned, amended, signed by both leaders, and in force."""

import re
from base64 import b64decode
from collections.abc import Callable

import pytest

from tests.services.gateway.clerks import Clerk, Form

Seat = Callable[[str], Clerk]
TEXT = "第一条 双方共享专家。\n第二条 期限三年。"
NEW_TEXT = "第一条 双方共享专家名录。\n第二条 期限五年。"


def proposed(clerk: Clerk, *parties: str) -> None:
    clerk.does(
        "/forms/cooperation/propose", title="川渝老干部工作合作备忘录", subjects=["talent", "activity"],
        parties=[*parties], text__written=TEXT, public_only="on",
    )  # fmt: skip


def release(leader: Clerk) -> str:
    """Release the first draft on the desk; the page that it leads to."""
    (action,) = [a for a in Form(leader.get("/inbox")).forms if a.endswith("/release")][:1]
    answer = leader.client.post(action, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).partition("?")[0]


def in_force(proposer: tuple[Clerk, Clerk], party: tuple[Clerk, Clerk]) -> str:
    """The page of a memorandum in force."""
    proposed(proposer[0], party[0].bureau)
    page = release(proposer[1])
    party[0].does(party[0].offered(page, "cooperation/sign"))
    release(party[1])
    proposer[0].does(proposer[0].offered(page, "cooperation/enter-into-force"))
    return page


@pytest.fixture
def chongqing(clerk: Seat) -> tuple[Clerk, Clerk]:
    return clerk("500000/clerk"), clerk("500000/leader")


@pytest.fixture
def sichuan(clerk: Seat) -> tuple[Clerk, Clerk]:
    return clerk("510000/clerk"), clerk("510000/leader")


def test_journey_1(chongqing: tuple[Clerk, Clerk], sichuan: tuple[Clerk, Clerk]) -> None:
    # given a proposal that waits for the leader: nothing is recorded, and the clerk cannot release it
    proposed(chongqing[0], "510000")
    assert "还没有任何记录" in chongqing[0].get("/timeline")
    (draft,) = set(re.findall(r"/drafts/500000/[0-9a-f-]{36}", chongqing[0].get("/inbox")))
    refused = chongqing[0].client.post(f"{draft}/release")
    assert refused.status_code == 403
    assert "提出人不能审批" in refused.text

    # when the leader sends it, and Sichuan's clerk returns it with a reason
    page = release(chongqing[1])
    inbox = sichuan[0].get("/inbox")
    assert "川渝老干部工作合作备忘录" in inbox
    assert "由 审批" in inbox
    old = Form(sichuan[0].get(sichuan[0].offered(page, "cooperation/sign"))).forms["/forms/cooperation/sign"]
    sichuan[0].does(sichuan[0].offered(page, "cooperation/return-text"), reason__code="unclear")

    # then Chongqing sees it and amends; both see the versions marked
    assert "退回补正" in chongqing[0].get("/inbox")
    amend = chongqing[0].offered(page, "cooperation/amend")
    same = chongqing[0].fill(amend, text__written=NEW_TEXT)
    assert same.status_code == 422  # nobody has said that it is public material
    chongqing[0].does(amend, text__written=NEW_TEXT, public_only="on")
    release(chongqing[1])
    for reader in (chongqing[0], sichuan[0]):
        compared = reader.get(f"{page}/texts")
        assert "专家<ins>名录</ins>" in compared
        assert "<del>三</del><ins>五</ins>年" in compared

    # and a signature on the old text is refused before it reaches the leader
    stale = sichuan[0].client.post("/forms/cooperation/sign", data=old)
    assert stale.status_code == 409
    assert "文本在您阅读之后已经修订" in stale.text
    assert not [a for a in Form(sichuan[1].get("/inbox")).forms if a.endswith("/release")]

    # when both have signed, with the paper's date and number
    sichuan[0].does(
        sichuan[0].offered(page, "cooperation/sign"),
        paper__date="2025-03-01",
        paper__number="川老〔2025〕3号",
    )
    assert "cooperation/enter-into-force" not in chongqing[0].get(page)
    release(sichuan[1])
    chongqing[0].does(chongqing[0].offered(page, "cooperation/enter-into-force"))

    # then it is in force on every list, and each step stands in the timeline
    assert "已生效" in sichuan[0].get("/cooperation/memorandum?stage=in-force")
    told = chongqing[0].get("/timeline")
    for sentence in (
        "提出合作备忘录",
        "退回文本补正：表述不清",
        "修订文本",
        "四川省委老干部局签署",
        "确认各方签署完毕",
    ):
        assert sentence in told


PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
SCAN = {"paper.scan.file": ("扫描件.png", PNG, "image/png")}
PAPER = {"paper__date": "2025-03-01", "paper__number": "川老〔2025〕3号"}


def test_a_scan_is_never_left_out_silently(
    chongqing: tuple[Clerk, Clerk], sichuan: tuple[Clerk, Clerk]
) -> None:
    # given a scan that nobody said to be public
    proposed(chongqing[0], "510000")
    page = release(chongqing[1])
    sign = sichuan[0].offered(page, "cooperation/sign")
    unsaid = sichuan[0].fill(sign, SCAN, **PAPER)
    # then its section stays open, the error is tied to the box, and the form knows that a file is missing
    assert unsaid.status_code == 422
    assert '<details id="f-paper.scan" open>' in unsaid.text
    assert '<a href="#f-paper.scan.public_only">请勾选「只含可公开内容」</a>' in unsaid.text
    assert 'id="f-paper.scan.public_only" name="public_only" value="on" aria-describedby=' in unsaid.text
    assert "川老〔2025〕3号" in unsaid.text
    # when it is sent again without the file, it is refused again
    again, missing = Form(unsaid.text).forms["/forms/cooperation/sign"], unsaid
    for more in ({}, {"public_only": "on"}):
        missing = sichuan[0].client.post("/forms/cooperation/sign", data={**again, **more})
        assert missing.status_code == 422
        assert "上次选择的文件没有保存，请重新选择" in missing.text
    # and with the file it is laid before the leader, scan and all
    said = {**Form(missing.text).forms["/forms/cooperation/sign"], "public_only": "on"}
    answer = sichuan[0].client.post("/forms/cooperation/sign", data=said, files=SCAN, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    release(sichuan[1])
    # and its date, number and scan stand on the page of the memorandum, for both
    html = chongqing[0].get(page)
    asked, history = html.split("征求与答复")[1].split("核查")[0], html.split("办理经过")[1]
    assert "纸质件：2025年3月1日 川老〔2025〕3号" in re.sub("<[^>]+>", "", asked)
    assert "/files/" in asked
    assert "纸质件：2025年3月1日 川老〔2025〕3号" in re.sub("<[^>]+>", "", history)


def test_a_file_can_be_given_up_and_one_that_was_stored_is_kept(sichuan: tuple[Clerk, Clerk]) -> None:
    call = "/forms/cooperation/propose"
    wrong = sichuan[0].fill(call, {"text.file": ("扫描件.pdf", PNG, "application/pdf")}, public_only="on")
    fields = Form(wrong.text).forms[call]
    assert fields["text.again"] == ["on"]
    assert re.findall(r'<a href="#f-([^"]+)">', wrong.text) == ["text", "title", "subjects"]
    # given up: the text itself is told to be missing, with all else that is
    bare = sichuan[0].client.post(call, data={**fields, "text.without": "on"})
    for field in ("title", "subjects", "text"):
        assert f'<a href="#f-{field}">' in bare.text
        assert f'id="f-{field}"' in bare.text
    # stored: what else is wrong does not take it away
    kept = sichuan[0].client.post(call, data=fields, files={"text.file": ("文本.png", PNG, "image/png")})
    assert kept.status_code == 422
    assert "已保存" in kept.text
    assert "text.again" not in Form(kept.text).forms[call]


def test_the_text_that_is_amended_stands_in_the_form(
    chongqing: tuple[Clerk, Clerk], sichuan: tuple[Clerk, Clerk]
) -> None:
    proposed(chongqing[0], "510000")
    page = release(chongqing[1])
    form = Form(chongqing[0].get(chongqing[0].offered(page, "cooperation/amend")))
    assert "".join(form.forms["/forms/cooperation/amend"]["text.written"]) == TEXT
    assert sichuan[0].client.get(page).status_code == 200


def test_a_leader_returns_a_draft_and_the_clerk_lays_it_anew(chongqing: tuple[Clerk, Clerk]) -> None:
    proposed(chongqing[0], "510000")
    action = next(a for a in Form(chongqing[1].get("/inbox")).forms if a.endswith("/return"))
    assert chongqing[1].client.post(action, data={"reason": ""}).status_code == 422
    chongqing[1].client.post(action, data={"reason": "unclear"})
    html = chongqing[0].get("/inbox")
    assert "退回原因：表述不清" in html
    again = re.findall(r'href="(/forms/cooperation/propose\?draft=[^"]+)"', html)[0]
    # the form holds what the draft said, its text too
    chongqing[0].does(again, title="川渝老干部合作备忘录(修改)")
    assert "川渝老干部合作备忘录(修改)" in chongqing[1].get("/inbox")


def test_drafts_are_for_the_officers_of_their_bureau(chongqing: tuple[Clerk, Clerk], clerk: Seat) -> None:
    proposed(chongqing[0], "510000")
    (draft,) = set(re.findall(r"/drafts/500000/[0-9a-f-]{36}", chongqing[0].get("/inbox")))
    assert "川渝老干部工作合作备忘录" in chongqing[1].get(draft)
    stranger = clerk("500116/leader")
    assert stranger.client.get(draft).status_code == 403
    assert stranger.client.post(f"{draft}/release").status_code == 403


def test_a_meeting_is_called_held_and_its_decision_becomes_a_task(clerk: Seat) -> None:
    chongqing, sichuan = clerk("500000/clerk"), clerk("510000/clerk")
    page = chongqing.does(
        "/forms/cooperation/call-meeting", title="联席会议", day="2025-03-01", place__division="500103",
        bureaus=["510000"],
    ).partition("?")[0]  # fmt: skip
    sichuan.does(sichuan.offered(page, "cooperation/attend"), persons="3")
    chongqing.does(
        chongqing.offered(page, "cooperation/hold-meeting"), day="2025-03-01", present="12", decisions="1"
    )
    task = chongqing.does(
        chongqing.offered(page, "cooperation/set-task"),
        title="共建专家名录",
        owner="510000",
        due="2025-06-30",
    ).partition("?")[0]
    # the task is long overdue, and shows itself in its owner's inbox
    take_on = Form(sichuan.get(task)).forms["/forms/cooperation/take-on"]
    assert (
        sichuan.client.post("/forms/cooperation/take-on", data=take_on, follow_redirects=False).status_code
        == 303
    )
    sichuan.does(sichuan.offered(task, "cooperation/progress-undertaking"), percent="60")
    assert ">60%<" in chongqing.get("/cooperation/task")
    assert "共建专家名录" in sichuan.get("/inbox")
    assert "逾期" in sichuan.get("/cooperation/task?overdue=true")


def test_a_draft_shows_its_text_as_a_link_and_so_does_the_signature_of_it(
    chongqing: tuple[Clerk, Clerk], sichuan: tuple[Clerk, Clerk]
) -> None:
    proposed(chongqing[0], "510000")
    (draft,) = set(re.findall(r"/drafts/500000/[0-9a-f-]{36}", chongqing[1].get("/inbox")))
    text = re.search(r'<dd><a href="(/files/[^"]+)">文本（', chongqing[1].get(draft))
    assert text
    assert chongqing[1].client.get(text[1]).text == TEXT
    sichuan[0].does(sichuan[0].offered(release(chongqing[1]), "cooperation/sign"))
    (signing,) = set(re.findall(r"/drafts/510000/[0-9a-f-]{36}", sichuan[1].get("/inbox")))
    html = sichuan[1].get(signing)
    assert f'<dd><a href="{text[1]}">文本（' in html
    assert not re.search(r"<dd>[^<]*[A-Za-z0-9+/]{43}=", html)


def test_the_overview_shows_what_waits_anywhere(chongqing: tuple[Clerk, Clerk], clerk: Seat) -> None:
    proposed(chongqing[0], "510000")
    release(chongqing[1])
    third = clerk("500116/clerk").get("/")
    ours, everywhere = third.partition("全联盟等候最久")[::2]
    assert "川渝老干部工作合作备忘录" not in ours
    assert "川渝老干部工作合作备忘录" in everywhere
