"""A small centre and a small department, as files: tests change one thing and look at what is said about it."""

from __future__ import annotations

import pytest

from rules.bundle import Bundle, read_documents

CENTRE = {
    "bundle.yaml": """\
code: centre
kind: centre
title: 交易中心
contact: {phone: 0471-1, hours: 工作日}
effective_from: 2026-01-01
""",
    "application.yaml": """\
sections:
  - id: person
    title: {zh: 个人信息, en: Person}
    fields:
      - {id: name, kind: text, label: {zh: 姓名, en: Name}, max_length: 50}
      - {id: id_number, kind: id_number, label: {zh: 身份证号, en: Identity number}}
      - {id: civil_servant, kind: boolean, label: {zh: 是否公务员, en: Civil servant}}
      - id: title_level
        kind: choice
        label: {zh: 职称等级, en: Title grade}
        options: [{value: senior, label: {zh: 高级, en: Senior}}, {value: middle, label: {zh: 中级, en: Middle}}, {value: none, label: {zh: 无, en: None}}]
      - {id: title_paper, kind: file, label: {zh: 职称证书, en: Certificate}, max_count: 2, show_when: {fact: title_level, is: ne, value: none}}
      - id: work_periods
        kind: group
        label: {zh: 工作经历, en: Work}
        max_entries: 3
        fields:
          - {id: organisation, kind: text, label: 单位}
          - {id: months, kind: period, label: {zh: 起止年月, en: Months}}
          - {id: in_field, kind: boolean, label: 是否从事本专业}
          - {id: remark, kind: text, label: 说明, required_when: {fact: in_field, is: eq, value: false}}
""",
}

DEPARTMENT = {
    "bundle.yaml": """\
code: roads
kind: department
title: {zh: 交通运输厅, en: Transport}
contact: {phone: 0471-2, hours: 工作日}
effective_from: 2026-01-01
specialties:
  - {standard: 316-2018, prefixes: [A04, A0403]}
pipeline:
  review: {levels: {first: league, second: region}, days: 7, warn_after: 5}
  training: false
  exam: false
  notice_days: {value: 5, basis: {reg: R1, article: 第九条}, verified: false}
  correct_within: 15
  reconsider_within: 10
  reapply_after: {months: 6}
  term_years: 3
regulations:
  - {id: R1, title: {zh: 办法, en: Measure}}
""",
    "application.yaml": """\
sections:
  - id: projects
    title: 项目
    fields:
      - id: projects
        kind: group
        label: 项目
        min_entries: 0
        fields:
          - {id: title, kind: text, label: 名称}
          - {id: amount, kind: decimal, label: 金额, unit: 万元}
          - {id: code, kind: text, label: 专业}
""",
    "criteria.yaml": """\
parameters:
  age_limit:
    title: {zh: 年龄上限, en: age limit}
    unit: 周岁
    values:
      - {from: 2020-01-01, value: 65, basis: {reg: R1, article: 第一条}}
      - {from: 2026-01-01, value: 70, basis: {reg: R1, article: 第二条}, verified: false}
  years_needed: {values: [{from: 2020-01-01, value: 8, basis: {reg: R1, article: 第三条}}]}
criteria:
  - id: age
    title: {zh: 年龄, en: Age}
    effect: reject
    as_of: decided
    rule: {fact: birth_date, is: after, value: {years_before: {fact: decided_on}, years: {param: age_limit}}}
    basis: {reg: R1, article: 第二条}
    message: {zh: "已满 {age_limit} 周岁（{birth_date}）", en: "{age_limit} or older"}
  - id: years
    title: 年限
    effect: reject
    rule: {years_union: work_periods, of: months, where: {fact: in_field, is: eq, value: true}, as: worked, is: ge, value: {param: years_needed}}
    basis: {reg: R1, article: 第三条}
    message: {zh: "累计 {worked}，不足 {years_needed} 年", en: "{worked}, less than {years_needed} years"}
  - id: unpaid
    title: 公务员
    effect: flag
    rule: {fact: civil_servant, is: eq, value: false}
    basis: {reg: R1, article: 第四条}
    message: 公务员不取报酬
  - id: blacklist
    title: 联合惩戒
    effect: reject
    when_unknown: refer
    as_of: decided
    rule: {not: {fact: blacklisted, is: eq, value: true}}
    basis: {reg: R1, article: 第五条}
    message: 在惩戒名单中
""",
    "review.yaml": """\
checklist:
  - {id: title_paper, title: 证书真实, evidence: [title_paper, projects]}
to_refuse:
  - {id: false_papers, title: 材料虚假, basis: {reg: R1, article: 第六条}}
""",
    "cases.yaml": """\
people:
  zhang: {birth_date: 1970-01-01, civil_servant: false, blacklisted: false,
          work_periods: [{organisation: 某院, months: {start: 2010-01, end: now}, in_field: true}]}
cases:
  - {id: fine, title: 合格, person: zhang, on: 2026-06-01, expect: {decision: pass, flags: [], findings: {age: met, years: met}}}
""",
}


def _letters() -> str:
    from rules.letters import EVENTS  # only to list the events

    lines = ["letters:"]
    for name, event in EVENTS.items():
        lines.append(f"  {name}: {{subject: 通知, body: \"{' '.join('{' + place + '}' for place in sorted(event.must)) or '您好'}\"}}")
    return "\n".join(lines) + "\n"


def as_bytes(files: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


@pytest.fixture(scope="session")
def centre() -> Bundle:
    return read_documents(as_bytes({**CENTRE, "letters.yaml": _letters()}))


@pytest.fixture(scope="session")
def roads(centre: Bundle) -> Bundle:
    return read_documents(as_bytes(DEPARTMENT), centre=centre)


@pytest.fixture
def changed(centre: Bundle):
    """Read the department with replacements `(file, before, after)`; answers the bundle or raises Problems."""

    def read(*changes: tuple[str, str, str], drop: str | None = None) -> Bundle:
        files = dict(DEPARTMENT)
        for file, before, after in changes:
            assert before in files.get(file, before), f"{before!r} is not in {file}"
            files[file] = files.get(file, before).replace(before, after)
        if drop:
            del files[drop]
        return read_documents(as_bytes(files), centre=centre)

    return read
