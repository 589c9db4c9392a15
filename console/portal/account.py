"""Getting an account, coming in, going out, and what belongs to the account itself.

Nobody is told whether a phone is known. Tries are counted by account and by address before any work is done.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, request, url_for
from flask import session as visit
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, Form, PasswordField, StringField

from console.accounts import sessions
from console.accounts.models import WebSession
from console.applications import registration
from console.applications.models import Applicant
from console.db import transaction
from console.doors.browsers import browser_words
from console.doors.preferences import local_path
from console.errors import ConsoleError, InvalidAnswers, NotFound
from console.notifications import account_notices, contact
from console.notifications import services as letters
from console.portal.door import address, applicant, attempts, door, lang, me, page
from console.portal.texts import consent_version, document
from console.post.wording import channel_words
from console.scope import Applicant as Citizen
from console.scope import System, become
from console.secrecy import encrypt

_TEL = {"autocomplete": "tel", "inputmode": "tel"}
_CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 8}


class PhoneForm(Form):
    phone = StringField(_l("手机号"), render_kw=_TEL | {"required": True})


class Registration(Form):
    code = StringField(_l("短信验证码"), render_kw=_CODE | {"required": True})
    name = StringField(_l("姓名"), description=_l("与身份证一致"), render_kw={"autocomplete": "name", "required": True})
    password = PasswordField(
        _l("设置密码"), description=_l("至少 10 个字符，几个词连起来就好记。"), render_kw={"autocomplete": "new-password", "required": True}
    )
    email = StringField(_l("邮箱（选填）"), description=_l("填了的话，函件也会发到邮箱；先用邮箱里的验证码确认。"), render_kw={"autocomplete": "email"})
    consent = BooleanField(_l("我已阅读并同意个人信息处理说明"))


class SignIn(Form):
    phone = StringField(_l("手机号"), render_kw={"autocomplete": "username", "inputmode": "tel", "required": True})
    password = PasswordField(_l("密码"), render_kw={"autocomplete": "current-password", "required": True})


class NewPassword(Form):
    code = StringField(_l("短信验证码"), render_kw=_CODE | {"required": True})
    password = PasswordField(
        _l("新密码"), description=_l("至少 10 个字符，几个词连起来就好记。"), render_kw={"autocomplete": "new-password", "required": True}
    )


class ChangedPassword(Form):
    old = PasswordField(_l("现在的密码"), render_kw={"autocomplete": "current-password", "required": True})
    password = PasswordField(
        _l("新密码"), description=_l("至少 10 个字符，几个词连起来就好记。"), render_kw={"autocomplete": "new-password", "required": True}
    )


def show_problems(form: Form, error: ConsoleError, *, default: str) -> None:
    """Lay what a service refused on the fields it is about; anything else on the field named `default`."""
    problems = error.problems if isinstance(error, InvalidAnswers) else {default: _(error.message, **error.facts)}
    for name, sentence in problems.items():
        field = form[name if name in form else default]
        field.errors = [*field.errors, _(sentence)]


def _counted(purpose: str, account: str) -> None:
    attempts().check(purpose, account=account, address=address())


def _send(purpose: str, phone: str) -> None:
    """Have a code sent; the address is counted too, so that one visitor cannot make the house ring everybody."""
    _counted("code", phone)
    attempts().failed("code", account=phone, address=address())
    reason = "register" if purpose == "register" else "sign_in"
    with become(System(reason)), transaction() as session:
        registration.request_code(
            session, phone=phone, purpose=purpose, send=letters.send_code
        )


# ── register ─────────────────────────────────────────────────────────────────────────────────────────────────


@door.route("/register", methods=["GET", "POST"])
def register_account() -> ResponseReturnValue:
    """First the phone and a code, then the rest: the phone waits in the visitor's own signed cookie."""
    if applicant():
        return redirect(url_for(".my_file"))
    phone = visit.get("register_phone", "")
    if request.method == "GET" and request.args.get("again"):
        visit.pop("register_phone", None)
        phone = ""
    if not phone:
        return page("register_phone", form=PhoneForm(), purpose="register", here="me")
    form = Registration(request.form)
    if request.method == "GET":
        return page("register", form=form, phone=phone, consent=document("consent", lang()), here="me")
    try:
        if not form.consent.data:
            raise InvalidAnswers({"consent": _("请阅读并同意个人信息处理说明，才能注册。")})
        _counted("register", phone)
        with become(System("register")), transaction() as session:
            try:
                person = registration.register(
                    session,
                    name=form.name.data or "",
                    phone=phone,
                    email=(form.email.data or "").strip() or None,
                    password=form.password.data or "",
                    code=form.code.data or "",
                    consent_version=consent_version(),
                )
            except registration.CodeWrong as error:
                session.commit()  # the try is counted, whatever the page says
                raise error
            person.language = "en" if lang() == "en" else "zh_Hans_CN"
            person_id = person.id
    except registration.CodeWrong as error:
        attempts().failed("register", account=phone, address=address())
        show_problems(form, error, default="code")
    except (InvalidAnswers, registration.PhoneTaken) as error:
        show_problems(form, error, default="code")
    else:
        sessions.sign_in(person_id)
        flash(_("注册好了。现在可以开始申报。"), "ok")
        return redirect(_confirm_email(person_id, (form.email.data or "").strip()) or url_for(".my_file"), 303)
    return page("register", form=form, phone=phone, consent=document("consent", lang()), here="me"), 422


