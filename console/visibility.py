"""Which secret which role sees: one table, asked by every screen, page, export, letter and by the portal.

A secret is hidden unless a line here says otherwise. Of a person's grants only those that cover the row count, and the strongest of
them decides. Behind a mask looks only who may (`unmask`) and says why: the look is audited with the grant it rests on, the value is
handed to the caller for one answer and never kept. Answers of a form have a line per kind of field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy.orm import Session

from console import audit
from console.errors import N_, ConsoleError, NotAllowed
from console.roles import Act, Grant, Role
from console.scope import Applicant, Principal, Staff, System
from console.secrecy import mask_bank_account, mask_email, mask_id_number, mask_name, mask_phone, mask_text

REASON_LEAST, REASON_MOST = 4, 2_000


class Seen(IntEnum):
    """How much of a secret somebody sees; the greater wins."""

    HIDDEN = 0
    MASKED = 1
    VISIBLE = 2


class ReasonNeeded(ConsoleError):
    message = N_("请写明理由，至少 4 个字。理由会记入审计。")
    status = 422


@dataclass(frozen=True)
class Secret:
    """One line of the table: who sees it masked, who in full, who may look behind the mask with a reason, what its owner sees."""

    title: str
    mask: Callable[[str | None], str]
    masked: frozenset[Role] = frozenset()
    visible: frozenset[Role] = frozenset()
    unmask: frozenset[Role] = frozenset()
    owner: Seen = Seen.MASKED


_FILE = frozenset({Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.SUPERVISOR})
_NOTICE = frozenset({Role.COORDINATOR, Role.SUPERVISOR})
_SUPERVISION = frozenset({Role.SUPERVISOR})
_PEOPLE = frozenset({Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN})

#: table.column, or answers.<kind of field>; a test holds it against every encrypted column and every secret field of every bundle
SECRETS: dict[str, Secret] = {
    "applicant.id_number": Secret(N_("身份证号"), mask_id_number, masked=_FILE, unmask=_FILE),
    "applicant.phone": Secret(N_("手机号"), mask_phone, masked=_FILE, unmask=_FILE),
    "applicant.email": Secret(N_("邮箱"), mask_email, masked=_FILE, unmask=_FILE),
    "answers.id_number": Secret(N_("填报的身份证号"), mask_id_number, masked=_FILE, unmask=_FILE),
    "answers.phone": Secret(N_("填报的手机号"), mask_phone, masked=_FILE, unmask=_FILE),
    "answers.email": Secret(N_("填报的邮箱"), mask_email, masked=_FILE, unmask=_FILE),
    "answers.bank_account": Secret(N_("填报的银行账号"), mask_bank_account, masked=_FILE, unmask=_FILE),
    "answers.other": Secret(N_("填报的其他保密内容"), mask_text, masked=_FILE, unmask=_FILE),
    # where a person was reached before: kept until the word of the change went there, and no page shows it
    "account_notice.address": Secret(N_("通知发往的地址"), mask_text),
    # who objected is told to nobody who does not have to call them
    "objection.objector": Secret(N_("异议人"), mask_text, masked=_NOTICE, unmask=_NOTICE),
    "objection.contact": Secret(N_("异议人的联系方式"), mask_text, masked=_NOTICE, unmask=_NOTICE),
    "staff_account.phone": Secret(N_("工作人员手机"), mask_phone, masked=_PEOPLE, unmask=_PEOPLE),
    "staff_account.mail": Secret(N_("工作人员邮箱"), mask_email, masked=_PEOPLE, unmask=_PEOPLE),
    "staff_account.id_number": Secret(N_("工作人员身份证号"), mask_id_number, masked=_PEOPLE, unmask=_PEOPLE),
    "restriction.id_number": Secret(N_("受惩戒人身份证号"), mask_id_number),
    # an officer declares their family to nobody but supervision; their own page masks it by itself
    "recusal.person_name": Secret(N_("亲属姓名"), mask_name, masked=_SUPERVISION, unmask=_SUPERVISION),
    "recusal.id_number": Secret(N_("亲属身份证号"), mask_id_number, masked=_SUPERVISION, unmask=_SUPERVISION),
    "staff_account.totp_secret": Secret(N_("动态口令密钥"), mask_text, owner=Seen.HIDDEN),
    "webhook.secret": Secret(N_("事件推送的签名密钥"), mask_text, owner=Seen.HIDDEN),  # given by the other side, and only signed with
}
KINDS = frozenset(name.partition(".")[2] for name in SECRETS if name.startswith("answers."))



def answer(kind: str) -> str:
    """The line for a secret answer of this kind of field."""
    return f"answers.{kind if kind in KINDS else 'other'}"


def covering(actor: Principal, row: Any | None) -> Iterable[Grant]:
    """The actor's grants that cover a row: by its own office or its admission's. A row that belongs to no office has passed the
    wall already, and any grant counts."""
    if not isinstance(actor, Staff):
        return ()
    offices = _offices(row)
    return [grant for grant in actor.grants if not offices or offices & grant.offices]


def _offices(row: Any | None) -> set[int]:
    found = {getattr(row, "office_id", None)}
    if hasattr(row, "admission_id"):
        found.add(getattr(getattr(row, "admission", None), "office_id", None))
    return found - {None}  # type: ignore[return-value]


def seen(actor: Principal, name: str, row: Any | None = None) -> Seen:
    """How much of this secret the actor sees on this row. A job that must deliver a letter reads the address itself; whatever it
    prints is masked."""
    secret = SECRETS.get(name)
    if secret is None:  # not in the table: nobody's
        return Seen.HIDDEN
    if isinstance(actor, System):
        return Seen.MASKED
    if isinstance(actor, Applicant):
        return secret.owner if name.startswith(("applicant.", "answers.")) else Seen.HIDDEN
    roles = {grant.role for grant in covering(actor, row)}
    return Seen.VISIBLE if roles & secret.visible else Seen.MASKED if roles & secret.masked else Seen.HIDDEN


def shown(actor: Principal, name: str, value: Any, row: Any | None = None) -> str | None:
    """The value as this actor may see it: in full, masked, or None when it is hidden."""
    how = seen(actor, name, row)
    if how is Seen.HIDDEN:
        return None
    if value in (None, ""):
        return ""
    return str(value) if how is Seen.VISIBLE else SECRETS[name].mask(str(value))


def unmasking(actor: Principal, name: str, row: Any | None = None) -> Grant | None:
    """The grant under which this actor may look behind the mask; None when none does."""
    secret = SECRETS.get(name)
    return next((grant for grant in covering(actor, row) if secret and grant.role in secret.unmask), None)


def unmask(
    session: Session,
    name: str,
    secret: str | None,
    /,
    *,
    actor: Principal,
    row: Any,
    of: str,
    reason: str,
    division_code: str | None = None,
    action: str = "secret.revealed",
    **facts: Any,
) -> str:
    """One secret in full, for whoever may and says why. Audited first: who, which value, of whom (`of`), why, under which grant."""
    grant = unmasking(actor, name, row)
    if grant is None:
        raise NotAllowed(act=str(Act.READ_FILE))
    if len(reason.strip()) < REASON_LEAST:
        raise ReasonNeeded()
    audit.record(
        session, action, of, division_code=division_code, reason=reason.strip()[:REASON_MOST], grant=grant.id,
        **{"value": name, **facts},
    )  # fmt: skip
    return secret or ""
