"""Writing rules: begin a draft from the newest release, save documents into it, look at what they say, take over what moved meanwhile.

The authority of a draft is its files exactly as written. They may be wrong for a while; what they cannot be is lost: each saving is
a revision that nobody changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from console import audit, clock
from console.departments import queries as departments
from console.departments.models import Department, Release, ReleaseEvent
from console.errors import N_, InvalidAnswers, NotFound
from console.roles import Act
from console.scope import Principal, Whole, require
from console.studio.errors import DraftFrozen, DraftMovedOn, NotText, TooLarge, UnknownFile
from console.studio.models import DraftRevision, DraftState, RuleDraft
from rules.bundle import MAX_FILES, YAML_FILES, Bundle, read_documents
from rules.bundle_files import texts_of
from rules.documents import MAX_BYTES, Problem, Problems, canonical, content_hash

_OTHER_FILES = re.compile(r"training/\w[\w.-]{0,90}\.md|registers/[a-z][a-z0-9_]{0,60}\.yaml")
OPEN_STATES = (str(DraftState.OPEN), str(DraftState.READY))


@dataclass(frozen=True)
class Text:
    """What a draft says now: its files, and the bundle behind them or every problem with them."""

    sources: Mapping[str, str]
    bundle: Bundle | None
    problems: tuple[Problem, ...]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────


def begin(session: Session, department: Department, *, title: str, actor: Principal) -> RuleDraft:
    """A draft with the files of the department's newest published release, which it names as its base."""
    require(actor, Act.DRAFT_RELEASE, Whole(department.id))
    base = newest_published(session, department.id)
    if base is None:
        raise NotFound()
    title = title.strip()
    if not title:
        raise InvalidAnswers({"title": N_("请写一个标题，例如“年龄上限改为 60 周岁”。")})
    draft = _open(session, department, base, title=title, actor=actor)
    _write(session, draft, sources_of(base), note="", actor=actor, number=1)
    return draft


def _open(session: Session, department: Department, base: Release | None, *, title: str, actor: Principal) -> RuleDraft:
    draft = RuleDraft(
        department=department, base_id=base.id if base else None, title=title[:120], state=str(DraftState.OPEN), revision=1,
        opened_by=actor.who, opened_at=clock.now(session),
    )  # fmt: skip
    session.add(draft)
    session.flush()
    audit.record(
        session, "draft.begun", f"rule_draft:{draft.id}", department=department.code, base=base.version if base else None
    )
    return draft


def import_files(
    session: Session,
    department: Department,
    files: Mapping[str, bytes],
    *,
    title: str,
    note: str,
    base: Release | None = None,
    actor: Principal,
) -> RuleDraft:
    """A draft that holds exactly these files, from a folder or an archive; nothing is overwritten and nothing is in force by it.

    `base` is the release the files were made from, the newest published one when nobody knows.
    """
    require(actor, Act.DRAFT_RELEASE, Whole(department.id))
    sources = {name: readable(name, content) for name, content in files.items()}
    draft = _open(session, department, base or newest_published(session, department.id), title=title, actor=actor)
    _write(session, draft, sources, note=note, actor=actor, number=1)
    return draft


def revise(
    session: Session,
    draft: RuleDraft,
    changes: Mapping[str, bytes | None],
    *,
    expected: int,
    note: str = "",
    actor: Principal,
) -> DraftRevision | None:
    """Save these files over the draft's (None removes one); `expected` is the revision the writer had in front of them.

    The files need not be right yet. Raises DraftMovedOn when somebody saved meanwhile, DraftFrozen, and what is wrong with a file
    that cannot be kept at all. None: the files are what they were.
    """
    require(actor, Act.DRAFT_RELEASE, draft)
    checked = {name: None if content is None else readable(name, content) for name, content in changes.items()}
    head = locked(session, draft, expected)
    sources = {name: text for name, text in (head.sources | checked).items() if text is not None}
    if sources == head.sources:
        return None
    if len(sources) > MAX_FILES:
        raise InvalidAnswers({"files": N_("规则包的文件太多（最多 300 个），请合并或删减。")})
    draft.revision += 1
    return _write(session, draft, sources, note=note, actor=actor, number=draft.revision, before=head.sources)


