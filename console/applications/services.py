"""What an applicant does with a file: begin, choose, fill, attach, submit, correct, withdraw, ask again.

Submission freezes everything: answers, file hashes, consent version, the releases met. It writes each table once, whatever the
number of specialties and fields.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from console import audit, clock, files, outbox
from console.applications import answers as sealed
from console.applications import carrying, duties, pipeline
from console.applications.checking import Evaluation, Filed, check_files, evaluate, held_back, unless_stopped
from console.applications.models import (
    Admission,
    Applicant,
    Application,
    ApplicationRelease,
    ApplicationSpecialty,
    Attachment,
    Finding,
)
from console.applications.pipeline import Filing, advance
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.departments.models import Department
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed, NotFound
from console.roles import Act
from console.scope import Applicant as ApplicantPrincipal
from console.scope import Principal, Staff, require
from console.secrecy import keyed_hash
from rules import facts as derivations
from rules import forms
from rules.documents import content_hash
from rules.fields import FileField
from rules.pipeline import Action, Step

MOST_SPECIALTIES = 10
WORK_DIVISION = "work_division"  # the shared form's field for the place of work: it decides the office
MOST_ATTACHMENTS = 60


class AlreadySubmitted(Conflict):
    message = N_("这份申报已经提交，不能再改。退回补正时，请改退回的那几项。")


class NotOpenForCorrection(Conflict):
    message = N_("这一项没有退回，不能改。")


class IdentityTaken(Conflict):
    message = N_("这个身份证号已在另一个账户下登记。请用原来的手机号登录；手机号换了请拨打系统咨询电话。")


class TooManyAttachments(Conflict):
    message = N_("一份申报最多 %(most)s 个附件。请先移除不需要的。")


# ── a draft ──────────────────────────────────────────────────────────────────────────────────────────────────


def begin_application(session: Session, *, actor: ApplicantPrincipal) -> Application:
    """The applicant's open draft; a new one when there is none."""
    existing = session.scalar(
        select(Application).where(Application.applicant_id == actor.id, Application.submitted_at.is_(None))
    )
    if existing is not None:
        return existing
    now = clock.now(session)
    application = Application(applicant_id=actor.id, answers={}, chosen=[], form_releases={}, begun_at=now, saved_at=now)
    carrying.note_releases(application, Filed.read(session, application, on=clock.today(session)))
    session.add(application)
    session.flush()
    audit.record(session, "application.begun", f"application:{application.id}")
    return application


def choose(
    session: Session,
    application: Application,
    *,
    specialties: Sequence[tuple[str, str]],
    division_code: str | None,
    actor: ApplicantPrincipal,
) -> None:
    """Set the specialties applied for and the place of work; they decide which departments' sections are asked.

    Raises InvalidAnswers naming each code that does not exist or is not a leaf.
    """
    _open_draft(application, actor)
    problems: dict[str, str] = {}
    wanted = list(dict.fromkeys(specialties))
    problems |= _check_specialties(session, wanted)
    if len(wanted) > MOST_SPECIALTIES:
        problems["specialties"] = N_("一次最多申报 10 个专业，请去掉几个。")
    if division_code and not departments.ancestry(session, division_code):
        problems[WORK_DIVISION] = N_("请从列表中选工作所在地。")
    if problems:
        raise InvalidAnswers(problems)
    application.chosen = [{"standard": standard, "code": code} for standard, code in wanted]
    application.division_code = division_code
    if division_code:
        application.answers = {**application.answers, WORK_DIVISION: division_code}
    carrying.note_releases(application, Filed.read(session, application, on=clock.today(session)))
    application.saved_at = clock.now(session)
    session.flush()


def _check_specialties(session: Session, wanted: Sequence[tuple[str, str]]) -> dict[str, str]:
    known = departments.specialties(session, wanted) if wanted else {}
    if known.keys() != set(wanted):
        return {"specialties": N_("有一个专业代码不在所选的分类标准里，请从列表中选。")}
    if any(one.until is not None and one.until <= clock.today(session) for one in known.values()):
        return {"specialties": N_("有一个专业在新版分类标准里已经停用，请去掉它，从列表里另选。")}
    if not all(specialty.is_leaf for specialty in known.values()):
        return {"specialties": N_("请选到最细一级的专业。")}
    return {}


