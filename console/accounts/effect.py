"""What giving, changing or withdrawing a grant would do: rows and acts gained and lost, in words, with today's numbers.

The holder's grants before are put beside those after; what one grant loses and another still gives is no loss. Numbers come from
functions of the database that answer for offices within the asker's reach over people, and with counts only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ARRAY, Integer, String, column, func, literal, select
from sqlalchemy.orm import Session

from console import clock, visibility
from console.accounts import grants, wording
from console.accounts.explaining import Answer, Held
from console.accounts.grant_queries import as_held
from console.accounts.models import StaffGrant
from console.departments.models import Office
from console.doors.look import step_label
from console.errors import N_
from console.roles import ROLES, Act, Role, Subject
from rules.pipeline import Step

Offices = frozenset[int]
NONE: Offices = frozenset()
#: review acts and the step they are done at
AT_STEP: Mapping[Act, str] = {
    Act.FIRST_REVIEW: Step.FIRST_REVIEW,
    Act.SECOND_REVIEW: Step.SECOND_REVIEW,
    Act.RECONSIDER: Step.RECONSIDERATION,
}
#: acts on what is one for the whole region: a grant for a league or a banner does not reach them (`scope.may`, brakes, transfers)
WHOLE_REGION = frozenset(
    {Act.DRAFT_RELEASE, Act.PUBLISH_RELEASE, Act.TRANSFER_SPECIALTY, Act.RECORD_REGULATION, Act.KEEP_CALENDAR, Act.LOAD_SPECIALTIES, Act.PULL_BRAKE, Act.RETRY_JOB, Act.SET_WEBHOOK}
)
_ACTS: Mapping[Act, str] = {
    Act.FIRST_REVIEW: N_("初审%(place)s的件"),
    Act.SECOND_REVIEW: N_("复审%(place)s的件"),
    Act.RECONSIDER: N_("办理%(place)s的复核申请"),
    Act.DISTRIBUTE: N_("分派%(place)s的件"),
    Act.OPEN_NOTICE: N_("开启%(place)s的公示"),
    Act.RULE_ON_OBJECTION: N_("处理%(place)s的异议"),
    Act.RESEND_LETTER: N_("把%(place)s没有送到的函件重新发送"),
}
_CLASSES: Mapping[str, str] = {
    Subject.FILES: N_("看见%(place)s的申报和办件"),
    Subject.NOTICES: N_("看见%(place)s的公示和异议"),
    Subject.ROSTER: N_("看见%(place)s的专家库"),
    Subject.PEOPLE: N_("看见%(place)s的工作人员和授权"),
    Subject.REGISTERS: N_("看见%(place)s的登记表"),
    Subject.REPLAYS: N_("看见%(place)s往卷重算的名单"),
    "recusals": N_("看见%(place)s的回避申报"),
}


@dataclass(frozen=True)
class Line:
    """One thing gained or lost, and how many rows it is about today; empty: not a matter of rows."""

    words: str
    count: str = ""


@dataclass(frozen=True)
class Caution:
    title: str
    text: str


@dataclass
class Effect:
    gained: list[Line] = field(default_factory=list)
    lost: list[Line] = field(default_factory=list)
    in_hand: int = 0  # files of this person that nobody could go on with
    warnings: list[Caution] = field(default_factory=list)


@dataclass(frozen=True)
class Reach:
    """What somebody's grants give: offices by class of rows, by act, and where contact data is seen."""

    sees: Mapping[Subject, Offices]
    may: Mapping[Act, Offices]
    secrets: Offices


def reach(held: Iterable[Held], offices: Mapping[int, tuple[int, str]]) -> Reach:
    """The sum of these grants, as if all were in force; pure. `offices`: id → (department, division)."""
    sees: dict[Subject, Offices] = defaultdict(frozenset)
    may: dict[Act, Offices] = defaultdict(frozenset)
    secrets = NONE
    contact = visibility.SECRETS["applicant.phone"]
    for grant in held:
        definition = grant.definition
        if definition is None:
            continue
        covered = frozenset(key for key, at in offices.items() if grant.covers(*at) == Answer.GIVES)
        for subject in definition.reads:
            sees[subject] |= covered
        for act in definition.acts:
            if act not in WHOLE_REGION or grant.division_code.endswith("0000"):
                may[act] |= covered
        if Role(grant.role) in contact.masked | contact.visible | contact.unmask:
            secrets |= covered
    return Reach(sees, may, secrets)


