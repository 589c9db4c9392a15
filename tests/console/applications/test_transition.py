"""What a new release means for what was begun, submitted or accepted before: the transitional clause, case by case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest
from sqlalchemy import select

from console.applications import carrying, jobs, rescreening, services
from console.applications.checking import DerivationMissing, Filed
from console.applications.models import Application, ApplicationRelease, Finding
from console.departments import queries as departments
from console.departments import services as releases
from console.departments.models import Release
from console.publicity import recheck
from console.scope import System, become
from rules import hooks
from rules.bundle import read_documents
from rules.bundle_files import files_of
from tests.console.applications.filing import draft, found, newcomer, submitted
from tests.factories import department

TODAY, NEXT_MONTH = dt.date(2026, 11, 20), dt.date(2026, 12, 1)
OLD = {"begun": "new", "submitted": "old", "accepted": "old"}
FORM = ("sections:\n", "sections:\n  - id: extra\n    title: {zh: 补充, en: More}\n    fields:\n      - {id: bridge_count, kind: integer, label: {zh: 桥梁项目数, en: Bridges}}\n")
AGE = ("- {from: 2011-12-01, value: 65", "- {from: 2011-12-01, value: 30")


@pytest.fixture(autouse=True)
def on_the_day(clock):
    clock.set(TODAY)


def publish(session, changes: Mapping[str, tuple[str, str]], *, code: str = "transport", transition=OLD, effective_on=NEXT_MONTH) -> Release:
    """The department's release in force with these texts replaced, published for the day."""
    found_in = department(session, code)
    now = departments.releases_in_force(session, TODAY)
    base, centre = now[found_in.id], now[departments.centre(session).id]
    shared = departments.read_release(centre, None)
    files = files_of(departments.read_release(base, centre if code != "centre" else None).to_data(), base.sources)
    for name, (old, new) in changes.items():
        text = files[name].decode()
        assert old in text, (name, old)
        files[name] = text.replace(old, new, 1).encode()
    bundle = read_documents(files, centre=None if code == "centre" else shared, code=code)
    release = releases.write_release(session, found_in, bundle, base=base, actor=System("test"), transition=transition)
    releases.note(session, release, "published", actor=System("test"), effective_on=effective_on)
    return release


# ── begun ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("transition", "on", "newer"),
    [
        (OLD, NEXT_MONTH - dt.timedelta(days=1), False),
        (OLD, NEXT_MONTH, True),
        ({"begun": "old"}, NEXT_MONTH, False),
        ({"begun": "old", "begun_until": "2026-12-10"}, dt.date(2026, 12, 10), False),
        ({"begun": "old", "begun_until": "2026-12-10"}, dt.date(2026, 12, 11), True),
    ],
)
def test_which_release_governs_a_draft_begun_before(session, clock, transition, on, newer):
    person = newcomer(session, 301)
    with become(person.me):
        application = draft(session, person, "transport")
    release = publish(session, {"application.yaml": FORM}, transition=transition)
    clock.set(on)
    filed = Filed.read(session, application, on=on)

    assert (filed.releases[release.department_id].id == release.id) is newer
    assert (filed.form.find("transport.bridge_count") is not None) is newer
    fresh = Application(applicant_id=application.applicant_id, answers={}, chosen=application.chosen, begun_at=clock.now(), saved_at=clock.now())
    assert (Filed.read(session, fresh, on=on).releases[release.department_id].id == release.id) is (on >= NEXT_MONTH)


def test_a_draft_is_carried_to_the_new_form_with_a_list_of_what_is_new(session, clock):
    person = newcomer(session, 302)
    with become(person.me):
        application = draft(session, person, "transport")
        answers = dict(application.answers)
        publish(session, {"application.yaml": FORM})
        assert carrying.carried(session, application, Filed.read(session, application, on=TODAY)) is None
        clock.set(NEXT_MONTH)
        filed = Filed.read(session, application, on=NEXT_MONTH)
        carried = carrying.carried(session, application, filed)

        assert [place.path for place in carried.new] == ["transport.bridge_count"]
        assert (carried.again, carried.gone) == ((), ()) and len(carried.kept) > 15
        carrying.acknowledge(session, application, filed, actor=person.me)
        assert carrying.carried(session, application, filed) is None
        assert application.answers == answers


# ── submitted ────────────────────────────────────────────────────────────────────────────────────────────────


