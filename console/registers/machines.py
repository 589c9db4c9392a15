"""A register's rows for programs: what is sent goes to the room's own service, and the declaration's fields say what they take."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from console.doors.preferences import language
from console.registers import services
from console.registers.loading import Loaded
from console.scope import current
from rules.fields import FileField


class ForMachines:
    """Stands in for the form where `console.crud.api_writing` would fill in one. Files are sent on the page alone."""

    one_register: ClassVar[Loaded]

    def given_fields(self) -> list[tuple[str, str, dict[str, Any], bool]]:
        """Name, title, JSON Schema and whether it must be there, of what a program may send."""
        fields = self.one_register.declared.fields
        return [
            (name, field.label.show(language()), {**field.json_schema(), "title": field.label.show(language())}, field.is_required)
            for name, field in fields.items() if not isinstance(field, FileField)
        ]  # fmt: skip

    def enter_given(self, session: Session, given: Mapping[str, Any]) -> Any:
        return services.enter(session, self.one_register, _raw(given), actor=current()).row

    def change_given(self, session: Session, row: Any, given: Mapping[str, Any]) -> Any:
        """Only what is given; the caller has compared the row already."""
        return services.change(session, self.one_register, row, _raw(given), actor=current(), version=None).row


def _raw(value: Any) -> Any:
    """JSON as the fields read it: decimals as they were written, a related row by its key."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return value["_key"] if set(value) in ({"_key"}, {"_key", "name"}) else {name: _raw(one) for name, one in value.items()}
    return [_raw(one) for one in value] if isinstance(value, list) else value
