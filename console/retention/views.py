"""One page that says how long what is kept, what the next run would take, what is held, and what went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE
from console.crud.views import view_name
from console.db import transaction
from console.erasure import RULES
from console.errors import N_
from console.jobs import braked_departments
from console.retention import services
from console.retention.models import LegalHold, RetentionOutlook, RetentionRun
from console.retention.screens import HOLDERS, READERS, kind_words
from console.scope import current


class Retention(Page):
    """留存与清除"""

    name, title, menu, icon = "retention", N_("留存与清除"), MANAGE, "clock"
    template_folder = str(Path(__file__).parent / "templates")
    permissions = {"can_read": READERS, "can_count": HOLDERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            periods = services.periods(session)
            ahead = {row.kind: row for row in session.scalars(select(RetentionOutlook))}
            return self.render_template(
                "retention/home.html",
                title=_("留存与清除"),
                lines=[(rule, periods[kind], ahead.get(kind)) for kind, rule in RULES.items() if kind in periods],
                counted=max((row.at for row in ahead.values()), default=None),
                holds=session.scalars(select(LegalHold).where(LegalHold.released_at.is_(None)).order_by(LegalHold.id.desc()).limit(50)).all(),
                runs=session.scalars(select(RetentionRun).order_by(RetentionRun.id.desc()).limit(20)).all(),
                stopped=bool(braked_departments(session, "retention")),
                may_hold=bool({grant.role for grant in getattr(current(), "grants", ())} & HOLDERS),
                kind_words=kind_words,
                holds_url=url_for(f"{view_name('legal-holds')}.list"),
                hold_url=lambda key: url_for(f"{view_name('legal-holds')}.show", pk=key),
                place_url=url_for(f"{view_name('legal-holds')}.add"),
                rule_url=lambda kind: url_for(f"{view_name('retention-rules')}.edit", pk=kind),
                runs_url=url_for(f"{view_name('retention-runs')}.list"),
            )

    @expose("/count", methods=["POST"])
    @allowed("count")
    def count_again(self) -> Any:
        """Ask the worker to count again; nothing is erased by it."""
        with transaction() as session:
            services.ask_to_count(session, actor=current())
        flash(_("已请后台重新数一遍，过一会儿刷新本页。什么都不会清除。"), "ok")
        return redirect(url_for(".home"), 303)


PAGES = (Retention,)
