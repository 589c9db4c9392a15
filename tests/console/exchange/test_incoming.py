"""A text of a file as the value of a column, and the sentence for one that is none."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from console import clock
from console.exchange.incoming import Wrong, folded, heading, incoming
from console.exchange.voice import speaking
from tests.venues import VENUES


@pytest.fixture(scope="module")
def columns():
    with speaking("zh"):
        yield {column.name: column for column in incoming(VENUES)}


AT = dt.datetime(2026, 1, 2, 9, 30, tzinfo=clock.ZONE)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("code", " 007 ", "007"), ("code", "=1+1", "=1+1"), ("note", "", None), ("note", "  两行\n字 ", "两行\n字"),
        ("seats", "30", 30), ("seats", "３０", 30), ("seats", "1,200", 1200), ("seats", "1，200", 1200), ("seats", "", 0), ("seats", "30.0", 30), ("seats", "-5", -5),
        ("fee", "1,200.50", Decimal("1200.50")), ("fee", "12%", Decimal("0.12")), ("fee", "１２％", Decimal("0.12")), ("fee", "1e2", Decimal(100)),
        ("opened", "2026-01-02", dt.date(2026, 1, 2)), ("opened", "2026/1/2", dt.date(2026, 1, 2)), ("opened", "2026年1月2日", dt.date(2026, 1, 2)),
        ("opened", "２０２６－０１－０２", dt.date(2026, 1, 2)), ("opened", "2026.1.2", dt.date(2026, 1, 2)), ("opened", "46024", dt.date(2026, 1, 2)),
        ("opened", "2026-01-02 00:00:00", dt.date(2026, 1, 2)),
        ("noted_at", "2026-01-02 09:30", AT), ("noted_at", "2026年1月2日 9:30", AT), ("noted_at", "46024.395833333", AT),
        ("is_open", "是", True), ("is_open", "FALSE", False), ("is_open", "", None),
        ("kind", "礼堂", "hall"), ("kind", "ROOM", "room"),
    ],
)  # fmt: skip
def test_a_text_is_taken_as_somebody_meant_it(columns, name, text, value):
    assert columns[name].value(text) == value
    assert columns[name].loaded(columns[name].staged(value)) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("code", "", "必须填"), ("code", "12345678901", "最多 10 个字"), ("code", "a\x01b", "控制字符"), ("seats", "三十", "不是数字"), ("seats", "1.5", "整数"),
        ("seats", "99999999999", "太大"), ("seats", "1e400", "太大"), ("seats", "NaN", "不是数字"), ("fee", "1.234", "最多 2 位小数"), ("fee", "123456789", "太大"),
        ("seats", "12,00", "不是数字"), ("opened", "2026-02-30", "没有这一天"), ("opened", "1/2/2026", "2026-01-02"), ("opened", "12", "2026-01-02"), ("opened", "2026-01-02 x", "2026-01-02"),
        ("noted_at", "2026-01-02 25:00", "没有这个时刻"), ("is_open", "也许", "是"), ("kind", "操场", "礼堂、教室"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_says_what_to_do(columns, name, text, said):
    with pytest.raises(Wrong, match=said):
        columns[name].value(text)


def test_columns_are_known_by_any_of_their_names():
    names = {"考场编号": "code", "code": "code", "名称": "name"}
    found = heading(["CODE ", "名称*", "行号", "", "ｃｏｄｅ"], names)
    assert (found.at, found.ignored, found.twice) == ({"code": 0, "name": 1}, ("行号",), ("ｃｏｄｅ",))
    assert folded(" Ｎａｍｅ＊ ") == "name"
