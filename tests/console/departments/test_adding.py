"""`docs/add-a-department.md`, followed word for word: a folder becomes a department that somebody can apply to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from console import db, prepare
from console.departments import queries, services
from console.departments.founding import _short_codes
from console.departments.models import Department, Division, Office
from console.errors import PluginError
from console.scope import System
from tests.console.applications.filing import found, newcomer, submitted

PAGE = Path(__file__).parents[3] / "docs" / "add-a-department.md"
CODE = "forestry_grassland"


def documents() -> dict[str, str]:
    """File name → content, as the page gives them."""
    return dict(re.findall(r"^### `(\w+\.yaml)`.*?^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """The shipped folders and the page's."""
    root = tmp_path / "plugins"
    shutil.copytree(prepare.PLUGINS, root)
    (root / CODE).mkdir()
    for name, content in documents().items():
        (root / CODE / name).write_text(content, encoding="utf-8")
    return root


def test_the_page_gives_every_required_document() -> None:
    assert sorted(documents()) == ["bundle.yaml", "cases.yaml", "criteria.yaml", "review.yaml"]


def test_its_bundle_is_in_order_and_its_cases_hold(plugins: Path) -> None:
    bundle = next(b for b in services.read_bundles(plugins) if b.code == CODE)
    assert bundle.cases is not None and len(bundle.cases.cases) == 4


def test_a_folder_becomes_a_department_with_offices_and_takes_applications(committed_db: Any, plugins: Path) -> None:
    with committed_db.committing(committed_db.owner, System("seed")):
        assert prepare.seed(plugins).releases == [CODE]
        assert prepare.seed(plugins) == prepare.Seeded(rows=0, releases=[])  # twice changes nothing
    with committed_db.as_worker(), db.transaction() as session:
        department = session.scalars(select(Department).where(Department.code == CODE)).one()
        assert (department.short_name, department.short_code) == ("林业和草原局", "FG")
        assert session.scalar(select(func.count(Office.id)).where(Office.department_id == department.id)) == session.scalar(
            select(func.count(Division.code))
        )
        assert queries.office_for(session, department.id, "150105", 2).name == "呼和浩特市林业和草原局"
        assert queries.office_for(session, department.id, "150105", 1).is_coordinating

        person = newcomer(session, 201, changes={"work_periods.0.work_field": "agriculture"})
        ids = submitted(session, person, "centre", specialties=[("316-2018", "A042207")])
        admission = found(session, ids[CODE])
        assert (admission.step, admission.verdict, admission.office.name) == ("first_review", "pass", "呼和浩特市林业和草原局")
        assert admission.number.endswith("-FG")


def test_a_folder_with_a_mistake_founds_nothing(committed_db: Any, plugins: Path) -> None:
    criteria = plugins / CODE / "criteria.yaml"
    criteria.write_text(criteria.read_text(encoding="utf-8").replace("fact: title_level", "fact: titel_level"), encoding="utf-8")
    with committed_db.committing(committed_db.owner, System("seed")):
        with pytest.raises(PluginError) as caught:
            prepare.seed(plugins)
        problems = [p for p in caught.value.problems if f"{CODE}/criteria.yaml" in p]
        assert [p for p in problems if "titel_level" in p and "title_level" in p]
        with db.transaction() as session:
            assert session.scalar(select(Department.id).where(Department.code == CODE)) is None


@pytest.mark.parametrize(
    ("code", "first"), [("forestry_grassland", ["FG", "FO", "FOR"]), ("health", ["HE", "HEA", "HEAL"]), ("x", ["AA", "AB", "AC"])]
)
def test_numbers_end_with_letters_of_the_code(code: str, first: list[str]) -> None:
    codes = list(_short_codes(code))
    assert codes[:3] == first and all(2 <= len(found) <= 4 for found in codes) and len(set(codes)) > 600