def lock(session: Session, draft: RuleDraft) -> None:
    """Read the draft's row again and hold it until the transaction ends."""
    session.refresh(draft, with_for_update={"of": RuleDraft})


def locked(session: Session, draft: RuleDraft, expected: int) -> DraftRevision:
    """The newest revision of an open draft, with the draft's row locked: the second of two savers waits, then sees it moved."""
    lock(session, draft)
    if draft.state != DraftState.OPEN:
        raise DraftFrozen()
    found = head(session, draft)
    if draft.revision != expected:
        raise DraftMovedOn(who=found.by, revision=found.number)
    return found


def _write(
    session: Session,
    draft: RuleDraft,
    sources: Mapping[str, str],
    *,
    note: str,
    actor: Principal,
    number: int,
    before: Mapping[str, str] | None = None,
) -> DraftRevision:
    bundle = read_files(session, draft.department, sources).bundle
    data = bundle.to_data() if bundle is not None else None
    revision = DraftRevision(
        draft_id=draft.id, number=number, sources=dict(sources), content=canonical(data) if data is not None else None,
        content_hash=content_hash(data) if data is not None else None, by=actor.who, at=clock.now(session),
        note=note.strip()[:2_000],
    )  # fmt: skip
    session.add(revision)
    session.flush()
    touched = sorted(n for n in {*(before or {}), *sources} if (before or {}).get(n) != sources.get(n)) if before is not None else None
    audit.record(
        session, "draft.saved", f"rule_draft:{draft.id}", department=draft.department.code, revision=number,
        content_hash=revision.content_hash, files=touched,
    )  # fmt: skip
    return revision


def readable(name: str, content: bytes) -> str:
    """The text of a file that a draft may hold, exactly as written; UnknownFile, TooLarge or NotText."""
    if name not in (*YAML_FILES, "questions.csv") and not _OTHER_FILES.fullmatch(name):
        raise UnknownFile(name=name[:80], known="、".join((*YAML_FILES, "questions.csv", "training/*.md", "registers/*.yaml")))
    if len(content) > MAX_BYTES:
        raise TooLarge(name=name, size=len(content), most=MAX_BYTES)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise NotText(name=name) from None
    if "\x00" in text:  # PostgreSQL keeps no NUL, and no document has one
        raise NotText(name=name)
    return text


def rename(session: Session, draft: RuleDraft, title: str, *, actor: Principal) -> None:
    require(actor, Act.DRAFT_RELEASE, draft)
    if not title.strip():
        raise InvalidAnswers({"title": N_("请写一个标题，例如“年龄上限改为 60 周岁”。")})
    draft.title = title.strip()[:120]
    session.flush()


def discard(session: Session, draft: RuleDraft, *, reason: str, actor: Principal) -> None:
    """Give a draft up; it stays readable."""
    require(actor, Act.DRAFT_RELEASE, draft)
    lock(session, draft)
    if draft.state != DraftState.OPEN:
        raise DraftFrozen()
    draft.state, draft.closed_at = str(DraftState.DISCARDED), clock.now(session)
    session.flush()
    audit.record(session, "draft.discarded", f"rule_draft:{draft.id}", reason=reason.strip() or None)


# ── when the base has moved ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Taken:
    """Taking over a newer base: files taken because only it changed them, and files both changed, where the draft's was kept."""

    taken: tuple[str, ...]
    kept: tuple[str, ...]