def form_of(session: Session, application: Application, *, on: dt.date | None = None) -> forms.Form:
    """The centre's sections and those of each department the chosen specialties belong to, by the releases in force;
    for a submitted application, by the releases it met."""
    return Filed.read(session, application, on=on or clock.today(session)).form


def open_answers(application: Application) -> dict[str, Any]:
    """What was filled in, readable."""
    return sealed.unseal(application.answers)


def save_field(
    session: Session, application: Application, path: str, raw: Any, *, actor: ApplicantPrincipal
) -> tuple[Any, list[forms.FieldProblem]]:
    """Keep one answer as it was typed and say what is wrong with it, if anything: nothing typed is ever lost.

    Raises NotFound for a path the form does not have.
    """
    filed = _writable(session, application, path, actor)
    if filed.form.find(path) is None:
        raise NotFound()
    current = open_answers(application)
    try:
        typed = forms.placed(current, path, raw)
        clean, problems = forms.check_partial(filed.form, typed, path, raw, today=clock.today(session))
    except (KeyError, ValueError):
        raise NotFound() from None
    application.answers = sealed.seal(filed.form, _only_returned(application, typed))
    application.saved_at = clock.now(session)
    session.flush()
    return clean, problems


def save_section(
    session: Session, application: Application, section_id: str, raw: Mapping[str, Any], *, actor: ApplicantPrincipal
) -> list[forms.FieldProblem]:
    """Keep a whole section as typed; the answer is what is wrong inside it."""
    filed = Filed.read(session, application, on=clock.today(session))
    section = next((s for s in filed.form.sections if section_key(s) == section_id), None)
    if section is None:
        raise NotFound()
    current = open_answers(application)
    home = current.setdefault(section.department, {}) if section.department else current
    paths = []
    for question in section.questions:
        if question.id in raw and not isinstance(question.field, FileField):
            _check_open(application, question.key, actor)
            home[question.id] = _keep_files(question, home.get(question.id), raw[question.id])
            paths.append(question.key)
    current = _only_returned(application, current)
    application.answers = sealed.seal(filed.form, current)
    application.saved_at = clock.now(session)
    session.flush()
    _, problems = forms.check(filed.form, current, today=clock.today(session))
    return [p for p in problems if any(p.path == path or p.path.startswith(path + ".") for path in paths)]


def section_key(section: forms.Section) -> str:
    """A section's name in addresses: `work`, or `transport.highway` for a department's own."""
    return f"{section.department}.{section.id}" if section.department else section.id


def _keep_files(question: forms.Question, old: Any, new: Any) -> Any:
    """A group saved as a whole keeps the files that were attached to its entries one by one."""
    inner = [part.id for part in question.parts if isinstance(part.field, FileField)]
    if not inner or not isinstance(new, list):
        return new
    for index, entry in enumerate(new):
        if isinstance(entry, dict) and isinstance(old, list) and index < len(old) and isinstance(old[index], dict):
            for name in inner:
                entry.setdefault(name, old[index].get(name, []))
    return new


def attach(
    session: Session, application: Application, path: str, name: str, content: bytes, *, actor: ApplicantPrincipal
) -> Attachment:
    """Put a file under a field: content is sniffed and stored by hash. Raises what `files.store` raises, NotFound, TooMany…"""
    filed = _writable(session, application, path, actor)
    current = open_answers(application)
    count = session.scalar(
        select(func.count(Attachment.id)).where(
            Attachment.application_id == application.id, Attachment.removed_at.is_(None)
        )
    )
    if (count or 0) >= MOST_ATTACHMENTS:
        raise TooManyAttachments(most=MOST_ATTACHMENTS)
    question = filed.form.find(path)
    if question is None or not isinstance(question.field, FileField):
        raise NotFound()
    stored = files.store(content, name, accept=question.field.accept, max_mb=question.field.max_mb)
    reference = {"hash": stored.hash, "name": stored.name, "size": stored.size, "type": stored.media_type}
    held = [item for item in sealed.get(current, path) or [] if isinstance(item, dict)]
    listed = [*(item for item in held if item.get("hash") != stored.hash), reference]
    typed = forms.placed(current, path, listed)
    try:
        _, problems = forms.check_partial(filed.form, typed, path, listed, today=clock.today(session))
    except (KeyError, ValueError):
        raise NotFound() from None
    if problems:
        raise InvalidAnswers({problem.path: problem.zh for problem in problems})
    now = clock.now(session)
    attachment = Attachment(
        application_id=application.id,
        applicant_id=application.applicant_id,
        field=path,
        name=stored.name,
        hash=stored.hash,
        media_type=stored.media_type,
        size=stored.size,
        pages=stored.pages,
        uploaded_at=now,
    )
    session.add(attachment)
    application.answers = sealed.seal(filed.form, typed)
    application.saved_at = now
    session.flush()
    audit.record(session, "attachment.added", f"attachment:{attachment.id}", hash=stored.hash, field=path)
    return attachment


