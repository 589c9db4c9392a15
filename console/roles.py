"""What each role may read and do. A grant is staff member × role × department (or all) × division × dates;
permission and scope come from the same grant: see `scope.may()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Subject(StrEnum):
    """A class of scoped rows; a role reads whole classes, never single tables."""

    FILES = "files"  # 申报与办件
    NOTICES = "notices"  # 公示与异议
    ROSTER = "roster"  # 专家库
    PEOPLE = "people"  # 工作人员与授权
    RECUSALS = "recusals"  # 回避申报: supervision's only, beside each person's own
    REGISTERS = "registers"  # 登记表: lists that departments keep beside the files
    REPLAYS = "replays"  # 往卷重算的名单: who would flip under a draft, for those who change rules and read no files


class Role(StrEnum):
    FIRST_REVIEWER = "first_reviewer"
    SECOND_REVIEWER = "second_reviewer"
    COORDINATOR = "coordinator"
    RULE_EDITOR = "rule_editor"
    RULE_PUBLISHER = "rule_publisher"
    DEPARTMENT_ADMIN = "department_admin"
    PLATFORM_ADMIN = "platform_admin"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"


class Act(StrEnum):
    """What staff do to rows, beside the pipeline's own actions (which the table of moves knows)."""

    READ_FILE = "file.read"
    FIRST_REVIEW = "review.first"
    SECOND_REVIEW = "review.second"
    DISTRIBUTE = "file.distribute"
    ASSIGN = "file.assign"
    RECONSIDER = "file.reconsider"
    OPEN_NOTICE = "notice.open"
    RULE_ON_OBJECTION = "objection.rule"
    DRAFT_RELEASE = "release.draft"
    PUBLISH_RELEASE = "release.publish"
    TRANSFER_SPECIALTY = "specialty.transfer"
    RECORD_REGULATION = "regulation.record"
    KEEP_CALENDAR = "calendar.keep"  # days off, make-up days and regional days, for everybody
    LOAD_SPECIALTIES = "specialty.load"
    GRANT = "grant.give"
    PULL_BRAKE = "brake.pull"
    HOLD = "data.hold"  # stop erasure, and say how long a class of data is kept
    RETRY_JOB = "job.retry"
    RESEND_LETTER = "letter.resend"
    SET_WEBHOOK = "webhook.set"


_ALL = frozenset(Subject)


@dataclass(frozen=True)
class RoleDefinition:
    """`reads`: the classes of scoped rows; `acts`: what it may do to rows inside its offices."""

    title: str
    title_en: str
    reads: frozenset[Subject] = frozenset()
    acts: frozenset[Act] = frozenset()


ROLES: dict[Role, RoleDefinition] = {
    Role.FIRST_REVIEWER: RoleDefinition(
        "初审员", "First reviewer", frozenset({Subject.FILES, Subject.REGISTERS}), frozenset({Act.READ_FILE, Act.FIRST_REVIEW, Act.RESEND_LETTER})
    ),
    Role.SECOND_REVIEWER: RoleDefinition(
        "复审员", "Second reviewer", frozenset({Subject.FILES, Subject.REGISTERS}), frozenset({Act.READ_FILE, Act.SECOND_REVIEW, Act.RESEND_LETTER})
    ),
    Role.COORDINATOR: RoleDefinition(
        "统筹协调员",
        "Coordinator",
        _ALL - {Subject.RECUSALS},
        frozenset(
            {
                Act.READ_FILE,
                Act.DISTRIBUTE,
                Act.RECONSIDER,
                Act.OPEN_NOTICE,
                Act.RULE_ON_OBJECTION,
                Act.PULL_BRAKE,
                Act.RESEND_LETTER,
                Act.TRANSFER_SPECIALTY,  # the centre's only: `departments.transfers` asks for the centre's grant
            }
        ),
    ),
    Role.RULE_EDITOR: RoleDefinition(
        "规则起草人", "Rule editor", frozenset({Subject.REPLAYS, Subject.REGISTERS}), frozenset({Act.DRAFT_RELEASE})
    ),
    Role.RULE_PUBLISHER: RoleDefinition(
        "规则发布人",
        "Rule publisher",
        frozenset({Subject.REPLAYS, Subject.REGISTERS}),
        # regulations are the centre's to record: `departments.regulations` asks for the centre's grant
        frozenset({Act.PUBLISH_RELEASE, Act.RECORD_REGULATION}),
    ),
    Role.DEPARTMENT_ADMIN: RoleDefinition(
        "部门管理员", "Department admin", frozenset({Subject.PEOPLE, Subject.REGISTERS}), frozenset({Act.GRANT, Act.SET_WEBHOOK})
    ),
    Role.PLATFORM_ADMIN: RoleDefinition(
        "平台管理员",
        "Platform admin",
        frozenset({Subject.PEOPLE, Subject.REGISTERS}),
        frozenset({Act.GRANT, Act.SET_WEBHOOK, Act.RETRY_JOB, Act.PULL_BRAKE, Act.RECORD_REGULATION, Act.KEEP_CALENDAR, Act.LOAD_SPECIALTIES, Act.HOLD}),
    ),
    Role.SUPERVISOR: RoleDefinition("监督员", "Supervisor", _ALL, frozenset({Act.READ_FILE})),
    Role.OPERATOR: RoleDefinition(
        "运维员",
        "Operator",
        frozenset({Subject.FILES}),  # only files at the centre's own offices: those nobody claimed
        frozenset({Act.ASSIGN, Act.RETRY_JOB, Act.PULL_BRAKE}),
    ),
}


@dataclass(frozen=True)
class Grant:
    """One valid grant as a request holds it: `offices` are the ids it covers, resolved once."""

    id: int
    role: Role
    department_id: int | None
    division_code: str
    offices: frozenset[int] = field(repr=False, default=frozenset())

    @property
    def is_region_wide(self) -> bool:
        """It reaches every division: what is one for a whole department, rules or a brake, takes such a grant."""
        return self.division_code.endswith("0000")
