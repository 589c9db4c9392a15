"""Papers that rows of registers name stay in the store, whoever else handed them in and is forgotten."""

from __future__ import annotations

from sqlalchemy import Text, cast, func, literal_column, select
from sqlalchemy.orm import Session

from console.erasure import Rule
from console.registers.loading import current

RETENTION: tuple[Rule, ...] = ()  # what a register says of `keep_years` is not carried out so far


def names_content(session: Session, hash_: str) -> bool:
    """Whether a row of any register names the paper of this hash: in a field, in an entry of a group, or in a hidden column."""
    for one in current():
        whole_row = cast(func.to_jsonb(literal_column(one.declared.table)), Text)
        if session.scalar(select(one.rows.id).where(whole_row.contains(hash_, autoescape=True)).limit(1)) is not None:
            return True
    return False
