"""Who stands in the roster, and how: entering, suspending, restoring. Every change is an event; the standing is their fold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from console import audit, bulk, clock, outbox
from console.applications.answers import unseal
from console.applications.models import Applicant, Application, ApplicationSpecialty
from console.applications.pipeline import Moved
from console.departments import queries as departments
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed
from console.roster import numbers
from console.roster.models import RosterEntry, RosterEvent, RosterSpecialty
from console.roster.queries import Shown, shown_on
from console.scope import Principal, System
from rules.ages import anniversary

ACTIVE, SUSPENDED, ENDED = "active", "suspended", "ended"
UNPAID_FLAG = "paid_by_rule"  # the criterion by which every department's bundle flags a civil servant


class NotActive(Conflict):
    message = N_("%(code)s 现在不是在聘状态，不能暂停。")


class NotSuspended(Conflict):
    message = N_("%(code)s 现在没有暂停，不用恢复。")


# ── entering ─────────────────────────────────────────────────────────────────────────────────────────────────


def enter_roster(session: Session, moves: Sequence[Moved], *, actor: Principal) -> None:
    """Enter the people who have just arrived at the roster step: one entry per person, one row and one event per specialty.

    A person whom another department admitted before keeps number and code. The term starts today and lasts `term_years` of
    the release the file met. Set-wise; the unique keys make a second run harmless. The worker only: nobody signs anybody in.
    """
    if not isinstance(actor, System):
        raise NotAllowed()
    admissions = {moved.admission.id: moved.admission for moved in moves}
    entries = _entries(session, moves)
    shown = shown_on(session, list(admissions))
    today = clock.today(session)
    terms = {
        release: _term_end(session, release, today)
        for release in {admission.release_id for admission in admissions.values()}
    }
    rows = []
    for chosen in session.execute(
        select(ApplicationSpecialty.admission_id, ApplicationSpecialty.standard, ApplicationSpecialty.code)
        .where(bulk.among(ApplicationSpecialty.admission_id, list(admissions)))
        .order_by(ApplicationSpecialty.admission_id, ApplicationSpecialty.standard, ApplicationSpecialty.code)
    ):
        admission = admissions[chosen.admission_id]
        notice = shown.get(admission.id, Shown(actor.reason, None, None))
        rows.append(
            {
                "entry_id": entries[admission.applicant_id],
                "applicant_id": admission.applicant_id,
                "office_id": admission.office_id,
                "standard": chosen.standard,
                "code": chosen.code,
                "department_id": admission.department_id,
                "admission_id": admission.id,
                "term_from": today,
                "term_to": terms[admission.release_id],
                "standing": ACTIVE,
                "unpaid": UNPAID_FLAG in admission.flags,
                "responsible": notice.responsible,
                "notice_number": notice.number,
                "notice_hash": notice.fingerprint,
            }
        )
    if rows:
        _record_entered(session, _write_specialties(session, rows), actor)


def _entries(session: Session, moves: Sequence[Moved]) -> dict[int, int]:
    """Applicant id → entry id, making the entries that are not there yet."""
    by_applicant = {moved.admission.applicant_id: moved.admission for moved in moves}
    found = dict(
        session.execute(
            select(RosterEntry.applicant_id, RosterEntry.id).where(bulk.among(RosterEntry.applicant_id, list(by_applicant)))
        ).all()
    )
    new = sorted(set(by_applicant) - set(found))
    if not new:
        return found
    names = dict(session.execute(select(Applicant.id, Applicant.name).where(bulk.among(Applicant.id, new))).all())
    applications = [by_applicant[applicant].application_id for applicant in new]
    employers: dict[int, Any] = dict(  # in one JSON value, as what may be sealed
        session.execute(select(Application.id, Application.answers["employer"]).where(bulk.among(Application.id, applications))).all()
    )
    now = clock.now(session)
    values = []
    for applicant, number in zip(new, numbers.next_numbers(session, len(new)), strict=True):
        admission = by_applicant[applicant]
        values.append(
            {
                "applicant_id": applicant,
                "office_id": admission.office_id,
                "number": number,
                "code": numbers.new_code(),
                "name": names[applicant],
                "employer": str(unseal({"employer": employers[admission.application_id]})["employer"] or "")[:120],
                "division_code": admission.division_code,
                "entered_at": now,
            }
        )
    # another worker may be admitting the same person for another department: whoever comes second takes the first one's entry
    session.execute(bulk.from_rows(RosterEntry, values).on_conflict_do_nothing(index_elements=[RosterEntry.applicant_id]))
    return dict(
        session.execute(
            select(RosterEntry.applicant_id, RosterEntry.id).where(bulk.among(RosterEntry.applicant_id, list(by_applicant)))
        ).all()
    )


def _term_end(session: Session, release_id: int, first: dt.date) -> dt.date:
    """The last day of a term that begins on `first`, by the `term_years` of the release."""
    settings = departments.bundle_of(session, release_id).manifest.pipeline
    end = anniversary(first, settings.term_years.value) if settings is not None else None
    if end is None:
        raise ValueError(f"release {release_id} gives no term that ends in our calendar")
    return end - dt.timedelta(days=1)


_HELD = ("entry_id", "applicant_id", "office_id", "standard", "code", "department_id", "admission_id", "term_from", "term_to")  # what an event tells


def _write_specialties(session: Session, rows: list[dict[str, Any]]) -> list[Any]:
    """Insert; a specialty held before gets a new term by the new file. A suspension outlives it; the same file changes nothing."""
    statement = bulk.from_rows(RosterSpecialty, rows)
    new = statement.excluded
    renewed = statement.on_conflict_do_update(
        index_elements=[RosterSpecialty.entry_id, RosterSpecialty.standard, RosterSpecialty.code],
        set_={
            "admission_id": new.admission_id,
            "department_id": new.department_id,
            "office_id": new.office_id,
            "term_from": new.term_from,
            "term_to": new.term_to,
            "unpaid": new.unpaid,
            "responsible": new.responsible,
            "notice_number": new.notice_number,
            "notice_hash": new.notice_hash,
            "standing": case((RosterSpecialty.standing == SUSPENDED, SUSPENDED), else_=ACTIVE),
        },
        where=RosterSpecialty.admission_id != new.admission_id,
    )
    told = (RosterSpecialty.id, RosterSpecialty.responsible, RosterSpecialty.notice_number, *(getattr(RosterSpecialty, name) for name in _HELD))
    return sorted(session.execute(renewed.returning(*told)).all())


def _record_entered(session: Session, written: Sequence[Any], actor: System) -> None:
    now = clock.now(session)
    bulk.write(session, RosterEvent, [_event(row, "entered", now, actor, None) for row in written])
    by_entry: dict[int, list[Any]] = {}
    for row in written:
        by_entry.setdefault(row.entry_id, []).append(row)
    audit.write(
        session,
        [
            audit.line(
                session,
                "roster.entered",
                f"roster_entry:{entry_id}",
                admission=held[0].admission_id,
                responsible=held[0].responsible,
                notice=held[0].notice_number,
                specialties=[f"{row.standard}/{row.code}" for row in held],
                term=[held[0].term_from.isoformat(), held[0].term_to.isoformat()],
            )
            for entry_id, held in by_entry.items()
        ],
    )
    outbox.publish(session, "roster.entered", list(by_entry))
    session.flush()


def _event(row: Any, event: str, at: dt.datetime, actor: Principal, reason: str | None) -> dict[str, Any]:
    """`row`: a RosterSpecialty, or its columns."""
    return {
        "entry_id": row.entry_id,
        "roster_specialty_id": row.id,
        "applicant_id": row.applicant_id,
        "office_id": row.office_id,
        "event": event,
        "at": at,
        "who": actor.who,
        "reason": reason,
        "facts": {
            "standard": row.standard,
            "code": row.code,
            "department_id": row.department_id,
            "admission_id": row.admission_id,
            "term_from": row.term_from.isoformat(),
            "term_to": row.term_to.isoformat(),
        },
    }


# ── suspending and restoring, per department and specialty ───────────────────────────────────────────────────


def suspend(session: Session, held: Sequence[RosterSpecialty], *, actor: Principal, reason: str) -> None:
    """Stop these specialties of these people from being drawn; their other departments' stay as they are.

    Raises NotActive when one is not active; then none is changed.
    """
    _turn(session, held, ACTIVE, SUSPENDED, "suspended", NotActive, actor=actor, reason=reason)


def restore(session: Session, held: Sequence[RosterSpecialty], *, actor: Principal, reason: str) -> None:
    """Take a suspension back; the term runs as it did. Raises NotSuspended when one is not suspended; then none is changed."""
    _turn(session, held, SUSPENDED, ACTIVE, "restored", NotSuspended, actor=actor, reason=reason)


def _turn(
    session: Session,
    held: Sequence[RosterSpecialty],
    before: str,
    after: str,
    event: str,
    wrong: type[Conflict],
    *,
    actor: Principal,
    reason: str,
) -> None:
    if not isinstance(actor, System):
        raise NotAllowed()  # the database lets nobody else write here; the officers' act comes with its screen
    if not reason.strip():
        raise InvalidAnswers({"reason": N_("请写明理由和依据。")})
    rows = session.scalars(
        select(RosterSpecialty)
        .where(RosterSpecialty.id.in_([row.id for row in held]))
        .order_by(RosterSpecialty.id)
        .with_for_update(of=RosterSpecialty)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        if row.standing != before:
            raise wrong(code=row.code)
    now = clock.now(session)
    for row in rows:
        row.standing = after
        session.add(RosterEvent(**_event(row, event, now, actor, reason.strip())))
        audit.record(
            session,
            f"roster.{event}",
            f"roster_specialty:{row.id}",
            reason=reason.strip(),
            specialty=f"{row.standard}/{row.code}",
            department=row.department_id,
        )
    outbox.publish(session, f"roster.{event}", [row.id for row in rows])
    session.flush()
