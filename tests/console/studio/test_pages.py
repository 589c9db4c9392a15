"""The plain pages of the rules, through the real door: from a lowered age limit to a release in force, by two people with browsers."""

from __future__ import annotations

import datetime as dt
import io
import re

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from console import db, relay
from console.applications.explaining import explain_file
from console.applications.models import Finding
from console.departments import queries as departments
from console.departments.models import SpecialtyTransfer
from console.roles import Role
from console.studio import drafts, publication
from console.studio.models import DraftState, RuleDraft
from tests.console.studio.making import (
    REASON,
    asked_for,
    change_age,
    editor,
    lower_age,
    make_draft,
    make_replay,
    publisher,
)
from tests.console.studio.replay.test_services import somebody
from tests.factories import department
from tests.officers import make_account, officer, sign_in, token

TODAY, NEXT_MONTH = dt.date(2026, 11, 20), dt.date(2026, 12, 1)


@pytest.fixture(autouse=True)
def on_the_day(committed_db, clock):
    clock.set(TODAY)


@pytest.fixture
def writer(committed_db, console_app):
    return officer(console_app, committed_db, Role.RULE_EDITOR, name="那 日苏")


@pytest.fixture
def second(committed_db, console_app):
    return officer(console_app, committed_db, Role.RULE_PUBLISHER, name="其 其格")


def shown(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:1500])
    return answer.get_data(as_text=True)


def post(client, path, *, page, **form):
    """Post with the token (and the revision in front of the writer) of the page that has the form."""
    html = client.get(page).get_data(as_text=True)
    data = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', html)[1], **form}
    found = re.search(r'name="expected" value="(\d+)"', html)
    if found:
        data.setdefault("expected", found[1])
    return client.post(path, data=data, content_type="multipart/form-data")


def file(name, content):
    return (io.BytesIO(content if isinstance(content, bytes) else content.encode()), name)


def begin(client, title="年龄上限改为 60 周岁", code="transport"):
    """A new draft's id, by the page."""
    answer = post(client, f"/rules/{code}/begin", page=f"/rules/{code}/begin", title=title)
    assert answer.status_code == 303, answer.get_data(as_text=True)[:1500]
    return int(answer.headers["Location"].rpartition("/")[2])


def upload(client, draft, *files, **form):
    page = f"/rules/drafts/{draft}"
    return post(client, f"/rules/files/{draft}/upload", page=page, files=[file(*one) for one in files], **form)


def criteria_of(client, draft):
    return client.get(f"/rules/files/{draft}/download/criteria.yaml").data.decode()


def lowered(client, draft, **values):
    """Upload the rules with a lower age limit, and the one case that it decides otherwise."""
    cases = client.get(f"/rules/files/{draft}/download/cases.yaml").data.decode().replace("1960-12-21", "1970-12-21")
    criteria = criteria_of(client, draft)
    files = [("criteria.yaml", criteria if "value: 60" in criteria else lower_age(criteria, **values)), ("cases.yaml", cases)]
    assert upload(client, draft, *files).status_code == 303


def settle(database):
    """Let relay and worker do what is due."""
    with database.as_worker():
        relay.settle(database.settings)


def replayed(database, draft_id):
    """What the worker does when a replay was asked for: tested where it is made."""
    with database.as_worker(), db.transaction() as session:
        make_replay(session, session.get_one(RuleDraft, draft_id))


# ── the whole walk ───────────────────────────────────────────────────────────────────────────────────────────


