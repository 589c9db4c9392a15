"""A draft of the transport department as a test needs it: its age limit lowered, replayed, asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from console import clock
from console.roles import Role
from console.scope import Staff
from console.studio import drafts, publication
from console.studio.models import Replay, ReplayState, RuleDraft
from tests.factories import department, make_staff

REASON = "年龄上限按新办法调整"


def editor(session: Session, name: str = "那日苏", code: str = "transport") -> Staff:
    return make_staff(session, Role.RULE_EDITOR, department_code=code, name=name)


def publisher(session: Session, name: str = "其其格", code: str = "transport") -> Staff:
    return make_staff(session, Role.RULE_PUBLISHER, department_code=code, name=name)


def lower_age(criteria: str, *, start: str = "2026-12-01", limit: int = 60) -> str:
    """criteria.yaml with one more dated value of the age limit."""
    lines = criteria.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.strip() == "age_limit:")
    last = at = next(n for n in range(at, len(lines)) if lines[n].lstrip().startswith("- {from"))
    while lines[last + 1].lstrip().startswith("- {from"):
        last += 1
    pad = " " * (len(lines[at]) - len(lines[at].lstrip()))
    lines.insert(last + 1, f"{pad}- {{from: {start}, value: {limit}, basis: {{reg: MOT-797-2011, article: 全文}}, verified: false}}\n")
    return "".join(lines)


def make_draft(session: Session, actor: Staff, *, code: str = "transport", title: str = "年龄上限改为 60 周岁") -> RuleDraft:
    return drafts.begin(session, department(session, code), title=title, actor=actor)


def change_age(session: Session, draft: RuleDraft, actor: Staff, **values: Any) -> None:
    """Lower the age limit, and correct the one case that a lower limit from December on decides otherwise."""
    sources = drafts.head(session, draft).sources
    changed = {"criteria.yaml": lower_age(sources["criteria.yaml"], **values), "cases.yaml": sources["cases.yaml"].replace("1960-12-21", "1970-12-21")}
    drafts.revise(session, draft, {n: text.encode() for n, text in changed.items()}, expected=draft.revision, actor=actor)


def make_replay(session: Session, draft: RuleDraft, *, as_if: dt.date | None = None) -> Replay:
    """A finished replay of the draft's newest text."""
    now = clock.now(session)
    replay = Replay(
        department_id=draft.department_id, draft_id=draft.id, revision=draft.revision,
        content_hash=drafts.head(session, draft).content_hash, as_if=as_if or draft.effective_on, asked_by="system:test", asked_at=now,
        started_at=now, finished_at=now, state=str(ReplayState.DONE), done=0, total=0, summary={"total": 0},
    )  # fmt: skip
    session.add(replay)
    session.flush()
    return replay


def asked_for(session: Session, actor: Staff, *, effective_on: dt.date, transition: dict[str, str] | None = None, **values: Any) -> RuleDraft:
    """A changed draft for which publication was asked."""
    draft = make_draft(session, actor)
    change_age(session, draft, actor, **values)
    publication.plan(session, draft, effective_on=effective_on, transition=transition, actor=actor)
    make_replay(session, draft)
    publication.request(session, draft, expected=draft.revision, reason=REASON, actor=actor)
    return draft
