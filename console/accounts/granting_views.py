"""授权: what is in force here, giving and changing with the effect before saving, withdrawing, re-certifying, and who sees what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import String, column, func, select
from sqlalchemy.orm import Session

from console import clock
from console.accounts import effect, grant_queries, grants, why, wording
from console.accounts.explaining import Held, Place, prefix
from console.accounts.grant_queries import Asked, Person
from console.accounts.models import StaffAccount, StaffGrant
from console.crud.pages import Page, allowed, expose
from console.crud.screen import MANAGE
from console.db import transaction
from console.departments import queries as departments
from console.departments.models import Department, Division
from console.doors.preferences import language
from console.errors import N_, ConsoleError, NotFound
from console.roles import ROLES, Role, Subject
from console.scope import current

ADMINS = frozenset(grants.MAY_GIVE)
PAGE = 50
MOST_PEOPLE = 60


@dataclass(frozen=True)
class Typed:
    """What stands in the form, right or wrong."""

    role: str = ""
    department: str = ""
    division: str = ""
    first: str = ""
    last: str = ""
    reason: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Typed:
        limit = {"reason": grants.REASON_MOST, "division": 40}
        return cls(**{name: form.get(name, "").strip()[: limit.get(name, 30)] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Wanted:
    """The same, understood."""

    role: Role
    department: Department | None
    division: Division
    first: dt.datetime | None
    until: dt.datetime | None

    @property
    def place(self) -> str:
        return wording.place(self.department, self.division)

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "department_id": self.department.id if self.department else None,
            "division_code": self.division.code,
            "valid_from": self.first,
            "valid_to": self.until,
        }


class Granting(Page):
    """Grants of one's own reach. Supervisors look; admins give."""

    name, title, menu, icon = "granting", N_("授权"), MANAGE, "key"
    permissions = {"can_read": ADMINS | {Role.SUPERVISOR}, "can_give": ADMINS}

    # ── the list ─────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        args = request.args
        asked = Asked(
            role=args.get("role", "") if args.get("role") in set(Role) else "",
            place=args.get("place", "") if _is_code(args.get("place", "")) else "",
            soon=args.get("soon") == "1",
            due=args.get("due") == "1",
            words=args.get("q", "").strip()[:40],
            level=int(args["level"]) if args.get("level") in {"1", "2", "3"} else 0,
        )
        number = int(args["page"]) if args.get("page", "").isdecimal() and len(args["page"]) < 5 else 1
        days = recertify_days()
        with transaction() as session:
            now = clock.now(session)
            rows, total = grant_queries.listed(session, asked, days=days, first=(max(number, 1) - 1) * PAGE, most=PAGE)
            own = grants.own_grants(session, current())
            return self.render_template(
                "console/granting.html",
                title=_("授权"),
                rows=rows,
                total=total,
                asked=asked,
                mine={row.id for row in rows if is_giver(own, row)},
                due={key: due for key, due in grant_queries.due(session, rows, days=days).items() if due.at <= now},
                soon=now + grant_queries.SOON,
                now=now,
                givers=grant_queries.givers(session, (row.granted_by for row in rows)),
                roles=[(str(role), wording.role_title(role)) for role in ROLES],
                places=[
                    (code, english if language() == "en" else name) for code, name, english in grant_queries.places(session)
                ],
                counts={
                    "soon": grant_queries.listed(session, Asked(soon=True), days=days, most=0)[1],
                    "due": grant_queries.listed(session, Asked(due=True), days=days, most=0)[1],
                },
                link=_link,
                previous=_link(page=str(number - 1)) if number > 1 else "",
                next=_link(page=str(number + 1)) if number * PAGE < total else "",
                words=wording,
                may_give=bool(own),
            )

    # ── giving and changing ──────────────────────────────────────────────────────────────────────────────────

    @expose("/give")
    @allowed("give")
    def give(self) -> Any:
        """To whom: people of one's own offices."""
        with transaction() as session:
            words = request.args.get("q", "").strip()[:40]
            return self.render_template(
                "console/grant_to.html",
                title=_("给谁授权"),
                words=words,
                people=[one for one in grant_queries.people(session, words=words, most=MOST_PEOPLE) if one.staff_id != _me()],
                most=MOST_PEOPLE,
            )

    @expose("/give/<int:staff_id>", methods=["GET", "POST"])
    @allowed("give")
    def give_to(self, staff_id: int) -> Any:
        return self._form(staff_id, None)

    @expose("/<int:grant_id>/change", methods=["GET", "POST"])
    @allowed("give")
    def change(self, grant_id: int) -> Any:
        return self._form(0, grant_id)

    def _form(self, staff_id: int, grant_id: int | None) -> Any:
        problems: list[tuple[str, str]] = []
        status = 200
        look = request.form.get("act") == "look"
        if request.method == "POST" and not look:
            try:
                with transaction() as session:
                    person, grant = _whom(session, staff_id, grant_id)
                    said = self._save(session, person, grant, Typed.of(request.form))
            except Unclear as error:
                problems, status = error.problems, 422
            except ConsoleError as error:
                if isinstance(error, NotFound):
                    raise
                problems, status = [(_field_of(error), _(error.message, **error.facts))], error.status
            else:
                flash(said, "ok")
                return redirect(url_for(".home"), 303)
        with transaction() as session:
            person, grant = _whom(session, staff_id, grant_id)
            own = grants.own_grants(session, current())
            if grant is not None:
                _require_mine(session, own, grant)
            typed = Typed.of(request.form) if request.method == "POST" else _first_typed(session, grant, own)
            found = None
            if look or grant is not None or request.method == "POST":
                try:
                    found = _effect(session, person, grant, _understood(session, typed))
                except Unclear as error:
                    problems = problems or (error.problems if look else [])
                except grants.GrantNotYours as error:
                    problems = problems or [("role", _(error.message))]
            page = self.render_template(
                "console/grant_form.html",
                title=_("改动：%(name)s", name=person.name) if grant else _("给%(name)s授权", name=person.name),
                person=person,
                grant=grant,
                typed=typed,
                problems=problems,
                effect=found,
                roles=_roles(own),
                departments=_departments(session, own),
                divisions=_divisions(session, own),
                last=max((grants.last_day(row.valid_to) for row in own if row.valid_to), default=None)
                if own and all(row.valid_to for row in own)
                else None,
                today=clock.today(session),
                held=[row for row in grant_queries.all_of(session, person.id) if row.ended_at is None and row is not grant],
                words=wording,
                least=grants.REASON_LEAST,
                hand_over=_hand_over_url(person.id),
            )
        return page, status

    @staticmethod
    def _save(session: Session, person: Person, grant: StaffGrant | None, typed: Typed) -> str:
        asked = _understood(session, typed)
        if grant is None:
            grants.give_grant(session, person.id, reason=typed.reason, actor=current(), **asked.arguments)
            return _("已给%(name)s：%(role)s，%(place)s。", name=person.name, role=wording.role_title(asked.role), place=asked.place)
        grants.change_grant(session, grant, reason=typed.reason, actor=current(), **asked.arguments)
        return _("已改：%(name)s，%(role)s，%(place)s。本人要重新登录。", name=person.name, role=wording.role_title(asked.role), place=asked.place)

    # ── withdrawing and re-certifying ────────────────────────────────────────────────────────────────────────

    @expose("/<int:grant_id>/end", methods=["GET", "POST"])
    @allowed("give")
    def end(self, grant_id: int) -> Any:
        return self._ask(grant_id, grants.end_grant, "end", _("已收回。本人要重新登录，看到的是剩下的权限。"))

    @expose("/<int:grant_id>/certify", methods=["GET", "POST"])
    @allowed("give")
    def certify(self, grant_id: int) -> Any:
        return self._ask(grant_id, grants.certify_grant, "certify", _("已复核：仍需要。"))

    def _ask(self, grant_id: int, act: Any, kind: str, said: str) -> Any:
        reason, problem, status = request.form.get("reason", "")[: grants.REASON_MOST], "", 200
        if request.method == "POST":
            try:
                with transaction() as session:
                    act(session, grant_queries.one(session, grant_id), reason=reason, actor=current())
            except ConsoleError as error:
                if isinstance(error, NotFound):
                    raise
                problem, status = _(error.message, **error.facts), error.status
            else:
                flash(said, "ok")
                return redirect(url_for(".home"), 303)
        with transaction() as session:
            grant = grant_queries.one(session, grant_id)
            if not problem:
                _require_mine(session, grants.own_grants(session, current()), grant)
            person = Person(grant.staff_id, grant.staff)
            due = grant_queries.due(session, [grant], days=recertify_days())[grant.id]
            page = self.render_template(
                "console/grant_act.html",
                title=_("收回：%(name)s", name=person.name) if kind == "end" else _("复核：%(name)s", name=person.name),
                kind=kind,
                grant=grant,
                giver=grant_queries.givers(session, [grant.granted_by]).get(grant.granted_by, _("系统")),
                due=due,
                effect=effect.of(session, person.id, gives=None, place="", instead_of=grant, was=wording.division_name(grant.division))
                if kind == "end" else None,
                reason=reason,
                problem=problem,
                words=wording,
                least=grants.REASON_LEAST,
                hand_over=_hand_over_url(person.id),
            )
        return page, status

    # ── who sees what ────────────────────────────────────────────────────────────────────────────────────────

    @expose("/who")
    @allowed("read")
    def who(self) -> Any:
        """Somebody's sight: of one file by its number (its place only), or of everything in numbers."""
        wanted, number = request.args.get("staff", "").strip(), request.args.get("file", "").strip()[:40]
        with transaction() as session:
            problem, page = "", None
            if wanted and number:
                found = _places_of(session, number)
                if found:
                    where = url_for(".who", staff=wanted)
                    page = why.page_of_file(session, found[0][1], name=found[0][0], back=where, wanted=wanted)
                    return self.render_template(why.TEMPLATE, **page)
                problem = _("没有编号为 %(number)s 的件，或者它不在您的辖区里。", number=number)
            person = why.asked_person(session, wanted) if wanted else None
            rows = [row for row in grant_queries.all_of(session, person.id) if row.ended_at is None] if person else []
            held = [grant_queries.as_held(row) for row in rows]
            now = clock.now(session)
            return self.render_template(
                "console/who_sees.html",
                title=_("某人能看到什么"),
                person=person,
                number=number,
                problem=problem,
                rows=rows,
                live={one.id for one in held if one.in_time(now) == effect.Answer.GIVES},
                sight=effect.sight(session, [one for one in held if one.in_time(now) == effect.Answer.GIVES]) if person else None,
                people=grant_queries.people(session),
                words=wording,
            )


