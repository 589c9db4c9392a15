"""两步验证: a code from the person's own device beside the password (RFC 6238), and ten recovery codes for the day it is not at hand.

A code works once and one step early or late; real time counts, not the simulated clock. Who must use it is a setting (`TOTP_FOR`).
Secrets are encrypted, recovery codes kept as keyed hashes. Every write is audited; nothing here commits.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest

import pyotp
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import TotpFor
from console import audit
from console.accounts import session_rows
from console.accounts.models import StaffAccount
from console.accounts.session_rows import real_now
from console.errors import N_, Conflict, ConsoleError
from console.roles import ROLES, Act, Role
from console.secrecy import keyed_hash

SECONDS, SKEW = 30, 1
RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is taken for another


class WrongCode(ConsoleError):
    message = N_("验证码不对，或者已经用过。请等验证器换出下一个再输入，并核对手机时间。")
    status = 422


class TwoFactorOn(Conflict):
    message = N_("两步验证已经启用了。")


class TwoFactorNeeded(ConsoleError):
    message = N_("您的账号必须使用两步验证，不能关闭；可以换一部手机重新设置。")
    status = 422


@dataclass(frozen=True)
class Passed:
    """`by`: totp or recovery; `left`: recovery codes that still work."""

    by: str
    left: int


def required(rule: TotpFor, roles: Iterable[Role | str]) -> bool:
    """True when somebody with these roles must have a second step. Administrators are those who may give grants."""
    if rule is TotpFor.ADMINS:
        return any(Act.GRANT in ROLES[Role(role)].acts for role in roles)
    return rule is TotpFor.EVERYONE


def is_on(account: StaffAccount) -> bool:
    return account.totp_confirmed_at is not None


def locked_account(session: Session, staff_id: int) -> StaffAccount:
    """The account, locked: a code and a recovery code are used by one request only."""
    return session.scalars(
        select(StaffAccount).where(StaffAccount.staff_id == staff_id).with_for_update(of=StaffAccount).execution_options(populate_existing=True)
    ).one()


# ── setting it up ────────────────────────────────────────────────────────────────────────────────────────────


def begin(session: Session, staff_id: int) -> None:
    """Make a secret that waits to be confirmed; what is on stays on until then."""
    account = locked_account(session, staff_id)
    if is_on(account):
        raise TwoFactorOn()
    account.totp_secret, account.totp_last_step = pyotp.random_base32(), None


def address(account: StaffAccount) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(account.totp_secret or "").provisioning_uri(name=account.username, issuer_name="Ruku 入库")


def confirm(session: Session, staff_id: int, code: str) -> list[str]:
    """Turn it on with the first code of the new device; returns the recovery codes, to be shown this once."""
    account = locked_account(session, staff_id)
    if is_on(account):
        raise TwoFactorOn()
    if account.totp_secret is None or not _use_totp(account, code):
        raise WrongCode()
    account.totp_confirmed_at, account.totp_reset_at = real_now(), None
    audit.record(session, "staff.two_factor_on", f"staff:{staff_id}")
    return _fresh_recovery(session, account)


def renew_recovery(session: Session, staff_id: int) -> list[str]:
    """Ten new recovery codes; the old ones stop working."""
    account = locked_account(session, staff_id)
    if not is_on(account):
        raise Conflict()
    return _fresh_recovery(session, account)


def turn_off(session: Session, staff_id: int, *, must: bool) -> None:
    """The person's own act, after the password. `must`: they may not be without it, only begin anew."""
    if must:
        raise TwoFactorNeeded()
    account = locked_account(session, staff_id)
    clear(account)
    audit.record(session, "staff.two_factor_off", f"staff:{staff_id}")


def change_device(session: Session, staff_id: int) -> None:
    """Begin anew, after the password: the old device stops working, and the next page asks for the new one."""
    account = locked_account(session, staff_id)
    clear(account)
    account.totp_secret = pyotp.random_base32()
    audit.record(session, "staff.two_factor_off", f"staff:{staff_id}", reason="change of device")


def reset(session: Session, account: StaffAccount, *, reason: str) -> None:
    """An administrator's act (`people` asks whether they may): the person signs in with the password and is told. Ends their sessions."""
    clear(account)
    account.totp_reset_at = real_now()
    session_rows.end_of(session, account.staff_id, why="two_factor_reset")
    audit.record(session, "staff.two_factor_reset", f"staff:{account.staff_id}", reason=reason)


def clear(account: StaffAccount) -> None:
    """Take device and recovery codes away; whoever calls says so in the audit."""
    account.totp_secret = account.totp_confirmed_at = account.totp_last_step = None
    account.recovery_codes = []


# ── using it ─────────────────────────────────────────────────────────────────────────────────────────────────


def check(session: Session, staff_id: int, code: str) -> Passed:
    """A code of the device or a recovery code, each used up by this; WrongCode otherwise."""
    account = locked_account(session, staff_id)
    if is_on(account):
        if _use_totp(account, code):
            return Passed("totp", len(account.recovery_codes))
        if _use_recovery(account, code):
            audit.record(session, "staff.recovery_code_used", f"staff:{staff_id}", left=len(account.recovery_codes))
            return Passed("recovery", len(account.recovery_codes))
    raise WrongCode()


def _use_totp(account: StaffAccount, code: str) -> bool:
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return False
    made = pyotp.TOTP(account.totp_secret or "")
    now = int(real_now().timestamp()) // SECONDS
    for step in range(now - SKEW, now + SKEW + 1):
        if step > (account.totp_last_step or 0) and compare_digest(made.generate_otp(step), digits):
            account.totp_last_step = step
            return True
    return False


def _use_recovery(account: StaffAccount, code: str) -> bool:
    hashed = _recovery_hash(account.staff_id, code)
    left = [kept for kept in account.recovery_codes if not compare_digest(kept, hashed)]
    if len(left) == len(account.recovery_codes):
        return False
    account.recovery_codes = left
    return True


def _fresh_recovery(session: Session, account: StaffAccount) -> list[str]:
    drawn = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    account.recovery_codes = [_recovery_hash(account.staff_id, code) for code in drawn]
    audit.record(session, "staff.recovery_codes_made", f"staff:{account.staff_id}")
    return [f"{code[:5]}-{code[5:]}" for code in drawn]


def _recovery_hash(staff_id: int, code: str) -> str:
    plain = "".join(character for character in code.casefold() if character.isalnum())
    return keyed_hash(f"{staff_id}:{plain}", "recovery_code")
