"""Accounts of other people: made by one-time link, reset by whoever could have given all they hold, closed as one act."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select, update

from console import db, relay
from console.accounts import grants, leaving, links, people, staff
from console.accounts.models import SignInLink, StaffAccount, StaffGrant
from console.accounts.people import Details
from console.applications.models import Admission
from console.audit import AuditEntry
from console.departments import queries as departments
from console.departments.models import Department
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.outbox import OutboxMessage
from console.reviews import distribution
from console.roles import Role
from console.scope import System
from rules.pipeline import Step
from tests import factories
from tests.console.accounts.test_two_step import acts
from tests.officers import PASSWORD, make_account, officer, post, sign_in, token

SCREEN = "/screens/offices/"
NEW = "a quiet morning in spring"


def _link(answer) -> str:
    found = re.search(r'id="link" value="http://localhost(/join/[\w-]+)"', answer.get_data(as_text=True))
    assert found, answer.get_data(as_text=True)[-3000:]
    return found[1]


def _choose(client, path, password=NEW, again=None):
    return client.post(path, data={"csrf_token": token(client.get(path)), "password": password, "again": again or password})


def _hired(session, username, office, *roles, department="transport", division="150100"):
    """An officer at this office with these grants."""
    user = staff.create_staff(session, username, name="那 日苏", password=None, office=office)
    for role in roles:
        grants.give_grant(
            session, user.id, role=role, department_id=factories.department(session, department).id if department else None,
            division_code=division, reason="测试", actor=System("test"),
        )  # fmt: skip
    return session.get_one(StaffAccount, user.id)


@pytest.fixture
def league(session):
    """A league admin of transport as their requests have them, and the offices around."""
    transport = factories.department(session, "transport").id
    offices = {code: departments.office_for(session, transport, code, 3) for code in ("150000", "150100", "150200", "150105")}
    offices["water"] = departments.office_for(session, factories.department(session, "water").id, "150100", 3)
    return factories.make_staff(session, Role.DEPARTMENT_ADMIN, division="150100"), offices


# ── who may act upon whom ────────────────────────────────────────────────────────────────────────────────────


def test_an_account_is_for_whoever_could_have_given_all_it_holds(session, as_, league):
    admin, offices = league
    fine = _hired(session, "fine", offices["150105"], Role.FIRST_REVIEWER, division="150105")
    bare = _hired(session, "bare", offices["150100"])
    higher = _hired(session, "higher", offices["150100"], Role.FIRST_REVIEWER, division="150000")
    elsewhere = _hired(session, "elsewhere", offices["150100"], Role.SECOND_REVIEWER, division="150200")
    peer = _hired(session, "peer", offices["150100"], Role.DEPARTMENT_ADMIN)
    watcher = _hired(session, "watcher", offices["150100"], Role.SUPERVISOR)
    outside = [_hired(session, f"out-{key}", offices[key]) for key in ("150000", "150200", "water")]
    session.flush()
    fine_id, bare_id, *more = [one.staff_id for one in (fine, bare, higher, elsewhere, peer, watcher)]
    out_ids = [one.staff_id for one in outside]

    def refused(staff_id):
        try:
            people.require_over(session, people.account_of(session, staff_id), actor=admin)
        except Exception as error:
            return type(error)
        return None

    with as_(admin):
        assert [refused(one) for one in (fine_id, bare_id)] == [None, None]
        # what it holds above, beside (in a league this admin does not even see), or of a kind they may not give
        assert [refused(one) for one in more] == [people.HoldsMore] * 4
        assert [refused(one) for one in out_ids] == [NotFound] * 3
        assert refused(admin.id) is people.NotOverYourself
    reviewer = factories.make_staff(session, Role.COORDINATOR, division="150100")
    with as_(reviewer), pytest.raises(NotAllowed):
        people.require_over(session, people.account_of(session, bare_id), actor=reviewer)


def test_making_an_account_checks_every_field_and_the_office_against_the_reach(session, as_, league):
    admin, offices = league

    def hire(**changed):
        given = {"family": "苏", "given": "日娜", "username": "surina", "office_id": offices["150105"].id, "details": Details("科员")} | changed
        return people.hire(session, actor=admin, **given)

    with as_(admin):
        for wrong, field in (
            ({"family": " "}, "family"), ({"username": "苏日娜"}, "username"), ({"username": "a\r\nb"}, "username"), ({"office_id": None}, "office"),
            ({"details": Details(phone="123")}, "phone"), ({"details": Details(mail="x@")}, "mail"),
        ):  # fmt: skip
            with pytest.raises(InvalidAnswers) as error:
                hire(**wrong)
            assert list(error.value.problems) == [field]
        for office in ("150000", "150200", "water"):
            with pytest.raises(NotAllowed):
                hire(office_id=offices[office].id)
        account, _ = hire()
        with pytest.raises(staff.NameTaken):
            hire()
        assert (account.name, account.title, account.office_id) == ("苏日娜", "科员", offices["150105"].id)
        assert {o.id for o in people.offices_within(session, admin)} >= {offices["150105"].id, offices["150100"].id}
        assert offices["150200"].id not in {o.id for o in people.offices_within(session, admin, most=1000)}


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_begins_with_a_link_that_opens_once(console_app, committed_db):
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, division="150105")
    with committed_db.as_worker(), db.transaction() as session:
        transport = session.scalars(select(Department).where(Department.code == "transport")).one()
        office = departments.office_for(session, transport.id, "150105", 3).id
    form = {"family": "欧阳", "given": "娜", "username": "ouyang.na", "office": str(office), "phone": "13947100471"}
    answer = post(admin, "/people/new", **form)
    path = _link(answer)
    assert "13947100471" not in answer.get_data(as_text=True)
    assert path not in admin.get("/screens/staff/").get_data(as_text=True)

    person, other = console_app.test_client(), console_app.test_client()
    assert "欧阳娜" in person.get(path).get_data(as_text=True)
    assert person.get(path).status_code == 200  # looking uses nothing up
    assert _choose(person, path, "short").status_code == 422
    assert _choose(person, path, again="another sentence").status_code == 422
    stale = token(other.get(path))
    assert _choose(person, path).location == "/"
    assert person.get("/account/").status_code == 200
    assert other.post(path, data={"csrf_token": stale, "password": NEW, "again": NEW}).status_code == 404
    assert other.get(path).status_code == 404
    assert sign_in(other, "ouyang.na", NEW).status_code == 303
    with committed_db.as_worker(), db.transaction() as session:
        (kept,) = session.scalars(select(SignInLink)).all()
        trail = "".join(session.scalars(select(AuditEntry.body)))
    assert path.removeprefix("/join/") not in f"{kept.token_hash}{trail}" and "13947100471" not in trail
    assert [a for a in acts(committed_db) if a != "staff.sign_in_failed"][-5:] == [
        "staff.created", "staff.link_made", "staff.link_used", "staff.signed_in", "staff.signed_in",
    ]  # fmt: skip


def test_a_link_is_over_after_three_days_or_when_a_newer_one_was_made(session, monkeypatch):
    user = staff.create_staff(session, "surina", name="苏 日娜", password=None)
    old = links.make(session, user.id, links.Purpose.FIRST)
    new = links.make(session, user.id, links.Purpose.FIRST)
    with pytest.raises(links.LinkOver):
        links.look(session, old)
    assert links.look(session, new).username == "surina"
    late = links.real_now() + dt.timedelta(hours=72, minutes=1)
    monkeypatch.setattr(links, "real_now", lambda: late)
    with pytest.raises(links.LinkOver):
        links.use(session, new, NEW)


def test_a_reset_ends_sessions_and_nobody_sets_anothers_password(console_app, committed_db):
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN)
    staff_id, username = make_account(committed_db, Role.FIRST_REVIEWER)
    client = console_app.test_client()
    sign_in(client, username)

    assert post(admin, f"/people/{staff_id}/link", reason="x").status_code == 422
    path = _link(post(admin, f"/people/{staff_id}/link", reason="本人忘了密码"))

    assert client.get("/account/").status_code == 302
    assert sign_in(client, username).status_code == 303  # the old password holds until another is chosen
    assert _choose(console_app.test_client(), path).status_code == 303
    assert client.get("/account/").status_code == 302
    assert sign_in(client, username).status_code == 401
    assert [rule.rule for rule in console_app.url_map.iter_rules() if "password" in rule.rule] == ["/password/"]


def test_resetting_the_second_step_is_told_at_the_next_sign_in(console_app, committed_db):
    from tests.console.accounts.test_two_step import two_step_officer

    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN)
    username, _, _ = two_step_officer(committed_db, Role.FIRST_REVIEWER, department="transport")
    with committed_db.as_worker(), db.transaction() as session:
        staff_id = session.scalars(select(staff.User.id).where(staff.User.username == username)).one()
    assert "重置两步验证" in admin.get(f"/people/{staff_id}").get_data(as_text=True)

    assert post(admin, f"/people/{staff_id}/two-step", reason="手机丢了").status_code == 303

    client = console_app.test_client()
    assert sign_in(client, username).location == "/"
    assert "管理员重置了您的两步验证" in client.get("/account/").get_data(as_text=True)
    client.post("/logout/", data={"csrf_token": token(client.get("/account/"))})
    sign_in(client, username)
    assert "管理员重置了您的两步验证" not in client.get("/account/").get_data(as_text=True)


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_leaving_ends_everything_and_the_files_go_on(session, as_, league, settings):
    admin, offices = league
    leaver, heir, stranger = (
        _hired(session, name, offices["150100"], *roles)
        for name, roles in (("leaver", (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER)), ("heir", (Role.FIRST_REVIEWER,)), ("stranger", ()))
    )
    first = factories.make_admission(session, step=Step.FIRST_REVIEW)
    second = factories.make_admission(session, step=Step.SECOND_REVIEW)
    for admission in (first, second):
        session.execute(update(Admission).where(Admission.id == admission.id).values(holder_id=leaver.staff_id))
    session.flush()
    leaver_id, heir_id, file_ids = leaver.staff_id, heir.staff_id, (first.id, second.id)
    hashed = session.get_one(staff.User, leaver_id)
    hashed.password = "x"
    session.flush()

    with as_(admin):
        account = people.account_of(session, leaver_id)
        assert sum(one.files for one in leaving.in_hand(session, leaver_id)) == 2
        assert {one.staff_id for one in leaving.successors(session, account)} >= {heir_id, stranger.staff_id}
        with pytest.raises(leaving.NoSuchSuccessor):
            leaving.leave(session, account, reason="退休离岗", successor_id=leaver_id, actor=admin)
        leaving.leave(session, account, reason="退休离岗", successor_id=heir_id, actor=admin)
        with pytest.raises(people.HasLeft):
            leaving.leave(session, account, reason="退休离岗", successor_id=None, actor=admin)
        with pytest.raises(people.HasLeft):
            people.make_link(session, account, reason="再给一个", actor=admin)

    ended = session.scalars(select(StaffGrant).where(StaffGrant.staff_id == leaver_id)).all()
    user = session.get_one(staff.User, leaver_id)
    assert [g.ended_by for g in ended] == [admin.who] * 2 and (user.active, user.password) == (False, None)
    assert session.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "staff.left")).all() == [[leaver_id]]
    passed_on, again = (distribution.hand_over_of(session, leaver_id, actor=System("staff_left")) for _ in range(2))
    holders = [session.get_one(Admission, pk).holder_id for pk in file_ids]
    entries = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "file.handed_over")).all()
    assert (passed_on.given, len(passed_on.put_back), again.given, again.put_back) == (1, 1, 0, ())
    assert holders == [heir_id, None]  # the heir may do first reviews, no second ones
    assert sorted(entries) == sorted(f"admission:{pk}" for pk in file_ids)


def test_a_phone_once_saved_is_masked_to_its_administrator_too(console_app, committed_db):
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN)
    staff_id, _ = make_account(committed_db, Role.FIRST_REVIEWER)
    change = f"/people/{staff_id}/change"
    office = re.search(r'name="office" value="(\d+)"', admin.get(change).get_data(as_text=True))[1]

    def kept():
        with committed_db.as_worker(), db.transaction() as session:
            account = session.get_one(StaffAccount, staff_id)
            return account.title, account.phone, account.mail

    assert post(admin, change, office=office, title="科员", phone="13947100471", mail="na@example.gov.cn").status_code == 303
    pages = "".join(admin.get(path).get_data(as_text=True) for path in (change, f"/people/{staff_id}", f"/screens/staff/{staff_id}", "/screens/staff/"))
    assert "139****0471" in pages and "13947100471" not in pages and "na@example" not in pages
    post(admin, change, office=office, title="主任科员")
    assert kept() == ("主任科员", "13947100471", "na@example.gov.cn")
    post(admin, change, office=office, title="主任科员", phone="无")
    assert kept() == ("主任科员", None, "na@example.gov.cn")
    with committed_db.as_worker(), db.transaction() as session:
        trail = "".join(session.scalars(select(AuditEntry.body).where(AuditEntry.action == "staff.changed")))
    assert "phone" in trail and "13947100471" not in trail


def test_leaving_by_the_page_and_coming_back_with_nothing(console_app, committed_db):
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN)
    staff_id, username = make_account(committed_db, Role.FIRST_REVIEWER)
    client = console_app.test_client()
    sign_in(client, username)
    page = admin.get(f"/people/{staff_id}/leave").get_data(as_text=True)
    assert "初审员" in page and "手上没有办件" in page

    assert post(admin, f"/people/{staff_id}/leave", reason="调离本单位").status_code == 303
    assert client.get("/account/").status_code == 302
    assert sign_in(client, username).status_code == 401
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
    assert admin.get(f"/people/{staff_id}/link").status_code == 404
    path = _link(post(admin, f"/people/{staff_id}/return", reason="借调期满回来"))
    assert _choose(client, path).status_code == 303
    assert client.get(SCREEN).status_code == 403
    assert sign_in(console_app.test_client(), username, PASSWORD).status_code == 401


def test_nobody_without_the_right_opens_the_pages(console_app, committed_db):
    staff_id, _ = make_account(committed_db, Role.FIRST_REVIEWER)
    other_id, _ = make_account(committed_db, Role.FIRST_REVIEWER, department="water")
    watcher = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    reviewer = officer(console_app, committed_db, Role.SECOND_REVIEWER)
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN)
    pages = [f"/people/{staff_id}", "/people/new", f"/people/{staff_id}/link", f"/people/{staff_id}/leave", f"/people/{staff_id}/change"]

    assert [reviewer.get(page).status_code for page in pages] == [403] * 5
    assert [watcher.get(page).status_code for page in pages] == [200] + [403] * 4
    assert [admin.get(page).status_code for page in pages] == [200] * 5
    assert [admin.get(page.replace(str(staff_id), str(other_id))).status_code for page in pages if str(staff_id) in page] == [404] * 4
    assert post(admin, f"/people/{staff_id}/change", office="999999").status_code == 422
