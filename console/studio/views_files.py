"""The documents of a draft: looked at line by line, downloaded, sent back, put right in the browser, taken from an earlier revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.crud.pages import allowed, expose
from console.db import transaction
from console.doors.preferences import language
from console.errors import N_, Conflict, ConsoleError, NotAllowed, NotFound
from console.scope import current
from console.studio import archive, differing, drafts, queries, travel, uploads, workbooks
from console.studio.desk import EDITORS, READERS, Desk, attachment, draft_values, sentence_of
from console.studio.errors import DraftMovedOn
from console.studio.models import DraftRevision, RuleDraft
from console.studio.views_draft import expected
from rules.documents import Problems

MOST_LINES = 4_000  # more is a download


class RuleFiles(Desk):
    """The documents of one draft."""

    name, title, icon = "rule-files", N_("规则文件"), "file"
    route_base = "/rules/files"
    permissions = {"can_read": READERS, "can_draft": EDITORS}
    default_view = "show"

    @expose("/<int:draft_id>/text/<path:name>")
    @allowed("read")
    def show(self, draft_id: int, name: str) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            revision, _number = _revision(session, draft)
            text = drafts.text_of(session, draft, revision)
            if name not in text.sources:
                raise NotFound()
            written = text.sources[name]
            problems: dict[int, list[Any]] = {}
            for problem in text.problems:
                if problem.file == name:
                    problems.setdefault(problem.line, []).append(problem)
            lines = written.splitlines()
            return self.render(
                session, "studio/file.html", title=name, name=name, lines=lines[:MOST_LINES], cut=max(0, len(lines) - MOST_LINES), text=written,
                by_line=problems, differs=differing.lines(queries.base_sources(session, draft).get(name, ""), written), revision=revision, newest=revision.number == draft.revision, **draft_values(session, draft, "files"),
            )  # fmt: skip

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/<int:draft_id>/download/<path:name>")
    @allowed("read")
    def download(self, draft_id: int, name: str) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            text = _revision(session, draft)[0].sources.get(name)
        if text is None:
            raise NotFound()
        return attachment(name, text.encode("utf-8"))

    @expose("/<int:draft_id>/workbook.xlsx")
    @allowed("read")
    def workbook(self, draft_id: int) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            found = workbooks.workbook_of_draft(session, draft)
        return attachment(found.name, found.content)

    @expose("/<int:draft_id>/archive.zip")
    @allowed("read")
    def archive(self, draft_id: int) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            revision, number = _revision(session, draft)
            if number == draft.revision:
                found = travel.archive_of_draft(session, draft, actor=current())
                return attachment(found.name, found.content)
            if revision.content_hash is None:
                raise travel.NotReadable()
            files = {name: text.encode("utf-8") for name, text in revision.sources.items()}
            content = archive.pack(files, code=draft.department.code, content_hash=revision.content_hash)
        return attachment(f"{draft.department.code}-draft{draft.id}-r{number}{archive.SUFFIX}", content)

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/<int:draft_id>/upload", methods=["POST"])
    @allowed("draft")
    def upload(self, draft_id: int) -> Any:
        given = []
        for file in request.files.getlist("files"):
            with file.stream:  # a large one lies in a temporary file
                given.append((file.filename or "", file.stream.read()))
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            try:
                found = uploads.sort_out(given, drafts.head(session, draft).sources, into=request.form.get("into", ""))
                if found.workbook is not None:
                    return self._rows(session, draft, found.workbook)
            except uploads.NotKept as error:
                return self._refused(session, draft, sentence_of(error), [sentence_of(one) for one in error.refused])
            except Problems as error:
                return self._refused(session, draft, _("这个文件读不了，什么都没有保存。"), [one.show(language()) for one in error.problems[:60]])
            except (NotAllowed, NotFound):
                raise
            except ConsoleError as error:
                return self._refused(session, draft, sentence_of(error), [])
        return self._save(draft_id, found.files, note())

    @expose("/<int:draft_id>/edit/<path:name>", methods=["POST"])
    @allowed("draft")
    def edit(self, draft_id: int, name: str) -> Any:
        """A text changed in the browser, which sends every line end as CRLF: the file keeps those it had."""
        text = request.form.get("text", "").replace("\r\n", "\n")
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            before = drafts.head(session, draft).sources.get(name)
            if before is None:
                raise NotFound()
        if "\r\n" in before:
            text = text.replace("\n", "\r\n")
        return self._save(draft_id, {name: text.encode("utf-8")}, note())

    @expose("/<int:draft_id>/remove/<path:name>", methods=["POST"])
    @allowed("draft")
    def remove(self, draft_id: int, name: str) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            if name not in drafts.head(session, draft).sources:
                raise NotFound()
        return self._save(draft_id, {name: None}, _("删去 %(name)s", name=name))

    @expose("/<int:draft_id>/waiting", methods=["POST"])
    @allowed("draft")
    def waiting(self, draft_id: int) -> Any:
        """The yes to what was shown: a workbook's rows, or files whose draft somebody else had saved meanwhile."""
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            found = uploads.unseal(request.form.get("waiting", ""), draft, actor=current(), secret=_secret())
        wanted = request.form.get("download", "")
        if wanted:
            content = found.files.get(wanted)
            if content is None:
                raise NotFound()
            return attachment(wanted, content)
        return self._save(draft_id, found.files, found.note)

    @expose("/<int:draft_id>/restore/<int:number>", methods=["POST"])
    @allowed("draft")
    def restore(self, draft_id: int, number: int) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            earlier, now = queries.revision(session, draft, number).sources, drafts.head(session, draft).sources
            changes = {name: earlier[name].encode("utf-8") if name in earlier else None for name in {*earlier, *now}}
        return self._save(draft_id, changes, _("恢复第 %(number)s 次修订", number=number))

    def _save(self, draft_id: int, changes: Mapping[str, bytes | None], note: str) -> Any:
        """Save, or show who was faster together with everything that was sent."""
        try:
            with transaction() as session:
                draft = queries.draft_seen(session, draft_id, current())
                saved = drafts.revise(session, draft, changes, expected=expected(), note=note, actor=current())
                number, problems = draft.revision, 0
                if saved is not None:
                    problems = len(drafts.text_of(session, draft, saved).problems)
        except DraftMovedOn as error:
            return self._moved(draft_id, changes, note, error)
        except Conflict as error:
            flash(sentence_of(error), "bad")
            return redirect(url_for("RuleDrafts.show", draft_id=draft_id), 303)
        except (NotAllowed, NotFound):
            raise
        except ConsoleError as error:
            with transaction() as session:
                return self._refused(session, queries.draft_seen(session, draft_id, current()), sentence_of(error), [])
        if saved is None:
            flash(_("传上来的与草稿里的一样，没有新的修订。"), "info")
        elif problems:
            flash(_("已存为第 %(number)s 次修订。文件里有 %(count)s 处错误，改正以前不能申请发布。", number=number, count=problems), "warn")
        else:
            flash(_("已存为第 %(number)s 次修订。", number=number), "ok")
        return redirect(url_for("RuleDrafts.show", draft_id=draft_id), 303)

    # ── what is shown before anything is saved ───────────────────────────────────────────────────────────────

    def _rows(self, session: Session, draft: RuleDraft, content: bytes) -> Any:
        found = workbooks.look_at(session, draft, content)
        if found.reading.is_empty:
            flash(_("工作簿里没有改动，草稿没有变。"), "info")
            return redirect(url_for("RuleDrafts.show", draft_id=draft.id), 303)
        files = {} if found.conflicts else found.files  # as the service has it: all that was shown, or nothing
        said = note() or _("XLSX，改了 %(count)s 行", count=len(found.changes))
        word = uploads.seal(uploads.Waiting(files, said), draft, actor=current(), secret=_secret()) if files else ""
        return self.render(
            session, "studio/rows.html", title=_("逐行的变动"), reading=found.reading, files=files, rewritten=found.rewritten, waiting=word, pieces=differing.pieces,
            **draft_values(session, draft, "show"),
        )  # fmt: skip

    def _moved(self, draft_id: int, changes: Mapping[str, bytes | None], note: str, error: DraftMovedOn) -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            head = drafts.head(session, draft)
            since = [one for one in queries.history(session, draft)[0] if one.revision.number > expected()] if expected() > 0 else []
            mine = {name: None if content is None else content.decode("utf-8") for name, content in changes.items()}
            mine = {name: text for name, text in mine.items() if head.sources.get(name) != text}
            word = uploads.seal(uploads.Waiting(changes, note), draft, actor=current(), secret=_secret())
            faster = sentence_of(error)
            page = self.render(
                session, "studio/moved.html", title=_("别人先保存了"), faster=faster, since=since, mine=mine, newest=head, waiting=word, differs={n: differing.lines(head.sources.get(n, ""), text or "") for n, text in list(mine.items())[:12]},
                both=sorted(set(mine) & {name for one in since for name in one.files}), **draft_values(session, draft, "show"),
            )  # fmt: skip
        return page, error.status

    def _refused(self, session: Session, draft: RuleDraft, sentence: str, lines: list[str]) -> Any:
        page = self.render(
            session, "studio/refused.html", title=_("没有保存"), sentence=sentence, lines=lines, **draft_values(session, draft, "show")
        )
        return page, 422


def note() -> str:
    """What the writer says about a saving."""
    return request.form.get("note", "").strip()[:500]


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _revision(session: Session, draft: RuleDraft) -> tuple[DraftRevision, int]:
    """The revision the address asks for, else the newest."""
    number = request.args.get("revision", type=int)
    found = queries.revision(session, draft, number) if number is not None else drafts.head(session, draft)
    return found, found.number
