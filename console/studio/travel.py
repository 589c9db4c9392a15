"""Bundles that come from a folder, an archive or a workbook, and go out as one: always as drafts, never over what is in force.

A department's rules come from its folder once, when the department is founded. From then on folder and database go their own ways; this
module says how far apart they are, and brings what comes from outside as a draft that names the release it started from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, undefer

from console import audit
from console.departments import queries as departments
from console.departments.models import Department, Release, ReleaseEvent
from console.errors import N_, ConsoleError, NotFound
from console.scope import Principal
from console.studio import archive as archives
from console.studio import drafts
from console.studio.models import DraftRevision, RuleDraft
from console.studio.signing import Verdict
from rules.bundle import Bundle
from rules.documents import Problem

SEED = "system:seed"  # whose first releases and drafts came from the folders in plugins/
FROM_FILES = (SEED, "system:bundle_import")


class NothingNew(ConsoleError):
    """What was brought says the same as the newest release."""

    message = N_("内容与第 %(version)s 版相同，没有可导入的改动。")


class AlreadyBrought(ConsoleError):
    """The same files were imported before."""

    message = N_("同样的内容已经导入过：草稿 %(draft)s“%(title)s”。")


class NoSuchDepartment(NotFound):
    message = N_("没有代码为“%(code)s”的部门。新部门先用 seed 从文件夹载入。")


class NoSuchVersion(NotFound):
    message = N_("“%(code)s”没有第 %(version)s 版发布版。")


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────


def department(session: Session, code: str) -> Department:
    found = departments.department_by_code(session, code)
    if found is None:
        raise NoSuchDepartment(code=code[:40])
    return found


def release(session: Session, code: str, version: int | None = None) -> Release:
    """A department's release by its number, the newest published one without. NoSuchDepartment, NoSuchVersion."""
    owner = department(session, code)
    if version is None:
        found = drafts.newest_published(session, owner.id)
    else:
        found = session.scalar(
            select(Release)
            .where(Release.department_id == owner.id, Release.version == version)
            .options(undefer(Release.sources), undefer(Release.content))
        )
    if found is None:
        raise NoSuchVersion(code=code, version=version or 1)
    return found


def _published(session: Session, department_id: int) -> list[Release]:
    """All that was ever published, newest first."""
    return list(
        session.scalars(
            select(Release)
            .where(
                Release.department_id == department_id,
                Release.id.in_(select(ReleaseEvent.release_id).where(ReleaseEvent.state == "published")),
            )
            .order_by(Release.version.desc())
        )
    )


# ── how far folder and database are apart ────────────────────────────────────────────────────────────────────


class Drift(StrEnum):
    SAME = "same"
    FILE_NEWER = "file newer"
    EDITED_HERE = "edited here"
    BOTH_CHANGED = "both changed"
    ONLY_ON_DISK = "only on disk"
    ONLY_HERE = "only here"


@dataclass(frozen=True)
class Apart:
    """One department: its folder against its newest published release. `common` is the last release both had, `draft` a draft that
    holds the folder's content already, `is_new` when it was made just now.
    """

    department: str
    drift: Drift
    newest: Release | None = None
    common: Release | None = None
    draft: RuleDraft | None = None
    is_new: bool = False

    def show(self, lang: str = "en") -> str:
        zh, en = _APART[self.drift]
        text = (en if lang == "en" else zh).format(
            code=self.department, newest=self.newest.version if self.newest else 0, common=self.common.version if self.common else 0
        )
        if self.draft is not None:
            state = ("imported as", "导入为") if self.is_new else ("imported already as", "已导入为")
            text += f" {state[0]} draft {self.draft.id} ({self.draft.state})." if lang == "en" else f"{state[1]}草稿 {self.draft.id}。"
        return text


_APART = {
    Drift.SAME: ("{code}：相同（v{newest}）。", "{code}: same (v{newest})."),
    Drift.FILE_NEWER: ("{code}：文件更新，数据库仍是 v{newest}。", "{code}: file newer; the database still has v{newest}."),
    Drift.EDITED_HERE: ("{code}：在系统里改过，文件停在 v{common}，现为 v{newest}。", "{code}: edited here; the folder is v{common}, the database has v{newest}."),
    Drift.BOTH_CHANGED: ("{code}：两边都改过，共同的是 v{common}，现为 v{newest}。", "{code}: both changed since v{common}; the database has v{newest}."),
    Drift.ONLY_ON_DISK: ("{code}：只有文件夹，还没有载入。", "{code}: only on disk, not loaded yet."),
    Drift.ONLY_HERE: ("{code}：只在数据库里（v{newest}），没有文件夹。", "{code}: only in the database (v{newest}), there is no folder."),
}


