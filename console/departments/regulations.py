"""Regulations as data: paragraphs with their versions, and everything that cites one whose text has changed since.

Documents are as old as the release that holds them, a question as old as its last change, a draft's unchanged parts as old as the
release it started from. What a paragraph said then is its last version recorded by then.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import column, select, table
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from console import audit, clock
from console.departments import queries
from console.departments.models import Department, Regulation, RegulationParagraph, Release, ReleaseEvent
from console.errors import N_, InvalidAnswers
from console.roles import Act
from console.scope import Principal, Whole, require
from rules.citations import Citation, Titles, citations
from rules.documents import canonical

LEAST, MOST = 5, 2_000
CHANGED, REPEALED, UNRECORDED = "changed", "repealed", "unrecorded"


@dataclass(frozen=True)
class Paragraph:
    """What is to be recorded. `text` is the official text where it is at hand: only its hash is kept, the summary is ours."""

    regulation_id: str
    article: str
    summary: str
    title: str = ""
    text: str = ""
    in_force_from: dt.date | None = None
    in_force_to: dt.date | None = None
    verified: bool = False

    @property
    def text_hash(self) -> str:
        return hashlib.sha256((self.text.strip() or self.summary.strip()).encode()).hexdigest()


# ── recording ────────────────────────────────────────────────────────────────────────────────────────────────


def record(session: Session, paragraph: Paragraph, *, actor: Principal, reason: str) -> RegulationParagraph:
    """Record a paragraph, or another version of one whose text or dates changed. The centre's rule publisher or a platform admin.

    Nothing is overwritten. InvalidAnswers names what is missing, and says when nothing has changed.
    """
    require(actor, Act.RECORD_REGULATION, Whole(queries.centre(session).id))
    last = latest(session).get((paragraph.regulation_id, paragraph.article))
    problems = check(session, paragraph, last)
    if len(reason.strip()) < LEAST:
        problems["reason"] = N_("请写明从哪里得知、改了什么，至少 5 个字。")
    if problems:
        raise InvalidAnswers(problems)
    row = RegulationParagraph(
        regulation_id=paragraph.regulation_id, article=paragraph.article.strip(), version=last.version + 1 if last else 1,
        title=paragraph.title.strip() or (last.title if last else ""), summary=paragraph.summary.strip(),
        text_hash=paragraph.text_hash, verified=paragraph.verified, in_force_from=paragraph.in_force_from,
        in_force_to=paragraph.in_force_to, recorded_at=clock.now(session), recorded_by=actor.who,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(
        session,
        "regulation.recorded",
        f"regulation_paragraph:{row.id}",
        reason=reason.strip(),
        regulation=row.regulation_id,
        article=row.article,
        version=row.version,
        text_hash=row.text_hash,
        in_force_from=row.in_force_from,
        in_force_to=row.in_force_to,
    )
    return row


def check(session: Session, paragraph: Paragraph, last: RegulationParagraph | None) -> dict[str, str]:
    """What keeps it from being recorded, by field."""
    problems: dict[str, str] = {}
    if session.get(Regulation, paragraph.regulation_id) is None:
        problems["regulation_id"] = N_("依据文件里没有这个代号，请先登记文件。")
    if not 1 <= len(paragraph.article.strip()) <= 40:
        problems["article"] = N_("请写明条款，最多 40 个字，例如“第七条”。")
    if not LEAST <= len(paragraph.summary.strip()) <= MOST:
        problems["summary"] = N_("请用自己的话写明要点，5 到 2000 个字。")
    if len(paragraph.title.strip()) > 80:
        problems["title"] = N_("标题最多 80 个字。")
    start, end = paragraph.in_force_from, paragraph.in_force_to
    if start and end and end < start:
        problems["in_force_to"] = N_("废止日期不能早于施行日期。")
    if last is not None and not problems:
        if same(paragraph, last):
            problems["summary"] = N_("与已登记的最新版本没有差别，不用再登记。")
        elif paragraph.text_hash != last.text_hash and (start is None or (last.in_force_from and start < last.in_force_from)):
            problems["in_force_from"] = N_("条文变了，请写明新条文的施行日期，不早于上一版本的施行日期。")
    return problems


def same(paragraph: Paragraph, last: RegulationParagraph) -> bool:
    given = (paragraph.text_hash, paragraph.verified, paragraph.in_force_from, paragraph.in_force_to)
    return given == (last.text_hash, last.verified, last.in_force_from, last.in_force_to)


def latest(session: Session) -> dict[tuple[str, str], RegulationParagraph]:
    """(regulation, article) → the newest version."""
    rows = session.scalars(
        select(RegulationParagraph)
        .order_by(RegulationParagraph.regulation_id, RegulationParagraph.article, RegulationParagraph.version.desc())
        .ext(distinct_on(RegulationParagraph.regulation_id, RegulationParagraph.article))
    )
    return {(row.regulation_id, row.article): row for row in rows}


def on_file(session: Session) -> dict[tuple[str, str], tuple[dt.date | None, dt.date | None]]:
    """(regulation, article) → from when to when it is in force, over all versions: what `rules.checks` asks for."""
    found: dict[tuple[str, str], tuple[dt.date | None, dt.date | None]] = {}
    for (reg, article), versions in _versions(session).items():
        found[reg, article] = (versions[0].in_force_from, versions[-1].in_force_to)
    return found


def _versions(session: Session) -> dict[tuple[str, str], list[RegulationParagraph]]:
    found: dict[tuple[str, str], list[RegulationParagraph]] = defaultdict(list)
    for row in session.scalars(select(RegulationParagraph).order_by(RegulationParagraph.version)):
        found[row.regulation_id, row.article].append(row)
    return found


# ── what is stale ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Stale:
    """One place that cites a paragraph which is no longer what it was when the place was written."""

    department: Department  # whose document it is
    source: str  # “v3” for a release, the title of a draft
    is_draft: bool
    file: str
    key: str
    reg: str
    article: str
    title: str  # of the regulation; what the document says when no regulation is known
    kind: str  # changed | repealed | unrecorded
    since: dt.date | None
    written_at: dt.datetime


@dataclass(frozen=True)
class _Place:
    department: Department
    source: str
    is_draft: bool
    citation: Citation
    written_at: dt.datetime


def stale(
    session: Session, on: dt.date, *, as_if: Sequence[Paragraph] = (), department_id: int | None = None
) -> list[Stale]:
    """Everything in force on the day or published for later, and every open draft, that cites a paragraph changed or repealed
    since, or one that is not on file. By owner, file and place.

    `as_if`: paragraphs taken as recorded now and in force, to see beforehand what would move.
    """
    versions, now = _versions(session), clock.now(session)
    for one in as_if:
        key, known = (one.regulation_id, one.article), versions[one.regulation_id, one.article]
        versions[key] = [*known, RegulationParagraph(version=len(known) + 1, text_hash=one.text_hash, in_force_from=None,
                                                     in_force_to=one.in_force_to, recorded_at=now)]  # fmt: skip
    names = {regulation.id: regulation.title for regulation in session.scalars(select(Regulation))}
    found = []
    for place in _places(session, on, _titles(session)):
        if department_id is not None and place.department.id != department_id:
            continue
        cited = place.citation
        judged = _judge(versions.get((cited.reg, cited.article), []), place.written_at, on)
        if judged is not None:
            kind, since = judged
            found.append(
                Stale(
                    place.department, place.source, place.is_draft, cited.file, cited.key, cited.reg, cited.article,
                    names.get(cited.reg, ""), kind, since, place.written_at,
                )
            )
    return found


def _judge(
    versions: Sequence[RegulationParagraph], written_at: dt.datetime, on: dt.date
) -> tuple[str, dt.date | None] | None:
    if not versions:
        return UNRECORDED, None
    then = [one for one in versions if one.recorded_at <= written_at] or [versions[0]]
    holding = [one for one in versions if one.in_force_from is None or one.in_force_from <= on] or [versions[0]]
    current = holding[-1]
    end = current.in_force_to
    if end is not None and end < on and (then[-1].in_force_to != end or end >= clock.day_of(written_at)):
        return REPEALED, end + dt.timedelta(days=1)
    if current.version > then[-1].version and current.text_hash != then[-1].text_hash:
        return CHANGED, current.in_force_from or clock.day_of(current.recorded_at)
    return None


def _titles(session: Session) -> Titles:
    return Titles((one.id, one.title, one.number) for one in session.scalars(select(Regulation)))


def _places(session: Session, on: dt.date, titles: Titles) -> Iterator[_Place]:
    """Every citation of the releases that hold or will, and of open drafts, with the time it was written."""
    releases = session.scalars(select(Release).order_by(Release.department_id, Release.version)).all()
    by_id = {release.id: release for release in releases}
    questions = _question_ages(releases)
    holding = {release.id for release in queries.releases_in_force(session, on).values()}
    later = select(ReleaseEvent.release_id).where(ReleaseEvent.state == "published", ReleaseEvent.effective_on > on)
    ended = select(ReleaseEvent.release_id).where(ReleaseEvent.state.in_(("retired", "refused")))
    wanted = holding | set(session.scalars(later.where(ReleaseEvent.release_id.not_in(ended))))
    for release in releases:
        if release.id in wanted:
            for cited in citations(json.loads(release.content), titles):
                at = questions.get((release.department_id, cited.owner), release.created_at)
                yield _Place(release.department, f"v{release.version}", False, cited, at)
    yield from _drafted(session, by_id, questions, titles)


def _question_ages(releases: Sequence[Release]) -> dict[tuple[int, str], dt.datetime]:
    """(department, question as written) → since when it reads so: through how many releases it has stayed the same."""
    ages: dict[int, dict[str, dt.datetime]] = {}
    for release in releases:  # in the order of versions
        rows = json.loads(release.content).get("questions.csv") or []
        before = ages.get(release.department_id, {})
        ages[release.department_id] = {key: before.get(key, release.created_at) for key in map(canonical, rows)}
    return {(department, key): at for department, known in ages.items() for key, at in known.items()}


_draft = table("rule_draft", *map(column, ("id", "department_id", "base_id", "title", "state", "revision")))
_revision = table("draft_revision", *map(column, ("draft_id", "number", "content", "at")))


def _drafted(
    session: Session, releases: Mapping[int, Release], questions: Mapping[tuple[int, str], dt.datetime], titles: Titles
) -> Iterator[_Place]:
    """The newest readable text of every open draft: what it kept is as old as its base, what it changed as old as the saving."""
    rows = session.execute(
        select(_draft.c.department_id, _draft.c.base_id, _draft.c.title, _revision.c.content, _revision.c.at)
        .join(_revision, (_revision.c.draft_id == _draft.c.id) & (_revision.c.number == _draft.c.revision))
        .where(_draft.c.state.in_(("open", "ready")), _revision.c.content.is_not(None))
        .order_by(_draft.c.id)
    )
    departments = {department.id: department for department in session.scalars(select(Department))}
    for department_id, base_id, title, content, at in rows:
        base = releases.get(base_id)
        kept = {(one.file, one.owner) for one in citations(json.loads(base.content), titles)} if base else set()
        for cited in citations(json.loads(content), titles):
            since = base.created_at if base is not None and (cited.file, cited.owner) in kept else at
            yield _Place(departments[department_id], title, True, cited, questions.get((department_id, cited.owner), since))
