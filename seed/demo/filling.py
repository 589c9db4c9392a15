"""How a well-prepared applicant fills in the form; a person of the population changes what makes their case."""

from __future__ import annotations

import copy
import datetime as dt
import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# the field of work each department counts, and how a specialty of it is called in the papers
FIELD = {"finance": "economics", "natural_resources": "geology", "housing": "construction", "transport": "transport",
         "water": "water", "centre": "other"}  # fmt: skip


def id_number(division: str, born: dt.date, serial: int) -> str:
    """A well-formed identity number (GB 11643) of nobody."""
    body = f"{division}{born:%Y%m%d}{serial % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def uscc(division: str, serial: int) -> str:
    """A well-formed unified social credit code (GB 32100) of no organisation."""
    body = f"91{division}MA{serial:07d}"
    check = (31 - sum(_USCC.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31) % 31
    return body + _USCC[check]


@lru_cache(maxsize=64)
def paper(kind: str, serial: int) -> bytes:
    """A scanned page as a PDF: a real file that passes every check, different for each serial."""
    page = Image.new("RGB", (620, 877), "#fdfcf8")
    pen = ImageDraw.Draw(page)
    pen.rectangle((40, 40, 580, 837), outline="#b9b2a3", width=3)
    pen.text((240, 90), kind.upper(), fill="#333333")
    for line in range(14):
        pen.line((90, 190 + line * 34, 530 - (line * 37 + serial * 13) % 160, 190 + line * 34), fill="#8d877b", width=2)
    pen.ellipse((400, 690, 520, 810), outline="#a3291d", width=4)
    pen.text((442, 742), f"No {serial:05d}", fill="#a3291d")
    out = io.BytesIO()
    page.save(out, "PDF", resolution=75)
    return out.getvalue()


def answers(
    departments: list[str], *, name: str, number: str, phone: str, division: str, employer: str, serial: int
) -> dict[str, Any]:
    """Answers that meet every criterion of the departments; files are attached apart (`files_of`)."""
    filled: dict[str, Any] = {
        "name": name,
        "id_number": number,
        "phone": phone,
        "email": f"demo{serial}@example.cn",
        "citizen_capacity": True,
        "healthy": True,
        "electronic_evaluation": True,
        "work_division": division,
        "employment_status": "employed",
        "employer": employer,
        "employer_uscc": uscc(division, serial),
        "post": "总工程师",
        "civil_servant": False,
        "works_for_supervisor": False,
        "works_for_centre": False,
        "education_level": "bachelor",
        "school": "内蒙古工业大学",
        "major": "工程技术",
        "title_level": "associate_senior",
        "title_name": "高级工程师",
        "title_date": "2014-12-01",
        "qualification_level": "none",
        "work_periods": [
            {"months": {"start": "2010-07", "end": "now"}, "organisation": employer, "position": "总工程师",
             "work_field": FIELD[departments[0]]},
            {"months": {"start": "1999-07", "end": "2010-06"}, "organisation": "自治区第二工程局", "position": "工程师",
             "work_field": FIELD[departments[-1]]},
        ],
        "projects": [],
        "avoided_employers": [],
        "has_relatives": False,
        "criminal_punishment": False,
        "dismissed_from_office": False,
        "barred_from_evaluation": False,
        "serious_discredit": False,
        "pledge_true": True,
        "pledge_duty": True,
        "consent_data": True,
        "consent_publicity": True,
    }  # fmt: skip
    for department in departments:
        filled[department] = copy.deepcopy(_OWN.get(department, {}))
    return filled


_OWN: Mapping[str, dict[str, Any]] = {
    "finance": {"strengths": "公路养护机械与信息化设备采购评审，二十年采购管理经历。", "bad_behaviour": False,
                "bribery_or_fraud": False,
                "procurement_supervisor": False, "recusal_complete": True},
    "natural_resources": {"review_kind": "general", "nature_projects": []},
    "housing": {"registrations": []},
    "transport": {
        "highway_projects": [
            {"highway_name": "四子王旗—武川县二级公路改建", "highway_kind": "highway", "highway_role": "lead",
             "highway_finished": "2023-10-20"},
            {"highway_name": "黄河喇嘛湾桥维修加固", "highway_kind": "bridge_tunnel", "highway_role": "key",
             "highway_finished": "2020-09-11"},
        ],
        "unit_agrees": True,
        "admin_penalty": False,
    },
    "water": {
        "water_projects": [
            {"water_name": "乌梁素海补水渠道", "water_size": "large", "water_role": "lead", "water_finished": "2022-08-30"},
            {"water_name": "西辽河堤防加固", "water_size": "medium", "water_role": "key", "water_finished": "2018-06-15"},
        ],
    },
}  # fmt: skip


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with dotted paths laid over it; None takes an answer away."""
    result = copy.deepcopy(dict(base))
    for path, value in changes.items():
        here: Any = result
        *way, last = path.split(".")
        for part in way:
            here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
        if value is None:
            here.pop(last, None)
        else:
            here[int(last) if isinstance(here, list) else last] = value
    return result
