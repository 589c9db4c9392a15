"""A house of the test's own, to be backed up by the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console import db, files
from console.applications.models import Attachment
from tests.conftest import House
from tests.console.backup.house import begun, run
from tests.console.test_files import pdf
from tests.factories import make_application


@dataclass
class Ours:
    """`environment` is what the commands read; `safe` is where backups go."""

    house: House
    name: str
    database: Any
    safe: Path
    environment: dict[str, str]
    monkeypatch: Any
    capsys: Any
    papers: list[str] = field(default_factory=list)
    undo: list[Callable[[], Any]] = field(default_factory=list)

    def __call__(self, *words: Any, **more: str) -> int:
        self.capsys.readouterr()
        self.database.dispose()
        return run(self.environment | more, self.monkeypatch, *words)

    def said(self) -> str:
        found = self.capsys.readouterr()
        return found.out + found.err

    def files(self) -> Path:
        return Path(self.environment["FILES_URL"])

    def paper(self, pages: int) -> str:
        """A paper in the store and a row that names it."""
        with begun(self.environment, self.monkeypatch), self.database.as_worker(), db.transaction() as session:
            files.configure(self.environment["FILES_URL"])
            kept = files.store(pdf(pages), "聘书.pdf")
            application = make_application(session)
            session.add(
                Attachment(application_id=application.id, applicant_id=application.applicant_id, field="papers", name="聘书.pdf", hash=kept.hash, media_type=kept.media_type, size=kept.size, pages=kept.pages, uploaded_at=application.saved_at)
            )
        self.papers.append(kept.hash)
        return kept.hash

    def sql(self, statement: str, *, login: str = "postgres") -> Any:
        import psycopg

        with psycopg.connect(self.house.url(login, self.name), autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else None


@pytest.fixture
def ours(house: House, committed_db: Any, tmp_path: Path, monkeypatch: Any, capsys: Any) -> Iterator[Ours]:
    environment = house.environment(committed_db.name) | {"FILES_URL": str(tmp_path / "store")}
    made = Ours(house, committed_db.name, committed_db, tmp_path / "disk", environment, monkeypatch, capsys)
    made.paper(1)
    yield made


@pytest.fixture
def backups(ours: Ours) -> Callable[[], list[Path]]:
    return lambda: sorted(one for one in ours.safe.iterdir() if (one / "manifest.json").exists())
