"""The calendar's pages and command, through the real doors: a year drawn, a decree loaded with its preview, bad input, two officers at once."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console import calendar_command, db, relay
from console import clock as console_clock
from console.applications.models import Admission
from console.departments.calendars import calendars
from console.departments.models import CalendarDraft, CalendarVersion
from console.notifications.models import Letter, Message
from console.process import NotReady
from console.roles import Role
from rules.pipeline import Step
from tests.factories import make_admission
from tests.officers import officer, post
from tests.rules.test_decrees import YEAR_2027

SOURCE = "国办发明电〔2026〕X 号"


@pytest.fixture
def keeper(committed_db, clock, console_app):
    clock.set(dt.date(2026, 12, 28))
    return officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None, name="白 玉兰")


def settle(database: Any) -> None:
    with database.as_worker():
        relay.settle(database.settings)


def page(client: Any, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)[:800]
    return answer.get_data(as_text=True)


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def load(client: Any, csv: str = YEAR_2027) -> int:
    answer = post(client, "/calendar/load", csv=csv, source=SOURCE)
    assert answer.status_code == 303, plain(answer.get_data(as_text=True))[:1500]
    return int(answer.headers["Location"].rpartition("/")[2])


def test_a_decree_is_loaded_with_a_preview_of_what_moves(committed_db, keeper):
    with committed_db.as_worker(), db.transaction() as session:
        exam = make_admission(session, step=Step.EXAM, due_in=30, is_provisional=True)
        exam_id, number, told = exam.id, exam.number, console_clock.day_of(exam.due_at)
    home = plain(page(keeper, "/calendar/"))
    assert "2027 年的放假安排还没有载入" in home and "第 1 版" in home and "248 个工作日" in home and "2027 年 暂定" in plain(page(keeper, "/calendar/?year=2027"))

    draft_id = load(keeper)
    assert "正在算会动哪些期限" in page(keeper, f"/calendar/drafts/{draft_id}")
    settle(committed_db)
    seen = plain(page(keeper, f"/calendar/drafts/{draft_id}"))
    assert number in seen and "2027 年 2 月 9 日（周二）" in seen and "2027 年 2 月 15 日（周一）" in seen and "新公布的年份：2027" in seen
    answer = post(keeper, f"/calendar/drafts/{draft_id}/confirm", reason="国务院公布了 2027 年的安排")
    assert answer.status_code == 303
    settle(committed_db)

    home = plain(page(keeper, "/calendar/?year=2027"))
    assert "第 2 版" in home and "2027 年 已公布" in home and "还没有载入" not in home and "白玉兰" in home and SOURCE in home
    assert "第 1 版，已被第 2 版取代" in plain(page(keeper, "/calendar/?version=1"))
    with committed_db.as_worker(), db.transaction() as session:
        found = session.get_one(Admission, exam_id)
        assert (told, console_clock.day_of(found.due_at), found.is_provisional) == (dt.date(2027, 2, 10), dt.date(2027, 2, 16), False)
        assert session.scalars(select(Letter.admission_id).where(Letter.event == "deadline_moved")).all() == [exam_id]
        assert session.scalars(select(Message.office_id).where(Message.event == "deadlines_moved")).all() == [found.office_id]
        relay_again = calendars(session).version
    settle(committed_db)
    assert relay_again == 2


def test_two_officers_at_once_and_a_draft_that_is_over(committed_db, keeper):
    first, second = load(keeper), int(post(keeper, "/calendar/change", **row(day="2026-12-31", name="电力检修"), source=SOURCE).headers["Location"].rpartition("/")[2])
    settle(committed_db)
    assert post(keeper, f"/calendar/drafts/{first}/confirm", reason="新年安排").status_code == 303
    late = post(keeper, f"/calendar/drafts/{second}/confirm", reason="电力检修")
    assert late.status_code == 409 and "日历已经有了第 2 版" in late.get_data(as_text=True)
    assert "已过时" in page(keeper, f"/calendar/drafts/{second}")
    assert post(keeper, f"/calendar/drafts/{first}/drop").status_code == 409
    assert post(keeper, f"/calendar/drafts/{second}/drop").status_code == 303
    page(keeper, "/calendar/drafts/999", 404)


def row(at: int = 0, **values: str) -> dict[str, str]:
    return {f"{name}-{at}": value for name, value in ({"day": "", "kind": "holiday", "name": "", "division": ""} | values).items()}


def test_bad_input_is_said_with_its_line_and_nothing_is_lost(committed_db, keeper):
    wrong = post(keeper, "/calendar/change", **row(day="2026-12-26", name="周末"), **row(1, day="2025-05-06", name="去年"), **row(2, day="2026-12-31", kind="x"), source="")
    html = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and 'value="2026-12-26"' in html and 'value="去年"' in html
    assert "第 1 行：2026-12-26 是普通周末" in html and "第 2 行：2025-05-06 在已经过去的年份里" in html and "第 3 行：“x”不是日子的种类" in html
    assert all(field in html for field in ('href="#day-1"', 'id="day-1" aria-invalid="true" aria-describedby="day-1-error"', 'id="kind-2-error"', 'href="#source"'))
    assert html.index("第 1 行：") < html.index("第 2 行：") < html.index("第 3 行：") < html.index("请写明依据")
    assert "第 1 行：请至少" not in (nothing := post(keeper, "/calendar/change", source=SOURCE)).get_data(as_text=True) and nothing.status_code == 422
    for sent, said, place in ((b"", "没有内容", "days"), (b"PK\0\0", "这不是 CSV 文本文件", "file"), (b"x" * 600_000, "最多 512 KB", "file")):
        answer = post(keeper, "/calendar/load", file=(io.BytesIO(sent), "2027.csv"), source=SOURCE)
        assert answer.status_code == 422 and said in answer.get_data(as_text=True) and f'href="#{place}"' in answer.get_data(as_text=True)
    assert "请写明依据" in post(keeper, "/calendar/load", csv=YEAR_2027, source="").get_data(as_text=True)
    half = post(keeper, "/calendar/load", csv="\n".join(YEAR_2027.splitlines()[:10]), source=SOURCE)
    assert half.status_code == 422 and "2027 年只载入了一半" in half.get_data(as_text=True)
    english = keeper
    english.set_cookie("ruku_lang", "en")
    assert "2027 would be loaded by half" in post(english, "/calendar/load", csv="\n".join(YEAR_2027.splitlines()[:10]), source=SOURCE).get_data(as_text=True)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(CalendarDraft)).all() == [] and len(session.scalars(select(CalendarVersion)).all()) == 1


def test_who_only_reads_sees_the_year_and_changes_nothing(committed_db, keeper, console_app):
    draft_id = load(keeper)
    settle(committed_db)
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER)
    html = page(reviewer, "/calendar/")
    assert "/calendar/change" not in html and "国庆节" in html and "调休上班" in html
    assert "由交易中心的平台管理员确认" in page(reviewer, f"/calendar/drafts/{draft_id}")
    assert post(reviewer, f"/calendar/drafts/{draft_id}/confirm", reason="我来").status_code in (302, 403)
    reviewer.set_cookie("ruku_lang", "en")
    said = plain(page(reviewer, "/calendar/?year=2026&division=150100").partition("</header>")[2])
    assert "248 working days in the year" in said and "October" in said


def test_the_command_previews_and_loads(committed_db, keeper, tmp_path, capsys):
    file = tmp_path / "2027.csv"
    file.write_text(YEAR_2027, encoding="utf-8")

    def act(action: str, path: Path | None = file, **more: str) -> int:
        options = argparse.Namespace(action=action, file=str(path) if path else None, **({"source": SOURCE, "reason": None} | more))
        with committed_db.as_worker(), db.transaction() as session:
            return calendar_command.act(session, options)

    assert act("show", None) == 1 and "2027 has no decree" in capsys.readouterr().out
    assert act("preview") == 0 and "decreed years would be 2004-2027" in capsys.readouterr().out
    with pytest.raises(NotReady, match="理由"):
        act("load")
    assert act("load", reason="国务院公布了") == 0 and "Version 2 is recorded" in capsys.readouterr().out
    assert act("show", None) == 0
    with pytest.raises(NotReady, match="没有要改的"):
        act("load", reason="再来一次")
    file.write_text("day,is_workday,kind,name\n2027-02-30,0,holiday,春节\n", encoding="utf-8")
    with pytest.raises(NotReady, match=r"2027\.csv:2: “2027-02-30”不是一天"):
        act("preview")
    file.write_bytes(YEAR_2027.encode("gb18030"))
    with pytest.raises(NotReady, match="没有要改的"):
        act("preview")
    with pytest.raises(NotReady, match="needs a CSV"):
        act("load", None)
