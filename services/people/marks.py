"""Papers marked secret or internal (绝密、机密、秘密、内部) are refused, as far as their text can be read.

A mark is told from a mention ("保守国家秘密", "内部管理"): it stands alone on a line or in brackets, with a
star or after 密级, or in the head of the paper. Pictures and PDF are not read: there the page asks.
"""

import re
import unicodedata

from events import errors

HEAD = 200
_WORD = "(绝密|机密|秘密|内部)"
_KIND = "(?:级|件|文件|资料|材料|使用|参考|刊物|传阅|事项)*"
_TERM = "(?:[0-9一二三四五六七八九十]+年|长期)?"
_CARE = "(?:[,、:;!.。]?(?:注意保存|妥善保管|不得外传|严禁外传|请勿外传|不得复印|严禁复印))*"
_MARKS = (
    re.compile(r"(绝密|机密|秘密)[★☆]"),
    re.compile(rf"^[^\w\n]*{_WORD}{_KIND}{_TERM}{_CARE}[^\w\n]*$", re.MULTILINE),
    re.compile(rf"[\[【〔(<]{_WORD}{_KIND}{_TERM}[\]】〕)>]"),
    re.compile(rf"(?:密级|秘密等级|保密等级|保密级别):?{_WORD}"),
)
_IN_HEAD = re.compile(
    "(绝密|机密|(?<!国家)(?<!商业)(?<!工作)(?<!保守)秘密(?!投票|战线)|内部(?=文件|资料|材料|使用|参考|刊物))"
)


def refuse_marked(text: str) -> None:
    """Raises Invalid, naming the mark and nothing else of the text."""
    plain = _compact(text)
    found = next((match for mark in _MARKS if (match := mark.search(plain))), None)
    found = found or _IN_HEAD.search(plain[:HEAD])
    if found:
        raise errors.Invalid(
            f"the paper is marked {found[1]}: such papers must not enter the platform", field="content"
        )


def _compact(text: str) -> str:
    """Without blanks inside lines and invisible characters, full-width forms made plain."""
    visible = re.sub(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", "", text)
    lines = re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", unicodedata.normalize("NFKC", visible))
    return re.sub(r"[^\S\n]+", "", lines).strip()
