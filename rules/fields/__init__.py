"""The kinds of field: parse, check, show, storage shape, widget name, JSON Schema, fact type. A new kind is one file here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field as _Field

from rules.fields.bank_account import BankAccountField, luhn
from rules.fields.base import Around, BaseField, FieldError
from rules.fields.choices import BooleanField, ChoiceField, ChoicesField, Option
from rules.fields.dates import DateField, PeriodField
from rules.fields.files import FileField
from rules.fields.groups import GroupField, SimpleField
from rules.fields.identity import IdNumberField, UsccField, birth_date, check_digit, sex
from rules.fields.numbers import DecimalField, IntegerField
from rules.fields.places import DivisionField, SpecialtyField, division_level
from rules.fields.references import DepartmentField, ReferenceField, StaffField
from rules.fields.texts import EmailField, LongTextField, PhoneField, TextField

Field = Annotated[
    TextField | LongTextField | IntegerField | DecimalField | DateField | PeriodField | ChoiceField | ChoicesField | BooleanField
    | IdNumberField | UsccField | PhoneField | EmailField | BankAccountField | DivisionField | SpecialtyField | FileField | GroupField,
    _Field(discriminator="kind"),
]

#: a register's rows may also point at rows, officers and departments
RegisterField = Annotated[
    TextField | LongTextField | IntegerField | DecimalField | DateField | PeriodField | ChoiceField | ChoicesField | BooleanField
    | IdNumberField | UsccField | PhoneField | EmailField | BankAccountField | DivisionField | SpecialtyField | FileField | GroupField
    | ReferenceField | StaffField | DepartmentField,
    _Field(discriminator="kind"),
]

__all__ = [
    "Around", "BankAccountField", "BaseField", "BooleanField", "ChoiceField", "ChoicesField", "DateField", "DecimalField", "DepartmentField", "DivisionField",
    "EmailField", "Field", "FieldError", "FileField", "GroupField", "IdNumberField", "IntegerField", "LongTextField", "Option",
    "PeriodField", "PhoneField", "ReferenceField", "RegisterField", "SimpleField", "SpecialtyField", "StaffField", "TextField", "UsccField", "birth_date", "check_digit",
    "division_level", "luhn", "sex",
]
