"""The registers of the demo: what officers and the public enter and move on which day, by the services, so that every list has something in every state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.registers import draws, intake, loading, services
from console.scope import Public, System

if TYPE_CHECKING:
    from seed.demo.walk import Walk

DRAWN = 20  # days ago the pool of agencies is committed to; the draw is the day after
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_AGENCIES = ("草原招标代理", "敕勒川工程咨询", "青城项目管理", "河套招标", "阴山工程造价咨询", "科尔沁招标代理", "锡林项目咨询", "鄂尔多斯招标采购", "呼伦贝尔工程招标", "乌兰察布招标咨询",
             "阿拉善项目管理", "兴安招标代理", "赤峰工程咨询", "通辽招标")  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing somebody does: enter, change, send (as the public) or a move by its name. `row` tells rows of a register apart."""

    ago: int
    register: str
    row: str
    do: str
    who: str = "centre-coordinator"
    values: Mapping[str, Any] = field(default_factory=dict)


def uscc(number: int) -> str:
    """A code with its right check character (GB 32100)."""
    body = f"91150100MA0K{number:05d}"
    total = sum(_LETTERS.index(char) * pow(3, at, 31) for at, char in enumerate(body))
    return body + _LETTERS[(31 - total % 31) % 31]


def live(walk: Walk, ago: int) -> None:
    """What happens on the day that lies so many days back."""
    with walk.looking() as session:
        today = clock.today(session)
    for step in STEPS:
        if step.ago == ago:
            actor = Public() if step.do == "send" else walk.staff[step.who]
            with walk.acting(actor) as session:
                _take(session, step, actor, today)
    if ago == DRAWN:
        with walk.looking() as session:
            draws.commit(session, loading.register("centre-agencies"))
    if ago == DRAWN - 1:
        with walk.looking() as session:
            audit.seal(session)
        with walk.looking() as session:
            audit.anchor(session)
        with walk.looking() as session:
            one = loading.register("centre-agencies")
            for number, _period in draws.open_draws(session, one):
                draws.carry_out(session, one, number, actor=System("demo"))
    if ago in (10, 4):
        _inspect(walk, ago, today)


def _take(session: Session, step: Step, actor: Any, today: dt.date) -> None:
    one = loading.register(f"centre-{step.register}")
    values = {name: (today + dt.timedelta(days=value)).isoformat() if name in _DAYS and isinstance(value, int) else value for name, value in step.values.items()}
    values = {name: walk_id if (walk_id := _officer(session, value)) else value for name, value in values.items()}
    if step.do == "send":
        intake.receive(session, one, values, consented=True, actor=actor)
    elif step.do == "enter":
        services.enter(session, one, values, actor=actor)
    else:
        row = session.scalars(select(one.rows).where(getattr(one.rows, _NAMED[step.register]) == step.row)).unique().one()
        if step.do == "change":
            services.change(session, one, row, values, actor=actor, version=None)
        else:
            services.move(session, one, [row], step.do, actor=actor, reason="按规定办理")


_DAYS = frozenset({"deadline", "begins_on", "known_on", "accepted_on"})
_NAMED = {"agencies": "name", "complaints": "topic", "documents": "number", "tasks": "title"}


def _officer(session: Session, value: Any) -> int | None:
    """`@username` is that officer's number."""
    if not (isinstance(value, str) and value.startswith("@")):
        return None
    from flask_appbuilder.security.sqla.models import User  # slow

    return session.scalar(select(User.id).where(User.username == value[1:]))


