"""The granting page: the list, giving and changing with the effect before saving, withdrawing, re-certifying, and who sees what."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select

from console import clock as console_clock
from console import db
from console.accounts import effect, grant_queries, grants
from console.accounts.models import StaffGrant
from console.applications.models import StepEntry
from console.roles import Role
from rules.pipeline import Step
from tests.console.accounts.test_delegation import ADMIN, BAOTOU, HOHHOT, PLATFORM, REGION, SAIHAN, again, give, holder
from tests.factories import department, make_admission, make_applicant, make_staff
from tests.officers import make_account, officer, token


def _text(answer, status=200) -> str:
    assert answer.status_code == status, (answer.status_code, answer.location)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True).partition('id="main"')[2]))


def _form(client, path, **form):
    return client.post(path, data={"csrf_token": token(client.get(path)), **form})


def _grant_of(database, staff_id) -> StaffGrant:
    with database.as_worker(), db.transaction() as session:
        return session.scalars(select(StaffGrant).where(StaffGrant.staff_id == staff_id).order_by(StaffGrant.id.desc())).first()


# ── the effect ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_effect_is_what_changes_hands_in_todays_numbers(session, as_):
    """A first reviewer of Hohhot becomes second reviewer of Baotou: rows, acts, what is in hand, and whom the new step avoids."""
    admin, to = make_staff(session, ADMIN), make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT, name="巴特尔")
    make_admission(session, holder_id=to.id)
    make_admission(session)
    reviewed = make_admission(session, step=Step.SECOND_REVIEW, level=2, division="150202")
    make_admission(session, department_code="water", division="150202")
    session.add(
        StepEntry(
            admission_id=reviewed.id, applicant_id=reviewed.applicant_id, office_id=reviewed.office_id, who=to.who,
            action="pass_step", from_step="first_review", to_step="second_review", at=reviewed.since, items=[],
        )
    )  # fmt: skip
    session.flush()
    grant_id, transport = to.grants[0].id, department(session, "transport").id
    with as_(admin):
        gives = effect.Held(0, Role.SECOND_REVIEWER, transport, BAOTOU, console_clock.now(session))
        found = effect.of(session, to.id, gives=gives, place="包头市", instead_of=session.get_one(StaffGrant, grant_id), was="呼和浩特市")

    # outside a request there is no language: the Chinese source stands
    assert [(line.words, line.count) for line in found.gained] == [
        ("复审包头市的件", "1 件在办"),
        ("把包头市没有送到的函件重新发送", ""),
        ("看见包头市的申报和办件", "1 件在办：复审 1"),
        ("看见包头市的登记表", ""),
        ("看见包头市申报人的证件号和联系方式，遮着，写明理由才看明文", ""),
    ]
    assert [(line.words, line.count) for line in found.lost] == [
        ("初审呼和浩特市的件", "2 件在办"),
        ("把呼和浩特市没有送到的函件重新发送", ""),
        ("看见呼和浩特市的申报和办件", "2 件在办：初审 2"),
        ("看见呼和浩特市的登记表", ""),
        ("看见呼和浩特市申报人的证件号和联系方式，遮着，写明理由才看明文", ""),
    ]
    assert found.in_hand == 1
    assert [one.title for one in found.warnings] == ["同一件不能由一人审两次"]


def test_what_another_grant_still_gives_is_no_loss(session, as_):
    admin = make_staff(session, ADMIN)
    to = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT)
    make_staff(session, Role.FIRST_REVIEWER, staff=to)  # for the whole region
    with as_(admin):
        found = effect.of(session, to.id, gives=None, place="", instead_of=session.get_one(StaffGrant, to.grants[0].id))

    assert (found.gained, found.lost, found.in_hand) == ([], [], 0)


def test_rules_are_one_for_all_so_a_leagues_editor_drafts_nothing(session, as_):
    admin, to = make_staff(session, ADMIN), holder(session)
    transport, now = department(session, "transport").id, console_clock.now(session)
    with as_(admin):
        told = [
            effect.of(session, to.id, gives=effect.Held(0, Role.RULE_EDITOR, transport, division, now), place="此处")
            for division in (HOHHOT, REGION)
        ]

    assert [[line.words for line in found.gained] for found in told] == [
        ["看见此处的登记表", "看见此处往卷重算的名单"],
        ["起草本部门的规则：改文件、核对、重算往卷、申请发布", "看见此处的登记表", "看见此处往卷重算的名单"],
    ]
    assert [[one.title for one in found.warnings] for found in told] == [["这项授权办不了事"], []]


# ── re-certification ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_grant_is_due_after_so_many_days_and_at_once_when_its_giver_is_gone(session, as_, clock):
    chief, league = make_staff(session, ADMIN), holder(session, division=HOHHOT)
    to = holder(session)
    with as_(chief):
        given = give(session, league, chief, ADMIN, division=HOHHOT)
    actor = again(session, league)
    with as_(actor):
        row = give(session, to, actor, Role.FIRST_REVIEWER)
    start = console_clock.now(session)

    def due(grant_id) -> tuple[bool, bool]:
        with as_(chief):
            found = grant_queries.due(session, [session.get_one(StaffGrant, grant_id)], days=180)[grant_id]
            listed, _total = grant_queries.listed(session, grant_queries.Asked(due=True), days=180)
            assert (grant_id in {one.id for one in listed}) == (found.at <= console_clock.now(session))
            return found.at <= console_clock.now(session), found.orphaned

    row_id = row.id
    told = [due(row_id)]
    clock.set(start + dt.timedelta(days=1))
    with as_(chief):
        grants.end_grant(session, session.get_one(StaffGrant, given.id), reason="调离岗位", actor=chief)
    told.append(due(row_id))  # what a later-ended admin gave stays, and is looked at again at once
    with as_(chief):
        grants.certify_grant(session, session.get_one(StaffGrant, row_id), reason="岗位还在", actor=chief)
    told.append(due(row_id))
    clock.set(start + dt.timedelta(days=182))
    told.append(due(row_id))
    assert told == [(False, False), (True, True), (False, False), (True, False)]


# ── the pages ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def admin(console_app, committed_db):
    return officer(console_app, committed_db, ADMIN, division=HOHHOT, name="斯 琴高娃")


def test_an_admin_looks_first_and_then_gives(admin, committed_db):
    to, _name = make_account(committed_db, division=SAIHAN, name="巴 特尔")
    with committed_db.as_worker(), db.transaction() as session:
        make_admission(session)
    assert "巴特尔" in _text(admin.get("/granting/give?q=巴特"))
    path = f"/granting/give/{to}"
    typed = {"role": "first_reviewer", "department": "transport", "division": "150105 赛罕区", "reason": "岗位职责", "last": "2027-06-30"}

    looked = _text(_form(admin, path, act="look", **typed))
    before = _grant_of(committed_db, to)
    saved = _form(admin, path, act="save", **typed)
    row = _grant_of(committed_db, to)

    assert "看见赛罕区的申报和办件" in looked and "没有在办的件" in looked and before is None
    assert saved.status_code == 303
    assert (row.role, row.division_code, row.reason) == ("first_reviewer", SAIHAN, "岗位职责")
    assert row.valid_to == dt.datetime(2027, 7, 1, tzinfo=console_clock.ZONE)  # the last day is included
    assert "巴特尔 初审员 赛罕区" in _text(admin.get("/granting/?role=first_reviewer&q=巴特"))


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"division": "150200 包头市"}, 403, "您只能在本部门、本区划内"),
        ({"role": "platform_admin"}, 403, "您只能在本部门、本区划内"),
        ({"role": "wizard"}, 422, "请选择角色。"),
        ({"division": "没有这里"}, 422, "没有这个区划。"),
        ({"last": "2020-01-01"}, 422, "止日不能早于起日"),
        ({"last": "tomorrow"}, 422, "日期写成 2026-11-23 这样。"),
        ({"reason": ""}, 422, "请写明为什么"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(admin, committed_db, wrong, status, said):
    to, _name = make_account(committed_db, division=SAIHAN)
    typed = {"role": "first_reviewer", "department": "transport", "division": "150105 赛罕区", "reason": "岗位职责", "last": ""} | wrong

    answer = _form(admin, f"/granting/give/{to}", act="save", **typed)

    assert said in _text(answer, status)
    assert _grant_of(committed_db, to) is None
    if typed["reason"]:
        assert "岗位职责</textarea>" in answer.get_data(as_text=True)


def test_changing_withdrawing_and_certifying_by_the_page(admin, committed_db):
    to, _name = make_account(committed_db, Role.FIRST_REVIEWER, division=SAIHAN, name="巴 特尔")
    first = _grant_of(committed_db, to)
    typed = {"role": "coordinator", "department": "transport", "division": HOHHOT, "reason": "换岗到盟市"}

    looked = _text(admin.get(f"/granting/{first.id}/change"))
    assert _form(admin, f"/granting/{first.id}/change", act="save", **typed).status_code == 303
    second = _grant_of(committed_db, to)
    assert _form(admin, f"/granting/{second.id}/certify", reason="岗位还在").status_code == 303
    assert _form(admin, f"/granting/{second.id}/end", reason="短").status_code == 422
    ending = _text(admin.get(f"/granting/{second.id}/end"))
    assert _form(admin, f"/granting/{second.id}/end", reason="调离岗位").status_code == 303

    assert "没有得到什么新的" in looked and "什么也不失去" in looked  # nothing changed yet
    assert "处理呼和浩特市的异议" in ending
    assert _grant_of(committed_db, to).ended_at is not None
    assert "换岗到盟市" not in _text(admin.get("/granting/"))
    assert [admin.get(f"/granting/{second.id}/{act}").status_code for act in ("change", "end", "certify")] == [409] * 3


def test_whose_grants_are_not_ones_to_touch(admin, console_app, committed_db):
    beside, _name = make_account(committed_db, Role.FIRST_REVIEWER, division=BAOTOU)
    above, _name = make_account(committed_db, Role.FIRST_REVIEWER)
    here, _name = make_account(committed_db, Role.FIRST_REVIEWER, division=SAIHAN)
    supervisor = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    for act in ("change", "end", "certify"):
        assert admin.get(f"/granting/{_grant_of(committed_db, beside).id}/{act}").status_code == 404, act
        assert admin.get(f"/granting/{_grant_of(committed_db, above).id}/{act}").status_code == 403, act
        assert supervisor.get(f"/granting/{_grant_of(committed_db, here).id}/{act}").status_code == 403, act
    assert admin.get(f"/granting/give/{beside}").status_code == 404
    assert "改" not in re.findall(r">(改|收回)<", supervisor.get("/granting/").get_data(as_text=True))


def test_an_admin_asks_where_a_file_is_and_reads_none_of_it(admin, committed_db):
    to, _name = make_account(committed_db, Role.FIRST_REVIEWER, division=SAIHAN, name="巴 特尔")
    with committed_db.as_worker(), db.transaction() as session:
        here, there = make_admission(session, step=Step.SECOND_REVIEW, level=3, applicant=make_applicant(session, name="乌日根")), make_admission(session, division="150202")
        numbers = here.number, there.number, here.applicant.name

    own = _text(admin.get(f"/granting/who?staff={to}&file={numbers[0]}"))
    other = _text(admin.get(f"/granting/who?staff={to}&file={numbers[1]}"))
    whole = _text(admin.get(f"/granting/who?staff={to}"))

    assert f"为什么能看到 {numbers[0]}" in own and "现处于“复审”环节" in own and numbers[2] not in own
    assert f"没有编号为 {numbers[1]} 的件" in other
    assert "看见辖区内的申报和办件 1 件在办：复审 1" in whole


def test_platform_admins_appoint_and_grant_no_reviews(console_app, committed_db):
    platform = officer(console_app, committed_db, PLATFORM, department=None)
    to, _name = make_account(committed_db, division=REGION)

    page = platform.get(f"/granting/give/{to}").get_data(as_text=True)

    assert re.findall(r'<option value="(\w+)">', page.partition('id="role"')[2].partition("</select>")[0]) == ["department_admin", "supervisor", "operator"]
