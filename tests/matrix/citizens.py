"""Two applicants with the same rows each: what one names is their own or the other's."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from console import clock
from console.accounts.sessions import token_hash
from console.applications import services as applications
from console.applications.models import Attachment, StepEntry
from console.exams import queries as exams
from console.exams import services as sitting
from console.notifications.models import Letter
from console.scope import Applicant
from console.training import queries as training
from rules.pipeline import Step
from tests import factories

OWN, OTHER = "own", "other"
#: well formed, of no password
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$IKI7gqJBKWbo1z2KvcNXDEi3lVw"


def build(session: Session, world: Any, picture: Any, sessions: Any) -> None:
    """Keys by `own` and `other`, as the first of the two sees them."""
    people: dict[str, int] = {}
    for whose in (OWN, OTHER):
        person = factories.make_applicant(session, name="高娃", password_hash=HASH)
        people[whose] = person.id
        _rows(session, world, whose, person, picture)
    sessions("portal", {f"applicant {whose}": key for whose, key in people.items()} | {"elsewhere own": people[OWN], "elsewhere other": people[OTHER]})
    for whose in (OWN, OTHER):
        world.put("citizen's session", whose, token_hash(world.tokens[f"elsewhere {whose}"])[:16])


def _rows(session: Session, world: Any, whose: str, person: Any, picture: Any) -> None:
    now, actor = clock.now(session), Applicant(person.id, person.name)

    def put(name: str, key: Any) -> None:
        world.put(f"citizen's {name}", whose, key)

    file = factories.make_admission(session, step=Step.CORRECTION, applicant=person)
    part = {"admission_id": file.id, "applicant_id": person.id, "office_id": file.office_id}
    session.add(StepEntry(**part, action="return_for_correction", from_step="first_review", to_step="correction", at=now, who="staff:0", reason="请补正", items=[]))
    file.application.submitted_hash = "0" * 64
    put("file", file.id)
    put("application", file.application_id)
    attachment = Attachment(
        application_id=file.application_id, applicant_id=person.id, field="title_paper", name="证书.png", hash=picture.hash, media_type=picture.media_type,
        size=picture.size, pages=1, uploaded_at=now,
    )  # fmt: skip
    letter = Letter(**part, key=f"matrix:{whose}", event="submitted", title="受理回执", body="正文", written_at=now)
    session.add_all([attachment, letter])
    session.flush()
    put("attachment", attachment.id)
    put("letter", letter.id)
    refused = factories.make_admission(session, step=Step.REFUSED, applicant=person)
    common = {"admission_id": refused.id, "applicant_id": person.id, "office_id": refused.office_id, "at": now, "who": "staff:0"}
    session.add(StepEntry(**common, action="refuse", from_step="first_review", to_step="refused", reason="材料虚假", items=[factories.GROUND]))
    put("refused file", refused.id)
    learning = factories.make_admission(session, step=Step.TRAINING, applicant=person)
    put("file at training", learning.id)
    world.words["unit"] = training.units(session, learning)[0].unit.id
    put("file at exam", factories.make_admission(session, step=Step.EXAM, applicant=person).id)
    attempt = sitting.start(session, factories.make_admission(session, step=Step.EXAM, applicant=person), actor=actor)
    put("attempt", attempt.id)
    world.words["question"] = exams.paper_page(session, attempt).questions[0].id
    draft = applications.begin_application(session, actor=actor)
    put("draft", draft.id)
    world.words["section"] = applications.section_key(applications.form_of(session, draft).sections[0])