def test_two_people_with_browsers_lower_the_age_limit(committed_db, clock, writer, second):
    with committed_db.as_worker(), db.transaction() as session:
        yesterdays = somebody(session, name="高娃", age=63).number
        somebody(session, name="陶格斯", age=45)
    assert "没有正在改的草稿" in shown(writer, "/rules/")
    draft = begin(writer)
    page = shown(writer, f"/rules/drafts/{draft}")
    assert "没有可发布的改动" in page
    assert "还没有选生效日期" in page

    answer = upload(writer, draft, ("criteria (1).yaml", lower_age(criteria_of(writer, draft))), note="按新办法")
    assert answer.status_code == 303
    page = shown(writer, f"/rules/drafts/{draft}")
    assert "已存为第 2 次修订" in page and "改过" in page
    assert "1 个案例的结论与预期不同" in shown(writer, f"/rules/drafts/{draft}/cases")
    assert "C601" in shown(writer, f"/rules/drafts/{draft}/checks")
    lowered(writer, draft, start="2026-12-01")
    assert "没有错误" in shown(writer, f"/rules/drafts/{draft}/checks")
    assert "都与预期相符" in shown(writer, f"/rules/drafts/{draft}/cases")
    assert "60" in shown(writer, f"/rules/drafts/{draft}/changes")
    history = shown(writer, f"/rules/drafts/{draft}/history")
    assert "那日苏" in history and "按新办法" in history

    planned = post(writer, f"/rules/drafts/{draft}/plan", page=f"/rules/drafts/{draft}", effective_on="2026-12-01", begun="new", submitted="old", accepted="old")
    assert planned.status_code == 303
    assert "还没有按这一稿重算往卷" in shown(writer, f"/rules/drafts/{draft}")

    asked = post(writer, f"/rules/replays/of/{draft}", page=f"/rules/replays/of/{draft}")
    assert asked.status_code == 303
    waiting = shown(writer, asked.headers["Location"])
    assert "data-reload-after" in waiting and '<meta http-equiv="refresh"' in waiting
    settle(committed_db)
    page = shown(writer, asked.headers["Location"])
    assert "会变的 1 件" in page and "高娃" in page and "已 63 周岁，超过 60 周岁" in page and "陶格斯" not in page
    assert "没有符合条件的件" in shown(writer, asked.headers["Location"] + "?kind=admitted")
    assert "高娃" in shown(writer, asked.headers["Location"] + "?criterion=age&league=150100&place=open")
    names = load_workbook(io.BytesIO(writer.get(asked.headers["Location"] + "/names.xlsx").data)).active
    assert "高娃" in [cell.value for cell in names[2]]
    road = f"/rules/publication/{draft}"
    assert post(writer, f"{road}/request", page=road, reason="").status_code == 422
    assert post(writer, f"{road}/request", page=road, reason=REASON).status_code == 303
    assert "撤回申请" in shown(writer, road)

    assert "待您发布" in shown(second, "/rules/")
    page = shown(second, road)
    assert REASON in page and "那日苏" in page and "由您决定" in page
    assert post(second, f"{road}/publish", page=road, reason=REASON).status_code == 303
    assert "未到日子" in shown(second, "/rules/")

    with committed_db.as_worker(), db.transaction() as session:
        wanted = session.get_one(RuleDraft, draft).release_id
        home = department(session, "transport").id
        in_force = [departments.release_in_force(session, home, day).id == wanted for day in (NEXT_MONTH - dt.timedelta(days=1), NEXT_MONTH)]
    assert in_force == [False, True]
    page = shown(second, f"/rules/releases/{wanted}")
    assert "改了什么" in page and "发布" in page and REASON in page

    clock.set(NEXT_MONTH)
    settle(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        new = somebody(session, name="新来的", age=63)
        assert (new.release_id, session.scalars(select(Finding.decision).where(Finding.admission_id == new.id)).one()) == (wanted, "reject")
        old = explain_file(session, yesterdays, lang="zh", reason="核对旧件")
        assert [(one.difference, one.release.endswith(f"{wanted}")) for one in old] == [(None, False)]
        assert "65" in "\n".join(old[0].lines)
    later = officer(second.application, committed_db, Role.RULE_PUBLISHER)  # the first one's session is ten days old
    page = shown(later, f"/rules/releases/{wanted}")
    assert "现行" in page and "生效" in page


def test_nobody_publishes_their_own_by_the_page_either(committed_db, console_app, second):
    both = officer(console_app, committed_db, Role.RULE_EDITOR, Role.RULE_PUBLISHER, name="乌 兰")
    draft = begin(both)
    lowered(both, draft)
    post(both, f"/rules/drafts/{draft}/plan", page=f"/rules/drafts/{draft}", effective_on="2026-12-01")
    replayed(committed_db, draft)
    road = f"/rules/publication/{draft}"
    post(both, f"{road}/request", page=road, reason=REASON)

    page = shown(both, road)
    assert "不能由您发布" in page and "由您决定" not in page
    refused = post(both, f"{road}/publish", page=road, reason=REASON)
    assert refused.status_code == 403 and "不能由您发布" in refused.get_data(as_text=True)
    assert post(second, f"{road}/send-back", page=road, reason="依据还没有写明条号").status_code == 303
    assert "依据还没有写明条号" in shown(both, f"/rules/drafts/{draft}")
    assert post(both, f"{road}/request", page=road, reason=REASON).status_code == 303
    assert post(both, f"{road}/take-back", page=road, reason="再想一想吧").status_code == 303
    assert post(second, f"{road}/publish", page=road, reason=REASON).status_code == 409


def test_a_replay_is_stopped_and_seen_by_its_department_only(committed_db, console_app, writer):
    draft = begin(writer)
    lowered(writer, draft)
    bad = post(writer, f"/rules/replays/of/{draft}", page=f"/rules/replays/of/{draft}", as_if="soon")
    assert bad.status_code == 422 and "日期请写成" in bad.get_data(as_text=True)
    address = post(writer, f"/rules/replays/of/{draft}", page=f"/rules/replays/of/{draft}", as_if="2026-12-01").headers["Location"]
    assert post(writer, f"{address}/cancel", page=address).status_code == 303
    assert "中途停止" in shown(writer, address)
    water = officer(console_app, committed_db, Role.RULE_EDITOR, department="water")
    form = {"csrf_token": token(water.get("/password/"))}
    assert [water.get(path).status_code for path in (address, f"{address}/names.xlsx", f"/rules/replays/of/{draft}")] == [404, 404, 404]
    assert [water.post(path, data=form).status_code for path in (f"{address}/cancel", f"/rules/replays/of/{draft}")] == [404, 404]


# ── files in and out ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_workbook_goes_out_and_comes_back_row_by_row(writer):
    draft = begin(writer)
    content = writer.get(f"/rules/files/{draft}/workbook.xlsx").data
    same = upload(writer, draft, ("transport.xlsx", content))
    assert same.status_code == 303
    assert "工作簿里没有改动" in shown(writer, f"/rules/drafts/{draft}")

    book = load_workbook(io.BytesIO(content))
    sheet = book["参数值"]
    row = next(r for r in sheet.iter_rows(min_row=3) if "age_limit" in [c.value for c in r])
    at = sheet.max_row + 1
    heads = [c.value for c in sheet[1]]
    for column, cell in enumerate(row, start=1):
        sheet.cell(at, column).value = cell.value
    start, value = heads.index("自") + 1, heads.index("值") + 1
    sheet.cell(at, start).value, sheet.cell(at, value).value = "2026-12-01", 60
    out = io.BytesIO()
    book.save(out)
    answer = upload(writer, draft, ("transport.xlsx", out.getvalue()))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "还没有保存" in page and "criteria.yaml" in page
    assert "value: 60" not in criteria_of(writer, draft)

    waiting = re.search(r'name="waiting" value="([^"]+)"', page)[1]
    assert post(writer, f"/rules/files/{draft}/waiting", page=f"/rules/drafts/{draft}", waiting=waiting[:-3] + "abc").status_code == 409
    assert post(writer, f"/rules/files/{draft}/waiting", page=f"/rules/drafts/{draft}", waiting=waiting).status_code == 303
    assert "2026-12-01" in criteria_of(writer, draft)


def test_an_archive_goes_out_and_comes_back(writer):
    draft = begin(writer)
    content = writer.get(f"/rules/files/{draft}/archive.zip").data
    assert "没有新的修订" in shown(writer, upload(writer, draft, ("all.zip", content)).headers["Location"])


def test_a_draft_begins_from_an_archive(writer):
    draft = begin(writer)
    path = "/rules/transport/begin"
    same = post(writer, path, page=path, archive=file("all.zip", writer.get(f"/rules/files/{draft}/archive.zip").data))
    assert same.status_code == 422 and "没有可导入的改动" in same.get_data(as_text=True)
    lowered(writer, draft)
    content = writer.get(f"/rules/files/{draft}/archive.zip").data
    done = post(writer, path, page=path, archive=file("all.zip", content))
    assert done.status_code == 303 and "导入" in shown(writer, done.headers["Location"])
    broken = post(writer, path, page=path, archive=file("all.zip", b"PK no archive"))
    assert broken.status_code == 422 and "不是完好的压缩包" in broken.get_data(as_text=True)


def test_a_text_is_changed_in_the_browser_and_keeps_its_line_ends(committed_db, writer):
    draft = begin(writer)
    text = criteria_of(writer, draft)
    answer = post(writer, f"/rules/files/{draft}/edit/criteria.yaml", page=f"/rules/files/{draft}/text/criteria.yaml", text=lower_age(text).replace("\n", "\r\n"))
    assert answer.status_code == 303
    assert criteria_of(writer, draft) == lower_age(text)


def test_who_is_slower_loses_nothing_and_overwrites_nothing(committed_db, console_app, writer):
    other = officer(console_app, committed_db, Role.RULE_EDITOR, name="乌 兰")
    draft = begin(writer)
    text = criteria_of(writer, draft)
    assert upload(other, draft, ("criteria.yaml", lower_age(text, limit=58))).status_code == 303

    mine = lower_age(text, limit=61)
    late = upload(writer, draft, ("criteria.yaml", mine), expected="1", note="我的")
    page = late.get_data(as_text=True)
    assert late.status_code == 409 and "乌兰" in page and "value: 61" in page and "没有丢" in page
    assert "value: 58" in criteria_of(writer, draft)
    waiting = re.search(r'name="waiting" value="([^"]+)"', page)[1]
    path = f"/rules/files/{draft}/waiting"
    back = post(writer, path, page=f"/rules/drafts/{draft}", waiting=waiting, download="criteria.yaml")
    assert back.data.decode() == mine
    assert post(other, path, page=f"/rules/drafts/{draft}", waiting=waiting).status_code == 409  # a yes is one person's
    assert post(writer, path, page=f"/rules/drafts/{draft}", waiting=waiting, expected="2").status_code == 303
    assert "value: 61" in criteria_of(writer, draft)
    assert post(writer, f"/rules/files/{draft}/restore/2", page=f"/rules/drafts/{draft}/history").status_code == 303
    assert "value: 58" in criteria_of(writer, draft)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("critera.yaml", b"a: 1\n", "critera.yaml"),
        ("../../etc/passwd", b"root\n", "passwd"),
        ("criteria.yaml", b"\xff\xfe\x00", "UTF-8"),
        ("criteria.yaml", b"a" * 2_000_001, "超过上限"),
        ("all.zip", b"PK no archive", "压缩包"),
        ("book.xlsx", b"PK no workbook", "没有保存"),
        ("<script>alert(1)</script>.yaml", b"a: 1\n", "script"),
        ("", b"", "没有收到文件"),
    ],
)
def test_what_cannot_be_kept_is_said_and_changes_nothing(writer, name, content, words):
    draft = begin(writer)
    before = criteria_of(writer, draft)
    answer = upload(writer, draft, (name, content))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in page and "<script>alert" not in page
    assert criteria_of(writer, draft) == before