# ── small things the pages share ─────────────────────────────────────────────────────────────────────────────


class Unclear(ConsoleError):
    """What stands in the form cannot be read; `problems` are (field, sentence)."""

    status = 422

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__()
        self.problems = problems


def recertify_days() -> int:
    return int(current_app.config["RUKU"].recertify_days)


def _me() -> int:
    return int(getattr(current(), "id", 0))


def _is_code(code: str) -> bool:
    return code.isascii() and code.isdecimal() and len(code) == 6


def is_giver(own: list[StaffGrant], grant: StaffGrant) -> bool:
    """Whether one of these grants of the asker's lets them change, withdraw and certify this one."""
    return grant.staff_id != _me() and any(
        grants.gives(row.role, row, grant.role, grant.department_id, grant.division_code) for row in own
    )


def _require_mine(session: Session, own: list[StaffGrant], grant: StaffGrant) -> None:
    if not is_giver(own, grant):
        raise grants.GrantNotYours()
    if grant.ended_at is not None or (grant.valid_to is not None and grant.valid_to <= clock.now(session)):
        raise grants.GrantOver()


def _link(**changes: str) -> str:
    args = {name: request.args[name] for name in ("role", "place", "level", "soon", "due", "q") if request.args.get(name)}
    found: dict[str, Any] = {name: value for name, value in (args | changes).items() if value and value != "0"}
    return url_for("Granting.home", **found)


