"""Pages about other people's accounts, for their administrators: one account, a new one, and the acts upon it, each asked before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.accounts import leaving, links, people
from console.accounts.models import StaffAccount
from console.accounts.people import Details
from console.crud.pages import Page, allowed, expose
from console.db import transaction
from console.departments.models import Office
from console.doors.preferences import language
from console.errors import N_, ConsoleError, InvalidAnswers, NotFound
from console.roles import ROLES, Act, Role
from console.scope import Principal, current, may
from console.secrecy import mask_email, mask_phone

ADMINS = frozenset(role for role, definition in ROLES.items() if Act.GRANT in definition.acts)
FEW_OFFICES = 30
NOTHING = "无"  # typed into a masked field to empty it


@dataclass(frozen=True)
class Ask:
    """An act: what it is called, what follows, the sentence afterwards."""

    title: str
    consequence: str
    done: str
    danger: bool = False


ASKS: dict[str, Ask] = {
    "link": Ask(
        N_("给设置密码的链接"),
        N_("得到一个用一次的链接，72 小时内有效，本人用它设置密码。原来的链接作废，本人的登录立即结束；两步验证不受影响。"),
        "",
    ),
    "two-step": Ask(
        N_("重置两步验证"),
        N_("本人的手机验证器和备用码都作废，登录立即结束，下次登录会告诉本人。请先用别的办法确认是本人提出的。"),
        N_("两步验证已重置。"),
        danger=True,
    ),
    "identity": Ask(N_("绑定统一身份"), N_("本人可以不用密码，由统一身份认证登录。登录立即结束。留空就是解除绑定。"), N_("统一身份已保存。")),
    "leave": Ask(
        N_("办理离岗"),
        N_("一次办完：收回全部授权，结束全部登录，停用账号；在办的件交给接手人，接手人不能审的件回到待分派。"),
        N_("已办理离岗，在办的件正在移交。"),
        danger=True,
    ),
    "return": Ask(N_("恢复账号"), N_("账号重新启用，没有任何授权；得到一个用一次的链接，本人用它设置新密码。"), ""),
}


class People(Page):
    """One person's account and what may be done about it."""

    name, title, menu, icon = "people", N_("工作人员"), None, "people"
    permissions = {"can_read": ADMINS | {Role.SUPERVISOR}, "can_manage": ADMINS}
    default_view = "new"

    @expose("/<int:staff_id>")
    @allowed("read")
    def show(self, staff_id: int) -> Any:
        with transaction() as session:
            account = people.account_of(session, staff_id)
            hindrance = _hindrance(session, account, current())
            return self.render_template(
                "console/person.html",
                title=account.name,
                account=account,
                office=_named(account.office),
                phone=mask_phone(account.phone) or "—",
                mail=mask_email(account.mail) or "—",
                grants=[(_role(g.role), _place(g), g) for g in leaving.grants_held(session, staff_id)],
                has_password=people.staff.has_password(session, staff_id),
                waiting=links.waiting_until(session, staff_id),
                hindrance=hindrance,
                acts=[] if hindrance else [(key, ASKS[key]) for key in _acts(account)],
                may_give=may(current(), Act.GRANT) and account.left_at is None and account.staff_id != getattr(current(), "id", 0),
            )

    @expose("/new", methods=["GET", "POST"])
    @allowed("manage")
    def new(self) -> Any:
        """Make an account; the answer shows its link, this once."""
        form, problems = request.form, {}
        with transaction() as session:
            if request.method == "POST":
                try:
                    account, token = people.hire(
                        session, family=form.get("family", ""), given=form.get("given", ""), username=form.get("username", ""),
                        office_id=_office(session, form), details=_details(form), actor=current(),
                    )  # fmt: skip
                    return self._link_page(account, token)
                except InvalidAnswers as error:
                    problems = error.problems
                except people.staff.NameTaken as error:
                    problems = {"username": _(error.message, **error.facts)}
            return self._form(session, None, problems), 422 if problems else 200

    @expose("/<int:staff_id>/change", methods=["GET", "POST"])
    @allowed("manage")
    def change(self, staff_id: int) -> Any:
        problems: dict[str, str] = {}
        with transaction() as session:
            account = people.account_of(session, staff_id)
            people.require_over(session, account, actor=current())
            if request.method == "POST":
                try:
                    people.change(session, account, office_id=_office(session, request.form), details=_changes(request.form), actor=current())
                except InvalidAnswers as error:
                    problems = error.problems
                else:
                    flash(_("已保存“%(name)s”。", name=account.name), "ok")
                    return redirect(url_for(".show", staff_id=staff_id), 303)
            return self._form(session, account, problems), 422 if problems else 200

    @expose("/offices")
    @allowed("manage")
    def offices(self) -> Any:
        """Office names for the form's look-up."""
        with transaction() as session:
            found = people.offices_within(session, current(), words=request.args.get("q", "").strip()[:60])
            return {"options": [{"id": office.id, "text": _named(office)} for office in found]}

    @expose("/<int:staff_id>/<what>", methods=["GET", "POST"])
    @allowed("manage")
    def act(self, staff_id: int, what: str) -> Any:
        """Ask, then do."""
        ask = ASKS.get(what)
        if ask is None:
            raise NotFound()
        problem, status = "", 200
        if request.method == "POST":
            try:
                with transaction() as session:
                    account = people.account_of(session, staff_id)
                    token = _do(session, account, what)
                    if token:
                        return self._link_page(account, token)
                flash(_(ask.done), "ok")
                return redirect(url_for(".show", staff_id=staff_id), 303)
            except ConsoleError as error:
                if error.status not in (409, 422):
                    raise
                problem, status = _(error.message, **error.facts), error.status
        with transaction() as session:
            account = people.account_of(session, staff_id)
            people.require_over(session, account, actor=current())
            if what not in _acts(account):
                raise NotFound()
            return (
                self.render_template(
                    "console/person_act.html",
                    title=_(ask.title),
                    account=account,
                    what=what,
                    ask=ask,
                    problem=problem,
                    held=[(_named(one.office) if one.office else _("其他机构"), one) for one in leaving.in_hand(session, staff_id)]
                    if what == "leave"
                    else [],
                    grants=[(_role(g.role), _place(g)) for g in leaving.grants_held(session, staff_id)] if what == "leave" else [],
                    successors=[(one.staff_id, one.name, _named(one.office)) for one in leaving.successors(session, account)]
                    if what == "leave"
                    else [],
                ),
                status,
            )

    def _link_page(self, account: StaffAccount, token: str) -> Any:
        return self.render_template(
            "console/person_link.html",
            title=_("把链接交给本人"),
            account=account,
            address=url_for("Joining.home", token=token, _external=True),
            hours=int(links.LIFE.total_seconds() // 3600),
        )

    def _form(self, session: Session, account: StaffAccount | None, problems: dict[str, str]) -> Any:
        offices = people.offices_within(session, current(), most=FEW_OFFICES + 1)
        chosen = account.office if account else offices[0] if len(offices) == 1 else None
        return self.render_template(
            "console/person_form.html",
            title=_("修改资料") if account else _("新建账号"),
            account=account,
            problems={key: _(sentence) for key, sentence in problems.items()},
            offices=[(office.id, _named(office)) for office in offices] if len(offices) <= FEW_OFFICES else None,
            chosen=(chosen.id, _named(chosen)) if chosen else ("", ""),
            phone=_masked_help(mask_phone(account.phone)) if account else _("存下后只显示前三位和后四位。"),
            mail=_masked_help(mask_email(account.mail)) if account else "",
        )


def _do(session: Session, account: StaffAccount, what: str) -> str | None:
    reason, actor = request.form.get("reason", ""), current()
    if what == "link":
        return people.make_link(session, account, reason=reason, actor=actor)
    if what == "return":
        return leaving.bring_back(session, account, reason=reason, actor=actor)
    if what == "two-step":
        people.reset_two_factor(session, account, reason=reason, actor=actor)
    elif what == "identity":
        people.bind(session, account, request.form.get("subject", ""), reason=reason, actor=actor)
    else:
        successor = request.form.get("successor", "")
        leaving.leave(session, account, reason=reason, successor_id=int(successor) if successor.isdecimal() else None, actor=actor)
    return None


def _acts(account: StaffAccount) -> list[str]:
    """What there is to do about this account now."""
    if account.left_at is not None:
        return ["return"]
    both = [("two-step", account.totp_confirmed_at is not None), ("identity", bool(current_app.config["RUKU"].oidc_issuer))]
    return ["link", *(key for key, there in both if there), "leave"]


def _hindrance(session: Session, account: StaffAccount, actor: Principal) -> str:
    """Why this reader may do nothing about the account; empty when they may."""
    if not may(actor, Act.GRANT):
        return _("您只能看。")
    try:
        people.require_over(session, account, actor=actor)
    except ConsoleError as error:
        return _(error.message, **error.facts)
    return ""


def _details(form: Any) -> Details:
    return Details(*(form.get(name, "").strip() for name in ("title", "phone", "mail")))


def _changes(form: Any) -> Details:
    """Of a form that shows phone and mail masked: an empty one stays as it was, a word takes it away."""
    phone, mail = ({"": None, NOTHING: ""}.get(typed, typed) for typed in (form.get(name, "").strip() for name in ("phone", "mail")))
    return Details(form.get("title", "").strip(), phone, mail)


def _masked_help(now: str) -> str:
    return _("现在是 %(now)s。留空不改，填“%(nothing)s”删掉。", now=now, nothing=NOTHING) if now else ""


def _office(session: Session, form: Any) -> int | None:
    """The chosen office; without script the typed name, when it is one office's."""
    if form.get("office", "").isdecimal():
        return int(form["office"])
    typed = form.get("office-typed", "").strip()
    found = people.offices_within(session, current(), words=typed) if typed else []
    exact: list[Office] = [office for office in found if typed in (office.name, office.name_en)]
    return exact[0].id if len(exact) == 1 else None


def _named(office: Office) -> str:
    return office.name_en if language() == "en" and office.name_en else office.name


def _role(role: str) -> str:
    if role not in set(Role):
        return role
    return ROLES[Role(role)].title_en if language() == "en" else ROLES[Role(role)].title


def _place(grant: Any) -> str:
    english = language() == "en"
    department = (grant.department.name_en if english else grant.department.name) if grant.department else _("各部门")
    return f"{department} · {grant.division.name_en if english else grant.division.name}"
