"""What an officer typed into the review form, read once: services take it apart, pages show it again when it did not go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from console.reviews.folder import Folder

LONGEST = 4_000
_REASON_FIELDS = {"uphold_refusal": "reason-uphold", "reopen": "reason-reopen"}  # two dialogs of one form


@dataclass(frozen=True)
class Typed:
    """The form as typed; before anything was typed, the draft as saved."""

    version: int
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    rulings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str = ""
    items: Mapping[str, str] = field(default_factory=dict)  # path → reason of what is sent back
    grounds: tuple[str, ...] = ()
    reason: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """As the services take it."""
        return {
            "checklist": self.marks,
            "scores": self.scores,
            "note": self.note,
            "rulings": list(self.rulings.values()),
            "version": self.version,
        }


def from_draft(folder: Folder) -> Typed:
    """The saved draft; a check marked “needs correcting” already names its evidence as an item to send back."""
    draft, sheet = folder.draft, folder.sheet
    suggested: dict[str, str] = {}
    if sheet is not None:
        for item in sheet.checks:
            mark = sheet.marks.get(item.id, {})
            if mark.get("mark") == "ask":
                own = folder.admission.department.code
                paths = [
                    path for name in item.evidence for path in (f"{own}.{name}", name) if path in folder.form.labels
                ]
                suggested |= dict.fromkeys(paths[:1], mark.get("remark", ""))
    return Typed(
        version=folder.admission.version,
        marks=sheet.marks if sheet else {},
        scores=sheet.scores if sheet else {},
        rulings=sheet.rulings if sheet else {},
        note=draft.note if draft is not None else "",
        items=suggested,
    )


def from_form(form: MultiDict[str, str], folder: Folder) -> Typed:
    """Only what the page asks for is read; lengths are bounded here, meaning is checked by the services."""
    sheet = folder.sheet
    version = form.get("version", "")
    checks = sheet.checks if sheet else []
    scored = sheet.form.scores.items if sheet and sheet.form.scores else ()
    open_ids = [found["id"] for found in sheet.open_criteria] if sheet else []
    holds = {"yes": True, "no": False}
    return Typed(
        version=int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0,
        marks={
            item.id: {"mark": form.get(f"check-{item.id}", ""), "remark": _text(form, f"remark-{item.id}")}
            for item in checks
        },
        scores={item.id: _text(form, f"score-{item.id}") for item in scored},
        rulings={
            name: {
                "criterion": name,
                "holds": holds.get(form.get(f"ruling-{name}", "")),
                "evidence": _text(form, f"evidence-{name}"),
            }
            for name in open_ids
        },
        note=_text(form, "note"),
        items={path: _text(form, f"item-reason-{path}") for path in form.getlist("item")[:200]},
        grounds=tuple(form.getlist("ground")[:50]),
        reason=_text(form, _REASON_FIELDS.get(form.get("decision", ""), "reason")),
    )


def _text(form: MultiDict[str, str], name: str) -> str:
    return form.get(name, "").strip()[:LONGEST]
