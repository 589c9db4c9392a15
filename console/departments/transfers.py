"""A specialty passes from one department to another: recorded by the centre, before anyone may claim what another holds."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.departments import queries
from console.departments.models import Department, SpecialtyTransfer
from console.errors import N_, InvalidAnswers
from console.roles import Act
from console.scope import Principal, Whole, require
from rules.specialties import Claim

REASON_LEAST = 5


def record_transfer(
    session: Session, *, standard: str, prefix: str, to: Department, basis: str, reason: str, actor: Principal
) -> SpecialtyTransfer:
    """Say that `to` may claim this prefix, which another department's release in force holds; the centre's coordinator only.

    The holder keeps deciding until a release of the new department that claims the prefix takes effect. InvalidAnswers names
    what is missing, or that nobody else holds the prefix.
    """
    require(actor, Act.TRANSFER_SPECIALTY, Whole(queries.centre(session).id))
    standard, prefix = standard.strip(), prefix.strip().upper()
    giver = holder(session, standard, prefix, but=to.id)
    problems: dict[str, str] = {}
    if giver is None:
        problems["prefix"] = N_("现行发布版里没有别的部门认领这个前缀，不需要移交。请核对分类标准和代码。")
    if to.is_centre:
        problems["to"] = N_("交易中心不审核申报，不能移入。")
    for name, words in (("basis", basis), ("reason", reason)):
        if len(words.strip()) < REASON_LEAST:
            problems[name] = N_("请写明依据（文件和条款）。") if name == "basis" else N_("请写明移交的理由。")
    if problems or giver is None:
        raise InvalidAnswers(problems)
    transfer = SpecialtyTransfer(
        standard=standard, prefix=prefix, from_id=giver.id, to_id=to.id, basis=basis.strip(), reason=reason.strip(),
        recorded_by=actor.who, recorded_at=clock.now(session),
    )  # fmt: skip
    session.add(transfer)
    session.flush()
    facts = {"standard": standard, "prefix": prefix, "giver": giver.code, "taker": to.code, "basis": transfer.basis}
    audit.record(session, "specialty.transferred", f"specialty_transfer:{transfer.id}", reason=transfer.reason, **facts)
    return transfer


def holder(session: Session, standard: str, prefix: str, *, but: int | None = None) -> Department | None:
    """The department, other than `but`, whose release in force claims exactly this prefix of that standard."""
    today = clock.today(session)
    bundles, _, releases = queries.bundles_in_force(session, today)
    for department_id, bundle in sorted(bundles.items()):
        if department_id != but and claims(bundle.manifest.specialties, standard, prefix):
            return releases[department_id].department
    return None


def claims(own: tuple[Claim, ...], standard: str, prefix: str) -> bool:
    """Whether these claims hold exactly this prefix."""
    return any(claim.standard == standard and prefix in claim.prefixes for claim in own)


def recorded(session: Session) -> list[SpecialtyTransfer]:
    """Every transfer, the newest first."""
    return list(session.scalars(select(SpecialtyTransfer).order_by(SpecialtyTransfer.id.desc())))
