"""The declarations in the files beside what is applied, for people who look and may not apply: each register's faults, or its plan.

Nothing is written, and nothing of this process changes. Only the files of registers are read, so that one broken document hides no other. What a
plan says of rows is said of those that the reader may see: `python -m console registers plan` asks all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.registers import applying, loading, migrating, planning
from console.registers.applying import Proposal
from console.registers.models import RegisterDefinition
from console.registers.shapes import table_name
from console.registers.tables import Declared
from rules.bundle import read_registers
from rules.documents import Document, Problem, Problems, content_hash, read_yaml
from rules.fields import ReferenceField
from rules.registers import FOLDER, NAME, Register

#: of a declaration that is pasted: the longest shipped one has 12 kB
LONGEST = 60_000


@dataclass(frozen=True)
class Standing:
    """One register: as its file says, as it is applied, and what lies between. A broken file has problems and its text, no plan."""

    department: str
    id: str
    declared: Declared | None
    applied: Declared | None
    problems: tuple[Problem, ...] = ()
    proposal: Proposal | None = None
    text: str = ""

    @property
    def name(self) -> str:
        return f"{self.department}-{self.id}".replace("_", "-")

    @property
    def state(self) -> str:
        """One of broken, gone, new, refused, differs, same."""
        if self.problems:
            return "broken"
        if self.declared is None:
            return "gone"
        if self.proposal is None:
            return "same"
        return "refused" if self.proposal.plan.refusals else "new" if self.applied is None else "differs"


@dataclass(frozen=True)
class Folders:
    """What the departments' folders say of registers, by (department, register)."""

    texts: Mapping[tuple[str, str], str]
    sound: Mapping[tuple[str, str], tuple[Register, Document]]
    problems: Mapping[tuple[str, str], tuple[Problem, ...]]
    regulations: Mapping[str, set[str]]


def read(plugins: Path | None = None) -> Folders:
    """The registers of every department's folder, the centre's first."""
    plugins = plugins or applying.PLUGINS
    texts: dict[tuple[str, str], str] = {}
    sound: dict[tuple[str, str], tuple[Register, Document]] = {}
    problems: dict[tuple[str, str], list[Problem]] = {}
    regulations: dict[str, set[str]] = {}
    for folder in sorted((one for one in plugins.iterdir() if (one / "bundle.yaml").exists()), key=lambda one: (one.name != "centre", one.name)):
        department = folder.name
        files = {f"{FOLDER}{path.name}": path.read_bytes() for path in sorted((folder / FOLDER).glob("*.yaml")) if NAME.fullmatch(f"{FOLDER}{path.name}")}
        regulations[department] = _regulations(folder / "bundle.yaml")
        centre = {register: one for (owner, register), (one, _document) in sound.items() if owner == "centre"}
        found, wrong = read_registers(files, others=centre, regulations=regulations[department])
        texts |= {(department, _id(name)): content.decode("utf-8", "replace") for name, content in files.items()}
        sound |= {(department, _id(name)): one for name, one in found.items()}
        for problem in wrong:
            problems.setdefault((department, _id(problem.file)), []).append(problem)
    return Folders(texts, sound, {key: tuple(listed) for key, listed in problems.items()}, regulations)


def standings(session: Session, folders: Folders) -> list[Standing]:
    """Every register that is declared or applied, in the order in which they would be applied; what is broken or gone comes last."""
    stored = {(one.department, one.id): one for one in loading.stored()}
    tables = {key: table_name(*key) for key in (*folders.sound, *stored)}
    declared = {key: _declared(key[0], one, tables) for key, one in folders.sound.items()}
    planned = _plans(session, loading.in_order(declared.values()), {one.table: one for one in stored.values()})
    made = [Standing(one.department, one.id, one, stored.get((one.department, one.id)), (), proposal, folders.texts[one.department, one.id]) for one, proposal in planned]
    made += [Standing(*key, None, stored.get(key), listed, None, folders.texts[key]) for key, listed in folders.problems.items()]
    return made + [Standing(*key, None, one) for key, one in stored.items() if key not in folders.texts]


def pasted(session: Session, folders: Folders, department: str, text: str) -> Standing:
    """What a declaration that lies nowhere would come to in this department's folder."""
    key = (department, "")
    if len(text.encode()) > LONGEST:
        return Standing(*key, None, None, (Problem("", 1, "", f"内容超过 {LONGEST} 字节。", f"The text has more than {LONGEST} bytes."),), None, text)
    others = {register: one for (owner, register), (one, _document) in sorted(folders.sound.items(), key=lambda item: item[0][0] != "centre") if owner in ("centre", department)}
    found, problems = read_registers({"": text.encode("utf-8", "surrogatepass")}, others=others, regulations=folders.regulations.get(department, set()))
    if problems:
        return Standing(*key, None, None, tuple(problems), None, text)
    one = found[""]
    stored = {(each.department, each.id): each for each in loading.stored()}
    tables = {at: table_name(*at) for at in (*folders.sound, *stored, (department, one[0].id))}
    declared = _declared(department, one, tables)
    if len(declared.table) > applying.LONGEST:
        wrong = one[1].problem(("id",), f"数据表名“{declared.table}”超过 {applying.LONGEST} 个字符，请把 id 改短。", f"The table's name '{declared.table}' has more than {applying.LONGEST} characters; shorten the id.")
        return Standing(*key, None, None, (wrong,), None, text)
    [(_same, proposal)] = _plans(session, [declared], {each.table: each for each in stored.values()})
    return Standing(department, declared.id, declared, stored.get((department, declared.id)), (), proposal, text)


def _plans(session: Session, declared: Sequence[Declared], applied: Mapping[str, Declared]) -> list[tuple[Declared, Proposal | None]]:
    """As `applying.proposals`, from the revisions that the database names: a web process does not run the files of migrations."""
    heads = dict(session.execute(select(RegisterDefinition.table_name, RegisterDefinition.revision)).all())
    made: list[tuple[Declared, Proposal | None]] = []
    for new in declared:
        old = applied.get(new.table)
        plan = planning.plan(old, new, session)
        if plan.is_empty:
            made.append((new, None))
            continue
        pointed = [table for field in new.document.fields if isinstance(field, ReferenceField) and (table := new.shapes[field.id].points_at.partition(".")[0]) != new.table]
        written = migrating.write(plan, after=heads.get(new.table) if old is not None else None, depends=[heads[table] for table in dict.fromkeys(pointed) if table in heads])
        heads[new.table] = written.revision
        made.append((new, Proposal(plan, written)))
    return made


def _declared(department: str, one: tuple[Register, Document], tables: Mapping[tuple[str, str], str]) -> Declared:
    register, document = one
    return Declared(department, register, dict(document.data), content_hash(document.data), tables=loading.tables_for(department, dict(tables)))


def _id(name: str) -> str:
    return name.removeprefix(FOLDER).removesuffix(".yaml")


def _regulations(manifest: Path) -> set[str]:
    """The clauses' sources that a folder's manifest lists; of one that cannot be read, none: its own page says why."""
    try:
        data = read_yaml(manifest.name, manifest.read_bytes()).data
    except Problems:
        return set()
    listed = data.get("regulations") if isinstance(data, dict) else None
    return {str(one["id"]) for one in listed or () if isinstance(one, dict) and "id" in one} if isinstance(listed, list) else set()
