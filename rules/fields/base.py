"""What every field kind has in common; a kind adds `parse`, `show`, `json_schema`, `fact_type` and its widget's name.

Nothing here knows HTML: `widget` is a name that the portal and the console turn into one of their macros.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field as Pydantic

from rules.documents import Path
from rules.fact_types import FactType
from rules.parts import Flag, Id, Part, Words

Raw = Any


class FieldError(ValueError):
    """An answer that cannot be taken: what was seen and what to do, in both languages; `path` leads into a group."""

    def __init__(self, zh: str, en: str, path: Path = ()):
        super().__init__(zh)
        self.zh, self.en, self.path = zh, en, path


@dataclass(frozen=True, slots=True)
class Around:
    """What an answer is checked against besides its declaration; None for a list nobody gave, which is then not checked."""

    today: date
    divisions: Container[str] | None = None
    specialties: Container[tuple[str, str]] | None = None


class BaseField(Part):
    """One question of a form. `parse` answers the stored JSON value, or None for an empty answer."""

    if TYPE_CHECKING:
        kind: str  # each class names its own; a document chooses the class by it

    id: Id
    label: Words
    help: Words | None = None
    required: Flag | None = None
    show_when: Any = None
    required_when: Any = None
    secret: Flag = False
    evidence: Annotated[tuple[Id, ...], Pydantic(max_length=20)] = ()

    widget: ClassVar[str] = "text"

    @property
    def is_required(self) -> bool:
        """Required whenever it is shown: the default, unless `required_when` decides."""
        return self.required if self.required is not None else self.required_when is None

    @property
    def fact_type(self) -> FactType:
        return FactType("text", self.label, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> Any:
        raise NotImplementedError

    def show(self, value: Any, lang: str = "zh") -> str:
        return "" if value is None else str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh}


def as_text(raw: Raw, *, longest: int, lines: bool = False, wide: bool = False) -> str | None:
    """The raw answer as trimmed text; None when empty. `wide` also turns full-width letters and digits into plain ones."""
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        raise FieldError("此处应填写文字，收到的内容无法识别，请重新填写。", "Text is expected here; what arrived could not be read. Please fill it in again.")
    text = str(raw)
    if len(text) > longest * 4 + 1000:
        raise FieldError(f"内容共 {len(text)} 个字符，最多 {longest} 个，请删减。", f"{len(text)} characters; at most {longest} are allowed. Please shorten it.")
    text = unicodedata.normalize("NFKC" if wide else "NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()
    for char in text:
        if (unicodedata.category(char) in ("Cc", "Cs") and not (lines and char in "\n\t")) or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            raise FieldError(f"含有不可见的控制字符（U+{ord(char):04X}），请重新录入。", f"It contains an invisible control character (U+{ord(char):04X}); please type it again.")
    if len(text) > longest:
        raise FieldError(f"内容共 {len(text)} 个字符，最多 {longest} 个，请删减。", f"{len(text)} characters; at most {longest} are allowed. Please shorten it.")
    return text or None


def seen(raw: Raw) -> str:
    """A short, safe quotation of what was typed."""
    text = "".join(char for char in str(raw)[:60] if char.isprintable())
    return text if len(text) <= 30 else text[:30] + "…"


MaxCount = Pydantic(default=1, ge=1, le=100)
