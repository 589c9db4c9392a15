"""How a citizen gets an account and proves to be its owner.

These are the portal's named services: `register` and `sign_in` look people up before anyone is signed in, as
`System("register")` and `System("sign_in")`, which the database honours for these tables only. Answers never say whether a phone is
known: an unknown number costs the same work and gets the same sentence.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import unicodedata
from collections.abc import Callable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from console import audit, clock, passwords
from console.accounts.models import SignInCode
from console.applications.models import Applicant
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed, TooMany
from console.passwords import WrongPassword, hash_password
from console.secrecy import keyed_hash

CODE_MINUTES, CODE_TRIES, CODES_PER_HOUR = 10, 5, 5
LOCK_AFTER, LOCK_MINUTES = 5, 15
_PHONE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s]{2,}", re.ASCII)


class SignInFailed(NotAllowed):
    """Wrong phone or password; it does not say which."""

    message = N_("手机号或密码不对。连续输错 %(tries)s 次会锁定 %(minutes)s 分钟。")
    status = 401


class CodeWrong(NotAllowed):
    """Another code than was sent; `left` says how many tries it has left."""

    message = N_("验证码不对，还可以再试 %(left)s 次。")
    status = 422


class CodeDead(CodeWrong):
    """There is no code to try: it was used, is too old, was replaced by a newer one, or was guessed at too often."""

    message = N_("验证码已经作废：用过了、过期了，或者错了太多次。请重新获取。")


class PhoneTaken(Conflict):
    """Said only to somebody who has just proved to hold this phone."""

    message = N_("这个手机号已经注册过了。请直接登录；忘了密码可以用验证码重设。")


def is_email(text: str) -> bool:
    """Whether this can be written to."""
    return _EMAIL.fullmatch(text) is not None


def phone_number(raw: str) -> str:
    """Eleven ASCII digits from what was typed (spaces, hyphens and full-width digits allowed); ValueError otherwise."""
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", raw or ""))
    digits = digits.removeprefix("+86")
    if not _PHONE.fullmatch(digits):
        raise ValueError(raw)
    return digits


def checked_phone(raw: str) -> str:
    try:
        return phone_number(raw)
    except ValueError:
        raise InvalidAnswers({"phone": N_("手机号应是 1 开头的 11 位数字，请核对。")}) from None


def request_code(session: Session, *, phone: str, purpose: str, send: Callable[[str, str], None]) -> None:
    """Make a code for the phone and hand both to `send` (the notifications room); at most five an hour for one phone.

    For `reset` nothing is sent to an unknown phone, and the caller cannot tell.
    """
    number = checked_phone(phone)
    known = session.scalar(select(Applicant.id).where(Applicant.phone_hash == keyed_hash(number, "phone"))) is not None
    code = make_code(session, number, purpose)
    if known or purpose == "register":
        send(number, code)


def make_code(session: Session, address: str, purpose: str, *, applicant_id: int | None = None) -> str:
    """A fresh code for this phone or mailbox, the only one that holds from now on; TooMany after five an hour for it, or by one person."""
    hashed, now = _address_hash(address), clock.now(session)
    whose = (SignInCode.phone_hash == hashed) if applicant_id is None else or_(SignInCode.phone_hash == hashed, SignInCode.applicant_id == applicant_id)
    recent = session.scalars(select(SignInCode.id).where(whose, SignInCode.created_at > now - dt.timedelta(hours=1))).all()
    if len(recent) >= CODES_PER_HOUR:
        raise TooMany(minutes=60)
    code = f"{secrets.randbelow(10**6):06d}"
    session.add(
        SignInCode(
            purpose=purpose,
            phone_hash=hashed,
            applicant_id=applicant_id,
            code_hash=keyed_hash(f"{address}:{code}", "code"),
            created_at=now,
            expires_at=now + dt.timedelta(minutes=CODE_MINUTES),
        )
    )
    session.flush()
    return code


def was_asked(session: Session, address: str, purpose: str, *, applicant_id: int) -> bool:
    """Whether this person had a code sent there within the hour: whoever asks for another need not prove more than then."""
    sent = SignInCode.created_at > clock.now(session) - dt.timedelta(hours=1)
    asked = select(SignInCode.id).where(SignInCode.phone_hash == _address_hash(address), SignInCode.purpose == purpose, SignInCode.applicant_id == applicant_id, sent)
    return session.scalar(asked.limit(1)) is not None


def use_code(session: Session, address: str, code: str, purpose: str, *, applicant_id: int | None = None) -> None:
    """Spend the latest code of this phone or mailbox; CodeWrong or CodeDead otherwise. Every try counts, and the caller commits the count."""
    latest = session.scalar(
        select(SignInCode)
        .where(SignInCode.phone_hash == _address_hash(address), SignInCode.purpose == purpose, SignInCode.applicant_id.is_not_distinct_from(applicant_id))
        .order_by(SignInCode.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if latest is None or latest.used_at or latest.expires_at <= clock.now(session) or latest.tries >= CODE_TRIES:
        raise CodeDead()
    latest.tries += 1
    if secrets.compare_digest(latest.code_hash, keyed_hash(f"{address}:{(code or '').strip()}", "code")):
        latest.used_at = clock.now(session)
        return
    if latest.tries >= CODE_TRIES:
        raise CodeDead()
    raise CodeWrong(left=CODE_TRIES - latest.tries)


def _address_hash(address: str) -> str:
    return keyed_hash(address, "email" if "@" in address else "phone")


def password_problem(password: str, *, phone: str = "") -> str | None:
    """Why this password will not do, or None."""
    return passwords.problem(password, least=passwords.APPLICANT_LEAST, about=phone)


def register(
    session: Session, *, name: str, phone: str, email: str | None, password: str, code: str, consent_version: str
) -> Applicant:
    """Open an account for whoever holds the phone. An e-mail address is only checked here: it is kept once its owner has confirmed it. Raises InvalidAnswers, CodeWrong or PhoneTaken."""
    problems: dict[str, str] = {}
    try:
        number = phone_number(phone)
    except ValueError:
        number, problems["phone"] = "", N_("手机号应是 1 开头的 11 位数字，请核对。")
    name = " ".join((name or "").split())
    if not 2 <= len(name) <= 60:
        problems["name"] = N_("请填写身份证上的姓名。")
    if email and not is_email(email.strip()):
        problems["email"] = N_("邮箱地址不完整，请核对；没有可以不填。")
    if weak := password_problem(password or "", phone=number):
        problems["password"] = weak
    if not consent_version:
        problems["consent"] = N_("请阅读并同意个人信息处理说明。")
    if problems:
        raise InvalidAnswers(problems)
    use_code(session, number, code, "register")
    hashed = keyed_hash(number, "phone")
    if session.scalar(select(Applicant.id).where(Applicant.phone_hash == hashed)) is not None:
        raise PhoneTaken()
    now = clock.now(session)
    applicant = Applicant(
        name=name,
        phone=number,
        phone_hash=hashed,
        password_hash=hash_password(password),
        created_at=now,
        consent_version=consent_version,
        consented_at=now,
    )
    session.add(applicant)
    session.flush()
    audit.record(session, "applicant.registered", f"applicant:{applicant.id}", consent=consent_version)
    return applicant


def sign_in(session: Session, *, phone: str, password: str) -> Applicant | None:
    """The applicant, or None when phone or password are wrong: the count of failures stays, so the caller commits.

    Five failures in a row lock the account for a quarter of an hour.
    """
    try:
        number = phone_number(phone)
    except ValueError:
        number = ""
    applicant = session.scalar(
        select(Applicant).where(Applicant.phone_hash == keyed_hash(number, "phone")).with_for_update()
    )
    now = clock.now(session)
    locked = applicant is not None and applicant.locked_until is not None and applicant.locked_until > now
    right = passwords.is_right(applicant.password_hash if applicant else None, password or "") and not locked
    if applicant is None:
        return None
    if right:
        if passwords.is_old(applicant.password_hash):
            applicant.password_hash = hash_password(password)
        applicant.failed_sign_ins, applicant.locked_until = 0, None
        audit.record(session, "applicant.signed_in", f"applicant:{applicant.id}")
        return applicant
    if not locked:
        applicant.failed_sign_ins += 1
        if applicant.failed_sign_ins >= LOCK_AFTER:
            applicant.failed_sign_ins = 0
            applicant.locked_until = now + dt.timedelta(minutes=LOCK_MINUTES)
            audit.record(session, "applicant.locked", f"applicant:{applicant.id}")
    return None


def reset_password(session: Session, *, phone: str, code: str, password: str) -> Applicant:
    """Set a new password with a code sent to the phone. The caller ends the account's other sessions."""
    number = checked_phone(phone)
    if weak := password_problem(password or "", phone=number):
        raise InvalidAnswers({"password": weak})
    use_code(session, number, code, "reset")
    applicant = session.scalars(select(Applicant).where(Applicant.phone_hash == keyed_hash(number, "phone"))).one_or_none()
    if applicant is None:
        raise CodeDead()
    applicant.password_hash, applicant.failed_sign_ins, applicant.locked_until = hash_password(password), 0, None
    audit.record(session, "applicant.password_reset", f"applicant:{applicant.id}")
    return applicant


def change_password(session: Session, applicant_id: int, *, old: str, new: str) -> None:
    """Raises WrongPassword or InvalidAnswers. The caller ends the account's other sessions."""
    applicant = session.get_one(Applicant, applicant_id)
    if not passwords.is_right(applicant.password_hash, old or ""):
        raise WrongPassword()
    if weak := password_problem(new or "", phone=applicant.phone):
        raise InvalidAnswers({"password": weak})
    applicant.password_hash = hash_password(new)
    audit.record(session, "applicant.password_changed", f"applicant:{applicant.id}")
