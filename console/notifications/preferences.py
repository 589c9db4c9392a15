"""How people want to be told: what of which channel, and when nothing may ring. Their own choice only; where they are reached is `contact`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit
from console.accounts.models import StaffAccount
from console.applications.models import Applicant
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
    return Reach(bool(person.email), person.email_failed_at is not None, tuple(person.muted or ()), person.phone_failed_at is not None)


class Quiet(Protocol):
    """What is kept of a person's quiet hours; a row of these columns will do."""

    @property
    def quiet_from(self) -> dt.time | None: ...
    @property
    def quiet_until(self) -> dt.time | None: ...
    @property
    def quiet_off(self) -> bool | None: ...


def quiet_of(person: Quiet) -> QuietHours | None:
    """A person's own quiet hours, none, or the house's."""
    if person.quiet_off:
        return None
    if person.quiet_from is None or person.quiet_until is None:
        return channels.settings().quiet_hours
    return QuietHours(person.quiet_from, person.quiet_until)


def choose(session: Session, *, wanted: Collection[str], quiet_from: str, quiet_until: str, quiet_off: bool = False, actor: Principal) -> Applicant:
    """Write down what this person wants, as `kind:channel` of what is on, and their quiet hours: their own, none (`quiet_off`, whatever hours say), or the house's
    (empty hours).

    Of decisions and deadlines one working channel stays on; a channel without an address keeps what was chosen for it before.
    """
    person = own(session, actor=actor)
    reach, problems = reach_of(person), {}
    if not _KNOWN.issuperset(wanted):
        problems["wanted"] = N_("没有这一种函件或渠道，请刷新页面再选。")
    there = {muting(kind, channel) for kind in KINDS for channel in reach.addresses}
    muted = (there - set(wanted)) | (set(reach.muted) - there)
    for kind in KINDS:
        if kind.must and reach.addresses and all(muting(kind, channel) in muted for channel in reach.addresses):
            problems[kind.name] = N_("决定和期限要有一条路通知到您：请至少留一个渠道。")
    hours = None if quiet_off else _hours(quiet_from, quiet_until, problems)
    if problems:
        raise InvalidAnswers(problems)
    before = (sorted(person.muted or ()), str(quiet_of(person)))
    person.muted = sorted(muted) or None
    person.quiet_from, person.quiet_until = hours or (None, None)
    person.quiet_off = quiet_off or None
    after = (sorted(person.muted or ()), str(quiet_of(person)))
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
