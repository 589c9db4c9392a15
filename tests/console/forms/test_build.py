"""The buttons that change a form and save nothing."""

from __future__ import annotations

from typing import Any

import pytest

from console.forms.build import rearrange
from console.forms.fields import SectionForm
from rules.fields import GroupField, TextField

NAMES = ["其木格", "乌兰", "李强"]


def form() -> Any:
    group = GroupField.model_validate({
        "id": "staff", "kind": "group", "label": {"zh": "人员", "en": "Staff"}, "max_entries": 4,
        "fields": [{"id": "name", "kind": "text", "label": {"zh": "姓名", "en": "Name"}, "max_length": 50}],
    })  # fmt: skip
    note = TextField.model_validate({"id": "note", "kind": "text", "label": {"zh": "说明", "en": "Note"}, "max_length": 50})
    return type("Trial", (SectionForm,), {"rules": (group, note), "start": ""})(None, {"staff": [{"name": name} for name in NAMES]})


@pytest.mark.parametrize(
    ("do", "left"),
    [("add:staff", [*NAMES, ""]), ("remove:staff.1", ["其木格", "李强"]), ("remove:staff.3", NAMES), ("remove:staff.x", NAMES),
     ("remove:staff.²", NAMES), ("remove:note.0", NAMES), ("add:other", NAMES), ("add:staff.0", NAMES)],
)  # fmt: skip
def test_a_group_gains_and_loses_an_entry_and_nothing_else(do, left):
    made = form()

    assert rearrange(made, do)

    group = made.find("staff")
    assert [entry["name"] or "" for entry in group.data] == left
    assert [field.path for field in group.fields()] == [f"staff.{at}.name" for at in range(len(left))]


def test_a_full_group_does_not_grow_and_another_button_is_none_of_these():
    made = form()
    assert [rearrange(made, "add:staff") for _time in range(3)] == [True] * 3
    assert len(made.find("staff").entries) == 4
    assert not rearrange(made, "save") and not rearrange(made, "drop:abc")
