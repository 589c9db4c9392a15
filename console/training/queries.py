"""What there is to learn, how far somebody has come, and a unit's text made safe to show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.applications.models import Admission
from console.departments.queries import bundle_of
from console.training.models import CourseProgress
from rules.training import Unit

_TAGS = {
    *("h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "strong", "em", "del", "s", "a"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"),
}
_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass(frozen=True)
class UnitProgress:
    """One unit of the release the file met, and when its applicant opened and finished it."""

    unit: Unit
    opened_at: dt.datetime | None
    completed_at: dt.datetime | None

    @property
    def is_complete(self) -> bool:
        return self.completed_at is not None


def units(session: Session, admission: Admission) -> list[UnitProgress]:
    """Every unit in the department's order; an empty list when the department asks for no training."""
    bundle = bundle_of(session, admission.release_id)
    if bundle.manifest.pipeline is None or not bundle.manifest.pipeline.training.value:
        return []
    rows = session.scalars(select(CourseProgress).where(CourseProgress.admission_id == admission.id))
    progress = {row.unit: row for row in rows}
    return [
        UnitProgress(unit, row.opened_at if row else None, row.completed_at if row else None)
        for unit in bundle.training
        for row in [progress.get(unit.id)]
    ]


def finished(session: Session, admissions: Sequence[Admission]) -> list[Admission]:
    """Those of the set whose applicants have completed every unit of their release; one statement for the whole set."""
    wanted = {
        release_id: {unit.id for unit in bundle_of(session, release_id).training}
        for release_id in {admission.release_id for admission in admissions}
    }
    completed = dict(
        session.execute(
            select(CourseProgress.admission_id, func.array_agg(CourseProgress.unit))
            .where(
                CourseProgress.admission_id.in_([admission.id for admission in admissions]),
                CourseProgress.completed_at.is_not(None),
            )
            .group_by(CourseProgress.admission_id)
        )
        .all()
    )
    return [a for a in admissions if wanted[a.release_id] <= set(completed.get(a.id, ()))]


def unit_html(unit: Unit, lang: str) -> Markup:
    """The unit's text as HTML for a page that already has an h1: headings go one level down, nothing is run or loaded."""
    return _html(unit.body.show(lang))


@lru_cache(maxsize=512)
def _html(text: str) -> Markup:
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    # what Markdown makes is ours, what a department wrote is not: the second look does not trust the first
    return Markup(
        nh3.clean(html, tags=_TAGS, attributes={"a": {"href", "title"}}, url_schemes={"https", "http"})
    )
