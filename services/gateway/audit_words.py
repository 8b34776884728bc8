"""What the auditor's pages call findings, breaches and edges, in both languages."""

from typing import TypeAlias

Words: TypeAlias = tuple[str, str]
"""(zh, en)."""

FINDINGS: dict[str, Words] = {
    "missing": ("缺少记录", "a record is missing"),
    "beyond": ("多出记录", "a record beyond the end"),
    "leaf": ("内容被改动", "the bytes were changed"),
    "source": ("不是本日志的记录", "no record of this log"),
    "position": ("记录号不符", "another position is claimed"),
    "time": ("时间倒退或不符", "the time goes back or differs"),
    "columns": ("旁注字段被改动", "columns beside the bytes were changed"),
    "node": ("哈希树被改动", "a hash of the tree was changed"),
    "root": ("检查点与记录不符", "a checkpoint is not over these records"),
    "signature": ("签名无效", "a signature does not hold"),
    "receipt": ("见证签名不符", "a receipt does not hold"),
    "payload": ("内容不合类型", "the payload is none of its type"),
    "stream": ("版本不连续", "versions are not in a row"),
    "history": ("前后矛盾", "it cannot follow what came before"),
    "guard": ("与守护文件不符", "the guard file says otherwise"),
}
BREACHES: dict[str, Words] = {
    "fork": ("同一日志签出两份历史", "two histories of one log were signed"),
    "wrong-source": ("签入了别的来源的记录", "a record of another source was signed"),
    "wrong-position": ("签入了错误的记录号", "a wrong position was signed"),
    "reopened": ("关闭之后又有记录", "records after the one that closed the log"),
    "breach": ("违背日志承诺", "the log broke its promise"),
}
EDGES: dict[str, Words] = {
    "basis": ("依据", "rests on"),
    "causation": ("起因", "follows from"),
    "answers": ("答复", "answers"),
    "corrects": ("更正或作废", "corrects or voids"),
}
TABS: tuple[tuple[str, str, str], ...] = (
    ("/audit/events", "记录", "Events"),
    ("/audit/replay", "重放", "Replay"),
    ("/audit/verification", "核验", "Verification"),
    ("/audit/witnesses", "见证", "Witnesses"),
    ("/audit/forks", "分叉与违约", "Forks"),
    ("/audit/reports", "报表", "Reports"),
    ("/audit/compare", "两日比较", "Compare"),
    ("/audit/packs", "证据包", "Evidence"),
)


def of(words: dict[str, Words], name: str, lang: str) -> str:
    """The words for a stored name; itself when it has none."""
    zh, en = words.get(name, (name, name))
    return zh if lang == "zh" else en
