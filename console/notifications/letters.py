"""Writing letters: the department's text over the centre's, filled with the facts of the moment, once per key.

A set of letters costs the statements of a set of one. What was written is kept as it was written, in both languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console import clock
from console.departments import queries as departments
from console.notifications.channels import MAIL, SMS
from console.notifications.facts import Facts, Occasion, Said
from console.notifications.models import Delivery, Letter
from rules.bundle import Bundle
from rules.letters import Letter as Wording
from rules.letters import render


def write(session: Session, occasions: Sequence[Occasion]) -> list[Occasion]:
    """Write a letter for each occasion, and a delivery on every channel its reader can be reached by.

    A key that exists already is left as it is: writing again changes nothing. Returns the occasions whose applicant the
    principal may no longer see (a file that just left the officer's office): those are for the worker to write.
    """
    if not occasions:
        return []
    facts = Facts(session, occasions)
    visible = [occasion for occasion in occasions if occasion.admission.applicant_id in facts.people]
    shared = _centres_texts(session)
    now = clock.now(session)
    rows = {occasion.key: _row(occasion, facts, shared) | {"written_at": now} for occasion in visible}
    if rows:
        written = session.execute(
            insert(Letter).on_conflict_do_nothing(index_elements=["key"]).returning(Letter.id, Letter.key),
            list(rows.values()),
        ).all()
        _address(session, [(letter_id, rows[key]) for letter_id, key in written], facts, now)
    return [occasion for occasion in occasions if occasion.admission.applicant_id not in facts.people]


def wording(bundle: Bundle, shared: Bundle | None, event: str) -> Wording:
    """The department's own text of an event, or the centre's; KeyError when neither has one."""
    own: Wording | None = bundle.letters.get(event)
    if own is not None:
        return own
    if shared is None:
        raise KeyError(f"no letter for '{event}': the centre has no release in force")
    return shared.letters[event]


def _centres_texts(session: Session) -> Bundle | None:
    release = departments.release_in_force(session, departments.centre(session).id, clock.today(session))
    return departments.bundle_of(session, release.id) if release is not None else None


def _row(occasion: Occasion, facts: Facts, shared: Bundle | None) -> dict[str, Any]:
    admission = occasion.admission
    text = wording(facts.bundles[admission.release_id], shared, occasion.event)
    values = facts.of(occasion)
    zh = render(text, said(values, "zh"), lang="zh")
    en = render(text, said(values, "en"), lang="en") if text.subject.en and text.body.en else None
    english = en is not None and facts.people[admission.applicant_id].language.startswith("en")
    short = (en.sms if english and en else zh.sms) or (en.subject if english and en else zh.subject)
    return {
        "admission_id": admission.id,
        "applicant_id": admission.applicant_id,
        "office_id": occasion.office_id,
        "key": occasion.key,
        "event": occasion.event,
        "title": zh.subject.strip(),
        "body": zh.body.strip(),
        "title_en": en.subject.strip() if en else "",
        "body_en": en.body.strip() if en else "",
        "sms": short.strip(),
    }


def said(values: dict[str, Said], lang: str) -> dict[str, str]:
    """The values in one language."""
    return {name: value.en if lang == "en" else value.zh for name, value in values.items()}


def _address(session: Session, written: Sequence[tuple[int, dict[str, Any]]], facts: Facts, now: Any) -> None:
    deliveries = [
        {
            "letter_id": letter_id,
            "admission_id": row["admission_id"],
            "applicant_id": row["applicant_id"],
            "office_id": row["office_id"],
            "channel": channel,
            "idempotency_key": f"{row['key']}:{channel}",
            "due_at": now,
        }
        for letter_id, row in written
        for channel in ((MAIL, SMS) if facts.people[row["applicant_id"]].has_email else (SMS,))
    ]
    if deliveries:
        session.execute(insert(Delivery).on_conflict_do_nothing(index_elements=["idempotency_key"]), deliveries)
