"""The review of one file: the form and its evidence on the left, the criteria and the checklist on the right, the decision below.

One form carries everything that can be typed, so that a decision, a saved draft and a conflict all keep it. Dialogs are
sections of the page when there is no script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext as _

from console import audit, clock, files, visibility
from console.accounts import recusals, why
from console.applications import duties
from console.applications.queries import term_of
from console.applications.words import ACTION_WORDS
from console.crud import unmasking
from console.crud.pages import Page, allowed, expose
from console.db import transaction
from console.departments.calendars import Reckoning
from console.doors.deadlines import drawn
from console.doors.look import step_label
from console.doors.preferences import language
from console.errors import N_, Conflict, ConsoleError, InvalidAnswers, NotFound
from console.reviews import distribution, folder, queries, reading, services
from console.reviews.absent import away_words
from console.reviews.errors import NotReady
from console.reviews.folder import Folder
from console.reviews.levels import DECISION_WORDS, FILE_READERS, REVIEW_ROLES, Decision
from console.reviews.typed import Typed, from_draft, from_form
from console.roles import Role
from console.scope import Staff, current
from rules.pipeline import Step

TEMPLATES = str(Path(__file__).parent / "templates")
TABS: dict[str, str] = {
    "form": N_("申报表"),
    "documents": N_("材料"),
    "history": N_("沿革"),
    "others": N_("同一人的其他办件"),
}
ASKS = {"return": Decision.RETURN, "refuse": Decision.REFUSE, "reopen": Decision.REOPEN, "uphold": Decision.UPHOLD}
WIDTHS = {"": 900, "wide": 1_600}


class Desk(Page):
    """One file under review, or only looked at."""

    name, title, menu = "review-desk", N_("审核"), None
    route_base = "/files"
    default_view = "show"
    template_folder = TEMPLATES
    permissions = {"can_read": FILE_READERS, "can_review": REVIEW_ROLES, "can_reveal": FILE_READERS}

    @expose("/<int:admission_id>")
    @allowed("read")
    def show(self, admission_id: int) -> Any:
        with transaction() as session:
            found = folder.review_page(session, admission_id, actor=current(), lang=language())
            if _only_supervises():  # a supervisor's reading is logged too
                audit.record(
                    session, "file.read", f"admission:{admission_id}", division_code=found.admission.division_code
                )
            return self._page(session, found, from_draft(found), ask=request.args.get("ask", ""))

    @expose("/<int:admission_id>", methods=["POST"])
    @allowed("review")
    def write(self, admission_id: int) -> Any:
        """Save, decide, or (without script) ask for the reasons of a decision first."""
        asked = request.form.get("decision", "save")
        with transaction() as session:
            found = folder.review_page(session, admission_id, actor=current(), lang=language())
            typed = from_form(request.form, found)
        try:
            if asked in ("save", "ask-return", "ask-refuse", "ask-reopen", "ask-uphold"):
                return self._save(admission_id, typed, asked)
            return self._decide(admission_id, typed, asked)
        except NotReady as error:
            return self._again(admission_id, typed, error, asked)
        except Conflict as error:
            return self._moved_on(admission_id, typed, error)

    def _save(self, admission_id: int, typed: Typed, asked: str) -> Any:
        with transaction() as session:
            admission = queries.admission_of(session, admission_id)
            services.save_review(session, admission, actor=current(), **typed.arguments)
        ask = asked.removeprefix("ask-") if asked != "save" else None
        if ask is None:
            flash(_("已存。只是记录，还没有作出决定。"), "ok")
        return redirect(
            url_for(".show", admission_id=admission_id, ask=ask, _anchor=f"dlg-{ask}" if ask else "review"), 303
        )

    def _decide(self, admission_id: int, typed: Typed, asked: str) -> Any:
        decision = next((one for one in Decision if one == asked), None)
        if decision is None:
            raise NotFound()
        with transaction() as session:
            admission = queries.admission_of(session, admission_id)
            if decision in (Decision.REOPEN, Decision.UPHOLD):
                moved = services.decide_reconsideration(
                    session,
                    admission,
                    decision == Decision.REOPEN,
                    actor=current(),
                    reason=typed.reason,
                    version=typed.version,
                )
            else:
                items: Any = typed.grounds
                if decision == Decision.RETURN:
                    items = [{"path": path, "reason": reason} for path, reason in typed.items.items()]
                moved = services.decide(
                    session, admission, decision, actor=current(), reason=typed.reason, items=items, **typed.arguments
                )
            said = _(
                "%(number)s：%(decision)s。现处于“%(step)s”环节。",
                number=moved.admission.number,
                decision=_(DECISION_WORDS[decision]),
                step=step_label(moved.to_step),
            )
        flash(said, "ok")
        return redirect(url_for("Files.home", view="mine"), 303)

    def _again(self, admission_id: int, typed: Typed, error: NotReady, asked: str) -> Any:
        """The same page with every problem at the top and everything typed still there."""
        with transaction() as session:
            found = folder.review_page(session, admission_id, actor=current(), lang=language())
            ask = next((name for name, decision in ASKS.items() if decision == asked), "")
            page = self._page(session, found, typed, ask=ask, error=error)
        return page, error.status

    def _moved_on(self, admission_id: int, typed: Typed, error: ConsoleError) -> Any:
        """Somebody was faster: what was typed is shown, nothing of it was kept."""
        with transaction() as session:
            try:
                found: Folder | None = folder.review_page(session, admission_id, actor=current(), lang=language())
            except NotFound:
                found = None  # the file has left this office with the move
            page = self.render_template(
                "reviews/moved_on.html",
                title=_("内容有变化"),
                sentence=_(error.message, **error.facts),
                found=found,
                typed=typed,
                admission_id=admission_id,
            )
        return page, error.status

    def _page(
        self,
        session: Any,
        found: Folder,
        typed: Typed,
        *,
        ask: str = "",
        error: NotReady | None = None,
        shown: Any = None,
    ) -> str:
        tab = request.args.get("tab", "form")
        term = term_of(Reckoning(session), found.admission)
        deadline = drawn(term, today=clock.today(session)) if term else None
        problems = [(p.place, _(p.sentence, **_in_language(p.facts, found))) for p in (error.problems if error else ())]
        return self.render_template(  # type: ignore[no-any-return]
            "reviews/file.html",
            title=f"{found.applicant.name} · {found.admission.number}",
            found=found,
            typed=typed,
            tab=tab if tab in TABS else "form",
            tabs=self._tabs(found),
            deadline_=deadline,
            ask=ask if ask in ASKS and found.may_decide else "",
            problems=problems,
            error=_(error.message, **error.facts) if error else "",
            blocks=[_(block.sentence, **_in_language(block.facts, found)) for block in found.blocks],
            hindrance=_(found.hindrance.sentence, **found.hindrance.facts) if found.hindrance else "",
            evidence=self._evidence(found),
            action_words=ACTION_WORDS,
            decision_words=DECISION_WORDS,
            shown=shown,
            may_take=(found.may_decide and found.admission.holder_id is None) or found.stands_in,
            away=away_words(session, {0: found.holder_away})[0] if found.holder_away else "",
            undeclared=found.hindrance is not None and found.hindrance.kind == duties.Kind.UNDECLARED,
            may_step_aside=folder.may_step_aside(current(), found),
            may_release=folder.may_release(current(), found.admission),
            steps=Step,
        )

    def _tabs(self, found: Folder) -> list[tuple[str, str, int]]:
        counts = {"documents": len(found.form.evidence), "others": len(found.siblings)}
        return [(key, _(words), counts.get(key, 0)) for key, words in TABS.items() if key != "others" or found.siblings]

    @staticmethod
    def _evidence(found: Folder) -> reading.Evidence | None:
        """The attachment that is open beside the form: the one asked for, else the first."""
        wanted = request.args.get("a", "")
        chosen = [one for one in found.form.evidence if str(one.attachment.id) == wanted]
        return next(iter(chosen or found.form.evidence), None)

    # ── holding, and looking behind a mask ───────────────────────────────────────────────────────────────────

    @expose("/<int:admission_id>/why")
    @allowed("read")
    def why(self, admission_id: int) -> Any:
        """Why I see this file, or why `?staff=` does not, and what each of us may do with it."""
        with transaction() as session:
            admission = queries.admission_of(session, admission_id)
            back = url_for(".show", admission_id=admission_id)
            return self.render_template(why.TEMPLATE, **why.page(session, admission, name=admission.number, back=back))

    @expose("/<int:admission_id>/take", methods=["POST"])
    @allowed("review")
    def take(self, admission_id: int) -> Any:
        return self._hold(admission_id, distribution.take, _("这件由您承办了。"))

    @expose("/<int:admission_id>/release", methods=["POST"])
    @allowed("review")
    def release(self, admission_id: int) -> Any:
        return self._hold(admission_id, distribution.release, _("已放回未分派的件里。"))

    @expose("/<int:admission_id>/step-aside", methods=["GET", "POST"])
    @allowed("review")
    def step_aside(self, admission_id: int) -> Any:
        """Keep out of this file for good: the reason first."""
        problem, reason, status = "", request.form.get("reason", "")[:500], 200
        with transaction() as session:
            admission = queries.admission_of(session, admission_id)
            number = admission.number
            if request.method == "POST":
                try:
                    recusals.step_aside(session, admission, actor=current(), reason=reason)
                except InvalidAnswers as error:
                    problem, status = _(error.problems["reason"]), error.status
                except Conflict as error:
                    problem, status = _(error.message, **error.facts), error.status
                else:
                    flash(_("您已回避 %(number)s，它由别人办理。", number=number), "ok")
                    return redirect(url_for("Files.home"), 303)
            page = self.render_template(
                "reviews/step_aside.html", title=_("申请回避"), number=number, admission_id=admission_id, problem=problem, reason=reason
            )
        return page, status

    def _hold(self, admission_id: int, act: Any, said: str) -> Any:
        try:
            with transaction() as session:
                act(session, queries.admission_of(session, admission_id), actor=current())
        except NotFound:
            raise
        except ConsoleError as error:
            flash(_(error.message, **error.facts), "bad")
        else:
            flash(said, "ok")
        return redirect(url_for(".show", admission_id=admission_id), 303)

    @expose("/<int:admission_id>/reveal/<name>", methods=["GET", "POST"])
    @allowed("reveal")
    def reveal(self, admission_id: int, name: str) -> Any:
        """Ask for the reason, then show the value once, on this answer only; `name` is the answer's path in the form."""
        with transaction() as session:
            admission = queries.admission_of(session, admission_id)
            line, _value = services.secret_of(session, admission, name)
            back = url_for(".show", admission_id=admission_id)
            return unmasking.page(
                self,
                what=_(visibility.SECRETS[line].title),
                back=back,
                crumbs=((_("申报审核"), url_for("Files.home")), (admission.number, back)),
                reveal=lambda reason: services.reveal(session, admission, name, actor=current(), reason=reason),
            )