def of(
    session: Session, staff_id: int, *, gives: Held | None, place: str, instead_of: StaffGrant | None = None, was: str = ""
) -> Effect:
    """The effect on one person of a new grant (`gives`, at `place` in words), of one that goes (`instead_of`, at `was`), or of both."""
    offices = {key: (department, code) for key, department, code in session.execute(select(Office.id, Office.department_id, Office.division_code))}
    rows = session.scalars(select(StaffGrant).where(StaffGrant.staff_id == staff_id, StaffGrant.not_over(clock.now(session)))).all()
    stay = [as_held(row) for row in rows if instead_of is None or row.id != instead_of.id]
    before = reach([*stay, *([as_held(instead_of)] if instead_of else [])], offices)
    after = reach([*stay, *([gives] if gives else [])], offices)
    numbers = _Numbers(session, before, after)
    effect = Effect(gained=_lines(before, after, numbers, place), lost=_lines(after, before, numbers, was))
    lost_work = {step: before.may.get(act, NONE) - after.may.get(act, NONE) for act, step in AT_STEP.items()}
    effect.in_hand = _in_hand(session, staff_id, lost_work)
    if gives is not None:
        effect.warnings = _warnings(session, staff_id, gives, before, after, instead_of)
    return effect


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────


def work_at(offices: list[int] | None) -> Any:
    """The rows of the function that counts work: office, kind, step, total, unassigned, overdue; None: everywhere within reach."""
    texts = (column("kind", String), column("step", String))
    numbers = (column("total", Integer), column("unassigned", Integer), column("overdue", Integer))
    return func.ruku_work_at(literal(offices, ARRAY(Integer))).table_valued(column("office_id", Integer), *texts, *numbers)


class _Numbers:
    """Today's counts at every office either side reaches, read once."""

    def __init__(self, session: Session, before: Reach, after: Reach) -> None:
        both = sorted(NONE.union(*before.sees.values(), *after.sees.values(), *before.may.values(), *after.may.values()))
        work = work_at(both)
        self.rows = session.execute(select(work.c.office_id, work.c.kind, work.c.step, work.c.total, work.c.unassigned)).all()

    def total(self, kind: str, offices: Offices, step: str | None = None) -> int:
        return sum(row.total for row in self.rows if row.kind == kind and row.office_id in offices and step in (None, row.step))

    def unassigned(self, offices: Offices) -> int:
        return sum(row.unassigned for row in self.rows if row.office_id in offices)

    def steps(self, offices: Offices) -> str:
        by_step: dict[str, int] = defaultdict(int)
        for row in self.rows:
            if row.kind == "files" and row.office_id in offices:
                by_step[row.step] += row.total
        return _("、").join(f"{step_label(step)} {by_step[step]}" for step in map(str, Step) if by_step.get(step))


def _in_hand(session: Session, staff_id: int, lost: Mapping[str, Offices]) -> int:
    offices = sorted(NONE.union(*lost.values()))
    if not offices:
        return 0
    held = func.ruku_in_hand(literal(offices, ARRAY(Integer))).table_valued(
        column("staff_id", Integer), column("office_id", Integer), column("step", String), column("total", Integer), column("overdue", Integer)
    )
    rows = session.execute(select(held.c.office_id, held.c.step, held.c.total).where(held.c.staff_id == staff_id))
    return sum(total for office_id, step, total in rows if office_id in lost.get(step, NONE))


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(less: Reach, more: Reach, numbers: _Numbers, place: str) -> list[Line]:
    """What `more` has and `less` has not."""
    lines = []
    for act in Act:
        offices = more.may.get(act, NONE) - less.may.get(act, NONE)
        if not offices or act == Act.READ_FILE:
            continue
        words = _(_ACTS[act], place=place) if act in _ACTS else wording.act_words(act)
        lines.append(Line(words, _act_count(act, offices, numbers)))
    for subject in Subject:
        offices = more.sees.get(subject, NONE) - less.sees.get(subject, NONE)
        if offices:
            lines.append(Line(_(_CLASSES[subject], place=place), _class_count(subject, offices, numbers)))
    if more.secrets - less.secrets:
        lines.append(Line(_("看见%(place)s申报人的证件号和联系方式，遮着，写明理由才看明文", place=place)))
    return lines