def test_one_bad_file_among_several_keeps_all_out(writer):
    draft = begin(writer)
    before = criteria_of(writer, draft)
    answer = upload(writer, draft, ("criteria.yaml", lower_age(before)), ("lettres.yaml", b"a: 1\n"))
    assert answer.status_code == 422 and "lettres.yaml" in answer.get_data(as_text=True)
    assert criteria_of(writer, draft) == before


def test_wrong_documents_are_kept_and_shown_at_their_line(writer):
    draft = begin(writer)
    text = criteria_of(writer, draft).replace("age_limit", "age_limt", 1) + "# <b>not bold</b>\n"
    assert upload(writer, draft, ("criteria.yaml", text)).status_code == 303
    page = shown(writer, f"/rules/drafts/{draft}")
    assert "处错误，改正以前不能申请发布" in page
    page = shown(writer, f"/rules/files/{draft}/text/criteria.yaml")
    assert 'class="is-bad"' in page and "&lt;b&gt;not bold" in page and "<b>not bold" not in page
    assert "criteria.yaml" in shown(writer, f"/rules/drafts/{draft}/checks")
    assert "先看检查" in shown(writer, f"/rules/drafts/{draft}/changes")
    assert "案例没法算" in shown(writer, f"/rules/drafts/{draft}/cases")
    assert shown(writer, f"/rules/files/{draft}/workbook.xlsx", status=422)
    bad = post(writer, f"/rules/drafts/{draft}/plan", page=f"/rules/drafts/{draft}", effective_on="soon")
    assert bad.status_code == 422 and "日期请写成" in bad.get_data(as_text=True)
    past = post(writer, f"/rules/drafts/{draft}/plan", page=f"/rules/drafts/{draft}", effective_on="2026-11-19")
    assert past.status_code == 422 and "已经过去" in past.get_data(as_text=True)
    assert post(writer, f"/rules/drafts/{draft}/rename", page=f"/rules/drafts/{draft}", title=" ").status_code == 422
    assert post(writer, f"/rules/drafts/{draft}/discard", page=f"/rules/drafts/{draft}", reason="").status_code == 422
    assert post(writer, f"/rules/drafts/{draft}/discard", page=f"/rules/drafts/{draft}", reason="另起一份草稿").status_code == 303
    assert "已放弃" in shown(writer, "/rules/")


