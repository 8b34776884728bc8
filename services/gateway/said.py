"""What refusals say, in Chinese: the rule and the next step, for the messages that a clerk can meet.

Messages are written once, in English, where they are raised; here each has its Chinese pattern. What has none
is shown as it is, below a Chinese title.
"""

import re
from collections.abc import Callable

from events import catalogue, errors
from events.loops import Role
from events.values import Choice
from services.gateway import labels


def detail(error: errors.YinqiaoError, lang: str) -> str:
    """What the error says, in `zh` or `en`."""
    field, message = _parted(error)
    if lang != "zh":
        return f"{labels.of(_last(field))[1]}: {message}" if field else message
    found = _chinese(message)
    return f"{labels.of(_last(field))[0]}：{found}" if field else found


def details(error: errors.YinqiaoError, lang: str) -> list[str]:
    """What the error says, and the others that were found with it."""
    return [detail(each, lang) for each in all_of(error)]


def all_of(error: errors.YinqiaoError) -> list[errors.YinqiaoError]:
    """An error, and the others that were found with it."""
    return [error, *(error.also if isinstance(error, errors.Invalid) else ())]


def _parted(error: errors.YinqiaoError) -> tuple[str, str]:
    """The field that stands at the front of a message, and the rest."""
    field = error.field or ""
    if field and error.message.startswith(f"{field}: "):
        return field, error.message.removeprefix(f"{field}: ")
    return "", error.message


def _last(field: str) -> str:
    return next((part for part in reversed(field.split(".")) if not part.isdigit()), field)


def _chinese(message: str) -> str:
    for pattern, said in _PATTERNS:
        match = pattern.fullmatch(message)
        if match:
            return said(match) if callable(said) else match.expand(said)
    return message


def is_known(message: str) -> bool:
    """Whether a message has its Chinese."""
    return any(pattern.fullmatch(message) for pattern, _ in _PATTERNS)


_STAGES = {
    "nothing": "尚未开始",
    "planned": "已计划",
    "published": "已发布",
    "held": "已举办",
    "reported": "已总结",
    "cancelled": "已取消",
    "confirmed": "已确认",
    "declined": "已谢绝",
    "returned": "已退回",
    "proposed": "待签署",
    "signing": "签署中",
    "in-force": "已生效",
    "withdrawn": "已撤回",
    "ended": "已终止",
    "signed": "已签署",
    "left": "已退出",
    "called": "已召集",
    "set": "进行中",
    "done": "已完成",
    "dropped": "已撤销",
    "accepted": "已承接",
    "introduced": "进行中",
    "closed": "已关闭",
    "offered": "待批准",
    "approved": "待接收",
    "started": "服务中",
    "ended-early": "已提前结束",
    "completed": "已完成",
    "expired": "已逾期终止",
    "rated": "已评价",
    "shared": "已共享",
    "reviewed": "已审核",
    "released": "已签发",
    "discarded": "已放弃",
}
_ROLES: dict[str, Choice] = {role.en: role for role in Role}


def _impossible(match: re.Match[str]) -> str:
    kind = catalogue.EVENTS.get(match[1])
    what = catalogue.aggregate_of(match[1]).zh if kind else "事项"
    return f"{what}目前「{_STAGES.get(match[2], match[2])}」，这一步现在办不了；请刷新页面看最新情况"


def _stage(match: re.Match[str]) -> str:
    return f"目前「{_STAGES.get(match['stage'], match['stage'])}」，这一步现在办不了"


def _may_not(match: re.Match[str]) -> str:
    role = _ROLES[match[1]].zh if match[1] in _ROLES else match[1]
    return f"{match[2]}的{role}不能在日志 {match[3]} 中办理此事"