def _whom(session: Session, staff_id: int, grant_id: int | None) -> tuple[Person, StaffGrant | None]:
    if grant_id is None:
        person = grant_queries.person(session, str(staff_id))
        if session.scalar(select(StaffAccount.staff_id).where(StaffAccount.staff_id == person.id)) is None or person.id == _me():
            raise NotFound()
        return person, None
    grant = grant_queries.one(session, grant_id)
    return Person(grant.staff_id, grant.staff), grant


def _first_typed(session: Session, grant: StaffGrant | None, own: list[StaffGrant]) -> Typed:
    today = clock.today(session)
    if grant is None:
        ends = own[0].valid_to if own else None
        one = own[0] if len(own) == 1 else None
        return Typed(
            department=one.department.code if one and one.department else "",
            division=_division_line(one.division) if one else "",
            first=today.isoformat(),
            last=grants.last_day(ends).isoformat() if ends else "",
        )
    return Typed(
        role=grant.role,
        department=grant.department.code if grant.department else "",
        division=_division_line(grant.division),
        first=max(clock.day_of(grant.valid_from), today).isoformat(),
        last=grants.last_day(grant.valid_to).isoformat() if grant.valid_to else "",
    )


def _understood(session: Session, typed: Typed) -> Wanted:
    problems = []
    if typed.role not in set(Role):
        problems.append(("role", _("请选择角色。")))
    department = departments.department_by_code(session, typed.department) if typed.department else None
    if typed.department and department is None:
        problems.append(("department", _("请选择部门。")))
    code = typed.division[:6]
    division = session.get(Division, code) if _is_code(code) else None
    if division is None and typed.division:
        division = session.scalars(select(Division).where(Division.name == typed.division)).first()
    if division is None:
        problems.append(("division", _("没有这个区划。请从提示里选一个，或者写 6 位代码。")))
    days: dict[str, dt.date | None] = {}
    for name, text in (("first", typed.first), ("last", typed.last)):
        try:
            days[name] = dt.date.fromisoformat(text) if text else None
        except ValueError:
            problems.append((name, _("日期写成 2026-11-23 这样。")))
    if problems or division is None:
        raise Unclear(problems)
    first, last = days["first"], days["last"]
    if last is not None and last.year > 9000:
        raise Unclear([("last", _("日期写成 2026-11-23 这样。"))])
    starts = None if first is None or first == clock.today(session) else clock.at_midnight(first)
    until = clock.at_midnight(last + dt.timedelta(days=1)) if last else None
    return Wanted(Role(typed.role), department, division, starts, until)


