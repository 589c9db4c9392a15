"""Days of the demo: people and officers do what their plans say, each as themselves, through the services of the rooms.

Everybody acts under the web's login, so row-level security holds for the demo as for anyone; only looking around (who is where) and
the clock use the worker's. What is due is done by the relay and the worker; `settle` waits for them, or is them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from console import clock, db
from console.applications import answers as sealed
from console.applications import duties, registration
from console.applications import services as files
from console.applications.models import Admission, Application, RestrictionEntry, StepEntry
from console.departments import queries as departments
from console.departments.models import Department
from console.exams import queries as exam_queries
from console.exams import services as exams
from console.exams.errors import TooSoon
from console.publicity import queries as notices
from console.publicity import services as publicity
from console.publicity.models import NoticeItem, Objection
from console.reviews import readiness
from console.reviews import services as reviews
from console.reviews.levels import LEVELS
from console.roles import Act
from console.scope import Applicant, Principal, Public, Staff, System, become
from console.secrecy import keyed_hash
from console.training import queries as courses
from console.training import services as training
from rules import forms
from rules.fields import FileField
from rules.pipeline import CLOSED_STEPS, Action, Step
from seed.demo import filling, officers
from seed.demo.population import Person, Plan

COORDINATORS = ("coordinator", "coordinator-2")
NOTICE_WEEKDAYS = (0, 2, 4)  # the coordinators open notices on these days


@dataclass
class Walk:
    """One population in one database. `settle()` returns when nothing is due any more."""

    web: Engine
    worker: Engine
    settle: Callable[[], object]
    people: list[Person]
    applicants: dict[int, int] = field(default_factory=dict)  # person.serial → applicant.id
    staff: dict[str, Staff] = field(default_factory=dict)

    # ── as whom ──────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def acting(self, principal: Principal, engine: Engine | None = None) -> Iterator[Session]:
        """The thread's session, on the web's login, as this person, in one transaction."""
        db.Session.remove()
        db.factory.configure(bind=engine or self.web)
        with become(principal), db.transaction() as session:
            yield session
        db.Session.remove()

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """Everything, to see who is where: the worker's login, System."""
        with self.acting(System("demo"), self.worker) as session:
            yield session

    def hire(self) -> None:
        """The officers, and their grants as they stand today."""
        with self.looking() as session:
            names = officers.hire(session)
        with self.looking() as session:
            self.staff = {name: officers.principal(session, name) for name in names}

    def set_clock(self, instant: dt.datetime) -> None:
        with self.looking() as session:
            clock.set_to(session, instant)

    # ── one day ──────────────────────────────────────────────────────────────────────────────────────────────

    def day(self, day: dt.date, *, arriving: list[Person]) -> None:
        """09:00: who applies today applies; then everybody does the next thing of their plan, until nobody moves."""
        self.set_clock(dt.datetime.combine(day, dt.time(9), tzinfo=clock.ZONE))
        self.settle()
        for person in arriving:
            self.apply(person)
        self.settle()
        for _ in range(12):
            if not self._round(day):
                return
            self.settle()
        raise RuntimeError(f"{day}: people are still moving after twelve rounds")

    def _round(self, day: dt.date) -> int:
        """Everybody once; how many did something."""
        by_applicant = {self.applicants[p.serial]: p for p in self.people if p.serial in self.applicants}
        with self.looking() as session:
            found = session.execute(
                select(Admission.id, Admission.applicant_id, Admission.step, Department.code, Admission.division_code)
                .join(Department, Department.id == Admission.department_id)
                .order_by(Admission.id)
            ).all()
        done = 0
        for admission_id, applicant_id, step, department, division in found:
            person = by_applicant.get(applicant_id)
            if person is None:
                continue
            plan = person.plan(department)
            if plan.waits_at != step:
                done += self._act(person, plan, admission_id, Step(step), department, division)
        if day.weekday() in NOTICE_WEEKDAYS:
            done += self._open_notices()
        return done

    # ── applicants ───────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, person: Person) -> list[int]:
        """Register, fill in, attach, submit; the admissions that came of it."""
        if person.serial not in self.applicants:
            self._register(person)
        me = Applicant(self.applicants[person.serial], person.name)
        if person.barred:
            self._bar(person)
        with self.acting(me) as session:
            application = files.begin_application(session, actor=me)
            files.choose(session, application, specialties=person.specialties, division_code=person.division, actor=me)
            form = files.form_of(session, application)
            filled = person.answers()
            for section in form.sections:
                raw = filled.get(section.department, {}) if section.department else filled
                files.save_section(session, application, files.section_key(section), raw, actor=me)
            self._attach(session, application, form, person, me)
            return [admission.id for admission in files.submit(session, application, actor=me)]

    def _register(self, person: Person) -> None:
        sent: list[str] = []
        with self.acting(System("register")) as session:
            registration.request_code(
                session, phone=person.phone, purpose="register", send=lambda number, code: sent.append(code)
            )
        with self.acting(System("register")) as session:
            applicant = registration.register(
                session, name=person.name, phone=person.phone, email=f"demo{person.serial}@example.cn",
                password=person.password, code=sent[0], consent_version="2026-01",
            )  # fmt: skip
            applicant.email = f"demo{person.serial}@example.cn"  # as if confirmed by its code
            self.applicants[person.serial] = applicant.id

    @staticmethod
    def _attach(session: Session, application: Application, form: forms.Form, person: Person, me: Applicant) -> None:
        """A paper under every file field that the form still asks for."""
        answers = files.open_answers(application)
        _, problems = forms.check(form, answers, today=clock.today(session))
        for number, path in enumerate(p.path for p in problems):
            question = form.find(path)
            if question is not None and isinstance(question.field, FileField):
                kind = question.field.label.show("en")[:20]
                files.attach(
                    session, application, path, f"{question.field.label.zh}.pdf",
                    filling.paper(kind, person.serial * 40 + number), actor=me,
                )  # fmt: skip

    def _bar(self, person: Person) -> None:
        """Somebody somewhere restricts this person: every department is bound by it."""
        with self.looking() as session:
            session.add(
                RestrictionEntry(
                    id_number=person.id_number, id_number_hash=keyed_hash(person.id_number, "id_number"), kind="严重失信", source="演示：某旗人民法院",
                    basis="演示数据", valid_from=clock.today(session),
                )
            )  # fmt: skip

    def _act(self, person: Person, plan: Plan, admission_id: int, step: Step, department: str, division: str) -> int:
        me = Applicant(self.applicants[person.serial], person.name)
        if plan.withdraws_at == step:
            with self.acting(me) as session:
                files.withdraw(session, session.get_one(Admission, admission_id), actor=me, reason="个人安排有变")
            return 1
        acts: dict[Step, Callable[[], int]] = {
            Step.ASSIGNMENT: lambda: self._assign(plan, admission_id),
            Step.FIRST_REVIEW: lambda: self._review(plan, admission_id, step, department, division),
            Step.SECOND_REVIEW: lambda: self._review(plan, admission_id, step, department, division),
            Step.CORRECTION: lambda: self._correct(person, plan, me, admission_id),
            Step.TRAINING: lambda: self._learn(plan, me, admission_id),
            Step.EXAM: lambda: self._sit(plan, me, admission_id),
            Step.PUBLICITY: lambda: self._speak(person, plan, admission_id, department),
            Step.REFUSED: lambda: self._ask_again(plan, me, admission_id),
            Step.RECONSIDERATION: lambda: self._reconsider(plan, admission_id, department),
        }
        return acts[step]() if step in acts else 0

    def _correct(self, person: Person, plan: Plan, me: Applicant, admission_id: int) -> int:
        if not plan.corrects:
            return 0
        with self.acting(me) as session:
            admission = session.get_one(Admission, admission_id)
            application = session.get_one(Application, admission.application_id)
            for path in sorted(files.returned_paths(application)):
                value = filling_value(files.open_answers(application), path)
                files.save_field(session, application, path, person.corrections.get(path, f"{value}（已核对）"), actor=me)
            files.resubmit(session, admission, actor=me)
        return 1

    def _learn(self, plan: Plan, me: Applicant, admission_id: int) -> int:
        if not plan.trains:
            return 0
        with self.acting(me) as session:
            admission = session.get_one(Admission, admission_id)
            for progress in courses.units(session, admission):
                training.open_unit(session, admission, progress.unit.id, actor=me)
        with self.acting(me) as session:
            admission = session.get_one(Admission, admission_id)
            for progress in courses.units(session, admission):
                training.complete_unit(session, admission, progress.unit.id, actor=me)
        return 1

    def _sit(self, plan: Plan, me: Applicant, admission_id: int) -> int:
        with self.acting(me) as session:
            admission = session.get_one(Admission, admission_id)
            sat = len(exam_queries.attempts(session, admission))
            if sat >= len(plan.tries):
                return 0
            try:
                attempt = exams.start(session, admission, actor=me)
            except TooSoon:
                return 0
            key = {q.id: q.answer for q in departments.bundle_of(session, admission.release_id).exam_questions}
            for question in attempt.paper.questions if plan.tries[sat] else ():
                right = {question["letters"][question["order"].index(letter)] for letter in key[question["id"]]}
                exams.save_answer(session, attempt, question["id"], "".join(sorted(right)), actor=me)
            exams.finish(session, attempt, actor=me)
        return 1

    def _ask_again(self, plan: Plan, me: Applicant, admission_id: int) -> int:
        if plan.reconsiders is None:
            return 0
        with self.acting(me) as session:
            admission = session.get_one(Admission, admission_id)
            if files.reconsider_until(session, admission) is None:
                return 0
            files.request_reconsideration(session, admission, actor=me, reason="材料能够证明符合条件，请复核")
        return 1

    # ── officers ─────────────────────────────────────────────────────────────────────────────────────────────

    def _assign(self, plan: Plan, admission_id: int) -> int:
        operator = self.staff["operator"]
        with self.acting(operator) as session:
            department = departments.department_by_code(session, plan.assigned_to or "")
            if department is None:
                return 0
            files.assign(session, session.get_one(Admission, admission_id), department, actor=operator, reason="专业与该部门最近")
        return 1

    def _review(self, plan: Plan, admission_id: int, step: Step, department: str, division: str) -> int:
        first = step == Step.FIRST_REVIEW
        name = f"{department}-{'first' if first else 'second'}"
        level: Literal["first", "second"] = "first" if first else "second"
        with self.looking() as session:
            trail = select(StepEntry.id).where(StepEntry.admission_id == admission_id, StepEntry.from_step == str(step))
            returned = session.scalar(trail.where(StepEntry.action == str(Action.RETURN_FOR_CORRECTION))) is not None
            refuser = session.scalar(
                select(StepEntry.who).where(
                    StepEntry.admission_id == admission_id, StepEntry.action == str(Action.REFUSE)
                )
            )
        nearest = (f"{name}-{division}", f"{name}-{division[:4]}", name, f"{name}-2") if first else (name,)
        able = (self.staff[candidate] for candidate in nearest if candidate in self.staff)
        officer = next(one for one in able if one.who != refuser)
        with self.acting(officer) as session:
            admission = session.get_one(Admission, admission_id)
            form = departments.bundle_of(session, admission.release_id).review
            assert form is not None
            checklist = {item.id: {"mark": "ok"} for item in form.for_level(level)}
            scores = {item.id: item.max for item in form.scores.items} if form.scores else {}
            if plan.returned_by == step and not returned:
                items = [{"path": "employer", "reason": "请写单位全称，与公章一致"}]
                reviews.decide(session, admission, "return_for_correction", actor=officer, items=items, checklist=checklist)
            elif plan.refused_by == step and refuser is None:
                ground = form.to_refuse[0].id
                reviews.decide(session, admission, "refuse", actor=officer, items=[ground], reason="材料不能证明符合条件")
            else:
                sheet = readiness.sheet_of(session, admission, LEVELS[str(step)], None)
                rulings = [
                    {"criterion": found["id"], "holds": True, "evidence": "已在公开平台查询，没有记录"}
                    for found in sheet.open_criteria
                ]
                reviews.decide(
                    session, admission, "pass", actor=officer, checklist=checklist, scores=scores, rulings=rulings
                )
        return 1

    def _coordinator(self, department: str, admission_id: int, act: Act) -> Staff:
        """The first coordinator of the department whom nothing keeps out of this file."""
        with self.looking() as session:
            found = [session.get_one(Admission, admission_id)]
            for name in COORDINATORS:
                officer = self.staff[f"{department}-{name}"]
                if not duties.hindrances(session, found, staff_id=officer.id, act=act):
                    return officer
        raise RuntimeError(f"no coordinator of {department} may do this to {admission_id}")

    def _reconsider(self, plan: Plan, admission_id: int, department: str) -> int:
        officer = self._coordinator(department, admission_id, Act.RECONSIDER)
        with self.acting(officer) as session:
            admission = session.get_one(Admission, admission_id)
            reviews.decide_reconsideration(
                session, admission, bool(plan.reconsiders), actor=officer, reason="已重新核对材料和依据"
            )
        return 1

    def _open_notices(self) -> int:
        opened = 0
        for department in ("transport", "water", "housing", "natural_resources", "finance"):
            for name in COORDINATORS:
                opened += self._open_notice(department, self.staff[f"{department}-{name}"])
        return opened

    def _open_notice(self, department: str, officer: Staff) -> int:
        """Everybody whom this officer may put on a notice."""
        with self.acting(officer) as session:
            found = departments.department_by_code(session, department)
            assert found is not None
            ready = [c.admission for c in publicity.waiting(session, found) if c.obstacle is None]
            ready = [a for a in ready if self._plan_of(a, department).waits_at != Step.PUBLICITY]
            ready = [a for a in ready if self._plan_of(a, department).withdraws_at != Step.PUBLICITY]
            if not ready:
                return 0
            publicity.open_notice(session, notices.coordinating_office(session, found), ready, actor=officer)
        return 1

    def _plan_of(self, admission: Admission, department: str) -> Plan:
        serials = {applicant: serial for serial, applicant in self.applicants.items()}
        person = next((p for p in self.people if p.serial == serials.get(admission.applicant_id)), None)
        return person.plan(department) if person else Plan()

    def _speak(self, person: Person, plan: Plan, admission_id: int, department: str) -> int:
        """While the name is shown: somebody objects, the coordinator rules, a court restricts."""
        if plan.objection is None and not plan.barred_during_notice:
            return 0
        with self.looking() as session:
            item = session.scalar(select(NoticeItem).where(NoticeItem.admission_id == admission_id))
            if item is None or clock.today(session) < item.notice.first_day:
                return 0
            item_id, shown = item.id, item.notice
            made = session.scalar(select(Objection.id).where(Objection.notice_item_id == item_id))
            ruled = session.scalar(select(Objection.ruled_at).where(Objection.notice_item_id == item_id))
            today, last_day = clock.today(session), shown.last_day
        if plan.barred_during_notice:
            with self.looking() as session:
                hashed = keyed_hash(person.id_number, "id_number")
                if session.scalar(select(RestrictionEntry.id).where(RestrictionEntry.id_number_hash == hashed)):
                    return 0
            self._bar(person)
            return 1
        if made is None:
            if today > last_day:
                return 0
            with self.acting(Public()) as session:
                publicity.object_to(
                    session, notices.notice_item(session, item_id), actor=Public(), objector="某知情人",
                    contact="13900001111", ground="所列项目的主持人另有其人，请核实。",
                )  # fmt: skip
            return 1
        # one ruling inside the window and one after it: both ways must come right
        if ruled is None and (today > last_day or plan.objection):
            officer = self._coordinator(department, admission_id, Act.RULE_ON_OBJECTION)
            with self.acting(officer) as session:
                objection = notices.objection(session, made)
                ruling = "经核实，情况属实。" if plan.objection else "经核实，任命书和合同一致，异议不成立。"
                form = notices.bundle_of(session, objection).review
                publicity.rule_on(
                    session, objection, actor=officer, upheld=bool(plan.objection), ruling=ruling,
                    grounds=[form.to_refuse[0].id] if plan.objection and form else [],
                )  # fmt: skip
            return 1
        return 0

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

    def ends(self) -> dict[int, dict[str, Step]]:
        """person.serial → department → the step where each admission lies now."""
        serials = {applicant: serial for serial, applicant in self.applicants.items()}
        found: dict[int, dict[str, Step]] = {}
        with self.looking() as session:
            rows = session.execute(
                select(Admission.applicant_id, Department.code, Admission.step).join(
                    Department, Department.id == Admission.department_id
                )
            )
            for applicant, department, step in rows:
                if applicant in serials:
                    found.setdefault(serials[applicant], {})[department] = Step(step)
        return found

    def all_closed(self) -> bool:
        return all(step in CLOSED_STEPS for ends in self.ends().values() for step in ends.values())


def filling_value(answers: dict[str, object], path: str) -> object:
    """What stands at a dotted path now; an empty text when nothing does."""
    return sealed.get(answers, path) or ""
