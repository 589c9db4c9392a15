"""How people want to be told: what of which channel, when nothing may ring, where mail reaches them. Their own choice only."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.accounts.models import StaffAccount
from console.applications.models import Applicant
from console.applications.registration import is_email
from console.errors import N_, InvalidAnswers, NotAllowed
from console.notifications.kinds import CHANNELS, KINDS, Reach, muting
from console.post import channels
from console.scope import Applicant as Citizen
from console.scope import Principal, Staff
from rules.quiet_hours import QuietHours

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_KNOWN = frozenset(muting(kind, channel) for kind in KINDS for channel in CHANNELS)


def own(session: Session, *, actor: Principal) -> Applicant:
    """The person whose choice it is; nobody chooses for somebody else."""
    if not isinstance(actor, Citizen):
        raise NotAllowed()
    return session.scalars(select(Applicant).where(Applicant.id == actor.id)).one()


def reach_of(person: Applicant) -> Reach:
    return Reach(bool(person.email), person.email_failed_at is not None, tuple(person.muted or ()))


def quiet_of(begins: dt.time | None, ends: dt.time | None) -> QuietHours | None:
    """A person's own quiet hours, or the house's."""
    if begins is None or ends is None:
        return channels.settings().quiet_hours
    return QuietHours(begins, ends)


def choose(session: Session, *, wanted: Collection[str], quiet_from: str, quiet_until: str, actor: Principal) -> Applicant:
    """Write down what this person wants, as `kind:channel` of what is on, and their quiet hours; empty hours are the house's.

    Of decisions and deadlines one working channel stays on; a channel without an address keeps what was chosen for it before.
    """
    person = own(session, actor=actor)
    reach, problems = reach_of(person), {}
    if not _KNOWN.issuperset(wanted):
        problems["wanted"] = N_("没有这一种函件或渠道，请刷新页面再选。")
    there = {muting(kind, channel) for kind in KINDS for channel in reach.addresses}
    muted = (there - set(wanted)) | (set(reach.muted) - there)
    for kind in KINDS:
        if kind.must and all(muting(kind, channel) in muted for channel in reach.addresses):
            problems[kind.name] = N_("决定和期限要有一条路通知到您：请至少留一个渠道。")
    hours = _hours(quiet_from, quiet_until, problems)
    if problems:
        raise InvalidAnswers(problems)
    before = (sorted(person.muted or ()), str(quiet_of(person.quiet_from, person.quiet_until)))
    person.muted = sorted(muted) or None
    person.quiet_from, person.quiet_until = hours or (None, None)
    after = (sorted(person.muted or ()), str(quiet_of(person.quiet_from, person.quiet_until)))
    if before != after:
        audit.record(session, "applicant.chose_channels", f"applicant:{person.id}", changes={"muted": [before[0], after[0]], "quiet": [before[1], after[1]]})
    session.flush()
    return person


def _hours(begins: str, ends: str, problems: dict[str, str]) -> tuple[dt.time, dt.time] | None:
    if not begins and not ends:
        return None
    times: dict[str, dt.time] = {}
    for name, text in (("quiet_from", begins), ("quiet_until", ends)):
        if found := _TIME.fullmatch(text):
            hour, minute = map(int, found.groups())
            times[name] = dt.time(hour, minute)
        else:
            problems[name] = N_("请写成 22:00 这样的时间。")
    if len(times) == 2 and times["quiet_from"] == times["quiet_until"]:
        problems["quiet_until"] = N_("开始和结束不能是同一时间。")
    return None if problems else (times["quiet_from"], times["quiet_until"])


def correct_email(session: Session, email: str, *, actor: Principal) -> Applicant:
    """Write down another address, or none; mail goes there from now on, and what came back of the old one is no longer held against it."""
    person = own(session, actor=actor)
    email = email.strip()
    if email and not is_email(email):
        raise InvalidAnswers({"email": N_("邮箱地址不完整，请核对；没有可以不填。")})
    if email != (person.email or ""):
        changes = {"email": [audit.fingerprint(person.email), audit.fingerprint(email or None)]}
        person.email, person.email_failed_at, person.email_changed_at = email or None, None, clock.now(session)
        audit.record(session, "applicant.changed_email", f"applicant:{person.id}", changes=changes)
    session.flush()
    return person


def choose_morning_mail(session: Session, wanted: bool, *, actor: Principal) -> StaffAccount:
    """Whether an officer gets a mail on the morning of each working day; what it is about stands in the console all the same."""
    if not isinstance(actor, Staff):
        raise NotAllowed()
    account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == actor.id)).one()
    if wanted and not account.mail:
        raise InvalidAnswers({"mail": N_("账号里没有邮箱，早报没有地方发。请本部门管理员在您的账号里补上邮箱。")})
    if wanted != bool(account.morning_mail):
        account.morning_mail = wanted or None
        audit.record(session, "staff.chose_morning_mail", f"staff:{account.staff_id}", wanted=wanted)
    session.flush()
    return account
