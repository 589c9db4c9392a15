"""Every code a remark may carry: stable for ever, with its severity. docs/checks.md has a line for each, a test holds both together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from rules.parts import Text

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    severity: Severity
    title: Text


def _error(zh: str, en: str) -> Code:
    return Code("error", Text(zh=zh, en=en))


def _warning(zh: str, en: str) -> Code:
    return Code("warning", Text(zh=zh, en=en))


#: C0 reading, C1 conditions, C2 parameters, C3 clauses and names, C4 words and letters, C5 exam, C6 cases.
CODES: Mapping[str, Code] = {
    "C001": _error("文件写法有误，无法读取", "The document is not written as it must be"),
    "C101": _error("条件自相矛盾，没有人能满足", "Nobody can meet the criterion"),
    "C102": _error("两个条件互相矛盾，没有人能同时满足", "Nobody can meet both criteria"),
    "C103": _warning("条件总是满足", "The criterion can never be unmet"),
    "C104": _warning("这一支永远不成立", "A branch can never hold"),
    "C105": _warning("这一支多余，去掉后结论不变", "A branch never decides anything"),
    "C106": _warning("表单或登记表上的条件永远不成立", "A condition of a form or register can never hold"),
    "C107": _error("决策表的这一行永远用不到", "A row of a decision table can never apply"),
    "C108": _error("决策表的行相互重叠，与命中方式不符", "Rows of a decision table overlap against its hit policy"),
    "C201": _error("参数在某些日期没有值", "A parameter has no value on some days"),
    "C202": _error("参数的日期重叠", "Dates of a parameter overlap"),
    "C203": _warning("参数的值到期后没有后续", "A parameter's last value ends without a successor"),
    "C204": _error("新增的参数值自过去的日期起算", "A new value of a parameter starts in the past"),
    "C205": _warning("已经生效的参数值被改动", "A value already in force was changed"),
    "C301": _warning("表单字段没有用处", "A field is asked and never used"),
    "C302": _error("参数没有用处", "A parameter is never used"),
    "C303": _error("没有写明依据的条款", "No clause is given"),
    "C304": _error("引用了未列出的法规", "A clause cites a regulation that is not listed"),
    "C305": _error("引用的法规当日不在有效期内", "A cited regulation is not in force on the day"),
    "C306": _warning("法规没有被引用", "A regulation is never cited"),
    "C307": _warning("依据尚待核实", "It rests on an assumption"),
    "C308": _error("专业前缀被多个部门认领", "A specialty prefix is claimed twice"),
    "C309": _warning("法规库中没有这一条款", "The article is not among the paragraphs on file"),
    "C310": _warning("参数值没有写明依据", "A parameter's value has no clause"),
    "C401": _warning("缺少英文", "The English is missing"),
    "C402": _error("信函使用了看不到的内容", "A letter names what it cannot see"),
    "C403": _error("信函没有写明必须写的内容", "A letter does not say what it must"),
    "C404": _error("缺少某事件的信函", "The letter of an event is missing"),
    "C405": _warning("培训单元缺少英文文件", "A training unit has no English file"),
    "C501": _error("题库不足以组卷", "The bank cannot fill the blueprint"),
    "C502": _warning("试题没有解析", "A question has no explanation"),
    "C503": _warning("试题没有英文", "A question has no English"),
    "C601": _error("案例的结论与预期不符", "A case comes out differently"),
    "C602": _warning("条件缺少案例", "A criterion lacks a case"),
    "C603": _warning("年龄界限两侧的案例不全", "An age limit lacks a case on one side of the birthday"),
}
