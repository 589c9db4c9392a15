"""What the machinery is called: jobs, queues of work and stretches of time in words for the operator."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _

from console import assembly, running
from console.errors import N_
from console.jobs import Job
from console.post.registry import channels

#: job → what it is called, what it does. A test holds it to the list of jobs.
JOBS: dict[str, tuple[str, str]] = {
    "applications.carry_out_assignment": (N_("执行指派"), N_("把运维员指派的办件交给被指派的部门。")),
    "applications.lapse": (N_("逾期自动失效"), N_("申报人在期限内没有办理的办件自动失效，并写函告知。")),
    "applications.rescreen": (N_("按新规则重核"), N_("过渡安排点到的在办件，按新规则再核对一遍条件。")),
    "departments.preview_calendar": (N_("预算日历改动"), N_("算一遍日历草稿会让哪些期限变动。")),
    "departments.recount": (N_("按新日历重算期限"), N_("用最新的日历版本把在走的期限重算一遍，只延后不提前。")),
    "departments.recount_after": (N_("补算期限"), N_("新日历发布后几天，每天补算一遍漏掉的期限。")),
    "exams.finish_due": (N_("到时收卷"), N_("考试时间到了的试卷按已保存的答案收卷、评分。")),
    "exchange.check": (N_("核对导入文件"), N_("逐行看一遍上传的文件，说出导入后会怎样。")),
    "exchange.enter": (N_("写入导入文件"), N_("把核对过、确认过的文件整个写入，或者一行也不写。")),
    "exchange.export": (N_("写出导出文件"), N_("按导出人现在的权限写出文件。")),
    "exchange.forget": (N_("清理到期文件"), N_("删除保存期已过的导出、导入文件。")),
    "house.forget": (N_("清理旧消息"), N_("删除早已办完的消息和已停进程的心跳。")),
    "notifications.deliver": (N_("投递函件"), N_("把函件交给邮件、短信等渠道；没成的过一会儿再试。")),
    "notifications.deliver_account_notices": (N_("投递账户通知"), N_("手机号或邮箱改了、不通了，告诉账户的主人。")),
    "notifications.deliver_digests": (N_("投递每日汇总"), N_("把每日汇总邮件交给邮件渠道。")),
    "notifications.read_bounces": (N_("读取退信"), N_("看一遍退信文件夹，记到对应的投递上。")),
    "notifications.remind": (N_("催办提醒"), N_("提醒快到期限的申报人。")),
    "notifications.take_reports": (N_("记录回执"), N_("记下邮件服务器或短信网关事后的回报。")),
    "notifications.take_digest_reports": (N_("记录早报回执"), N_("记下邮件服务器对每日汇总事后的回报。")),
    "notifications.tell_deadline_moved": (N_("告知期限延后"), N_("日历变动后，告知期限延后的申报人。")),
    "notifications.tell_exam_failed": (N_("告知补考"), N_("告知没有通过考试、还有机会的申报人。")),
    "notifications.tell_notice_deadline_moved": (N_("告知公示期延后"), N_("日历变动后，告知公示期延后的申报人。")),
    "notifications.tell_notice_extended": (N_("告知公示延长"), N_("公示延长时，告知还在名单上的人。")),
    "notifications.tell_notice_opened": (N_("告知已公示"), N_("告知公示名单上的每个人。")),
    "notifications.tell_objection_dismissed": (N_("告知异议不成立"), N_("告知解除暂停的申报人。")),
    "notifications.tell_objection_received": (N_("告知收到异议"), N_("告知因异议暂停的申报人，不透露异议人。")),
    "notifications.tell_offices": (N_("通知承办机构"), N_("有新办件送到时，给承办机构留一条站内信。")),
    "notifications.tell_offices_of_moved_deadlines": (N_("通知机构期限延后"), N_("日历变动后，通知期限延后的承办机构。")),
    "notifications.try_again": (N_("重投函件"), N_("把转人工的函件放回投递队列。")),
    "notifications.try_digests_again": (N_("重投早报"), N_("把转人工的每日汇总放回投递队列。")),
    "notifications.write_digests": (N_("写每日汇总"), N_("每个工作日，给要汇总的工作人员写一封。")),
    "notifications.write_wanted": (N_("补写函件"), N_("经办人已经看不到的办件，由后台写出函件。")),
    "publicity.close_due": (N_("公示期满自动入库"), N_("公示期满的人逐个再核一遍，没有问题的入库。")),
    "publicity.give_limits": (N_("给出答复期限"), N_("给复核发现的问题定下答复期限。")),
    "publicity.publish_due": (N_("到时公示"), N_("到了定好的时间，公示对外公开。")),
    "publicity.put_back": (N_("放回异议"), N_("离岗人员手上的异议放回待办。")),
    "publicity.settle": (N_("公示期满逐人办结"), N_("公示期满时没能办结的人，每人单独再试。")),
    "publicity.settle_withdrawn": (N_("标注撤回"), N_("公示期间撤回申报的人，在公示上标出来。")),
    "publicity.wake": (N_("松闸后续办"), N_("刹车松开后，之前领取的公示立即再看一遍。")),
    "publicity.sum_up_probes": (N_("汇总公示网页探测"), N_("公示结束 90 天以后，每 5 分钟一条的探测记录并成每天一条，逐条的删去。")),
    "publicity.weigh": (N_("核算公示时长"), N_("公示期满先看有没有打不开的时候，不够的顺延。")),
    "registers.deliver": (N_("投递登记表函件"), N_("把登记表的函件交给邮件或短信。")),
    "registers.draw": (N_("登记表按期抽取"), N_("公布抽取的承诺值，到时按公开数抽取。")),
    "registers.remind": (N_("登记表到期提醒"), N_("快到期、已超期的记录，给办理机构留一条站内信。")),
    "registers.take_reports": (N_("记录登记表回执"), N_("记下登记表函件事后的回报。")),
    "registers.try_again": (N_("重投登记表函件"), N_("把转人工的登记表函件放回投递队列。")),
    "registers.write_letters": (N_("写登记表函件"), N_("登记表的一次办理要告知的，由后台写出函件。")),
    "retention.count": (N_("清除预计"), N_("数一遍下一次会清除多少。")),
    "retention.run": (N_("到期清除个人信息"), N_("留存期已满的个人信息逐批清除，被封存的留下。")),
    "reviews.begin_absences": (N_("缺勤开始"), N_("工作人员开始缺勤时，把手上的办件交给代办人或放回。")),
    "reviews.escalate": (N_("审核超期升级"), N_("审核超期的办件报告承办机构和统筹单位。")),
    "reviews.hand_over": (N_("离岗移交"), N_("离岗人员手上的办件交给别人或放回未分派。")),
    "reviews.warn": (N_("审核到期预警"), N_("审核快到期时提醒承办机构。")),
    "studio.replay": (N_("往卷重算"), N_("用规则草稿把往卷重算一遍。")),
    "studio.take_effect": (N_("规则生效"), N_("记下到日子生效、失效的规则发布版。")),
    "training.pass_on": (N_("培训完成后转出"), N_("已完成培训的办件送到下一环节。")),
}
#: a kind of process → what it is called, what is missing without it
PROCESSES: dict[str, tuple[str, str]] = {
    "worker": (N_("作业进程"), N_("没有它，函件、到期和导出都不会办。请启动 worker。")),
    "relay": (N_("中继"), N_("没有它，没有人取走到期的事，审计也不入链。请启动 relay。")),
    "cron": (N_("定时"), N_("没有它，每日作业不会开始，积压没有人量。请启动 cron。")),
}


def job_title(name: str) -> str:
    """A job's name in words; one without words keeps its code."""
    return _(JOBS[name][0]) if name in JOBS else name


