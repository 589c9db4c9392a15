"""Who applies, what becomes of them, and where each of them is declared to end.

Every person is written down: place, departments, what is different about them, the plan of their case. `expected` is declared here and
nowhere computed from the run; `make demo` fails when anyone ends elsewhere.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.pipeline import Step
from seed.demo import filling

# one banner or district of each of the twelve leagues and cities
PLACES = ("150105", "150204", "150302", "150402", "150502", "150602", "150702", "150802", "150902", "152201", "152502",
          "152921")  # fmt: skip

SPECIALTY = {
    "transport": ("316-2018", "A050302"),
    "water": ("316-2018", "A080804"),
    "housing": ("316-2018", "A060101"),
    "natural_resources": ("316-2018", "A010301"),
    "finance": ("mof-2022", "A02010000"),
    "centre": ("316-2018", "A070101"),  # claimed by nobody: the centre assigns it
}
NAMES = ["高娃", "赵明远", "哈斯巴根", "刘志强", "何文涛", "额尔敦", "乌兰", "白音", "斯琴", "王秀兰", "张建国", "包青山", "李红梅", "图雅", "陈立军", "其木格", "苏和", "孟和", "杨晓东", "阿拉坦", "娜仁", "周海燕", "韩宝音", "萨仁", "郭永胜", "特木尔", "吴桂芳", "朝鲁", "马文斌", "塔娜", "胡日查", "孙丽华", "巴特尔", "徐建平", "乌云", "林志远", "敖其尔", "高志刚", "莎仁", "宝力德", "郑文华", "那顺", "董玉梅", "牧仁", "冯国庆", "通拉嘎", "谢春雷", "金山", "贺希格", "吕秀英", "布和", "田丰", "格日勒", "崔建军", "其其格", "付强", "毕力格", "姜慧", "赛罕", "丁卫东", "珊丹", "邓鹏", "哈达", "宋亚男", "青格勒", "彭飞", "乌日娜", "潘瑞", "道尔吉", "贾思敏", "恩和", "尹航"]


@dataclass(frozen=True)
class Plan:
    """What people do with one admission; nothing said means the straight way to the roster."""

    returned_by: Step | None = None  # an officer returns it once
    corrects: bool = True
    refused_by: Step | None = None
    reconsiders: bool | None = None  # True: asked and granted; False: asked and refused
    trains: bool = True
    tries: tuple[bool, ...] = (True,)  # how each sitting of the exam goes; none: never sits
    objection: bool | None = None  # True: upheld; False: dismissed
    barred_during_notice: bool = False
    withdraws_at: Step | None = None
    assigned_to: str | None = None
    waits_at: Step | None = None  # the demo for people to look at: nobody touches it there


@dataclass(frozen=True)
class Person:
    serial: int
    name: str
    division: str
    departments: tuple[str, ...]
    expected: Mapping[str, Step]
    story: str
    born: dt.date = dt.date(1975, 3, 2)
    changes: Mapping[str, Any] = field(default_factory=dict)
    corrections: Mapping[str, Any] = field(default_factory=dict)
    barred: bool = False
    plans: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def phone(self) -> str:
        return f"1380471{self.serial:04d}"

    @property
    def password(self) -> str:
        return f"ruku-demo-{self.serial:04d}"

    @property
    def id_number(self) -> str:
        return filling.id_number(self.division, self.born, self.serial)

    @property
    def employer(self) -> str:
        return ("草原工程咨询有限公司", "北方勘测设计院", "青城监理有限公司", "河套水利设计院")[self.serial % 4]

    @property
    def specialties(self) -> list[tuple[str, str]]:
        return [SPECIALTY[department] for department in self.departments]

    def plan(self, department: str) -> Plan:
        return self.plans.get(department, Plan())

    def answers(self) -> dict[str, Any]:
        own = [department for department in self.departments if department != "centre"]
        base = filling.answers(
            own or ["transport"], name=self.name, number=self.id_number, phone=self.phone, division=self.division,
            employer=self.employer, serial=self.serial,
        )  # fmt: skip
        if not own:
            base.pop("transport")
        return filling.changed(base, self.changes)


DEPARTMENTS = ("transport", "water", "housing", "natural_resources", "finance")
_OLD = dt.date(1950, 5, 1)
_NO_YEARS = {
    "work_periods.0.months": {"start": "2021-01", "end": "now"},
    "work_periods.1.months": {"start": "2020-01", "end": "2020-12"},
}

# one refusal for each kind of criterion; what is changed is what the criterion looks at
REFUSALS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("transport", "citizen", {"citizen_capacity": False}),
    ("water", "healthy", {"healthy": False}),
    ("transport", "title", {"title_level": "intermediate"}),
    ("housing", "years", _NO_YEARS),
    ("finance", "title_and_years", {"title_level": "junior"}),
    ("transport", "no_penalty", {"transport.admin_penalty": True}),
    ("transport", "projects", {"transport.highway_projects.1.highway_role": "member"}),
    ("water", "projects", {"water.water_projects.0.water_role": "member"}),
    ("natural_resources", "led_projects", {
        "natural_resources": {"review_kind": "fund_technical", "fit_for_field": True, "geology_projects": [
            {"geology_name": "阿拉善铜矿普查", "geology_role": "member", "geology_months": {"start": "2001-01", "end": "2020-12"}}]},
    }),
    ("natural_resources", "field_fitness", {
        "natural_resources": {"review_kind": "fund_technical", "fit_for_field": False, "geology_projects": [
            {"geology_name": "白云鄂博外围勘查", "geology_role": "lead", "geology_months": {"start": "2001-01", "end": "2010-12"}},
            {"geology_name": "额济纳金矿详查", "geology_role": "lead", "geology_months": {"start": "2011-01", "end": "2020-12"}}]},
    }),
    ("finance", "no_bad_behaviour", {"finance.bad_behaviour": True}),
    ("finance", "not_procurement_supervisor", {"finance.procurement_supervisor": True}),
    ("housing", "no_criminal_punishment", {"criminal_punishment": True}),
    ("natural_resources", "not_dismissed", {"dismissed_from_office": True}),
    ("housing", "not_barred", {"barred_from_evaluation": True}),
    ("water", "not_discredited", {"serious_discredit": True}),
    ("finance", "independent", {"works_for_supervisor": True}),
    ("natural_resources", "independent", {"works_for_centre": True}),
)  # fmt: skip


def everyone() -> list[Person]:
    """The population of `make demo`."""
    serial, names, places = itertools.count(1), itertools.cycle(NAMES), itertools.cycle(PLACES)

    def person(*departments: str, ends: Step | Mapping[str, Step], story: str, plan: Plan | None = None, **more: Any) -> Person:
        expected = ends if isinstance(ends, Mapping) else dict.fromkeys(departments, ends)
        plans = more.pop("plans", None) or (dict.fromkeys(departments, plan) if plan else {})
        return Person(next(serial), next(names), next(places), departments, expected, story, plans=plans, **more)

    return list(_everyone(person))


def _everyone(person: Any) -> Iterator[Person]:
    admitted, refused = Step.ROSTER, Step.REFUSED
    for _ in range(3):  # the straight way, in every department, over twelve leagues
        for department in DEPARTMENTS:
            yield person(department, ends=admitted, story="一路顺利")
    for department, criterion, changes in REFUSALS:
        yield person(department, ends=refused, story=f"不满足条件 {criterion}", changes=changes)
    for department in DEPARTMENTS:
        yield person(department, ends=refused, story="不满足条件 age", born=_OLD)
    yield person("water", ends=refused, story="不满足条件 not_blacklisted", barred=True)

    for department in DEPARTMENTS:  # returned by an officer, corrected in time
        by = Step.SECOND_REVIEW if department in ("water", "finance") else Step.FIRST_REVIEW
        yield person(department, ends=admitted, story="退回补正后通过", plan=Plan(returned_by=by))
    yield person("transport", ends=Step.LAPSED, story="退回后逾期失效", plan=Plan(returned_by=Step.FIRST_REVIEW, corrects=False))
    yield person("finance", ends=Step.LAPSED, story="退回后逾期失效", plan=Plan(returned_by=Step.SECOND_REVIEW, corrects=False))
    yield person("water", ends=Step.LAPSED, story="不参加培训，逾期失效", plan=Plan(trains=False))
    yield person("housing", ends=Step.LAPSED, story="不参加考试，逾期失效", plan=Plan(tries=()))

    for department in DEPARTMENTS:
        yield person(department, ends=admitted, story="补考通过", plan=Plan(tries=(False, True)))
    yield person("transport", ends=Step.FAILED, story="考试机会用完", plan=Plan(tries=(False,) * 9))
    yield person("natural_resources", ends=Step.FAILED, story="考试机会用完", plan=Plan(tries=(False,) * 9))

    yield person("housing", ends=refused, story="初审不予通过", plan=Plan(refused_by=Step.FIRST_REVIEW))
    yield person("water", ends=refused, story="复审不予通过", plan=Plan(refused_by=Step.SECOND_REVIEW))
    for department in ("transport", "finance"):
        yield person(department, ends=admitted, story="不予通过后申请复核，获准",
                     plan=Plan(refused_by=Step.FIRST_REVIEW, reconsiders=True))  # fmt: skip
    for department in ("housing", "natural_resources"):
        yield person(department, ends=refused, story="不予通过后申请复核，维持",
                     plan=Plan(refused_by=Step.FIRST_REVIEW, reconsiders=False))  # fmt: skip

    yield person("transport", ends=refused, story="公示期异议成立", plan=Plan(objection=True))
    yield person("water", ends=refused, story="公示期异议成立", plan=Plan(objection=True))
    for department in ("housing", "finance", "transport"):
        yield person(department, ends=admitted, story="公示期异议不成立", plan=Plan(objection=False))
    yield person("natural_resources", ends=refused, story="公示期间被联合限制", plan=Plan(barred_during_notice=True))

    for department, step in zip(DEPARTMENTS, (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.TRAINING, Step.EXAM, Step.PUBLICITY),
                                strict=True):  # fmt: skip
        yield person(department, ends=Step.WITHDRAWN, story=f"在 {step} 撤回", plan=Plan(withdraws_at=step))

    yield person("transport", ends=admitted, story="公务员，入库不取酬", changes={"civil_servant": True})
    yield person("housing", ends=admitted, story="失信名单不清楚，审核人员认定", changes={"serious_discredit": None})
    yield person("water", "transport", ends=admitted, story="两个部门，都入库")
    yield person("transport", "finance", ends={"transport": refused, "finance": admitted}, story="两个部门，一个不予通过",
                 changes={"transport.admin_penalty": True})  # fmt: skip
    yield person("water", "housing", ends={"water": admitted, "housing": Step.WITHDRAWN}, story="两个部门，撤回一个",
                 plans={"housing": Plan(withdraws_at=Step.SECOND_REVIEW)})  # fmt: skip
    yield person("centre", ends={"housing": admitted}, story="无人认领的专业，中心指派住建厅",
                 plans={"centre": Plan(assigned_to="housing"), "housing": Plan()},
                 changes={"work_periods.0.work_field": "construction"})  # fmt: skip