def remove_attachment(session: Session, attachment: Attachment, *, actor: ApplicantPrincipal) -> None:
    application = session.get_one(Application, attachment.application_id)
    filed = _writable(session, application, attachment.field, actor)
    current = open_answers(application)
    listed = [item for item in sealed.get(current, attachment.field) or [] if item.get("hash") != attachment.hash]
    application.answers = sealed.seal(filed.form, forms.placed(current, attachment.field, listed))
    attachment.removed_at = clock.now(session)
    session.flush()
    audit.record(session, "attachment.removed", f"attachment:{attachment.id}", hash=attachment.hash)


def _open_draft(application: Application, actor: ApplicantPrincipal) -> None:
    if application.applicant_id != actor.id:
        raise NotFound()
    if application.submitted_at is not None:
        raise AlreadySubmitted()


def _writable(session: Session, application: Application, path: str, actor: ApplicantPrincipal) -> Filed:
    _check_open(application, path, actor)
    return Filed.read(session, application, on=clock.today(session))


def _check_open(application: Application, path: str, actor: ApplicantPrincipal) -> None:
    """A draft is open everywhere; a submitted file only where an admission was returned."""
    if application.applicant_id != actor.id:
        raise NotFound()
    if application.submitted_at is None:
        return
    returned = returned_paths(application)
    if not returned:
        raise AlreadySubmitted()
    if not any(path == item or path.startswith(item + ".") or item.startswith(path + ".") for item in returned):
        raise NotOpenForCorrection()


def _only_returned(application: Application, typed: dict[str, Any]) -> dict[str, Any]:
    """Of a submitted file only the returned items change, whatever a page sends along with them."""
    if application.submitted_at is None:
        return typed
    kept = open_answers(application)
    for item in sorted(returned_paths(application)):
        kept = forms.placed(kept, item, sealed.get(typed, item))
    return kept


def returned_paths(application: Application) -> set[str]:
    """The paths open for correction now: the items of the last return of each admission that waits for the applicant."""
    paths: set[str] = set()
    for admission in application.admissions:
        if admission.step == Step.CORRECTION:
            last = next((e for e in reversed(admission.entries) if e.action == Action.RETURN_FOR_CORRECTION), None)
            paths |= {item["path"] for item in (last.items if last else []) if item.get("path")}
    return paths


# ── submission ───────────────────────────────────────────────────────────────────────────────────────────────


def problems_before_submission(session: Session, application: Application) -> dict[str, str]:
    """Everything that stands in the way of submitting, by path; empty when it may be sent."""
    return _examine(session, application)[2]


def _examine(session: Session, application: Application) -> tuple[Filed, dict[str, Any], dict[str, str]]:
    today = clock.today(session)
    filed = Filed.read(session, application, on=today)
    clean, wrong = forms.check(filed.form, open_answers(application), today=today)
    problems = {problem.path: problem.zh for problem in wrong}
    if not application.chosen:
        problems["specialties"] = N_("请至少选一个专业。")
    else:
        problems |= _check_specialties(session, filed.chosen)
    division = clean.get(WORK_DIVISION)
    if not division or not departments.ancestry(session, division):
        problems[WORK_DIVISION] = N_("请从列表中选工作所在地。")
    problems |= check_files(session, application, filed.form, clean)
    problems |= held_back(session, application, filed, today)
    return filed, clean, problems


