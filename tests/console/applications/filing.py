"""A person who fills in the form with care, through the services, and what a database then holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from console import clock
from console.applications import services
from console.applications.models import Admission, Application
from console.scope import Applicant, become
from rules import forms
from rules.fields import FileField
from seed.demo import filling
from seed.demo.population import SPECIALTY
from tests.factories import SAIHAN, id_number, make_applicant

EMPLOYER = "草原工程咨询有限公司"


@dataclass(frozen=True)
class Person:
    """An applicant with an account, as themselves; the identity number is not registered before the first submission."""

    me: Applicant
    phone: str
    number: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def newcomer(session: Session, serial: int, *, changes: Mapping[str, Any] | None = None) -> Person:
    phone, number = f"1351234{serial:04d}", id_number(serial)
    row = make_applicant(session, name="高娃", phone=phone, id_number=number)
    row.id_number = row.id_number_hash = None
    session.flush()
    return Person(Applicant(row.id, row.name), phone, number, changes or {})


def draft(
    session: Session, person: Person, *departments: str, division: str = SAIHAN, specialties: list[tuple[str, str]] | None = None
) -> Application:
    """A draft with nothing wrong in it, every file attached; the block around it is the person's."""
    me = person.me
    application = services.begin_application(session, actor=me)
    chosen = specialties or [SPECIALTY[department] for department in departments]
    services.choose(session, application, specialties=chosen, division_code=division, actor=me)
    own = [department for department in departments if department != "centre"]
    filled = filling.answers(
        own or ["transport"], name="高娃", number=person.number, phone=person.phone, division=division, employer=EMPLOYER,
        serial=me.id,
    )  # fmt: skip
    fill(session, application, filling.changed(filled, person.changes), actor=me)
    return application


def fill(session: Session, application: Application, answers: Mapping[str, Any], *, actor: Applicant) -> None:
    """Save every section, then put a paper under each file field that is still asked for."""
    form = services.form_of(session, application)
    for section in form.sections:
        raw = answers.get(section.department, {}) if section.department else answers
        services.save_section(session, application, services.section_key(section), raw, actor=actor)
    _, problems = forms.check(form, services.open_answers(application), today=clock.today(session))
    for number, problem in enumerate(problems):
        question = form.find(problem.path)
        if question is not None and isinstance(question.field, FileField):
            paper = filling.paper("paper", actor.id * 40 + number)
            services.attach(session, application, problem.path, "材料.pdf", paper, actor=actor)


def submitted(session: Session, person: Person, *departments: str, **more: Any) -> dict[str, int]:
    """Apply and submit; department → admission id."""
    with become(person.me):
        application = draft(session, person, *departments, **more)
        admissions = services.submit(session, application, actor=person.me)
        return {admission.department.code: admission.id for admission in admissions}


def found(session: Session, admission_id: int) -> Admission:
    return session.get_one(Admission, admission_id, populate_existing=True)


def everything(session: Session) -> dict[str, list[str]]:
    """Every row of every table as PostgreSQL prints it; asked as System."""
    names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).all()
    quiet = {"web_session", "division", "specialty", "office", "workday", "release", "regulation_paragraph", "code_list"}
    quiet |= {name for name in names if name.startswith("ab_")}
    return {
        name: list(session.scalars(text(f'SELECT t::text FROM "{name}" t ORDER BY 1'))) for name in names if name not in quiet
    }


@contextmanager
def writes(session: Session) -> Iterator[Counter[str]]:
    """Table → how often the server was asked to write it inside the block: INSERT, UPDATE, DELETE or the moving function.

    A statement sent with many sets of values (`executemany`) counts once for each, because the server runs it so often.
    """
    seen: Counter[str] = Counter()

    def note(conn: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        words = statement.replace('"', "").split()
        times = len(parameters) if many and isinstance(parameters, list) else 1  # a mapping: one statement with many rows
        if "ruku_advance(" in statement:
            seen["admission"] += 1
        elif words[0] in ("INSERT", "DELETE"):
            seen[words[2]] += times
        elif words[0] == "UPDATE":
            seen[words[1]] += times

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
