"""登记表声明: what the departments' folders say of registers, what applying it would do, and whether a declaration that is pasted is sound.

Read-only: migrations are run by the operator with the owner's login. A row's value is shown to whoever may look at that register, and to nobody else.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.crud.pages import Page, allowed, expose
from console.crud.screen import RULES
from console.db import transaction
from console.departments.models import Department
from console.doors.preferences import language
from console.errors import N_, NotFound
from console.registers import planning, reviewing, services
from console.registers.reviewing import Standing
from console.registers.screens import roles_of
from console.registers.shapes import is_secret
from console.registers.tables import Declared
from console.roles import ROLES, Role
from console.scope import Staff, current
from rules.documents import Problem
from rules.fields import BaseField, GroupField, ReferenceField
from rules.registers import Who

#: who writes declarations, who answers for a department's lists, who applies them, and who supervises
READERS = frozenset({Role.RULE_EDITOR, Role.RULE_PUBLISHER, Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN, Role.OPERATOR, Role.SUPERVISOR})
SHOWN_LINES = 2000

STATES: dict[str, tuple[str, str]] = {
    "same": ("done", N_("与声明一致")),
    "differs": ("wait", N_("有改动，待应用")),
    "new": ("go", N_("新的，待应用")),
    "refused": ("no", N_("不能应用：有记录挡着")),
    "broken": ("no", N_("声明有错")),
    "gone": ("hold", N_("文件不在了，表还在")),
}
STEPS: dict[str, str] = {
    "new": N_("新建"), "add": N_("新增"), "hide": N_("隐藏"), "show": N_("恢复"), "rename": N_("改名"), "widen": N_("放宽"), "narrow": N_("收紧"), "index": N_("索引"),
    "unique": N_("唯一"), "wall": N_("可见范围"), "words": N_("文字"), "purge": N_("删除"), "states": N_("状态"),
}  # fmt: skip
KINDS: dict[str, str] = {
    "text": N_("文字"), "long_text": N_("长文字"), "integer": N_("整数"), "decimal": N_("小数"), "date": N_("日期"), "period": N_("起止日期"), "choice": N_("单选"), "choices": N_("多选"),
    "boolean": N_("是或否"), "id_number": N_("身份证号"), "uscc": N_("统一社会信用代码"), "phone": N_("手机"), "email": N_("邮箱"), "bank_account": N_("银行账号"), "division": N_("行政区划"),
    "specialty": N_("专业"), "file": N_("材料"), "group": N_("可重复的组"), "reference": N_("指向登记表"), "staff": N_("工作人员"), "department": N_("部门"),
}  # fmt: skip
LEVELS: dict[str, str] = {"region": N_("自治区"), "league": N_("盟市"), "county": N_("旗县")}
SCOPES: dict[str, str] = {
    "office": N_("只有办理机构自己看得到"), "department": N_("本部门各级都看得到"), "platform": N_("各部门都看得到"),
}  # fmt: skip
PERIODS: dict[str, str] = {"year": N_("每年"), "half_year": N_("每半年"), "quarter": N_("每季度"), "month": N_("每月")}


class RegisterPlans(Page):
    """The registers' declarations beside their tables."""

    name, title, menu, icon = "register-plans", N_("登记表声明"), RULES, "log"
    permissions = {"can_read": READERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            found = reviewing.standings(session, reviewing.read())
            return self._render(session, "registers/plans.html", title=_("登记表声明"), standings=found)

    @expose("/<name>")
    @allowed("read")
    def show(self, name: str) -> Any:
        with transaction() as session:
            found = next((one for one in reviewing.standings(session, reviewing.read()) if one.name == name), None)
            if found is None:
                raise NotFound()
            return self._render(session, "registers/plan.html", title=title_of(found), one=found)

    @expose("/check", methods=["GET", "POST"])
    @allowed("read")
    def check(self) -> Any:
        """Whether a declaration that is pasted is sound, and what it would make. It is kept nowhere."""
        text, department = request.form.get("text", ""), request.form.get("department", "")
        folders = reviewing.read()
        known = list(folders.regulations)
        found: Standing | None = None
        with transaction() as session:
            if request.method == "POST":
                department = department if department in known else known[0]
                found = reviewing.pasted(session, folders, department, text.replace("\r\n", "\n"))
            page = self._render(session, "registers/check.html", title=_("试一份声明"), one=found, text=text, department=department, known=known, longest=reviewing.LONGEST)
        return (page, 422) if found is not None and found.problems else page

    def _render(self, session: Session, template: str, **values: Any) -> Any:
        names = {code: english if language() == "en" else chinese for code, chinese, english in session.execute(select(Department.code, Department.name, Department.name_en))}
        return self.render_template(
            template, department_name=lambda code: names.get(code, code), states=STATES, steps=STEPS, kinds=KINDS, scopes=SCOPES, periods=PERIODS, said=_said, title_of=title_of,
            may_see=lambda declared: _may_see(declared), who_words=who_words, fields_of=fields_of, lines_of=lines_of, by_line=by_line,
            searched=planning.searched, **values,
        )  # fmt: skip


def title_of(one: Standing) -> str:
    found = one.declared or one.applied
    return found.title if found is not None else f"registers/{one.id}.yaml"


def _said(one: Any) -> str:
    """Anything that has its words in both languages."""
    return str(one.en if language() == "en" and one.en else one.zh)


def _may_see(declared: Declared | None) -> bool:
    """Whether values of rows may be shown: to supervision, and to whoever the declaration in force lets look."""
    actor = current()
    if declared is None or not isinstance(actor, Staff):
        return False
    return any(grant.role == Role.SUPERVISOR for grant in actor.grants) or services.may(actor, declared, declared.document.view)


def who_words(who: Who) -> str:
    """Roles and levels as a sentence's part."""
    english = language() == "en"
    roles = _("、").join(ROLES[role].title_en if english else ROLES[role].title for role in ROLES if role in roles_of(who))
    if len(who.levels) == len(LEVELS):
        return roles
    return _("%(roles)s（%(levels)s）", roles=roles, levels=_("、").join(_(LEVELS[level]) for level in who.levels))


def fields_of(declared: Declared) -> list[dict[str, Any]]:
    """Each field as the table of a page shows it."""
    return [
        {"label": field.label.show(language()), "id": name, "kind": _(KINDS[field.kind]), "column": declared.shapes[name].column, "type": _type(declared, name), "notes": _notes(declared, name, field)}
        for name, field in declared.fields.items()
    ]  # fmt: skip


def _type(declared: Declared, name: str) -> str:
    return declared.shapes[name].sql.removeprefix("sa.").removeprefix("postgresql.")


def _notes(declared: Declared, name: str, field: BaseField) -> str:
    notes = []
    if field.is_required:
        notes.append(_("必填"))
    elif field.required_when is not None:
        notes.append(_("有时必填"))
    if is_secret(field):
        notes.append(_("加密"))
    if isinstance(field, GroupField):
        notes.append(_("、").join(inner.label.show(language()) for inner in field.fields))
    if isinstance(field, ReferenceField):
        notes.append(declared.shapes[name].points_at.partition(".")[0])
    if any(name in together for together in declared.document.unique):
        notes.append(_("不得重复"))
    return _("；").join(notes)


def lines_of(text: str) -> list[str]:
    return text.splitlines()[:SHOWN_LINES]


def by_line(problems: tuple[Problem, ...]) -> dict[int, list[Problem]]:
    found: dict[int, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.line, []).append(problem)
    return found


PAGES = (RegisterPlans,)
