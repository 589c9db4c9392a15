"""Raw tables of the machinery, read only: explicit columns, capped pages, no export, no forms.

Flask-Admin's defaults are open writes and pages of any size. Here a table has two routes, its list and a row of it; the others it brings are not
mounted at all, and `get_one` goes through the same select as the list.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from flask import request, url_for
from flask_admin import BaseView, expose
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import func, inspect, text
from sqlalchemy.orm import Query

from console import clock
from console.audit import AuditAnchor
from console.crud.columns import words
from console.db import Session, transaction
from console.errors import N_
from console.jobs import Brake, DailyRun, Heartbeat, JobRun
from console.ops.access import Behind
from console.ops.wording import job_title, topic_title
from console.outbox import OutboxMessage
from console.setbacks import Setback
from console.vitals import Vital

IDS = 12  # of a message are listed


class _Database:
    """Flask-Admin 3 will want an object with a session instead of the session."""

    session = Session


class Table(Behind, ModelView):
    """The base of the desk's tables. `states` are what its rows may be narrowed to: name → words, condition."""

    model_class: ClassVar[type[Any]]
    title: ClassVar[str]
    icon: ClassVar[str] = "log"
    explanation: ClassVar[str] = ""
    states: ClassVar[dict[str, tuple[str, Any]]] = {}
    form_base_class = SecureForm
    can_create = can_edit = can_delete = can_export = can_set_page_size = False
    can_view_details = True
    page_size = 50
    simple_list_pager = True  # no count(*)
    action_disallowed_list = ("delete",)
    column_display_pk = True
    column_list: Any = ()
    column_details_list: Any = ()
    column_sortable_list: Any = ()
    column_searchable_list: Any = ()
    column_default_sort: Any = None
    column_labels: Any
    list_template = "ops/list.html"
    details_template = "ops/details.html"

    def __init__(self) -> None:
        model = self.model_class
        name = model.__tablename__
        columns = inspect(model).columns
        used = {*self.column_list, *self.column_details_list}
        self.column_labels = {key: _l(columns[key].comment) for key in used if key in columns and columns[key].comment}
        self.column_formatters = self.column_formatters_detail = {key: _formatter(model, key) for key in used}
        routes = {"index_view", "details_view"} if self.can_view_details else {"index_view"}
        self._urls = [route for route in self._urls if route[1] in routes]  # type: ignore[has-type]  # what Flask-Admin mounts: no form, no action, no export
        super().__init__(model, _Database, name=self.title, endpoint=f"ops_{name}", url=f"/ops/{name.replace('_', '-')}")

    def get_one(self, id: Any) -> Any:  # noqa: A002  Flask-Admin's name
        key = inspect(self.model).primary_key[0]
        if not (str(id).isascii() and str(id).isdecimal() and len(str(id)) < 19):
            return None
        return Session.query(self.model).filter(key == int(id)).one_or_none()

    def get_query(self) -> Query[Any]:
        query = Session.query(self.model)
        state = request.args.get("state", "")
        if state in self.states:
            condition = self.states[state][1]
            query = query.filter(condition() if callable(condition) else condition)
        return query

    def state_chips(self) -> list[tuple[str, str, bool]]:
        """(words, address, here) of every way to narrow the list; the first is all of it."""
        here = request.args.get("state", "")
        here = here if here in self.states else ""
        chips = [(_("全部"), url_for(".index_view"), not here)]
        return chips + [(_(said), url_for(".index_view", state=name), here == name) for name, (said, _condition) in self.states.items()]


def _formatter(model: type[Any], key: str) -> Any:
    return lambda view, context, row, name: in_words(model, key, getattr(row, key), row)


def in_words(model: type[Any], key: str, value: Any, row: Any) -> Any:
    """As `crud` says it, but machinery is read to the second, ids in a line, and jobs and topics by their names."""
    if value is None or value == "":
        return "—"
    if isinstance(value, dt.datetime):
        local = value.astimezone(clock.ZONE)
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), local.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(value, list):
        shown = _("、").join(map(str, value[:IDS]))
        return shown if len(value) <= IDS else _("%(shown)s 等 %(n)s 个", shown=shown, n=len(value))
    if key in ("job", "topic"):
        title = job_title(value) if key == "job" else topic_title(value)
        return Markup('{}<span class="sub code">{}</span>').format(title, value) if title != value else value
    return words(model, key, value, row)


def _due() -> Any:
    return OutboxMessage.due_at <= func.ruku_now()


_OPEN = OutboxMessage.done_at.is_(None) & OutboxMessage.gave_up_at.is_(None)


