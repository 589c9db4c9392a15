"""What identifies a person is not stored with a decision, wherever in the form it was asked."""

from __future__ import annotations

from console.applications.checking import storable
from rules.bundle import read_documents
from tests.rules.conftest import CENTRE
from tests.rules.test_carrying import LETTERS


def test_secrets_of_entries_are_left_out_too():
    text = CENTRE["application.yaml"].replace(
        "- {id: organisation, kind: text, label: 单位}",
        "- {id: organisation, kind: text, label: 单位}\n          - {id: referee_phone, kind: phone, label: 证明人电话}\n          - {id: salary, kind: integer, label: 薪酬, secret: true}",
    )
    form = read_documents({n: c.encode() for n, c in (CENTRE | {"application.yaml": text}).items()} | LETTERS).form
    facts = {
        "id_number": "15010219700101001X", "name": "高娃",
        "work_periods": [{"organisation": "某院", "referee_phone": "13900000000", "salary": 1}, "odd"], "age": 56,
    }  # fmt: skip

    assert storable(facts, form) == {"name": "高娃", "work_periods": [{"organisation": "某院"}, "odd"], "age": 56}