def apart(session: Session, bundle: Bundle) -> Apart:
    """Where a folder stands against the database."""
    owner = departments.department_by_code(session, bundle.code)
    history = _published(session, owner.id) if owner is not None else []
    if owner is None or not history:
        return Apart(bundle.code, Drift.ONLY_ON_DISK)
    newest = history[0]
    if newest.content_hash == bundle.hash:
        return Apart(bundle.code, Drift.SAME, newest, newest)
    known = next((one for one in history if one.content_hash == bundle.hash), None)
    if known is not None:
        return Apart(bundle.code, Drift.EDITED_HERE, newest, known)
    brought = _brought(session, owner)
    agreed = _from_folder(session, owner, brought)
    common = next((one for one in history if one.id in agreed), None)
    drift = Drift.FILE_NEWER if common is newest else Drift.BOTH_CHANGED
    return Apart(bundle.code, drift, newest, common, _holds(brought, bundle.hash, bundle.sources))


def _from_folder(session: Session, owner: Department, brought: list[tuple[RuleDraft, DraftRevision]]) -> set[int]:
    """The releases that said exactly what the folder said then: loaded from it, or published as `seed` had brought it."""
    written = select(RuleDraft.release_id).where(RuleDraft.department_id == owner.id, RuleDraft.release_id.is_not(None))
    hashes = [revision.content_hash for draft, revision in brought if draft.opened_by == SEED and revision.content_hash is not None]
    loaded = and_(Release.author == SEED, Release.id.not_in(written))
    return {*session.scalars(select(Release.id).where(Release.department_id == owner.id, or_(loaded, Release.content_hash.in_(hashes))))}


def only_here(session: Session, codes: set[str]) -> list[Apart]:
    """Departments with a release and without a folder among `codes`."""
    rows = session.scalars(select(Department).where(Department.code.not_in(codes)).order_by(Department.code))
    return [Apart(one.code, Drift.ONLY_HERE, newest) for one in rows if (newest := drafts.newest_published(session, one.id)) is not None]


def _brought(session: Session, owner: Department) -> list[tuple[RuleDraft, DraftRevision]]:
    """The drafts that came from files, with what they held then, newest first."""
    rows = session.execute(
        select(RuleDraft, DraftRevision)
        .join(DraftRevision, DraftRevision.draft_id == RuleDraft.id)
        .where(RuleDraft.department_id == owner.id, RuleDraft.opened_by.in_(FROM_FILES), DraftRevision.number == 1)
        .order_by(RuleDraft.id.desc())
        .options(undefer(DraftRevision.sources))
    )
    return [(draft, revision) for draft, revision in rows]


def _holds(brought: list[tuple[RuleDraft, DraftRevision]], content_hash: str | None, sources: Mapping[str, str]) -> RuleDraft | None:
    """The draft that was made from the same content. One that could not be read then is known by its files."""
    return next(
        (one for one, was in brought if (was.content_hash is not None and was.content_hash == content_hash) or was.sources == dict(sources)), None
    )


def bring(session: Session, bundle: Bundle, *, actor: Principal) -> Apart:
    """After an update: a folder whose content is new becomes a draft, once, whatever became of the draft since."""
    found = apart(session, bundle)
    if found.drift not in (Drift.FILE_NEWER, Drift.BOTH_CHANGED) or found.draft is not None:
        return found
    draft = _import(
        session, department(session, bundle.code), {name: text.encode("utf-8") for name, text in bundle.sources.items()},
        base=found.common, origin="随安装包更新", note="", actor=actor,
    )  # fmt: skip
    return Apart(found.department, found.drift, found.newest, found.common, draft, is_new=True)


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Imported:
    """A draft made from outside, with everything that is wrong with it, and the release it names as its start."""

    draft: RuleDraft
    base: Release | None
    problems: tuple[Problem, ...]


