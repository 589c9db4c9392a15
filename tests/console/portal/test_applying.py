"""Filling in by posting forms, as a browser without scripts does; what portal.js asks; and everything that can be wrong."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from pypdf import PdfWriter
from sqlalchemy import text

from console import clock, db
from console.applications import services
from console.applications.models import Application
from console.scope import become
from tests.console.portal.conftest import GOOD, Citizen, one_page_pdf
from tests.factories import id_number


def stored(citizen: Citizen, number: int) -> dict:
    with become(citizen.person), db.transaction() as session:
        return services.open_answers(session.get_one(Application, number))


def counts(committed_db) -> tuple[int, int, int]:
    with committed_db.as_worker(), db.transaction() as session:
        tables = ("admission", "application_specialty", "step_entry")
        return tuple(session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables)


# ── choosing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_specialties_are_found_by_code_and_by_name_and_say_who_reviews(citizen):
    citizen.get("/file")
    citizen.submit("/applications")
    assert citizen.path == "/applications/1/specialties"

    page = citizen.submit("specialties", {"q": "河道"}, do="search")
    assert "A080804 河道和堤防工程" in page.text and "水利厅" in page.text
    page = citizen.submit("specialties", {"q": "a0503"}, do="search")
    assert "A050302 桥梁" in page.text and "交通运输厅" in page.text
    page = citizen.submit("specialties", do="add:316-2018/A050302")

    assert "1 个，最多 10 个" in page.text
    page = citizen.submit("specialties", {"division": "150105"}, do="next")
    assert citizen.path == "/applications/1/sections/identity"
    page = citizen.get("/applications/1/sections/workplace")
    assert 'value="150105" selected' in page.html  # asked once


def test_the_tree_of_specialties_can_be_walked(citizen, draft):
    page = citizen.get(f"/applications/{draft}/specialties?standard=mof-2022")
    assert "A 货物" in page.text
    page = citizen.get(page.links["货物"])

    assert "A01000000 房屋和构筑物" in page.text


@pytest.mark.parametrize(
    ("do", "says"),
    [
        ("add:320-1999/A050302", "有一个专业代码不在所选的分类标准里，请从列表中选。"),
        ("add:316-2018/Z99", "有一个专业代码不在所选的分类标准里，请从列表中选。"),
        ("add:316-2018/A05", "请选到最细一级的专业。"),
        ("add:nonsense", "有一个专业代码不在所选的分类标准里，请从列表中选。"),
    ],
)
def test_a_forged_specialty_is_refused_and_the_choice_stays(do, says, citizen, draft):
    citizen.get(f"/applications/{draft}/specialties")

    page = citizen.submit("specialties", do=do, status=422)

    assert page.problems == [says]
    assert "A050302 桥梁" in page.text and "1 个，最多 10 个" in page.text


def test_choosing_nothing_is_said_at_the_top(citizen):
    citizen.get("/file")
    citizen.submit("/applications")

    page = citizen.submit("specialties", do="next", status=422)

    assert page.problems == ["请至少选一个专业。", "请选工作所在地。"]


def test_the_account_is_not_asked_twice(citizen):
    citizen.get("/file")
    citizen.submit("/applications")

    assert (stored(citizen, 1)["name"], stored(citizen, 1)["phone"]) == ("高娃", "13900001234")


# ── a section ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_section_is_kept_and_the_next_one_follows(citizen, draft):
    citizen.get(f"/applications/{draft}/sections/identity")
    citizen.submit("answers", files={"upload:id_papers": (one_page_pdf(), "身份证.pdf")}, do="upload:id_papers")
    assert "身份证.pdf" in citizen.page.text

    citizen.submit("answers", GOOD, do="next")

    assert citizen.path == f"/applications/{draft}/sections/workplace"
    kept = stored(citizen, draft)
    assert {name: kept[name] for name in GOOD} == GOOD
    assert [file["name"] for file in kept["id_papers"]] == ["身份证.pdf"]


BAD_INPUT = {
    "an identity number with a wrong check digit": (
        "identity", {"id_number": id_number(7)[:-1] + ("1" if id_number(7)[-1] != "1" else "2")}, "校验码不符",
    ),
    "an identity number born in the future": ("identity", {"id_number": "150105209001010019"}, "身份证号"),
    "a phone number of nobody": ("identity", {"phone": "12345"}, "不是 11 位手机号码"),
    "an answer of two hundred pages": ("identity", {"name": "长" * 100_000}, "最多 50 个"),
    "an invisible character": ("identity", {"name": "高\u202e娃"}, "不可见的控制字符"),
    "a forged choice": ("workplace", {"employment_status": "minister"}, "不在可选项中"),
    "a place that is none": ("workplace", {"work_division": "999999"}, "没有代码为"),
    "a company code with a wrong digit": ("workplace", {"employment_status": "employed", "employer_uscc": "91150100MA0N0BXY60"}, "统一社会信用代码"),
    "a date that does not exist": ("title", {"title_level": "full_senior", "title_date": "2026-02-31"}, "不是日期"),
    "a title from the future": ("title", {"title_level": "full_senior", "title_date": "2199-01-01"}, "晚于"),
    "a period that ends before it starts": (
        "work", {"work_periods.0.months.start": "2008-03", "work_periods.0.months.end": "2007-06"}, "早于开始的年月 2008-03",
    ),
    "half a period": ("work", {"work_periods.0.months.start": "2008-03"}, "请填写结束的年月"),
    "a month that is none": ("work", {"work_periods.0.months.start": "昨天", "work_periods.0.months.end": "2009-01"}, "不是年月"),
}  # fmt: skip


def path_of(values: dict[str, str]) -> str:
    return re.sub(r"\.(start|end)$", "", list(values)[-1])


@pytest.mark.parametrize("case", BAD_INPUT, ids=lambda case: case.replace(" ", "-"))
def test_what_is_wrong_is_listed_and_stands_beside_its_field_and_stays_typed(case, citizen, draft, committed_db):
    key, values, says = BAD_INPUT[case]
    before = counts(committed_db)
    citizen.get(f"/applications/{draft}/sections/{key}")

    page = citizen.submit("answers", values, do="next", status=422)

    path = path_of(values)
    assert any(says in problem for problem in page.problems), page.problems
    beside = re.search(rf'id="{re.escape(path)}-error">(.*?)</div>', page.html, re.S)
    assert beside and says in re.sub(r"<[^>]+>", "", beside[1])
    assert f'href="#{path}' in page.html and any(found.startswith(path) for found in page.ids)
    assert 'aria-invalid="true"' in page.html
    for typed in values.values():
        assert typed[:200] in page.html
    assert counts(committed_db) == before
    assert citizen.get(f"/applications/{draft}/sections/{key}").problems != []  # still there, on every device


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.html", "<script>1</script>")
    return out.getvalue()


def many_pages() -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    for _ in range(200):
        writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"MZ", "证书.exe", "不是可以上传的类型"),
        (zipped(), "证书.pdf", "内容与文件名不符"),
        (b"<html>", "证书.jpg", "内容与文件名不符"),
        (many_pages(), "合同.pdf", "有 200 页，超过 100 页"),
        (b"", "空.pdf", "是空的"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused_and_the_rest_is_kept(content, name, says, citizen, draft, committed_db):
    citizen.get(f"/applications/{draft}/sections/identity")

    page = citizen.submit(
        "answers", {"name": "高娃娃"}, files={"upload:id_papers": (content, name)}, do="upload:id_papers", status=422
    )

    assert any(says in problem for problem in page.problems)
    assert stored(citizen, draft).get("id_papers") in (None, []) and stored(citizen, draft)["name"] == "高娃娃"
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM attachment")) == 0


def test_a_file_is_shown_as_pictures_and_leaves_only_as_a_download(citizen, draft):
    citizen.get(f"/applications/{draft}/sections/identity")
    citizen.submit("answers", files={"upload:id_papers": (one_page_pdf(), "身份证.pdf")}, do="upload:id_papers")
    page = citizen.get("/attachments/1")
    assert "/attachments/1/pages/1.png" in page.html and "身份证.pdf" in page.text

    picture = citizen.client.get("/attachments/1/pages/1.png")
    original = citizen.client.get("/attachments/1/original")

    assert picture.mimetype == "image/png" and picture.data.startswith(b"\x89PNG")
    assert citizen.client.get("/attachments/1/pages/2.png").status_code == 404
    assert original.headers["Content-Disposition"].startswith("attachment")
    assert original.headers["X-Content-Type-Options"] == "nosniff"
    assert original.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert original.mimetype == "application/octet-stream"
    citizen.get(f"/applications/{draft}/sections/identity")
    citizen.submit("answers", do="drop:1")
    assert "身份证.pdf" not in citizen.page.text
    citizen.get("/attachments/1", status=404)


def test_entries_are_added_and_removed_and_files_follow_their_entry(citizen, draft, committed_db):
    work = f"/applications/{draft}/sections/work"
    citizen.get(work)
    citizen.submit("answers", {"work_periods.0.organisation": "甲院"}, do="add:work_periods")
    citizen.submit("answers", {"work_periods.1.organisation": "乙院"}, do="add:work_periods")
    citizen.submit(
        "answers", {"work_periods.2.organisation": "丙院"}, do="upload:work_periods.2.work_paper",
        files={"upload:work_periods.2.work_paper": (one_page_pdf(), "社保.pdf")},
    )  # fmt: skip
    assert [entry["organisation"] for entry in stored(citizen, draft)["work_periods"]] == ["甲院", "乙院", "丙院"]

    citizen.submit("answers", {"work_periods.0.organisation": "甲院改"}, do="remove:work_periods.1")

    left = stored(citizen, draft)["work_periods"]
    assert [entry["organisation"] for entry in left] == ["甲院改", "丙院"]
    assert [file["name"] for file in left[1]["work_paper"]] == ["社保.pdf"]
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT field FROM attachment")) == "work_periods.1.work_paper"
    citizen.submit("answers", do="drop:1")
    assert stored(citizen, draft)["work_periods"][1]["work_paper"] == []
    citizen.submit("answers", do="remove:work_periods.1")
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM attachment WHERE removed_at IS NULL")) == 0


# ── what portal.js saves ─────────────────────────────────────────────────────────────────────────────────────


def test_each_field_saves_itself_right_or_wrong(citizen, draft):
    citizen.get(f"/applications/{draft}/sections/identity")

    wrong = citizen.post(f"/applications/{draft}/fields", {"path": "id_number", "id_number": "15010519"})
    right = citizen.post(f"/applications/{draft}/fields", {"path": "id_number", "id_number": id_number(7)})

    assert wrong.status_code == 200 and len(wrong.json["problems"]) == 1 and "18 位" in wrong.json["problems"][0]
    assert right.json["problems"] == [] and re.match(r"\d\d:\d\d:\d\d 已存，手机电脑同步", right.json["saved"])
    assert stored(citizen, draft)["id_number"] == id_number(7)


def test_saving_one_field_says_which_others_are_asked(citizen, draft):
    citizen.get(f"/applications/{draft}/sections/title")

    none = citizen.post(f"/applications/{draft}/fields", {"path": "title_level", "title_level": "none"}).json["shown"]
    some = citizen.post(f"/applications/{draft}/fields", {"path": "title_level", "title_level": "full_senior"}).json["shown"]

    assert (none["title_date"], some["title_date"]) == (False, True)


@pytest.mark.parametrize("path", ["id_papers", "work_periods", "nowhere", "", "work_periods.0", "__class__", "transport.nowhere.0.x"])
def test_a_forged_path_is_not_found(path, citizen, draft):
    citizen.get(f"/applications/{draft}/sections/identity")
    before = stored(citizen, draft)

    answer = citizen.post(f"/applications/{draft}/fields", {"path": path, path: "0" * 64})

    assert answer.status_code == 404
    assert stored(citizen, draft) == before


def test_a_file_uploaded_by_the_script_comes_back_as_the_fields_list(citizen, draft):
    citizen.get(f"/applications/{draft}/sections/identity")

    good = citizen.post(f"/applications/{draft}/attachments", {"path": "id_papers", "file": (io.BytesIO(one_page_pdf()), "证.pdf")})
    bad = citizen.post(f"/applications/{draft}/attachments", {"path": "id_papers", "file": (io.BytesIO(zipped()), "证.pdf")})

    assert good.status_code == 200 and "证.pdf" in good.json["html"] and good.json["problems"] == []
    assert bad.status_code == 422 and "内容与文件名不符" in bad.json["problems"][0]


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unfinished_application_is_not_submitted_and_says_everything_that_is_missing(citizen, draft, committed_db):
    citizen.get(f"/applications/{draft}/review")
    before = counts(committed_db)

    page = citizen.submit("/submit", status=422)

    expected = {"姓名", "身份证号", "身份证照片", "最高学历", "工作经历", "在职情况"}
    assert expected <= set(page.problems)
    assert re.search(r"还有 \d+ 处没有填好，暂时不能提交", page.text)
    assert f"/applications/{draft}/sections/identity?check=1#id_number" in page.html
    assert counts(committed_db) == before == (0, 0, 0)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT submitted_at FROM application")) is None


def test_an_identity_number_is_shown_in_part(citizen, draft):
    citizen.get(f"/applications/{draft}/sections/identity")
    citizen.submit("answers", GOOD, do="stay")

    page = citizen.get(f"/applications/{draft}/review")

    assert id_number(7) not in page.html and id_number(7)[:6] + "********" in page.text
    assert "13900001234" not in page.html and "139****1234" in page.text


def test_a_second_draft_is_not_begun(citizen, draft):
    citizen.get("/")
    token = citizen.get("/account").form("/sign-out")["data"][0][1]

    answer = citizen.client.post("/applications", data={"csrf_token": token})

    assert answer.location == f"/applications/{draft}/specialties"


# ── a newer form ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_under_a_newer_form_says_what_carried_over_and_what_is_new(citizen, draft, committed_db):
    from tests.console.applications.test_transition import FORM, OLD, publish

    citizen.get(f"/applications/{draft}")
    assert "表单有新版" not in citizen.page.text
    with committed_db.as_worker(), db.transaction() as session:
        publish(session, {"application.yaml": FORM}, transition=OLD, effective_on=clock.today(session))
    for path in (f"/applications/{draft}", f"/applications/{draft}/review", f"/applications/{draft}/sections/identity"):
        page = citizen.get(path)
        assert "表单有新版，您填的都还在" in page.text, path
        assert f'href="/applications/{draft}/sections/transport.extra#transport.bridge_count">桥梁项目数</a>' in page.html
    citizen.get(f"/applications/{draft}")
    page = citizen.submit("form-seen")
    assert "表单有新版" not in page.text
    assert citizen.get(f"/applications/{draft}/sections/transport.extra").form("answers")


def test_trying_oneself_says_so_where_a_derivation_is_not_installed(visitor, committed_db, monkeypatch):
    from rules import hooks
    from tests.console.applications.test_transition import publish

    counts = hooks.read('def count_bridges(highway_projects: list) -> int:\n    """Bridges among the projects."""\n    return len(highway_projects or ())\n')
    monkeypatch.setattr(hooks, "_installed", {"transport": counts})
    derived = "derived: {bridges: {kind: number, label: {zh: 桥梁数, en: bridges}, hook: count_bridges, args: [highway_projects]}}\nparameters:\n"
    with committed_db.as_worker(), db.transaction() as session:
        publish(session, {"criteria.yaml": ("parameters:\n", derived)}, effective_on=clock.today(session))
    monkeypatch.setattr(hooks, "_installed", {})
    visitor.get("/eligibility?department=transport")
    page = visitor.submit("eligibility", {"department": "transport"}, status=503)
    assert "要用一段推导程序，本系统没有装好" in page.text
