"""One database for the whole matrix: a row of every class at every place, an officer for every grant, two applicants.

Rows are made directly, as the factories do, each with the mark of its place in what lists show of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from console import audit, clock, db, files, setbacks
from console.accounts import grants, links, sessions, staff
from console.accounts.models import Recusal, StaffAccount, StaffGrant, WebSession
from console.applications.models import (
    Admission,
    Applicant,
    Application,
    ApplicationRelease,
    ApplicationSpecialty,
    Attachment,
    StepEntry,
)
from console.departments import queries as departments
from console.departments.models import CodeItem, Office, Regulation, RegulationParagraph, Release
from console.departments.services import note, write_release
from console.exams.models import Attempt, Paper
from console.jobs import Brake, Heartbeat, JobRun
from console.notifications.models import Delivery, Letter, Message, Webhook
from console.outbox import OutboxMessage
from console.publicity import troubled
from console.publicity.closing import RULE
from console.publicity.models import Notice, NoticeItem, Objection
from console.registers import loading
from console.registers.models import RegisterLetter
from console.retention.models import LegalHold, RetentionRun
from console.reviews.models import Absence, Review
from console.roles import Role
from console.roster.models import RosterEntry, RosterSpecialty
from console.scope import System
from console.secrecy import keyed_hash
from console.studio import drafts
from console.studio.models import DraftState, Replay, ReplayOutcome, ReplayState
from rules.bundle import read_documents
from rules.pipeline import Step
from tests.console.reviews.making import a_picture
from tests.matrix import citizens, small_rules
from tests.matrix.places import DEPARTMENTS, OFFICERS, PLACES, Officer, Place

CODES = {"transport": ("316-2018", "A050302"), "water": ("316-2018", "A080804"), "centre": ("316-2018", "A030101")}
#: the step at which a role decides; everybody else looks at the first
AT_STEP = {"second_reviewer": Step.SECOND_REVIEW, "coordinator": Step.RECONSIDERATION}
MAIL = "20260101-matrix.txt"


@dataclass
class World:
    """Where everything is: class → place (or department, or nothing) → the key its address carries."""

    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    tokens: dict[Officer | str, str] = field(default_factory=dict)
    csrf: str = secrets.token_hex(20)
    offices: list[int] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, where: str, key: Any) -> None:
        self.keys[name, where] = str(key)

    def key(self, name: str, place: Place | None, role: str = "") -> str:
        """The key of the row of this class at this place, as an officer of this role would find it."""
        where = [] if place is None else [f"{place.department}/{place.division}", place.department]
        if place is not None and role in AT_STEP and (name, f"{AT_STEP[role]}/{where[0]}") in self.keys:
            return self.keys[name, f"{AT_STEP[role]}/{where[0]}"]
        for one in (*where, ""):
            if (name, one) in self.keys:
                return self.keys[name, one]
        raise KeyError(f"tests/matrix/world.py makes no row of the class {name!r} at {place}")


    def citizens_key(self, name: str, whose: str) -> str:
        """The key of the applicant's own row of this class, or of the other applicant's; what is public is nobody's."""
        for found in ((f"citizen's {name}", whose), (f"public {name}", "")):
            if found in self.keys:
                return self.keys[found]
        raise KeyError(f"tests/matrix/citizens.py makes no row of the class {name!r}")


def build(session: Session, folder: Path) -> World:
    """Everything, in one transaction of the worker's login."""
    world = World(offices=list(session.scalars(select(Office.id))))
    maker = _Maker(session, world)
    maker.officers()  # their grants stand below those of the places in every list
    for place in PLACES:
        maker.place(place)
    for code in DEPARTMENTS:
        maker.rules(code)
    maker.machine(folder)
    citizens.build(session, world, maker.picture, maker.sessions)
    return world