def submit(session: Session, application: Application, *, actor: ApplicantPrincipal) -> list[Admission]:
    """Freeze the application and make one admission per competent department. Raises InvalidAnswers with every problem.

    An unclaimed specialty makes an admission with the centre, which only assigns it.
    """
    _open_draft(application, actor)
    filed, clean, problems = _examine(session, application)
    if problems:
        raise InvalidAnswers(problems)
    now, today = clock.now(session), clock.today(session)
    applicant = session.get_one(Applicant, application.applicant_id)
    _identify(session, applicant, clean)
    number = f"RK{today:%Y}-{session.scalar(func.nextval('application_number_seq')):06d}"
    application.number, application.division_code = number, clean[WORK_DIVISION]
    application.answers = sealed.seal(filed.form, clean)
    application.applied_on, application.submitted_at, application.saved_at = today, now, now
    application.consent_version = applicant.consent_version
    application.submitted_hash = content_hash({"answers": clean, "specialties": application.chosen, "number": number})

    filings, evaluations = [], []
    for department, chosen in filed.by_department().items():
        admission = Admission(
            number=f"{number}-{department.short_code}",
            application_id=application.id,
            applicant_id=applicant.id,
            department_id=department.id,
            division_code=clean[WORK_DIVISION],
            release_id=filed.releases[department.id].id,
            office_id=filed.releases[department.id].id,  # begin() sets the real one
        )
        if department.is_centre:
            filings.append(Filing(admission, None))
        else:
            evaluation = unless_stopped(session, evaluate(session, filed, clean, applicant, department, chosen, applied_on=today), department.id)
            admission.verdict, admission.flags = evaluation.decision, evaluation.flags
            filings.append(Filing(admission, evaluation.action, evaluation.reason, evaluation.items))
            evaluations.append((admission, evaluation))
    submitted = audit.line(
        session,
        "application.submitted",
        f"application:{application.id}",
        division_code=application.division_code,
        answers_hash=application.submitted_hash,
        consent=application.consent_version,
    )
    moved = pipeline.begin(session, filings, actor=actor, audited=[submitted])
    _freeze(session, application, filed, [move.admission for move in moved], now)
    session.add_all(finding(a, e, moment="submitted", on=today, at=now) for a, e in evaluations)
    session.flush()
    session.expire(application, ["admissions"])
    return [move.admission for move in moved]


def _identify(session: Session, applicant: Applicant, clean: Mapping[str, Any]) -> None:
    """The identity number belongs to one account; it moves to the applicant's own row."""
    number = clean.get("id_number")
    if not number:
        return
    hashed = keyed_hash(number, "id_number")
    if applicant.id_number_hash not in (None, hashed):
        raise InvalidAnswers({"id_number": N_("身份证号与您此前申报时登记的不一致，请核对。")})
    if applicant.id_number_hash is None:
        # a unique constraint decides; the applicant cannot see other people's rows to ask first
        if session.scalar(select(func.ruku_identity_taken(hashed))):
            raise InvalidAnswers({"id_number": IdentityTaken.message})
        applicant.id_number, applicant.id_number_hash = number, hashed
    if clean.get("name"):
        applicant.name = clean["name"]


def _freeze(
    session: Session, application: Application, filed: Filed, admissions: Sequence[Admission], now: dt.datetime
) -> None:
    """Which specialty went to which department, and by which releases: one statement each, however many there are."""
    by_department = {admission.department_id: admission for admission in admissions}
    about = {"application_id": application.id, "applicant_id": application.applicant_id}
    specialties = [
        about | {"standard": standard, "code": code, "admission_id": by_department[department.id].id}
        for department, chosen in filed.by_department().items()
        for standard, code in chosen
    ]
    met = [
        about | {"department_id": department_id, "occasion": "submitted", "at": now}
        | {"release_id": filed.releases[department_id].id}
        for department_id in sorted({filed.centre_department.id, *by_department})
    ]  # fmt: skip
    session.execute(insert(ApplicationSpecialty).values(specialties))
    session.execute(insert(ApplicationRelease).values(met))


