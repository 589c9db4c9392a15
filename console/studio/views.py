"""The pages of the rules: what is in force, what is being written, releases compared, going back, and specialties that change hands."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import allowed, expose
from console.crud.screen import RULES
from console.db import transaction
from console.departments import queries as departments
from console.departments import transfers
from console.departments.models import Department, Release
from console.doors.preferences import language
from console.errors import N_, InvalidAnswers, NotFound
from console.roles import Act, Role
from console.scope import Whole, current, may, require
from console.studio import archive, drafts, looking, publication, queries, rollback, travel, workbooks
from console.studio.desk import EDITORS, PUBLISHERS, READERS, Desk, attachment, problems_of, sentence_of, who_may
from console.studio.errors import NothingToRollBack, NotScheduled, ScheduledAhead
from console.studio.models import RuleDraft
from console.studio.views_deciding import RulePublication
from console.studio.views_draft import RuleDrafts
from console.studio.views_files import RuleFiles
from console.studio.views_replay import RuleReplays
from rules.comparison import compare
from rules.documents import Problems


class Rules(Desk):
    """The rules of every department the officer may see: in force, coming, being written."""

    name, title, menu, icon = "rules", N_("规则"), RULES, "tree"
    permissions = {"can_read": READERS, "can_draft": EDITORS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            return self.render(session, "studio/rules.html", title=_("规则"), rules=queries.rules_seen(session, current()))

    @expose("/<code>/begin", methods=["GET", "POST"])
    @allowed("draft")
    def begin(self, code: str) -> Any:
        title, problems, lines = request.form.get("title", "")[:200], [], list[str]()
        if request.method == "POST":
            try:
                with transaction() as session:
                    department = queries.department_seen(session, code, current())
                    draft_id = self._begin(session, department, title).id
            except InvalidAnswers as error:
                problems = problems_of(error)
            except Problems as error:
                problems, lines = [("archive", _("这个压缩包不能用，没有建立草稿。"))], [one.show(language()) for one in error.problems[:60]]
            except (travel.NothingNew, travel.AlreadyBrought) as error:
                problems = [("archive", sentence_of(error))]
            else:
                flash(_("草稿建好了。下载要改的文件，改好后传上来。"), "ok")
                return redirect(url_for("RuleDrafts.show", draft_id=draft_id), 303)
        with transaction() as session:
            department = queries.department_seen(session, code, current())
            require(current(), Act.DRAFT_RELEASE, Whole(department.id))
            page = self.render(
                session, "studio/begin.html", title=_("起草"), department=department, typed=title, problems=problems, lines=lines,
                base=drafts.newest_published(session, department.id),
            )  # fmt: skip
        return (page, 422) if problems else page

    @staticmethod
    def _begin(session: Session, department: Department, title: str) -> RuleDraft:
        """A copy of the newest release, or what an archive holds."""
        given = request.files.get("archive")
        if given is None:
            return drafts.begin(session, department, title=title, actor=current())
        require(current(), Act.DRAFT_RELEASE, Whole(department.id))
        found = archive.unpack(given.read())
        if found.code != department.code:
            raise InvalidAnswers({"archive": N_("这个压缩包是别的部门的规则，不能在这里起草。")})
        return travel.import_archive(session, found, actor=current()).draft


class RuleReleases(Desk):
    """What was published, file by file; two releases compared in words; going back to the one before."""

    name, title, icon = "rule-releases", N_("发布版"), "file"
    route_base = "/rules/releases"
    permissions = {"can_read": READERS, "can_publish": PUBLISHERS}

    @expose("/of/<code>")
    @allowed("read")
    def home(self, code: str) -> Any:
        with transaction() as session:
            department = queries.department_seen(session, code, current())
            return self.render(
                session, "studio/releases.html", title=_("发布过的版本"), department=department, releases=queries.releases_of(session, department.id),
                in_force=departments.release_in_force(session, department.id, clock.today(session)),
                apart=looking.folder_apart(session, department), may_roll_back=may(current(), Act.PUBLISH_RELEASE, Whole(department.id)),
            )  # fmt: skip

    @expose("/<int:release_id>")
    @allowed("read")
    def show(self, release_id: int) -> Any:
        return self._page(release_id)

    def _page(self, release_id: int, *, problems: list[tuple[str, str]] | None = None, reason: str = "") -> Any:
        with transaction() as session:
            release = queries.release_seen(session, release_id, current())
            others = [one for one in queries.releases_of(session, release.department_id) if one.id != release.id]
            wanted = request.args.get("with", "")
            other = next((one for one in others if str(one.id) == wanted), None)
            other = other or next((one for one in others if one.id == release.base_id), None)
            before, after = (release, other) if other is not None and other.version > release.version else (other, release)
            page = self.render(
                session, "studio/release.html", title=_("第 %(version)s 版", version=release.version), release=release, others=others,
                other=other, before=before, after=after, changes=_differences(session, before, after) if before is not None else [],
                files=sorted(drafts.sources_of(release).items(), key=lambda pair: queries.reading_order(pair[0])),
                in_force=departments.release_in_force(session, release.department_id, clock.today(session)),
                may_withdraw=_waits(session, release) and may(current(), Act.PUBLISH_RELEASE, Whole(release.department_id)),
                problems=problems or [], reason=reason, wrong=dict(problems or []),
            )  # fmt: skip
        return (page, 422) if problems else page

    @expose("/<int:release_id>/withdraw", methods=["POST"])
    @allowed("publish")
    def withdraw(self, release_id: int) -> Any:
        reason = request.form.get("reason", "")[:2_000]
        try:
            with transaction() as session:
                release = queries.release_seen(session, release_id, current())
                publication.withdraw(session, release, reason=reason, actor=current())
                version = release.version
        except InvalidAnswers as error:
            return self._page(release_id, problems=problems_of(error), reason=reason)
        except NotScheduled as error:
            flash(sentence_of(error), "bad")
        else:
            flash(_("第 %(version)s 版撤下了，不会生效。现行规则照常。", version=version), "ok")
        return redirect(url_for(".show", release_id=release_id), 303)

    @expose("/<int:release_id>/files/<path:name>")
    @allowed("read")
    def file(self, release_id: int, name: str) -> Any:
        with transaction() as session:
            text = drafts.sources_of(queries.release_seen(session, release_id, current())).get(name)
        if text is None:
            raise NotFound()
        return attachment(name, text.encode("utf-8"))

    @expose("/<int:release_id>/archive.zip")
    @allowed("read")
    def archive(self, release_id: int) -> Any:
        with transaction() as session:
            found = travel.archive_of(session, queries.release_seen(session, release_id, current()), actor=current())
        return attachment(found.name, found.content)

    @expose("/<int:release_id>/workbook.xlsx")
    @allowed("read")
    def workbook(self, release_id: int) -> Any:
        with transaction() as session:
            found = workbooks.workbook_of_release(session, queries.release_seen(session, release_id, current()))
        return attachment(found.name, found.content)

    @expose("/of/<code>/roll-back", methods=["GET", "POST"])
    @allowed("publish")
    def roll_back(self, code: str) -> Any:
        reason, problems, failure = request.form.get("reason", "")[:2_000], [], ""
        if request.method == "POST":
            try:
                with transaction() as session:
                    department = queries.department_seen(session, code, current())
                    version = rollback.roll_back(session, department, reason=reason, actor=current()).version
            except InvalidAnswers as error:
                problems = problems_of(error)
            except (NothingToRollBack, ScheduledAhead) as error:
                failure = sentence_of(error)
            else:
                flash(_("已经退回：第 %(version)s 版从今天起生效。已经作出的决定不受影响。", version=version), "ok")
                return redirect(url_for("RuleReleases.home", code=code), 303)
        with transaction() as session:
            department = queries.department_seen(session, code, current())
            require(current(), Act.PUBLISH_RELEASE, Whole(department.id))
            now = earlier = None
            try:
                now, earlier = rollback.predecessor(session, department)
            except (NothingToRollBack, ScheduledAhead) as error:
                failure = failure or sentence_of(error)
            page = self.render(
                session, "studio/roll_back.html", title=_("退回上一版"), department=department, now=now, earlier=earlier, failure=failure,
                changes=_differences(session, now, earlier) if now is not None and earlier is not None else [],
                decisions=rollback.decisions_under(session, now) if now is not None else [], reason=reason, problems=problems,
            )  # fmt: skip
        return (page, 422) if problems else page


def _waits(session: Session, release: Release) -> bool:
    """Published, and its day has not come."""
    ahead = departments.scheduled(session, release.department_id, clock.today(session))
    return ahead is not None and ahead.release.id == release.id


def _differences(session: Session, before: Release, after: Release) -> list[Any]:
    """What the later says otherwise, in words."""
    return compare(departments.bundle_of(session, before.id), departments.bundle_of(session, after.id))


class Transfers(Desk):
    """Specialties that pass from one department to another: who recorded it, on what basis; the centre's coordinator adds one."""

    name, title, menu, icon = "specialty-transfers", N_("专业移交"), RULES, "people"
    permissions = {"can_read": who_may(Act.TRANSFER_SPECIALTY) | {Role.SUPERVISOR, Role.PLATFORM_ADMIN}, "can_record": who_may(Act.TRANSFER_SPECIALTY)}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        return self._page()

    @expose("/", methods=["POST"])
    @allowed("record")
    def record(self) -> Any:
        typed = {name: request.form.get(name, "")[:1_000] for name in ("standard", "prefix", "to", "basis", "reason")}
        try:
            with transaction() as session:
                taker = departments.department_by_code(session, typed["to"])
                if taker is None:
                    raise InvalidAnswers({"to": N_("请选移入的部门。")})
                transfer = transfers.record_transfer(
                    session, standard=typed["standard"], prefix=typed["prefix"], to=taker, basis=typed["basis"], reason=typed["reason"],
                    actor=current(),
                )  # fmt: skip
                prefix, name = transfer.prefix, taker.short_name
        except InvalidAnswers as error:
            return self._page(typed, problems_of(error)), 422
        flash(_("已登记：%(prefix)s 移交给%(name)s。对方的新版规则生效以前，仍由原部门办理。", prefix=prefix, name=name), "ok")
        return redirect(url_for(".home"), 303)

    def _page(self, typed: dict[str, str] | None = None, problems: list[tuple[str, str]] | None = None) -> Any:
        with transaction() as session:
            today = clock.today(session)
            bundles, _centre, releases = departments.bundles_in_force(session, today)
            standards = sorted({claim.standard for bundle in bundles.values() for claim in bundle.manifest.specialties})
            held: list[tuple[Department, Any]] = [(releases[key].department, bundle.manifest.specialties) for key, bundle in sorted(bundles.items())]
            return self.render(
                session, "studio/transfers.html", title=_("专业移交"), recorded=transfers.recorded(session), standards=standards, held=held,
                may_record=may(current(), Act.TRANSFER_SPECIALTY, Whole(departments.centre(session).id)), typed=typed or {}, problems=problems or [],
            )  # fmt: skip


PAGES = (Rules, RuleDrafts, RuleFiles, RuleReplays, RulePublication, RuleReleases, Transfers)