def _act_count(act: Act, offices: Offices, numbers: _Numbers) -> str:
    if act in AT_STEP:
        return _("%(count)s 件在办", count=numbers.total("files", offices, AT_STEP[act]))
    if act == Act.DISTRIBUTE:
        return _("%(count)s 件没有分派", count=numbers.unassigned(offices))
    if act == Act.OPEN_NOTICE:
        return _("%(count)s 件在公示环节", count=numbers.total("files", offices, Step.PUBLICITY))
    if act == Act.RULE_ON_OBJECTION:
        return _("%(count)s 件异议待处理", count=numbers.total("objections", offices))
    return ""


def _class_count(subject: Subject, offices: Offices, numbers: _Numbers) -> str:
    if subject == Subject.FILES:
        steps = numbers.steps(offices)
        total = numbers.total("files", offices)
        return _("%(count)s 件在办：%(steps)s", count=total, steps=steps) if steps else _("现在没有在办的件")
    if subject == Subject.NOTICES:
        return _("公示 %(notices)s，异议 %(objections)s", notices=numbers.total("notices", offices), objections=numbers.total("objections", offices))
    if subject == Subject.ROSTER:
        return _("%(count)s 条", count=numbers.total("roster", offices))
    return ""


def _warnings(
    session: Session, staff_id: int, gives: Held, before: Reach, after: Reach, instead_of: StaffGrant | None
) -> list[Caution]:
    held = session.scalar(select(func.ruku_roles_held(staff_id, instead_of.id if instead_of else None))) or []
    found = []
    for pair in grants.collected({*held, gives.role}):
        if gives.role not in pair:
            continue
        names = _("、").join(wording.role_title(role) for role in ROLES if role in pair)
        if Role.RULE_EDITOR in pair:
            found.append(Caution(_("起草和发布会在一人手里"), _("%(roles)s都给同一个人：自己改过的草稿仍须由另一位发布。", roles=names)))
        else:
            found.append(Caution(_("初审和复审会在一人手里"), _("%(roles)s都给同一个人：同一件办过一道，另一道会自动避开此人。", roles=names)))
    if gives.definition and gives.definition.acts <= WHOLE_REGION and not gives.division_code.endswith("0000"):
        text = _("规则全区一套，给到盟市、旗县的起草、发布授权办不了事。要起草或发布，请给到全区。")
        found.append(Caution(_("这项授权办不了事"), text))
    wanted = sorted(NONE.union(*(after.may.get(act, NONE) - before.may.get(act, NONE) for act in AT_STEP)))
    if wanted:
        done = func.ruku_decided_by(staff_id, literal(wanted, ARRAY(Integer))).table_valued(column("step", String), column("total", Integer))
        own = {AT_STEP[act] for act in AT_STEP if gives.definition and act in gives.definition.acts}
        for step, total in session.execute(select(done.c.step, done.c.total)):
            if step not in own:
                text = _(
                    "此人在“%(step)s”办过其中 %(count)s 件，新环节会自动避开此人，请另留一名审核人。", step=step_label(step), count=total
                )
                found.append(Caution(_("同一件不能由一人审两次"), text))
    return found


def sight(session: Session, held: list[Held]) -> list[Line]:
    """What these grants show and allow today, in words, within the asker's reach."""
    offices = {key: (department, code) for key, department, code in session.execute(select(Office.id, Office.department_id, Office.division_code))}
    whole, nothing = reach(held, offices), Reach({}, {}, NONE)
    return _lines(nothing, whole, _Numbers(session, nothing, whole), _("辖区内"))