def _inspect(walk: Walk, ago: int, today: dt.date) -> None:
    """Of the drawn agencies one is found in order, one has to put something right and does, the others wait."""
    one = loading.register("centre-inspections")
    with walk.acting(walk.staff["centre-coordinator"]) as session:
        rows = list(session.scalars(select(one.rows).order_by(one.rows.id)).unique())
        if len(rows) < 3:
            return
        seen: dict[str, Any] = {"cause": "draw", "lead": walk.staff["centre-coordinator"].id, "second": walk.staff["transport-coordinator"].id,
                                "inspected_on": today.isoformat(), "projects_seen": 6}  # fmt: skip
        if ago == 10:
            services.change(session, one, rows[0], {**seen, "result": "good", "summary": "抽查六个项目，档案齐全，程序合规。"}, actor=walk.staff["centre-coordinator"], version=None)
            services.move(session, one, [rows[0]], "no_problem", actor=walk.staff["centre-coordinator"])
            for row in rows[1:3]:
                finding = {"problem": "两个项目的评标报告没有归档", "article": "招标投标法实施条例第五十三条", "gravity": "minor", "demand": "十五个工作日内补齐档案"}
                found = {**seen, "result": "rectify", "summary": "个别项目档案不全，已要求限期整改。", "findings": [finding]}
                services.change(session, one, row, found, actor=walk.staff["centre-coordinator"], version=None)
                services.move(session, one, [row], "demand", actor=walk.staff["centre-coordinator"])
        else:
            services.change(session, one, rows[1], {"rectified_on": today.isoformat(), "rectified_how": "档案已补齐，并建立了归档台账。"}, actor=walk.staff["centre-coordinator"], version=None)
            services.move(session, one, [rows[1]], "report_back", actor=walk.staff["centre-coordinator"])


def _agency(number: int) -> dict[str, Any]:
    grade = "ABCA"[number % 4]
    return {
        "name": f"{_AGENCIES[number]}有限公司", "uscc": uscc(number), "division": ("150102", "150202", "150402", "150502")[number % 4], "legal_person": "苏和",
        "contact_phone": f"1390471{number:04d}", "business": ["construction", "procurement"] if number % 2 else ["construction"], "since": f"20{10 + number % 10}-05-01",
        "credit_grade": grade, "credit_history": [{"rated_on": "2026-03-20", "grade": grade, "rated_by": "自治区公共资源交易中心"}],
        "staff": [{"person": name, "certificate": "none", "joined": "2021-03-01"} for name in ("娜仁", "刘洋", "乌兰", "赵敏", "孟和")],
        "internal_control": "档案管理、岗位分离、保密、回避制度，2021 年起施行。",
        "sanctions": [{"decided_on": "2026-05-12", "decided_by": "自治区住房和城乡建设厅", "content": "泄露投标人名称，责令改正"}] if number in (3, 7) else [],
    }  # fmt: skip


def _document(number: str, title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "number": number, "issuer": "内蒙古自治区人民政府办公厅", "keeper": "centre", "level": "region", "issued_on": "2018-10-18", "in_force_from": "2018-10-18",
            "disclosure": "public", **more}  # fmt: skip


def _complaint(topic: str, **more: Any) -> dict[str, Any]:
    return {"nature": "complaint", "trade": "construction", "against": "agency", "topic": topic, "division": "150100", "known_on": -3, "content": f"{topic}，请依法查处，附件可以证明。",
            "complainant": "某建设集团有限公司", "contact_phone": "13904710000", "contact_email": "tousu@example.cn", **more}  # fmt: skip


def _task(title: str, lead: str, deadline: int, **more: Any) -> dict[str, Any]:
    return {"title": title, "urgency": "normal", "lead": f"@{lead}", "lead_department": lead.split("-")[0], "begins_on": 0, "deadline": deadline, **more}


