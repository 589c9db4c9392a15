from __future__ import annotations

import json
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.fields import Around, Field, FieldError, check_digit

AROUND = Around(date(2026, 6, 1), divisions={"150000", "150100", "150102"}, specialties={("316-2018", "A0403")})
OPTIONS = [{"value": "a", "label": {"zh": "甲", "en": "A"}}, {"value": "b", "label": {"zh": "乙", "en": "B"}}]
FILE = {"hash": "a" * 64, "name": "证书.pdf", "size": 10, "type": "application/pdf"}
KINDS = {
    "text": {"max_length": 10}, "long_text": {"max_length": 20}, "integer": {"min": 0, "max": 100, "unit": "年"}, "decimal": {"max": 1000},
    "date": {"max": "today"}, "period": {}, "choice": {"options": OPTIONS}, "choices": {"options": OPTIONS, "max_count": 1}, "boolean": {},
    "id_number": {}, "uscc": {}, "phone": {}, "email": {}, "bank_account": {"card": True}, "division": {}, "specialty": {"standards": ["316-2018"]}, "file": {"max_count": 2},
    "group": {"fields": [{"id": "x", "kind": "text", "label": "某"}], "max_entries": 2},
}


def field(kind: str, **more):
    return TypeAdapter(Field).validate_python({"id": "f", "label": {"zh": "某项", "en": "Item"}, "kind": kind, **KINDS[kind], **more})


@pytest.mark.parametrize(("kind", "raw", "value"), [
    ("text", "  张三 ", "张三"), ("text", "", None), ("text", None, None), ("long_text", "一\r\n二", "一\n二"),
    ("integer", " １２ ", 12), ("integer", "007", 7), ("decimal", "1,000.00", "1000.00"), ("decimal", "０.５", "0.5"),
    ("date", "2026/1/5", "2026-01-05"), ("date", "２０２６年１月５日", "2026-01-05"),
    ("period", {"start": "2010年3月", "end": "至今"}, {"start": "2010-03", "end": "now"}),
    ("period", {"start": "2010-03", "end": "2010-03"}, {"start": "2010-03", "end": "2010-03"}), ("period", {"start": "", "end": ""}, None),
    ("choice", "a", "a"), ("choices", ["b", "b"], ["b"]), ("boolean", "是", True), ("boolean", "0", False), ("boolean", "", None),
    ("id_number", "１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"), ("uscc", "91110000600037341l", "91110000600037341L"),
    ("phone", "+86 138-0013-8000", "13800138000"), ("email", "A@B.Cn", "A@b.cn"), ("bank_account", "６222 0202-0011 2230", "6222020200112230"), ("division", "150102", "150102"),
    ("specialty", "316-2018/a0403", {"standard": "316-2018", "code": "A0403"}), ("file", [FILE, FILE], [FILE]),
    ("group", [{"x": "1"}, {"x": ""}], [{"x": "1"}]),
])
def test_an_answer_is_stored_in_one_form(kind, raw, value):
    assert field(kind).parse(raw, AROUND) == value
    assert field(kind).parse(value, AROUND) == value


