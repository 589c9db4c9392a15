"""The public frame as staff see it: read only, because it is loaded from files and decrees, not typed."""

from __future__ import annotations

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from console.crud.rows import stacked
from console.crud.screen import REFERENCE, RULES, Screen
from console.departments import calendar_words
from console.departments.models import (
    CalendarDay,
    CodeItem,
    Department,
    Division,
    Office,
    Regulation,
    RegulationParagraph,
    Release,
    Specialty,
)
from console.doors.dates import instant
from console.errors import N_


def _levels() -> list[tuple[str, str]]:
    return [("1", _("自治区")), ("2", _("盟市")), ("3", _("旗县"))]


STATE_WORDS = {
    "drafted": N_("起草"), "ready": N_("申请发布"), "refused": N_("没有发布"), "published": N_("发布"), "effective": N_("生效"),
    "retired": N_("停用"),
}  # fmt: skip


class ReleaseEvents:
    """A release with what became of it."""

    def more(self, session: Session, row: Release) -> list[tuple[str, Markup]]:
        heads = [_("状态"), _("生效日期"), _("何人"), _("时间"), _("理由")]
        lines = [
            (_(STATE_WORDS.get(event.state, event.state)), event.effective_on or "—", event.actor, instant(event.at),
             _(event.reason) if event.reason else "—")
            for event in row.events
        ]  # fmt: skip
        return [(_("经过"), stacked(heads, lines))]


SCREENS = (
    Screen(
        "releases",
        Release,
        title=N_("规则发布版"),
        menu=RULES,
        icon="file",
        columns=("department", "version", "author", "created_at"),
        show=("department", "version", "base_id", "author", "created_at", "content_hash"),
        filters=("department",),
        order="-created_at",
        extend=ReleaseEvents,
        empty=N_("还没有发布版。规则包由平台从文件载入，载入后出现在这里。"),
        read_only=True,
        small=True,
    ),
    Screen(
        "offices",
        Office,
        title=N_("办理机构"),
        menu=REFERENCE,
        icon="people",
        columns=("name", "department", "division", "level", "phone", "is_coordinating"),
        optional=("name_en", "hours"),
        show=("name", "name_en", "department", "division", "level", "phone", "hours", "is_coordinating"),
        search=("name", "name_en"),
        filters=("department", "division", "level", "is_coordinating"),
        choices={"level": _levels},
        read_only=True,
        small=True,
    ),
    Screen(
        "departments",
        Department,
        title=N_("主管部门"),
        menu=REFERENCE,
        icon="tree",
        columns=("name", "short_name", "code", "short_code", "is_centre"),
        show=("name", "name_en", "short_name", "code", "short_code", "is_centre"),
        search=("name", "name_en", "code"),
        read_only=True,
        small=True,
    ),
    Screen(
        "divisions",
        Division,
        title=N_("行政区划"),
        menu=REFERENCE,
        icon="tree",
        columns=("code", "name", "name_en", "level", "parent_code"),
        show=("code", "name", "name_en", "level", "parent_code", "aliases"),
        search=("code", "name", "name_en", "aliases"),
        filters=("level",),
        choices={"level": _levels},
        read_only=True,
        small=True,
    ),
    Screen(
        "specialties",
        Specialty,
        title=N_("专业分类"),
        menu=REFERENCE,
        icon="log",
        columns=("standard", "code", "name", "level", "parent_code", "is_leaf"),
        show=("standard", "code", "name", "level", "parent_code", "is_leaf", "until"),
        search=("code", "name"),
        filters=("standard", "is_leaf"),
        read_only=True,
        small=True,
    ),
    Screen(
        "workdays",
        CalendarDay,
        title=N_("日历日"),
        menu=REFERENCE,
        icon="log",
        columns=("day", "kind", "is_workday", "name", "division", "version"),
        labels={"division": N_("行政区划")},
        filters=("day", "kind", "is_workday", "division", "version"),
        search=("name",),
        order="-day",
        choices={"kind": calendar_words.kinds},
        read_only=True,
        small=True,
    ),
    Screen(
        "regulations",
        Regulation,
        title=N_("依据文件"),
        menu=REFERENCE,
        icon="file",
        columns=("title", "number", "in_force_from", "in_force_to", "verified"),
        show=("id", "title", "title_en", "number", "in_force_from", "in_force_to", "verified"),
        search=("id", "title", "number"),
        filters=("verified",),
        read_only=True,
        small=True,
    ),
    Screen(
        "paragraphs",
        RegulationParagraph,
        title=N_("法规条文"),
        menu=REFERENCE,
        icon="file",
        columns=("regulation", "article", "title", "version", "in_force_from", "in_force_to", "verified"),
        show=(
            "regulation", "article", "title", "version", "summary", "in_force_from", "in_force_to", "verified", "text_hash",
            "recorded_at", "recorded_by",
        ),
        labels={"regulation": N_("依据文件")},
        search=("article", "title", "summary"),
        filters=("regulation", "verified"),
        read_only=True,
        small=True,
    ),
    Screen(
        "codes",
        CodeItem,
        title=N_("代码表"),
        menu=REFERENCE,
        icon="log",
        columns=("list", "code", "name", "name_en", "verified"),
        search=("code", "name"),
        filters=("list", "verified"),
        read_only=True,
        small=True,
    ),
)
