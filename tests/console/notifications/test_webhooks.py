"""Departments' machines are told: by whom they are named, what they hear and what not, tried and stopped."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from console import db
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.notifications import jobs, webhooks
from console.notifications.facts import Occasion
from console.notifications.letters import write
from console.notifications.models import Delivery, Webhook
from console.post import channels, webhook
from console.roles import ROLES, Act, Role
from console.scope import System, become
from tests.console.post import peers
from tests.factories import department, make_admission, make_applicant, make_staff
from tests.officers import officer, token

SECRET = "geheim-0123456789-abcdef"


@pytest.fixture
def peer(settings):
    """A department's own system."""
    with peers.gateway() as there:
        channels.configure(replace(settings, webhook_private=("127.0.0.1",)))
        yield there
        channels.configure(settings)


def _named(session, peer, code: str | None = "transport", **changed) -> Webhook:
    admin = make_staff(session, Role.PLATFORM_ADMIN, department_code=None)
    department_id = department(session, code).id if code else None
    return webhooks.name(session, **{"department_id": department_id, "title": "每日对账", "url": peer.url, "secret": SECRET, "actor": admin, **changed})


def _told(session, event: str = "withdrawn", **applicant):
    admission = make_admission(session, applicant=make_applicant(session, **applicant))
    write(session, [Occasion(event, admission, f"{event}:{admission.id}:1", admission.office_id)])
    return admission, session.scalars(select(Delivery).where(Delivery.admission_id == admission.id, Delivery.channel == "webhook")).all()


def test_machine_hears_what_which_where_and_when_and_nobodys_name(session, peer):
    hook = _named(session, peer)
    admission, (row,) = _told(session, name="乌仁图雅", phone="13755550009", email="geheim@example.cn")

    assert jobs.deliver([row.id]) == 1
    assert jobs.deliver([row.id]) == 0

    (body,), (headers,) = peer.bodies, peer.headers
    told = json.loads(body)
    office = session.scalar(text("SELECT name FROM office WHERE id = :id"), {"id": admission.office_id})
    assert {key: told[key] for key in ("event", "file", "department", "office")} == {"event": "withdrawn", "file": admission.number, "department": "transport", "office": office}
    assert told["at"].endswith("+08:00") and set(told) == {"event", "file", "department", "office", "at"}
    assert webhook.is_signed(SECRET, headers["X-Ruku-Timestamp"], body, headers["X-Ruku-Signature"])
    session.expire_all()
    assert session.get_one(Delivery, row.id).state == "sent" and session.get_one(Delivery, row.id).webhook_id == hook.id


def test_only_machines_of_the_files_department_and_of_all_are_told(session, peer):
    _named(session, peer, "water")
    everywhere = _named(session, peer, None)
    transport = _named(session, peer)
    stopped = _named(session, peer)
    webhooks.stop(session, stopped, reason="下线", actor=make_staff(session, Role.PLATFORM_ADMIN, department_code=None))
    _, rows = _told(session)
    assert {row.webhook_id for row in rows} == {everywhere.id, transport.id}


def test_what_waits_for_a_machine_that_was_stopped_is_given_up(session, peer):
    hook = _named(session, peer)
    _, (row,) = _told(session)
    webhooks.stop(session, hook, reason="下线", actor=make_staff(session, Role.PLATFORM_ADMIN, department_code=None))
    jobs.deliver([row.id])
    session.expire_all()
    assert (session.get_one(Delivery, row.id).state, peer.bodies) == ("given_up", [])


def test_secret_is_nowhere_to_be_read(session, peer):
    hook = _named(session, peer)
    stored = session.scalar(text("SELECT secret FROM webhook WHERE id = :id"), {"id": hook.id})
    entries = " ".join(session.scalars(select(AuditEntry.body)))
    assert SECRET not in stored and SECRET not in entries and SECRET not in repr(hook) and "webhook.named" in entries


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [({"title": " "}, {"title"}), ({"title": "长" * 61}, {"title"}), ({"url": "ftp://x"}, {"url"}), ({"url": "https://a:b@c.cn/"}, {"url"}), ({"url": "https://x/" + "y" * 500}, {"url"}),
     ({"secret": "short"}, {"secret"}), ({"secret": "密" * 20}, {"secret"}), ({"title": "", "url": "", "secret": ""}, {"title", "url", "secret"})],
)  # fmt: skip
def test_what_is_wrong_is_told_together_and_nothing_is_named(session, peer, changed, wrong):
    with pytest.raises(InvalidAnswers) as error:
        _named(session, peer, **changed)
    assert set(error.value.problems) == wrong and session.scalars(select(Webhook)).all() == []


