"""Rules as small as rules can be: pages of drafts and releases read every document, and a matrix opens hundreds of them."""

from __future__ import annotations

from rules.letters import EVENTS

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
""",
}
_DEPARTMENT = {
    "bundle.yaml": """\
code: {code}
kind: department
title: {zh: 某厅, en: Department}
contact: {phone: 0471-2, hours: 工作日}
effective_from: 2026-01-01
specialties:
  - {standard: 316-2018, prefixes: [A04]}
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
  - id: works
    title: 业绩
    fields:
      - {id: works_title, kind: text, label: 名称}
""",
    "criteria.yaml": """\
criteria:
  - id: unpaid
    title: 公务员
    effect: flag
    rule: {fact: civil_servant, is: eq, value: false}
    basis: {reg: R1, article: 第四条}
    message: 公务员不取报酬
""",
    "review.yaml": """\
checklist:
  - {id: works_title, title: 业绩真实}
to_refuse:
  - {id: false_papers, title: 材料虚假, basis: {reg: R1, article: 第六条}}
""",
    "cases.yaml": """\
people:
  zhang: {civil_servant: false}
cases:
  - {id: fine, title: 合格, person: zhang, on: 2026-06-01, expect: {decision: pass, flags: []}}
""",
}


def files(code: str) -> dict[str, bytes]:
    """A bundle's files for this department."""
    body = {name: " ".join(f"{{{place}}}" for place in sorted(event.must)) or "函" for name, event in EVENTS.items()}
    letters = "letters:\n" + "".join(f'  {name}: {{subject: {{zh: 函}}, body: {{zh: "{text}"}}}}\n' for name, text in body.items())
    texts = CENTRE | {"letters.yaml": letters} if code == "centre" else {name: text.replace("{code}", code) for name, text in _DEPARTMENT.items()}
    return {name: text.encode() for name, text in texts.items()}
