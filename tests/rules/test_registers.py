"""Registers as documents: what they may say, what they may name, and that they travel with the bundle."""

from __future__ import annotations

from datetime import date

import pytest

from rules.bundle import Bundle, read_documents
from rules.bundle_files import files_of
from rules.checks import check_bundle
from rules.comparison import compare
from rules.documents import Problems
from tests.rules.conftest import DEPARTMENT, as_bytes

FILE = "registers/penalties.yaml"
REGISTER = """\
id: penalties
title: {zh: 处罚登记, en: Penalties}
scope: department
fields:
  - {id: person, kind: text, label: {zh: 姓名, en: Name}, max_length: 50}
  - {id: id_number, kind: id_number, label: {zh: 身份证号, en: Identity number}}
  - id: severity
    kind: choice
    label: {zh: 轻重, en: Severity}
    options: [{value: light, label: {zh: 轻, en: Light}}, {value: grave, label: {zh: 重, en: Grave}}]
  - {id: decided, kind: date, label: {zh: 决定日期, en: Decided on}}
  - {id: months, kind: integer, min: 0, max: 120, label: {zh: 期限（月）, en: Months}, show_when: {fact: severity, is: eq, value: grave}}
  - {id: mail, kind: email, label: {zh: 邮箱, en: E-mail}, required: false}
list: [person, severity, decided, state]
search: [person]
unique: [[id_number, decided]]
view: {levels: [region, league]}
edit: {levels: [region], coordinator: true}
checks:
  - {id: not-later, title: {zh: 日期, en: Day}, rule: {fact: decided, is: on_or_before, value: {fact: entered_on}}, message: {zh: 决定日期不能晚于登记日期, en: Decided after entry}}
  - {id: grave-months, title: {zh: 期限, en: Months}, rule: {any: [{fact: severity, is: eq, value: light}, {fact: months, is: ge, value: 6}]}, severity: warning,
     message: {zh: 重罚一般不少于六个月, en: A grave one lasts six months or more}}
states:
  states:
    - {id: entered, title: {zh: 已登记, en: Entered}, within: {value: 5, basis: {reg: R1, article: 第六条}}, warn_after: 3}
    - {id: published, title: {zh: 已公开, en: Published}, editable: false}
    - {id: ended, title: {zh: 已结束, en: Ended}, final: true}
  moves:
    - {id: publish, title: {zh: 公开, en: Publish}, from: entered, to: published, by: {levels: [region]}, second_person: true}
    - {id: end, title: {zh: 结束, en: End}, from: [entered, published], to: ended, needs_reason: true, when: {fact: decided, is: is_known}}
public: {title: {zh: 处罚公开, en: Published penalties}, columns: [person, severity, decided], search: [person], states: [published], where: {fact: severity, is: eq, value: grave}}
sample: {rate: 0.1, every: quarter, states: [entered], move: end}
letters:
  publish: {to: mail, subject: {zh: 处罚公开, en: Published}, body: {zh: "{person}：处罚已公开（{decided}）。", en: "{person}: published ({decided})."}}
"""


@pytest.fixture
def read(centre):
    def one(*changes: tuple[str, str], file: str = FILE) -> Bundle:
        text = REGISTER
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        return read_documents(as_bytes({**DEPARTMENT, file: text}), centre=centre)

    return one


def test_a_register_is_read_stored_written_and_compared_with_its_bundle(read, centre, roads):
    bundle = read()
    register = bundle.registers["penalties"]
    assert ([field.id for field in register.document.fields], register.document.sample.rate, set(register.moves)) == (
        ["person", "id_number", "severity", "decided", "months", "mail"], 0.1, {"end"})

    stored = Bundle.from_data(bundle.to_data(), centre=centre)
    assert (stored.hash, stored.registers["penalties"].document) == (bundle.hash, register.document)
    assert bundle.hash != roads.hash
    again = read_documents(files_of(bundle.to_data()), centre=centre)
    assert (again.hash, files_of(bundle.to_data(), bundle.sources)[FILE]) == (bundle.hash, REGISTER.encode())
    assert [(one.file, one.kind) for one in compare(roads, bundle)] == [(FILE, "added")]
    assert [(one.file, one.path) for one in compare(bundle, read(("rate: 0.1", "rate: 0.2")))] == [(FILE, "sample.rate")]


def test_a_row_is_held_against_the_checks(read):
    register = read().registers["penalties"]
    row = {"severity": "grave", "months": 3, "decided": "2026-11-01", "entered_on": "2026-10-31"}
    assert [one.id for one in register.failing(row, on=date(2026, 11, 1))] == ["not-later", "grave-months"]
    assert register.failing({}, on=date(2026, 11, 1)) == ()


