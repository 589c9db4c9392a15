"""Raw tables of the machinery, read only: explicit columns, capped pages, no export, no forms.

Flask-Admin's defaults are open writes and pages of any size; every one of them is closed here, and `get_one` goes through the
same select as the list.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect
from sqlalchemy.orm import Query

from console.crud.columns import words
from console.db import Session
from console.errors import N_
from console.jobs import Brake, JobRun
from console.ops.access import Behind
from console.outbox import OutboxMessage


class _Database:
    """Flask-Admin 3 will want an object with a session instead of the session."""

    session = Session


class Table(Behind, ModelView):
    """The base of the desk's tables."""

    model_class: ClassVar[type[Any]]
    title: ClassVar[str]
    icon: ClassVar[str] = "log"
    explanation: ClassVar[str] = ""
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
        name = self.model_class.__tablename__
        model = self.model_class
        columns = inspect(model).columns
        used = {*self.column_list, *self.column_details_list}
        self.column_labels = {key: _l(columns[key].comment) for key in used if key in columns and columns[key].comment}
        formatter = {key: _formatter(model, key) for key in used}
        self.column_formatters = self.column_formatters_detail = formatter
        super().__init__(model, _Database, name=self.title, endpoint=f"ops_{name}", url=f"/ops/{name.replace('_', '-')}")

    def get_one(self, id: Any) -> Any:  # noqa: A002  Flask-Admin's name
        key = inspect(self.model).primary_key[0]
        if not (str(id).isascii() and str(id).isdecimal() and len(str(id)) < 19):
            return None
        return self.get_query().filter(key == int(id)).one_or_none()

    def get_query(self) -> Query[Any]:
        return Session.query(self.model)


def _formatter(model: type[Any], key: str) -> Any:
    return lambda view, context, row, name: words(model, key, getattr(row, key), row)


class Outbox(Table):
    model_class, title, icon = OutboxMessage, N_("发件箱"), "inbox"
    explanation = N_("事务里写下的“要做什么”。中继按时取走，交给作业；没做成的会越等越久，最后转人工。")
    column_list = ("id", "topic", "ids", "due_at", "attempts", "done_at", "gave_up_at", "last_error")
    column_details_list = (*column_list, "created_at", "claimed_until")
    column_sortable_list = ("id", "due_at", "attempts")
    column_default_sort = ("id", True)
    column_searchable_list = ("topic",)


class Runs(Table):
    model_class, title, icon = JobRun, N_("作业记录"), "log"
    explanation = N_("每一次作业：什么时候开始、办了几件、结果如何。")
    column_list = ("id", "job", "subject_count", "started_at", "finished_at", "progress", "total", "error")
    column_details_list = (*column_list, "outbox_id", "result", "cancel_asked_at")
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


TABLES = (Outbox, Runs, Brakes)


def ago(instant: dt.datetime, now: dt.datetime) -> str:
    """“12 秒前”, “3 小时前”: for heartbeats and queues."""
    seconds = max(0, int((now - instant).total_seconds()))
    if seconds < 60:
        return _("%(n)s 秒前", n=seconds)
    if seconds < 3600:
        return _("%(n)s 分钟前", n=seconds // 60)
    return _("%(n)s 小时前", n=seconds // 3600) if seconds < 86400 else _("%(n)s 天前", n=seconds // 86400)
