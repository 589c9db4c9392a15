"""Applicants and their files. An admission (部门办件) is the one thing that moves; everything else is frozen or appended."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.db import Base, WithId
from console.departments.models import Department, Office, Release, Specialty
from console.scope import AdmissionPart, ApplicantsOwn, ThroughAdmission
from console.secrecy import Encrypted
from rules.pipeline import Step

# a refusal names at least one ground, each with title and clause, and says why: in words of its own or ground by ground
REFUSAL_HAS_GROUNDS = """to_step <> 'refused' OR (
  jsonb_array_length(items) > 0
  AND NOT jsonb_path_exists(items, '$[*] ? (!exists(@.title ? (@ != "")) || !exists(@.basis[*] ? (@.reg != "" && @.article != "")))')
  AND (coalesce(btrim(reason), '') <> '' OR NOT jsonb_path_exists(items, '$[*] ? (!exists(@.reason ? (@ != "")))'))
)"""


class Applicant(WithId, ThroughAdmission, Base):
    """A citizen with an account. What identifies them is encrypted; what finds them is a keyed hash."""

    __tablename__ = "applicant"
    admission_link, owner = ("id", "applicant_id"), "id"
    __table_args__ = (
        Index("ix_applicant_phone_failed", "phone_failed_at", postgresql_where=text("phone_failed_at IS NOT NULL")),
        Index("ix_applicant_email_failed", "email_failed_at", postgresql_where=text("email_failed_at IS NOT NULL")),
        {"comment": "申报人"},
    )

    name: Mapped[str] = mapped_column(String(60), comment="姓名", info={"personal": True})
    id_number: Mapped[str | None] = mapped_column(Encrypted, comment="身份证号")
    id_number_hash: Mapped[str | None] = mapped_column(String(64), unique=True, comment="身份证指纹")
    phone: Mapped[str] = mapped_column(Encrypted, comment="手机")
    phone_hash: Mapped[str] = mapped_column(String(64), unique=True, comment="手机指纹")
    email: Mapped[str | None] = mapped_column(Encrypted, comment="邮箱")
    password_hash: Mapped[str] = mapped_column(Text, comment="密码指纹")
    failed_sign_ins: Mapped[int] = mapped_column(default=0, server_default="0", comment="连续登录失败")
    locked_until: Mapped[dt.datetime | None] = mapped_column(comment="锁定至")
    language: Mapped[str] = mapped_column(String(12), default="zh_Hans_CN", server_default="zh_Hans_CN", comment="语言")
    # how they want to be told (console.notifications.preferences); null: as everybody is
    muted: Mapped[list[str] | None] = mapped_column(ARRAY(String), comment="不接收的函件")  # group:channel
    quiet_from: Mapped[dt.time | None] = mapped_column(comment="免打扰开始")
    quiet_until: Mapped[dt.time | None] = mapped_column(comment="免打扰结束")
    quiet_off: Mapped[bool | None] = mapped_column(comment="不要免打扰")  # messages come at any hour, whatever the house says
    email_changed_at: Mapped[dt.datetime | None] = mapped_column(comment="邮箱修改时间")
    email_failed_at: Mapped[dt.datetime | None] = mapped_column(comment="邮箱退信时间")  # what is sent there comes back
    phone_changed_at: Mapped[dt.datetime | None] = mapped_column(comment="手机修改时间")
    phone_failed_at: Mapped[dt.datetime | None] = mapped_column(comment="手机不通时间")  # short messages do not arrive there
    created_at: Mapped[dt.datetime] = mapped_column(comment="注册时间")
    consent_version: Mapped[str] = mapped_column(String(20), comment="同意书版本")
    consented_at: Mapped[dt.datetime] = mapped_column(comment="同意时间")

    def __str__(self) -> str:
        return self.name


class Application(WithId, ThroughAdmission, Base):
    """What one person filled in: a draft until submitted, then frozen except for the items a correction reopens."""

    __tablename__ = "application"
    admission_link = ("id", "application_id")
    __table_args__ = (
        Index("ix_application_draft", "applicant_id", unique=True, postgresql_where=text("submitted_at IS NULL")),
        Index("ix_application_submitted", "submitted_at", "id"),
        Index("ix_application_applied", "applied_on", "id"),
        {"comment": "自助申报"},
    )

    number: Mapped[str | None] = mapped_column(String(20), unique=True, comment="申报编号")
    applicant_id: Mapped[int] = mapped_column(ForeignKey("applicant.id"), index=True, comment="申报人")
    answers: Mapped[dict[str, Any]] = mapped_column(comment="填报内容", info={"sealed": True})  # secrets are sealed inside
    chosen: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="拟报专业"
    )  # [{standard, code}] while a draft; application_specialty once submitted
    # department id → the release whose form the draft was filled in under, until its owner has seen that there is a newer one
    form_releases: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"), comment="填报所据版本")
    applied_on: Mapped[dt.date | None] = mapped_column(Date, comment="申报日期")
    division_code: Mapped[str | None] = mapped_column(ForeignKey("division.code"), comment="工作所在地")
    begun_at: Mapped[dt.datetime] = mapped_column(comment="开始填写")
    saved_at: Mapped[dt.datetime] = mapped_column(comment="最近保存")
    submitted_at: Mapped[dt.datetime | None] = mapped_column(comment="提交时间")
    consent_version: Mapped[str | None] = mapped_column(String(20), comment="承诺书版本")
    submitted_hash: Mapped[str | None] = mapped_column(String(64), comment="提交内容指纹")
    erased_at: Mapped[dt.datetime | None] = mapped_column(comment="清除时间")  # its content went; see console/retention
    version: Mapped[int] = mapped_column(default=1, server_default="1", comment="版本")
    # what recusal compares; made by the database, so that no way of writing answers can leave it behind
    employer_key: Mapped[str | None] = mapped_column(
        String, Computed("ruku_employer_key(answers ->> 'employer')", persisted=True), deferred=True, index=True, comment="单位名称归一"
    )
    employer_uscc: Mapped[str | None] = mapped_column(
        String, Computed("answers ->> 'employer_uscc'", persisted=True), deferred=True, comment="单位统一社会信用代码"
    )

    applicant: Mapped[Applicant] = relationship()
    admissions: Mapped[list[Admission]] = relationship(back_populates="application", order_by="Admission.id")
    __mapper_args__ = {"version_id_col": version}


class ApplicationRelease(ThroughAdmission, Base):
    """Which release of each department (and of the centre) a file met, when begun, submitted and accepted."""

    __tablename__ = "application_release"
    __table_args__ = {"comment": "申报所据发布版"}

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, comment="自助申报")
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), primary_key=True, comment="主管部门")
    applicant_id: Mapped[int] = mapped_column(ForeignKey("applicant.id"), index=True, comment="申报人")
    occasion: Mapped[str] = mapped_column(String(10), primary_key=True, comment="时点")  # begun | submitted | rescreened
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), comment="规则发布版")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")


class ApplicationSpecialty(ThroughAdmission, Base):
    """A specialty applied for, and the admission that carries it."""

    __tablename__ = "application_specialty"
    admission_link = ("admission_id", "id")
    __table_args__ = (
        ForeignKeyConstraint(["standard", "code"], ["specialty.standard", "specialty.code"]),
        {"comment": "申报专业"},
    )

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, comment="自助申报")
    applicant_id: Mapped[int] = mapped_column(ForeignKey("applicant.id"), index=True, comment="申报人")
    standard: Mapped[str] = mapped_column(String(20), primary_key=True, comment="分类标准")
    code: Mapped[str] = mapped_column(String(12), primary_key=True, comment="专业代码")
    admission_id: Mapped[int] = mapped_column(ForeignKey("admission.id"), index=True, comment="办件")

    specialty: Mapped[Specialty] = relationship(lazy="joined", innerjoin=True)


class Attachment(WithId, ThroughAdmission, Base):
    """A file handed in; content lies in the file store by hash, never in the database."""

    __tablename__ = "attachment"
    __table_args__ = {"comment": "附件"}

    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True, comment="自助申报")
    applicant_id: Mapped[int] = mapped_column(ForeignKey("applicant.id"), index=True, comment="申报人")
    field: Mapped[str] = mapped_column(String(120), comment="所属栏目")  # path in the answers, e.g. work_periods.0.evidence
    name: Mapped[str] = mapped_column(String(200), comment="文件名", info={"personal": True})
    hash: Mapped[str] = mapped_column(String(64), index=True, comment="内容指纹")
    media_type: Mapped[str] = mapped_column(String(60), comment="类型")
    size: Mapped[int] = mapped_column(comment="大小")
    pages: Mapped[int] = mapped_column(default=1, server_default="1", comment="页数")
    uploaded_at: Mapped[dt.datetime] = mapped_column(comment="上传时间")
    removed_at: Mapped[dt.datetime | None] = mapped_column(comment="移除时间")


class Admission(WithId, ApplicantsOwn, Base):
    """One department's handling of one application. `step`, `office_id`, `due_at` … move by `pipeline.advance()` only."""

    __tablename__ = "admission"
    __table_args__ = (
        UniqueConstraint("application_id", "department_id"),
        CheckConstraint(f"step IN ({', '.join(repr(str(s)) for s in Step)})", name="step_is_known"),
        Index("ix_admission_queue", "office_id", "step", "due_at"),
        Index("ix_admission_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_admission_warn", "warn_at", postgresql_where=text("warn_at IS NOT NULL")),
        # as the lists are ordered: a page then asks the policies of its own rows only
        Index("ix_admission_opened", "opened_at", "id"),
        Index("ix_admission_step", "step", "opened_at", "id"),
        Index("ix_admission_latest_moved", text("since DESC NULLS LAST"), text("id DESC")),
        Index("ix_admission_urgent", "due_at", "id"),
        {"comment": "部门办件"},
    )

    number: Mapped[str] = mapped_column(String(30), unique=True, comment="办件编号")
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), comment="自助申报")
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True, comment="主管部门")
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True, comment="工作所在地")
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), comment="规则发布版")
    step: Mapped[str] = mapped_column(String(20), comment="环节")
    since: Mapped[dt.datetime] = mapped_column(comment="进入环节时间")
    resumes_at: Mapped[str | None] = mapped_column(String(20), comment="补正后回到")
    holder_id: Mapped[int | None] = mapped_column(comment="承办人")
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="到期时刻")  # 00:00 after the last day
    warn_at: Mapped[dt.datetime | None] = mapped_column(comment="提醒时刻")
    is_provisional: Mapped[bool] = mapped_column(default=False, server_default="false", comment="期限暂定")
    calendar_version: Mapped[int | None] = mapped_column(comment="日历版本")
    days_left: Mapped[int | None] = mapped_column(SmallInteger, comment="停表时剩余工作日")
    overdue_told_at: Mapped[dt.datetime | None] = mapped_column(comment="超期告知时间")
    claimed_until: Mapped[dt.datetime | None] = mapped_column(comment="领取至")
    flags: Mapped[list[str]] = mapped_column(ARRAY(String), default=list, server_default="{}", comment="提示")
    verdict: Mapped[str | None] = mapped_column(String(20), comment="条件核对结论")
    opened_at: Mapped[dt.datetime] = mapped_column(comment="受理时间")
    version: Mapped[int] = mapped_column(default=1, server_default="1", comment="版本")

    application: Mapped[Application] = relationship(back_populates="admissions")
    applicant: Mapped[Applicant] = relationship()
    department: Mapped[Department] = relationship()
    office: Mapped[Office] = relationship()
    release: Mapped[Release] = relationship()
    specialties: Mapped[list[ApplicationSpecialty]] = relationship(order_by=ApplicationSpecialty.code, viewonly=True)
    entries: Mapped[list[StepEntry]] = relationship(order_by="StepEntry.id", viewonly=True)

    def __str__(self) -> str:
        return self.number


