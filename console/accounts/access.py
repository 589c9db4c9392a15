"""What a person's grants allow, where, and which pages that opens: the first page of whoever has no queue here."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _

from console.accounts.queries import GrantWords
from console.crud.navigation import navigation
from console.crud.pages import Page, allowed
from console.crud.screen import EVERYONE
from console.doors.preferences import language
from console.errors import N_
from console.roles import ROLES, Act, RoleDefinition

ACT_WORDS: dict[Act, str] = {
    Act.READ_FILE: N_("看办件的申报内容、材料和沿革"),
    Act.FIRST_REVIEW: N_("初审：通过、退回补正、不予通过"),
    Act.SECOND_REVIEW: N_("复审：通过、退回补正、不予通过"),
    Act.DISTRIBUTE: N_("把办件分派给审核员"),
    Act.ASSIGN: N_("给没有部门认领的申报指派部门"),
    Act.RECONSIDER: N_("办理申报人的复核申请"),
    Act.OPEN_NOTICE: N_("开启公示"),
    Act.RULE_ON_OBJECTION: N_("处理异议"),
    Act.DRAFT_RELEASE: N_("起草本部门的规则：改文件、核对、重算往卷、申请发布"),
    Act.PUBLISH_RELEASE: N_("核准本部门的规则发布，必要时退回上一版；不能发布自己改过的草稿"),
    Act.TRANSFER_SPECIALTY: N_("登记专业移交（仅交易中心）"),
    Act.RECORD_REGULATION: N_("登记法规条文的变化（交易中心的规则发布人或平台管理员）"),
    Act.GRANT: N_("看授权，收回自己范围内的授权"),
    Act.PULL_BRAKE: N_("给自动规则踩刹车、松刹车"),
    Act.RETRY_JOB: N_("重做没有做成的事"),
}
READS_ONLY = N_("只看，不作任何改动；每次打开办件都记入审计。")


class Access(Page):
    """My grants in words, and links to everything they open."""

    name, title, menu, icon = "access", N_("我的权限"), None, "key"
    permissions = {"can_read": EVERYONE}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        held = g.officer.found.grant_words
        if not held:
            return redirect(url_for("home"))
        return self.render_template(
            "console/access.html",
            title=_("我的权限"),
            grants=[(_role(grant), _place(grant), _acts(ROLES[grant.role])) for grant in held],
            groups=navigation().groups(current_app.extensions["appbuilder"].sm.granted()),
        )


def _role(grant: GrantWords) -> str:
    definition = ROLES[grant.role]
    return definition.title_en if language() == "en" else definition.title


def _place(grant: GrantWords) -> str:
    english = language() == "en"
    department = (grant.department_en if english else grant.department) or _("各部门")
    return f"{department} · {_('全区') if grant.level == 1 else grant.division_en if english else grant.division}"


def _acts(definition: RoleDefinition) -> list[str]:
    said = [_(ACT_WORDS[act]) for act in Act if act in definition.acts]
    if definition.acts == {Act.READ_FILE}:
        said.append(_(READS_ONLY))
    return said