@pytest.mark.parametrize(("kind", "raw", "says"), [
    ("text", "一" * 11, "最多 10 个"), ("text", "a\x00b", "控制字符"), ("text", "a\u202eb", "控制字符"), ("text", ["x"], "无法识别"), ("text", "a\nb", "控制字符"),
    ("integer", "12a", "不是整数"), ("integer", "101", "大于允许的最大值 100"), ("integer", "1.5", "不是整数"), ("integer", "-1", "小于"),
    ("decimal", "1.234", "超过 2 位"), ("decimal", "1e3", "不是数字"), ("decimal", "NaN", "不是数字"),
    ("date", "2026-02-30", "不是日期"), ("date", "2026-06-02", "晚于 2026-06-01"), ("date", "20260101", "不是日期"),
    ("period", {"start": "2011-01", "end": "2010-12"}, "早于开始"), ("period", {"start": "2011-01"}, "结束"), ("period", {"end": "2011-01"}, "开始"),
    ("period", {"start": "2011-13", "end": "now"}, "不是年月"), ("period", {"start": "2026-07", "end": "now"}, "将来"), ("period", "2010", "起止"),
    ("choice", "c", "不在可选项中"), ("choices", ["a", "b"], "最多选择 1 项"), ("boolean", "maybe", "不是“是”或“否”"),
    ("id_number", "110105194912310021", "校验码"), ("id_number", "11010519491331002X", "不存在"), ("id_number", "1234", "18 位"),
    ("id_number", "11010519491231002Y", "17 位数字"), ("id_number", "110105203001010014", "将来"),
    ("uscc", "91110000600037341A", "统一社会信用代码"), ("phone", "12800138000", "手机"), ("phone", "1380013800", "手机"),
    ("bank_account", "6222020200112231", "校验位"), ("bank_account", "62220202001", "12 到 30 位"), ("bank_account", "6222o20200112230", "银行账号"), ("email", "a@b", "邮箱"), ("email", "a@b.cn\n@", "控制字符"), ("division", "150199", "行政区划"), ("division", "150100", "旗县"),
    ("specialty", {"standard": "x", "code": "A0403"}, "标准"), ("specialty", {"standard": "316-2018", "code": "Z99"}, "没有代码"),
    ("file", [FILE, {**FILE, "hash": "b" * 64}, {**FILE, "hash": "c" * 64}], "最多上传 2 份"), ("file", [{**FILE, "type": "text/html"}], "种类"),
    ("file", [{**FILE, "size": 99_000_000}], "超过 10 MB"), ("file", "x", "重新上传"), ("group", [{"x": "1"}] * 3, "最多填写 2 条"), ("group", "x", "无法识别"),
])
def test_what_cannot_be_taken_is_said_in_both_languages(kind, raw, says):
    with pytest.raises(FieldError) as error:
        field(kind).parse(raw, AROUND)
    assert says in error.value.zh
    assert error.value.en


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda below: st.lists(below) | st.dictionaries(
    st.sampled_from(["start", "end", "standard", "code", "hash", "name", "size", "type", "x"]) | st.text(), below), max_leaves=8)


@given(st.sampled_from(sorted(KINDS)), json_values)
def test_any_raw_answer_is_taken_or_refused_never_worse(kind, raw):
    one = field(kind)
    try:
        value = one.parse(raw, AROUND)
    except FieldError:
        return
    json.dumps(value, allow_nan=False)
    assert one.parse(value, AROUND) == value
    assert isinstance(one.show(value, "zh"), str) and isinstance(one.show(value, "en"), str)


@given(st.integers(10**5, 10**6 - 1), st.dates(date(1900, 1, 1), date(2026, 6, 1)), st.integers(0, 999), st.integers(0, 9))
def test_every_id_number_with_its_check_digit_is_taken_and_no_other(area, born, serial, wrong):
    first = f"{area}{born:%Y%m%d}{serial:03}"
    good = check_digit(first)
    assert field("id_number").parse(first + good, AROUND) == first + good
    if str(wrong) != good:
        with pytest.raises(FieldError):
            field("id_number").parse(first + str(wrong), AROUND)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_says_what_it_is(kind):
    one = field(kind)
    assert one.widget and one.fact_type.kind and json.dumps(one.json_schema()) and one.show(None) == ""


def test_a_pattern_matches_the_whole_answer_in_linear_time():
    one = field("text", pattern="(a+)+", max_length=10_000)
    started = time.perf_counter()
    with pytest.raises(FieldError):
        one.parse("a" * 9_999 + "!", AROUND)
    with pytest.raises(FieldError):
        field("text", pattern="[0-9]{3}").parse("１２３", AROUND)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "[", "("])
def test_a_pattern_re2_cannot_read_is_refused_when_the_form_is_read(pattern):
    with pytest.raises(ValidationError, match="RE2"):
        field("text", pattern=pattern)
