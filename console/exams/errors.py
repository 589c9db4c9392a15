"""What can stand in the way of sitting an exam."""

from __future__ import annotations

from console.errors import N_, Conflict


class NotAtExam(Conflict):
    """The file is not at the exam step."""

    message = N_("申报 %(number)s 现在不在考试环节。")


class NoTriesLeft(Conflict):
    """Every try of the release is used."""

    message = N_("考试机会已经用完。")


class TooSoon(Conflict):
    """The days between two tries are not over."""

    message = N_("%(on)s 起才能再次参加考试。")


class DeadlineOver(Conflict):
    """The deadline of the step has passed, or ends within the minute."""

    message = N_("考试期限已过，不能再开始考试。")


class TimeIsUp(Conflict):
    """An answer arrived after the paper was handed in or the time was over."""

    message = N_("本次考试已经结束，这一题没有再保存。")


class NotAChoice(Conflict):
    """The paper has no such question, or the question no such option."""

    message = N_("试卷上没有这道题或这个选项，没有保存。请刷新页面。")
    status = 422


class NotFinished(Conflict):
    """Results are shown after the paper is handed in."""

    message = N_("交卷之后才能查看成绩。")