def test_a_base_that_moved_is_taken_over_by_the_page(committed_db, writer):
    draft = begin(writer, title="信函用词")
    letters = writer.get(f"/rules/files/{draft}/download/letters.yaml").data.decode()
    assert upload(writer, draft, ("letters.yml", letters + "# ours\n")).status_code == 303
    with committed_db.as_worker(), db.transaction() as session:
        waiting = asked_for(session, editor(session), effective_on=NEXT_MONTH)
        version = publication.publish(session, waiting, reason=REASON, actor=publisher(session)).version
    page = shown(writer, f"/rules/drafts/{draft}")
    assert f"起草期间发布了第 {version} 版" in page
    assert post(writer, f"/rules/drafts/{draft}/take-over", page=f"/rules/drafts/{draft}", expected="1").status_code == 409  # names who was faster
    assert post(writer, f"/rules/drafts/{draft}/take-over", page=f"/rules/drafts/{draft}").status_code == 303
    page = shown(writer, f"/rules/drafts/{draft}")
    assert "已并入新版的改动：cases.yaml、criteria.yaml" in page and f"从第 {version} 版起草" in page
    assert "value: 60" in criteria_of(writer, draft)
    assert "文件停在 v1" in shown(writer, "/rules/releases/of/transport")


def test_a_document_is_removed_and_comes_back(writer):
    draft = begin(writer)
    path = f"/rules/files/{draft}/text/training/01-committee.md"
    assert post(writer, f"/rules/files/{draft}/remove/training/01-committee.md", page=path).status_code == 303
    assert shown(writer, path, status=404)
    assert "等选生效日期" in shown(writer, "/rules/") or "等改正文件里的错误" in shown(writer, "/rules/")
    assert post(writer, f"/rules/files/{draft}/restore/1", page=f"/rules/drafts/{draft}/history").status_code == 303
    assert shown(writer, path)


