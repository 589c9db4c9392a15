"""The page of changed paragraphs through the real door, and the command."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console import db, regulations_command
from console.departments import regulations
from console.errors import InvalidAnswers
from console.process import NotReady
from console.roles import Role
from seed.base import DATA
from seed.rows import SeedProblems
from tests.officers import officer, post

COLUMNS = (DATA / "regulation_paragraphs.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
CHANGE = {
    "regulation_id": "TBL-2017", "article": "第三十七条", "summary": "评标专家须满十年并有高级职称。", "in_force_from": "2040-11-01",
}  # fmt: skip
PATH = "/changed-paragraphs/record"


@pytest.fixture(autouse=True)
def later(clock: Any) -> None:
    clock.set(dt.date(2040, 11, 18))  # than whatever the template database was made on


def version(session: Session) -> int:
    return regulations.latest(session)["TBL-2017", "第三十七条"].version


def test_the_centres_publisher_looks_first_then_records_and_the_places_are_listed(committed_db: Any, console_app: Any) -> None:
    publisher = officer(console_app, committed_db, Role.RULE_PUBLISHER, department="centre")
    assert "引用的条文都在库" in publisher.get("/changed-paragraphs/").get_data(as_text=True)

    look = post(publisher, PATH, **CHANGE, do="look")
    assert look.status_code == 200 and "登记以后会多出" in look.get_data(as_text=True) and "criteria.title.basis.0" in look.get_data(as_text=True)
    bare = post(publisher, PATH, **CHANGE, do="save")
    assert bare.status_code == 422 and "请写明从哪里得知" in bare.get_data(as_text=True)
    wrong = post(publisher, PATH, **CHANGE | {"in_force_from": "明年"}, do="save", reason="人大公布修正")
    assert wrong.status_code == 422 and "评标专家须满十年" in wrong.get_data(as_text=True)  # what was typed is still there
    with committed_db.as_worker(), db.transaction() as session:
        assert version(session) == 1
    assert post(publisher, PATH, **CHANGE, do="save", reason="人大公布修正").status_code == 303

    with committed_db.as_worker(), db.transaction() as session:
        assert version(session) == 2
    page = publisher.get("/changed-paragraphs/?department=transport").get_data(as_text=True)
    assert "条文已变" in page and "criteria.title.basis.0" in page and "中华人民共和国招标投标法" in page
    assert "第三十七条" in publisher.get("/screens/paragraphs/?q=第三十七条").get_data(as_text=True)


@pytest.mark.parametrize(("role", "department", "reads", "form"), [
    (Role.RULE_EDITOR, "transport", 200, False), (Role.SUPERVISOR, None, 200, False), (Role.RULE_PUBLISHER, "transport", 200, False),
    (Role.FIRST_REVIEWER, "transport", 403, False),
])  # fmt: skip
def test_others_read_the_list_and_do_not_record(
    committed_db: Any, console_app: Any, role: Role, department: str | None, reads: int, form: bool
) -> None:
    client = officer(console_app, committed_db, role, department=department)
    page = client.get("/changed-paragraphs/")
    assert (page.status_code in (302, 303, 403)) if reads == 403 else page.status_code == 200
    asked = client.get(PATH)
    assert asked.status_code != 200 or "<textarea" not in asked.get_data(as_text=True)


def table(path: Path, *rows: dict[str, str]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def run(session: Session, action: str, file: str | None = None, **more: Any) -> int:
    options = {"apply": False, "reason": None} | more
    return regulations_command.act(session, argparse.Namespace(action=action, file=file, **options))


ROW = CHANGE | {"title": "评标委员会的组成", "verified": "0"}
NEW = ROW | {"article": "第一条", "title": "宗旨", "summary": "为了规范招标投标活动。", "in_force_from": "2017-12-28"}


def test_the_command_shows_what_would_move_and_writes_only_when_told(session: Session, tmp_path: Path, capsys: Any) -> None:
    file = table(tmp_path / "changes.csv", ROW, NEW)
    assert run(session, "load", file) == 0
    said = capsys.readouterr().out
    assert "v1 → v2: TBL-2017 第三十七条" in said and "new: TBL-2017 第一条" in said and "transport" in said and "Nothing was written" in said
    assert (version(session), run(session, "stale")) == (1, 0)

    assert run(session, "load", file, apply=True, reason="人大公布修正") == 0
    assert (version(session), run(session, "stale")) == (2, 1)
    capsys.readouterr()
    assert run(session, "load", file) == 0
    assert "2 rows are on file as they are, 0 would be recorded." in capsys.readouterr().out
    assert run(session, "list") == 0 and "TBL-2017 第三十七条  v2" in capsys.readouterr().out


def test_the_command_names_what_is_wrong_by_line_and_writes_nothing(session: Session, tmp_path: Path) -> None:
    file = table(tmp_path / "changes.csv", ROW | {"in_force_from": ""}, NEW | {"regulation_id": "NO-SUCH"})
    with pytest.raises(SeedProblems) as error:
        run(session, "load", file, apply=True, reason="人大公布修正")
    assert [(one.line, one.column) for one in error.value.problems] == [(2, "in_force_from"), (3, "regulation_id")]
    with pytest.raises(InvalidAnswers):
        run(session, "load", table(tmp_path / "one.csv", ROW), apply=True)  # no reason
    with pytest.raises(NotReady):
        run(session, "load")
    assert version(session) == 1