@pytest.mark.parametrize(("before", "after", "key", "says"), [
    ("id: penalties", "id: penalty", "id", "penalties"),
    ("scope: department", "scop: department", "scop", "scope"),
    ("id: person,", "id: state,", "fields.0.id", "每条记录都有"),
    ("id: person,", "id: decided,", "fields.3.id", "重复"),
    ("list: [person, severity", "list: [persn, severity", "list.0", "person"),
    ("search: [person]\nunique", "search: [phone]\nunique", "search.0", "没有名为"),
    ("unique: [[id_number", "unique: [[id_numbr", "unique.0.0", "id_number"),
    ("{fact: decided, is: on_or_before", "{fact: civil_servant, is: on_or_before", "checks.0.rule.fact", "没有名为"),
    ("id: grave-months", "id: not-later", "checks.1.id", "重复"),
    ("value: {fact: entered_on}", "value: {param: age_limit}", "checks.0.rule.value.param", "没有声明"),
    ("from: entered, to", "from: entred, to", "states.moves.0.from.0", "entered"),
    ("to: ended,", "to: done,", "states.moves.1.to", "没有名为"),
    ("from: [entered, published], to: ended", "from: [entered, ended], to: published", "states.moves.1.from.1", "final"),
    ("editable: false", "editable: false, within: 5, warn_after: 9", "states.states.1.warn_after", "小于"),
    ("final: true", "final: true, within: 3", "states.states.2.within", "final"),
    ("final: true", "final: true, until: decided", "states.states.2.until", "final"),
    ("editable: false", "editable: false, until: decidd", "states.states.1.until", "decided"),
    ("editable: false", "editable: false, until: months", "states.states.1.until", "日期字段"),
    ("editable: false", "editable: false, within: 5, until: decided", "states.states.1.until", "只能写一个"),
    ("editable: false", "editable: false, warn_before: 5", "states.states.1.warn_before", "until"),
    ("columns: [person,", "columns: [id_number,", "public.columns.0", "保密"),
    ("states: [published], where", "states: [publishd], where", "public.states.0", "published"),
    ("rate: 0.1", "rate: 0", "sample.rate", "大于"),
    ("rate: 0.1", "rate: 25", "sample.rate", "应写作 0.25"),
    ("every: quarter", "every: fortnight", "sample.every", "quarter"),
    ("states: [entered], move: end", "states: [entred], move: end", "sample.states.0", "entered"),
    ("move: end", "move: draw", "sample.move", "没有名为"),
    (", move: end}", "}", "sample.move", "只写一个"),
    ("states: [entered], move: end", "states: [ended], move: end", "sample.states", "不能从这些状态开始"),
    (", move: end}", ", into: nowhere}", "sample.into", "没有名为"),
    ("kind: text, label: {zh: 姓名, en: Name}, max_length: 50", "kind: reference, to: people, label: {zh: 姓名, en: Name}", "fields.0.to", "没有名为"),
    ("list: [person, sev", "order: person-\nlist: [person, sev", "order", ""),
    ("list: [person, sev", "filters: [colour]\nlist: [person, sev", "filters.0", "没有名为"),
    ("list: [person, sev", "renamed: {persn: who}\nlist: [person, sev", "renamed.persn", "person"),
    ("list: [person, sev", "renamed: {person: mail}\nlist: [person, sev", "renamed.person", "仍是一个字段"),
    ("list: [person, sev", "intake: {title: 受理, fields: [persn], consent: 同意, done: 已收到}\nlist: [person, sev", "intake.fields.0", "person"),
    ("list: [person, sev", "intake: {title: 受理, fields: [person], consent: 同意, done: 已收到}\nlist: [person, sev", "fields.2", "required: false"),
    ("edit: {levels: [region]", "edit: {levels: [region], roles: [minister]", "edit.roles.0", "coordinator"),
    ("  publish: {to: mail", "  publsh: {to: mail", "letters.publsh", "publish"),
    ("to: mail", "to: person", "letters.publish.to", "mail"),
    ("{person}：", "{id_number}：", "letters.publish.body.zh", "占位名"),
    ("{person}：", "{person.__class__}：", "letters.publish.body.zh", "占位名"),
    ("levels: [region], coordinator", "levels: [province], coordinator", "edit.levels.0", "region"),
    ("article: 第六条}}", "article: 第六条}}, fnal: true", "states.states.0.fnal", "final"),
    ("reg: R1", "reg: R9", "states.states.0.within.basis.reg", "regulations"),
    ("kind: email", "kind: mail", "fields.5", "email"),
    ("list: [person, sev", "public: {title: 公开, columns: [person], details: [mail]}\nlist: [person, sev", "public", "重复"),
    ("columns: [person, severity, decided]", "columns: [person], details: [mail]", "public.details.0", "保密"),
    ("columns: [person, severity, decided]", "columns: [person], filters: [decidd]", "public.filters.0", "decided"),
    ("columns: [person, severity, decided]", "columns: [person], order: -decidd", "public.order", "decided"),
    ("kind: text, label: {zh: 姓名, en: Name}, max_length: 50", "kind: staff, label: {zh: 姓名, en: Name}", "public.columns.0", "工作人员"),
    ("needs_reason: true, when", "hands_to: severity, needs_reason: true, when", "states.moves.1.hands_to", "部门字段"),
    ("list: [person, sev", "intake: {title: 受理, fields: [person, id_number, severity, decided, months], consent: 同意, done: 已收到, answers: [mail]}\nlist: [person, sev", "intake.answers.0", "保密"),
    ("show_when: {fact: severity", "show_when: {fact: mail", "fields.4.show_when.fact", "没有名为"),
    ("list: [person, sev", "  - {id: helpers, kind: group, label: {zh: 协助人, en: Helpers}, fields: [{id: number, kind: id_number, label: {zh: 号码, en: Number}}]}\nlist: [person, sev", "fields.6.fields.0", "不加密"),
    ("list: [person, sev", "  - {id: helpers, kind: group, label: {zh: 协助人, en: Helpers}, fields: [{id: post, kind: text, label: {zh: 职务, en: Post}}, {id: pay, kind: integer, label: {zh: 薪酬, en: Pay}, secret: true}]}\nlist: [person, sev", "fields.6.fields.1", "不加密"),
    ("list: [person, sev", "  - {id: helpers, kind: group, secret: true, label: {zh: 协助人, en: Helpers}, fields: [{id: post, kind: text, label: {zh: 职务, en: Post}}]}\nlist: [person, sev", "fields.6", "不加密"),
])
def test_what_a_register_may_not_say_is_named_with_its_line(read, before, after, key, says):
    with pytest.raises(Problems) as problems:
        read((before, after))
    found = [(one.file, one.key) for one in problems.value.problems if says in one.zh]
    assert (FILE, key) in found, [str(one) + one.key for one in problems.value.problems]
    text = REGISTER.replace(before, after)
    lines = {one.line for one in problems.value.problems if one.key == key}
    assert lines <= set(range(1, text.count("\n") + 2)) and (min(lines) > 1 or key == "id")


