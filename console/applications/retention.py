"""Files and people whose time is over: drafts nobody sent, accounts nobody used, files that ended without admission."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ARRAY, Integer, Select, cast, func, select
from sqlalchemy.dialects.postgresql import array_agg

from console.applications.models import Admission, Applicant, Application
from console.erasure import NOWHERE, Rule
from console.errors import N_
from rules.pipeline import CLOSED_STEPS, Step

_OVER = [str(step) for step in CLOSED_STEPS if step is not Step.ROSTER]


def _drafts(before: dt.datetime) -> Select[Any]:
    return select(Application.id, Application.saved_at.label("since"), Application.applicant_id, NOWHERE).where(
        Application.submitted_at.is_(None), Application.saved_at < before
    )


def _accounts(before: dt.datetime) -> Select[Any]:
    unused = ~select(1).where(Application.applicant_id == Applicant.id).exists()
    return select(Applicant.id, Applicant.created_at.label("since"), Applicant.id.label("applicant_id"), NOWHERE).where(
        unused, Applicant.created_at < before, Applicant.password_hash != "erased"
    )


def _files(before: dt.datetime) -> Select[Any]:
    """Every department has closed it, none admitted the person. Members of the roster keep their file as long as they are in."""
    columns: Any = (
        Application.id,
        func.max(Admission.since).label("since"),
        Application.applicant_id,
        cast(array_agg(Admission.department_id), ARRAY(Integer)).label("department_ids"),
    )
    return (
        select(*columns)
        .join(Admission, Admission.application_id == Application.id)
        .where(Application.erased_at.is_(None))
        .group_by(Application.id)
        .having(func.bool_and(Admission.step.in_(_OVER)), func.max(Admission.since) < before)
    )


RETENTION = (
    Rule("drafts", N_("没有提交的草稿"), N_("填的内容和上传的材料，整份删除"), N_("账户"), N_("最近一次保存"), _drafts),
    Rule("accounts", N_("没有申报过的账户"), N_("账户和登录会话"), N_("没有"), N_("注册账户"), _accounts),
    Rule(
        "files",
        N_("办结而未入库的申报卷宗"),
        N_("填报内容、材料、核对所见事实、审核意见、函件正文；此人别无其他卷宗的，姓名和证件号、手机也清除"),
        N_("编号、何人何时办了哪一步、结论及其条款、审计"),
        N_("最后一个部门办结"),
        _files,
    ),
)
