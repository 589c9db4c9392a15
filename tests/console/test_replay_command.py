"""`python -m console replay --draft`: who would flip, on the command line."""

from __future__ import annotations

import datetime as dt

from console import db
from tests.console.applications.test_explaining import run
from tests.console.studio.findings import make_finding
from tests.console.studio.making import change_age, editor, make_draft
from tests.factories import make_admission


def test_a_draft_is_asked_of_every_past_file(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        old, young = make_admission(session), make_admission(session)
        for admission, born in ((old, "1964-01-01"), (young, "1980-01-01")):
            make_finding(session, admission, facts={"birth_date": born, "age": 2026 - int(born[:4])})
        actor = editor(session)
        draft = make_draft(session, actor)
        change_age(session, draft, actor, start="2027-01-01", limit=60)
        number, flips, stays = draft.id, old.number, young.number
    asked = run(committed_db.settings, "replay", "--draft", str(number), "--as-if", "2027-01-01", "--lang", "en")
    missing, nothing = run(committed_db.settings, "replay", "--draft", "9999"), run(committed_db.settings, "replay")

    assert (asked.returncode, missing.returncode, nothing.returncode) == (0, 1, 2), asked.stderr
    assert "2 files in" in asked.stdout and f"parameters of {dt.date(2027, 1, 1)}: done" in asked.stdout
    assert f"{flips}  高娃  refer -> reject  Aged 62, over 60" in asked.stdout and stays not in asked.stdout
    assert "Traceback" not in missing.stderr + nothing.stderr
