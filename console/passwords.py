"""Passwords of both doors: what is too weak to be one, how they are kept, how one is compared.

Length is what counts (NIST SP 800-63B, ASVS 6.2): no rules about kinds of characters, no forced change, paste is welcome, and what was
typed is compared as it was typed. Kept as argon2id; an older hash (scrypt, from before both doors shared this module) still opens, and
whoever signs in with one has it made again.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

from console.errors import N_, ConsoleError

# twelve for those who decide about others; ten for the owner of one file, whose code by phone is asked as well
STAFF_LEAST, APPLICANT_LEAST, MOST = 12, 10, 200
_HOW_LONG = {
    STAFF_LEAST: N_("密码至少 12 个字符。几个词连起来就好记。"),
    APPLICANT_LEAST: N_("密码至少 10 个字符。几个词连起来就好记。"),
}
TOO_LONG = N_("密码最多 200 个字符。")
GUESSABLE = N_("这个密码太容易猜到，请换一个。")

_hasher = PasswordHasher()
# compared for a name nobody has, so that known and unknown take equally long: of a password that was made, hashed and forgotten;
# written down because making it takes longer than importing this module (a test holds its cost to the hasher's)
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$olYBF3zm7Q3BXxEyDi+JMg$tFCHDzD/w2Vm7pj64RtnHFmT4FXTUfOiNeTuliUuYbw"


class WeakPassword(ConsoleError):
    """Says what `problem()` found."""

    status = 422

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.message = problem  # type: ignore[misc]  # a sentence of this module's


class WrongPassword(ConsoleError):
    message = N_("现在的密码不对，密码没有修改。")
    status = 422


@cache
def _commonest() -> frozenset[str]:
    path = Path(__file__).parent / "commonest_passwords.txt"
    return frozenset(line for line in path.read_text(encoding="utf-8").split() if not line.startswith("#"))


def problem(password: str, *, least: int, about: str = "") -> str | None:
    """Why this password will not do, or None. `about`: the owner's user name or phone, which it must not be made of."""
    if len(password) < least:
        return _HOW_LONG[least]
    if len(password) > MOST:
        return TOO_LONG
    plain = password.casefold()
    # "Password2026!" is "password" to whoever guesses
    core = re.sub(r"[\W\d_]+", "", plain) or plain
    if len(set(plain)) < 5 or plain.isdecimal() or {plain, core} & _commonest():
        return GUESSABLE
    about = about.casefold()
    # a name of three letters may well be part of a sentence; a password that is the name with a year behind it may not
    if about and (core == about or plain == about or (len(about) > 5 and about in plain)):
        return GUESSABLE
    return None


def check_strength(password: str, *, username: str) -> None:
    """A staff password. Raise WeakPassword."""
    if found := problem(password, least=STAFF_LEAST, about=username):
        raise WeakPassword(found)


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Compare, in the same time whether there is an account with a password or not."""
    given = password[: MOST + 1]  # none is kept that is longer
    if stored and stored.startswith("scrypt:"):
        return check_password_hash(stored, given)
    try:
        return _hasher.verify(stored or _NOBODYS, given) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_old(stored: str) -> bool:
    """True for a hash that today would be made otherwise: make it again while the password is at hand."""
    return stored.startswith("scrypt:") or _hasher.check_needs_rehash(stored)
