"""What the placeholders of a letter stand for, in both languages, for a whole set of occasions at once.

Every placeholder of the event's closed list (`rules.letters.EVENTS`) gets words: a letter never shows an empty place. What other
rooms know (exam, notice, roster) is read from their tables as they stand at that moment, through plain tables: rooms do not
import each other.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, FromClause, column, select, table
from sqlalchemy.orm import Session

from console import bulk, clock
from console.applications.models import Admission, Applicant, Application, ApplicationSpecialty
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.departments.models import Office, Specialty
from console.notifications import reasons
from console.notifications.kinds import Reach
from console.notifications.preferences import quiet_of
from console.notifications.said import MATTERS, NEVER, TASKS, Said, day, deadline, same
from console.post import channels
from rules.ages import months_after
from rules.bundle import Bundle
from rules.pipeline import Step
from rules.quiet_hours import QuietHours
from rules.specialties import owner_of


@dataclass(frozen=True)
class Occasion:
    """One thing to tell one applicant. `key` makes it once; `office_id` is the office it happened at; `about` is the row it is
    about when that is not the admission itself: the attempt, the notice item or the objection."""

    event: str
    admission: Admission
    key: str
    office_id: int
    from_step: Step | None = None
    reason: str | None = None
    items: Sequence[Mapping[str, Any]] = ()
    about: int | None = None


@dataclass(frozen=True)
class Person:
    """Whom a letter addresses; where to send it is read when it is sent."""

    name: str
    language: str
    reach: Reach
    quiet: QuietHours | None


_attempt = table(
    "attempt", *map(column, ("id", "admission_id", "number", "marks", "finished_at"))
)  # fmt: skip
_notice = table("notice", *map(column, ("id", "number", "title", "last_day", "days", "is_provisional")))
_item = table("notice_item", *map(column, ("id", "notice_id", "admission_id")))
_extension = table("notice_extension", *map(column, ("id", "notice_id", "days")))
_objection = table("objection", *map(column, ("id", "notice_item_id", "ruling")))
_entry = table("roster_entry", *map(column, ("id", "number", "code", "applicant_id")))
_standing = table("roster_specialty", *map(column, ("admission_id", "entry_id", "term_from", "term_to", "responsible", "notice_number")))

_FALLBACK_HOURS = Said("工作日办公时间", "office hours on working days")
_WITH_SPECIALTIES = {"submitted", "assigned", "admitted"}


@dataclass
class Facts:
    """Everything the set needs, read once; `of(occasion)` then costs nothing."""

    session: Session
    occasions: Sequence[Occasion]
    people: dict[int, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        session, admissions = self.session, [occasion.admission for occasion in self.occasions]
        self.today = clock.today(session)
        self.portal = channels.portal_url()
        self.people = {
            row.id: Person(
                row.name, row.language, Reach(row.has_email, row.email_failed_at is not None, row.muted or (), row.phone_failed_at is not None), quiet_of(row)
            )
            for row in session.execute(
                select(
                    Applicant.id, Applicant.name, Applicant.language, Applicant.email.is_not(None).label("has_email"), Applicant.email_failed_at,
                    Applicant.phone_failed_at, Applicant.muted, Applicant.quiet_from, Applicant.quiet_until, Applicant.quiet_off,
                ).where(bulk.among(Applicant.id, [admission.applicant_id for admission in admissions]))
            )
        }  # fmt: skip
        offices = session.scalars(select(Office).where(Office.id.in_({admission.office_id for admission in admissions})))
        self.offices = {office.id: office for office in offices}
        self.bundles = {r: departments.bundle_of(session, r) for r in {admission.release_id for admission in admissions}}
        self.reckoning = Reckoning(session)
        self.specialties = self._specialties([o.admission for o in self.occasions if o.event in _WITH_SPECIALTIES])
        self.attempts = self._attempts([o for o in self.occasions if o.event in ("exam_passed", "exam_failed")])
        self.notices = self._notices([o for o in self.occasions if o.event in ("notice_opened", "notice_extended", "deadline_moved")])
        self.longer = self._longer([o for o in self.occasions if o.event == "notice_extended"])
        self.objections = self._objections([o for o in self.occasions if o.event.startswith("objection_")])
        self.entries = self._entries([o for o in self.occasions if o.event == "admitted"])

    # ── read once ──

    def _specialties(self, admissions: Sequence[Admission]) -> dict[int, str]:
        if not admissions:
            return {}
        named: dict[int, list[str]] = defaultdict(list)
        rows = self.session.execute(
            select(ApplicationSpecialty.admission_id, Specialty.name)
            .join(Specialty, ApplicationSpecialty.specialty)
            .where(bulk.among(ApplicationSpecialty.admission_id, [admission.id for admission in admissions]))
            .order_by(ApplicationSpecialty.standard, ApplicationSpecialty.code)
        )
        for admission_id, name in rows:
            named[admission_id].append(name)
        # a receipt is written while the application is being frozen: what it chose is then still only in the application
        fresh = [admission for admission in admissions if admission.id not in named]
        for admission, codes in self._chosen(fresh):
            known = departments.specialties(self.session, codes)
            named[admission.id] = [known[code].name for code in codes if code in known]
        return {admission_id: "、".join(names) for admission_id, names in named.items()}

    def _chosen(self, admissions: Sequence[Admission]) -> list[tuple[Admission, list[tuple[str, str]]]]:
        if not admissions:
            return []
        wanted = {admission.application_id for admission in admissions}
        rows = self.session.execute(select(Application.id, Application.chosen).where(Application.id.in_(wanted)))
        chosen = {pk: [(item["standard"], item["code"]) for item in items] for pk, items in rows}
        found = []
        for admission in admissions:
            bundle = self.bundles[admission.release_id]
            claims = {bundle.code: bundle.manifest.specialties}
            codes = chosen.get(admission.application_id, [])
            found.append((admission, [code for code in codes if owner_of(claims, *code)] or codes))
        return found

    def _rows(self, source: FromClause, *wanted: ColumnElement[Any], where: ColumnElement[bool]) -> Any:
        return self.session.execute(select(*wanted).select_from(source).where(where))

    def _attempts(self, occasions: Sequence[Occasion]) -> dict[int, Any]:
        """The attempt named, or the latest finished one of each admission."""
        if not occasions:
            return {}
        c = _attempt.c
        ids = [o.admission.id for o in occasions]
        rows = self.session.execute(
            select(*c).where(c.admission_id.in_(ids), c.finished_at.is_not(None)).order_by(c.admission_id, c.number)
        )
        found: dict[int, Any] = {}
        by_id = {o.about: o.admission.id for o in occasions if o.about is not None}
        for row in rows:
            if row.admission_id not in by_id.values() or row.id in by_id:
                found[row.admission_id] = row
        return found

    def _notices(self, occasions: Sequence[Occasion]) -> dict[int, Any]:
        return self._by_about(occasions, _item, _item.join(_notice, _notice.c.id == _item.c.notice_id))

    def _longer(self, occasions: Sequence[Occasion]) -> dict[int, int]:
        """By how many working days each notice was extended last."""
        wanted = [o.about for o in occasions if o.about is not None]
        if not wanted:
            return {}
        source = _item.join(_extension, _extension.c.notice_id == _item.c.notice_id)
        rows = self.session.execute(
            select(_item.c.id, _extension.c.days).select_from(source).where(_item.c.id.in_(wanted)).order_by(_extension.c.id)
        )
        return {item_id: days for item_id, days in rows}

    def _objections(self, occasions: Sequence[Occasion]) -> dict[int, Any]:
        joined = _objection.join(_item, _item.c.id == _objection.c.notice_item_id)
        return self._by_about(
            occasions, _objection, joined.join(_notice, _notice.c.id == _item.c.notice_id), _objection.c.ruling
        )

    def _by_about(
        self, occasions: Sequence[Occasion], key: Any, source: FromClause, *more: ColumnElement[Any]
    ) -> dict[int, Any]:
        wanted = [o.about for o in occasions if o.about is not None]
        if not wanted:
            return {}
        columns = (key.c.id, _notice.c.number, _notice.c.title, _notice.c.last_day, _notice.c.days, _notice.c.is_provisional, *more)
        return {row.id: row for row in self._rows(source, *columns, where=key.c.id.in_(wanted))}

    def _entries(self, occasions: Sequence[Occasion]) -> dict[int, Any]:
        if not occasions:
            return {}
        source = _standing.join(_entry, _entry.c.id == _standing.c.entry_id)
        rows = self._rows(
            source, _standing.c.admission_id, _entry.c.number, _entry.c.code, _standing.c.term_from, _standing.c.term_to,
            _standing.c.responsible, _standing.c.notice_number,
            where=bulk.among(_standing.c.admission_id, [o.admission.id for o in occasions]),
        )  # fmt: skip
        return {row.admission_id: row for row in rows}

    # ── put into words ──

    def of(self, occasion: Occasion) -> dict[str, Said]:
        """Every placeholder the event may use."""
        admission = occasion.admission
        office, person = self.offices[admission.office_id], self.people[admission.applicant_id]
        values = {
            "applicant_name": same(person.name),
            "number": same(admission.number),
            "department": Said(office.department.name, office.department.name_en),
            "office": Said(office.name, office.name_en),
            "phone": same(office.phone),
            "hours": self._hours(office, self.bundles[admission.release_id]),
            "today": day(self.today),
            "portal_url": same(self.portal),
            "due_on": day(_last_day(admission)),
            "deadline": self._deadline(admission),
        }
        return values | self._more(occasion)

    def _deadline(self, admission: Admission) -> Said:
        """The running deadline as everybody reads it."""
        last = _last_day(admission)
        if last is None:
            return deadline(None)
        days = self.reckoning.days(clock.day_of(admission.since), last, version=admission.calendar_version, office_id=admission.office_id)
        return deadline(last, days, provisional=admission.is_provisional)

    @staticmethod
    def _hours(office: Office, bundle: Bundle) -> Said:
        contact = getattr(bundle.manifest, "contact", None)
        usual = Said(contact.hours.zh, contact.hours.show("en")) if contact and contact.hours else _FALLBACK_HOURS
        return usual if office.hours in ("", usual.zh) else Said(office.hours, usual.en)

    def _more(self, occasion: Occasion) -> dict[str, Said]:
        admission, event = occasion.admission, occasion.event
        bundle = self.bundles[admission.release_id]
        settings, exam = bundle.manifest.pipeline, bundle.exam
        values: dict[str, Said] = {}
        if event in _WITH_SPECIALTIES:
            names = self.specialties.get(admission.id) or admission.number
            values["specialties"] = Said(names, names)
        if settings is not None:
            values["days"] = same(settings.review.days.value)
            until = self.reckoning.calendar(admission.office_id).due_date(self.today, settings.reconsider_within.value)
            values["reconsider_until"] = day(until.last_day)
            values["reapply_on"] = day(months_after(self.today, settings.reapply_after.value.months))
        if exam is not None:
            values |= {"minutes": same(exam.minutes), "pass_mark": same(exam.pass_mark)}
            attempt = self.attempts.get(admission.id)
            if attempt is not None:
                left = max(0, exam.tries - attempt.number)
                again = clock.day_of(attempt.finished_at) + dt.timedelta(days=exam.wait_days)
                values |= {
                    "marks": same(attempt.marks),
                    "tries_left": same(left),
                    "next_try_on": day(again) if left else NEVER,
                }
        if event == "returned":
            values["items"] = self._reasons(occasion, bundle)
        elif event == "lapsed":
            values["reasons"] = reasons.lapsed(occasion.from_step, bundle)
        elif event == "flagged":
            values["reasons"] = reasons.flagged(admission.flags, bundle)
        elif event == "reminder":
            values["task"] = TASKS.get(Step(admission.step), Said("办理申报事项", "go on with your application"))
        elif event in ("notice_opened", "notice_extended"):
            notice = self.notices[occasion.about or 0]
            if event == "notice_extended":
                values["days"] = same(self.longer[occasion.about or 0])
            values |= {
                "notice_title": same(notice.title),
                "closes_on": day(notice.last_day),
                "deadline": deadline(notice.last_day, notice.days, provisional=notice.is_provisional),
                "notice_url": same(f"{self.portal}/notices/{quote(notice.number)}"),
            }
        elif event == "deadline_moved":
            values["matter"] = MATTERS.get(Step(admission.step), MATTERS[Step.FIRST_REVIEW])
            if occasion.about is not None:
                notice = self.notices[occasion.about]
                values |= {"due_on": day(notice.last_day), "deadline": deadline(notice.last_day, notice.days, provisional=notice.is_provisional)}
        elif event.startswith("objection_"):
            objection = self.objections[occasion.about or 0]
            values["closes_on"] = day(objection.last_day)
            values["reasons"] = same(objection.ruling or occasion.reason or "经核实，异议不成立。")
        elif event == "admitted":
            entry = self.entries[admission.id]
            values |= {
                "roster_number": same(entry.number),
                "term_from": day(entry.term_from),
                "term_until": day(entry.term_to),
                "responsible": same(entry.responsible),
                "notice_number": same(entry.notice_number or "—"),
                "certificate_url": same(f"{self.portal}/verify/{quote(entry.code)}"),
            }
        else:
            values["reasons"] = self._reasons(occasion, bundle)
        return values

    def _reasons(self, occasion: Occasion, bundle: Bundle) -> Said:
        """The grounds stored with the move, and the deadline that applies where the letter's own text does not say it."""
        said = reasons.of_items(occasion.items, bundle, reason=occasion.reason)
        last, days, settings = None, None, bundle.manifest.pipeline
        if settings is not None and occasion.event == "returned":
            days = settings.correct_within.value
            last = _last_day(occasion.admission)
        elif settings is not None and occasion.event == "refused":
            days = settings.reconsider_within.value
            last = self.reckoning.calendar(occasion.admission.office_id).due_date(self.today, days).last_day
        return reasons.with_deadline(said, occasion.event, bundle, days=days, last=last)


def _last_day(admission: Admission) -> dt.date | None:
    return clock.day_of(admission.due_at) - dt.timedelta(days=1) if admission.due_at else None
