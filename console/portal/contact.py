"""Another phone or another mailbox: where to, then the code that was sent there. What is asked for waits, encrypted, in the session."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask import session as visit
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from console.accounts import sessions
from console.applications.registration import CODE_MINUTES, CodeWrong, PhoneTaken
from console.db import transaction
from console.errors import InvalidAnswers
from console.notifications import contact, preferences
from console.notifications import services as letters
from console.passwords import WrongPassword
from console.portal.door import address, attempts, door, me, page
from console.secrecy import UnknownKey, decrypt, encrypt


def _waiting(kind: str) -> str:
    """What a code was asked for in this session; nothing when its key is gone."""
    try:
        return decrypt(visit[f"new_{kind}"])
    except (KeyError, UnknownKey):
        return ""


def _page(kind: str, problems: dict[str, str] | None = None, *, status: int = 200) -> ResponseReturnValue:
    """Where it goes now and where it shall go; once a code is on its way, what it says."""
    with transaction() as session:
        person = preferences.own(session, actor=me())
        now = person.phone if kind == contact.PHONE else person.email
        failed = person.phone_failed_at if kind == contact.PHONE else person.email_failed_at
        may_drop = bool(person.email) and preferences.reach_of(person).works_without("mail")
    waiting = _waiting(kind)
    return page(
        "contact", kind=kind, now=now, failed=failed, may_drop=may_drop, waiting=waiting, typed=request.form.get("address", "")[:254], problems=problems or {}, here="me",
    ), status  # fmt: skip


@door.route("/account/<any(phone, email):kind>", methods=["GET", "POST"])
def change_contact(kind: str) -> ResponseReturnValue:
    if request.method == "GET":
        if request.args.get("again"):
            visit.pop(f"new_{kind}", None)
        return _page(kind)
    do = request.form.get("do", "ask")
    if do == "drop" and kind == contact.EMAIL:
        return _drop()
    return _confirm(kind) if do == "confirm" else _ask(kind, once_more=do == "again")


def _ask(kind: str, *, once_more: bool) -> ResponseReturnValue:
    """Send a code. Counted by account and by address, as every code is, so that nobody makes the house ring everybody."""
    typed = _waiting(kind) if once_more else request.form.get("address", "")[:254]
    account = f"applicant:{me().id}"
    attempts().check("code", account=account, address=address())
    if kind == contact.PHONE:
        attempts().check("password", account=account, address=address())
    try:
        with transaction() as session:
            wanted = contact.ask(session, kind, typed, password=request.form.get("password", ""), proved=once_more, send=letters.send_code, actor=me())
    except WrongPassword as error:
        attempts().failed("password", account=account, address=address())
        return _page(kind, {"password": _(error.message)}, status=422)
    except InvalidAnswers as error:
        return _page(kind, {"address": _(next(iter(error.problems.values())))}, status=422)
    attempts().failed("code", account=account, address=address())
    visit[f"new_{kind}"] = encrypt(wanted)  # a session is a row of the database
    flash(_("验证码已发出，%(minutes)s 分钟内有效。", minutes=CODE_MINUTES), "info")
    return redirect(url_for(".change_contact", kind=kind), 303)


def _confirm(kind: str) -> ResponseReturnValue:
    account = f"applicant:{me().id}"
    attempts().check("contact", account=account, address=address())
    try:
        with transaction() as session:
            try:
                contact.confirm(session, kind, _waiting(kind), request.form.get("code", ""), actor=me())
            except CodeWrong as error:
                session.commit()  # the try is counted, whatever the page says
                raise error
    except CodeWrong as error:
        attempts().failed("contact", account=account, address=address())
        return _page(kind, {"code": _(error.message, **error.facts)}, status=422)
    except PhoneTaken:
        visit.pop(f"new_{kind}", None)
        return _page(kind, {"address": _("这个手机号是另一个账户的，没有改。一个号码只能用于一个账户。")}, status=422)
    except InvalidAnswers:  # nothing waits to be confirmed
        return redirect(url_for(".change_contact", kind=kind), 303)
    visit.pop(f"new_{kind}", None)
    if kind == contact.PHONE:
        sessions.end_others("portal", me().id, keep=sessions.own_token())
        flash(_("手机号已修改，今后用新号码登录；其他地方的登录都已结束。"), "ok")
    else:
        flash(_("邮箱已修改，今后的邮件发到这里。"), "ok")
    return redirect(url_for(".account"), 303)


def _drop() -> ResponseReturnValue:
    try:
        with transaction() as session:
            contact.drop_email(session, actor=me())
    except InvalidAnswers as error:
        return _page(contact.EMAIL, {"address": _(error.problems["email"])}, status=422)
    visit.pop("new_email", None)
    flash(_("邮箱已删去，以后只发短信。"), "ok")
    return redirect(url_for(".account"), 303)
