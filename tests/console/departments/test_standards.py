"""Another edition is looked at before it is loaded; nothing is deleted, and what has ended is applied for no more."""

from __future__ import annotations

import base64
import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from console import audit, clock, db
from console.applications.models import ApplicationSpecialty
from console.applications.services import _check_specialties
from console.audit import AuditEntry
from console.departments import standards
from console.departments.models import Specialty, SpecialtyVersion
from console.errors import InvalidAnswers, NotAllowed
from console.portal.applying import search
from console.roles import Role
from console.scope import Public, System
from rules.standards import Standard, read
from seed import base
from tests.console.backup.house import run
from tests.factories import make_admission, make_application, make_staff
from tests.officers import officer, token

SEED = Path(base.DATA) / "specialties_316_2018.csv"
ENDS, NAME = "A050302", "316-2018"  # a code that transport decides
ACTOR = System("specialties")


def edition(*, without: tuple[str, ...] = (ENDS,), more: str = "", renamed: bool = True) -> bytes:
    lines = [line for line in SEED.read_text(encoding="utf-8").splitlines() if line.split(",")[1] not in without]
    text = "\n".join(lines) + "\n" + more
    return (text.replace(",规划\n", ",城乡规划\n", 1) if renamed else text).encode()


def load(session: Session, new: Standard, **given: Any) -> standards.Preview:
    values: dict[str, Any] = {"after": standards._last(session, new.name), "on": clock.today(session), "source": "new.csv", "reason": "发改法规〔2027〕1号", "many": False, "actor": ACTOR}
    return standards.load(session, new, **{**values, **given})


@pytest.fixture
def new(session: Session) -> Standard:
    return read(edition(more=f"{NAME},A9901,A99,3,1,新专业\n{NAME},A99,A,2,0,新类\n"))


def test_the_preview_says_what_moves_and_writes_nothing(session: Session, new: Standard) -> None:
    make_admission(session)  # at work, with the code that ends
    draft = make_application(session)
    draft.submitted_at, draft.chosen = None, [{"standard": NAME, "code": ENDS}]
    session.flush()
    before = session.scalar(select(func.count()).select_from(Specialty))
    seen = standards.preview(session, new)

    assert [one.code for one in seen.difference.added] == ["A99", "A9901"]
    assert [(old.name, now.name) for old, now in seen.difference.renamed] == [("规划", "城乡规划")]
    assert [one.code for one in seen.difference.gone] == [ENDS]
    assert seen.cited == [standards.Cited(ENDS, 1, 1, 0)]
    moved = {one.department: one for one in seen.claimed if one.before != one.after}
    assert [(one.before - one.after, one.empty) for one in moved.values()] == [(1, [])]
    assert "A9901" in [one.code for one in seen.unclaimed]
    assert (session.scalar(select(func.count()).select_from(Specialty)), seen.is_much, seen.version) == (before, False, 0)


def test_loading_dates_what_has_gone_and_keeps_it(session: Session, new: Standard) -> None:
    admission = make_admission(session)
    day = clock.today(session) + dt.timedelta(days=30)
    load(session, new, on=day)
    row = session.get_one(Specialty, (NAME, ENDS))
    version = session.get_one(SpecialtyVersion, (NAME, 1))

    assert row.until == day
    assert session.scalar(select(ApplicationSpecialty.code).where(ApplicationSpecialty.admission_id == admission.id)) == ENDS
    assert session.get_one(Specialty, (NAME, "A9901")).is_leaf and session.get_one(Specialty, (NAME, "A01")).name == "城乡规划"
    assert (version.loaded_by, version.added, version.renamed, version.moved, version.ended, version.content_hash) == ("system:test", 2, 1, 0, 1, new.content_hash)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "specialties.loaded")).one()
    assert (entry.subject, entry.facts["ended"], entry.facts["reason"]) == (f"specialty_version:{NAME}/1", [ENDS], "发改法规〔2027〕1号")
    assert not [fault for fault in audit.verify(session) if "specialty_version" in fault]


def test_an_ended_code_is_found_and_submitted_no_more_and_comes_back(session: Session, new: Standard, clock: Any) -> None:
    day = clock.today() + dt.timedelta(days=30)
    load(session, new, on=day)
    assert ([one.code for one in search(session, ENDS, NAME)], _check_specialties(session, [(NAME, ENDS)])) == ([ENDS], {})
    clock.set(day)
    assert search(session, ENDS, NAME) == []
    assert "已经停用" in _check_specialties(session, [(NAME, ENDS)])["specialties"]
    load(session, read(edition(without=())), on=clock.today(), many=True)
    assert [one.code for one in search(session, ENDS, NAME)] == [ENDS]
    assert session.get_one(Specialty, (NAME, "A9901")).until == day


def test_base_data_leaves_alone_what_people_have_loaded(committed_db: Any) -> None:
    with committed_db.as_worker(), db.transaction() as session:
        load(session, read(edition()))
    with committed_db.committing(committed_db.owner, System("seed")), db.transaction() as session:
        assert base.load(session).changes == 0
        assert session.get_one(Specialty, (NAME, "A01")).name == "城乡规划"
        assert session.get_one(Specialty, (NAME, ENDS)).until is not None


