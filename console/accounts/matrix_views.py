"""权限总表: the whole matrix for those who watch over it. Roles by class of rows, by act, by page and screen, and who gives whom what.

What stands here is what is enforced: the role definitions, and the role table as the database holds it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, g, request
from flask_babel import gettext as _

from console.accounts import grant_queries, grants, wording
from console.accounts.granting_views import ADMINS
from console.accounts.level_views import LEVELS, holds
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE, Screen
from console.db import transaction
from console.errors import N_
from console.roles import ROLES, Act, Role, Subject

PERMISSION_WORDS: dict[str, str] = {
    "can_list": N_("看清单"), "can_show": N_("看一条"), "can_add": N_("新增"), "can_edit": N_("修改"), "can_delete": N_("删除"),
    "can_read": N_("打开"), "can_ask": N_("要求重算"), "can_again": N_("让没办成的再试一次"), "can_assign": N_("指派部门"), "can_brake": N_("踩刹车"),
    "can_count": N_("重新数一遍"), "can_enter": N_("登记缺勤"), "can_keep": N_("维护工作日历"), "can_load": N_("载入新版专业分类"), "can_set": N_("设置事件推送"), "can_distribute": N_("分派和移交"), "can_draft": N_("起草"), "can_give": N_("给出、改动、收回、复核"), "can_manage": N_("建账号、办离岗"),
    "can_export": N_("导出"), "can_import": N_("导入"), "can_open": N_("开启公示"), "can_publish": N_("核准发布"), "can_pull": N_("踩刹车、松刹车"), "can_record": N_("登记"),
    "can_retry": N_("重做"), "can_reveal": N_("说明理由看明文"), "can_review": N_("审核"), "can_rule": N_("处理异议"),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of a table: what it is about, and for each role whether it may."""

    what: str
    detail: str
    roles: dict[Role, bool]


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    note: str
    rows: list[Row]


class AccessMatrix(Page):
    """Every role against everything there is to see and to do."""

    name, title, menu, icon = "access-matrix", N_("权限总表"), MANAGE, "scale"
    permissions = {"can_read": ADMINS | {Role.SUPERVISOR}}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        words, role = request.args.get("q", "").strip()[:40], request.args.get("role", "")
        chosen = [one for one in Role if role not in set(Role) or one == role]
        with transaction() as session:
            counts = holds(grant_queries.counts(session))
        return self.render_template(
            "console/access_matrix.html",
            title=_("权限总表"),
            tables=[_narrowed(table, words) for table in tables()],
            roles=[(one, wording.role_title(one)) for one in chosen],
            every_role=[(str(one), wording.role_title(one)) for one in Role],
            role=role if role in set(Role) else "",
            words=words,
            holds=counts,
            levels=[(number, _(said)) for number, said in LEVELS.items()],
        )

    @expose("/csv")
    @allowed("read")
    def csv(self) -> Any:
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([_("表"), _("事项"), _("说明"), *(wording.role_title(role) for role in Role)])
        for table in tables():
            for row in table.rows:
                writer.writerow([table.title, row.what, row.detail, *(_("能") if row.roles[role] else "" for role in Role)])
        answer = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
        answer.headers["Content-Disposition"] = "attachment; filename=access-matrix.csv"
        return answer


def tables() -> list[Table]:
    """The four tables, in reading order."""
    return [
        Table("rows", _("看得到哪一类"), _("只在授权的部门、区划和起止之内。"), [
            Row(wording.subject_words(subject), "", {role: subject in ROLES[role].reads for role in Role}) for subject in Subject
        ]),
        Table("acts", _("能办什么"), _("同一项授权要同时给出这件事、部门和区划；职责分开和回避另外逐件核对。"), [
            Row(wording.act_words(act), "", {role: act in ROLES[role].acts for role in Role}) for act in Act
        ]),
        Table("gives", _("谁能授予谁"), _("列是授予人。只在本部门、本区划内，不能给自己；部门管理员只能任命下级区划的部门管理员。"), [
            Row(wording.role_title(given), "", {role: given in grants.MAY_GIVE.get(role, ()) for role in Role}) for given in Role
        ]),
        Table("pages", _("能打开哪些页面"), _("页面开了，里面的行仍按授权的部门和区划筛。"), _pages()),
    ]  # fmt: skip


def _pages() -> list[Row]:
    builder = current_app.extensions["appbuilder"]
    version = g.officer.found.permissions
    granted = {role: builder.sm.permissions.of(frozenset({str(role)}), version) for role in Role}
    rows = []
    for view in builder.baseviews:
        name = getattr(view, "class_permission_name", "")
        screen: Screen | None = getattr(view, "screen", None)
        title = screen.title if screen else getattr(view, "title", "")
        for permission in sorted(getattr(view, "base_permissions", None) or ()):
            pair = (permission, name)
            rows.append(Row(_(title), _permission(permission, screen), {role: pair in granted[role] for role in Role}))
    desk = sorted({pair[0] for pairs in granted.values() for pair in pairs if pair[1] == "ops-desk"})
    rows += [Row(_("运维台"), _permission(p), {role: (p, "ops-desk") in granted[role] for role in Role}) for p in desk]
    return rows


def _permission(permission: str, screen: Screen | None = None) -> str:
    action = next((one for one in screen.actions if f"can_{one.name}" == permission), None) if screen else None
    words = action.title if action else PERMISSION_WORDS.get(permission)
    return _(words) if words else permission.removeprefix("can_")


def _narrowed(table: Table, words: str) -> Table:
    if not words:
        return table
    wanted = words.casefold()
    return Table(table.key, table.title, table.note, [row for row in table.rows if wanted in f"{row.what} {row.detail}".casefold()])


PAGES = (AccessMatrix,)
