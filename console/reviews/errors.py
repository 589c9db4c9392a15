"""What can be wrong with a review, in the officer's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.applications.duties import OwnRefusal as OwnRefusal  # whoever refused does not look again
from console.errors import N_, Conflict, ConsoleError


@dataclass(frozen=True)
class Problem:
    """One thing that stands in the way: where on the page, and a sentence with its facts. The door translates it."""

    place: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % self.facts if self.facts else self.sentence


class NotReady(ConsoleError):
    """The decision lacks something; `problems` says all of it."""

    message = N_("这个决定还差 %(count)s 处，没有办理。已填的内容都还在。")
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(count=len(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *map(str, self.problems)])


class NotEntered(ConsoleError):
    """An absence cannot be entered so; `problems` says all of it, by field."""

    message = N_("有 %(count)s 处要改，缺勤没有填报。")
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(count=len(problems))
        self.problems = tuple(problems)


class HeldByAnother(Conflict):
    """Somebody else of the office has taken the file."""

    message = N_("办件 %(number)s 由%(holder)s承办。请承办人放回，或请统筹协调员改派后再办。")


class NotAtReview(Conflict):
    """The file is not where anybody reviews it."""

    message = N_("办件 %(number)s 不在审核环节，没有可办的审核。")


class CannotHold(ConsoleError):
    """The person named may not review this file here."""

    message = N_("%(name)s 不能承办 %(number)s：没有这一环节的授权，或者办过它的另一个审核环节，或者须回避。")
    status = 422


class IsAway(ConsoleError):
    """An absence was entered for whoever the file was meant for."""

    message = N_("%(name)s %(first)s 至 %(last)s 缺勤，不能分派。请另选一人，或者先结束这段缺勤。")
    status = 422


class NobodyPresent(ConsoleError):
    message = N_("%(number)s 所在机构的审核员都在缺勤，没有分派。请先安排代办，或者结束一段缺勤。")
    status = 422


class NobodyToHold(ConsoleError):
    message = N_("%(number)s 所在机构没有可以分派的审核员：没有人有这一环节的授权，或者有授权的人都须回避。请由部门管理员授予审核角色。")
    status = 422

