"""A person in the roster: standing per department and specialty, what happened, and the certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from console import clock
from console.accounts import why
from console.crud.pages import Page, allowed, expose
from console.crud.screen import STEPS
from console.db import transaction
from console.errors import N_
from console.qr_codes import qr_svg
from console.roles import ROLES, Subject
from console.roster import boards, queries, shortage
from console.roster.screens import STANDING_KINDS, standing_words
from console.scope import current

READERS = frozenset(role for role, definition in ROLES.items() if Subject.ROSTER in definition.reads)
EVENT_WORDS = {
    "entered": N_("进入专家库"),
    "suspended": N_("暂停"),
    "restored": N_("恢复"),
    "ended": N_("退出专家库"),
}


def certificate_url(code: str) -> str:
    """The public address a certificate's QR carries: on the portal's own host when it has one."""
    settings = current_app.config["RUKU"]
    if settings.portal_host:
        return f"{'https' if settings.https else 'http'}://{settings.portal_host}/verify/{code}"
    return f"{request.scheme}://{request.host}/verify/{code}"


PAGE = 50


class Shortage(Page):
    """Specialties with too few experts in office, league by league: what the dashboard's numbers of shortage lead to."""

    name, title, menu, icon = "shortage", N_("专家缺口"), STEPS, "people"
    permissions = {"can_read": READERS}
    template_folder = str(Path(__file__).parent / "templates")

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        asked = {name: request.args.get(name, "")[:30] for name in ("league", "category", "none", "page")}
        number = int(asked["page"]) if asked["page"].isascii() and asked["page"].isdecimal() and len(asked["page"]) < 6 else 1
        first = (max(number, 1) - 1) * PAGE
        with transaction() as session:
            found = shortage.shortages(session, current(), least=boards.least())
            rows = found.narrowed(league=asked["league"], category=asked["category"])
            if asked["none"]:
                rows = [one for one in rows if not one.have]
            people = shortage.in_office(clock.today(session))
            names = {code: boards.division_name(one) for code, one in found.leagues.items()}

            def link(page: int) -> str:
                given: dict[str, Any] = {name: value for name, value in {**asked, "page": str(page)}.items() if value}
                return url_for("Shortage.home", **given)

            return self.render_template(
                "roster/shortage.html",
                title=_("专家缺口"),
                least=boards.least(),
                rows=[
                    (one, names[one.league], boards.LIST.address({**people, "code": one.code, "league": one.league}))
                    for one in rows[first : first + PAGE]
                ],
                total=len(rows),
                sees=bool(shortage.whole_departments(current())),
                leagues=list(names.items()),
                categories=sorted({(one.category, found.categories.get(one.category, one.category)) for one in found.places}),
                league=asked["league"],
                category=asked["category"],
                none=asked["none"],
                previous=link(number - 1) if number > 1 else "",
                next=link(number + 1) if first + PAGE < len(rows) else "",
            )


class RosterPerson(Page):
    name, title = "roster-person", N_("专家")
    permissions = {"can_read": READERS}
    template_folder = str(Path(__file__).parent / "templates")
    default_view = "show"

    @expose("/<int:entry_id>")
    @allowed("read")
    def show(self, entry_id: int) -> Any:
        with transaction() as session:
            entry = queries.entry_by_id(session, entry_id)
            address = certificate_url(entry.code)
            return self.render_template(
                "roster/person.html",
                title=_("专家"),
                certificate=queries.certificate(session, entry),
                specialties={(row.standard, row.code): row for row in entry.specialties},
                events=queries.events(session, entry),
                event_words=lambda event: _(EVENT_WORDS[event]) if event in EVENT_WORDS else event,
                standing_words=standing_words,
                standing_kind=STANDING_KINDS.__getitem__,
                today=clock.today(session),
                address=address,
                qr=Markup(qr_svg(address)),
            )

    @expose("/<int:entry_id>/why")
    @allowed("read")
    def why(self, entry_id: int) -> Any:
        with transaction() as session:
            entry = queries.entry_by_id(session, entry_id)
            page = why.page(session, entry, name=entry.name, back=url_for(".show", entry_id=entry_id))
            return self.render_template(why.TEMPLATE, **page)


PAGES = (Shortage, RosterPerson,)
