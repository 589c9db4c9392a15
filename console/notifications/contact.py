"""Where a person can be reached: another phone or mailbox counts from the moment its owner has shown a code that was sent there; until then the
one before stays in use. The phone is also what people sign in with, so its change asks for the password, and it belongs to one account."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console import audit, clock, passwords
from console.applications import registration
from console.applications.models import Applicant
from console.errors import N_, InvalidAnswers
from console.notifications import account_notices
from console.notifications.account_notices import EMAIL_CHANGED, EMAIL_DROPPED, PHONE_CHANGED
from console.notifications.preferences import own, reach_of
from console.passwords import WrongPassword
from console.post.channels import MAIL, SMS
from console.scope import Principal
from console.secrecy import keyed_hash

PHONE, EMAIL = "phone", "email"
PURPOSE = "change"


def ask(session: Session, kind: str, typed: str, *, password: str = "", proved: bool = False, send: Callable[[str, str], None], actor: Principal) -> str:
    """Have a code sent to another phone or mailbox, and return it as it is to be confirmed. Whether a number belongs to another account
    is not said here. `proved`: the same was asked for before, with the password. Raises InvalidAnswers, WrongPassword (of a phone) or TooMany."""
    person = own(session, actor=actor)
    address = _checked(kind, typed)
    if address == (person.phone if kind == PHONE else person.email) and not (kind == EMAIL and person.email_failed_at):
        raise InvalidAnswers({kind: N_("和现在的一样，不用改。")})
    if kind == PHONE and not (proved and registration.was_asked(session, address, PURPOSE, applicant_id=person.id)) and not passwords.is_right(person.password_hash, password):
        raise WrongPassword()
    send(address, registration.make_code(session, address, PURPOSE, applicant_id=person.id))
    audit.record(session, "applicant.asked_phone" if kind == PHONE else "applicant.asked_email", f"applicant:{person.id}", address=audit.fingerprint(address))
    return address


def confirm(session: Session, kind: str, address: str, code: str, *, actor: Principal) -> Applicant:
    """Be reached there from now on, and say so where the person was reached until now. Raises CodeWrong, CodeDead (the caller commits the count), or
    PhoneTaken, to whoever has just proved to hold that phone."""
    person = own(session, actor=actor)
    address = _checked(kind, address)
    registration.use_code(session, address, code, PURPOSE, applicant_id=person.id)
    now = clock.now(session)
    before = person.phone if kind == PHONE else person.email
    reached = [*account_notices.where_now(person, SMS if kind == PHONE else MAIL)]
    if kind == PHONE:
        reached += account_notices.where_now(person, MAIL)
        try:
            with session.begin_nested():
                person.phone, person.phone_hash = address, keyed_hash(address, "phone")
                person.phone_changed_at, person.phone_failed_at = now, None
                person.failed_sign_ins, person.locked_until = 0, None
                session.flush()
        except IntegrityError:
            raise registration.PhoneTaken() from None
    else:
        person.email, person.email_changed_at, person.email_failed_at = address, now, None
    act = "applicant.changed_phone" if kind == PHONE else "applicant.changed_email"
    audit.record(session, act, f"applicant:{person.id}", changes={kind: [audit.fingerprint(before), audit.fingerprint(address)]})
    account_notices.tell(session, person, PHONE_CHANGED if kind == PHONE else EMAIL_CHANGED, to=reached)
    return person


def drop_email(session: Session, *, actor: Principal) -> Applicant:
    """Be reached by mail no more. What can be told by short message only is then told so."""
    person = own(session, actor=actor)
    if person.email:
        if not reach_of(person).works_without(MAIL):
            raise InvalidAnswers({EMAIL: N_("您的手机收不到短信，邮箱是唯一的联系方式，不能删去。请先改手机号。")})
        reached, before = account_notices.where_now(person, MAIL), person.email
        person.email, person.email_changed_at, person.email_failed_at = None, clock.now(session), None
        audit.record(session, "applicant.changed_email", f"applicant:{person.id}", changes={"email": [audit.fingerprint(before), None]})
        account_notices.tell(session, person, EMAIL_DROPPED, to=reached)
    session.flush()
    return person


def _checked(kind: str, typed: str) -> str:
    if kind == PHONE:
        return registration.checked_phone(typed)
    address = typed.strip()
    if not registration.is_email(address):
        raise InvalidAnswers({EMAIL: N_("邮箱地址不完整，请核对。")})
    return address
