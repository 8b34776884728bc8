"""What is marked secret or internal does not come in; what only mentions it does."""

import pytest

from events import errors
from services.people import marks

BODY = "关于联合开展银发人才服务的函\n" + "双方将共同推进人才交流与服务。\n" * 20


@pytest.mark.parametrize(
    "mark",
    [
        "秘密★5年", "机密★", "绝密", "机 密", "内部", "【内部】", "(内部资料)", "内部文件 注意保存",
        "密级:秘密", "密 级：机密", "秘\u200b密", "内部资料,不得外传", "　　秘密　",
        "秘密级 10年", "内部刊物",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_mark_is_refused_at_the_head_and_far_below(mark: str, place: str) -> None:
    paper = f"{mark}\n{BODY}" if place == "first" else f"{BODY}\r\n{mark}"
    with pytest.raises(errors.Invalid, match="is marked"):
        marks.refuse_marked(paper)


@pytest.mark.parametrize(
    "head", ["本件为机密文件", "四川省委老干部局内部资料 第3期", "川老干密〔2024〕3号 秘密 急件"]
)
def test_a_secrecy_word_in_the_head_of_the_paper_is_a_mark(head: str) -> None:
    with pytest.raises(errors.Invalid, match="is marked"):
        marks.refuse_marked(f"{head}\n{BODY}")


@pytest.mark.parametrize(
    "mention",
    [
        "双方应当保守国家秘密和工作秘密。",
        "各单位加强内部管理。",
        "参观《绝密》展览",
        "不涉及商业秘密",
        "省内部分老同志参加",
    ],
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_mention_is_no_mark(mention: str, place: str) -> None:
    if "绝密" in mention and place == "first":
        mention = mention.replace("《绝密》", "红岩")  # in the head the word alone is enough
    marks.refuse_marked(f"{mention}\n{BODY}" if place == "first" else f"{BODY}{mention}")


def test_the_refusal_shows_nothing_of_the_paper() -> None:
    with pytest.raises(errors.Invalid) as refusal:
        marks.refuse_marked(f"机密★1年\n王标记甲\n{BODY}")
    assert "王标记甲" not in refusal.value.message
    assert refusal.value.field == "content"