def test_a_state_nobody_reaches_or_leaves_is_named(read):
    with pytest.raises(Problems) as problems:
        read(("    - {id: ended, title", "    - {id: lost, title: {zh: 丢失, en: Lost}}\n    - {id: ended, title"))
    assert sorted(one.zh[:6] for one in problems.value.problems) == ["没有任何动作", "没有任何动作"]


def test_a_register_lies_in_its_folder_under_a_plain_name(read):
    for name in ("registers/Penalties.yaml", "registers/old/penalties.yaml", "registers/penalties.yml", "register/penalties.yaml"):
        with pytest.raises(Problems):
            read(file=name)


def test_checks_look_at_registers_too(read):
    bundle = read(("{any: [{fact: severity, is: eq, value: light}, {fact: months, is: ge, value: 6}]}", "{all: [{fact: months, is: ge, value: 6}, {fact: months, is: lt, value: 6}]}"),
                  ("where: {fact: severity, is: eq, value: grave}", "where: {fact: months, is: gt, value: 120}"), ("en: Name}", "en: }"))
    found = {(one.code, one.key) for one in check_bundle(bundle, on=date(2026, 11, 26)) if one.file == FILE}
    assert found == {("C101", "checks.1.rule"), ("C106", "public.where"), ("C401", "fields.0.label")}


def test_required_references_that_come_back_to_themselves_are_named(read):
    with pytest.raises(Problems) as problems:
        read(("kind: text, label: {zh: 姓名", "kind: reference, to: penalties, label: {zh: 姓名"), (", max_length: 50}", "}"))
    assert [one.key for one in problems.value.problems if "绕了一圈" in one.zh] == ["fields"]


