"""The officers' pages over a real database: what each role opens, sees and does, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from console.applications.models import Admission, StepEntry
from console.audit import AuditEntry
from console.db import transaction
from console.departments import queries as departments
from console.outbox import OutboxMessage
from console.reviews.models import Review
from console.roles import Role
from rules.pipeline import Step
from tests.console.reviews.making import add_finding, attachment_id, full_file, unclaimed_file
from tests.factories import GROUND, HOHHOT, make_admission
from tests.officers import make_account, officer, token

BAOTOU = "150202"


@pytest.fixture
def make(committed_db: Any) -> Callable[..., Any]:
    """`make(fn)` runs fn(session) as the worker and commits."""

    def run(fn: Callable[[Any], Any]) -> Any:
        with committed_db.as_worker(), transaction() as session:
            return fn(session)

    return run


@pytest.fixture
def desk(console_app: Any, committed_db: Any) -> FlaskClient:
    """A first reviewer of the region's transport department."""
    return officer(console_app, committed_db, Role.FIRST_REVIEWER)


@pytest.fixture
def file_id(make: Any) -> int:
    return int(make(lambda session: full_file(session, level=1).id))


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def write(client: FlaskClient, admission_id: int, **form: Any) -> Any:
    """Post the review form with the version its page shows."""
    page = client.get(f"/files/{admission_id}")
    version = re.search(r'name="version" value="(\d+)"', text_of(page))
    assert version
    return client.post(f"/files/{admission_id}", data={"csrf_token": token(page), "version": version.group(1), **form})


def ticked(make: Any, admission_id: int) -> dict[str, str]:
    def ids(session: Any) -> list[str]:
        release = session.get_one(Admission, admission_id).release_id
        return [item.id for item in departments.bundle_of(session, release).review.checklist]

    return {f"check-{name}": "ok" for name in make(ids)}


RULED = {"ruling-no_penalty_declared": "yes", "evidence-no_penalty_declared": "信用平台查询截图，无记录"}


# ── every page, both languages ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_open_in_both_languages(desk: FlaskClient, file_id: int, language: str) -> None:
    desk.set_cookie("ruku_lang", language)
    addresses = [
        "/today/", "/files/", *(f"/files/?view={view}" for view in ("mine", "unassigned", "overdue", "office", "returned", "closed")),
        "/files/?view=office&step=first_review&division=150100&condition=pass&q=RK",
        *(f"/files/{file_id}?tab={tab}" for tab in ("form", "documents", "history", "others")),
        f"/files/{file_id}?ask=return", f"/files/{file_id}?ask=refuse", f"/files/{file_id}/reveal/id_number",
        "/screens/admissions/", f"/screens/admissions/{file_id}", "/screens/applications/", "/screens/reviews/",
    ]  # fmt: skip

    for address in addresses:
        answer = desk.get(address)
        assert answer.status_code == 200, address
        html = re.sub(r"<(script|style).*?</\1>|<[^>]+>", "", text_of(answer), flags=re.S)
        if language == "en" and address in ("/files/?view=overdue", "/files/?view=closed"):
            said = re.sub(r"入|中文|苏日娜|内蒙古\S*", "", html.partition("Skip to content")[2])
            assert not re.search(r"[\u4e00-\u9fff]", said), re.findall(r"[\u4e00-\u9fff]+", said)


def test_a_deadline_names_the_version_of_the_calendar_it_was_counted_by(desk: FlaskClient, file_id: int, make: Any) -> None:
    version = make(lambda session: session.get_one(Admission, file_id).calendar_version)
    assert f"期限按工作日历第 {version} 版计算" in text_of(desk.get(f"/files/{file_id}"))


def test_a_trace_names_its_papers_and_what_would_settle_an_unknown(desk: FlaskClient, file_id: int, make: Any) -> None:
    """Traces of both formats are shown; the second names the files behind a fact, and the fewest facts that would settle it."""
    node = {"words": {"zh": "处罚条数为 0", "en": "penalties is 0"}, "truth": None, "shown": {"zh": "未填写", "en": "not stated"}}
    papers = [
        {"field": "title_paper", "label": {"zh": "职称证书", "en": "Certificate"}, "files": [{"name": "证书甲.pdf", "hash": "a" * 64}]},
        {"field": "transport.other", "label": None, "files": []},
    ]
    make(
        lambda session: add_finding(
            session, session.get_one(Admission, file_id), {"id": "old", "outcome": "unknown"},
            {"id": "new", "outcome": "unknown", "settled_by": ["title_paper", "elsewhere"], "trace": {**node, "outcome": "unknown", "evidence": papers}},
        ).id
    )  # fmt: skip
    page = text_of(desk.get(f"/files/{file_id}"))
    assert "佐证材料“职称证书”：证书甲.pdf" in page and "佐证材料“transport.other”：没有交" in page
    assert page.count("补齐以下内容即可判断：") == 1 and "、elsewhere</p>" in page and "title_paper、" not in page