def import_archive(session: Session, archive: archives.Archive, *, signer: Verdict | None = None, actor: Principal) -> Imported:
    """A draft with the archive's files. It starts from the release that the archive names, where that is known here."""
    owner = department(session, archive.code)
    history = {one.content_hash: one for one in reversed(_published(session, owner.id))}
    base = history.get(archive.base_hash or "") or history.get(archive.content_hash)
    return _new_draft(session, owner, archive.files, base=base, origin=archive.name, note=signer.show("zh") if signer else "", actor=actor)


def import_folder(session: Session, code: str, files: Mapping[str, bytes], *, origin: str, version: int | None = None, actor: Principal) -> Imported:
    """A draft with a folder's files; `version` is the release the folder was made from, the newest when nobody says."""
    base = release(session, code, version) if version is not None else None
    return _new_draft(session, department(session, code), files, base=base, origin=origin, note="", actor=actor)


def _new_draft(
    session: Session, owner: Department, files: Mapping[str, bytes], *, base: Release | None, origin: str, note: str, actor: Principal
) -> Imported:
    sources = {name: drafts.readable(name, content) for name, content in files.items()}
    newest = drafts.newest_published(session, owner.id)
    read = drafts.read_files(session, owner, sources)
    if newest is not None and read.bundle is not None and read.bundle.hash == newest.content_hash:
        raise NothingNew(version=newest.version)
    same = [one for one in _brought(session, owner) if one[0].state in drafts.OPEN_STATES]
    if (twin := _holds(same, read.bundle.hash if read.bundle else None, sources)) is not None:
        raise AlreadyBrought(draft=twin.id, title=twin.title)
    base = base or newest
    draft = _import(session, owner, files, base=base, origin=origin, note=note, actor=actor)
    return Imported(draft, base, read.problems)


def _import(
    session: Session, owner: Department, files: Mapping[str, bytes], *, base: Release | None, origin: str, note: str, actor: Principal
) -> RuleDraft:
    draft = drafts.import_files(session, owner, files, title=f"导入：{origin}", note=note, base=base, actor=actor)
    audit.record(
        session, "bundle.imported", f"rule_draft:{draft.id}", department=owner.code, base=base.version if base else None,
        origin=origin, signature=note or None, content_hash=drafts.head(session, draft).content_hash,
    )  # fmt: skip
    return draft


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Download:
    """A file for somebody's hands."""

    name: str
    content: bytes


def files_of(found: Release) -> dict[str, bytes]:
    """A release's files: as they were written, or written from its data where only that is known."""
    return {name: text.encode("utf-8") for name, text in drafts.sources_of(found).items()}


def archive_of(session: Session, found: Release, *, actor: Principal) -> Download:
    """The archive of a release."""
    base = session.get(Release, found.base_id) if found.base_id else None
    packed = archives.pack(
        files_of(found), code=found.department.code, content_hash=found.content_hash, version=found.version,
        base_hash=base.content_hash if base else None,
    )  # fmt: skip
    audit.record(session, "bundle.exported", f"release:{found.id}", department=found.department.code, version=found.version)
    return Download(archives.unpack(packed).name, packed)


def archive_of_draft(session: Session, draft: RuleDraft, *, actor: Principal) -> Download:
    """The archive of what a draft says now; it names the draft's base. NotReadable while its documents have problems."""
    head = drafts.head(session, draft)
    readable_data(head)
    base = session.get(Release, draft.base_id) if draft.base_id else None
    packed = archives.pack(
        {name: text.encode("utf-8") for name, text in head.sources.items()}, code=draft.department.code,
        content_hash=str(head.content_hash), base_hash=base.content_hash if base else None,
    )  # fmt: skip
    audit.record(session, "bundle.exported", f"rule_draft:{draft.id}", department=draft.department.code, revision=head.number)
    return Download(archives.unpack(packed).name, packed)


class NotReadable(ConsoleError):
    """A draft whose documents cannot be read together has no workbook and no archive."""

    message = N_("这份草稿的文件有错误，还不能导出。请先改正。")
    status = 422


def readable_data(revision: DraftRevision) -> dict[str, Any]:
    """The documents of a revision as data. NotReadable."""
    if revision.content is None:
        raise NotReadable()
    data: dict[str, Any] = json.loads(revision.content)
    return data


def read_folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a folder that may belong to a bundle, by name; what is hidden, and `hooks.py`, stays where it is."""
    names = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes() for name, path in names.items()
        if name != "hooks.py" and not any(part.startswith((".", "__")) for part in name.split("/"))
    }  # fmt: skip
