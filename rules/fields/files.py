"""Evidence: references to stored files by hash. What a file really contains was looked at when it was stored."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import re2
from pydantic import Field, StrictInt

from rules.fact_types import FactType
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen

_HASH = re2.compile(r"[0-9a-f]{64}")
TYPES = {
    "pdf": ("application/pdf",), "jpg": ("image/jpeg",), "png": ("image/png",),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}


class FileField(BaseField):
    kind: Literal["file"]
    accept: Annotated[tuple[Literal["pdf", "jpg", "png", "docx", "xlsx"], ...], Field(min_length=1)] = ("pdf", "jpg", "png")
    max_count: Annotated[StrictInt, Field(ge=1, le=50)] = 1
    max_mb: Annotated[StrictInt, Field(ge=1, le=100)] = 10

    widget: ClassVar[str] = "file"

    @property
    def fact_type(self) -> FactType:
        return FactType("files", self.label, secret=self.secret, evidence=(self.id, *self.evidence))

    @property
    def types(self) -> tuple[str, ...]:
        """The MIME types that may stand behind this field."""
        return tuple(mime for kind in self.accept for mime in TYPES[kind])

    def parse(self, raw: Raw, around: Around) -> list[dict[str, Any]] | None:
        if raw is None or raw == "" or raw == []:
            return None
        if isinstance(raw, dict):
            raw = [raw]
        if not isinstance(raw, (list, tuple)):
            raise FieldError("请重新上传材料。", "Please upload the file again.")
        if len(raw) > self.max_count:
            raise FieldError(f"最多上传 {self.max_count} 份，现为 {len(raw)} 份，请删去多余的。", f"At most {self.max_count} files; found {len(raw)}. Please remove some.")
        files: list[dict[str, Any]] = []
        for at, one in enumerate(raw):
            file = self._one(one, at)
            if file["hash"] not in {known["hash"] for known in files}:
                files.append(file)
        return files

    def _one(self, one: Any, at: int) -> dict[str, Any]:
        if not isinstance(one, dict) or not isinstance(one.get("hash"), str) or _HASH.fullmatch(one["hash"]) is None:
            raise FieldError("请重新上传材料。", "Please upload the file again.", (at,))
        name = as_text(one.get("name"), longest=255) or "file"
        size, mime = one.get("size"), one.get("type")
        if mime not in self.types:
            kinds = "、".join(self.accept)
            raise FieldError(f"“{seen(name)}”不是可接受的文件种类，请上传 {kinds}。", f"'{seen(name)}' is not an accepted kind; upload {kinds}.", (at,))
        if type(size) is not int or size <= 0:
            raise FieldError(f"“{seen(name)}”是空文件，请重新上传。", f"'{seen(name)}' is empty; please upload it again.", (at,))
        if size > self.max_mb * 1024 * 1024:
            raise FieldError(f"“{seen(name)}”超过 {self.max_mb} MB，请压缩后上传。", f"'{seen(name)}' is larger than {self.max_mb} MB; please make it smaller.", (at,))
        return {"hash": one["hash"], "name": name, "size": size, "type": mime}

    def show(self, value: Any, lang: str = "zh") -> str:
        if not isinstance(value, list):
            return ""
        return (", " if lang == "en" else "、").join(str(file.get("name")) for file in value if isinstance(file, dict))

    def json_schema(self) -> dict[str, Any]:
        one = {"type": "object", "required": ["hash", "name", "size", "type"], "additionalProperties": False, "properties": {
            "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "name": {"type": "string", "maxLength": 255},
            "size": {"type": "integer", "minimum": 1}, "type": {"enum": list(self.types)}}}
        return {"type": "array", "title": self.label.zh, "maxItems": self.max_count, "items": one}