_ANSWER = {"outcome": "upheld", "answer": "经查属实，已责令改正并记入信用记录。", "published": "一代理机构归档不全，已责令改正。"}
STEPS: tuple[Step, ...] = (
    *(Step(22, "agencies", "", "enter", values=_agency(number)) for number in range(len(_AGENCIES))),
    Step(12, "agencies", f"{_AGENCIES[3]}有限公司", "suspend"),
    Step(12, "agencies", f"{_AGENCIES[7]}有限公司", "bar", "transport-coordinator"),
    Step(12, "agencies", f"{_AGENCIES[12]}有限公司", "close"),
    Step(22, "documents", "", "enter", values=_document("内政办发〔2018〕67号", "关于进一步做好公共资源交易工作的通知")),
    Step(22, "documents", "", "enter", values=_document("内政办字〔2021〕72号", "关于面向社会公开征集评标评审专家有关事宜的通知", issued_on="2021-10-08", in_force_from="2021-10-08", disclosure="on_request")),
    Step(22, "documents", "", "enter", values=_document("内政办发〔2016〕10号", "公共资源交易平台整合建立实施方案", issued_on="2016-02-06", in_force_from="2016-02-06")),
    Step(6, "documents", "", "enter", values=_document("内公资〔2026〕3号", "公共资源交易平台服务管理细则", level="platform", issued_on="2026-01-05", in_force_from="2026-02-01")),
    *(Step(21, "documents", number, "publish", "transport-admin") for number in ("内政办发〔2018〕67号", "内政办字〔2021〕72号", "内政办发〔2016〕10号")),
    Step(15, "documents", "内政办发〔2016〕10号", "change", values={"ending": "repealed", "in_force_until": "2026-06-30", "ended_by": "规则清理公告"}),
    Step(15, "documents", "内政办发〔2016〕10号", "repeal"),
    *(Step(ago, "complaints", "", "send", values=_complaint(topic, **more)) for ago, topic, more in (
        (21, "代理机构评标报告不归档", {}), (16, "代理机构收取额外费用", {}), (9, "评标专家私下联系投标人", {"against": "expert"}),
        (7, "矿业权出让公告漏项", {"trade": "land", "against": "tenderer"}), (6, "反映的事项不属平台受理", {}), (1, "开标时间改了没有通知", {"known_on": -1}))),
    *(Step(20, "complaints", "代理机构评标报告不归档", do, values=values) for do, values in (("accept", {}), ("change", {"competent": "housing", "accepted_on": 0}), ("transfer", {}))),
    Step(12, "complaints", "代理机构评标报告不归档", "change", "housing-coordinator", _ANSWER),
    Step(12, "complaints", "代理机构评标报告不归档", "answer", "housing-coordinator"),
    Step(10, "complaints", "代理机构评标报告不归档", "publish", "housing-admin"),
    *(Step(15, "complaints", "代理机构收取额外费用", do, values=values) for do, values in (("accept", {}), ("change", {"competent": "transport", "accepted_on": 0}), ("transfer", {}))),
    Step(8, "complaints", "评标专家私下联系投标人", "accept"),
    Step(5, "complaints", "反映的事项不属平台受理", "refuse"),
    Step(18, "tasks", "", "enter", values=_task("年度代理机构随机抽查", "transport-coordinator", 60)),
    Step(18, "tasks", "", "enter", values=_task("清理公共资源交易规则制度", "water-coordinator", 10, urgency="urgent", source="内政办发〔2018〕67号 三（十）")),
    Step(14, "tasks", "", "enter", values=_task("公布投诉举报渠道", "housing-coordinator", 8)),
    Step(14, "tasks", "", "enter", values=_task("汇总各部门紧缺专业", "finance-coordinator", 12)),
    Step(14, "tasks", "", "enter", values=_task("更新专业目录对照", "natural_resources-coordinator", 30)),
    Step(13, "tasks", "年度代理机构随机抽查", "begin", "transport-coordinator"),
    Step(13, "tasks", "清理公共资源交易规则制度", "begin", "water-coordinator"),
    Step(9, "tasks", "公布投诉举报渠道", "change", values={"result": "已在门户公布网上、电话、来信三种渠道。"}),
    Step(9, "tasks", "公布投诉举报渠道", "finish", "housing-coordinator"),
    Step(7, "tasks", "公布投诉举报渠道", "confirm", "transport-admin"),
    Step(6, "tasks", "汇总各部门紧缺专业", "change", values={"result": "五部门已报送。"}),
    Step(6, "tasks", "汇总各部门紧缺专业", "finish", "finance-coordinator"),
)
