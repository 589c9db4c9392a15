"""From answers to facts: everything by field id, what follows from it, and what the registers say.

Raise DERIVATION_VERSION whenever the same answers would give other facts: stored verdicts carry it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from rules.ages import age_on
from rules.evaluation import as_date
from rules.fact_types import FactType
from rules.fields import birth_date, sex
from rules.parts import Text

DERIVATION_VERSION = 1

_DATE, _NUMBER, _TEXT = "date", "number", "text"
DERIVED: Mapping[str, FactType] = {
    "birth_date": FactType("date", Text(zh="出生日期", en="date of birth")),
    "sex": FactType("choice", Text(zh="性别", en="sex"), {"male": Text(zh="男", en="male"), "female": Text(zh="女", en="female")}),
    "applied_on": FactType("date", Text(zh="申报之日", en="the day of application")),
    "decided_on": FactType("date", Text(zh="决定之日", en="the day of decision")),
    "age": FactType("number", Text(zh="周岁（决定之日）", en="age on the day of decision"), whole=True),
    "age_applied": FactType("number", Text(zh="周岁（申报之日）", en="age on the day of application"), whole=True),
    "specialties": FactType("group", Text(zh="申报专业", en="specialties applied for"), entry={
        "standard": FactType("text", Text(zh="分类标准", en="standard")), "code": FactType("text", Text(zh="专业代码", en="code"))}),
    "blacklisted": FactType("boolean", Text(zh="被联合惩戒", en="under joint restriction")),
    "penalties": FactType("group", Text(zh="处罚记录", en="penalties"), entry={
        "kind": FactType("text", Text(zh="处罚种类", en="kind")), "decided_on": FactType("date", Text(zh="处罚日期", en="date of the penalty")),
        "department": FactType("text", Text(zh="处罚机关", en="authority"))}),
}
FROM_ID_NUMBER = ("birth_date", "sex", "age", "age_applied")
REGISTER_FACTS = frozenset({"blacklisted", "penalties"})


def schema(*forms: Mapping[str, FactType]) -> dict[str, FactType]:
    """The facts criteria may name: the derived ones and the fields of the forms given."""
    known = dict(DERIVED)
    for fields in forms:
        known.update(fields)
    papers = known["id_number"].evidence if "id_number" in known else ()
    if papers:                                            # what proves the number proves what follows from it
        known.update({name: replace(DERIVED[name], evidence=papers) for name in FROM_ID_NUMBER})
    return known


def derive(answers: Mapping[str, Any], *, department: str, applied_on: date, decided_on: date | None = None,
           specialties: Iterable[Mapping[str, str] | tuple[str, str]] = (), registers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The facts of one admission, as JSON.

    `answers` are clean answers of the whole form: the department's own lie under its code, the shared ones beside it.
    `specialties` are those of this admission only. A register that could not be asked is left out or None: unknown.
    """
    own = answers.get(department)
    facts = {key: value for key, value in answers.items() if key == department or not _is_part(key, value)}
    facts.pop(department, None)
    if isinstance(own, dict):
        facts.update(own)
    chosen = [{"standard": one[0], "code": one[1]} if isinstance(one, tuple) else {"standard": one["standard"], "code": one["code"]} for one in specialties]
    facts["specialties"] = sorted(chosen, key=lambda one: (one["standard"], one["code"]))
    facts["applied_on"] = applied_on.isoformat()
    facts["decided_on"] = (decided_on or applied_on).isoformat()
    for name, value in (registers or {}).items():
        if name in REGISTER_FACTS:
            facts[name] = value
    return complete(facts)


def complete(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add what follows from the facts given; a fact that is there wins over one derived."""
    known = {name: value for name, value in facts.items() if value is not None}
    born = birth_date(known.get("id_number"))
    if born is not None:
        known.setdefault("birth_date", born.isoformat())
        known.setdefault("sex", sex(known["id_number"]))
    born = as_date(known.get("birth_date"))
    for name, day_name in (("age", "decided_on"), ("age_applied", "applied_on")):
        day = as_date(known.get(day_name))
        age = age_on(born, day) if born and day else None
        if age is not None:
            known.setdefault(name, age)
    return known


def _is_part(key: str, value: Any) -> bool:
    """Another department's part of the answers: a mapping that is neither a period nor a specialty."""
    return isinstance(value, dict) and not ({"start", "end"} & value.keys() or {"standard", "code"} & value.keys())
