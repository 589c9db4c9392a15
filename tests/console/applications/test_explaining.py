"""An old file explained: made again from its pinned release and stored facts, the same bytes; on the command line and as a service."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import db
from console.applications import queries
from console.applications.explaining import explain_file, first_difference
from console.applications.models import Admission, Finding
from console.audit import AuditEntry
from console.errors import NotFound
from console.scope import System
from tests.console.applications.filing import found, newcomer, submitted
from tests.console.backup.house import run as run_here

ROOT = Path(__file__).parents[3]


def again(finding: Finding, trace: dict[str, Any]) -> Finding:
    return Finding(
        admission_id=finding.admission_id, applicant_id=finding.applicant_id, office_id=finding.office_id, release_id=finding.release_id,
        moment=finding.moment, evaluated_on=finding.evaluated_on, at=finding.at, decision=finding.decision, facts=finding.facts,
        derivation_version=finding.derivation_version, trace=trace,
    )  # fmt: skip


def test_a_file_is_made_again_to_the_same_bytes_and_told_in_both_languages(session: Session, as_: Any) -> None:
    ids = submitted(session, newcomer(session, 1), "transport", "finance")
    for code, words in (("transport", "周岁（决定之日） 不超过 年龄上限"), ("finance", "周岁（决定之日） 少于 年龄上限")):
        with as_(System("test")):
            number = found(session, ids[code]).number
            [one] = explain_file(session, number, lang="zh", reason="查询")
            [english] = explain_file(session, number, lang="en", reason="查询")
            kept = session.scalars(select(AuditEntry).where(AuditEntry.action == "admission.explained").order_by(AuditEntry.id)).all()
        assert (one.difference, english.difference) == (None, None)
        assert one.lines[0].startswith("结论：通过") and english.lines[0].startswith("decision: pass")
        assert any(words in line for line in one.lines) and any(line.startswith("[met]") for line in english.lines)
        assert any("年龄上限：" in line and "自 20" in line for line in one.lines)
        assert [(entry.subject, "查询" in entry.body) for entry in kept[-2:]] == [(f"admission:{ids[code]}", True)] * 2


def test_what_officers_wrote_beside_a_trace_is_theirs_and_an_altered_trace_is_named(session: Session, as_: Any) -> None:
    pk = submitted(session, newcomer(session, 2), "transport")["transport"]
    with as_(System("test")):
        admission = found(session, pk)
        first = queries.latest_finding(session, admission)
        assert first is not None
        session.add(again(first, {**first.trace, "rulings": {"age": {"holds": True, "evidence": "身份证"}}}))
        wrong = [{**one, "outcome": "not_met"} if one["id"] == "age" else one for one in first.trace["findings"]]
        session.add(again(first, {**first.trace, "findings": wrong}))
        session.flush()
        told = explain_file(session, admission.number, lang="zh", reason="核对")
    at = next(number for number, one in enumerate(wrong) if one["id"] == "age")
    assert [one.difference for one in told] == [None, None, f'findings.{at}.outcome: stored "not_met", made "met"']
    assert any("审核人认定：满足 — 身份证" in line for line in told[1].lines)


def test_a_number_that_is_not_there_is_not_found(session: Session, as_: Any) -> None:
    with as_(System("test")), pytest.raises(NotFound):
        explain_file(session, "209901010001-JT", lang="zh", reason="核对")


@pytest.mark.parametrize(("stored", "made", "says"), [
    ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, None), ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a.1.b: stored 2, made 3"),
    ({"a": 1}, {}, "a: stored only"), ({"a": [1]}, {"a": []}, "a: 1 stored, 0 made"), ({"a": 1}, {"a": True}, "a: stored 1, made true"),
])  # fmt: skip
def test_the_first_difference_has_its_place(stored: Any, made: Any, says: str | None) -> None:
    assert first_difference(stored, made) == says


def test_the_command_ends_with_1_when_a_byte_differs(committed_db: Any, house: Any, monkeypatch: Any, capsys: Any) -> None:
    with committed_db.as_worker(), db.transaction() as session:
        ids = submitted(session, newcomer(session, 3), "transport", "water")
    with committed_db.as_worker(), db.transaction() as session:
        numbers = {code: session.get_one(Admission, pk).number for code, pk in ids.items()}
        finding = session.scalars(select(Finding).where(Finding.admission_id == ids["water"])).one()
        session.add(again(finding, {**finding.trace, "decision": "reject"}))
    same = run(committed_db.settings, "replay", numbers["transport"], "--explain", "--lang", "en", "--reason", "a question by telephone")
    assert same.returncode == 0, same.stderr
    assert "decision: pass" in same.stdout and same.stdout.count("same bytes") == 1

    def here(number: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run_here(house.environment(committed_db.name), monkeypatch, "replay", number, "--reason", "a question by telephone")
        return code, capsys.readouterr().out

    code, said = here(numbers["water"])
    assert code == 1 and said.count("same bytes") == 1 and 'DIFFERENT at decision: stored "reject", made "pass"' in said
    assert "decision: pass" not in said
    assert here("2099") == (1, "")


def run(settings: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    keys = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in dict(settings.data_keys).items())
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "RUKU_MODE": "test", "DATABASE_URL": settings.database_url, "DATABASE_WORKER_URL": settings.database_worker_url,
        "DATABASE_OWNER_URL": settings.database_owner_url, "REDIS_URL": settings.redis_url, "DATA_KEYS": keys, "PYTHONUTF8": "1",
        "HASH_KEY": base64.b64encode(settings.hash_key).decode(), "FILES_URL": settings.files_url, "DATA_DIR": str(settings.data_dir),
        "SECRET_KEY": secrets.token_urlsafe(48), "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
    }  # fmt: skip
    return subprocess.run([sys.executable, "-m", "console", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
