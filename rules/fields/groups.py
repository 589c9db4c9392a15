"""A repeatable group of fields. Too many entries is an error, never a truncation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StrictInt, model_validator

from rules.documents import Fault
from rules.fact_types import FactType
from rules.fields.bank_account import BankAccountField
from rules.fields.base import Around, BaseField, FieldError, Raw
from rules.fields.choices import BooleanField, ChoiceField, ChoicesField
from rules.fields.dates import DateField, PeriodField
from rules.fields.files import FileField
from rules.fields.identity import IdNumberField, UsccField
from rules.fields.numbers import DecimalField, IntegerField
from rules.fields.places import DivisionField, SpecialtyField
from rules.fields.texts import EmailField, LongTextField, PhoneField, TextField

SimpleField = Annotated[
    TextField | LongTextField | IntegerField | DecimalField | DateField | PeriodField | ChoiceField | ChoicesField | BooleanField
    | IdNumberField | UsccField | PhoneField | EmailField | BankAccountField | DivisionField | SpecialtyField | FileField,
    Field(discriminator="kind"),
]


class GroupField(BaseField):
    kind: Literal["group"]
    fields: Annotated[tuple[SimpleField, ...], Field(min_length=1, max_length=60)]  # type: ignore[assignment]
    min_entries: Annotated[StrictInt, Field(ge=0, le=200)] = 1
    max_entries: Annotated[StrictInt, Field(ge=1, le=200)] = 20

    widget: ClassVar[str] = "group"

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.min_entries > self.max_entries:
            raise Fault(f"min_entries {self.min_entries} 大于 max_entries {self.max_entries}。",
                        f"min_entries {self.min_entries} is above max_entries {self.max_entries}.", ("min_entries",))
        known: set[str] = set()
        for at, field in enumerate(self.fields):
            if field.id in known:
                raise Fault(f"字段“{field.id}”重复出现。", f"The field '{field.id}' appears twice.", ("fields", at, "id"))
            known.add(field.id)
        return self

    @property
    def is_required(self) -> bool:
        return super().is_required and self.min_entries > 0

    @property
    def fact_type(self) -> FactType:
        return FactType("group", self.label, entry={field.id: field.fact_type for field in self.fields}, secret=self.secret, evidence=self.evidence)

    def entries(self, raw: Raw) -> list[dict[str, Any]]:
        """The raw entries, without those left wholly empty; raises FieldError for their number or shape, not their content."""
        if raw is None or raw == "":
            return []
        if not isinstance(raw, (list, tuple)) or not all(isinstance(entry, dict) for entry in raw):
            raise FieldError("内容无法识别，请重新填写。", "This could not be read; please fill it in again.")
        entries = [entry for entry in raw if not all(_empty(value) for value in entry.values())]
        if len(entries) > self.max_entries:
            raise FieldError(f"最多填写 {self.max_entries} 条，现为 {len(entries)} 条，请删去多余的。",
                             f"At most {self.max_entries} entries; found {len(entries)}. Please remove some.")
        return entries

    def parse(self, raw: Raw, around: Around) -> list[dict[str, Any]] | None:
        """All entries, or the first error with its path; `rules.forms` asks field by field and reports every one."""
        values = []
        for at, entry in enumerate(self.entries(raw)):
            value = {}
            for field in self.fields:
                try:
                    value[field.id] = field.parse(entry.get(field.id), around)
                except FieldError as error:
                    raise FieldError(error.zh, error.en, (at, field.id, *error.path)) from None
            values.append({key: one for key, one in value.items() if one is not None})
        return values or None

    def show(self, value: Any, lang: str = "zh") -> str:
        if not isinstance(value, list):
            return ""
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}" if lang == "en" else f"{len(value)} 条"

    def json_schema(self) -> dict[str, Any]:
        entry = {"type": "object", "additionalProperties": False, "properties": {field.id: field.json_schema() for field in self.fields}}
        return {"type": "array", "title": self.label.zh, "maxItems": self.max_entries, "items": entry}


def _empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_empty(one) for one in value.values())
    return value is None or value == "" or value == []