def waiting_file(session, serial: int):
    """A submitted file whose screening came out unknown: the first criterion asks for something the form does not require."""
    release = publish(
        session,
        {"criteria.yaml": ("when_unknown: refer", "when_unknown: return")},  # of no_penalty_declared, which need not be answered
        effective_on=TODAY,
    )
    person = newcomer(session, serial, changes={"transport.admin_penalty": None})
    ids = submitted(session, person, "transport")
    admission = found(session, ids["transport"])
    assert (admission.step, admission.resumes_at, admission.release_id) == ("correction", "screening", release.id)
    return person, admission


def test_a_file_that_waits_for_its_applicant_meets_new_rules_only_where_the_clause_says_so(session, clock):
    _, admission = waiting_file(session, 303)
    new = publish(session, {"criteria.yaml": AGE}, transition=OLD | {"submitted": "new"})
    department_id = admission.department_id
    assert rescreening.waiting(session, department_id, before=NEXT_MONTH) == [admission.id]
    clock.set(NEXT_MONTH)
    jobs.rescreen([admission.id])
    admission = found(session, admission.id)

    assert (admission.step, admission.verdict, admission.release_id) == ("refused", "reject", new.id)
    assert [e.action for e in admission.entries][-2:] == ["rescreen", "refuse"]
    latest = session.scalars(select(Finding).where(Finding.admission_id == admission.id).order_by(Finding.id.desc())).first()
    assert (latest.release_id, latest.decision) == (new.id, "reject")
    met = session.scalars(select(ApplicationRelease.occasion).where(ApplicationRelease.application_id == admission.application_id,
                                                                    ApplicationRelease.release_id == new.id)).all()
    assert met == ["rescreened"]
    jobs.rescreen([admission.id])  # twice changes nothing
    assert len(found(session, admission.id).entries) == len(admission.entries)


def test_what_the_new_form_asks_besides_is_added_to_what_is_to_be_completed(session, clock):
    person, admission = waiting_file(session, 304)
    publish(session, {"application.yaml": FORM}, transition=OLD | {"submitted": "new"})
    clock.set(NEXT_MONTH)
    jobs.rescreen([admission.id])
    admission = found(session, admission.id)

    assert admission.step == "correction"
    assert "transport.bridge_count" in {item["path"] for item in admission.entries[-1].items}
    with become(person.me):
        application = session.get_one(Application, admission.application_id)
        assert Filed.read(session, application, on=NEXT_MONTH).form.find("transport.bridge_count") is not None


# ── accepted ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("accepted", "outcome"), [("old", "admit"), ("new", "refuse")])
def test_the_last_look_before_admission_asks_the_release_the_clause_names(session, clock, accepted, outcome):
    person = newcomer(session, 305)
    ids = submitted(session, person, "transport")
    release = publish(session, {"criteria.yaml": AGE}, transition=OLD | {"accepted": accepted})
    clock.set(NEXT_MONTH)
    (looked,) = recheck.recheck(session, recheck.load(session, [ids["transport"]]), on=NEXT_MONTH)

    assert (looked.outcome, looked.release_id == release.id) == (outcome, accepted == "new")


def test_files_of_other_departments_are_not_touched(session, clock):
    person = newcomer(session, 306)
    ids = submitted(session, person, "water")
    publish(session, {"criteria.yaml": AGE}, transition=OLD | {"accepted": "new"})
    clock.set(NEXT_MONTH)
    (looked,) = recheck.recheck(session, recheck.load(session, [ids["water"]]), on=NEXT_MONTH)
    assert looked.release_id == found(session, ids["water"]).release_id


# ── a derivation that is not installed ───────────────────────────────────────────────────────────────────────


def test_rules_that_need_a_function_nobody_installed_say_so_and_lose_nothing(session, monkeypatch):
    counts = hooks.read('def count_bridges(highway_projects: list) -> int:\n    """Bridges among the projects."""\n    return len(highway_projects or ())\n')
    monkeypatch.setattr(hooks, "_installed", {"transport": counts})
    derived = "derived: {bridges: {kind: number, label: {zh: 桥梁数, en: bridges}, hook: count_bridges, args: [highway_projects]}}\nparameters:\n"
    publish(session, {"criteria.yaml": ("parameters:\n", derived)}, effective_on=TODAY)
    monkeypatch.setattr(hooks, "_installed", {})  # the folder was lost since
    person = newcomer(session, 307)
    with become(person.me):
        application = draft(session, person, "transport")
        with pytest.raises(DerivationMissing, match="交通运输厅"), session.begin_nested():
            services.submit(session, application, actor=person.me)
        assert services.open_answers(application)["name"] == "高娃"