class _Maker:
    def __init__(self, session: Session, world: World) -> None:
        self.session, self.world = session, world
        self.now, self.today = clock.now(session), clock.today(session)
        self.picture = files.store(a_picture("MATRIX"), "证书.png")
        self.departments = {code: departments.department_by_code(session, code) for code in DEPARTMENTS}
        rows = session.scalars(select(Office)).all()
        self.offices = {(office.department_id, office.division_code): office for office in rows}
        self.release = {code: departments.release_in_force(session, d.id, self.today) for code, d in self.departments.items()}
        self.centre = departments.bundle_of(session, self.release["centre"].id)
        self.numbers = itertools.count(1)

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    # ── the rows of one office ───────────────────────────────────────────────────────────────────────────────

    def place(self, place: Place) -> None:
        where = f"{place.department}/{place.division}"

        def put(name: str, key: Any) -> None:
            self.world.put(name, where, key)

        admission = self.file(place, Step.FIRST_REVIEW, place.mark)
        office = self.office(place)
        part = {"admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": office.id}
        for name in ("file", "file in hand"):
            put(name, admission.id)
        put("application", admission.application_id)
        for step in (Step.SECOND_REVIEW, Step.RECONSIDERATION):
            other = self.file(place, step, f"{place.mark}-{step[0]}")
            self.world.put("file in hand", f"{step}/{where}", other.id)
        held = self.file(place, Step.FIRST_REVIEW, f"{place.mark}-h")
        held.holder_id = int(self.world.words["holder"])
        unclaimed = self.file(place, Step.ASSIGNMENT, f"{place.mark}-u")
        put("unclaimed file", unclaimed.id)
        attachment = self.add(
            Attachment(
                application_id=admission.application_id, applicant_id=admission.applicant_id, field="title_paper", name="证书.png",
                hash=self.picture.hash, media_type=self.picture.media_type, size=self.picture.size, pages=1, uploaded_at=self.now,
            )
        )  # fmt: skip
        put("attachment", attachment.id)
        review = Review(
            **part, level=Step.FIRST_REVIEW, round=7, reviewer_id=0, reviewer_name=place.mark, decision="return_for_correction",
            saved_at=self.now, decided_at=self.now,
        )  # fmt: skip
        put("review", self.add(review).id)
        paper = self.add(
            Paper(
                **part, number=1, release_id=admission.release_id, seed="0" * 64, commitment="0" * 64, questions=[], full_marks=100,
                drawn_at=self.now,
            )
        )  # fmt: skip
        put("attempt", self.add(Attempt(**part, paper_id=paper.id, number=1, started_at=self.now, ends_at=self.now)).id)
        letter = self.add(Letter(**part, key=f"matrix:{place.mark}", event="submitted", title=f"函 {place.mark}", body="正文", written_at=self.now))
        put("letter", letter.id)
        put("webhook", self.add(Webhook(
            department_id=self.departments[place.department].id, title="每日对账", url="https://hook.example.cn/", secret="0123456789abcdef", created_by="staff:1", created_at=self.now,
            stopped_at=self.now, stopped_by="staff:1", stopped_why="停用",
        )).id)  # fmt: skip
        put("delivery", self.add(Delivery(**part, letter_id=letter.id, channel="mail", idempotency_key=f"matrix:{place.mark}", due_at=self.now)).id)
        put("message", self.add(Message(key=f"matrix:{place.mark}", admission_id=admission.id, office_id=office.id, event="reminder", text=f"提醒 {place.mark}", written_at=self.now)).id)
        about = {"entry_id": 0, "register": "register_centre_complaints", "row_id": 1, "event": "accept", "address": "contact_email", "channel": "mail"}
        put("register letter", self.add(RegisterLetter(
            **about, key=f"matrix:{place.mark}", office_id=office.id, title=f"函 {place.mark}", body="正文", written_at=self.now, due_at=self.now,
        )).id)  # fmt: skip
        self.publicity(place, part, put)
        self.roster(place, part, put)
        self.grant(place, put)
        audit.record(self.session, "file.taken", f"admission:{admission.id}", division_code=place.division)

    def office(self, place: Place) -> Office:
        return self.offices[self.departments[place.department].id, place.division]

    def file(self, place: Place, step: Step, mark: str) -> Admission:
        """A file of its own applicant, held by nobody. The plain ones come first in every list."""
        n, plain = next(self.numbers), mark == place.mark
        phone = f"138{n:08d}"
        applicant = self.add(
            Applicant(
                name=mark, phone=phone, phone_hash=keyed_hash(phone, "phone"), id_number=f"matrix{n}", id_number_hash=keyed_hash(f"matrix{n}", "id_number"),
                email=f"matrix{n}@example.cn", password_hash="not-a-hash", created_at=self.now, consent_version="2026-01", consented_at=self.now,
            )
        )  # fmt: skip
        opened = self.now + dt.timedelta(seconds=1) if plain else self.now - dt.timedelta(days=1)
        division = place.division
        application = self.add(
            Application(
                applicant_id=applicant.id, number=f"RK26-{mark}", answers={"name": mark}, chosen=[], division_code=division, applied_on=self.today,
                begun_at=self.now, saved_at=self.now, submitted_at=opened, consent_version="2026-01",
            )
        )  # fmt: skip
        release = self.release[place.department]
        department = self.departments[place.department]
        admission = self.add(
            Admission(
                number=f"RK26-{mark}-JT", application_id=application.id, applicant_id=applicant.id, department_id=department.id, division_code=division,
                release_id=release.id, office_id=self.office(place).id, step=str(step), since=opened, opened_at=opened, flags=[], verdict="pass",
                due_at=clock.at_midnight(self.today + dt.timedelta(days=9 if plain else 30)),
            )
        )  # fmt: skip
        standard, code = CODES[place.department]
        self.add(ApplicationSpecialty(application_id=application.id, applicant_id=applicant.id, standard=standard, code=code, admission_id=admission.id))
        for one in {department.id: release, departments.centre(self.session).id: self.release["centre"]}.items():
            self.add(ApplicationRelease(application_id=application.id, applicant_id=applicant.id, department_id=one[0], occasion="submitted", release_id=one[1].id, at=self.now))
        if step == Step.RECONSIDERATION:
            common = {"admission_id": admission.id, "applicant_id": applicant.id, "office_id": admission.office_id, "at": self.now}
            ground = {"ground": "papers_false", "title": "材料虚假", "title_en": "False papers", "basis": [{"reg": "NM-NOTICE-2021", "article": "条件三"}]}
            self.add(StepEntry(**common, action="refuse", from_step="first_review", to_step="refused", who="staff:0", reason="材料虚假", items=[ground]))
            self.add(StepEntry(**common, action="request_reconsideration", from_step="refused", to_step="reconsideration", who=f"applicant:{applicant.id}", items=[]))
        return admission

    def publicity(self, place: Place, part: dict[str, Any], put: Any) -> None:
        person = {"position": 1, "name": place.mark, "employer": "某公司", "division": "呼和浩特市", "specialties": []}
        content = json.dumps({"people": [person]}, ensure_ascii=False)
        last = self.today + dt.timedelta(days=9)
        notice = self.add(
            Notice(
                number=f"GS-{place.mark}", office_id=part["office_id"], department_id=self.departments[place.department].id, title=f"公示 {place.mark}",
                opened_by="system:test", opened_by_name="测试", opened_at=self.now, first_day=self.today, last_day=last, days=5,
                due_at=clock.at_midnight(last + dt.timedelta(days=1)), content=content, content_hash=hashlib.sha256(content.encode()).hexdigest(),
            )
        )  # fmt: skip
        put("notice", notice.number)
        self.world.put("public notice", "", notice.number)
        item = self.add(NoticeItem(**part, notice_id=notice.id, position=1, name=place.mark, employer="某公司", specialties=[]))
        objection = Objection(**part, code=f"YY-{place.mark}", notice_item_id=item.id, objector="某人", contact="0471", ground="业绩不实", made_at=self.now)
        put("objection", self.add(objection).id)
        setbacks.note(self.session, troubled.PERSON, {item.id: "测试"})
        put("failed person", item.id)

    def roster(self, place: Place, part: dict[str, Any], put: Any) -> None:
        own = {key: part[key] for key in ("applicant_id", "office_id")}
        entry = self.add(
            RosterEntry(**own, number=f"NM{place.mark}", code=f"ZS{place.mark.upper()}", name=place.mark, employer="某公司", division_code=place.division, entered_at=self.now)
        )
        put("roster entry", entry.id)
        self.world.put("public certificate", "", entry.code)
        standard, code = CODES[place.department]
        specialty = RosterSpecialty(
            **part, entry_id=entry.id, standard=standard, code=code, department_id=self.departments[place.department].id, term_from=self.today,
            term_to=self.today + dt.timedelta(days=1000), responsible="测试",
        )  # fmt: skip
        put("roster specialty", self.add(specialty).id)

    def grant(self, place: Place, put: Any) -> None:
        """Somebody's grant at this place; called by another mark, because whoever reviews a file is named beside it."""
        name = f"授 {place.mark.replace('M', 'G')}"
        user = staff.create_staff(self.session, f"matrix-{place.mark}", name=name, password=None, office=self.office(place))
        put("person", user.id)
        put("their office", self.office(place).id)
        kept_out = Recusal(staff_id=user.id, office_id=self.office(place).id, kind="former_employer", employer=place.mark, left_on=self.today, declared_at=self.now)
        put("recusal", self.add(kept_out).id)
        put("absence", self.add(Absence(
            staff_id=user.id, office_id=self.office(place).id, from_on=self.today, to_on=self.today, reason=f"缺勤 {place.mark}", entered_by="system:matrix",
            entered_at=self.now, begins_at=self.now,
        )).id)  # fmt: skip
        put("grant", self.give(user.id, Role.RULE_EDITOR, place.department, place.division).id)

    def give(self, staff_id: int, role: Role, department: str | None, division: str) -> StaffGrant:
        found = self.departments[department] if department else None
        return grants.give_grant(
            self.session, staff_id, role=role, department_id=found.id if found else None, division_code=division, reason="测试", actor=System("matrix"),
            valid_from=self.now - dt.timedelta(days=2),
        )  # fmt: skip

    # ── what lies with a department, or with nobody ──────────────────────────────────────────────────────────

    def rules(self, code: str) -> None:
        department, actor = self.departments[code], System("matrix")
        texts = small_rules.files(code)
        bundle = read_documents(texts, centre=self.centre, code=code)
        release = write_release(self.session, department, bundle, base=None, actor=actor)
        made = {"title": f"草稿 Mz{code}", "note": "", "base": release, "actor": actor}
        draft = drafts.import_files(self.session, department, texts, **made)
        asked = drafts.import_files(self.session, department, texts, **made)
        asked.state, asked.release_id, asked.effective_on = str(DraftState.READY), release.id, self.today + dt.timedelta(days=30)
        note(self.session, release, "ready", actor=actor, reason="请核准")
        for name, key in (("rules", code), ("draft", draft.id), ("asked draft", asked.id), ("release", release.id)):
            self.world.put(name, code, key)
        replay = self.add(
            Replay(
                department_id=department.id, draft_id=draft.id, revision=1, content_hash=drafts.head(self.session, draft).content_hash, as_if=self.today,
                asked_by="system:test", asked_at=self.now, started_at=self.now, finished_at=self.now, state=str(ReplayState.DONE), done=6, total=6,
                summary={"total": 6, "kinds": {"admitted": 6}, "criteria": {}, "leagues": {}, "places": {}},
            )
        )  # fmt: skip
        self.world.put("replay", code, replay.id)
        for place in PLACES:
            if place.department == code:
                admission = self.session.get_one(Admission, int(self.world.key("file", place)))
                self.add(
                    ReplayOutcome(
                        replay_id=replay.id, admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
                        number=admission.number, name=place.mark, division_code=place.division, step="first_review", kind="admitted", before="reject", after="pass",
                    )
                )  # fmt: skip
        brake = self.add(Brake(rule=RULE, department_id=department.id, reason="测试", pulled_by="system:test", pulled_at=self.now))
        self.world.put("brake", code, brake.id)

    def machine(self, folder: Path) -> None:
        session, put = self.session, self.world.put
        put("outbox message", "", self.add(OutboxMessage(topic="notice.opened", ids=[0], created_at=self.now, due_at=self.now, gave_up_at=self.now)).id)
        put("job run", "", self.add(JobRun(job="test", started_at=self.now)).id)
        session.add_all([Heartbeat(name=f"{kind} 1", kind=kind, at=sessions.real_now() + dt.timedelta(hours=8)) for kind in ("worker", "relay")])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MAIL).write_text("一封信", "utf-8")
        put("mail", "", MAIL)
        office = self.offices[self.departments["transport"].id, "150000"]
        put("office", "", office.id)
        put("department", "", office.department_id)
        put("division", "", "150105")
        put("public release", "", session.scalar(select(Release.id).order_by(Release.id).limit(1)))
        put("specialty", "", "316-2018~A050302")
        put("workday", "", "1")
        put("regulation", "", session.scalar(select(Regulation.id).limit(1)))
        put("paragraph", "", session.scalar(select(RegulationParagraph.id).limit(1)))
        key = session.execute(select(CodeItem.list, CodeItem.code).limit(1)).one()
        put("code", "", "~".join(key))
        put("retention rule", "", "files")
        put("hold", "", self.add(LegalHold(kind="codes", reason="测试", basis="测试", placed_by="system:test", placed_at=self.now)).id)
        for one in loading.registers():
            first = one.rows(
                office_id=office.id, state=one.declared.first_state, state_since=self.now, version=1, entered_by="system:test", entered_at=self.now, changed_by="system:test", changed_at=self.now
            )
            put(f"{one.declared.id} row", "", self.add(first).id)
        put("retention run", "", self.add(RetentionRun(kind="codes", at=self.now, days=7, basis="测试", erased=1)).id)
        self.world.words["regulation"] = self.world.keys["regulation", ""]

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────

    def officers(self) -> None:
        people: dict[Officer | str, int] = {}
        for n, officer in enumerate(OFFICERS):
            home = None if officer.home == "all" else officer.home
            office = self.office(Place(home or "centre", officer.division))
            user = staff.create_staff(self.session, f"matrix{n}", name="阵 阵", password=None, office=office)
            user.password = citizens.HASH  # cheap to compare with
            self.give(user.id, Role(officer.role), home, officer.division)
            self.session.get_one(StaffAccount, user.id).declared_at = self.now  # what they keep out of: nothing
            people[officer] = user.id
        people["a stranger"] = staff.create_staff(self.session, "matrix-stranger", name="别 人", password=None).id
        people["nothing"] = staff.create_staff(self.session, "matrix-nothing", name="无 权", password=None).id
        self.world.words["link"] = links.make(self.session, people["a stranger"], links.Purpose.FIRST)
        self.world.words["holder"] = str(people[Officer("first_reviewer", "region", "all")])
        self.sessions("console", people)
        self.world.words["stranger"] = sessions.token_hash(self.world.tokens["a stranger"])[:16]

    def sessions(self, door: str, people: dict[Any, int]) -> None:
        """A live session for each, as the sign-in page would begin it."""
        real, rows = sessions.real_now(), []
        for who, person_id in people.items():
            token = self.world.tokens[who] = secrets.token_urlsafe(32)
            rows.append(
                {
                    "token_hash": sessions.token_hash(token), "door": door, "person_id": person_id, "data": kept(self.world.csrf),
                    "created_at": real, "seen_at": real, "expires_at": real + dt.timedelta(hours=8), "agent": "",
                }
            )  # fmt: skip
        self.session.execute(insert(WebSession), rows)


def kept(csrf: str) -> dict[str, str]:
    """What a session holds whose owner has come in by both steps."""
    return {"csrf_token": csrf, "second": "device"}


def as_it_was(token: str, csrf: str) -> None:
    """Undo what a request did to sessions, which lie outside its transaction: messages, and their end."""
    with db.engine().begin() as connection:
        connection.execute(
            update(WebSession)
            .where(or_(WebSession.token_hash == sessions.token_hash(token), WebSession.ended_at.is_not(None)))
            .values(data=kept(csrf), ended_at=None)
        )