def take_over(session: Session, draft: RuleDraft, *, expected: int, actor: Principal) -> Taken:
    """Start from the newest published release instead: its changes come in file by file; where both changed a file the
    draft's stays and is named, so that a person looks at the two."""
    require(actor, Act.DRAFT_RELEASE, draft)
    current = locked(session, draft, expected)
    moved = moved_base(session, draft)
    if moved is None:
        return Taken((), ())
    old = sources_of(session.get_one(Release, draft.base_id)) if draft.base_id else {}
    new, mine = sources_of(moved), dict(current.sources)
    names = sorted({*old, *new})
    theirs = [name for name in names if old.get(name) != new.get(name)]
    taken = [name for name in theirs if mine.get(name) == old.get(name)]
    kept = [name for name in theirs if name not in taken and mine.get(name) != new.get(name)]
    for name in taken:
        if name in new:
            mine[name] = new[name]
        else:
            mine.pop(name, None)
    draft.base_id = moved.id
    draft.revision += 1
    _write(
        session, draft, mine, note=f"v{moved.version}: {', '.join(taken) or '–'}", actor=actor, number=draft.revision,
        before=current.sources,
    )  # fmt: skip
    return Taken(tuple(taken), tuple(kept))


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def newest_published(session: Session, department_id: int) -> Release | None:
    """What the next draft starts from: the release published last, in force already or not yet, and not taken back."""
    return session.scalar(
        select(Release)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(Release.department_id == department_id, ReleaseEvent.state == "published", ~departments.withdrawn())
        .order_by(Release.version.desc())
        .limit(1)
        .options(undefer(Release.sources), undefer(Release.content))
    )


def moved_base(session: Session, draft: RuleDraft) -> Release | None:
    """The newer release that was published since the draft was begun; None while its base is still the newest."""
    newest = newest_published(session, draft.department_id)
    return newest if newest is not None and newest.id != draft.base_id else None


def head(session: Session, draft: RuleDraft) -> DraftRevision:
    """The newest revision, with its files."""
    return session.scalars(
        select(DraftRevision)
        .where(DraftRevision.draft_id == draft.id)
        .order_by(DraftRevision.number.desc())
        .limit(1)
        .options(undefer(DraftRevision.sources), undefer(DraftRevision.content))
    ).one()


def text_of(session: Session, draft: RuleDraft, revision: DraftRevision | None = None) -> Text:
    """The draft read as a bundle beside the centre's release in force, with every problem."""
    return read_files(session, draft.department, (revision or head(session, draft)).sources)


def sources_of(release: Release) -> dict[str, str]:
    """A release's files as written; written anew from its data where only the data is known."""
    return texts_of(json.loads(release.content), release.sources)


def writers(session: Session, draft: RuleDraft) -> set[str]:
    """Everyone who opened or saved the draft (by hand, by file, by taking over another's), chose its day and its transitional clause,
    or asked for its publication: none of them may publish it."""
    saved = select(DraftRevision.by).where(DraftRevision.draft_id == draft.id)
    asked = select(ReleaseEvent.actor).where(ReleaseEvent.release_id == draft.release_id, ReleaseEvent.state == "ready")
    return {draft.opened_by, *session.scalars(saved.union(asked)), *([draft.planned_by] if draft.planned_by else [])}


def authors(session: Session, release: Release) -> set[str]:
    """Everyone who had a hand in what a release says, by whichever draft it came: none of them may put it back into force."""
    same = select(Release.id).where(Release.department_id == release.department_id, Release.content_hash == release.content_hash)
    drafts = session.scalars(select(RuleDraft).where(RuleDraft.release_id.in_(same)))
    return {release.author}.union(*(writers(session, draft) for draft in drafts))


def open_drafts(session: Session, department_id: int) -> int:
    """How many drafts of the department are being written or wait for publication."""
    return session.scalar(
        select(func.count(RuleDraft.id)).where(RuleDraft.department_id == department_id, RuleDraft.state.in_(OPEN_STATES))
    ) or 0


def read_files(session: Session, department: Department, sources: Mapping[str, str]) -> Text:
    """Files read as a bundle of the department beside the centre's release in force, with every problem."""
    shared = None
    if not department.is_centre:
        release = departments.release_in_force(session, departments.centre(session).id, clock.today(session))
        shared = departments.read_release(release, None) if release is not None else None
    files = {name: text.encode("utf-8") for name, text in sources.items()}
    try:
        return Text(sources, read_documents(files, centre=shared, code=department.code), ())
    except Problems as error:
        return Text(sources, None, tuple(error.problems))
