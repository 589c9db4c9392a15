"""What checks say about a bundle: remarks, with a stable code, a place, and a concrete example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.bundle import Bundle
from rules.checks.codes import CODES, Severity
from rules.documents import Path, Problems, dotted


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to correct (`error`: the bundle cannot be published) or to look at (`warning`).

    `line` is None where the bundle did not come from files. `example` is JSON: the facts and the day that show it.
    """

    code: str
    file: str
    line: int | None
    key: str
    zh: str
    en: str
    example: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def show(self, lang: str = "zh") -> str:
        """One line of a list, with its place and code."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.code} {self.en if lang == 'en' else self.zh}"

    def to_data(self) -> dict[str, Any]:
        """The remark as JSON, as it is stored beside a request to publish."""
        return {"code": self.code, "severity": self.severity, "file": self.file, "line": self.line, "key": self.key, "zh": self.zh, "en": self.en,
                "example": dict(self.example) if self.example is not None else None}


def in_order(remarks: list[Remark]) -> tuple[Remark, ...]:
    """Errors first, then by file and line; each once."""
    return tuple(sorted(dict.fromkeys(remarks), key=lambda one: (not one.is_error, one.file, one.line or 0, one.key, one.code, one.zh)))


def of_problems(problems: Problems) -> tuple[Remark, ...]:
    """The problems that stopped the reading, as remarks."""
    return in_order([Remark(one.code, one.file, one.line, one.key, one.zh, one.en) for one in problems.problems])


class Notes:
    """Remarks being collected about one bundle."""

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self.remarks: list[Remark] = []

    def add(self, code: str, file: str, path: Path, zh: str, en: str, example: Mapping[str, Any] | None = None) -> None:
        self.remarks.append(Remark(code, file, self.line(file, path), dotted(path), zh, en, example))

    def line(self, file: str, path: Path) -> int | None:
        """The line of the place, or of the nearest place above it."""
        if not self.bundle.lines:
            return None
        lines = self.bundle.lines.get(file, {})
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path, 1)
