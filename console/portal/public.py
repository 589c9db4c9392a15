"""What anyone may read: the front page, the self-check, the house's own documents, the daily roots of the audit chains."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import audit, clock
from console.applications.checking import derived
from console.applications.models import Application
from console.audit import AuditAnchor
from console.db import transaction
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.departments.models import Department, Division
from console.doors.deadlines import Deadline, drawn
from console.forms.fields import Group, SectionForm
from console.portal.door import applicant, departments_with_office, door, lang, page, words
from console.portal.sections import Filling, is_blank
from console.portal.texts import document
from console.publicity.queries import BoardLine, notices_on_board
from rules import facts as derivations
from rules.bundle import Bundle
from rules.criteria import Criteria, Verdict, evaluate
from rules.fields import Around, BaseField, DateField, FieldError
from rules.parts import Text


@door.get("/")
def home() -> ResponseReturnValue:
    with transaction() as session:
        today = clock.today(session)
        bundles, _centre, _releases = departments.bundles_in_force(session, today)
        draft = None
        if applicant() is not None:
            found = session.scalar(select(Application).where(Application.submitted_at.is_(None)).limit(1))
            draft = Filling(session, found) if found else None
        board = notices_on_board(session, today)
        return page(
            "home",
            departments=departments_with_office(session),
            times=_times(bundles.values()),
            notices=[(line, notice_deadline(session, line)) for line in board.in_force[:5]],
            draft=draft,
            here="home",
        )


def _times(bundles: Any) -> dict[str, str]:
    """How long each step takes, over all departments: “7”, or “5–7” where they differ."""
    settings = [bundle.manifest.pipeline for bundle in bundles if bundle.manifest.pipeline is not None]
    asked = {
        "review": [one.review.days.value for one in settings],
        "notice": [one.notice_days.value for one in settings],
        "correct": [one.correct_within.value for one in settings],
        "term": [one.term_years.value for one in settings],
    }
    return {
        name: str(min(values)) if len(set(values)) == 1 else f"{min(values)}–{max(values)}"
        for name, values in asked.items()
        if values
    }


def notice_deadline(session: Session, line: BoardLine) -> Deadline:
    return drawn(Reckoning(session).term_of_notice(line.notice), today=clock.today(session))


# ── the self-check ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Checked:
    """What one department's criteria say to the answers given."""

    department: Department
    bundle: Bundle
    verdict: Verdict

    @property
    def counts(self) -> dict[str, int]:
        outcomes = [finding.outcome for finding in self.verdict.findings]
        return {outcome: outcomes.count(outcome) for outcome in ("met", "not_met", "unknown")}


#: asked instead of the identity number: the self-check wants no personal data
BIRTH_DATE = DateField(
    id="birth_date",
    kind="date",
    label=Text(zh="出生日期", en="Date of birth"),
    help=Text(zh="只用来算周岁，不保存。", en="Only to work out your age; it is not stored."),
    max="today",
    required=False,
)


@door.route("/eligibility", methods=["GET", "POST"])
def eligibility() -> ResponseReturnValue:
    """Ask a department's criteria about answers that go nowhere: nothing is stored, nobody is known. Posted, not put in the
    address, so that no log and no history keeps them."""
    with transaction() as session:
        today = clock.today(session)
        bundles, centre, releases = departments.bundles_in_force(session, today)
        listed = departments_with_office(session)
        wanted = request.values.get("department", "")
        found = next((d for d, _office in listed if d.code == wanted), None)
        if found is None or found.id not in bundles or centre is None:
            return page("eligibility", departments=listed, department=None, here="home")
        bundle = bundles[found.id]
        criteria = bundle.criteria
        if criteria is None:
            return page("eligibility", departments=listed, department=None, here="home")
        form = _check_form(bundle, criteria, centre, request.form if request.method == "POST" else None)
        checked = None
        problems: dict[str, str] = {}
        if request.method == "POST":
            facts, problems = _facts(form, today)
            facts["specialties"] = [{"standard": c.standard, "code": p} for c in bundle.manifest.specialties[:1] for p in c.prefixes[:1]]
            facts |= {"applied_on": today.isoformat(), "decided_on": today.isoformat()}
            verdict = evaluate(criteria, derived(bundle, derivations.complete(facts)), on=today, moment="submitted")
            checked = Checked(found, bundle, verdict)
        listed_problems = [(question.path, question.rule.label.show(lang()), problems[question.path]) for question in form.questions() if question.path in problems]
        return page(
            "eligibility",
            departments=listed,
            department=found,
            bundle=bundle,
            form=form,
            checked=checked,
            problems=listed_problems,
            divisions=departments.places(session),
            version=releases[found.id].version,
            here="home",
        )


