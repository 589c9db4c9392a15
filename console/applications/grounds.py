"""Grounds as they are stored with a move, and the rule that no refusal is saved without them.

Where a ground comes from: a criterion that is not met, a ground of `review.yaml` that an officer chose, the centre's list of
joint restrictions. All have the same shape (`rules.grounds`), so letters and pages tell them alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.applications.models import RestrictionEntry
from console.errors import N_, ConsoleError
from rules.bundle import Bundle
from rules.criteria import Finding
from rules.grounds import Ground, cite, lacks, observed, read
from rules.parts import Clause, Text


class RefusalWithoutGrounds(ConsoleError):
    """A refusal must say why and by which article; whoever tried, and by whichever door, nothing was saved."""

    message = N_("不予通过须逐项写明理由，并引用所依据的条款。申报 %(number)s 还缺这些，没有办理；请补上后再提交。")
    status = 422


def require_grounds(number: str, items: Sequence[dict[str, Any]], reason: str | None) -> None:
    """Raises RefusalWithoutGrounds unless there is a ground, each has a title and a clause, and it is said why."""
    missing = lacks(items, reason)
    if missing is not None:
        raise RefusalWithoutGrounds(number=number, missing=missing)


def of_finding(finding: Finding, bundle: Bundle) -> dict[str, Any]:
    """A criterion that decided: the values seen, the files behind them, its clause and those of the values in force that day."""
    criterion, message = finding.criterion, finding.message or finding.criterion.message
    found = observed(finding.to_data())
    cited = [*_clauses(criterion.basis, verified=criterion.verified), *found.basis]
    return _item(
        "criterion",
        criterion.id,
        criterion.title,
        message,
        cite(cited, bundle.regulations),
        remedy=criterion.remedy,
        # of what is only missing there is nothing to see: the reason asks for it
        seen=found.seen if finding.truth is False else (),
        evidence=found.evidence if finding.truth is False else (),
    )


def chosen(bundle: Bundle, ids: Iterable[str], *, evidence: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The grounds of `review.yaml` an officer chose, each once, in the order chosen; empty when one of them is not on the list.

    What was seen and where it falls short is the reason of the move, in the officer's own words. `evidence` names the papers
    the officer found wanting.
    """
    wanted = [bundle.review.ground(name) for name in dict.fromkeys(ids)] if bundle.review is not None else []
    found = [one for one in wanted if one is not None]
    if len(found) < len(wanted):
        return []
    return [
        _item(
            "ground",
            one.id,
            one.title,
            None,
            cite(_clauses(one.basis, verified=one.verified), bundle.regulations),
            remedy=one.remedy,
            evidence=evidence,
        )
        for one in found
    ]


def of_restriction(entry: RestrictionEntry, centre: Bundle | None) -> dict[str, Any]:
    """Somebody barred by joint restriction (联合惩戒), with the clause the centre rests it on; without one it is no ground for a
    refusal, only a doubt for a person to look into."""
    rule = centre.manifest.restriction if centre is not None else None
    cited = cite(_clauses(rule.basis, verified=rule.verified), centre.regulations) if rule and centre else []
    reason = Text(
        zh=f"自 {entry.valid_from} 起列入联合惩戒名单，作出机关：{entry.source}，文书：{entry.basis}",
        en=f"On the joint restriction list since {entry.valid_from}, by {entry.source}; document: {entry.basis}",
    )
    title = rule.title if rule else Text(zh="联合惩戒", en="Joint restriction")
    return _item("criterion", "restriction", title, reason, cited, remedy=rule.remedy if rule else None)


def told(items: Sequence[Mapping[str, Any]], bundle: Bundle) -> tuple[Ground, ...]:
    """The grounds of a move in words; `bundle` is the release the file met, for items that do not name their regulations."""
    return read(items, bundle.regulations)


def _clauses(basis: Iterable[Clause], *, verified: bool = True) -> list[dict[str, Any]]:
    return [{"reg": one.reg, "article": one.article} | ({} if verified else {"verified": False}) for one in basis]


def _item(
    kind: str,
    name: str,
    title: Text,
    reason: Text | None,
    basis: list[dict[str, Any]],
    *,
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
        "basis": basis,
        "remedy": {"zh": remedy.zh, "en": remedy.show("en")} if remedy else None,
        "seen": list(seen),
        "evidence": list(evidence),
    }
    return {key: value for key, value in item.items() if value not in (None, [])}