def _effect(session: Session, person: Person, grant: StaffGrant | None, asked: Wanted) -> effect.Effect:
    now = clock.now(session)
    gives = Held(0, str(asked.role), asked.department.id if asked.department else None, asked.division.code, asked.first or now, asked.until)
    own = grants.own_grants(session, current())
    if not any(grants.gives(row.role, row, gives.role, gives.department_id, gives.division_code) for row in own):
        raise grants.GrantNotYours()  # what one may not give, one is told nothing about
    if grant is None or grant.department_id == gives.department_id:  # the department goes without saying
        place, was = wording.division_name(asked.division), wording.division_name(grant.division) if grant else ""
    else:
        place, was = asked.place, wording.grant_place(grant)
    return effect.of(session, person.id, gives=gives, place=place, instead_of=grant, was=was)


def _field_of(error: ConsoleError) -> str:
    by_kind: dict[type[ConsoleError], str] = {
        grants.GrantDates: "first",
        grants.GrantOutlives: "last",
        grants.GrantReason: "reason",
        grants.GrantNeedsDepartment: "department",
        grants.GrantCentreOnly: "department",
    }
    return by_kind.get(type(error), "role")


def _roles(own: list[StaffGrant]) -> list[tuple[str, str]]:
    given = frozenset[Role]().union(*(grants.MAY_GIVE[Role(row.role)] for row in own))
    return [(str(role), wording.role_title(role)) for role in ROLES if role in given]


def _departments(session: Session, own: list[StaffGrant]) -> list[tuple[str, str]]:
    everywhere = any(row.department_id is None for row in own)
    statement = select(Department).order_by(Department.id)
    if not everywhere:
        statement = statement.where(Department.id.in_([row.department_id for row in own]))
    found = [(one.code, wording.department_name(one)) for one in session.scalars(statement)]
    return [("", _("各部门")), *found] if everywhere else found


def _division_line(division: Division) -> str:
    return f"{division.code} {division.name_en if language() == 'en' else division.name}"


def _divisions(session: Session, own: list[StaffGrant]) -> list[str]:
    reached = tuple(prefix(row.division_code) for row in own)
    return [
        _division_line(one) for one in session.scalars(select(Division).order_by(Division.code)) if one.code.startswith(reached)
    ]


def _hand_over_url(staff_id: int) -> str:
    """Where a coordinator hands over somebody's files; empty for whoever may not distribute."""
    granted = current_app.extensions["appbuilder"].sm.granted()
    return url_for("Files.hand_over", staff=staff_id) if ("can_distribute", "files") in granted else ""


def _places_of(session: Session, number: str) -> list[tuple[str, why.Lies]]:
    names = ("admission_id", "number", "office_id", "department_id", "division_code", "step")
    place = func.ruku_file_place(number).table_valued(*(column(name, String) for name in names))
    rows = session.execute(select(place.c.number, place.c.department_id, place.c.division_code, place.c.step))
    return [(found, why.Lies(Place(Subject.FILES, int(department), code), step)) for found, department, code, step in rows]


PAGES = (Granting,)