# ── releases and transfers ───────────────────────────────────────────────────────────────────────────────────


def test_a_publisher_goes_back_to_the_release_before(committed_db, clock, second):
    with committed_db.as_worker(), db.transaction() as session:
        publication.publish(session, asked_for(session, editor(session), effective_on=TODAY), reason=REASON, actor=publisher(session))
    path = "/rules/releases/of/transport/roll-back"
    page = shown(second, path)
    assert "没有按这一版作过的决定" in page and "60" in page
    assert post(second, path, page=path, reason="").status_code == 422
    assert post(second, path, page=path, reason="新办法暂缓施行").status_code == 303
    assert "新办法暂缓施行" in shown(second, re.search(r'href="(/rules/releases/\d+)"', shown(second, "/rules/releases/of/transport"))[1])


def test_a_release_is_taken_back_before_its_day(committed_db, console_app, second):
    with committed_db.as_worker(), db.transaction() as session:
        release = publication.publish(session, asked_for(session, editor(session), effective_on=NEXT_MONTH), reason=REASON, actor=publisher(session))
        number = release.id
    path = f"/rules/releases/{number}"
    reader = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    assert "撤下第 2 版" in shown(second, path) and "撤下第 2 版" not in shown(reader, path)
    stays = second.post("/rules/releases/of/transport/roll-back", data={"csrf_token": token(second.get(path)), "reason": "先退回上一版"}, follow_redirects=True)
    assert "请先撤下它，再退回上一版" in stays.get_data(as_text=True)
    wrong = post(second, f"{path}/withdraw", page=path, reason="")
    assert wrong.status_code == 422 and "请写明理由" in wrong.get_data(as_text=True)
    assert post(second, f"{path}/withdraw", page=path, reason="依据文件推迟施行").status_code == 303
    page = shown(second, path)
    assert "依据文件推迟施行" in page and "撤下第 2 版</button>" not in page
    assert "未到日子" not in shown(second, "/rules/")


