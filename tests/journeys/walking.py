"""A small world for the random walk: people who collect roles, files of theirs, and what history says of them afterwards.

Who is related to whom and who worked where is kept here in plain, so that the history is judged by something else than what it tests.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock, db
from console.accounts import queries as grants_of
from console.accounts.models import Recusal, StaffAccount
from console.applications.models import Admission, Applicant, Application, StepEntry
from console.departments.models import Release, ReleaseEvent
from console.publicity.models import Notice, NoticeItem, Objection
from console.roles import Role
from console.scope import Staff
from console.secrecy import keyed_hash
from console.studio.models import DraftRevision, RuleDraft
from rules.pipeline import Step
from tests.console.reviews.making import unclaimed_file
from tests.factories import HOHHOT, REGION, id_number, make_admission, make_applicant, make_staff

REVIEWS = ("first_review", "second_review", "reconsideration")
#: one line per employer: the spellings people use of it
EMPLOYERS = (
    ("草原公路工程监理有限公司", "草原公路工程监理（有限）公司", "草原公路工程监理　有限责任公司"),
    ("草原工程咨询有限公司", "草原工程咨询", "草原 工程咨询（集团）有限公司"),
    ("ＡＢ桥隧检测中心", "ab桥隧检测中心", "AB 桥隧检测中心有限公司"),
)
ROLES = (
    Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.RULE_EDITOR, Role.RULE_PUBLISHER, Role.DEPARTMENT_ADMIN,
    Role.PLATFORM_ADMIN, Role.OPERATOR, Role.SUPERVISOR,
)  # fmt: skip
PEOPLE, CITIZENS = 8, 6
OK_CLEAN = {"civil_servant": False, "transport": {"admin_penalty": False, "registrations": []}}


@dataclass
class World:
    """`staff`: their accounts; `numbers`: applicant → identity number; `declared`: officer → when they confirmed."""

    session: Session
    staff: list[int] = field(default_factory=list)
    applicants: list[int] = field(default_factory=list)
    numbers: dict[int, str] = field(default_factory=dict)
    declared: dict[int, list[dt.datetime]] = field(default_factory=lambda: defaultdict(list))
    began: dict[int, str] = field(default_factory=dict)  # admission → the step it was put at, without a trail
    serial: int = 100

    @classmethod
    def made(cls, session: Session, *, roles: list[list[int]]) -> World:
        """Officers with these roles, citizens of whom the first two are officers too, and a file of each at a random-looking step."""
        world = cls(session)
        for number, picked in enumerate(roles):
            officer: Staff | None = None
            for role in dict.fromkeys(ROLES[one % len(ROLES)] for one in picked):
                centre = role in (Role.OPERATOR, Role.PLATFORM_ADMIN)
                low = role in (Role.FIRST_REVIEWER, Role.DEPARTMENT_ADMIN) and number % 3 == 0
                officer = make_staff(
                    session, role, department_code="centre" if centre else "transport", division=HOHHOT if low else REGION, staff=officer
                )
            assert officer is not None
            world.staff.append(officer.id)
            world.declared[officer.id].append(clock.now(session))
        for number in range(CITIZENS):
            world.citizen(employer=EMPLOYERS[number % 3][number % 2])
        for officer_id, applicant_id in zip(world.staff[:2], world.applicants[:2], strict=True):
            account = session.get_one(StaffAccount, officer_id)
            account.id_number = world.numbers[applicant_id]
            account.id_number_hash = keyed_hash(account.id_number, "id_number")
        session.flush()
        return world

    def citizen(self, *, employer: str) -> None:
        self.serial += 1
        number = id_number(self.serial, born=dt.date(1970, 1, 1))
        applicant = make_applicant(self.session, id_number=number)
        self.applicants.append(applicant.id)
        self.numbers[applicant.id] = number
        answers = OK_CLEAN | {"name": "高娃", "employer": employer}
        if len(self.applicants) % 5 == 0:
            admission = unclaimed_file(self.session)
            self.applicants[-1] = admission.applicant_id
            found = self.session.get_one(Applicant, admission.applicant_id)
            self.numbers[found.id] = found.id_number or ""
        else:
            steps = (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.FIRST_REVIEW, Step.PUBLICITY)
            admission = make_admission(self.session, step=steps[len(self.applicants) % 4], applicant=applicant, answers=answers)
        self.began[admission.id] = admission.step

    def files(self) -> list[int]:
        return list(self.session.scalars(select(Admission.id).order_by(Admission.id)))

    def officer(self, number: int) -> Staff:
        """As the door makes them: the grants valid now."""
        staff_id = self.staff[number % len(self.staff)]
        return Staff(staff_id, f"officer {staff_id}", grants_of.grants_of(self.session, staff_id))


# ── what history says ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Hand:
    """Something an officer did to one file that decides about it: `part` is a review step, `assign`, `notice` or `ruling`."""

    admission: int
    staff: int
    part: str
    at: dt.datetime
    refused: bool = False


def _staff(who: str | None) -> int | None:
    return int(who[6:]) if who and who.startswith("staff:") else None


def hands(session: Session) -> list[Hand]:
    found = []
    for entry in session.scalars(select(StepEntry).order_by(StepEntry.id)):
        if (staff := _staff(entry.who)) is not None:
            part = entry.from_step if entry.from_step in REVIEWS else "assign" if entry.action == "assign" else "ruling"
            found.append(Hand(entry.admission_id, staff, part or "", entry.at, entry.action == "refuse"))
    for item, who, at in session.execute(select(NoticeItem.admission_id, Notice.opened_by, Notice.opened_at).join(Notice)):
        if (staff := _staff(who)) is not None:
            found.append(Hand(item, staff, "notice", at))
    for item, who, at in session.execute(select(Objection.admission_id, Objection.ruled_by, Objection.ruled_at)):
        if (staff := _staff(who)) is not None:
            found.append(Hand(item, staff, "ruling", at))
    return found


def faults(world: World) -> list[str]:
    """Every history in which somebody holds two halves, or acted where they had to keep out; and every file that is not where its
    trail leads."""
    session = world.session
    session.expire_all()
    done = hands(session)
    return [*_halves(done), *_kept_out(world, done), *_undeclared(world, done), *_folded(world), *_own_rules(session)]


def _halves(done: list[Hand]) -> list[str]:
    by_pair: dict[tuple[int, int], list[Hand]] = defaultdict(list)
    for hand in done:
        by_pair[hand.admission, hand.staff].append(hand)
    found = []
    for (admission, staff), theirs in by_pair.items():
        parts = {hand.part for hand in theirs}
        reviews = parts & set(REVIEWS)
        said = f"officer {staff} on file {admission}: {sorted(parts)}"
        if len(reviews) > 1:
            found.append(f"two reviews: {said}")
        if reviews and parts & {"assign", "notice", "ruling"}:
            found.append(f"reviewed and something else: {said}")
        if "assign" in parts and parts & {"notice", "ruling"}:
            found.append(f"assigned and decided: {said}")
        refusals = [hand.at for hand in theirs if hand.refused]
        if refusals and any(hand.part in REVIEWS and hand.at > min(refusals) for hand in theirs):
            found.append(f"looked again at an own refusal: {said}")
    return found


def _kept_out(world: World, done: list[Hand]) -> list[str]:
    session = world.session
    about = {
        admission: (applicant, str((answers or {}).get("employer", "")))
        for admission, applicant, answers in session.execute(
            select(Admission.id, Admission.applicant_id, Application.answers).join(Application, Application.id == Admission.application_id)
        )
    }
    groups = {name: number for number, names in enumerate(EMPLOYERS) for name in names}
    own = {account.staff_id: account.id_number for account in session.scalars(select(StaffAccount).where(StaffAccount.staff_id.in_(world.staff)))}
    rows = session.scalars(select(Recusal)).all()
    holders = session.execute(select(Admission.id, Admission.holder_id).where(Admission.holder_id.is_not(None)))
    now = clock.now(session)
    found = []
    for hand in [*done, *(Hand(admission, holder, "holder", now) for admission, holder in holders)]:
        applicant, employer = about[hand.admission]
        number = world.numbers[applicant]
        why = "own" if own.get(hand.staff) and own[hand.staff] == number else ""
        for row in rows:
            held_then = row.declared_at < hand.at and (row.withdrawn_at is None or row.withdrawn_at > hand.at) and (row.until is None or row.until > hand.at)
            if row.staff_id != hand.staff or not held_then:
                continue
            same = groups.get(row.employer or "-", -1) == groups.get(employer, -2)
            if row.id_number == number or same or row.admission_id == hand.admission:
                why = row.kind
        if why:
            found.append(f"recused ({why}): officer {hand.staff} {hand.part} file {hand.admission}")
    return found


def _undeclared(world: World, done: list[Hand]) -> list[str]:
    year = dt.timedelta(days=365)
    return [
        f"undeclared: officer {hand.staff} {hand.part} file {hand.admission}"
        for hand in done
        if not any(at <= hand.at < at + year for at in world.declared[hand.staff])
    ]


def _folded(world: World) -> list[str]:
    session = world.session
    trails: dict[int, list[StepEntry]] = defaultdict(list)
    for entry in session.scalars(select(StepEntry).order_by(StepEntry.id)):
        trails[entry.admission_id].append(entry)
    found = []
    for admission_id, step in session.execute(select(Admission.id, Admission.step)):
        here = world.began.get(admission_id)
        for entry in trails[admission_id]:
            if entry.from_step != here and not (entry.from_step is None and here is None):
                found.append(f"file {admission_id}: {entry.action} from {entry.from_step}, but it lay at {here}")
            here = entry.to_step
        if here != step:
            found.append(f"file {admission_id} lies at {step}, its trail leads to {here}")
    return found


def _own_rules(session: Session) -> list[str]:
    """Nobody published what they wrote, planned or asked for; nobody put a text of theirs back into force."""
    by_text: dict[str, set[str]] = defaultdict(set)
    for draft in session.scalars(select(RuleDraft).where(RuleDraft.release_id.is_not(None))):
        release = session.get_one(Release, draft.release_id)
        saved = session.scalars(select(DraftRevision.by).where(DraftRevision.draft_id == draft.id))
        by_text[release.content_hash] |= {draft.opened_by, *saved, draft.planned_by or ""}
    events = session.execute(
        select(Release.content_hash, ReleaseEvent.state, ReleaseEvent.actor)
        .join(Release, Release.id == ReleaseEvent.release_id)
        .where(ReleaseEvent.state.in_(("ready", "published")), ReleaseEvent.actor.startswith("staff:"))
        .order_by(ReleaseEvent.id)
    ).all()
    for text, state, actor in events:
        if state == "ready":
            by_text[text].add(actor)
    return [f"own rules: {actor} published {text[:8]}" for text, state, actor in events if state == "published" and actor in by_text[text]]


def undo(session: Session) -> None:
    """Nothing of a walk is left in the thread's session."""
    session.expunge_all()
    assert db.Session() is session
