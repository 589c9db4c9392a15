"""The list of specialties in the roster tells each standing as of today, in its cells, its filter, a file of it, and for programs."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from console import clock as clocks
from console import db
from console.roles import Role
from console.roster.models import RosterEntry, RosterSpecialty
from rules.pipeline import Step
from tests.factories import department, make_admission
from tests.officers import begin_session, make_account

#: how long the term still runs, and what is stored → what is said today
STANDINGS = [(0, "active", "在聘"), (-1, "active", "聘期已满"), (-1, "suspended", "聘期已满"), (5, "suspended", "暂停"), (-1, "ended", "已退出"), (5, "ended", "已退出")]


@pytest.fixture
def client(console_app: Any, committed_db: Any) -> Any:
    with committed_db.as_worker(), db.transaction() as session:
        today, transport = clocks.today(session), department(session, "transport")
        for index, (days, standing, _said) in enumerate(STANDINGS):
            admission = make_admission(session, step=Step.ROSTER)
            own = {"applicant_id": admission.applicant_id, "office_id": admission.office_id}
            entry = RosterEntry(**own, number=f"1500000001{index:07d}", code=f"ZS{index}", name=f"高娃{index}", employer="某公司", division_code="150100", entered_at=clocks.now(session))
            session.add(entry)
            session.flush()
            session.add(RosterSpecialty(
                **own, entry_id=entry.id, admission_id=admission.id, standard="316-2018", code="A050302", department_id=transport.id, responsible="测试",
                term_from=today - dt.timedelta(days=900), term_to=today + dt.timedelta(days=days), standing=standing,
            ))  # fmt: skip
    return begin_session(console_app, make_account(committed_db, Role.COORDINATOR)[0])


def _listed(client: Any, query: str = "") -> dict[str, str]:
    page = client.get(f"/screens/roster-specialties/?{query}").get_data(as_text=True)
    rows = re.findall(r"<tr><td class=\"name-cell\">.*?</tr>", page, re.S)
    return {re.search(r"高娃\d", row)[0]: re.search(r'class="status [^"]*">([^<]*)<', row)[1] for row in rows}  # type: ignore[index]


def test_a_term_that_is_over_is_no_standing(client: Any) -> None:
    assert _listed(client) == {f"高娃{index}": said for index, (_days, _stored, said) in enumerate(STANDINGS)}


@pytest.mark.parametrize(("asked", "said"), [("active", "在聘"), ("expired", "聘期已满"), ("suspended", "暂停"), ("ended", "已退出")])
def test_the_filter_finds_what_the_list_says(client: Any, asked: str, said: str) -> None:
    wanted = {f"高娃{index}": words for index, (_days, _stored, words) in enumerate(STANDINGS) if words == said}

    assert _listed(client, f"standing={asked}") == wanted
    items = client.get(f"/api/v1/roster-specialties?standing={asked}").json["items"]
    assert [item["standing_words"] for item in items] == [said] * len(wanted)


def test_a_standing_nobody_has_asks_nothing_and_is_told(client: Any) -> None:
    page = client.get("/screens/roster-specialties/?standing=restricted").get_data(as_text=True)

    assert "有条件读不懂，没有起作用" in page