def test_the_centres_coordinator_records_a_transfer(committed_db, console_app):
    centre = officer(console_app, committed_db, Role.COORDINATOR, department="centre")
    path = "/specialty-transfers/"
    wrong = post(centre, path, page=path, standard="316-2018", prefix="Z99", to="water", basis="", reason="")
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "没有别的部门认领" in page and "请写明依据" in page
    done = post(centre, path, page=path, standard="316-2018", prefix="A0403", to="water", basis="机构改革方案第三条", reason="职责划转到水利厅")
    assert done.status_code == 303, wrong.get_data(as_text=True)
    assert "机构改革方案第三条" in shown(centre, path)
    transport = officer(console_app, committed_db, Role.COORDINATOR)
    assert "登记移交</button>" not in shown(transport, path)
    form = {"csrf_token": token(transport.get("/password/")), "standard": "316-2018", "prefix": "A0403", "to": "water", "basis": "机构改革方案第三条"}
    assert transport.post(path, data={**form, "reason": "职责划转到水利厅"}).status_code == 403
    with committed_db.as_worker(), db.transaction() as session:
        assert len(session.scalars(select(SpecialtyTransfer.id)).all()) == 1


# ── who may open what ────────────────────────────────────────────────────────────────────────────────────────

PAGES = (
    "/rules/drafts/{d}", "/rules/drafts/{d}/checks", "/rules/drafts/{d}/cases", "/rules/drafts/{d}/changes", "/rules/drafts/{d}/history", "/rules/replays/of/{d}",
    "/rules/publication/{d}", "/rules/files/{d}/text/criteria.yaml", "/rules/files/{d}/download/criteria.yaml", "/rules/files/{d}/workbook.xlsx",
    "/rules/files/{d}/archive.zip", "/rules/releases/of/transport", "/rules/releases/{r}", "/rules/releases/{r}/files/criteria.yaml",
    "/rules/releases/{r}/archive.zip", "/rules/releases/{r}/workbook.xlsx",
)  # fmt: skip
READERS = [(Role.RULE_EDITOR, "transport"), (Role.RULE_PUBLISHER, "transport"), (Role.SUPERVISOR, None), (Role.PLATFORM_ADMIN, None)]