def test_nobody_sees_a_page_without_signing_in(console: FlaskClient, file_id: int) -> None:
    for address in ("/today/", "/files/", f"/files/{file_id}", "/evidence/1/1", "/unclaimed/"):
        assert console.get(address).status_code == 302, address


@pytest.mark.parametrize(
    ("role", "opens"),
    [
        (Role.SUPERVISOR, {"/today/", "/files/"}),
        (Role.COORDINATOR, {"/today/", "/files/"}),
        (Role.OPERATOR, {"/unclaimed/"}),
        (Role.RULE_EDITOR, set()),
    ],
)
def test_each_role_opens_its_pages(console_app: Any, committed_db: Any, role: Role, opens: set[str]) -> None:
    client = officer(console_app, committed_db, role)

    assert {a for a in ("/today/", "/files/", "/unclaimed/") if client.get(a).status_code == 200} == opens


# ── scope ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_foreign_file_its_evidence_and_its_secrets_are_not_found(
    console_app: Any, committed_db: Any, make: Any
) -> None:
    league = officer(console_app, committed_db, Role.FIRST_REVIEWER, division=HOHHOT)
    far = make(lambda session: full_file(session, level=2, division=BAOTOU).id)
    paper = make(lambda session: attachment_id(session, session.get_one(Admission, far), "title_paper"))
    near = make(lambda session: full_file(session, serial=2, level=2).id)

    assert league.get(f"/files/{near}").status_code == 200
    for address in (
        f"/files/{far}",
        f"/evidence/{paper}/1",
        f"/files/{far}/reveal/phone",
        f"/screens/admissions/{far}",
    ):
        assert league.get(address).status_code == 404, address
    page = league.get(f"/files/{near}")
    posted = league.post(f"/files/{far}", data={"csrf_token": token(page), "version": "1", "decision": "pass"})
    assert posted.status_code == 404
    assert make(lambda session: session.get_one(Admission, far).step) == Step.FIRST_REVIEW


def test_evidence_is_a_picture_with_strict_headers(desk: FlaskClient, file_id: int, make: Any) -> None:
    paper = make(lambda session: attachment_id(session, session.get_one(Admission, file_id), "title_paper"))

    answer = desk.get(f"/evidence/{paper}/1")

    assert (answer.status_code, answer.mimetype, answer.data[:8]) == (200, "image/png", b"\x89PNG\r\n\x1a\n")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == (
        "nosniff",
        "private, no-store",
    )
    assert desk.get(f"/evidence/{paper}/2").status_code == 404


def test_secrets_are_masked_everywhere_and_shown_once_for_a_reason(desk: FlaskClient, file_id: int, make: Any) -> None:
    number = make(lambda session: session.get_one(Admission, file_id).applicant.id_number)
    reveal = f"/files/{file_id}/reveal/id_number"
    pages = [f"/files/{file_id}?tab={tab}" for tab in ("form", "documents", "history")] + [
        reveal,
        f"/screens/admissions/{file_id}",
    ]

    assert all(number not in text_of(desk.get(page)) for page in pages)
    form = {"csrf_token": token(desk.get(reveal))}
    without = desk.post(reveal, data=form | {"reason": " "})
    shown = desk.post(reveal, data=form | {"reason": "致电核实证书编号"})

    assert (without.status_code, number in text_of(without)) == (422, False)
    assert (shown.status_code, number in text_of(shown), shown.headers["Cache-Control"]) == (200, True, "no-store")
    assert number not in text_of(desk.get(reveal))
    assert make(
        lambda s: [
            e.facts["reason"] for e in s.scalars(select(AuditEntry).where(AuditEntry.action == "applicant.revealed"))
        ]
    ) == ["致电核实证书编号"]


def test_supervisor_reads_only_and_is_logged(console_app: Any, committed_db: Any, make: Any, file_id: int) -> None:
    supervisor = officer(console_app, committed_db, Role.SUPERVISOR)

    page = supervisor.get(f"/files/{file_id}")

    assert page.status_code == 200 and 'id="review"' not in text_of(page)
    posted = supervisor.post(f"/files/{file_id}", data={"csrf_token": token(page), "version": "1", "decision": "pass"})
    assert posted.status_code in (302, 303, 403)
    assert make(lambda s: s.scalars(select(AuditEntry.subject).where(AuditEntry.action == "file.read")).all()) == [
        f"admission:{file_id}"
    ]
    assert make(lambda s: s.get_one(Admission, file_id).step) == Step.FIRST_REVIEW


# ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_pass_from_the_page(desk: FlaskClient, file_id: int, make: Any) -> None:
    answer = write(desk, file_id, decision="pass", note="编号已核", **RULED, **ticked(make, file_id))

    assert answer.status_code == 303, text_of(answer)
    assert make(lambda s: (s.get_one(Admission, file_id).step, s.scalars(select(Review.note)).one())) == (
        "second_review",
        "编号已核",
    )
    assert "现处于“复审”环节" in text_of(desk.get("/files/"))


def test_pass_that_lacks_something_keeps_everything_typed(desk: FlaskClient, file_id: int, make: Any) -> None:
    answer = write(desk, file_id, decision="pass", note="我写的话", **ticked(make, file_id))

    html = text_of(answer)
    assert answer.status_code == 422
    assert "条件“本人申报三年内没有行政处罚”还没有凭材料认定。" in html and "我写的话" in html
    assert html.count('value="ok" checked') == html.count('value="ok"') >= 5
    assert make(lambda s: (s.get_one(Admission, file_id).step, s.scalars(select(Review)).all())) == ("first_review", [])


def test_return_without_script_asks_first_and_keeps_the_notes(desk: FlaskClient, file_id: int, make: Any) -> None:
    asked = write(
        desk, file_id, decision="ask-return", note="先记下", **{"check-title": "ask", "remark-title": "编号看不清"}
    )
    page = text_of(desk.get(asked.headers["Location"]))
    done = write(
        desk,
        file_id,
        decision="return_for_correction",
        item="title_paper",
        **{"item-reason-title_paper": "请补清晰的扫描件"},
    )

    assert asked.status_code == 303 and "ask=return" in asked.headers["Location"]
    assert '<section class="card ask-section" id="dlg-return"' in page and "先记下" in page
    assert re.search(r'name="item" value="title_paper" checked', page), "a check to correct suggests its evidence"
    assert done.status_code == 303
    entry = make(lambda s: s.scalars(select(StepEntry).order_by(StepEntry.id.desc()).limit(1)).one())
    assert (entry.to_step, [item["path"] for item in entry.items]) == ("correction", ["title_paper"])


def test_refusal_from_the_page_with_problems_first(desk: FlaskClient, file_id: int, make: Any) -> None:
    bare = write(desk, file_id, decision="refuse")
    done = write(
        desk, file_id, decision="refuse", ground="years_not_proven", reason="公路年限 6 年 2 个月，要求 8 年。"
    )

    assert bare.status_code == 422 and "请选出不予通过的依据" in text_of(bare)
    assert done.status_code == 303
    assert make(lambda s: s.get_one(Admission, file_id).step) == Step.REFUSED


def test_somebody_faster_gets_the_moved_on_page_with_what_was_typed(desk: FlaskClient, file_id: int, make: Any) -> None:
    page = desk.get(f"/files/{file_id}")
    form = {
        "csrf_token": token(page),
        "version": "99",
        "decision": "refuse",
        "reason": "写了半天的理由",
        "note": "内部的话",
    }

    answer = desk.post(f"/files/{file_id}", data=form)

    html = text_of(answer)
    assert answer.status_code == 409
    assert "已由他人处理" in html and "写了半天的理由" in html and "内部的话" in html
    assert make(lambda s: s.get_one(Admission, file_id).step) == Step.FIRST_REVIEW


def test_reconsideration_page_shows_request_and_refusal(console_app: Any, committed_db: Any, make: Any) -> None:
    coordinator = officer(console_app, committed_db, Role.COORDINATOR)

    def prepare(session: Any) -> int:
        admission = full_file(session, step=Step.RECONSIDERATION)
        common = {
            "admission_id": admission.id,
            "applicant_id": admission.applicant_id,
            "office_id": admission.office_id,
            "at": admission.since,
        }
        for action, reason, who in (
            ("refuse", "年限不足 8 年", "staff:999"),
            ("request_reconsideration", "社保已补", f"applicant:{admission.applicant_id}"),
        ):
            session.add(
                StepEntry(
                    **common,
                    action=action,
                    from_step="first_review",
                    to_step="refused",
                    who=who,
                    reason=reason,
                    items=[GROUND],
                )
            )
            session.flush()
        return int(admission.id)

    admission_id = make(prepare)
    html = text_of(coordinator.get(f"/files/{admission_id}"))
    done = write(coordinator, admission_id, decision="reopen", **{"reason-reopen": "材料可以证明年限。"})

    assert "年限不足 8 年" in html and "社保已补" in html
    assert done.status_code == 303
    assert make(lambda s: s.get_one(Admission, admission_id).step) == Step.FIRST_REVIEW


# ── distribution and the centre ──────────────────────────────────────────────────────────────────────────────


