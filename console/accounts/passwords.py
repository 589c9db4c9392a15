"""Passwords of staff: how they are hashed, and what is too weak to be one."""

from __future__ import annotations

from werkzeug.security import check_password_hash, generate_password_hash

from console.errors import N_, ConsoleError

MIN_PASSWORD = 10
# the cost of a wrong name equals the cost of a wrong password; of a password that was made, hashed and forgotten, so that an
# account without a password opens to no one (a test holds its cost to werkzeug's)
_NOBODY = (
    "scrypt:32768:8:1$uI4Hw1uEAPYfU2ad$2cda77bb1d9508d872969faf0dbfa0af6cca8d402ad7cf1ebd4960567483f16"
    "06e127df6f04bb59fa7579636a160fc48d007136633c337805c320fa8468f20d9"
)


class WeakPassword(ConsoleError):
    message = N_("新密码至少 %(least)s 个字符，不能全是数字，也不能与用户名相同。")
    status = 422


class WrongPassword(ConsoleError):
    message = N_("原密码不对，密码没有修改。")
    status = 422


def hash_password(password: str) -> str:
    return generate_password_hash(password)


def check_strength(password: str, *, username: str) -> None:
    """Raise WeakPassword."""
    if len(password) < MIN_PASSWORD or password.isdecimal() or password.casefold() == username.casefold():
        raise WeakPassword(least=MIN_PASSWORD)


def is_right(stored: str | None, password: str) -> bool:
    """Compare in the same time whether there is an account with a password or not."""
    return check_password_hash(stored or _NOBODY, password)