class EvidencePages(Page):
    """Pages of handed-in files as pictures; the originals never reach the browser."""

    name, title, menu = "evidence", N_("材料"), None
    default_view = "picture"
    permissions = {"can_read": FILE_READERS}

    @expose("/<int:attachment_id>/<int:page>")
    @allowed("read")
    def picture(self, attachment_id: int, page: int) -> Response:
        with transaction() as session:
            content_hash = reading.evidence_of(session, attachment_id).hash
        answer = Response(
            files.page_png(content_hash, page, width=WIDTHS.get(request.args.get("size", ""), WIDTHS[""])),
            mimetype="image/png",
        )
        answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        answer.headers["Cache-Control"] = "private, no-store"
        answer.headers["Content-Disposition"] = f'inline; filename="{attachment_id}-{page}.png"'
        return answer


def _only_supervises() -> bool:
    actor = current()
    return isinstance(actor, Staff) and {grant.role for grant in actor.grants} <= {Role.SUPERVISOR}


def _in_language(facts: Any, found: Folder) -> dict[str, Any]:
    """Titles inside a problem are the department's words; in English, their English ones."""
    said = dict(facts)
    if language() != "en":
        return said
    if "path" in said and said["path"] in found.form.labels:
        said["label"] = found.form.labels[said["path"]].show("en")
    if "id" in said and found.sheet is not None:
        titles = {item.id: item.title.show("en") for item in found.sheet.form.checklist}
        titles |= {one["id"]: one["title"]["en"] for one in found.sheet.open_criteria}
        if found.sheet.form.scores is not None:
            titles |= {item.id: item.title.show("en") for item in found.sheet.form.scores.items}
        said["title"] = titles.get(said["id"], said.get("title", ""))
    return said
