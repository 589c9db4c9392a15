"""What a register's row points at: a row of another register, an officer, a department. Forms of applicants have none of these."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import re2
from pydantic import Field

from rules.fact_types import FactType
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen
from rules.parts import Id

_NUMBER = re2.compile(r"[0-9]{1,9}")
_DEPARTMENT = re2.compile(r"[a-z][a-z0-9_]{0,39}")

RoleName = Literal["first_reviewer", "second_reviewer", "coordinator", "rule_editor", "rule_publisher", "department_admin", "platform_admin"]


class _PointingField(BaseField):
    """The answer is the number of a row; whether it is there, and in the reader's scope, is asked of the database."""

    widget: ClassVar[str] = "lookup"

    @property
    def fact_type(self) -> FactType:
        return FactType("number", self.label, whole=True, secret=self.secret)

    def parse(self, raw: Raw, around: Around) -> int | None:
        if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
            return raw
        text = as_text(raw, longest=40, wide=True)
        if text is None:
            return None
        if _NUMBER.fullmatch(text) is None or int(text) == 0:
            raise FieldError(f"“{seen(text)}”不是列表中的一项，请从列表中选择。", f"'{seen(text)}' is not in the list; please choose from it.")
        return int(text)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "title": self.label.zh, "minimum": 1}


class ReferenceField(_PointingField):
    """A row of another register: of the same folder, else of the centre's."""

    kind: Literal["reference"]
    to: Id


class StaffField(_PointingField):
    """An officer; with `roles` only who holds one of them."""

    kind: Literal["staff"]
    roles: Annotated[tuple[RoleName, ...], Field(max_length=10)] = ()


class DepartmentField(BaseField):
    """A competent department, by its code."""

    kind: Literal["department"]

    widget: ClassVar[str] = "lookup"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=40)
        if text is not None and _DEPARTMENT.fullmatch(text) is None:
            raise FieldError(f"没有代码为“{seen(text)}”的主管部门，请从列表中选择。", f"There is no department '{seen(text)}'; please choose from the list.")
        return text


