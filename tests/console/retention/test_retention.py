"""What is past its period goes, what is held stays, what was decided remains; by the worker's run and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console import clock, db, files, jobs, relay
from console.applications.models import Admission, Applicant, Application, Attachment, Finding, StepEntry
from console.audit import AuditEntry
from console.errors import NotAllowed, NotFound
from console.notifications.models import Letter
from console.publicity.models import Objection
from console.registers import loading
from console.registers import services as registers
from console.retention import services
from console.retention.models import LegalHold, RetentionOutlook, RetentionRun
from console.roles import Role
from console.scope import System, become
from console.secrecy import keyed_hash
from rules.pipeline import Step
from tests.console.portal.test_registers import DOCUMENT
from tests.console.publicity.people import make_person, object_to, open_for
from tests.console.reviews.making import full_file
from tests.factories import make_admission, make_applicant, make_application, make_staff
from tests.officers import officer, post, token


def run(session: Session, **more: Any) -> dict[str, int]:
    """The daily run on the test's own session; what was loaded before belongs to another principal and is forgotten."""

    @contextmanager
    def opening() -> Iterator[Session]:
        with become(System("retention")), session.begin_nested():
            yield session

    session.flush()
    done = dict(services.run(opening, forget=files.forget, **more))
    session.expire_all()
    return done


def closed_file(session: Session, serial: int, **more: Any) -> Admission:
    """A refused file with papers, trace, trail and a letter."""
    admission = full_file(session, serial=serial, step=Step.REFUSED, **more)
    session.add(
        Letter(
            admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, key=f"letter:{serial}", event="refused",
            title="不予通过", body="赵明远：……", written_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    return admission


def place(session: Session, **what: Any) -> LegalHold:
    hold = LegalHold(reason="诉讼", basis="（2037）内01行初1号", **what)
    session.add(services.complete_hold(session, hold, actor=System("test")))
    session.flush()
    return hold


def test_a_closed_file_loses_its_content_and_keeps_who_decided_what(session: Session, clock: Any) -> None:
    gone, kept = closed_file(session, 801), full_file(session, serial=802, step=Step.ROSTER)
    person_id, number = gone.applicant_id, gone.applicant.id_number
    paper, shared = session.scalars(select(Attachment.hash).where(Attachment.application_id == gone.application_id)).all()
    trail = [(e.action, e.from_step, e.to_step, e.who) for e in gone.entries]
    alone = b"%alone"  # a content only this file refers to
    only = files.hashlib.sha256(alone).hexdigest()
    files._keep(only, alone)
    session.execute(update(Attachment).where(Attachment.application_id == gone.application_id, Attachment.hash == paper).values(hash=only))

    early = run(session)
    clock.advance(days=365 * 11)
    done, again = run(session), run(session)

    assert ("files" in early, done["files"], "files" in again) == (False, 1, False)
    application = session.get_one(Application, gone.application_id)
    assert (application.answers, application.number is not None, application.erased_at is not None) == ({}, True, True)
    assert [(e.action, e.from_step, e.to_step, e.who) for e in session.get_one(Admission, gone.id).entries] == trail
    entry = session.scalars(select(StepEntry).where(StepEntry.admission_id == gone.id, StepEntry.to_step == "refused")).one()
    assert (entry.reason, [item["title"] for item in entry.items]) == ("（已按留存期限清除）", ["材料虚假"])
    finding = session.scalars(select(Finding).where(Finding.admission_id == gone.id)).one()
    assert (finding.facts, finding.trace["findings"], finding.decision != "") == ({}, [], True)
    letter = session.scalars(select(Letter).where(Letter.admission_id == gone.id)).one()
    assert (letter.body, letter.title) == ("", "不予通过")
    assert session.scalars(select(Attachment).where(Attachment.application_id == gone.application_id)).all() == []
    with pytest.raises(NotFound):
        files.read(only)
    assert files.read(shared)  # the other file still shows the same paper

    person = session.get_one(Applicant, person_id)
    assert (person.name, person.id_number, person.phone, person.email) == ("已清除", None, "", None)
    assert session.scalars(select(Applicant).where(Applicant.id_number_hash == keyed_hash(number, "id_number"))).all() == []
    assert session.get_one(Application, kept.application_id).answers["name"] == "赵明远"  # members of the roster are kept

    report = session.scalars(select(RetentionRun).where(RetentionRun.kind == "files")).one()
    assert (report.erased, report.files, report.days) == (1, 1, 3650)
    audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "retention.erased", AuditEntry.subject == f"retention_run:{report.id}")).one()
    assert (audited.who, audited.facts["count"], number in audited.body) == ("system:retention", 1, False)
    witnesses = session.scalars(select(AuditEntry).where(AuditEntry.subject.in_(("finding", "step_entry")), AuditEntry.who == "system:retention")).all()
    assert {entry.subject for entry in witnesses} == {"finding", "step_entry"}  # the verifier knows by whom a row was blanked


@pytest.mark.parametrize("hidden", [False, True])
def test_a_paper_that_a_register_names_stays_when_the_person_who_handed_it_in_is_forgotten(session: Session, clock: Any, hidden: bool) -> None:
    gone = closed_file(session, 803)
    content = b"%named by a register too"
    named = files.hashlib.sha256(content).hexdigest()
    files._keep(named, content)
    session.execute(update(Attachment).where(Attachment.application_id == gone.application_id).values(hash=named))
    paper = {"hash": named, "name": "规则.pdf", "size": len(content), "type": "application/pdf"}
    one = loading.register("centre-documents")
    row = registers.enter(session, one, {**DOCUMENT, **({} if hidden else {"text": [paper]})}, actor=System("test")).row
    if hidden:  # a column that the declaration knows no more
        session.connection().exec_driver_sql(f"UPDATE {one.declared.table} SET summary = %s WHERE id = %s", (named, row.id))
    clock.advance(days=365 * 11)

    assert "files" in run(session)

    assert session.scalars(select(Attachment).where(Attachment.application_id == gone.application_id)).all() == []
    assert files.read(named) == content


