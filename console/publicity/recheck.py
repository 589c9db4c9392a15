"""The last look before admission: joint restriction and the criteria marked `as_of: decided`, asked again on this very day.

Set-wise: one statement per table, whatever the number of people. Reads only; who is refused, admitted or left is for the caller.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from console import bulk
from console.applications import answers, grounds
from console.applications.checking import Hidden, derived, holds, register_facts
from console.applications.models import Admission, Applicant, Application, ApplicationSpecialty, RestrictionEntry
from console.applications.models import Finding as FindingRow
from console.departments import queries as departments
from console.departments.models import Department
from rules import facts as derivations
from rules.bundle import Bundle
from rules.criteria import Finding, Verdict, evaluate


class Outcome(StrEnum):
    """What the re-check says about one person."""

    ADMIT = "admit"
    REFUSE = "refuse"
    HOLD = "hold"  # something cannot be known today; silence neither admits nor refuses


@dataclass(frozen=True)
class Recheck:
    """`items` are the grounds, in the shape of a refusal's items: title, reason and clause, zh and en."""

    admission: Admission
    outcome: Outcome
    items: list[dict[str, Any]]
    verdict: Verdict
    facts: dict[str, Any]
    release_id: int  # by whose criteria

    @property
    def reasons(self) -> str:
        return "；".join(item["reason"] for item in self.items)


def load(session: Session, admission_ids: Sequence[int]) -> list[Admission]:
    """The files, fresh from the database."""
    return list(
        session.scalars(
            select(Admission)
            .where(bulk.among(Admission.id, list(admission_ids)))
            .order_by(Admission.id)
            .execution_options(populate_existing=True)
        )
    )


def recheck(session: Session, admissions: Sequence[Admission], *, on: dt.date) -> list[Recheck]:
    """One answer per admission, in their order. `admissions` come from `load()`."""
    ids = [admission.id for admission in admissions]
    filed = _filed(session, ids)
    chosen = _chosen(session, ids)
    records = _records(session, [admission.applicant_id for admission in admissions])
    # the release the file met, or a later one whose transitional clause asks accepted files too
    governing = departments.governing(session, {(a.department_id, a.release_id) for a in admissions}, on)
    rules = {r: Rules.of(r, departments.bundle_of(session, r)) for r in set(governing.values())}
    codes = dict(session.execute(select(Department.id, Department.code)).all())
    ruled = _rulings(session, ids)
    is_any_barred = any(holds(entry, on) for entries in records.values() for entry in entries)
    centre = _centre_on(session, on) if is_any_barred else None
    return [
        _one(
            admission,
            filed[admission.id],
            chosen[admission.id],
            rules[governing[admission.release_id]],
            codes[admission.department_id],
            records.get(admission.applicant_id, []),
            ruled.get(admission.id, {}),
            centre,
            on,
        )
        for admission in admissions
    ]


@dataclass(frozen=True)
class Rules:
    """A release as the re-check asks it, made once for everybody under it."""

    release_id: int
    bundle: Bundle
    hidden: Hidden

    @classmethod
    def of(cls, release_id: int, bundle: Bundle) -> Rules:
        return cls(release_id, bundle, Hidden.by(bundle.form, *([bundle.centre.form] if bundle.centre else [])))


def _filed(session: Session, admissions: list[int]) -> dict[int, Any]:
    """Admission id → (answers, applied_on, id_number): rows, not objects, because there may be ten thousand of them."""
    rows = session.execute(
        select(Admission.id, Application.answers, Application.applied_on, Applicant.id_number)
        .join(Application, Application.id == Admission.application_id)
        .join(Applicant, Applicant.id == Admission.applicant_id)
        .where(bulk.among(Admission.id, admissions))
    )
    return {row.id: row for row in rows}