def test_coordinator_hands_out_and_reviewer_may_not(
    console_app: Any, committed_db: Any, make: Any, desk: FlaskClient
) -> None:
    coordinator = officer(console_app, committed_db, Role.COORDINATOR)
    reviewer_id, _ = make_account(committed_db, Role.FIRST_REVIEWER, name="那 日苏")
    ids = make(lambda s: [make_admission(s, level=1).id for _ in range(3)])
    page = coordinator.get("/files/?view=unassigned")

    form = {"csrf_token": token(page), "rowid": [str(i) for i in ids[:2]], "to": str(reviewer_id), "view": "unassigned"}
    done = coordinator.post("/files/distribute", data=form)
    refused = desk.post("/files/distribute", data=form | {"csrf_token": token(desk.get("/files/"))})

    assert done.status_code == 303 and "已把 2 件分派给那日苏。" in text_of(coordinator.get("/files/"))
    assert refused.status_code in (302, 303, 403)
    assert make(lambda s: [s.get_one(Admission, i).holder_id for i in ids]) == [reviewer_id, reviewer_id, None]


def test_coordinator_hands_over_all_of_somebodys_files(console_app: Any, committed_db: Any, make: Any, desk: FlaskClient) -> None:
    coordinator = officer(console_app, committed_db, Role.COORDINATOR)
    from_id, _ = make_account(committed_db, Role.FIRST_REVIEWER, name="那 日苏")
    to_id, _ = make_account(committed_db, Role.FIRST_REVIEWER, name="巴 特尔")
    ids = make(lambda s: [make_admission(s, level=1, holder_id=from_id).id for _ in range(2)])
    page = coordinator.get(f"/files/hand-over?staff={from_id}")
    form = {"csrf_token": token(page), "staff": str(from_id), "to": str(to_id)}

    bare = coordinator.post("/files/hand-over", data=form | {"reason": ""})
    done = coordinator.post("/files/hand-over", data=form | {"reason": "借调半年"})

    assert "移交：那日苏" in text_of(page) and "巴特尔" in text_of(page) and desk.get("/files/hand-over").status_code == 403
    assert (bare.status_code, done.status_code) == (422, 303)
    assert "已移交 2 件给巴特尔。" in text_of(coordinator.get("/files/"))
    assert make(lambda s: [s.get_one(Admission, i).holder_id for i in ids]) == [to_id, to_id]


def test_operator_names_a_department_and_decides_nothing(console_app: Any, committed_db: Any, make: Any) -> None:
    operator = officer(console_app, committed_db, Role.OPERATOR, department="centre")
    admission_id = make(lambda session: unclaimed_file(session).id)
    claimed = make(lambda session: make_admission(session, step=Step.FIRST_REVIEW).id)
    page = operator.get("/unclaimed/")
    form = {"csrf_token": token(page), "admission": str(admission_id), "department": "transport"}

    bare = operator.post("/unclaimed/", data=form | {"reason": ""})
    foreign = operator.post("/unclaimed/", data=form | {"admission": str(claimed), "reason": "公路工程类"})
    done = operator.post("/unclaimed/", data=form | {"reason": "公路工程类专业"})

    number = make(lambda s: s.get_one(Admission, admission_id).number)
    assert number in text_of(page) and "理由会记入审计" in text_of(bare)
    assert (bare.status_code, foreign.status_code, done.status_code) == (422, 404, 303)
    assert operator.get(f"/files/{admission_id}").status_code in (302, 303, 403)
    told = make(
        lambda s: s.scalars(select(AuditEntry).where(AuditEntry.action == "admission.assignment_named")).one().facts
    )
    assert (told["department"], told["reason"]) == ("transport", "公路工程类专业")
    assert (
        make(lambda s: s.scalars(select(OutboxMessage.topic).where(OutboxMessage.topic.contains("assign"))).all()) != []
    )


def test_the_search_of_the_top_line_finds_files_by_name_and_specialty_whatever_their_step(make, desk):
    make(lambda session: full_file(session, name="包青山", serial=1, level=1))
    make(lambda session: full_file(session, name="牧仁", serial=2, level=1, step=Step.REFUSED))

    top = text_of(desk.get("/today/"))
    assert 'action="/files/"' in top and 'name="view" value="all"' in top
    found = [text_of(desk.get("/files/", query_string={"view": "all", "q": words})) for words in ("牧仁", "A0503", "没有这人")]

    assert [("包青山" in page, "牧仁</a>" in page or "牧仁" in page.split("<table")[-1]) for page in found] == [
        (False, True), (True, True), (False, False),
    ]  # fmt: skip


def test_rows_of_the_plain_tables_are_called_by_words(make, desk, file_id):
    for words in ("applications", "admissions", "workdays"):
        page = text_of(desk.get(f"/screens/{words}/"))
        link = re.search(rf'class="row-link" href="(/screens/{words}/[^"]+)"', page)
        assert link
        assert "object at" not in text_of(desk.get(link.group(1)))
