"""README, “Add a register”, followed word for word in a house that runs: one file, one command, and the register is there, drawn and published."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from console import audit, clock, db
from console.registers import draws, jobs, loading, services
from console.scope import System
from tests.console.audited import seal_all
from tests.console.portal.conftest import Citizen
from tests.console.registers.commanding import command, copies

README = Path(__file__).parents[2] / "README.md"
PAGE = "/registers/housing/contract_checks"


def section() -> tuple[str, str, list[list[str]]]:
    """Where the file goes, what it says, and the commands: as the README gives them."""
    found = re.search(r"^## Add a register\n(.*?)^## ", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    place = re.search(r"`plugins/(\S+\.yaml)`", found[1])
    content = re.search(r"^```yaml\n(.*?)^```", found[1], re.MULTILINE | re.DOTALL)
    commands = re.search(r"^```sh\n(.*?)^```", found[1], re.MULTILINE | re.DOTALL)
    assert place and content and commands
    return place[1], content[1], [line.removeprefix("python -m console registers ").split() for line in commands[1].splitlines()]


@pytest.fixture
def copied(committed_db: Any, portal: Any, tmp_path: Path) -> Any:
    """The shipped folders and migrations, copied; the portal has been asked already, so it knows the five registers and no other."""
    with copies(tmp_path) as folder:
        assert portal.get(PAGE).status_code == 404
        yield folder


def test_the_readme_adds_a_register_to_a_house_that_runs(committed_db: Any, copied: Path, portal: Any, capsys: Any) -> None:
    place, content, commands = section()
    (copied / "plugins" / place).parent.mkdir(exist_ok=True)
    (copied / "plugins" / place).write_text(content, encoding="utf-8")
    visitor = Citizen(portal)

    assert [command(words, committed_db) for words in commands] == [0, 0]
    assert "合同履约抽查" in capsys.readouterr().out
    assert sorted(path.name for path in (copied / "migrations" / "versions").glob("housing_*")) == ["housing_contract_checks_01.py"]

    assert "还没有公开的记录" in visitor.get(PAGE).text  # the process that was there before
    with committed_db.as_worker():
        one = loading.register("housing-contract-checks")
        with db.transaction() as session:
            for at in range(11):
                contract = {"project": f"某路段工程{at}", "number": f"HT-{at:03d}", "tenderer": "某局", "contractor": f"承包人{at}", "signed_on": "2020-03-01"}
                services.enter(session, one, contract, actor=System("test"))
        assert jobs.draw() == 0
        with db.transaction() as session:
            clock.set_to(session, clock.now(session) + dt.timedelta(days=1))
        seal_all(committed_db)
        with db.transaction() as session:
            audit.anchor(session)
        assert jobs.draw() == 1
        with db.transaction() as session:
            drawn = session.scalars(select(one.rows).where(one.rows.state == "drawn")).unique().all()
            assert len(drawn) == 2 and all(row.due_at for row in drawn)  # a tenth of eleven, rounded up
            assert drawn[0].office.department.code == "housing"
            with pytest.raises(services.SaysWhy):
                services.move(session, one, drawn[:1], "publish", actor=System("test"))
            services.change(session, one, drawn[0], {"result": "kept", "summary": "进度、质量与合同一致。"}, actor=System("test"), version=None)
            services.move(session, one, drawn[:1], "publish", actor=System("test"))
            assert draws.holds(draws.draws_of(session, one)[0])
            assert session.scalar(text("SELECT count(*) FROM pg_policies WHERE tablename = 'register_housing_contract_checks'")) == 4
    page = visitor.get(PAGE)
    assert "共 1 条" in page.text and "按合同履行" in page.text
    assert "进度、质量与合同一致" in visitor.get(next(href for name, href in page.links.items() if name.startswith("某路段工程"))).text
    assert "与承诺一致" in visitor.get(f"{PAGE}/draws").text

    assert command(["plan"], committed_db) == 0 and "as declared" in capsys.readouterr().out
