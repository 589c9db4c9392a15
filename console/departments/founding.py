"""A department that is nothing but a folder yet: its row, and an office in the region, every league and every banner.

Names and telephones are derived from its `bundle.yaml`; officers correct them on the screen "offices" afterwards, and base data
that names the department later takes precedence.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit
from console.departments.models import Department, Division, Office
from console.scope import Principal
from rules.bundle import Bundle

_REGION = re.compile(r"^(内蒙古)?自治区|^内蒙古")


def found(session: Session, bundle: Bundle, *, actor: Principal) -> Department:
    """Make the department and its offices; needs the owner's login."""
    manifest = bundle.manifest
    short = _REGION.sub("", manifest.title.zh) or manifest.title.zh
    taken = set(session.scalars(select(Department.short_code)))
    department = Department(
        code=manifest.code,
        name=manifest.title.zh,
        name_en=manifest.title.show("en"),
        short_name=short[:20],
        short_code=next(code for code in _short_codes(manifest.code) if code not in taken),
    )
    session.add(department)
    session.flush()
    session.add_all(_offices(bundle, department, session.scalars(select(Division).order_by(Division.code)).all()))
    session.flush()
    audit.record(session, "department.founded", f"department:{department.id}", code=department.code, by=actor.who)
    return department


def _offices(bundle: Bundle, department: Department, divisions: Collection[Division]) -> Iterator[Office]:
    manifest = bundle.manifest
    local = re.sub("厅$", "局", department.short_name)  # 自治区水利厅, 呼和浩特市水利局
    for division in divisions:
        top = division.level == 1
        yield Office(
            department_id=department.id,
            division_code=division.code,
            level=division.level,
            name=department.name if top else f"{division.name}{local}",
            name_en=department.name_en if top else f"{department.name_en}, {division.name_en}",
            phone=manifest.contact.phone,
            hours=manifest.contact.hours.zh,
            is_coordinating=top,
        )


def _short_codes(code: str) -> Iterator[str]:
    """What the numbers of its files end with, best first: the initials of its words, the beginning of its first, any letters."""
    letters = re.sub("[^A-Z]", "", code.upper())
    initials = "".join(word[0] for word in code.upper().split("_") if word and word[0].isalpha())
    if 2 <= len(initials) <= 4:
        yield initials
    yield from (letters[:length] for length in (2, 3, 4) if len(letters) >= length)
    yield from ("".join(pair) for pair in itertools.product("ABCDEFGHIJKLMNOPQRSTUVWXYZ", repeat=2))
