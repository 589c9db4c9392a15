"""A draft and what stands before its publication: documents, checks, cases, what changes, its history, its day and clause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import allowed, expose
from console.db import transaction
from console.doors.preferences import language
from console.errors import N_, Conflict, InvalidAnswers
from console.scope import current
from console.studio import drafts, looking, publication, queries
from console.studio.desk import EDITORS, READERS, Desk, draft_values, problems_of, sentence_of
from console.studio.errors import DateNotPossible
from console.studio.examination import Examination, examine
from console.studio.models import RuleDraft
from rules.checks import CODES

SHOWN_TO_THE_READER = (Conflict, DateNotPossible)  # what else goes wrong has a page of its own
OCCASIONS = ("begun", "submitted", "accepted")


class RuleDrafts(Desk):
    """One draft: its head, and the pages that say what it is worth."""

    name, title, icon = "rule-drafts", N_("规则草稿"), "file"
    route_base = "/rules/drafts"
    permissions = {"can_read": READERS, "can_draft": EDITORS}
    default_view = "show"

    @expose("/<int:draft_id>")
    @allowed("read")
    def show(self, draft_id: int) -> Any:
        return self._page(draft_id)

    @expose("/<int:draft_id>/plan", methods=["POST"])
    @allowed("draft")
    def plan(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            try:
                day = dt.date.fromisoformat(request.form.get("effective_on", "").strip())
            except ValueError:
                raise InvalidAnswers({"effective_on": N_("日期请写成 2027-01-31 的样子。")}) from None
            clause = {name: request.form.get(name, "") for name in (*OCCASIONS, "begun_until")}
            publication.plan(session, draft, effective_on=day, transition=clause, actor=current())
            return _("已记下，%(day)s 起生效。", day=day.isoformat())

        return self._do(draft_id, act)

    @expose("/<int:draft_id>/rename", methods=["POST"])
    @allowed("draft")
    def rename(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            drafts.rename(session, draft, request.form.get("title", "")[:200], actor=current())
            return _("标题改好了。")

        return self._do(draft_id, act)

    @expose("/<int:draft_id>/discard", methods=["POST"])
    @allowed("draft")
    def discard(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            reason = request.form.get("reason", "")[:2_000]
            publication.reasoned(reason)
            drafts.discard(session, draft, reason=reason, actor=current())
            return _("草稿已放弃，内容还可以看。")

        return self._do(draft_id, act)

    @expose("/<int:draft_id>/take-over", methods=["POST"])
    @allowed("draft")
    def take_over(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            taken = drafts.take_over(session, draft, expected=expected(), actor=current())
            if taken.kept:
                flash(_("这些文件两边都改过，保留了草稿的写法，请逐个对照：%(files)s。", files="、".join(taken.kept)), "warn")
            return _("已并入新版的改动：%(files)s。", files="、".join(taken.taken) or "—")

        return self._do(draft_id, act)

    def _do(self, draft_id: int, act: Callable[[Session, RuleDraft], str]) -> Any:
        """Carry out an act; what is refused comes back to the draft's page, with what was typed."""
        try:
            with transaction() as session:
                said = act(session, queries.draft_seen(session, draft_id, current()))
        except InvalidAnswers as error:
            return self._page(draft_id, problems=problems_of(error)), 422
        except SHOWN_TO_THE_READER as error:
            return self._page(draft_id, failure=sentence_of(error)), error.status
        flash(said, "ok")
        return redirect(url_for(".show", draft_id=draft_id), 303)

    def _page(self, draft_id: int, *, problems: list[tuple[str, str]] | None = None, failure: str = "") -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            found = examine(session, draft)
            text = drafts.Text(drafts.head(session, draft).sources, found.bundle, found.problems)
            return self.render(
                session, "studio/draft.html", title=draft.title, papers=queries.papers(session, draft, text), found=found,
                remarks=looking.remarks(found), writers=sorted(drafts.writers(session, draft)), waiting=_waiting(session, draft),
                sent_back=queries.last_refusal(session, draft), failing=[case for case in found.cases if not case.passed],
                today=clock.today(session), occasions=OCCASIONS, choices=publication.CLAUSE, typed=request.form, problems=problems or [],
                failure=failure, **draft_values(session, draft, "show"),
            )  # fmt: skip

    # ── what it is worth ─────────────────────────────────────────────────────────────────────────────────────

    @expose("/<int:draft_id>/checks")
    @allowed("read")
    def checks(self, draft_id: int) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            found = looking.remarks(examine(session, draft))
            files = sorted({one.file for one in found}, key=queries.reading_order)
            return self.render(
                session, "studio/checks.html", title=_("检查"), remarks=found, by_file=[(name, [one for one in found if one.file == name]) for name in files],
                codes={code: CODES[code] for code in sorted({one.code for one in found})}, **draft_values(session, draft, "checks"),
            )  # fmt: skip

    @expose("/<int:draft_id>/cases")
    @allowed("read")
    def cases(self, draft_id: int) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            found: Examination = examine(session, draft)
            pages = looking.cases(found.bundle, found.cases, language()) if found.bundle is not None else []
            return self.render(
                session, "studio/cases.html", title=_("案例"), pages=pages, failing=[page for page in pages if not page.result.passed],
                readable=found.bundle is not None, **draft_values(session, draft, "cases"),
            )  # fmt: skip

    @expose("/<int:draft_id>/changes")
    @allowed("read")
    def changes(self, draft_id: int) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            text = drafts.text_of(session, draft)
            return self.render(
                session, "studio/changes.html", title=_("改了什么"), changes=looking.changes(session, draft, text),
                papers=[paper for paper in queries.papers(session, draft, text) if paper.change], **draft_values(session, draft, "changes"),
            )  # fmt: skip

    @expose("/<int:draft_id>/history")
    @allowed("read")
    def history(self, draft_id: int) -> Any:
        before = request.args.get("before", type=int)
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            savings, following = queries.history(session, draft, before=before)
            return self.render(
                session, "studio/history.html", title=_("修订记录"), savings=savings, following=following, **draft_values(session, draft, "history")
            )


def expected() -> int:
    """The revision the writer had in front of them; -1 when the form does not say."""
    return request.form.get("expected", default=-1, type=int)


def _waiting(session: Session, draft: RuleDraft) -> Any:
    """The request that waits for a publisher: who asked, when, why."""
    return queries.last_event(session, draft.release_id, "ready") if draft.release_id is not None else None