def finding(admission: Admission, evaluation: Any, *, moment: str, on: dt.date, at: dt.datetime) -> Finding:
    return Finding(
        admission_id=admission.id,
        applicant_id=admission.applicant_id,
        office_id=admission.office_id,
        release_id=admission.release_id,
        moment=moment,
        evaluated_on=on,
        at=at,
        decision=evaluation.decision,
        facts=evaluation.facts,
        derivation_version=derivations.DERIVATION_VERSION,
        trace=evaluation.trace,
    )


# ── after submission ─────────────────────────────────────────────────────────────────────────────────────────


def resubmit(session: Session, admission: Admission, *, actor: ApplicantPrincipal) -> None:
    """Send the corrected items back: the whole form must hold, the criteria are asked again, the clock runs on.

    Raises InvalidAnswers with what is still wrong. A criterion now unmet refuses; one still unknown keeps it returned.
    """
    if admission.applicant_id != actor.id:
        raise NotFound()
    if admission.step != Step.CORRECTION:
        raise pipeline.MoveNotLegal(number=admission.number, step=admission.step)
    application = session.get_one(Application, admission.application_id)
    today = clock.today(session)
    filed = Filed.read(session, application, on=today)
    clean, wrong = forms.check(filed.form, open_answers(application), today=today)
    mine = filed.paths_of(admission.department_id)
    problems = {p.path: p.zh for p in wrong if mine(p.path)} | check_files(session, application, filed.form, clean)
    if problems:
        raise InvalidAnswers(problems)
    applicant = session.get_one(Applicant, application.applicant_id)
    department = session.get_one(Department, admission.department_id)
    chosen = [(s.standard, s.code) for s in admission.specialties]
    applied_on = application.applied_on or today
    evaluation = unless_stopped(session, evaluate(session, filed, clean, applicant, department, chosen, applied_on=applied_on), department.id)
    if evaluation.action == Action.RETURN_FOR_CORRECTION:
        raise InvalidAnswers({item["path"]: item["reason"] for item in evaluation.items})
    application.answers = sealed.seal(filed.form, clean)
    application.saved_at = clock.now(session)
    session.add(finding(admission, evaluation, moment="submitted", on=applied_on, at=clock.now(session)))
    action = Action.REFUSE if evaluation.action == Action.REFUSE else Action.RESUBMIT
    flags = {admission.id: (evaluation.flags, evaluation.decision)}
    advance(session, [admission], action, actor=actor, reason=evaluation.reason, items=evaluation.items, flags=flags)


def withdraw(session: Session, admission: Admission, *, actor: ApplicantPrincipal, reason: str) -> None:
    """Possible until admission; the file ends here and a new application may be made at once."""
    advance(session, [admission], Action.WITHDRAW, actor=actor, reason=reason or None)


class ReconsiderationOver(Conflict):
    message = N_("申请复核的期限已过，或者已经复核过一次。")


def request_reconsideration(session: Session, admission: Admission, *, actor: ApplicantPrincipal, reason: str) -> None:
    """Once, within the department's working days after the refusal; another officer decides."""
    if not (reason or "").strip():
        raise InvalidAnswers({"reason": N_("请写明申请复核的理由。")})
    if admission.applicant_id != actor.id:
        raise NotFound()
    until = reconsider_until(session, admission)
    if until is None or clock.today(session) > until:
        raise ReconsiderationOver()
    advance(session, [admission], Action.REQUEST_RECONSIDERATION, actor=actor, reason=reason.strip())


def reconsider_until(session: Session, admission: Admission) -> dt.date | None:
    """The last day on which the applicant may ask; None when there is nothing to ask, or it was asked once. The day the refusal told stays at least:
    it was counted by the calendar of then, and a newer one can only add to it."""
    if admission.step != Step.REFUSED or any(e.action == Action.REQUEST_RECONSIDERATION for e in admission.entries):
        return None
    settings = departments.bundle_of(session, admission.release_id).manifest.pipeline
    if settings is None:
        return None
    days, since, reckoning = settings.reconsider_within.value, clock.day_of(admission.since), Reckoning(session)
    told = reckoning.calendar(admission.office_id, admission.calendar_version).due_date(since, days).last_day
    return reckoning.calendar(admission.office_id).recount(since, days, told=told).last_day


