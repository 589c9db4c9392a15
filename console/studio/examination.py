"""What stands in the way of publishing a draft: errors, failing cases, no replay, specialties that are another's, a base that moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.departments import queries as departments
from console.departments import regulations, transfers
from console.departments.models import Department, Release
from console.errors import N_
from console.studio import drafts
from console.studio.errors import BaseMoved, Obstacle
from console.studio.models import Replay, ReplayState, RuleDraft
from rules.bundle import Bundle, run_cases
from rules.cases import CaseResult
from rules.checks import Remark, check_bundle
from rules.documents import Problem, Problems

CASE_FAILS = "C601"


@dataclass(frozen=True)
class Examination:
    """Everything that is known about a draft before publication is asked for."""

    bundle: Bundle | None
    problems: tuple[Problem, ...]
    remarks: tuple[Remark, ...]
    cases: tuple[CaseResult, ...]
    replay: Replay | None
    moved: Release | None
    obstacles: tuple[Obstacle, ...]


def examine(session: Session, draft: RuleDraft) -> Examination:
    """Look at a draft: can it be read, do its cases hold, has it been replayed, whose specialties does it claim."""
    revision = drafts.head(session, draft)
    text = drafts.text_of(session, draft, revision)
    cases = tuple(run_cases(text.bundle)) if text.bundle is not None else ()
    day = draft.effective_on
    remarks = _remarks(session, draft, text.bundle, day or clock.today(session)) if text.bundle is not None else ()
    replay = session.scalar(
        select(Replay)
        .where(Replay.draft_id == draft.id, Replay.content_hash == revision.content_hash, Replay.state == ReplayState.DONE)
        .order_by(Replay.id.desc())
        .limit(1)
    )
    moved = drafts.moved_base(session, draft)
    obstacles = list(_in_the_way(session, draft, text, remarks, cases, replay, moved, day))
    return Examination(text.bundle, text.problems, remarks, cases, replay, moved, tuple(obstacles))


def _in_the_way(
    session: Session,
    draft: RuleDraft,
    text: drafts.Text,
    remarks: tuple[Remark, ...],
    cases: tuple[CaseResult, ...],
    replay: Replay | None,
    moved: Release | None,
    day: dt.date | None,
) -> Iterator[Obstacle]:
    if text.bundle is None:
        yield Obstacle("problems", N_("文件里有 %(count)s 处错误，先改正。"), count=len(text.problems))
        return
    errors = [remark for remark in remarks if remark.is_error and remark.code != CASE_FAILS]
    if errors:
        yield Obstacle("checks", N_("核对发现 %(count)s 处错误，先改正：%(which)s。"), count=len(errors), which="、".join(sorted({e.code for e in errors})))
    failed = [case for case in cases if not case.passed]
    if failed:
        yield Obstacle("cases", N_("%(count)s 个样例的结论与预期不同：%(which)s。"), count=len(failed), which="、".join(c.id for c in failed[:5]))
    if draft.base_id is not None and text.bundle.hash == session.scalar(select(Release.content_hash).where(Release.id == draft.base_id)):
        yield Obstacle("nothing", N_("与起草所据的版本相同，没有可发布的改动。"))
    if moved is not None:
        yield Obstacle("moved", BaseMoved.message, version=moved.version)
    ahead = departments.scheduled(session, draft.department_id, clock.today(session))
    if ahead is not None and day is not None and day < ahead.since:
        yield Obstacle(
            "too_early", N_("第 %(version)s 版将于 %(day)s 生效，这一版接着它改，不能比它早。请改日期，或者请发布人先撤下那一版。"),
            version=ahead.release.version, day=ahead.since.isoformat(),
        )  # fmt: skip
    for standard, prefix, holder in claims_held(session, draft.department, text.bundle):
        yield Obstacle(
            "claim", N_("%(standard)s 的 %(prefix)s 由%(holder)s认领，须先由交易中心统筹协调员登记移交。"),
            standard=standard, prefix=prefix, holder=holder.short_name,
        )  # fmt: skip
    for department, problem in broken_by(session, draft.department, text.bundle):
        yield Obstacle("others", N_("%(department)s的现行规则与新的共用表单对不上：%(problem)s"), department=department, problem=problem)
    if text.bundle.criteria is not None:
        if replay is None:
            yield Obstacle("replay", N_("还没有按这一稿重算往卷。"))
        elif day is not None and replay.as_if != day:
            yield Obstacle("replay_day", N_("往卷是按 %(as_if)s 的参数重算的，与拟生效日期不同，请再重算一次。"), as_if=replay.as_if.isoformat())


def _remarks(session: Session, draft: RuleDraft, bundle: Bundle, on: dt.date) -> tuple[Remark, ...]:
    """What the checks say on the day from which the draft shall hold, beside the release it started from."""
    base = session.get(Release, draft.base_id) if draft.base_id else None
    shared = None if draft.department.is_centre else centre_release(session)
    known = departments.read_release(base, shared) if base is not None else None
    return check_bundle(bundle, on=on, today=clock.today(session), base=known, regulations=regulations.on_file(session))


def claims_held(session: Session, department: Department, bundle: Bundle) -> list[tuple[str, str, Department]]:
    """The prefixes this bundle claims that another department's published release holds, and no transfer gives to us."""
    recorded = departments.owners_recorded(session)
    held = []
    for release in _newest_of_others(session, department):
        theirs = departments.read_release(release, None if release.department.is_centre else centre_release(session))
        for claim in bundle.manifest.specialties:
            for prefix in claim.prefixes:
                if transfers.claims(theirs.manifest.specialties, claim.standard, prefix):
                    if recorded.get((claim.standard, prefix)) != department.id:
                        held.append((claim.standard, prefix, release.department))
    return held


def broken_by(session: Session, department: Department, bundle: Bundle) -> list[tuple[str, str]]:
    """For a draft of the centre: departments whose rules could no longer be read beside it, with the first problem of each."""
    if not department.is_centre:
        return []
    broken = []
    for release in _newest_of_others(session, department):
        try:
            departments.read_release_with(release, bundle)
        except Problems as error:
            broken.append((release.department.short_name, str(error.problems[0])))
    return broken


def _newest_of_others(session: Session, department: Department) -> list[Release]:
    ids = session.scalars(select(Department.id).where(Department.id != department.id, Department.is_centre.is_(False)).order_by(Department.id))
    found = (drafts.newest_published(session, other) for other in ids)
    return [release for release in found if release is not None]


def centre_release(session: Session) -> Release | None:
    """The centre's release in force, beside which departments' bundles are read."""
    return departments.release_in_force(session, departments.centre(session).id, clock.today(session))