def _confirm_email(person_id: int, email: str) -> str | None:
    """Send a code to the mailbox that a newcomer named, and say where to enter it. The account is there all the same when none can be sent."""
    if not email:
        return None
    try:
        with become(Citizen(person_id)), transaction() as session:
            contact.ask(session, contact.EMAIL, email, send=letters.send_code, actor=Citizen(person_id))
    except ConsoleError as error:
        flash(_(error.message, **error.facts), "warn")
        return None
    visit["new_email"] = encrypt(email)
    return url_for(".change_contact", kind=contact.EMAIL)


@door.post("/codes")
def send_code() -> ResponseReturnValue:
    """Send a code to register or to set a new password; the next page is the same whether the phone is known or not."""
    purpose = "reset" if request.form.get("purpose") == "reset" else "register"
    form = PhoneForm(request.form)
    try:
        phone = registration.phone_number(form.phone.data or "")
    except ValueError:
        show_problems(form, InvalidAnswers({"phone": _("手机号应是 1 开头的 11 位数字，请核对。")}), default="phone")
        return page("register_phone" if purpose == "register" else "reset_phone", form=form, purpose=purpose, here="me"), 422
    _send(purpose, phone)
    visit[f"{purpose}_phone"] = phone
    flash(_("验证码已发到 %(phone)s，10 分钟内有效。", phone=f"{phone[:3]}****{phone[-4:]}"), "info")
    return redirect(url_for(".register_account" if purpose == "register" else ".reset_password"), 303)


# ── in and out ───────────────────────────────────────────────────────────────────────────────────────────────


@door.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    after = local_path(request.values.get("next"), url_for(".my_file"))
    form = SignIn(request.form)
    if request.method == "GET":
        return redirect(after) if applicant() else page("sign_in", form=form, after=after, here="me")
    phone = form.phone.data or ""
    _counted("sign_in", phone)
    with become(System("sign_in")), transaction() as session:
        person = registration.sign_in(session, phone=phone, password=form.password.data or "")
        person_id = person.id if person else None
        comes_back = [] if person is None else [kind for kind, at in (("phone", person.phone_failed_at), ("email", person.email_failed_at)) if at is not None]
    if person_id is None:
        attempts().failed("sign_in", account=phone, address=address())
        error = registration.SignInFailed(tries=registration.LOCK_AFTER, minutes=registration.LOCK_MINUTES)
        show_problems(form, error, default="phone")
        return page("sign_in", form=form, after=after, here="me"), 401
    attempts().forget("sign_in", account=phone)
    sessions.sign_in(person_id)
    if comes_back:
        flash(_("您的手机收不到短信，请先核对手机号。") if "phone" in comes_back else _("发往您邮箱的信被退回了，请先核对邮箱。"), "warn")
        return redirect(url_for(".reaching"), 303)
    return redirect(after, 303)


@door.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    sessions.sign_out()
    flash(_("已退出登录。"), "info")
    return redirect(url_for(".home"), 303)


