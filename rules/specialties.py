"""Who is competent for a specialty: the longest claimed prefix of that standard; nobody's specialty goes to the centre."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from rules.parts import Basis, Code, Flag, Part

Prefix = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z][0-9]{0,12}$")]


class Claim(Part):
    """Prefixes of one standard that a department decides."""

    standard: Code
    prefixes: Annotated[tuple[Prefix, ...], Field(min_length=1, max_length=5000)]
    basis: Basis = ()
    verified: Flag = True


Handed = Mapping[tuple[str, str], str]  # (standard, prefix) → the department the centre last recorded it for


def owner_of(claims: Mapping[str, Iterable[Claim]], standard: str, code: str, *, handed: Handed | None = None) -> str | None:
    """The department with the longest prefix of that code in that standard, None when nobody claims it.

    A prefix that two claim, because it has passed from one to the other, is its new owner's.
    """
    best: tuple[int, bool, str] | None = None
    for department in sorted(claims):
        for claim in claims[department]:
            if claim.standard != standard:
                continue
            for prefix in claim.prefixes:
                if code.startswith(prefix):
                    taken_over = (handed or {}).get((standard, prefix)) == department
                    if best is None or (len(prefix), taken_over) > best[:2]:
                        best = (len(prefix), taken_over, department)
    return best[2] if best else None


def conflicts(claims: Mapping[str, Iterable[Claim]]) -> Iterator[tuple[str, str, list[str]]]:
    """Every prefix with more than one claimant: (standard, prefix, departments)."""
    owners: dict[tuple[str, str], list[str]] = {}
    for department in sorted(claims):
        for claim in claims[department]:
            for prefix in claim.prefixes:
                owners.setdefault((claim.standard, prefix), []).append(department)
    for (standard, prefix), departments in sorted(owners.items()):
        if len(departments) > 1:
            yield standard, prefix, departments
