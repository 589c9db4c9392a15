"""Two screens of the tests' own, over tables that real grants are guarded in: everything a declaration can ask for, and nothing but reading."""

from __future__ import annotations

from console.accounts.models import StaffGrant
from console.crud.screen import MANAGE, RowAction, Screen
from console.departments.models import Office
from console.errors import Conflict
from console.roles import Role

ADMIN = frozenset({Role.PLATFORM_ADMIN})
ROLES = [("supervisor", "监督员"), ("operator", "运维员")]


class NoGrants(Conflict):
    message = "测试：%(what)s 不能保存。"


class Extras:
    """A room's extension: one hook that refuses."""

    def pre_add(self, row):
        if row.reason == "refuse":
            raise NoGrants(what=row.reason)

    pre_update = pre_add

    def name_of(self, row):
        return f"授权 {row.reason}"


DONE: list[tuple[int, ...]] = []


def _mark(session, rows, *, actor, why):
    DONE.append(tuple(row.id for row in rows))
    for row in rows:
        row.reason = why
    return "标好了"


FORM = ("staff_id", "role", "department", "division", "valid_from", "reason", "granted_by", "granted_at")
GRANTS = Screen(
    "t-grants", StaffGrant, title="测试授权", menu=MANAGE,
    columns=("id", "role", "department", "division", "reason", "valid_to"), optional=("granted_by",), show=(*FORM, "valid_to"), add=FORM, edit=("department", "reason"),
    delete=True, search=("reason",), filters=("role", "department", "valid_from"), order="-id", choices={"role": lambda: ROLES},
    read=ADMIN, write=ADMIN, extend=Extras, page_size=5,
    actions=(RowAction("mark", "标记", _mark, roles=ADMIN, consequence="会改理由。", fields={"why": "为什么"}),),
)  # fmt: skip
OFFICES = Screen(
    "t-offices", Office, title="测试机构", menu=None, columns=("name", "department.name", "division"), search=("name",),
    filters=("division", "level", "is_coordinating"), read=ADMIN, read_only=True,
)  # fmt: skip
