"""Asking for publication, and the publisher's answer: everything on one page, by somebody who did not write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import allowed, expose
from console.db import transaction
from console.errors import N_, ConsoleError, InvalidAnswers, NotAllowed, NotFound
from console.scope import current
from console.studio import drafts, looking, publication, queries
from console.studio.desk import EDITORS, PUBLISHERS, READERS, Desk, draft_values, problems_of, sentence_of
from console.studio.errors import NotReady
from console.studio.examination import examine
from console.studio.models import RuleDraft
from console.studio.replay.queries import KIND_WORDS
from console.studio.views_draft import expected


class RulePublication(Desk):
    """The road from a draft to a release."""

    name, title, icon = "rule-publication", N_("规则发布"), "check"
    route_base = "/rules/publication"
    permissions = {"can_read": READERS, "can_draft": EDITORS, "can_publish": PUBLISHERS}
    default_view = "show"

    @expose("/<int:draft_id>")
    @allowed("read")
    def show(self, draft_id: int) -> Any:
        return self._page(draft_id)

    @expose("/<int:draft_id>/request", methods=["POST"])
    @allowed("draft")
    def request(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            publication.request(session, draft, expected=expected(), reason=_reason(), actor=current())
            return _("已申请发布，草稿已锁定。请另一位规则发布人核准。")

        return self._do(draft_id, act)

    @expose("/<int:draft_id>/take-back", methods=["POST"])
    @allowed("draft")
    def take_back(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            publication.take_back(session, draft, reason=_reason(), actor=current())
            return _("申请已撤回，草稿可以接着改。")

        return self._do(draft_id, act)

    @expose("/<int:draft_id>/publish", methods=["POST"])
    @allowed("publish")
    def publish(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            release = publication.publish(session, draft, reason=_reason(), actor=current())
            return _("第 %(version)s 版已发布，%(day)s 零点起自动生效。", version=release.version, day=draft.effective_on)

        return self._do(draft_id, act)

    @expose("/<int:draft_id>/send-back", methods=["POST"])
    @allowed("publish")
    def send_back(self, draft_id: int) -> Any:
        def act(session: Session, draft: RuleDraft) -> str:
            publication.refuse(session, draft, reason=_reason(), actor=current())
            return _("已退回起草人，理由已经写明。")

        return self._do(draft_id, act)

    def _do(self, draft_id: int, act: Callable[[Session, RuleDraft], str]) -> Any:
        try:
            with transaction() as session:
                said = act(session, queries.draft_seen(session, draft_id, current()))
        except InvalidAnswers as error:
            return self._page(draft_id, problems=problems_of(error)), 422
        except NotReady as error:
            return self._page(draft_id, failure=sentence_of(error)), error.status
        except (NotAllowed, NotFound):
            raise
        except ConsoleError as error:
            return self._page(draft_id, failure=sentence_of(error)), error.status
        flash(said, "ok")
        return redirect(url_for("RuleDrafts.show", draft_id=draft_id), 303)

    def _page(self, draft_id: int, *, problems: list[tuple[str, str]] | None = None, failure: str = "") -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            found = examine(session, draft)
            text = drafts.Text(drafts.head(session, draft).sources, found.bundle, found.problems)
            writers = drafts.writers(session, draft)
            return self.render(
                session, "studio/deciding.html", title=_("申请与发布"), found=found, remarks=looking.remarks(found),
                changes=looking.changes(session, draft, text), writers=sorted(writers), is_writer=current().who in writers,
                waiting=queries.last_event(session, draft.release_id, "ready") if draft.release_id is not None else None,
                failing=[case for case in found.cases if not case.passed], today=clock.today(session), reason=request.form.get("reason", ""),
                papers=[paper for paper in queries.papers(session, draft, text) if paper.change], act=request.path.rpartition("/")[2], kind_words=lambda kind: _(KIND_WORDS[kind]),
                problems=problems or [], failure=failure, **draft_values(session, draft, "publication"),
            )  # fmt: skip


def _reason() -> str:
    return request.form.get("reason", "")[:2_000]
