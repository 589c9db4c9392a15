"""The workshop itself: lock files, make targets, what README promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import config

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TARGETS = ("run", "test", "check", "demo", "bench", "matrix", "crash", "clean")


def pins(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text().splitlines()
    return dict(re.match(r"([\w.-]+)==([^ ;]+)", line).groups() for line in lines if re.match(r"[\w.-]+==", line))  # type: ignore[union-attr]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_pins_every_package_by_hash_and_names_no_address(lock):
    text = (ROOT / lock).read_text()
    options = [line for line in text.splitlines() if line.startswith("-")]
    packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

    assert options == []
    assert re.findall(r"\w+://\S+", text) == []
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


def test_both_locks_agree():
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: (run[name], dev[name]) for name in run.keys() & dev.keys() if run[name] != dev[name]} == {}


def test_installed_versions_are_the_locked_ones():
    from importlib.metadata import version

    locked = pins("requirements.lock")
    assert {name: version(name) for name in locked if version(name) != locked[name]} == {}


def test_no_package_forbids_a_python_we_promise():
    from importlib.metadata import distribution

    from packaging.specifiers import SpecifierSet

    wanted = ("3.11.3", "3.12.0", "3.13.0", "3.14.0")
    refused = {
        name: requires
        for name in pins("requirements.lock")
        if (requires := distribution(name).metadata.get("Requires-Python"))
        and not all(SpecifierSet(requires).contains(python) for python in wanted)
    }
    assert refused == {}


def test_make_has_its_targets_and_they_are_explained():
    help_ = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [target for target in TARGETS if not re.search(rf"make {target}\s+\S", help_)] == []


def test_ci_calls_check_and_test():
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert "make check test" in script.read_text()


def test_command_line_explains_itself_quickly():
    help_ = subprocess.run([sys.executable, "-m", "console", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = ["run", "worker", "relay", "cron", "migrate", "seed", "demo", "doctor", "clock", "words", "bundle", "roles", "staff", "backup", "restore", "upgrade"]
    assert [name for name in commands if not re.search(rf"^    {name}\s+\S", help_, re.MULTILINE)] == []
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, console.__main__; print(*sys.modules)"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in ("flask", "sqlalchemy", "rq", "flask_appbuilder") if name in loaded] == []


def test_compiled_translations_are_not_in_git():
    assert "*.mo" in (ROOT / ".gitignore").read_text().splitlines()


def test_readme_lists_every_setting_with_its_default():
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == config.variables()


def test_readme_names_every_top_level_folder_and_room():
    text = README.read_text(encoding="utf-8")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    top = {line.split("/")[0] for line in tracked if "/" in line and not line.startswith(".")}
    rooms = {line.split("/")[1] for line in tracked if re.match(r"console/[a-z]+/__init__\.py$", line)}
    assert sorted(name for name in top | rooms if f"{name}/" not in text and f"`{name}`" not in text) == []


def test_pages_and_code_name_no_machine_of_the_makers():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    pattern = re.compile(r"(?<![\w.])/(?:work|tmp/w)/")
    text_files = [ROOT / name for name in tracked if Path(name).suffix in {".py", ".md", ".toml", ".yaml", ".html", ".css", ".js", ".po", ""}]
    found = [
        str(path.relative_to(ROOT))
        for path in text_files
        if path.is_file() and path != Path(__file__) and pattern.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []


def test_the_committed_json_schemas_are_those_of_the_program():
    from console import bundle_schemas

    assert bundle_schemas.differing() == [], "make them with: python -m console bundle schema --write"