def test_what_is_missing_or_doubtful_is_refused(session: Session, new: Standard) -> None:
    with pytest.raises(InvalidAnswers) as error:
        load(session, new, reason="x", on=clock.today(session) - dt.timedelta(days=1))
    assert error.value.problems.keys() == {"reason", "on"}
    with pytest.raises(InvalidAnswers) as error:
        load(session, read(edition(without=(), renamed=False)))
    assert error.value.problems.keys() == {"file"}
    half = "\n".join(SEED.read_text(encoding="utf-8").splitlines()[:900]) + "\n"
    with pytest.raises(standards.ManyGone):
        load(session, read(half.encode()))
    load(session, read(half.encode()), many=True)
    with pytest.raises(standards.LoadedMeanwhile):
        load(session, new, after=0, many=True)


def test_only_administrators_of_the_whole_platform_load(session: Session, new: Standard, as_: Any, web_engine: Any) -> None:
    who = make_staff(session, Role.PLATFORM_ADMIN, department_code=None)
    for other in (make_staff(session, Role.DEPARTMENT_ADMIN), make_staff(session, Role.SUPERVISOR, department_code=None), Public()):
        with as_(other), pytest.raises(NotAllowed):
            load(session, new, actor=other)
    with as_(who):
        load(session, new, actor=who)
    assert session.get_one(SpecialtyVersion, (NAME, 1)).loaded_by == who.who


def test_the_web_writes_no_code_by_itself(committed_db: Any) -> None:
    for statement in ("UPDATE specialty SET name = 'x'", "INSERT INTO specialty_version SELECT * FROM specialty_version", "DELETE FROM specialty"):
        with committed_db.web.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
            connection.exec_driver_sql(statement)
    with committed_db.web.connect() as connection, pytest.raises(ProgrammingError, match="administrators of the platform"):
        connection.exec_driver_sql("SELECT ruku_load_specialties('x', 0, '[]', '{}', now()::date, '{}')")
    with committed_db.web.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ruku_specialties_cited('316-2018', '{A050302}')").scalar_one() == 0


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────

HOME = "/specialty-standards/"


def look(client: Any, raw: bytes) -> Any:
    return client.post(f"{HOME}look", data={"csrf_token": token(client.get(HOME)), "file": (io.BytesIO(raw), "新版.csv")}, content_type="multipart/form-data")


def test_an_administrator_looks_confirms_and_sees_the_version(committed_db: Any, console_app: Any) -> None:
    with committed_db.as_worker(), db.transaction() as session:
        draft = make_application(session)
        draft.submitted_at, draft.chosen = None, [{"standard": NAME, "code": ENDS}]
    client = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    seen = look(client, edition())
    assert seen.status_code == 200
    for words in ("还没有写入任何内容", ENDS, "规划 → 城乡规划", "交通运输厅", "有人在用"):
        assert words in seen.text
    sent = {"csrf_token": token(seen), "content": base64.b64encode(edition()).decode(), "after": "0", "on": "2099-01-01", "source": "新版.csv", "reason": "x"}
    refused = client.post(f"{HOME}load", data=sent)
    assert (refused.status_code, "请写明依据" in refused.text) == (422, True)
    done = client.post(f"{HOME}load", data=sent | {"reason": "发改法规〔2027〕1号"})
    assert done.status_code == 303
    home = client.get(HOME).text
    assert "已载入 316-2018 第 1 版" in home and "改名 1，调整 0，停用 1" in home
    again = client.post(f"{HOME}load", data=sent | {"reason": "发改法规〔2027〕1号"})
    assert again.status_code == 422  # exactly what is on file now


def test_a_broken_file_is_told_line_by_line(committed_db: Any, console_app: Any) -> None:
    client = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    answer = look(client, edition(more=f"{NAME},A01,A,2,0,重复\n"))
    assert (answer.status_code, "重复" in answer.text) == (422, True)
    assert (look(client, b"").status_code, look(client, b"\x00\xff").status_code) == (422, 422)
    lost = client.post(f"{HOME}load", data={"csrf_token": token(client.get(HOME)), "content": "!!", "after": "0"})
    assert lost.status_code == 303


def test_a_supervisor_reads_and_loads_nothing(committed_db: Any, console_app: Any) -> None:
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    home = client.get(HOME)
    assert (home.status_code, "由平台管理员载入" in home.text) == (200, True)
    assert client.post(f"{HOME}load", data={"csrf_token": token(home)}).status_code == 403


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_previews_and_loads(house: Any, committed_db: Any, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    environment, file = house.environment(committed_db.name), tmp_path / "new.csv"
    file.write_bytes(edition().decode().encode("gb18030"))
    committed_db.dispose()
    assert run(environment, monkeypatch, "specialties", "preview", file) == 0
    said = capsys.readouterr().out
    assert f"gone: 1\n  {ENDS} " in said and "A01 规划 → 城乡规划" in said and "transport: " in said
    assert run(environment, monkeypatch, "specialties", "load", file) == 1
    assert "请写明依据" in capsys.readouterr().err
    assert run(environment, monkeypatch, "specialties", "load", file, "--reason", "发改法规〔2027〕1号", "--from", "2099-01-01") == 0
    assert "Loaded as version 1 of 316-2018" in capsys.readouterr().out
    assert run(environment, monkeypatch, "specialties") == 0
    assert "v1 " in capsys.readouterr().out
    file.write_bytes(edition()[:-1])
    assert run(environment, monkeypatch, "specialties", "preview", file) == 1
    assert "in the middle of a line" in capsys.readouterr().err
    assert run(environment, monkeypatch, "specialties", "preview", tmp_path / "none.csv") == 1
