"""What the keys, items and closed values of a bundle's documents are called when two bundles are compared; an unknown key is called by its name."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from rules.documents import canonical

Pair = tuple[str, str]
LONGEST = 120

FILES: Mapping[str, Pair] = {
    "bundle.yaml": ("部门说明", "manifest"), "criteria.yaml": ("入库条件", "criteria"), "application.yaml": ("申报表", "application form"),
    "review.yaml": ("审核表", "review form"), "exam.yaml": ("考试", "exam"), "questions.csv": ("题库", "question bank"), "letters.yaml": ("信函", "letters"),
    "cases.yaml": ("案例", "cases"), "training": ("培训", "training"), "regulations.yaml": ("法规", "regulations"),
}

# what one entry of a list or mapping is called
ITEMS: Mapping[str, Pair] = {
    "criteria": ("条件", "criterion"), "parameters": ("参数", "parameter"), "sections": ("栏目", "section"), "fields": ("字段", "field"),
    "options": ("选项", "option"), "checklist": ("审核项", "checklist item"), "items": ("评分项", "scored item"), "to_refuse": ("不予通过的依据", "ground of refusal"),
    "regulations": ("法规", "regulation"), "specialties": ("主管专业", "specialties"), "cases": ("案例", "case"), "people": ("人物", "person"),
    "letters": ("信函", "letter"), "questions.csv": ("试题", "question"), "training": ("培训材料", "training text"), "blueprint": ("抽题行", "blueprint row"),
    "paragraphs": ("条款", "paragraph"), "derived": ("推导的事实", "derived fact"), "values": ("值", "value"),
}

KEYS: Mapping[str, Pair] = {
    "accept": ("可接受的文件种类", "accepted kinds"), "answer": ("答案", "answer"), "article": ("条款", "article"), "as_of": ("何时核对", "checked when"),
    "ask": ("补正提示", "what is asked for"), "bank": ("题库", "bank"), "basis": ("依据", "basis"), "body": ("正文", "body"), "code": ("代码", "code"),
    "contact": ("联系方式", "contact"), "correct_within": ("补正期限", "time to correct"), "count": ("题数", "number"), "days": ("办理期限", "days"),
    "decided_on": ("决定之日", "decided on"), "decision": ("结论", "decision"), "difficulty": ("难度", "difficulty"), "effect": ("不满足的后果", "effect"),
    "effective_from": ("施行之日", "in force from"), "evidence": ("佐证材料", "evidence"), "exam": ("考试", "exam"), "exam_within": ("考试期限", "time for the exam"),
    "expect": ("应有的结果", "expected"), "explanation": ("解析", "explanation"), "facts": ("事实", "facts"), "fields": ("字段", "fields"),
    "findings": ("各条件", "findings"), "first": ("初审", "first review"), "flags": ("提示", "flags"), "from": ("起始日期", "from"), "help": ("说明", "help"),
    "hours": ("办公时间", "hours"), "kind": ("种类", "kind"), "label": ("名称", "label"), "law_version": ("法规版本", "law version"), "levels": ("级别", "levels"),
    "marks": ("每题分值", "marks"), "max": ("最大值", "maximum"), "max_count": ("最多个数", "at most"), "max_entries": ("最多条数", "most entries"),
    "max_length": ("最大长度", "maximum length"), "max_mb": ("文件上限", "largest file"), "message": ("告知的文字", "message"), "min": ("最小值", "minimum"),
    "card": ("核对卡号", "card check"), "min_count": ("最少个数", "at least"), "min_entries": ("最少条数", "least entries"), "min_length": ("最小长度", "minimum length"), "minimum": ("最低分", "minimum"),
    "minutes": ("时长", "minutes"), "must_be": ("须为", "must be"), "notice_days": ("公示期", "publicity"), "number": ("文号", "number"), "on": ("申报之日", "applied on"),
    "open": ("可至今", "may last until now"), "option_a": ("选项 A", "option A"), "option_b": ("选项 B", "option B"), "option_c": ("选项 C", "option C"),
    "option_d": ("选项 D", "option D"), "option_e": ("选项 E", "option E"), "option_f": ("选项 F", "option F"), "pass_mark": ("及格分", "pass mark"),
    "pattern": ("写法", "pattern"), "pattern_help": ("写法说明", "pattern help"), "person": ("人物", "person"), "phone": ("电话", "phone"),
    "pipeline": ("办理环节", "pipeline"), "places": ("小数位", "decimal places"), "prefixes": ("专业代码", "prefixes"), "reapply_after": ("再次申报的间隔", "reapply after"),
    "reconsider_within": ("申请复核的期限", "time to ask for reconsideration"), "remedy": ("补救办法", "remedy"), "required": ("必填", "required"),
    "required_when": ("何时必填", "required when"), "review": ("审核", "review"), "rule": ("规则", "rule"), "score": ("分值", "score"), "scores": ("评分", "scores"),
    "second": ("复审", "second review"), "second_above": ("高于此级才复审", "second review above"), "secret": ("保密", "secret"), "show_when": ("何时显示", "shown when"),
    "sms": ("短信", "text message"), "standard": ("分类标准", "standard"), "stem": ("题干", "stem"), "subject": ("标题", "subject"), "term_years": ("聘期", "term"),
    "title": ("名称", "title"), "topic": ("主题", "topic"), "training": ("培训", "training"), "training_within": ("培训期限", "time for training"), "tries": ("考试次数", "tries"),
    "type": ("题型", "type"), "unit": ("单位", "unit"), "until": ("终止日期", "until"), "url": ("网址", "address"), "value": ("值", "value"),
    "verified": ("已核实", "verified"), "wait_days": ("重考间隔", "wait between tries"), "warn_after": ("提醒时间", "warning after"), "warn_before": ("提前提醒", "warning before"), "weight": ("权重", "weight"),
    "when_unknown": ("无法判断时", "when unknown"), "withdrawn": ("停用日期", "withdrawn"),
}

VALUES: Mapping[str, Mapping[str, Pair]] = {
    "effect": {"reject": ("不予入库", "reject"), "flag": ("随件提示", "flag"), "refer": ("由审核人认定", "refer")},
    "when_unknown": {"return": ("退回补正", "return"), "refer": ("由审核人认定", "refer"), "reject": ("不予入库", "reject")},
    "as_of": {"submitted": ("申报时", "at submission"), "decided": ("申报时和入库时", "also at admission")},
    "decision": {"pass": ("通过", "pass"), "reject": ("不予入库", "reject"), "return": ("退回补正", "return"), "refer": ("由审核人认定", "refer")},
    "first": {"region": ("自治区", "region"), "league": ("盟市", "league"), "county": ("旗县", "county")},
}

_DAYS: Pair = (" 个工作日", " working days")
UNITS: Mapping[str, Pair] = {
    "days": _DAYS, "warn_after": _DAYS, "warn_before": _DAYS, "notice_days": _DAYS, "correct_within": _DAYS, "training_within": _DAYS, "exam_within": _DAYS, "reconsider_within": _DAYS,
    "months": (" 个月", " months"), "term_years": (" 年", " years"), "minutes": (" 分钟", " minutes"), "pass_mark": (" 分", " marks"), "marks": (" 分", " marks"),
    "tries": (" 次", " tries"), "wait_days": (" 天", " days"), "max_mb": (" MB", " MB"), "max_length": (" 字", " characters"), "count": (" 题", " questions"),
}


def value_words(key: str, value: str) -> Pair | None:
    """What a closed value is called, None for a free one."""
    return VALUES.get("first" if key in ("second", "second_above") else key, {}).get(value)


def called(key: str, entry: Mapping[str, Any], name: Any) -> tuple[str, str]:
    noun = ITEMS.get(key, key_words(key))
    title = text_of(entry.get("title")) or text_of(entry.get("label")) or (str(name), str(name))
    return f"{noun[0]}“{short(title[0])}”", f"{noun[1]} “{short(title[1])}”"


def key_words(key: str) -> tuple[str, str]:
    base = key.removesuffix("_en")
    if base != key and base in KEYS:
        return f"{KEYS[base][0]}（英文）", f"{KEYS[base][1]} (English)"
    return KEYS.get(key) or FILES.get(key) or (key, key)


def text_of(raw: Any) -> tuple[str, str] | None:
    if isinstance(raw, str):
        return raw, raw
    if isinstance(raw, dict) and isinstance(raw.get("zh"), str):
        return raw["zh"], raw["en"] if isinstance(raw.get("en"), str) else raw["zh"]
    return None


def meaning(raw: Any) -> Any:
    """What a shorthand stands for: a plain text, a setting without its clause, one clause without the list."""
    if isinstance(raw, dict) and set(raw) == {"zh"}:
        return raw["zh"]
    if isinstance(raw, dict) and set(raw) == {"value"}:
        return raw["value"]
    return raw[0] if isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], dict) else raw


def shown(key: str, raw: Any) -> tuple[str, str]:
    """A value as it stands in a sentence."""
    if raw is None:
        return "（空）", "(empty)"
    if isinstance(raw, bool):
        return ("是", "yes") if raw else ("否", "no")
    if isinstance(raw, str):
        return value_words(key, raw) or (short(raw) or "“”",) * 2
    if isinstance(raw, (int, float)):
        return (str(raw),) * 2
    if isinstance(raw, list) and raw:
        words = [shown(key, one) for one in raw]
        return short("、".join(one[0] for one in words)), short(", ".join(one[1] for one in words))
    if isinstance(raw, dict):
        if set(raw) == {"reg", "article"}:
            return (f"{raw['reg']} {raw['article']}",) * 2
        text = text_of(raw)
        if text is not None and set(raw) <= {"zh", "en"}:
            return short(text[0]), short(text[1])
        if "value" in raw:
            return shown(key, raw["value"])
        if set(raw) == {"months"}:
            return f"{raw['months']}{UNITS['months'][0]}", f"{raw['months']}{UNITS['months'][1]}"
    return (short(canonical(raw)),) * 2


def short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def first_difference(one: str, other: str) -> tuple[int, str, str]:
    """The first line that differs and its number; long lines from shortly before the difference."""
    number, left, right = next((at, a, b) for at, (a, b) in enumerate(zip_longest(one.split("\n"), other.split("\n")), 1) if a != b)
    left, right = left or "", right or ""                 # beyond the end of the shorter one
    at = next((at for at, (a, b) in enumerate(zip_longest(left, right)) if a != b), 0)
    start = 0 if at < LONGEST // 2 else at - 20
    return number, ("…" if start else "") + short(left[start:]), ("…" if start else "") + short(right[start:])