PLACES = """\
id: places
title: 场地
fields:
  - {id: name, kind: text, label: 名称}
  - {id: seats, kind: integer, label: 座位}
list: [name]
sample: {rate: 0.5, every: month, into: visits}
"""
VISITS = """\
id: visits
title: 走访
fields:
  - {id: place, kind: reference, to: places, label: 场地}
  - {id: note, kind: text, label: 情况, required: false}
  - {id: people, kind: group, label: 人员, required: false, min_entries: 0, fields: [{id: who, kind: text, label: 姓名}]}
list: [place, note]
public: {title: 走访结果, columns: [note]}
"""


@pytest.mark.parametrize(("register", "before", "after", "key", "says"), [
    ("places", "", "", "", ""),
    ("places", "into: visits", "into: visit", "sample.into", "visits"),
    ("visits", "label: 情况, required: false", "label: 情况", "sample.into", "必填"),
    ("visits", "columns: [note]", "columns: [place, note]", "public.columns.0", "不公开"),
    ("visits", "columns: [note]", "columns: [people]", "public.columns.0", "组"),
    ("visits", "label: 姓名}]}\nlist: [place, note]\npublic: {title: 走访结果, columns: [note]", "label: 姓名}, {id: mobile, kind: phone, label: 手机}]}\nlist: [place, note]\n"
     "public: {title: 走访结果, columns: [note], details: [people]", "public.details.0", "含保密"),
    ("visits", "to: places", "to: place", "fields.0.to", "places"),
])
def test_registers_of_one_folder_are_held_against_each_other(centre, register, before, after, key, says):
    texts = {"places": PLACES, "visits": VISITS}
    texts[register] = texts[register].replace(before, after) if before else texts[register]
    files = as_bytes({**DEPARTMENT, **{f"registers/{name}.yaml": text for name, text in texts.items()}})
    if not key:
        assert set(read_documents(files, centre=centre).registers) == {"places", "visits"}
        return
    with pytest.raises(Problems) as problems:
        read_documents(files, centre=centre)
    assert any(one.key == key and says in one.zh and one.line > 1 for one in problems.value.problems), [str(one) + one.key for one in problems.value.problems]


def test_a_form_of_applicants_points_at_nothing(centre):
    form = "sections: [{id: a, title: 甲, fields: [{id: agency, kind: reference, to: agencies, label: 机构}]}]\n"
    with pytest.raises(Problems) as problems:
        read_documents(as_bytes({**DEPARTMENT, "application.yaml": form}), centre=centre)
    assert any(one.file == "application.yaml" and "reference" in one.zh + one.key for one in problems.value.problems)


def test_a_row_that_is_pointed_at_is_named_by_its_number():
    from rules.fields import Around, FieldError, ReferenceField

    field = ReferenceField(id="agency", kind="reference", label="机构", to="agencies")
    around = Around(date(2026, 11, 26))
    assert [field.parse(raw, around) for raw in ("12", 12, "", None, "１２")] == [12, 12, None, None, 12]
    for raw in ("0", "-1", "1 OR 1=1", "1" * 30, True, [1]):
        with pytest.raises(FieldError):
            field.parse(raw, around)


FIELD = "  - {id: person, kind: text, label: {zh: 姓名, en: Name}, max_length: 50}\n"


@pytest.mark.parametrize(("text", "says"), [
    (REGISTER.replace(FIELD, FIELD + "".join(f"  - {{id: more_{at}, kind: text, label: 甲}}\n" for at in range(300))), "200"),
    ("a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(f"{chr(98 + at)}: &{chr(98 + at)} [{', '.join([f'*{chr(97 + at)}'] * 9)}]\n" for at in range(9)), ""),
    (REGISTER.replace("title: {zh: 处罚登记, en: Penalties}", "title: !!python/object/apply:os.system [id]"), ""),
    (REGISTER + "title: 又一个\n", "重复"),
    ("- 1\n- 2\n", ""),
    ("", ""),
    ("[" * 5_000, ""),
    ("id: penalties\ntitle: " + "长" * 300_000, ""),
], ids=["300 fields", "bomb", "code", "twice", "list", "empty", "deep", "long"])
def test_a_register_that_means_harm_is_refused_in_words_and_in_time(centre, text, says):
    with pytest.raises(Problems) as problems:
        read_documents(as_bytes({**DEPARTMENT, FILE: text}), centre=centre)
    said = [one for one in problems.value.problems if one.file == FILE]
    assert said and all(one.zh and one.en and one.line >= 1 for one in said) and any(says in one.zh for one in said)
