"""Writing letters: the department's text over the centre's, filled with the facts of the moment, once per key.

A set of letters costs the statements of a set of one. What was written is kept as it was written, in both languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from console import bulk, clock
from console.notifications import events_out
from console.notifications.facts import Facts, Occasion
from console.notifications.models import Delivery, Letter
from console.notifications.said import Said
from console.post.trying import put_off
from rules.letters import render


def write(session: Session, occasions: Sequence[Occasion]) -> list[Occasion]:
    """Write a letter for each occasion, and a delivery on every channel its reader can be reached by and wants it on.

    A key that exists already is left as it is: writing again changes nothing. Returns the occasions whose applicant the
    principal may no longer see (a file that just left the officer's office): those are for the worker to write.
    """
    if not occasions:
        return []
    facts = Facts(session, occasions)
    visible = [occasion for occasion in occasions if occasion.admission.applicant_id in facts.people]
    now = clock.now(session)
    rows = {occasion.key: _row(occasion, facts) | {"written_at": now} for occasion in visible}
    if rows:
        once = bulk.from_rows(Letter, list(rows.values())).on_conflict_do_nothing(index_elements=["key"])
        written = session.execute(once.returning(Letter.id, Letter.key)).all()
        _address(session, [(letter_id, rows[key]) for letter_id, key in written], facts, now)
    return [occasion for occasion in occasions if occasion.admission.applicant_id not in facts.people]


class NoWording(LookupError):
    """Neither the department nor the centre has a text for the event: the bundle check lets no such release pass."""


#: for files under a release from before there was such a letter
_INSTEAD = {"notice_extended": "notice_opened"}


def _row(occasion: Occasion, facts: Facts) -> dict[str, Any]:
    admission = occasion.admission
    bundle = facts.bundles[admission.release_id]
    text = bundle.letter(occasion.event) or bundle.letter(_INSTEAD.get(occasion.event, ""))  # the department's own, or the centre's
    if text is None:
        raise NoWording(f"{occasion.event}: no text in release {admission.release_id}")
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
            "due_at": put_off(channel, now, facts.people[row["applicant_id"]].quiet),
        }
        for letter_id, row in written
        for channel in facts.people[row["applicant_id"]].reach.channels(row["event"])
    ]
    to_machines = events_out.deliveries(
        written, departments={o.admission.id: o.admission.department_id for o in facts.occasions}, told=events_out.told(session), now=now
    )
    for rows in (deliveries, to_machines):
        if rows:
            session.execute(bulk.from_rows(Delivery, rows).on_conflict_do_nothing(index_elements=["idempotency_key"]))
