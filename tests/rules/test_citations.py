"""Clauses in structure and in words."""

from __future__ import annotations

import pytest

from rules.citations import Citation, Titles, citations

TITLES = Titles([
    ("TBL", "中华人民共和国招标投标法", "2017年修正"), ("TBR", "中华人民共和国招标投标法实施条例", "国务院令第613号，2019年修订"),
    ("MOF", "政府采购评审专家管理办法", "财库〔2016〕198号"), ("WL", "中华人民共和国水法", "2016年修正"),
    ("MRL", "中华人民共和国矿产资源法", "2024年修订"), ("POOL", "评标专家和评标专家库管理办法", "国家发展改革委令第26号")])  # fmt: skip


@pytest.mark.parametrize(("text", "pairs"), [
    ("招标投标法第三十七条", [("TBL", "第三十七条")]),
    ("《中华人民共和国招标投标法》第三十七条", [("TBL", "第三十七条")]),
    ("招标投标法第五十六条、招标投标法实施条例第七十二条", [("TBL", "第五十六条"), ("TBR", "第七十二条")]),
    ("财库〔2016〕198号第五条、第六条", [("MOF", "第五条"), ("MOF", "第六条")]),
    ("政府采购评审专家管理办法（财库〔2016〕198号）第十四条", [("MOF", "第十四条")]),
    ("矿产资源法（2024年修订）第二十四条", [("MRL", "第二十四条")]),
    ("评标专家和评标专家库管理办法（国家发展改革委令第26号）", [("POOL", "全文")]),
    ("水法第三条", [("WL", "第三条")]), ("公路法第三条", []), ("第三条", []), ("", []),
])  # fmt: skip
def test_words_are_read_as_clauses(text: str, pairs: list[tuple[str, str]]) -> None:
    assert TITLES.read(text) == pairs


def test_running_text_mentions_a_law_without_citing_it() -> None:
    assert TITLES.read("依据招标投标法办理。第三条另说。", whole=False) == []
    assert TITLES.read("依据《招标投标法》第三十七条办理。", whole=False) == [("TBL", "第三十七条")]


def test_every_document_is_read_with_its_place() -> None:
    clause = {"reg": "TBL", "article": "第一条"}
    documents = {
        "criteria.yaml": {
            "parameters": {"age": {"values": [{"from": "2026-01-01", "value": 70, "basis": clause}]}},
            "criteria": [{"id": "title", "basis": [clause, {"reg": "WL", "article": "第二条"}]}, {"id": "years", "basis": [clause]}],
        },
        "questions.csv": [{"bank": "own", "qid": "Q1", "article": "水法第三条"}, {"bank": "own", "qid": "Q2", "article": "没有这部法第九条"}],
        "letters.yaml": {"letters": {"refused": {"body": {"zh": "按招标投标法第四条，您……"}}}},
        "training": {"training/01.md": "招标投标法第五条说……"},
    }
    found = list(citations(documents, TITLES))
    assert [(one.file, one.key, one.reg, one.article) for one in found] == [
        ("criteria.yaml", "parameters.age.values.2026-01-01.basis", "TBL", "第一条"),
        ("criteria.yaml", "criteria.title.basis.0", "TBL", "第一条"),
        ("criteria.yaml", "criteria.title.basis.1", "WL", "第二条"),
        ("criteria.yaml", "criteria.years.basis", "TBL", "第一条"),
        ("questions.csv", "own.Q1", "WL", "第三条"),
        ("questions.csv", "own.Q2", "", "没有这部法第九条"),
        ("letters.yaml", "letters.refused.body.zh", "TBL", "第四条"),
        ("training", "training/01.md", "TBL", "第五条"),
    ]
    assert all(isinstance(one, Citation) and one.owner for one in found)
