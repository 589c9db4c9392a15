"""What can stand in the way of changing the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.errors import N_, Conflict, ConsoleError


class DraftMovedOn(Conflict):
    """Somebody else saved the draft meanwhile: nothing is overwritten."""

    message = N_("%(who)s 在您之后保存过这份草稿（第 %(revision)s 次修订）。请先看改了什么，再把您的文件重新上传。")


class DraftFrozen(Conflict):
    message = N_("这份草稿已经申请发布或已经办结，不能再改。要改请先撤回申请，或另起草稿。")


class NotReady(ConsoleError):
    """What must be done before publication can be asked for; `obstacles` are the things, each with its sentence."""

    message = N_("还有 %(count)s 件事没有办完，不能申请发布。")
    status = 422

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(count=len(obstacles))
        self.obstacles = tuple(obstacles)


class Obstacle:
    """One thing in the way: `code` for programs, `message` with named slots for people."""

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        self.code, self.message, self.facts = code, message, facts

    def __repr__(self) -> str:
        return f"Obstacle({self.code!r}, {self.message % self.facts!r})"


class OwnDraft(ConsoleError):
    """Four eyes: who wrote in a draft does not publish it."""

    message = N_("您改过这份草稿，不能由您发布。请由另一位规则发布人核准。")
    status = 403


class OwnRelease(ConsoleError):
    """The same four eyes for going back: a release one wrote comes back into force by somebody else."""

    message = N_("第 %(version)s 版是您起草的，不能由您退回到它。请由另一位规则发布人办理。")
    status = 403


class BaseMoved(Conflict):
    """Another release was published since this draft was begun; the difference is shown, nothing is published over it."""

    message = N_("起草期间已经发布了第 %(version)s 版，这份草稿还是按更早的一版起草的。请先并入新版的改动，再申请发布。")


class DateNotPossible(ConsoleError):
    message = N_("生效日期 %(day)s 已经过去。请选今天或以后的日期。")
    status = 422


class NotWaiting(Conflict):
    message = N_("这份草稿没有在等发布。请刷新后再看。")


class NotScheduled(Conflict):
    message = N_("第 %(version)s 版已经生效，或者已经撤下。请刷新后再看。")


class ScheduledAhead(Conflict):
    """A release that builds on the one in force is waiting for its day: it would bring back what is taken away now."""

    message = N_("第 %(version)s 版已经发布，将于 %(day)s 生效。请先撤下它，再退回上一版。")


class NothingToRollBack(Conflict):
    message = N_("现行发布版之前没有别的版本，无法退回。")


class UnknownFile(ConsoleError):
    message = N_("规则包里没有名为“%(name)s”的文件。可以上传的有：%(known)s。")
    status = 422


class TooLarge(ConsoleError):
    message = N_("文件“%(name)s”有 %(size)s 字节，超过上限 %(most)s 字节，没有保存。")
    status = 422


class NotText(ConsoleError):
    message = N_("文件“%(name)s”不是 UTF-8 文本，没有保存。请另存为 UTF-8 后再上传。")
    status = 422
