"""Checking where bundles lie: one folder each, the readable beside the unreadable."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from console.__main__ import main
from rules.checks.folders import check_folders

PLUGINS = Path(__file__).parents[3] / "plugins"
ON = date(2026, 11, 26)


def copied(tmp_path: Path, *codes: str) -> Path:
    for code in codes:
        shutil.copytree(PLUGINS / code, tmp_path / code)
    return tmp_path


def spoil(root: Path, file: str, before: str, after: str) -> None:
    text = (root / file).read_text()
    assert before in text
    (root / file).write_text(text.replace(before, after, 1))


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    root = copied(tmp_path, "centre", "finance", "water")
    spoil(root, "finance/criteria.yaml", "fact: healthy", "fact: helthy")
    spoil(root, "water/cases.yaml", "decision: pass", "decision: refer")

    bundles, said = check_folders(root, on=ON)

    assert ([one.code for one in bundles], list(said)) == (["centre", "water"], ["centre", "finance", "water"])
    assert [(one.code, one.file) for one in said["finance"]] == [("C001", "criteria.yaml")]
    assert [(one.code, one.file) for one in said["water"] if one.is_error] == [("C601", "cases.yaml")]


def test_what_is_shipped_has_no_error_no_idle_condition_and_no_missing_word():
    _, said = check_folders(PLUGINS, on=ON)
    assert {name: [one.show() for one in remarks if one.is_error or one.code[:2] in ("C1", "C4", "C5", "C6")] for name, remarks in said.items()} == {name: [] for name in said}


def test_one_folder_is_spoken_of_alone(tmp_path):
    root = copied(tmp_path, "centre", "finance", "water")
    spoil(root, "water/cases.yaml", "decision: pass", "decision: refer")
    bundles, said = check_folders(root / "finance", on=ON)
    assert ([one.code for one in bundles], list(said)) == (["finance"], ["finance"])


def test_a_specialty_claimed_twice_is_found_among_neighbours(tmp_path):
    root = copied(tmp_path, "centre", "finance", "water")
    spoil(root, "water/bundle.yaml", "prefixes: [", "prefixes: [A0403, ")
    shutil.copytree(PLUGINS / "transport", root / "transport")
    _, said = check_folders(root, on=ON)
    assert {name: [one.code for one in remarks if one.is_error] for name, remarks in said.items()} == {
        "centre": [], "finance": [], "transport": ["C308"], "water": ["C308"]}


def test_the_command_prints_errors_by_file_and_ends_with_one(tmp_path, capsys):
    root = copied(tmp_path, "centre", "water")
    assert main(["bundle", "check", str(root)]) == 0
    assert "in order" in capsys.readouterr().out

    spoil(root, "water/cases.yaml", "decision: pass", "decision: refer")
    assert main(["bundle", "check", str(root)]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "water/cases.yaml"
    assert ("error C601" in shown.out, "warning" in shown.out, "1 errors" in shown.err) == (True, False, True)

    assert main(["bundle", "check", str(root), "--all"]) == 1
    assert "warning C307" in capsys.readouterr().out