def assign(
    session: Session, admission: Admission, department: Department, *, actor: Principal, reason: str
) -> Admission:
    """The centre's operator says which department handles an unclaimed file; a job (`carry_out_assignment`) hands it over.

    The operator only names the department: criteria are evaluated and the file moved by the worker, because it leaves the
    centre's sight with the move. Recused where the operator is: nobody says who decides their own file.
    """
    require(actor, Act.ASSIGN, admission)
    if isinstance(actor, Staff):
        duties.require_free(session, [admission], staff_id=actor.id, act=Act.ASSIGN)
    if admission.step != Step.ASSIGNMENT:
        raise pipeline.MoveNotLegal(number=admission.number, step=admission.step)
    if department.is_centre or departments.release_in_force(session, department.id, clock.today(session)) is None:
        raise NotAllowed()
    audit.record(
        session,
        "admission.assignment_named",
        f"admission:{admission.id}",
        division_code=admission.division_code,
        reason=reason,
        department=department.code,
    )
    order = [admission.id, department.id, *([actor.id] if isinstance(actor, Staff) else [])]
    outbox.publish(session, "admission.assignment_named", order)
    return admission


def carry_out_assignment(
    session: Session, admission: Admission, department: Department, *, actor: Principal, ordered_by: int | None = None
) -> None:
    """Hand an unclaimed file to its department: evaluate by that department's release and move it on. Safe to run twice.

    `ordered_by` is the operator who named the department. Whoever must keep out of the file by now has named nothing: it waits for
    another operator.
    """
    if admission.step != Step.ASSIGNMENT:
        return
    if ordered_by is not None and duties.hindrances(session, [admission], staff_id=ordered_by, act=Act.ASSIGN):
        audit.record(
            session, "admission.assignment_dropped", f"admission:{admission.id}", division_code=admission.division_code,
            department=department.code, operator=ordered_by,
        )  # fmt: skip
        return
    application = session.get_one(Application, admission.application_id)
    today = clock.today(session)
    applied_on = application.applied_on or today
    evaluation = screen(session, application, admission, department, today=today)
    release = departments.releases_in_force(session, today)[department.id]
    advance(
        session, [admission], Action.ASSIGN, actor=actor, department_id=department.id, release_id=release.id,
        flags={admission.id: (evaluation.flags, evaluation.decision)}, ordered_by=ordered_by,
    )  # fmt: skip
    session.add(
        ApplicationRelease(
            application_id=application.id,
            applicant_id=application.applicant_id,
            department_id=department.id,
            occasion="submitted",
            release_id=release.id,
            at=clock.now(session),
        )
    )
    session.add(finding(admission, evaluation, moment="submitted", on=applied_on, at=clock.now(session)))
    advance(session, [admission], evaluation.action, actor=actor, reason=evaluation.reason, items=evaluation.items)


def screen(
    session: Session, application: Application, admission: Admission, department: Department, *, today: dt.date
) -> Evaluation:
    """Ask the release in force of a department that the file did not meet when it was submitted; reads only.

    What nobody asked the applicant yet is unknown, not empty: it makes a return with those fields, never a refusal.
    """
    filed = Filed.read(session, application, on=today, also=department)
    applicant = session.get_one(Applicant, application.applicant_id)
    chosen = [(s.standard, s.code) for s in admission.specialties]
    clean, wrong = forms.check(filed.form, open_answers(application), today=today)
    unasked = [
        {"path": p.path, "reason": p.zh, "reason_en": p.en} for p in wrong if p.path.startswith(f"{department.code}.")
    ]
    if admission.department_id != department.id:
        clean.pop(department.code, None)  # an assigned file: this department's own part was never shown
    evaluation = evaluate(
        session, filed, clean, applicant, department, chosen, applied_on=application.applied_on or today
    )
    if unasked and evaluation.action != Action.REFUSE:
        items = {item["path"]: item for item in [*unasked, *evaluation.items]}
        evaluation = replace(evaluation, action=Action.RETURN_FOR_CORRECTION, items=list(items.values()))
    return unless_stopped(session, evaluation, department.id)
