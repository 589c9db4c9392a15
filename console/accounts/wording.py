"""Grants in words: roles, places, dates, acts and classes of rows, as officers say them."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _

from console import clock
from console.accounts.grants import last_day
from console.accounts.models import StaffGrant
from console.departments.models import Department, Division
from console.doors.preferences import language
from console.errors import N_
from console.roles import ROLES, Act, Role, Subject

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
    Act.HOLD: N_("封存资料、规定留存期限"),
    Act.LOAD_SPECIALTIES: N_("载入专业分类标准的新版（平台管理员）"),
    Act.RECORD_REGULATION: N_("登记法规条文的变化（交易中心的规则发布人或平台管理员）"),
    Act.KEEP_CALENDAR: N_("维护工作日历（交易中心的平台管理员）"),
    Act.GRANT: N_("给出、改动、收回和复核自己范围内的授权"),
    Act.PULL_BRAKE: N_("给自动规则踩刹车、松刹车"),
    Act.RETRY_JOB: N_("重做没有做成的事"),
    Act.RESEND_LETTER: N_("把没有送到的函件重新发送"),
    Act.SET_WEBHOOK: N_("登记、停用本部门的事件推送接口（授权要覆盖全区）"),
}
READS_ONLY = N_("只看，不作任何改动；每次打开办件都记入审计。")
SUBJECT_WORDS: dict[str, str] = {
    Subject.FILES: N_("申报与办件"),
    Subject.NOTICES: N_("公示与异议"),
    Subject.ROSTER: N_("专家库"),
    Subject.PEOPLE: N_("工作人员与授权"),
    Subject.REGISTERS: N_("登记表"),
    Subject.REPLAYS: N_("往卷重算的名单"),
    "recusals": N_("回避申报"),
}


def role_title(role: str) -> str:
    """The official word; a role this version does not know is called as it was written."""
    if role not in set(Role):
        return role
    definition = ROLES[Role(role)]
    return definition.title_en if language() == "en" else definition.title


def subject_words(subject: Subject) -> str:
    return _(SUBJECT_WORDS[subject])


def act_words(act: Act) -> str:
    return _(ACT_WORDS[act])


def division_name(division: Division) -> str:
    if division.level == 1:
        return _("全区")
    return division.name_en if language() == "en" else division.name


def department_name(department: Department | None) -> str:
    if department is None:
        return _("各部门")
    return department.name_en if language() == "en" else department.name


def place(department: Department | None, division: Division) -> str:
    """“内蒙古自治区交通运输厅 · 呼和浩特市”"""
    return f"{department_name(department)} · {division_name(division)}"


def grant_place(grant: StaffGrant) -> str:
    return place(grant.department, grant.division)


def end_words(until: dt.datetime) -> str:
    """The last whole day; the instant when a grant ends in the middle of one."""
    at_midnight = until.astimezone(clock.ZONE).time() == dt.time()
    return last_day(until).isoformat() if at_midnight else until.astimezone(clock.ZONE).strftime("%Y-%m-%d %H:%M")


def period(grant: StaffGrant) -> str:
    """“2026-01-01 至 2026-12-31”"""
    starts = clock.day_of(grant.valid_from).isoformat()
    if grant.valid_to is None:
        return _("%(day)s 起，没有止日", day=starts)
    return _("%(first)s 至 %(last)s", first=starts, last=end_words(grant.valid_to))


def sheet(grant_id: int) -> str:
    """“授权单 G-0218”"""
    return _("授权单 %(number)s", number=f"G-{grant_id:04d}")
