"""How an officer's absence is said beside their name."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console.reviews import people


def away_words(session: Session, gone: Mapping[int, people.Away]) -> dict[int, str]:
    """What stands beside the name of each of these officers; one statement for the names of delegates."""
    names = people.staff_names(session, [one.delegate_id for one in gone.values()])
    return {
        staff_id: _("缺勤，由%(name)s代办", name=names.get(one.delegate_id, "—")) if one.delegate_id else _("缺勤至 %(day)s", day=one.to_on)
        for staff_id, one in gone.items()
    }
