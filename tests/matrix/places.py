"""The axes: three levels, how a row's division lies to a grant's, departments. Words and codes only, no product code."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = (
    "first_reviewer", "second_reviewer", "coordinator", "rule_editor", "rule_publisher", "department_admin", "platform_admin",
    "supervisor", "operator",
)  # fmt: skip
LEVELS = {"region": "150000", "league": "150100", "county": "150105"}
#: where rows lie: a line of three levels, and two divisions beside it
DIVISIONS = ("150000", "150100", "150105", "150102", "150200", "150202")
#: level of the grant → relation → the row's division. A region has nothing above or beside it, a county nothing below.
RELATIONS: dict[str, dict[str, str]] = {
    "region": {"own": "150000", "child": "150100", "grandchild": "150105"},
    "league": {"own": "150100", "parent": "150000", "child": "150105", "sibling": "150200", "foreign": "150202"},
    "county": {"own": "150105", "parent": "150100", "grandparent": "150000", "sibling": "150102", "foreign": "150202"},
}
LINE = (*LEVELS.values(),)
DEPARTMENTS = ("transport", "water", "centre")
#: whose grant it is: one department's, the centre's, or one for all departments
HOMES = ("transport", "centre", "all")
#: home → own or other → the row's department
SIDES = {
    "transport": {"own": "transport", "other": "water"},
    "centre": {"own": "centre", "other": "transport"},
    "all": {"own": "water"},
}


@dataclass(frozen=True, order=True)
class Place:
    """A department's office in a division: where a row lies."""

    department: str
    division: str

    @property
    def mark(self) -> str:
        """Five letters that occur in the rows of this place and nowhere else."""
        return f"Mz{DEPARTMENTS.index(self.department)}{DIVISIONS.index(self.division)}q"


PLACES = tuple(Place(department, division) for department in DEPARTMENTS for division in DIVISIONS)


@dataclass(frozen=True, order=True)
class Officer:
    """One grant and nothing else."""

    role: str
    level: str
    home: str

    @property
    def division(self) -> str:
        return LEVELS[self.level]

    def covers_department(self, department: str) -> bool:
        return self.home in ("all", department)

    def covers_division(self, division: str) -> bool:
        return {"region": division[:2] == "15", "league": division[:4] == "1501", "county": division == "150105"}[self.level]

    def is_inside(self, division: str) -> bool:
        """The officer's own division lies in that one: what reaches it reaches here."""
        return self.division in LINE and division in LINE and LINE.index(division) <= LINE.index(self.division)

    def __str__(self) -> str:
        return f"{self.role} of {self.home} at the {self.level}"


OFFICERS = tuple(Officer(role, level, home) for role in ROLES for level in LEVELS for home in HOMES)