@pytest.fixture
def made(committed_db):
    """(a changed draft of transport's, the release it started from)"""
    with committed_db.as_worker(), db.transaction() as session:
        actor = editor(session)
        draft = make_draft(session, actor)
        change_age(session, draft, actor)
        return draft.id, draft.base_id


@pytest.mark.parametrize(("role", "code"), READERS)
def test_readers_read_every_page(committed_db, console_app, made, role, code):
    client = officer(console_app, committed_db, role, department=code)
    for path in PAGES:
        assert client.get(path.format(d=made[0], r=made[1])).status_code == 200, path
    assert "交通运输厅" in shown(client, "/rules/")


@pytest.mark.parametrize("role", [Role.RULE_EDITOR, Role.RULE_PUBLISHER])
def test_another_departments_officers_find_nothing(committed_db, console_app, made, role):
    client = officer(console_app, committed_db, role, department="water")
    for path in PAGES:
        assert client.get(path.format(d=made[0], r=made[1])).status_code == 404, path
    assert "交通运输厅" not in shown(client, "/rules/")
    form = {"csrf_token": token(client.get("/password/")), "expected": "2", "reason": REASON, "title": "别人的"}
    acts = {Role.RULE_EDITOR: ["drafts/{d}/plan", "drafts/{d}/rename", "drafts/{d}/discard", "drafts/{d}/take-over", "files/{d}/upload", "files/{d}/waiting",
                               "files/{d}/edit/criteria.yaml", "files/{d}/restore/1", "publication/{d}/request", "publication/{d}/take-back", "transport/begin"],
            Role.RULE_PUBLISHER: ["publication/{d}/publish", "publication/{d}/send-back", "releases/of/transport/roll-back", "releases/{r}/withdraw"]}  # fmt: skip
    for path in acts[role]:
        assert client.post("/rules/" + path.format(d=made[0], r=made[1]), data=form).status_code == 404, path
    with committed_db.as_worker(), db.transaction() as session:
        draft = session.get_one(RuleDraft, made[0])
        assert (draft.revision, draft.state, draft.title) == (2, DraftState.OPEN, "年龄上限改为 60 周岁")


@pytest.mark.parametrize("role", [Role.FIRST_REVIEWER, Role.COORDINATOR, Role.DEPARTMENT_ADMIN, Role.OPERATOR])
def test_who_has_no_part_in_the_rules_opens_none_of_it(committed_db, console_app, made, role):
    client = officer(console_app, committed_db, role)
    for path in ("/rules/", *PAGES):
        assert client.get(path.format(d=made[0], r=made[1])).status_code in (302, 303, 403), path


@pytest.mark.parametrize("role", [Role.RULE_PUBLISHER, Role.SUPERVISOR, Role.PLATFORM_ADMIN])
def test_readers_change_nothing(committed_db, console_app, made, role):
    client = officer(console_app, committed_db, role)
    page = shown(client, f"/rules/drafts/{made[0]}")
    assert 'id="upload"' not in page and 'id="plan"' not in page
    form = {"csrf_token": token(client.get("/password/")), "expected": "2", "title": "别的标题"}
    for path in ("drafts/{d}/rename", "files/{d}/upload", "files/{d}/edit/criteria.yaml", "publication/{d}/request"):
        assert client.post("/rules/" + path.format(d=made[0]), data=form).status_code in (302, 303, 403), path
    with committed_db.as_worker(), db.transaction() as session:
        assert drafts.head(session, session.get_one(RuleDraft, made[0])).number == 2


def test_a_post_without_the_forms_token_changes_nothing(committed_db, console_app, made):
    client = console_app.test_client()
    _, username = make_account(committed_db, Role.RULE_EDITOR)
    sign_in(client, username)
    assert client.post(f"/rules/drafts/{made[0]}/rename", data={"title": "别的标题"}).status_code == 400
