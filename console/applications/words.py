"""What is done to a file, as an officer says it: the trail of a file and the audit use the same words."""

from __future__ import annotations

from console.errors import N_
from rules.pipeline import Action

ACTION_WORDS: dict[str, str] = {
    Action.SUBMIT: N_("提交申报"),
    Action.PASS_STEP: N_("通过"),
    Action.RETURN_FOR_CORRECTION: N_("退回补正"),
    Action.RESUBMIT: N_("补正后交回"),
    Action.REFUSE: N_("不予通过"),
    Action.FAIL: N_("考试未通过"),
    Action.LAPSE: N_("逾期失效"),
    Action.WITHDRAW: N_("申报人撤回"),
    Action.ASSIGN: N_("指派部门"),
    Action.RESCREEN: N_("按过渡安排重新核对"),
    Action.REQUEST_RECONSIDERATION: N_("申请复核"),
    Action.REOPEN: N_("撤销原决定，重新初审"),
    Action.UPHOLD_REFUSAL: N_("维持原决定"),
}