def test_drafts_accounts_objectors_and_codes_go_each_in_its_time(session: Session, clock: Any) -> None:
    person = make_person(session)
    objection = object_to(session, open_for(session, [person]), person)
    objection.ruled_at, objection.ruled_by, objection.upheld, objection.ruling = session.info["now"], "system:test", False, "不成立"
    draft = make_application(session)
    draft.submitted_at = draft.number = None
    drafter, unused = draft.applicant_id, make_applicant(session).id
    session.flush()

    clock.advance(days=366)
    year = run(session, batch=1)
    assert (year.get("drafts"), year.get("accounts"), year.get("objectors")) == (1, None, None)
    assert session.get(Application, draft.id) is None

    clock.advance(days=366)
    later = run(session, batch=1)
    assert (later["accounts"], later["objectors"]) == (2, 1)
    assert [session.get(Applicant, key) for key in (drafter, unused)] == [None, None]
    kept = session.get_one(Objection, objection.id)
    assert (kept.objector, kept.contact, kept.ruling, kept.ground != "") == ("", "", "不成立", True)


@pytest.mark.parametrize("what", ["class", "department", "person"])
def test_a_hold_keeps_what_it_names_and_the_report_says_so(session: Session, clock: Any, what: str) -> None:
    held, free = closed_file(session, 811), closed_file(session, 812, department_code="water" if what == "department" else "transport")
    number = session.get_one(Application, held.application_id).number
    named: dict[str, Any] = {"class": {"kind": "files"}, "department": {"department": held.department}, "person": {"file_number": number}}[what]
    hold = place(session, **named)
    clock.advance(days=365 * 11)
    ahead = services.look_ahead(session)["files"]

    done = run(session)

    kept = 2 if what == "class" else 1
    assert (ahead.due, ahead.held) == (2 - kept, [{"hold": hold.id, "count": kept}])
    assert done.get("files", 0) == 2 - kept
    assert session.get_one(Application, held.application_id).answers != {}
    assert (session.get_one(Application, free.application_id).answers == {}) == (what != "class")

    services.release(session, session.get_one(LegalHold, hold.id), actor=System("test"), reason="结案")
    assert run(session)["files"] == kept


def test_nobody_but_the_run_erases_and_nobody_places_a_hold_who_may_not(session: Session, web_engine: Any, owner_engine: Any) -> None:
    for engine, who in ((web_engine, "system:retention"), (session.connection(), "system:test"), (owner_engine, "system:retention")):
        with pytest.raises(DBAPIError, match=r"retention erases|permission denied"):
            connection = engine.connect() if hasattr(engine, "connect") else engine
            with connection.begin_nested() if connection.in_transaction() else connection.begin():
                connection.execute(text("SELECT set_config('ruku.who', :who, true)"), {"who": who})
                connection.execute(text("SELECT ruku_erase('drafts', '{1}', now())"))
    number = make_application(session).number
    told = dict.fromkeys((Role.PLATFORM_ADMIN, Role.SUPERVISOR))
    for role in told:
        with become(make_staff(session, role, department_code=None)):
            told[role] = session.scalar(text("SELECT ruku_applicant_of(:number)"), {"number": number})
    assert [told[role] is not None for role in told] == [True, False]  # whose file a number is, for who may hold it
    with pytest.raises(NotAllowed):
        services.complete_hold(session, LegalHold(kind="files"), actor=make_staff(session, Role.SUPERVISOR))
    with pytest.raises(services.HoldsNothing):
        services.complete_hold(session, LegalHold(), actor=System("test"))
    with pytest.raises(services.NoSuchFile):
        services.complete_hold(session, LegalHold(file_number="RK2026-1"), actor=System("test"))


def test_the_page_says_periods_counts_and_holds_and_the_brake_stops_the_run(committed_db: Any, console_app: Any, clock: Any) -> None:
    with committed_db.as_worker(), db.transaction() as session:
        admission = closed_file(session, 821)
        number = session.get_one(Application, admission.application_id).number
        make_admission(session)
    admin = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    supervisor = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    placed = post(admin, "/screens/legal-holds/add", kind="files", file_number=number, reason="举报核查", basis="纪检函〔2037〕1号")
    changed = post(admin, "/screens/retention-rules/files/edit", days="730", basis="主管部门核定", verified="y")
    page = admin.get("/retention/")
    counted = admin.post("/retention/count", data={"csrf_token": token(page)})
    clock.advance(days=365 * 3)
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            brake = jobs.pull_brake(session, "retention", department_id=None, reason="核对期限", actor=System("test"))
            outlook = session.get_one(RetentionOutlook, "files")
            assert (outlook.due, outlook.held) == (0, [{"hold": 1, "count": 1}])
        relay.order_daily()
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            stopped = session.scalars(select(RetentionRun)).all()
            jobs.release_brake(session, session.get_one(jobs.Brake, brake.id), actor=System("test"))
    text_ = supervisor.get("/retention/").get_data(as_text=True)

    assert (placed.status_code, changed.status_code, counted.status_code, stopped) == (303, 303, 303, [])
    assert [word for word in ("办结而未入库的申报卷宗", "2 年", "举报核查", number) if word not in text_] == []
    assert supervisor.get("/screens/legal-holds/add").status_code == 403
    assert officer(console_app, committed_db, Role.OPERATOR).get("/retention/").status_code == 403