class StepEntry(WithId, AdmissionPart, Base):
    """One move of an admission: the trail nobody edits."""

    __tablename__ = "step_entry"
    __table_args__ = (
        CheckConstraint(REFUSAL_HAS_GROUNDS, name="refusal_has_grounds"),
        Index("ix_step_entry_refused", "admission_id", postgresql_where=text("to_step = 'refused'")),
        {"comment": "办理沿革"},
    )

    action: Mapped[str] = mapped_column(String(30), comment="动作")
    from_step: Mapped[str | None] = mapped_column(String(20), comment="原环节")
    to_step: Mapped[str] = mapped_column(String(20), comment="到环节")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    who: Mapped[str] = mapped_column(String(80), comment="何人")
    reason: Mapped[str | None] = mapped_column(Text, comment="理由")
    items: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]", comment="补正栏目")
    due_at: Mapped[dt.datetime | None] = mapped_column(comment="到期时刻")


class Finding(WithId, AdmissionPart, Base):
    """One evaluation of the criteria: facts, derivation version, decision and the whole trace, as they were that day."""

    __tablename__ = "finding"
    __table_args__ = {"comment": "条件核对"}

    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), comment="规则发布版")
    moment: Mapped[str] = mapped_column(String(10), comment="时点")  # submitted | decided
    evaluated_on: Mapped[dt.date] = mapped_column(comment="核对日期")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")
    decision: Mapped[str] = mapped_column(String(20), comment="结论")
    facts: Mapped[dict[str, Any]] = mapped_column(comment="事实")
    derivation_version: Mapped[int] = mapped_column(comment="推导版本")
    trace: Mapped[dict[str, Any]] = mapped_column(comment="逐条依据")


class RestrictionEntry(WithId, Base):
    """Joint restriction (联合惩戒): a person barred by one body is barred for all; found by the id number's hash.

    `id_number` is kept since migration 0012, so that the hash can be made again under another key; entries from before have none.
    """

    __tablename__ = "restriction"
    __table_args__ = {"comment": "联合惩戒"}

    id_number: Mapped[str | None] = mapped_column(Encrypted, comment="身份证号")
    id_number_hash: Mapped[str] = mapped_column(String(64), index=True, comment="身份证指纹")
    kind: Mapped[str] = mapped_column(String(30), comment="类别")
    source: Mapped[str] = mapped_column(String(120), comment="作出机关")
    basis: Mapped[str] = mapped_column(Text, comment="依据")
    valid_from: Mapped[dt.date] = mapped_column(comment="起")
    valid_to: Mapped[dt.date | None] = mapped_column(comment="止")