@door.route("/reset", methods=["GET", "POST"])
def reset_password() -> ResponseReturnValue:
    phone = visit.get("reset_phone", "")
    if request.method == "GET" and request.args.get("again"):
        visit.pop("reset_phone", None)
        phone = ""
    if not phone:
        return page("reset_phone", form=PhoneForm(), purpose="reset", here="me")
    form = NewPassword(request.form)
    if request.method == "GET":
        return page("reset", form=form, phone=phone, here="me")
    _counted("reset", phone)
    try:
        with become(System("sign_in")), transaction() as session:
            try:
                person = registration.reset_password(
                    session, phone=phone, code=form.code.data or "", password=form.password.data or ""
                )
            except registration.CodeWrong as error:
                session.commit()  # the try is counted
                raise error
            person_id = person.id
    except registration.CodeWrong as error:
        attempts().failed("reset", account=phone, address=address())
        show_problems(form, error, default="code")
        return page("reset", form=form, phone=phone, here="me"), 422
    except InvalidAnswers as error:
        show_problems(form, error, default="password")
        return page("reset", form=form, phone=phone, here="me"), 422
    sessions.end_others("portal", person_id)
    sessions.sign_in(person_id)
    flash(_("密码已重设，其他地方的登录都已结束。"), "ok")
    return redirect(url_for(".my_file"), 303)


# ── the account ──────────────────────────────────────────────────────────────────────────────────────────────


def _own_sessions() -> list[dict[str, Any]]:
    """The applicant's live sessions, this one first."""
    own = sessions.token_hash(sessions.own_token() or "")
    with transaction() as session:
        rows = session.scalars(
            select(WebSession)
            .where(
                WebSession.door == "portal",
                WebSession.person_id == me().id,
                WebSession.ended_at.is_(None),
                WebSession.expires_at > sessions.real_now(),
            )
            .order_by(WebSession.seen_at.desc())
        ).all()
        found = [
            {"id": row.token_hash[:16], "here": row.token_hash == own, "agent": browser_words(row.agent), "seen_at": row.seen_at,
             "created_at": row.created_at, "hash": row.token_hash}
            for row in rows
            if row.seen_at > sessions.real_now() - dt.timedelta(days=1)
        ]  # fmt: skip
    return sorted(found, key=lambda one: not one["here"])


def _account_page(form: ChangedPassword, status: int = 200) -> ResponseReturnValue:
    with transaction() as session:
        person = session.get_one(Applicant, me().id)
        notices = account_notices.latest(session, person)
        return page(
            "account", person=person, form=form, sessions=_own_sessions(), notices=notices, titles=account_notices.TITLES, lang=lang(), channel_words=channel_words, here="me",
        ), status  # fmt: skip


@door.get("/account")
def account() -> ResponseReturnValue:
    return _account_page(ChangedPassword())


@door.post("/account/password")
def change_password() -> ResponseReturnValue:
    form = ChangedPassword(request.form)
    actor = me()
    account_key = f"applicant:{actor.id}"
    _counted("password", account_key)
    try:
        with transaction() as session:
            registration.change_password(session, actor.id, old=form.old.data or "", new=form.password.data or "")
    except registration.WrongPassword as error:
        attempts().failed("password", account=account_key, address=address())
        show_problems(form, error, default="old")
        return _account_page(form, 422)
    except InvalidAnswers as error:
        show_problems(form, error, default="password")
        return _account_page(form, 422)
    attempts().forget("password", account=account_key)
    sessions.end_others("portal", actor.id, keep=sessions.own_token())
    flash(_("密码已修改，其他地方的登录都已结束。"), "ok")
    return redirect(url_for(".account"), 303)


@door.post("/account/language")
def change_language() -> ResponseReturnValue:
    """The language letters and messages are written in; what the pages speak is chosen on every page."""
    chosen = "en" if request.form.get("language") == "en" else "zh_Hans_CN"
    with transaction() as session:
        session.get_one(Applicant, me().id).language = chosen
    flash(_("函件和短信的语言已修改。"), "ok")
    return redirect(url_for(".account"), 303)


@door.post("/account/sessions/end")
def end_session() -> ResponseReturnValue:
    """End one other session, or all of them."""
    wanted = request.form.get("session", "")
    if wanted == "others":
        sessions.end_others("portal", me().id, keep=sessions.own_token())
    else:
        found = next((one for one in _own_sessions() if one["id"] == wanted), None)
        if found is None:
            raise NotFound()
        sessions.end_by_hash(found["hash"])
    flash(_("已结束。"), "ok")
    return redirect(url_for(".account"), 303)
