"""What the seed tables look like: the files, and which table of the database each one fills."""

from __future__ import annotations

from dataclasses import dataclass

from console.db import Base
from console.departments import models
from console.retention.models import RetentionRule
from seed.rows import File, Reference, code, day, day_or_none, text, whole, yes_no

_DIVISION, _SPECIALTY, _DEPARTMENT, _REGULATION = r"15[0-9]{4}", r"[ABC][0-9]{0,8}", r"[a-z_]+", r"[A-Z0-9-]+"


def _specialties(name: str, standard: str) -> File:
    return File(
        name,
        {
            "standard": text(20, pattern=standard),
            "code": text(12, pattern=_SPECIALTY),
            "parent_code": code(12, pattern=_SPECIALTY),
            "level": whole(1, 5),
            "selectable": yes_no,
            "name": text(120),
        },
        ("standard", "code"),
        (Reference(("standard", "parent_code"), name, ("standard", "code")),),
    )


DIVISIONS = File(
    "divisions.csv",
    {
        "code": text(6, pattern=_DIVISION),
        "parent_code": code(6, pattern=_DIVISION),
        "level": whole(1, 3),
        "name": text(60),
        "name_en": text(80),
    },
    ("code",),
    (Reference(("parent_code",), "divisions.csv", ("code",)),),
)
ALIASES = File(
    "division_aliases.csv",
    {
        "alias_code": text(6, pattern=_DIVISION),
        "division_code": text(6, pattern=_DIVISION),
        "name": text(60),
        "name_en": text(80),
    },
    ("alias_code",),
    (Reference(("division_code",), "divisions.csv", ("code",)),),
)
DEPARTMENTS = File(
    "departments.csv",
    {
        "code": text(40, pattern=_DEPARTMENT),
        "short_code": text(4, pattern="[A-Z]{2,4}"),
        "name": text(80),
        "short_name": text(20),
        "name_en": text(120),
        "is_centre": yes_no,
    },
    ("code",),
)
OFFICES = File(
    "offices.csv",
    {
        "department": text(40, pattern=_DEPARTMENT),
        "division_code": text(6, pattern=_DIVISION),
        "name": text(120),
        "name_en": text(160),
        "phone": text(40, pattern="[0-9-]+"),
        "hours": text(80),
        "is_coordinating": yes_no,
    },
    ("department", "division_code"),
    (
        Reference(("department",), "departments.csv", ("code",)),
        Reference(("division_code",), "divisions.csv", ("code",)),
    ),
)
SPECIALTIES = (
    _specialties("specialties_316_2018.csv", "316-2018"),
    _specialties("specialties_mof_2022.csv", "mof-2022"),
)
WORKDAYS = File(
    "workdays.csv",
    {
        "day": day,
        "is_workday": yes_no,
        "kind": text(20, pattern="holiday|holiday_in_lieu|makeup_workday"),
        "name": text(60),
    },
    ("day",),
)
CODES = File(
    "code_lists.csv",
    {
        "list": text(40, pattern="[a-z_]+"),
        "code": text(20, pattern="[0-9]+"),
        "name": text(120),
        "name_en": text(160),
        "verified": yes_no,
    },
    ("list", "code"),
)
REGULATIONS = File(
    "regulations.csv",
    {
        "id": text(40, pattern=_REGULATION),
        "title": text(200),
        "title_en": text(240),
        "number": text(80),
        "in_force_from": day_or_none,
        "in_force_to": day_or_none,
        "verified": yes_no,
    },
    ("id",),
)
PARAGRAPHS = File(
    "regulation_paragraphs.csv",
    {
        "regulation_id": text(40, pattern=_REGULATION),
        "article": text(40),
        "title": text(80),
        "summary": text(400),
        "verified": yes_no,
        "in_force_from": day_or_none,
        "in_force_to": day_or_none,
    },
    ("regulation_id", "article"),
    (Reference(("regulation_id",), "regulations.csv", ("id",)),),
)
RETENTION = File(
    "retention.csv",
    {"kind": text(20, pattern="[a-z]+"), "days": whole(1, 36_500), "basis": text(200), "verified": yes_no},
    ("kind",),
)
FILES = (
    DIVISIONS,
    ALIASES,
    DEPARTMENTS,
    OFFICES,
    *SPECIALTIES,
    WORKDAYS,
    CODES,
    REGULATIONS,
    PARAGRAPHS,
    RETENTION,
)


@dataclass(frozen=True)
class Target:
    """A table to fill. `keeps` names the columns people edit on screens: they are filled once and then left alone."""

    model: type[Base]
    key: tuple[str, ...]
    keeps: tuple[str, ...] = ()
    recorded_by: str | None = None  # rows that somebody else recorded are left alone


# In the order of their foreign keys.
TARGETS = (
    Target(models.Division, ("code",)),
    Target(models.Department, ("code",)),
    Target(models.Office, ("department_id", "division_code"), keeps=("phone", "hours")),
    Target(models.Specialty, ("standard", "code")),
    Target(models.CodeItem, ("list", "code")),
    Target(models.Regulation, ("id",)),
    Target(
        models.RegulationParagraph,
        ("regulation_id", "article", "version"),
        keeps=("recorded_at", "recorded_by"),
        recorded_by=models.SEEDED,
    ),
    Target(RetentionRule, ("kind",), keeps=("days", "basis", "verified")),
)