def _check_form(bundle: Bundle, criteria: Criteria, centre: Bundle, posted: Any) -> SectionForm:
    """The questions whose answers this department's criteria look at; evidence and identity are left out."""
    used = criteria.used_facts
    rules: list[BaseField] = []
    if used & {"birth_date", "age", "age_applied"}:
        rules.append(BIRTH_DATE)
    for form in (centre.form, bundle.form):
        for question in form.questions() if form is not None else ():
            field = question.field
            if field.id in used and field.kind not in ("file", "id_number"):
                rules.append(_without_evidence(field))
    made = type("CheckForm", (SectionForm,), {"rules": tuple(rules), "start": ""})
    form = made(posted, {})
    for question in form:
        if isinstance(question, Group) and not question.entries:
            question.grow()
    return form


def _without_evidence(field: BaseField) -> BaseField:
    if not hasattr(field, "fields"):
        return field
    # names of employers and projects identify people and decide nothing
    kept = tuple(inner for inner in field.fields if inner.kind not in ("file", "id_number", "text", "long_text"))
    return field.model_copy(update={"fields": kept})


def _facts(form: SectionForm, today: dt.date) -> tuple[dict[str, Any], dict[str, str]]:
    """What was answered, as facts, and what could not be read; a question left empty is simply unknown."""
    around = Around(today)
    facts: dict[str, Any] = {}
    problems: dict[str, str] = {}

    def read(question: Any) -> Any:
        if is_blank(question.data):
            return None
        try:
            return question.rule.parse(question.data, around)
        except FieldError as error:
            problems[question.path] = error.en if lang() == "en" else error.zh
            question.problems.append(problems[question.path])
            return None

    for question in form:
        if isinstance(question, Group):
            entries = [{part.rule.id: said for part in entry if (said := read(part)) is not None} for entry in question.entries]
            entries = [entry for entry in entries if entry]
            value: Any = entries or None
        else:
            value = read(question)
        if value is not None:
            facts[question.rule.id] = value
    return facts, problems


# ── the house's own documents ────────────────────────────────────────────────────────────────────────────────


@door.get("/privacy")
def privacy() -> ResponseReturnValue:
    return page("document", document=document("consent", lang()), here="")


@door.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    return page("document", document=document("accessibility", lang()), here="")


EARLIER = 6  # older anchors shown under each chain; the file has them all


@dataclass(frozen=True)
class Chain:
    """One chain as published: whose it is, its latest anchor, some before it, and how many there are."""

    place: str
    newest: AuditAnchor
    earlier: Sequence[AuditAnchor]
    times: int


@door.get("/audit")
def audit_root() -> ResponseReturnValue:
    """The latest head of every chain, older ones below: whoever keeps a copy can prove later whether anything was changed."""
    with transaction() as session:
        names = _chain_names(session) | {"rows": _("决定和授权的每一行"), "system": _("全系统")}
        rank = func.row_number().over(partition_by=AuditAnchor.stream, order_by=AuditAnchor.seq.desc())
        times = func.count().over(partition_by=AuditAnchor.stream)
        ranked = select(AuditAnchor.stream, AuditAnchor.seq, rank.label("rank"), times.label("times")).subquery()
        rows = session.execute(
            select(AuditAnchor, ranked.c.times)
            .join(ranked, (ranked.c.stream == AuditAnchor.stream) & (ranked.c.seq == AuditAnchor.seq))
            .where(ranked.c.rank <= 1 + EARLIER)
            .order_by(AuditAnchor.stream, AuditAnchor.seq.desc())
        ).all()
        by_stream = {stream: list(found) for stream, found in groupby(rows, lambda row: row[0].stream)}
        chains = [
            Chain(names.get(stream, stream), found[0][0], [one for one, _times in found[1:]], found[0][1])
            for stream, found in by_stream.items()
        ]
        return page("audit", chains=chains, here="")


@door.get("/audit/anchors.json")
def audit_anchors() -> ResponseReturnValue:
    """Every anchor ever published, as the verifier takes it."""
    with transaction() as session:
        text = json.dumps({"format": 1, "anchors": audit.published(session)}, ensure_ascii=False, indent=1)
    answer = Response(text + "\n", mimetype="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename="anchors.json")
    return answer


def _chain_names(session: Session) -> dict[str, str]:
    """Chains by the beginning of a division's code: one per league, and one for what the region itself did."""
    places = session.scalars(select(Division).where(Division.level < 3))
    return {place.code[:4]: words(place) for place in places}