class Outbox(Table):
    model_class, title, icon = OutboxMessage, N_("发件箱"), "inbox"
    explanation = N_("事务里写下的“要做什么”。中继按时取走，交给作业；没做成的会越等越久，最后转人工。")
    states: ClassVar = {
        "waiting": (N_("到期等着"), lambda: _OPEN & _due()), "later": (N_("还没到时"), lambda: _OPEN & ~_due()), "retrying": (N_("重试中"), _OPEN & (OutboxMessage.attempts > 0)),
        "given_up": (N_("转人工"), OutboxMessage.gave_up_at.is_not(None) & OutboxMessage.done_at.is_(None)), "done": (N_("做完"), OutboxMessage.done_at.is_not(None)),
    }  # fmt: skip
    column_list = ("id", "topic", "ids", "due_at", "attempts", "done_at", "gave_up_at", "last_error")
    column_details_list = (*column_list, "created_at", "claimed_until", "request_id")
    column_sortable_list = ("id", "due_at", "attempts")
    column_default_sort = ("id", True)
    column_searchable_list = ("topic",)


class Runs(Table):
    model_class, title, icon = JobRun, N_("作业记录"), "log"
    explanation = N_("每一次作业：什么时候开始、办了几件、结果如何。")
    states: ClassVar = {
        "running": (N_("正在办"), JobRun.finished_at.is_(None)), "failed": (N_("没有做成"), JobRun.error.is_not(None)),
        "done": (N_("做完"), JobRun.finished_at.is_not(None) & JobRun.error.is_(None)),
    }  # fmt: skip
    column_list = ("id", "job", "subject_count", "started_at", "finished_at", "result", "error")
    column_details_list = (*column_list, "progress", "total", "outbox_id", "process", "cancel_asked_at")
    column_sortable_list = ("id", "started_at")
    column_default_sort = ("id", True)
    column_searchable_list = ("job",)


class Brakes(Table):
    model_class, title, icon = Brake, N_("刹车记录"), "hand"
    explanation = N_("谁在什么时候停了哪条自动规则，什么时候松开的。")
    column_list = ("id", "rule", "department_id", "reason", "pulled_by", "pulled_at", "released_by", "released_at")
    column_details_list = column_list
    column_sortable_list = ("id", "pulled_at")
    column_default_sort = ("id", True)


class Setbacks(Table):
    model_class, title, icon = Setback, N_("没办成的对象"), "flag"
    explanation = N_("到期清扫没办成的对象：试过几次、为什么、何时再试。办成了这里就没有了。")
    states: ClassVar = {"retrying": (N_("重试中"), Setback.gave_up_at.is_(None)), "given_up": (N_("转人工"), Setback.gave_up_at.is_not(None))}
    column_list = ("job", "subject_id", "attempts", "first_at", "due_at", "gave_up_at", "last_error")
    column_sortable_list = ("attempts", "due_at")
    column_default_sort = ("due_at", True)
    column_searchable_list = ("job",)
    can_view_details = False


class Heartbeats(Table):
    model_class, title, icon = Heartbeat, N_("心跳"), "clock"
    explanation = N_("作业、中继和定时进程每几秒写一次自己还在。")
    column_list = ("kind", "name", "at")
    column_default_sort = ("at", True)
    can_view_details = False


class DailyRuns(Table):
    model_class, title, icon = DailyRun, N_("每日作业"), "clock"
    explanation = N_("每日作业在哪一天安排过；主键保证一天只安排一次。")
    column_list = ("day", "job")
    column_default_sort = ("day", True)
    can_view_details = False


class Vitals(Table):
    model_class, title, icon = Vital, N_("运行指标"), "scale"
    explanation = N_("定时进程每 15 秒数一次：什么到期了、等着多少、最老的一件是什么时候的。")
    column_list = ("name", "label", "count", "since", "at")
    column_default_sort = ("name", False)
    can_view_details = False


class Anchors(Table):
    model_class, title, icon = AuditAnchor, N_("公布的链首"), "lock"
    explanation = N_("审计链每次公布的链首，任何人在 /audit 看到的就是这些。")
    column_list = ("at", "stream", "seq", "sha256", "sm3")
    column_default_sort = ("at", True)
    can_view_details = False


TABLES: tuple[type[Table], ...] = (Outbox, Runs, Setbacks, Brakes, Heartbeats, DailyRuns, Vitals, Anchors)


class Tables(Behind, BaseView):
    """原始表"""

    title, icon = N_("原始表"), "log"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="ops_tables", url="/ops/tables")

    @expose("/")
    def index_view(self) -> Any:
        """Every table with what it holds and about how many rows: the planner's estimate, which counts nothing."""
        names = [table.model_class.__tablename__ for table in TABLES]
        estimate = text("SELECT relname, greatest(reltuples, 0)::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY(:names)")
        with transaction() as session:
            about = {name: number for name, number in session.execute(estimate, {"names": names})}
        rows = [(table, url_for(f"ops_{name}.index_view"), about.get(name, 0)) for table, name in zip(TABLES, names, strict=True)]
        return self.render("ops/tables.html", title=_(self.title), rows=rows)
