"""`python -m console bundle …`, as it is typed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console import __main__ as command_line
from console import db, prepare
from console.audit import AuditEntry
from console.scope import System
from console.studio import drafts
from console.studio.models import RuleDraft
from tests.console.studio.making import lower_age
from tests.console.studio.sheets.test_workbook import edited
from tests.console.studio.test_workbooks import lower

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped folders that the commands take for `plugins/`; the working folder is a fresh one."""
    shutil.copytree(prepare.PLUGINS, tmp_path / "plugins")
    monkeypatch.setattr(prepare, "PLUGINS", tmp_path / "plugins")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "plugins"


@pytest.fixture
def offline(plugins: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an action where no database is named."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "RUKU_MODE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> tuple[int, str]:
        code = command_line.main(["bundle", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out + said.err

    return run


@pytest.fixture
def online(plugins: Path, committed_db: Any, house: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an action on this test's own database."""
    for name, value in house.environment(committed_db.name).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        with committed_db.as_worker():
            code = command_line.main(["bundle", *arguments])
            db.engine().dispose()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out + said.err

    return run


def change(plugins: Path, limit: int = 60) -> None:
    path = plugins / "transport" / "criteria.yaml"
    path.write_text(lower_age(path.read_text(encoding="utf-8"), start="2027-06-01", limit=limit), encoding="utf-8")


def test_a_key_signs_an_archive_and_whoever_knows_it_verifies(online: Run, monkeypatch):
    code, said = online("keygen", "centre")
    assert code == 0 and Path("centre.pem").stat().st_mode & 0o077 == 0
    setting = said.split("BUNDLE_KEYS=")[1].split()[0]
    assert online("keygen", "centre")[0] == 1

    assert online("export", "transport")[0] == 0
    archive = "transport-v1.ruku.zip"
    unsigned = Path(archive).read_bytes()
    assert online("verify", archive, "--key", "centre.pub.pem", "--lang", "en") == (1, f"{archive}: It is not signed.\n")
    assert online("sign", archive, "--key", "centre.pem")[0] == 0
    code, said = online("verify", archive, "--key", "centre.pub.pem", "--lang", "en")
    assert code == 0 and "Signed by centre.pub.pem" in said
    assert online("verify", archive)[0] == 1  # nobody is known here yet
    monkeypatch.setenv("BUNDLE_KEYS", setting)
    assert "Signed by centre (" in online("verify", archive, "--lang", "en")[1]

    online("keygen", "other")
    assert "by another key" in online("verify", archive, "--key", "other.pub.pem", "--lang", "en")[1]
    Path(archive).write_bytes(unsigned.replace("年".encode(), "月".encode(), 1))
    code, said = online("verify", archive, "--key", "centre.pub.pem", "--lang", "en")
    assert code == 1 and ("altered" in said or "not a sound" in said)
    Path("centre.pem").chmod(0o644)
    assert "chmod 600" in online("sign", archive, "--key", "centre.pem", "--lang", "en")[1]


def test_check_reads_a_folder_an_archive_and_everything(offline: Run, plugins: Path, tmp_path: Path):
    assert offline("check")[0] == 0
    assert "1 bundles" in offline("check", str(plugins / "water"))[1]
    shutil.copytree(plugins / "water", tmp_path / "elsewhere" / "water")
    assert offline("check", str(tmp_path / "elsewhere" / "water"))[0] == 0
    broken = tmp_path / "elsewhere" / "water" / "criteria.yaml"
    broken.write_text(broken.read_text(encoding="utf-8").replace("param: age_limit", "param: age_limt"), encoding="utf-8")
    code, said = offline("check", str(tmp_path / "elsewhere" / "water"), "--lang", "en")
    assert code == 1 and "criteria.yaml:" in said and "Did you mean 'age_limit'?" in said
    assert "neither a folder nor an archive" in offline("check", "/nowhere")[1]
    Path("x.ruku.zip").write_bytes(b"PK")
    assert offline("check", "x.ruku.zip", "--lang", "en")[1].startswith("zip:1: This is not a sound zip archive")


def test_diff_says_in_words_what_changes(offline: Run, plugins: Path, tmp_path: Path):
    shutil.copytree(plugins, tmp_path / "before")
    before, after = str(tmp_path / "before" / "transport"), str(plugins / "transport")
    assert offline("diff", before, after) == (0, "They say the same.\n")
    change(plugins)
    code, said = offline("diff", before, after)
    assert code == 1 and said.startswith("criteria.yaml\n") and "2027-06-01" in said and "60" in said
    assert offline("diff", before, after, "--lang", "en")[1] != said


def test_a_release_goes_out_and_comes_back_as_a_draft(online: Run, plugins: Path, committed_db: Any):
    assert online("export", "transport", "--to", "out")[0] == 0
    assert {path.relative_to("out").as_posix(): path.read_bytes() for path in Path("out").rglob("*.*")} == {
        path.relative_to(plugins / "transport").as_posix(): path.read_bytes() for path in (plugins / "transport").rglob("*.*")}
    shutil.move("out", "transport")
    assert online("diff", "transport@1", "./transport") == (0, "They say the same.\n")
    shutil.rmtree("transport")

    code, said = online("import", str(plugins / "transport"), "--lang", "en")
    assert (code, said) == (1, "It says the same as version 1; there is nothing to import.\n")
    change(plugins)
    code, said = online("import", str(plugins / "transport"))
    assert code == 0 and "started from v1; 0 problems. Nothing is in force by it." in said
    assert online("import", str(plugins / "transport"), "--lang", "en")[1].startswith("The same content was imported before: draft ")
    assert online("diff", "transport", str(plugins / "transport"))[0] == 1
    assert "has no release 9" in online("export", "transport", "--version", "9", "--lang", "en")[1]
    assert "no department" in online("export", "nobody", "--lang", "en")[1]
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(RuleDraft.opened_by)).all() == ["system:bundle_import"]
        assert {"bundle.imported", "bundle.exported", "draft.begun"} <= {*session.scalars(select(AuditEntry.action))}


def test_an_export_overwrites_nothing_unless_told(online: Run, plugins: Path):
    change(plugins)
    code, said = online("export", "transport", "--to", str(plugins / "transport"))
    assert code == 1 and "criteria.yaml" in said and "--force" in said
    (plugins / "transport" / "notes.txt").write_text("x", encoding="utf-8")
    code, said = online("export", "transport", "--to", str(plugins / "transport"), "--force")
    assert code == 0 and "Also there and not part of it: notes.txt." in said
    (plugins / "transport" / "notes.txt").unlink()
    assert online("drift")[0] == 0


def test_drift_tells_the_four_states_apart(online: Run, plugins: Path, committed_db: Any):
    code, said = online("drift", "--lang", "en")
    assert code == 0 and said.count(": same (v1).") == 6
    change(plugins)
    shutil.rmtree(plugins / "water")
    code, said = online("drift", "--lang", "en")
    assert code == 1 and "transport: file newer; the database still has v1." in said and "water: only in the database (v1)" in said

    with committed_db.committing(committed_db.owner, System("seed")):
        done = prepare.seed(plugins)
        again = prepare.seed(plugins)
    assert (done.releases, [(one.department, one.is_new) for one in done.apart]) == ([], [("transport", True)])
    assert [(one.department, one.is_new, one.draft.id) for one in again.apart] == [("transport", False, done.apart[0].draft.id)]
    assert "imported already as draft" in online("drift", "--lang", "en")[1]


def test_an_imported_archive_says_who_signed_it(online: Run, plugins: Path, tmp_path: Path):
    online("export", "transport")
    online("keygen", "centre")
    code, said = online("import", "transport-v1.ruku.zip", "--lang", "en")
    assert code == 1 and "It is not signed." in said and "nothing to import" in said
    online("sign", "transport-v1.ruku.zip", "--key", "centre.pem")
    assert "by another key" in online("import", "transport-v1.ruku.zip", "--lang", "en")[1]


def test_a_workbook_goes_out_is_shown_and_then_saved(online: Run, committed_db: Any):
    assert online("export", "transport", "--to", "x.xlsx")[0] == 0
    assert online("import", "x.xlsx") == (0, "Nothing would change.\n")
    Path("x.xlsx").write_bytes(edited(Path("x.xlsx").read_bytes(), lower))
    code, said = online("import", "x.xlsx", "--lang", "en")
    assert code == 0 and said.startswith("Parameter values age_limit 2027-01-01 added: Value 60") and "--accept saves" in said
    code, said = online("import", "x.xlsx", "--accept")
    assert code == 0 and "Draft " in said
    with committed_db.as_worker(), db.transaction() as session:
        draft = session.scalars(select(RuleDraft)).one()
        assert (draft.base.version, draft.revision) == (1, 1)
        assert drafts.text_of(session, draft).bundle is not None
    Path("y.xlsx").write_bytes(b"PK")
    assert "not a sound XLSX" in online("import", "y.xlsx", "--lang", "en")[1]
