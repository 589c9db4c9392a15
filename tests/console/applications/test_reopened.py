"""What a submitted file opens again: what a new department asks, what an officer returned, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from console.applications import services
from console.applications.models import Admission, Application
from console.applications.pipeline import advance
from console.roles import Role
from console.scope import Principal, System, current
from rules.pipeline import Action
from tests.console.applications.filing import fill, newcomer, submitted
from tests.factories import department, make_staff

As = Callable[[Principal], AbstractContextManager[Principal]]
PROJECTS = {
    "highway_projects": [
        {"highway_name": f"县道改建 {n}", "highway_kind": "highway", "highway_role": "lead", "highway_finished": "2023-10-20"}
        for n in range(2)
    ],
    "unit_agrees": True,
    "admin_penalty": False,
}


def test_what_the_department_asks_is_asked_then_and_can_be_answered(session: Session, as_: As) -> None:
    person = newcomer(session, 901, changes={"work_periods.0.work_field": "transport"})
    admission_id = submitted(session, person, "centre")["centre"]
    with as_(System("assign")):
        admission = session.get_one(Admission, admission_id)
        services.carry_out_assignment(session, admission, department(session, "transport"), actor=current())
        assert (admission.step, admission.department.code) == ("correction", "transport")
        application_id = admission.application_id
    with as_(person.me):
        application = session.get_one(Application, application_id)
        returned = services.returned_paths(application)
        assert returned >= {"transport.highway_projects", "transport.unit_agrees", "transport.unit_paper"}
        services.save_section(session, application, "transport.highway", PROJECTS, actor=person.me)
        services.save_section(
            session, application, "transport.unit", {"unit_agrees": PROJECTS["unit_agrees"]}, actor=person.me
        )
        fill(session, application, {}, actor=person.me)
        admission = session.get_one(Admission, admission_id)
        services.resubmit(session, admission, actor=person.me)
        assert admission.step == "first_review"


def test_a_group_sent_along_with_one_returned_entry_changes_nothing_else(session: Session, as_: As) -> None:
    person = newcomer(session, 902)
    admission_id = submitted(session, person, "transport")["transport"]
    path = "transport.highway_projects.0.highway_name"
    with as_(System("test")):
        admission = session.get_one(Admission, admission_id)
        officer = make_staff(session, Role.FIRST_REVIEWER)
        application_id = admission.application_id
    with as_(officer):
        admission = session.get_one(Admission, admission_id)
        advance(session, [admission], Action.RETURN_FOR_CORRECTION, actor=officer, items=[{"path": path}])
    with as_(person.me):
        application = session.get_one(Application, application_id)
        before = services.open_answers(application)["transport"]["highway_projects"]
        forged = [{**entry, "highway_name": "改过的名称", "highway_role": "member"} for entry in before]
        services.save_section(session, application, "transport.highway", {"highway_projects": forged}, actor=person.me)
        after = services.open_answers(application)["transport"]["highway_projects"]
        assert after == [{**before[0], "highway_name": "改过的名称"}, before[1]]
        services.save_field(session, application, "transport.highway_projects", forged[:1], actor=person.me)
        assert services.open_answers(application)["transport"]["highway_projects"] == after