_PATTERNS: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in (
        # pydantic
        (r"Field required", "必填"),
        (r"Input should be greater than or equal to (.+)", r"不能小于 \1"),
        (r"Input should be less than or equal to (.+)", r"不能大于 \1"),
        (r"Input should be a valid integer.*", "应填整数"),
        (r"Input should be a valid date.*", "应填日期"),
        (r"Input should be a valid string.*", "应填文字"),
        (r"Input should be a valid (?:boolean|tuple|dictionary).*", "格式不对"),
        (r"Input should be True", "须勾选确认"),
        (r"Input should be (?:'.*)", "请从列表中选择"),
        (r"Input should be an object", "格式不对"),
        (r"Tuple should have at least (\d+) items? .*", r"至少选 \1 项"),
        (r"Tuple should have at most (\d+) items? .*", r"最多 \1 项"),
        (r"Dictionary should have at least 1 item.*", "请至少改动一项"),
        (r"String should have at least (\d+) characters?", "必填"),
        (r"String should have at most (\d+) characters?", r"最多 \1 个字"),
        (r"String should match pattern .*", "格式不对"),
        (r"Extra inputs are not permitted", "没有这一项"),
        (r"Invalid JSON: .*", "内容不完整"),
        (r"Value error, must have no control characters.*", "首尾不能有空格，也不能有控制字符"),
        (r"Value error, must have no invisible characters", "含有看不见的字符，请重新输入"),
        (r"Value error, must be in Unicode normal form C", "含有组合字符，请重新输入"),
        (r"(?:Value error, )?must lie between (\d+) and (\d+)", r"年份应在 \1 至 \2 之间"),
        (r"Value error, must name each only once", "同一项不能重复填写"),
        (r"there is no such division; choose one from the list", "没有这个行政区划，请从列表中选择"),
        (r"Value error, name either a host bureau or an outside party", "接收单位与外部单位须选且只选其一"),
        (r"Value error, a need is named by its log and its stream", "请从需求页面发起选派"),
        # decisions
        (r"lies before the start; check both days", "早于开始日期，请核对两个日期"),
        (r"lies before the first day", "早于第一天"),
        (r"lies in the future.*", "不能晚于今天；发生之后再登记"),
        (r"leave your own code out", "不能选本单位"),
        (r"a bureau cannot ask itself; leave your own code out", "不能邀请本单位，请去掉本单位"),
        (r"not possible now: (\S+) cannot follow (\S+)", _impossible),
        (r"not possible now: .*", "与目前的状态不符；请刷新页面看最新情况"),
        (r"the (?:memorandum|dispatch) is (?P<stage>\S+); .*", _stage),
        (r"the draft is (?P<stage>\S+)(?: already|; .*)", _stage),
        (r"not yet signed by (.+)", r"尚未签署：\1"),
        (r"(\d{6}) gave no notice", r"\1 没有提交退出通知"),
        (r"(\d{6}) has not accepted", r"\1 尚未同意接收"),
        (r"(\d{6}) has not reported it done", r"\1 尚未报告完成"),
        (r"this draft is (\S+)'s, not (\S+)'s", r"这份草稿属于 \1，不属于 \2"),
        (r"this .+ is (?P<stage>\S+); there is nothing to answer", _stage),
        (r"this .+ has no fact at position (\d+)", r"此事没有第 \1 号记录"),
        (r"an? \S+ (?:has no such step|cannot be changed afterwards)", "这类事项不能这样办理"),
        (r"there is no command \S+", "没有这个命令"),
        (r"the text is the same; upload the amended one", "文本没有变化，请上传修订后的文本"),
        (r"the text has changed since you read it; .*", "文本在您阅读之后已经修订，请阅读新文本后再签署"),
        (r"the correction changes nothing", "更正前后没有变化"),
        (r"there is nothing to record", "没有要登记的内容"),
        (r"only (\d+) places are open; (\d+) were stated", r"名额只有 \1 个，填报了 \2 人"),
        (r"whoever proposed cannot approve; another officer must", "提出人不能审批，须由另一人办理"),
        (r"only a leader, or whom a leader delegated, .*", "只有审批人或受其委托的人可以签发或退回"),
        (r"only a leader can delegate", "只有审批人可以委托"),
        (r"choose another officer", "请选择另一人"),
        (r"lies in the past", "已经过去，请核对日期"),
        (r"lies before (\S+); check it, .*", r"早于 \1，请核对；如计划有变，请先调整计划"),
        (r"others were asked on this; .*", "已据此征求其他单位意见，请修订、调整或撤回后重新征求"),
        (r"no correction changes this; .*", "此项不能更正；请作废后重新登记"),
        (r"this binds the bureau; its leader must release it", "此事对外有约束力，须经审批人签发"),
        (r"only the proposer can discard a draft", "只有提出人可以放弃草稿"),
        (r"(\w+) of (\d{6}) may not do this in (\S+)", _may_not),
        (r"nobody is acting: .*", "请先在页面右上角选择以哪个单位、什么角色办理"),
        (r"(\d{6}) is not hosted by this node", r"单位 \1 不在本节点，请切换到它所在的节点"),
        (r"this .+ asks nothing of (\d{6})", r"此事没有征求 \1 的意见"),
        (r"(\d{6}) was not asked", r"没有征求 \1 的意见"),
        (r"a bureau does not answer itself", "不能答复本单位提出的事项"),
        (r"nothing is asked in this .*", "此事没有待答复的问题"),
        (r"there is no .* here", "本节点没有这件事项"),
        (r"there is no such (?:draft|attachment|page).*", "没有找到"),
        (r"the attachment was erased", "附件已销毁"),
        (r"(\d{6}) has not opened this attachment to (\d{6})", r"\1 没有向 \2 开放此附件"),
        (r"choose who acts: .*", "请先选择以哪个单位办理：文本只向有关单位开放"),
        (r"expert (\S+) needs clearance .*", r"专家 \1 任职须经审批而尚未审批，不能选派；请先核准"),
        (r"expert (\S+) is no longer shared", r"专家 \1 已停止共享"),
        (r"the need is closed; .*", "需求已关闭，不再征集"),
        (r"the need is (\d{6})'s; .*", r"该需求由 \1 发布，接收单位应为 \1"),
        (r"the host may still answer, or has accepted", "接收单位仍可答复，或已同意接收"),
        (r"this bureau has not accepted the dispatch", "本单位没有同意接收该专家"),
        (r"the dispatch has no service day at position (\d+)", r"选派记录中没有第 \1 号服务日"),
        (r"somebody was quicker: .*", "已被他人占用，请另选"),
        (r"(?:the record|something the decision rests on) has moved on.*", "内容已有更新，请刷新后再办"),
        (
            r"what is left of this no longer makes sense; .*",
            "部分记录已依决定删除，余下的不能再办理，请另行新建",
        ),
        (r"this .+ was voided; record it anew", "此件已整体作废，不能再办理，请重新登记"),
        (r"you saw version .*", "内容已有更新，请刷新后再办"),
        (r"the record moves too fast; try again", "同时办理的人太多，请再试一次"),
        (r"send one of 1 to 128 characters without .*", "须为 1 至 128 个字符，不含“/”，例如 UUID"),
        (r"this record was written by a newer version: .*", "这条记录由更新的版本写成，请先升级本节点再试"),
        (r"a record of this cannot be read at this node: .*", "本节点读不出其中一条记录，请看运行状态页"),
        (r"too many drafts are being decided; try again", "同时办理的草稿太多，请再试一次"),
        (r"a draft lies under this key: .*", "这张表单的草稿正等待审批，请重新打开表单"),
        (r"this key was used with another body; use a new key", "这张表单已经提交过别的内容，请重新打开"),
        (r"say that it holds public material only, before it is stored", "请勾选「只含可公开内容」"),
        (
            r"the file was not stored: choose it again, or say that none is attached",
            "上次选择的文件没有保存，请重新选择，或勾选「不附此文件」",
        ),
        (r"the paper is marked (\S+): .*", r"材料标有「\1」，不得录入平台"),
        (r"this kind of file cannot be attached; .*", "不支持这种文件；可用 txt、pdf、docx、odt、png、jpg"),
        (r"the file is no readable .*", "文件内容与类型不符，或已损坏"),
        (r"an attachment has 1 to (\d+) bytes, not .*", r"附件应在 1 至 \1 字节之间"),
        (r"the document holds macros: save it without them", "文档含有宏，请另存为不含宏的文档"),
        (r"the document unpacks to too much: save it as PDF", "文档过大，请另存为 PDF"),
        (r"the text is neither UTF-8 nor GB18030: save it as UTF-8", "文本编码无法识别，请存为 UTF-8"),
        (r"a field holds characters that are no text", "含有无法识别的字符"),
        (r"over (\d+) bytes; send less", r"内容超过 \1 字节"),
        (r"the form is incomplete; open it again", "表单不完整，请重新打开"),
        (
            r"the form was not sent by a page of this node; .*",
            "表单不是从本节点的页面提交的，请在本页重新打开",
        ),
        (r"no memorandum in force .*", "双方没有已生效并包含此项内容的备忘录，请先签署备忘录"),
        (r"say why the record is skipped", "请写明跳过的原因"),
        (r"the database cannot be reached.*", "数据库暂时连接不上，请稍后再试；尚未保存任何内容"),
        (r"this node is read-only: (.*)", r"本节点处于只读状态：\1"),
        (r"must be a date, YYYY-MM-DD", "应填日期"),
        (r"is too long or no text", "过长或不是文字"),
        (r"is no form that can be read", "表单无法读取"),
        (r"is none of this node", "不在本节点"),
        (r"this node has no demo switch", "本节点不提供演示身份切换"),
        (r"this node is not known under that name", "不能以这个域名访问本节点"),
        (r"send the body unpacked", "请不要压缩内容"),
        (r"the body must come within (\d+) s", r"内容须在 \1 秒内传完"),
        (r"only an operator may do this; .*", "只有运维人员可以操作"),
        (r"only an auditor may do this; .*", "只有审计人员可以操作"),
        (r"choose two different dates", "请选择两个不同的日期"),
        (r"there is no read model .*", "没有这个读模型"),
        (r"the vector lies beyond what is covered here", "所给位置超出本节点已有的记录"),
        (r"a cursor is written .*", "重放位置的写法不对"),
        (r"choose a stream, a bureau or a period, .*", "请选择一件事项、一个单位或一段时间，或一份报表"),
        (r"other evidence packs are being made; .*", "正在制作其他证据包，请稍后再试"),
        (r"nothing is witnessed yet: .*", "还没有任何已见证的记录，锁定的报表须等见证签名到达"),
        (r"a report's name has 1 to 100 characters, .*", "报表名称为 1 至 100 字，且不能全是数字"),
        (r"there is a report (.*) already: choose another name", r"已有名为「\1」的报表，请另取名称"),
        (r"there is no report .* here", "没有这份报表"),
        (r"there is no query .*", "没有这种查询"),
        (r"report .* has no figure .*", "这份报表没有这个数字"),
        (r"nothing that is published here was selected", "所选范围内没有已公布的记录"),
        (r"there is no stream .*", "本节点没有这件事项"),
        (r"the stream has versions 1 to (\d+), not .*", r"这件事项有第 1 至 \1 版"),
        (r"something unexpected happened; it was noted", "出现意外，已记录，请稍后再试"),
        (r"much is being worked out already; .*", "正在处理的核查任务较多，请稍后再试"),
        (r"only the bureau that recorded it can correct it", "只有登记的单位可以更正"),
        (r"drafts are for the officers of their own bureau", "草稿只供本单位人员办理"),
        (r"record \S+ (?:is not held at this node|does not wait here)", "本节点没有这条记录"),
        (r"bureau \S+ is not hosted by this node", "该单位不在本节点"),
        (r"log \S+ is not held at this node", "本节点没有这个日志"),
        (r"a log does not go on in itself; name another log", "日志不能由自身续接，请填写另一个日志"),
        (r"log \S+ is not closed, as far as is known here", "就本节点所知，该日志尚未关闭"),
        (r"log \S+ does not go on in \S+", "该日志不由本日志续接"),
        (r"record \S+ (?:of log \S+ )?was redacted: .*", "这条记录的内容已按决定删除，谁也不再提供"),
        (
            r"(?:record (\S+)|what was selected) is published, and not witnessed yet: .*",
            "所选记录已签署，但尚未经足够节点见证；请稍候，或勾选“尚未见证的也要”",
        ),
        (r"record \S+ is void: .* at size ([0-9]+)", r"这条记录无效：日志已在第 \1 条处关闭"),
        (r"log \S+ is not witnessed as far as is known here", "据本节点所知，这个日志还没有足够的见证签名"),
        (r"no decision accounts for what is lacking: .*", "内容缺失，没有任何决定说明原因；请核验"),
        (r"this record was redacted before, or cannot be read", "这条记录的内容已删除，或无法读取"),
        (r"this record holds the log together .*", "这条记录用于日志衔接，没有其他内容，须予保留"),
        (r"version \S+ of the alliance document .*", "本节点没有这个版本的联盟文件"),
        (r"too many live timelines .*", "实时时间线打开过多，请稍后再试"),
        (r"must be one of (.+)", r"只能是 \1 之一"),
        (r"is no filter of this list; it has (.+)", r"这个清单没有这一条件，可用：\1"),
        (r"stands twice; send it once", "重复出现，只能写一次"),
        (r"(?:send one of 1 to 128 characters|must be .*)", "格式不对"),
        (r"is no cursor of this list; begin at its first page", "翻页位置无效，请从第一页开始"),
    )
]
