"""What can go wrong, in the words of the person who sees it.

Raise what happened with its facts as keyword arguments: they fill the named slots of `message` and stay readable as
attributes. The doors translate the sentence and choose the page; nobody else needs to know about pages.
"""

from __future__ import annotations

from typing import Any, ClassVar


def N_(text: str) -> str:
    """Mark a sentence for translation by the door that will show it."""
    return text


class ConsoleError(Exception):
    """Something the person in front of the screen can understand."""

    message: ClassVar[str] = N_("这一步没有办成，请稍后再试。")
    status: ClassVar[int] = 400

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)
        super().__init__(self.message % facts if facts else self.message)


class NotAllowed(ConsoleError):
    """The person is known and may not do this."""

    message = N_("您没有办理这件事的权限。需要时请联系本部门管理员。")
    status = 403


class NotFound(ConsoleError):
    """There is no such thing, or it is not this person's to see: the answer is the same on purpose."""

    message = N_("没有找到这项内容，或者您不能查看它。")
    status = 404


class Conflict(ConsoleError):
    """The world has moved on since the page was shown."""

    message = N_("内容刚刚有变化，请刷新后再操作。")
    status = 409


class StepMovedOn(Conflict):
    """Somebody else decided this file first."""

    message = N_("申报 %(number)s 已由他人处理，请刷新后再操作。")


class InvalidAnswers(ConsoleError):
    """What was filled in has problems; `problems` maps a field's path to what is wrong with it."""

    message = N_("有 %(count)s 处需要修改，没有提交。已填的内容都还在。")
    status = 422

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(count=len(problems))
        self.problems = problems


class PluginError(ConsoleError):
    """A department's bundle cannot be used; `problems` lists each with file, line and key."""

    message = N_("规则包有 %(count)s 处错误，没有载入；现行发布版不受影响。")
    status = 422

    def __init__(self, problems: list[str]) -> None:
        super().__init__(count=len(problems))
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.problems])


class TooMany(ConsoleError):
    """The same thing was tried too often."""

    message = N_("尝试次数过多，请 %(minutes)s 分钟后再试。")
    status = 429