def job_purpose(name: str) -> str:
    return _(JOBS[name][1]) if name in JOBS else ""


def topic_title(topic: str) -> str:
    """A message is called by what it asks for."""
    try:
        jobs: list[Job] = running.jobs_for(topic)
    except LookupError:
        jobs = []
    return _("、").join(dict.fromkeys(job_title(job.name) for job in jobs)) or topic


def carriage_title(name: str) -> str:
    return next((_(carriage.title) for carriage in assembly.CARRIAGES if carriage.name == name), name)


def channel_title(name: str) -> str:
    known = channels().get(name)
    return _(known.title) if known else name or _("无渠道")


def span(seconds: float) -> str:
    """“2 秒”, “1 分 12 秒”, “3 小时 5 分”, “2 天 4 小时”: two units at most."""
    whole = max(0, int(seconds))
    if whole < 60:
        return _("%(n)s 秒", n=whole)
    if whole < 3600:
        return _("%(m)s 分 %(s)s 秒", m=whole // 60, s=whole % 60) if whole % 60 else _("%(n)s 分钟", n=whole // 60)
    if whole < 86400:
        return _("%(h)s 小时 %(m)s 分", h=whole // 3600, m=whole % 3600 // 60) if whole % 3600 >= 60 else _("%(n)s 小时", n=whole // 3600)
    return _("%(d)s 天 %(h)s 小时", d=whole // 86400, h=whole % 86400 // 3600) if whole % 86400 >= 3600 else _("%(n)s 天", n=whole // 86400)


def ago(instant: dt.datetime, now: dt.datetime) -> str:
    """“12 秒前”, “3 小时前”: for heartbeats and queues."""
    seconds = max(0, int((now - instant).total_seconds()))
    if seconds < 60:
        return _("%(n)s 秒前", n=seconds)
    if seconds < 3600:
        return _("%(n)s 分钟前", n=seconds // 60)
    return _("%(n)s 小时前", n=seconds // 3600) if seconds < 86400 else _("%(n)s 天前", n=seconds // 86400)


def ahead(instant: dt.datetime, now: dt.datetime) -> str:
    """“12 分 5 秒后”; what should have come already is “现在”."""
    return _("%(span)s后", span=span((instant - now).total_seconds())) if instant > now else _("现在")


def took(seconds: float | None) -> str:
    """“0.12 秒” for what is quick, `span` for the rest."""
    if seconds is None:
        return "—"
    return _("%(n)s 秒", n=f"{seconds:.2f}".rstrip("0").rstrip(".") or "0") if seconds < 10 else span(seconds)
