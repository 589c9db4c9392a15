"""One table says who sees which secret: it is complete, and the pages show what it says."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console import assembly, db, faults, visibility
from console.applications.answers import is_secret
from console.applications.models import Admission
from console.audit import AuditEntry
from console.crud.screen import Screen
from console.crud.views import make_view
from console.errors import N_, NotAllowed
from console.publicity.models import Objection
from console.roles import ROLES, Role
from console.scope import Applicant, Public
from console.secrecy import Encrypted
from console.visibility import SECRETS, ReasonNeeded, Seen
from rules.bundle import read_folder
from tests.console.publicity.people import make_person, object_to, open_for
from tests.console.reviews.making import full_file
from tests.factories import HOHHOT, make_admission, make_staff
from tests.officers import officer, token
from tests.walled import registers

PLUGINS = Path(__file__).parents[2] / "plugins"


def test_every_encrypted_column_and_every_secret_field_has_its_line() -> None:
    assembly.models()
    columns = {f"{c.table.name}.{c.name}" for table in db.Base.metadata.tables.values() for c in table.columns if isinstance(c.type, Encrypted)}
    kinds = set()
    centre = read_folder(PLUGINS / "centre")
    for folder in sorted(path.parent for path in PLUGINS.glob("*/bundle.yaml")):
        for question in read_folder(folder, centre=None if folder.name == "centre" else centre).form.questions():
            asked = [question, *question.parts]
            kinds |= {visibility.answer(one.field.kind) for one in asked if is_secret(one.field)}

    assert columns - SECRETS.keys() == set(), "console/visibility.py needs a line: who sees it?"
    columns |= {f"{one.declared.table}.{name}" for one in registers() for name, field in one.declared.fields.items() if field.fact_type.secret}
    assert columns - SECRETS.keys() == set()
    assert {name for name in SECRETS if not name.startswith("answers.")} - columns == set(), "no such column any more"
    assert {"answers.id_number", "answers.phone", "answers.email"} <= kinds <= SECRETS.keys()


def test_the_page_about_secrets_says_what_the_table_says() -> None:
    def words(roles: Any) -> str:
        return ", ".join(ROLES[role].title_en.lower() for role in Role if role in roles) or "nobody"

    text = (PLUGINS.parent / "docs" / "secrecy.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {words(line.masked)} | {words(line.unmask)} |" for name, line in SECRETS.items() if not name.startswith("register_")]
    assert [row for row in text.splitlines() if row.startswith("| `")] == rows


def test_only_a_grant_that_covers_the_row_counts_and_the_strongest_of_them(session: Session) -> None:
    near, far = make_admission(session), make_admission(session, division="150202", level=2)
    first = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT)
    also_admin = make_staff(session, Role.DEPARTMENT_ADMIN, staff=first)
    roles = {role: make_staff(session, role) for role in Role}

    def of(actor: Any, row: Any, name: str = "applicant.phone") -> tuple[Seen, bool]:
        return visibility.seen(actor, name, row), visibility.unmasking(actor, name, row) is not None

    assert (of(first, near), of(first, far)) == ((Seen.MASKED, True), (Seen.HIDDEN, False))
    assert of(also_admin, near, "staff_account.phone")[0] == Seen.MASKED
    assert {role for role, actor in roles.items() if of(actor, near)[0] != Seen.HIDDEN} == {
        Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.SUPERVISOR,
    }  # fmt: skip
    assert [of(actor, near, name) for actor in (Applicant(near.applicant_id), Public()) for name in ("applicant.phone", "objection.contact")] == [
        (Seen.MASKED, False), (Seen.HIDDEN, False), (Seen.HIDDEN, False), (Seen.HIDDEN, False),
    ]  # fmt: skip
    assert of(roles[Role.SUPERVISOR], near, "not.in_the_table") == (Seen.HIDDEN, False)
    assert visibility.shown(first, "applicant.phone", "13912345678", near) == "139****5678"
    assert visibility.shown(first, "applicant.phone", "13912345678", far) is None


def test_a_look_behind_the_mask_needs_grant_and_reason_and_names_both(session: Session, as_: Any) -> None:
    admission = make_admission(session)
    supervisor, editor = make_staff(session, Role.SUPERVISOR), make_staff(session, Role.RULE_EDITOR)

    def look(actor: Any, reason: str) -> str:
        with as_(actor):
            return visibility.unmask(session, "applicant.phone", "13912345678", actor=actor, row=admission, of="applicant:1", reason=reason)

    with pytest.raises(NotAllowed):
        look(editor, "核实联系方式")
    with pytest.raises(ReasonNeeded):
        look(supervisor, " 看 ")
    assert look(supervisor, "举报核查") == "13912345678"
    entry = session.query(AuditEntry).filter_by(action="secret.revealed").one()
    facts = entry.facts
    assert (entry.who, entry.subject, facts["value"], facts["reason"], facts["grant"]) == (
        supervisor.who, "applicant:1", "applicant.phone", "举报核查", supervisor.grants[0].id,
    )  # fmt: skip
    assert "13912345678" not in entry.body


@pytest.mark.parametrize("where", ["search", "filters", "sortable", "edit"])
def test_a_screen_that_would_search_sort_or_write_a_secret_is_refused(where: str, console_app: Any) -> None:
    screen = Screen("nosy", Objection, title=N_("异议"), menu=None, columns=("made_at",), **{where: ("contact",)}, write=frozenset({Role.SUPERVISOR}))
    with pytest.raises(ValueError, match="encrypted"):
        make_view(screen)()


def test_every_role_sees_of_a_secret_what_the_table_says(committed_db: Any, console_app: Any) -> None:
    with committed_db.as_worker(), db.transaction() as session:
        file_id = full_file(session, level=1).id
        number, phone = session.get_one(Admission, file_id).applicant.id_number, "13900000471"
        person = make_person(session)
        objection = object_to(session, open_for(session, [person]), person)
        objection_id, objector, contact = objection.id, objection.objector, objection.contact
    secrets = {
        f"/files/{file_id}": {"answers.id_number": number, "answers.phone": phone, "answers.email": "zhao@example.cn"},
        f"/objections/{objection_id}": {"objection.objector": objector, "objection.contact": contact},
    }
    for role in Role:
        client = officer(console_app, committed_db, role)
        for address, values in secrets.items():
            answer = client.get(address)
            page = html.unescape(answer.get_data(as_text=True)) if answer.status_code == 200 else ""
            for name, value in values.items():
                line = SECRETS[name]
                seen = (value in page, line.mask(value) in page)
                assert seen == (role in line.visible and bool(page), role in line.masked), (role, name, answer.status_code)
                reveal = f"{address}/reveal/{name.partition('.')[2]}"
                asked = client.get(reveal)
                assert (asked.status_code == 200) == (role in line.unmask), (role, reveal)
        if role is Role.SUPERVISOR:  # reads masked, and looks behind the mask with a reason, like anybody who may
            told = client.post(reveal, data={"csrf_token": token(asked), "reason": "举报核查"})
            assert contact in told.get_data(as_text=True)
            assert contact not in client.get(reveal).get_data(as_text=True)
    assert Seen.VISIBLE not in {visibility.seen(make, "applicant.phone") for make in (Public(), Applicant(1))}
    assert {role for line in SECRETS.values() for role in (*line.visible, *line.masked, *line.unmask)} <= set(ROLES)


def test_what_is_written_down_of_an_error_holds_nobodys_numbers(session: Session) -> None:
    applicant = make_admission(session).applicant
    row = {"name": "张三丰", "phone": "13912345678", "phone_hash": applicant.phone_hash}
    faulty = session.begin_nested()
    try:
        session.execute(applicant.__table__.insert().values(**row))
    except Exception as error:
        faulty.rollback()
        said = faults.told(error) + faults.trace(error)
    assert "IntegrityError" in said
    assert [value for value in row.values() if value in said] == []
    text = "13912345678 15010519750302001X zhao@example.cn 6222020200112230 RK2026-000001-JT 2026-11-26T03:00:00"
    assert faults.scrub(text) == "*** *** *** *** RK2026-000001-JT 2026-11-26T03:00:00"