def _chosen(session: Session, admissions: list[int]) -> dict[int, list[dict[str, str]]]:
    """Admission id → the specialties it carries."""
    found: dict[int, list[dict[str, str]]] = {admission: [] for admission in admissions}
    rows = session.execute(
        select(ApplicationSpecialty.admission_id, ApplicationSpecialty.standard, ApplicationSpecialty.code).where(
            bulk.among(ApplicationSpecialty.admission_id, admissions)
        )
    )
    for admission_id, standard, code in rows:
        found[admission_id].append({"standard": standard, "code": code})
    return found


def _rulings(session: Session, admissions: list[int]) -> dict[int, dict[str, Any]]:
    """Admission id → what its reviewers ruled from evidence about criteria that the answers left unknown."""
    latest = (
        select(FindingRow.admission_id, FindingRow.trace["rulings"])
        .where(bulk.among(FindingRow.admission_id, admissions), FindingRow.moment == "submitted")
        .order_by(FindingRow.admission_id, FindingRow.id.desc())
        .ext(distinct_on(FindingRow.admission_id))
    )
    return {admission_id: rulings or {} for admission_id, rulings in session.execute(latest)}


def _records(session: Session, applicants: list[int]) -> dict[int, list[RestrictionEntry]]:
    """Every entry of the joint restriction list about these people, lapsed ones too: they count as penalties."""
    found: dict[int, list[RestrictionEntry]] = {}
    rows = session.execute(
        select(Applicant.id, RestrictionEntry)
        .join(RestrictionEntry, RestrictionEntry.id_number_hash == Applicant.id_number_hash)
        .where(bulk.among(Applicant.id, applicants))
        .order_by(RestrictionEntry.id)
    )
    for applicant_id, entry in rows:
        found.setdefault(applicant_id, []).append(entry)
    return found


def _one(
    admission: Admission,
    filed: Any,
    chosen: list[dict[str, str]],
    rules: Rules,
    code: str,
    records: list[RestrictionEntry],
    ruled: Mapping[str, Any],
    centre: Bundle | None,
    on: dt.date,
) -> Recheck:
    bundle, release_id = rules.bundle, rules.release_id
    barred = [grounds.of_restriction(entry, centre) for entry in records if holds(entry, on)]
    facts = derivations.derive(
        {"id_number": filed.id_number} | answers.unseal(filed.answers),
        department=code,
        applied_on=filed.applied_on or on,
        decided_on=on,
        specialties=chosen,
        registers=register_facts(records, on),
    )
    if bundle.criteria is None:
        raise LookupError(f"the bundle of {code} holds no criteria")
    facts = derived(bundle, facts)
    verdict = evaluate(bundle.criteria, facts, on=on, moment="decided")
    kept = rules.hidden.left(facts)
    open_still = [finding for finding in verdict.findings if not _settled(finding, ruled)]
    items = [grounds.of_finding(finding, bundle) for finding in verdict.reasons if finding in open_still]
    if verdict.decision == "reject":
        return Recheck(admission, Outcome.REFUSE, items, verdict, kept, release_id)
    if barred:  # 联合惩戒 bars from every pool, whatever a department's own criteria ask; without its clause a person decides
        has_clause = centre is not None and centre.manifest.restriction is not None
        return Recheck(admission, Outcome.REFUSE if has_clause else Outcome.HOLD, barred, verdict, kept, release_id)
    if not open_still:
        return Recheck(admission, Outcome.ADMIT, [], verdict, kept, release_id)
    return Recheck(admission, Outcome.HOLD, items, verdict, kept, release_id)


def _centre_on(session: Session, on: dt.date) -> Bundle | None:
    """The centre's bundle in force that day, which says what joint restriction rests on."""
    release = departments.release_in_force(session, departments.centre(session).id, on)
    return departments.bundle_of(session, release.id) if release is not None else None


def _settled(finding: Finding, ruled: Mapping[str, Any]) -> bool:
    """Met, or a flag, or unknown today as it was at review, where somebody ruled from evidence that it holds.

    What is known today to be unmet is never settled by an earlier ruling.
    """
    if finding.outcome == "met" or (finding.outcome == "not_met" and finding.criterion.effect == "flag"):
        return True
    return finding.outcome == "unknown" and bool(ruled.get(finding.id, {}).get("holds"))
