"""Making a folder of documents into the release in force, and moving releases through their states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import audit, clock
from console.departments import founding, queries
from console.departments.models import Department, Release, ReleaseEvent
from console.errors import N_, PluginError
from console.scope import Principal
from rules.bundle import Bundle, read_folder, run_cases
from rules.documents import Problems, canonical, content_hash
from rules.specialties import conflicts


@dataclass(frozen=True)
class Loaded:
    """What loading one folder came to: `is_new` when it founded its department's rules; else `release` is the newest published
    one, whatever the folder says by now.
    """

    department: str
    release: Release
    is_new: bool
    bundle: Bundle


def read_bundles(root: Path, *, handed: Mapping[tuple[str, str], str] | None = None) -> list[Bundle]:
    """Every department folder under `root`, the centre first, checked and with its cases run; needs no database.

    `handed`: (standard, prefix) → the department the centre recorded a transfer to. All problems of all folders are reported
    together as PluginError.
    """
    shared, problems, bundles = None, [], []
    folders = sorted((path for path in root.iterdir() if (path / "bundle.yaml").is_file()), key=_centre_first)
    for folder in folders:
        try:
            bundle = read_folder(folder, centre=shared)
        except Problems as error:
            problems += [f"{folder.name}/{problem}" for problem in error.problems]
            continue
        problems += [
            f"{folder.name}/cases.yaml: {case.id}: {'；'.join(case.differences)}" for case in run_cases(bundle) if not case.passed
        ]
        if bundle.manifest.kind == "centre":
            shared = bundle
        bundles.append(bundle)
    claims = {bundle.code: bundle.manifest.specialties for bundle in bundles}
    problems += [
        f"{'、'.join(claimants)}/bundle.yaml: specialties: {standard} 的 {prefix} 被多个部门认领，须先由交易中心登记移交"
        for standard, prefix, claimants in conflicts(claims)
        if (handed or {}).get((standard, prefix)) not in claimants
    ]
    if problems:
        raise PluginError(problems)
    return bundles


def load_bundles(session: Session, root: Path, *, actor: Principal, effective_on: dt.date | None = None) -> list[Loaded]:
    """Publish what `read_bundles()` finds for departments that have no release yet; a department's rules come from its folder once,
    and are its own from then on (`console.studio.travel` brings a folder that differs as a draft). PluginError: nothing is written.
    """
    codes = dict(session.execute(select(Department.id, Department.code)).all())
    handed = {key: codes[taker] for key, taker in queries.owners_recorded(session).items()}
    bundles = read_bundles(root, handed=handed)
    return [_publish_first(session, bundle, actor=actor, effective_on=effective_on) for bundle in bundles]


def _centre_first(path: Path) -> tuple[bool, str]:
    return path.name != "centre", path.name


def _publish_first(session: Session, bundle: Bundle, *, actor: Principal, effective_on: dt.date | None) -> Loaded:
    department = queries.department_by_code(session, bundle.code)
    if department is None:
        department = founding.found(session, bundle, actor=actor)
    latest = session.scalar(
        select(Release)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(Release.department_id == department.id, ReleaseEvent.state == "published")
        .order_by(Release.version.desc())
        .limit(1)
    )
    if latest is not None:
        return Loaded(department.code, latest, is_new=False, bundle=bundle)
    release = write_release(session, department, bundle, base=None, actor=actor, sources=bundle.sources)
    day = effective_on or bundle.manifest.effective_from
    note(session, release, "published", actor=actor, effective_on=day, reason=N_("随安装包载入"))
    return Loaded(department.code, release, is_new=True, bundle=bundle)


def write_release(
    session: Session,
    department: Department,
    bundle: Bundle,
    *,
    base: Release | None,
    actor: Principal,
    sources: Mapping[str, str] | None = None,
    transition: Mapping[str, Any] | None = None,
    author: str | None = None,
) -> Release:
    """Write a release from a checked bundle: from now on nobody changes it. It is not in force until published.

    `sources` are its files as written; `author` is who drafted it, when that is somebody else than `actor`.
    """
    data = bundle.to_data()
    version = 1 + (session.scalar(select(func.max(Release.version)).where(Release.department_id == department.id)) or 0)
    release = Release(
        department=department,
        version=version,
        base_id=base.id if base else None,
        content=canonical(data),
        content_hash=content_hash(data),
        sources=dict(sources) if sources is not None else None,
        transition=dict(transition) if transition else None,
        author=author or actor.who,
        created_at=clock.now(session),
    )
    session.add(release)
    session.flush()
    note(session, release, "drafted", actor=actor)
    return release


def note(
    session: Session,
    release: Release,
    state: str,
    *,
    actor: Principal,
    effective_on: dt.date | None = None,
    reason: str | None = None,
    report: dict[str, Any] | None = None,
) -> ReleaseEvent:
    """Append a state to a release's history, with its audit entry."""
    event = ReleaseEvent(
        release=release, state=state, actor=actor.who, at=clock.now(session), effective_on=effective_on, reason=reason,
        report=report,
    )  # fmt: skip
    session.add(event)
    session.flush()
    audit.record(
        session,
        f"release.{state}",
        f"release:{release.id}",
        reason=reason,
        content_hash=release.content_hash,
        department=release.department.code,
        effective_on=effective_on,
        version=release.version,
    )
    return event