def test_who_may_name_one(session, peer):
    transport, water = department(session, "transport").id, department(session, "water").id
    given = {"title": "每日对账", "url": peer.url, "secret": SECRET}
    admin = make_staff(session, Role.DEPARTMENT_ADMIN)
    hook = webhooks.name(session, department_id=transport, **given, actor=admin)
    for department_id in (water, None):
        with pytest.raises(NotAllowed):
            webhooks.name(session, department_id=department_id, **given, actor=admin)
    for other in (
        make_staff(session, Role.DEPARTMENT_ADMIN, division="150200"), make_staff(session, Role.SUPERVISOR), make_staff(session, Role.COORDINATOR), make_staff(session, Role.OPERATOR),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            webhooks.name(session, department_id=transport, **given, actor=other)
    stranger = make_staff(session, Role.DEPARTMENT_ADMIN, department_code="water")
    with pytest.raises(NotFound):
        webhooks.found(session, hook.id, actor=stranger)
    assert webhooks.all_of(session, actor=stranger) == [] and webhooks.all_of(session, actor=admin) == [hook]


def test_page_names_tries_and_stops_one(committed_db, console_app, settings):
    with peers.gateway() as there:
        channels.configure(replace(committed_db.settings, webhook_private=("127.0.0.1",)))
        admin = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
        page = admin.get("/webhooks/")
        form = {"csrf_token": token(page), "title": "每日对账", "department": "all", "url": there.url, "secret": SECRET}
        assert admin.post("/webhooks/", data={**form, "csrf_token": ""}).status_code == 400
        wrong = admin.post("/webhooks/", data={**form, "secret": "kurz"})
        assert wrong.status_code == 422 and "16 到 200 个英文字符" in wrong.get_data(as_text=True) and "kurz" not in wrong.get_data(as_text=True)
        made = admin.post("/webhooks/", data=form, follow_redirects=True).get_data(as_text=True)
        assert "接口已登记" in made and SECRET not in made and f"••••{SECRET[-4:]}" in made
        with committed_db.as_worker(), db.transaction() as session, become(System("test")):
            hook_id = session.scalars(select(Webhook.id)).one()

        tried = admin.post(f"/webhooks/{hook_id}/try", data={"csrf_token": token(page)}, follow_redirects=True).get_data(as_text=True)
        assert "试发成功" in tried and json.loads(there.bodies[0])["event"] == "test"
        there.manner = ["refused"]
        assert "代码 422" in admin.post(f"/webhooks/{hook_id}/try", data={"csrf_token": token(page)}, follow_redirects=True).get_data(as_text=True)
        supervisor = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
        looked = supervisor.get("/webhooks/").get_data(as_text=True)
        assert "每日对账" in looked and "试发一次" not in looked
        assert supervisor.post(f"/webhooks/{hook_id}/stop", data={"csrf_token": token(supervisor.get("/webhooks/")), "reason": "试"}).status_code in (302, 403)
        assert "请写明为什么停用" in admin.post(f"/webhooks/{hook_id}/stop", data={"csrf_token": token(page)}, follow_redirects=True).get_data(as_text=True)
        assert "已停用" in admin.post(f"/webhooks/{hook_id}/stop", data={"csrf_token": token(page), "reason": "系统下线"}, follow_redirects=True).get_data(as_text=True)
        assert "已经停用了" in admin.post(f"/webhooks/{hook_id}/stop", data={"csrf_token": token(page), "reason": "再停"}, follow_redirects=True).get_data(as_text=True)
        channels.configure(settings)


def test_the_page_shows_the_machines_of_ones_departments_and_no_others_by_every_grant(session, peer):
    """By enumeration of roles and departments: who sets or supervises webhooks sees those of the departments of the grant, of all departments all; anybody else none."""
    codes = ("transport", "water", None)
    rows = {code: _named(session, peer, code, title=f"接口 {code}").id for code in codes}
    setters = {role for role, definition in ROLES.items() if Act.SET_WEBHOOK in definition.acts}
    wrong = {}
    for role in ROLES:
        for of in codes:
            actor = make_staff(session, role, department_code=of)
            with become(actor):
                seen = {row.id for row in webhooks.all_of(session, actor=actor)}
            expected = set() if role not in setters | {Role.SUPERVISOR} else set(rows.values()) if of is None else {rows[of]}
            if seen != expected:
                wrong[role, of] = (seen, expected)
    assert wrong == {} and setters
