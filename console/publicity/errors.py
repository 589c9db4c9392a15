"""What can go wrong around a notice, in the officer's or the objector's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.applications.duties import Hindrance, Kind
from console.applications.models import Admission
from console.errors import N_, Conflict


@dataclass(frozen=True)
class Obstacle:
    """Why one person cannot join a notice: a sentence for translation and its slots."""

    admission: Admission
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


NOT_AT_PUBLICITY = N_("不在公示环节")
ON_ANOTHER_NOTICE = N_("已在公示 %(number)s 上，尚未办结")
OF_ANOTHER_DEPARTMENT = N_("属于其他部门")
# what keeps the opener out, in a list that names the file already
_KEPT_OUT: dict[Kind, str] = {
    Kind.OWN: N_("是您本人的申报，您须回避。请另一位统筹协调员列入公示"),
    Kind.RELATIVE: N_("是您申报过的亲属，您须回避。请另一位统筹协调员列入公示"),
    Kind.FORMER_EMPLOYER: N_("所在单位是您申报过的原单位，您须回避。请另一位统筹协调员列入公示"),
    Kind.FILE: N_("您已申请回避这份办件。请另一位统筹协调员列入公示"),
    Kind.ASSIGNED: N_("是您指派给部门的。请另一位统筹协调员列入公示"),
}
_REVIEWED = N_("您审核过这份办件。请没有审核过它的统筹协调员列入公示")


def kept_out(admission: Admission, hindrance: Hindrance) -> Obstacle:
    """The opener must keep out of this person's file."""
    return Obstacle(admission, _KEPT_OUT.get(hindrance.kind, _REVIEWED))


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


class NotInTime(Conflict):
    message = N_("公布时间要晚于现在，并且在 %(days)s 天以内。请改一个时间。")


class NoticeMovedOn(Conflict):
    """Two officers at once, or the clock was quicker."""

    message = N_("公示 %(number)s 已经公布、撤回或者办结，请刷新后再操作。")


class PersonSettled(Conflict):
    """The person is admitted, refused, gone or on another notice already."""

    message = N_("名单里的 %(name)s 已经办结或者已经另行公示，请刷新后再操作。")


class NotPublicYet(Conflict):
    message = N_("公示 %(number)s 还没有公布，不用更正：撤回后重新开启即可。")


class UnderObjection(Conflict):
    """An objection is ruled on first: whoever made it is owed an answer."""

    message = N_("%(names)s 有未处理的异议。请先处理异议，再撤回或者重新公示。")


class NothingToCorrect(Conflict):
    message = N_("更正后的姓名和单位与公示的完全一样，没有可更正的。")


class NotRecognisable(Conflict):
    """With both changed, nobody who read the notice could know who it is."""

    message = N_("姓名和单位都印错的，公众认不出是谁，只更正不够，请选择重新公示。")


class HeldByAnother(Conflict):
    message = N_("这条异议由%(name)s办理。需要由您处理的，请先接手。")


class NotAbleToRule(Conflict):
    message = N_("不能交给%(name)s：没有处理这条异议的权限，或者须回避。请另选一位。")
