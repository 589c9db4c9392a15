"""What can go wrong around a notice, in the officer's or the objector's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.applications.models import Admission
from console.errors import N_, Conflict


@dataclass(frozen=True)
class Obstacle:
    """Why one person cannot join a notice: a sentence for translation and its slots."""

    admission: Admission
    sentence: str
    notice: str = ""

    @property
    def facts(self) -> dict[str, str]:
        return {"number": self.notice}


NOT_AT_PUBLICITY = N_("不在公示环节")
ON_ANOTHER_NOTICE = N_("已在公示 %(number)s 上，尚未办结")
OF_ANOTHER_DEPARTMENT = N_("属于其他部门")


class NotReady(Conflict):
    """Somebody chosen cannot be put on this notice; `obstacles` says who and why, `problems` the same in sentences."""

    message = N_("有 %(count)s 人不能列入这次公示，公示没有开启。请去掉后再开启。")

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(count=len(obstacles))
        self.obstacles = list(obstacles)
        self.problems = [f"{o.admission.number}：{o.sentence % o.facts}" for o in obstacles]


class NobodyChosen(Conflict):
    message = N_("公示至少要有一个人。请先选人。")


class WindowClosed(Conflict):
    """Objections are taken while the notice runs."""

    message = N_("公示期已经结束，或者此人已经办结，不能再提异议。对评标专家的举报请拨打主管部门电话。")


class AlreadyRuled(Conflict):
    message = N_("这条异议已经有处理意见了，请刷新后查看。")
