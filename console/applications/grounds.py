"""Grounds as they are stored with a move, and the rule that no refusal is saved without them.

Where a ground comes from: a criterion that is not met, a ground of `review.yaml` that an officer chose, the centre's list of
joint restrictions. All have the same shape (`rules.grounds`), so letters and pages tell them alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from console.applications.models import RestrictionEntry
from console.errors import N_, ConsoleError
from rules import grounds
from rules.criteria import Finding
from rules.manifest import Restriction
from rules.parts import Clause, Text
from rules.review import ReviewForm


class RefusalWithoutGrounds(ConsoleError):
    """A refusal must say why and by which article; whoever tried, and by whichever door, nothing was saved."""

    message = N_("不予通过须逐项写明理由，并引用所依据的条款。申报 %(number)s 还缺这些，没有办理；请补上后再提交。")
    status = 422


def require_grounds(number: str, items: Sequence[dict[str, Any]], reason: str | None) -> None:
    """Raises RefusalWithoutGrounds unless there is a ground, each has a title and a clause, and it is said why."""
    missing = grounds.lacks(items, reason)
    if missing is not None:
        raise RefusalWithoutGrounds(number=number, missing=missing)


def of_finding(finding: Finding) -> dict[str, Any]:
    """A criterion that decided, with the values seen and its clause."""
    criterion, message = finding.criterion, finding.message or finding.criterion.message
    return _item(
        "criterion",
        criterion.id,
        criterion.title,
        message,
        criterion.basis,
        verified=criterion.verified,
        seen=grounds.seen_in(finding.to_data()["trace"]),
    )


def chosen(form: ReviewForm, ids: Iterable[str], *, evidence: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The grounds of `review.yaml` an officer chose, each once, in the order chosen; empty when one of them is not on the list.

    What was seen and where it falls short is the reason of the move, in the officer's own words. `evidence` names the papers
    the officer marked.
    """
    wanted = [form.ground(name) for name in dict.fromkeys(ids)]
    found = [one for one in wanted if one is not None]
    if len(found) < len(wanted):
        return []
    return [
        _item("ground", one.id, one.title, None, one.basis, verified=one.verified, remedy=one.remedy, evidence=evidence)
        for one in found
    ]


def of_restriction(entry: RestrictionEntry, rule: Restriction | None) -> dict[str, Any]:
    """Somebody barred by joint restriction (联合惩戒), with the clause the centre rests it on; without one it is no ground for a
    refusal, only a doubt for a person to look into."""
    reason = Text(
        zh=f"自 {entry.valid_from} 起列入联合惩戒名单，作出机关：{entry.source}，文书：{entry.basis}",
        en=f"On the joint restriction list since {entry.valid_from}, by {entry.source}; document: {entry.basis}",
    )
    return _item(
        "criterion",
        "restriction",
        rule.title if rule else Text(zh="联合惩戒", en="Joint restriction"),
        reason,
        rule.basis if rule else (),
        verified=rule is None or rule.verified,
        remedy=rule.remedy if rule else None,
    )


def _item(
    kind: str,
    name: str,
    title: Text,
    reason: Text | None,
    basis: Iterable[Clause],
    *,
    verified: bool,
    remedy: Text | None = None,
    seen: Sequence[dict[str, str]] = (),
    evidence: Sequence[str] = (),
) -> dict[str, Any]:
    item = {
        kind: name,
        "title": title.zh,
        "title_en": title.show("en"),
        "reason": reason.zh if reason else None,
        "reason_en": reason.show("en") if reason else None,
        "basis": [{"reg": clause.reg, "article": clause.article} for clause in basis],
        "remedy": {"zh": remedy.zh, "en": remedy.show("en")} if remedy else None,
        "seen": list(seen),
        "evidence": list(evidence),
        "verified": None if verified else False,
    }
    return {key: value for key, value in item.items() if value not in (None, [])}
