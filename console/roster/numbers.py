"""Expert numbers and certificate codes. 17 characters: 10 of the platform, 1 of the pool, 6 in sequence (数据规范 15.1)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from console import codes
from console.errors import N_, Conflict

CODE_LENGTH = 24  # 120 bits


class NumbersUsedUp(Conflict):
    message = N_("专家编号的 6 位顺序号已经用完，请先启用新的库号。")


@dataclass(frozen=True)
class Numbering:
    """`platform`: the platform's 10 characters; `pool`: 1 character, raised when six digits no longer do."""

    platform: str = "1500000001"
    pool: str = "1"

    def __post_init__(self) -> None:
        if len(self.platform) != 10 or len(self.pool) != 1 or not (self.platform + self.pool).isalnum():
            raise ValueError("an expert number begins with 10 letters or digits of the platform and 1 of the pool")


_numbering = Numbering()


def configure(numbering: Numbering) -> None:
    """Once per process, from the settings."""
    global _numbering
    _numbering = numbering


def next_numbers(session: Session, count: int) -> list[str]:
    """That many expert numbers, one statement; a number once taken is never given again, also when nobody gets it."""
    taken = session.scalars(
        text("SELECT nextval('roster_number_seq') FROM generate_series(1, :count)"), {"count": count}
    ).all()
    if taken and max(taken) > 999_999:
        raise NumbersUsedUp()
    return [f"{_numbering.platform}{_numbering.pool}{number:06d}" for number in taken]


def new_code() -> str:
    """A certificate code nobody can guess from another one."""
    return codes.drawn(CODE_LENGTH)
