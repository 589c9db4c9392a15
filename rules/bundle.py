"""A department's bundle: all its documents read and checked together, every problem at once.

The data of a bundle is what was written, as plain JSON; models and compiled rules are made from it and never stored. Where
bundles are kept, released and put into force is the business of `console.departments`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as Folder
from typing import Any, Literal

from pydantic import BaseModel

from rules.cases import CaseResult, CasesDocument, check_cases, run_case
from rules.criteria import Criteria, CriteriaDocument
from rules.criteria import build as build_criteria
from rules.documents import (
    MAX_BYTES,
    Document,
    Path,
    Problem,
    Problems,
    canonical,
    check,
    content_hash,
    meant,
    read_yaml,
)
from rules.exams import Exam, ExamQuestion, check_filled, questions_of, read_questions
from rules.facts import schema
from rules.forms import Form, FormDocument
from rules.forms import build as build_form
from rules.hooks import FILE as HOOKS_FILE
from rules.hooks import Hook, installed
from rules.hooks import load as load_hooks
from rules.letters import DEFAULTS, Letter, LettersDocument, check_letters
from rules.manifest import Manifest, Regulation
from rules.parts import Text
from rules.registers import FOLDER, NAME, Register, RegisterDocument, check_pointing
from rules.registers import build as build_register
from rules.review import ReviewForm, check_review
from rules.training import Unit, read_units

MODELS: Mapping[str, type[BaseModel]] = {
    "bundle.yaml": Manifest, "criteria.yaml": CriteriaDocument, "application.yaml": FormDocument, "review.yaml": ReviewForm, "exam.yaml": Exam,
    "letters.yaml": LettersDocument, "cases.yaml": CasesDocument}
YAML_FILES = tuple(MODELS)
MAX_FILES = 300


def model_of(name: str) -> type[BaseModel] | None:
    """The model of a document by its name; None for a bank, training, and what is no document."""
    return MODELS.get(name) or (RegisterDocument if NAME.fullmatch(name) else None)


@dataclass(frozen=True)
class Bundle:
    """One department's (or the centre's) documents, checked. `documents` is the plain data that is hashed and stored;
    `sources` are the files it was read from, exactly as written, and empty for stored data.
    """

    documents: Mapping[str, Any]
    manifest: Manifest
    form: Form
    criteria: Criteria | None
    review: ReviewForm | None
    exam: Exam | None
    questions: tuple[ExamQuestion, ...]
    training: tuple[Unit, ...]
    letters: Mapping[str, Letter]
    cases: CasesDocument | None
    registers: Mapping[str, Register]
    centre: Bundle | None = field(default=None, repr=False, compare=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    #: document → path → line, for a bundle that was read from files; a stored one has none
    lines: Mapping[str, Mapping[Path, int]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def code(self) -> str:
        return self.manifest.code

    @property
    def kind(self) -> Literal["department", "centre"]:
        return self.manifest.kind

    @property
    def title(self) -> Text:
        return self.manifest.title

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text of the documents."""
        return content_hash(self.to_data())

    @property
    def exam_questions(self) -> tuple[ExamQuestion, ...]:
        """Own questions and the centre's shared ones: what papers are drawn from."""
        return self.questions + (self.centre.questions if self.centre else ())

    def to_data(self) -> dict[str, Any]:
        """The documents as plain JSON; the caller may keep it, it is a copy."""
        data: dict[str, Any] = json.loads(canonical(self.documents))
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any], *, centre: Bundle | None = None, known_hash: str | None = None) -> Bundle:
        """The bundle behind stored data. With `known_hash` (as stored beside it) a bundle seen before costs nothing.

        Raises Problems, without line numbers, when the data is not a bundle.
        """
        key = (known_hash or content_hash(data), centre.hash if centre else None)
        bundle = _known.get(key)
        if bundle is None:
            bundle = _assemble({name: Document(name, one) for name, one in data.items()}, centre)
            if len(_known) >= _KNOWN_SIZE:
                _known.pop(next(iter(_known)))
            _known[key] = bundle
        return bundle

    def letter(self, event: str) -> Letter | None:
        """The department's own letter for an event, else the centre's, else the house's where it has one."""
        return self.letters.get(event) or (self.centre.letters.get(event) if self.centre else None) or DEFAULTS.get(event)

    @property
    def regulations(self) -> dict[str, Regulation]:
        """The regulations cited, by id: the centre's, then this bundle's own."""
        shared = self.centre.manifest.regulations if self.centre else ()
        return {one.id: one for one in (*shared, *self.manifest.regulations)}

    def regulation_title(self, reg: str) -> Text | None:
        """The title of a cited regulation."""
        return next((one.title for one in self.manifest.regulations if one.id == reg), None)


_KNOWN_SIZE = 200
_known: dict[tuple[str, str | None], Bundle] = {}


def read_folder(path: str | Folder, *, centre: Bundle | None = None) -> Bundle:
    """Read a bundle from disk. The folder's name must be the code. Raises Problems with everything that is wrong."""
    folder = Folder(path)
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if not file.is_file() or any(part.startswith((".", "__")) for part in name.split("/")) or name == HOOKS_FILE:
            continue
        if len(files) >= MAX_FILES:
            problems.append(Problem(name, 1, "", f"文件超过 {MAX_FILES} 个。", f"More than {MAX_FILES} files."))
            break
        files[name] = file.read_bytes()
    if not files and not problems:
        problems.append(Problem(str(folder), 1, "", "文件夹不存在或为空。", "The folder does not exist or is empty."))
    if problems:
        raise Problems(problems)
    return read_documents(files, centre=centre, code=folder.name, hooks=load_hooks(folder))


def read_documents(files: Mapping[str, bytes], *, centre: Bundle | None = None, code: str | None = None,
                   hooks: Mapping[str, Hook] | None = None) -> Bundle:
    """Read a bundle from `{file name: content}`; `code` is what the code must be. Raises Problems with all of them.

    Derived facts must have their functions among `hooks`, without them among those installed for the department. Code is never read here.
    """
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    training: dict[str, str] = {}
    questions: str | None = None
    for name, content in files.items():
        if name in YAML_FILES or NAME.fullmatch(name):
            try:
                documents[name] = read_yaml(name, content)
            except Problems as error:
                problems.extend(error.problems)
            continue
        is_training = name.startswith("training/") and name.endswith(".md")
        if not is_training and name != "questions.csv":
            zh, en = meant(name, (*YAML_FILES, "questions.csv"))
            if name == HOOKS_FILE:
                zh, en = "程序只能由运维人员放进本系统的 plugins 文件夹，不能随规则包带入。", "Code is put into this installation's plugins folder by its operator; a bundle never carries it."
            elif name.startswith(FOLDER):
                zh, en = "登记表应为 registers/<小写英文名>.yaml。", "A register is registers/<lower_case_name>.yaml."
            problems.append(Problem(name, 1, "", f"规则包里没有这种文件。{zh}", f"A bundle has no such file. {en}"))
            continue
        if len(content) > MAX_BYTES:
            problems.append(Problem(name, 1, "", f"文件超过 {MAX_BYTES} 字节。", f"The file has more than {MAX_BYTES} bytes."))
            continue
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            problems.append(Problem(name, 1, "", "文件不是 UTF-8 编码，请另存为 UTF-8。", "The file is not UTF-8; save it as UTF-8."))
            continue
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            problems.append(Problem(name, line, "", "含有不可见的控制字符（U+0000），请重新录入这一行。", "It contains the control character U+0000; type this line again."))
            continue
        if is_training:
            training[name] = text.replace("\r\n", "\n")
        else:
            questions = text
    if training:
        documents["training"] = Document("training", training)
    manifest = documents["bundle.yaml"].data if "bundle.yaml" in documents else None
    if questions is not None:
        own = manifest.get("code") if isinstance(manifest, dict) else None
        is_centre = isinstance(manifest, dict) and manifest.get("kind") == "centre"
        lines: dict[Path, int] = {}
        rows = read_questions("questions.csv", questions, bank="shared" if is_centre else str(own), problems=problems, lines=lines)
        documents["questions.csv"] = Document("questions.csv", rows, lines)
    if code is not None and isinstance(manifest, dict) and manifest.get("code") != code:
        problems.append(documents["bundle.yaml"].problem(("code",), f"code 应与文件夹同名：“{code}”。", f"The code must be the folder's name, '{code}'."))
    unreadable = {problem.file for problem in problems}
    own_hooks = installed(str(manifest.get("code"))) if hooks is None and isinstance(manifest, dict) else hooks or {}
    bundle = _assemble(documents, centre, problems, unreadable, own_hooks)
    return replace(bundle, sources={name: content.decode("utf-8") for name, content in files.items()})


def read_registers(files: Mapping[str, bytes], *, others: Mapping[str, Register] | None = None,
                   regulations: set[str] | None = None) -> tuple[dict[str, tuple[Register, Document]], list[Problem]]:
    """Only the registers among a folder's files, and every problem of theirs: a broken one hides no other, and is left out.

    `others` are registers that these may point at besides each other; without `regulations` no clause is looked up.
    """
    problems: list[Problem] = []
    found: dict[str, tuple[Register, Document]] = {}
    for name, content in files.items():
        try:
            document = read_yaml(name, content)
        except Problems as error:
            problems.extend(error.problems)
            continue
        register = _register(document, problems)
        if regulations is not None and isinstance(document.data, dict):
            _check_basis(document.data, (), document, regulations, problems)
        if register is not None:
            found[name] = register, document
    check_pointing(found, others or {}, problems)
    broken = {problem.file for problem in problems}
    return {name: one for name, one in found.items() if name not in broken}, sorted(set(problems), key=lambda one: (one.file, one.line, one.key, one.zh))


def run_cases(bundle: Bundle) -> list[CaseResult]:
    """Run the bundle's worked cases; a bundle without any has an empty list."""
    if bundle.cases is None or bundle.criteria is None:
        return []
    return [run_case(bundle.criteria, bundle.cases, case) for case in bundle.cases.cases]


def _assemble(documents: Mapping[str, Document], centre: Bundle | None, problems: list[Problem] | None = None,
              unreadable: set[str] | None = None, hooks: Mapping[str, Hook] | None = None) -> Bundle:
    problems = problems if problems is not None else []
    unreadable = unreadable or set()

    def read(name: str, model: Any) -> Any:
        return check(model, documents[name], problems) if name in documents else None

    manifest: Manifest | None = read("bundle.yaml", Manifest)
    form_document: FormDocument | None = read("application.yaml", FormDocument)
    criteria_document: CriteriaDocument | None = read("criteria.yaml", CriteriaDocument)
    review: ReviewForm | None = read("review.yaml", ReviewForm)
    exam: Exam | None = read("exam.yaml", Exam)
    letters: LettersDocument | None = read("letters.yaml", LettersDocument)
    cases: CasesDocument | None = read("cases.yaml", CasesDocument)
    if manifest is None and "bundle.yaml" not in documents and "bundle.yaml" not in unreadable:
        problems.append(Problem("bundle.yaml", 1, "", "缺少 bundle.yaml。", "bundle.yaml is missing."))
    if manifest is not None:
        for name, reason in _required(manifest):
            if name not in documents and name not in unreadable:
                problems.append(Problem(name, 1, "", f"缺少 {name}（{reason}）。", f"{name} is missing."))

    is_centre = manifest is not None and manifest.kind == "centre"
    shared = None if is_centre or centre is None else centre.form
    form = Form(())
    if form_document is not None:
        form = build_form(form_document, documents["application.yaml"], department=None if is_centre else manifest.code if manifest else "department",
                          shared=shared, problems=problems)
    own = None if is_centre else manifest.code if manifest else "department"
    facts = schema(shared.fact_types() if shared else {}, form.fact_types(own))
    criteria: Criteria | None = None
    # a form that could not be read would make every fact unknown: report the form first
    facts_known = form_document is not None or ("application.yaml" not in documents and "application.yaml" not in unreadable)
    if criteria_document is not None and facts_known:
        criteria = build_criteria(criteria_document, documents["criteria.yaml"], facts, problems, department=manifest.code if manifest else "", hooks=hooks)
        _check_in_force(manifest, criteria_document, documents["criteria.yaml"], problems)
        if cases is not None and len(criteria.criteria) == len(criteria_document.criteria):
            check_cases(cases, documents["cases.yaml"], criteria, problems)
    if review is not None and facts_known:
        check_review(review, documents["review.yaml"], [*(shared.fact_types() if shared else ()), *form.fact_types(own)], problems)
    if letters is not None:
        check_letters(letters, documents["letters.yaml"], centre=is_centre, problems=problems)
    questions: tuple[ExamQuestion, ...] = ()
    if "questions.csv" in documents and "questions.csv" not in unreadable:
        try:
            questions = questions_of(documents["questions.csv"].data)
        except (KeyError, ValueError, TypeError):
            problems.append(Problem("questions.csv", 1, "", "题库的内容不完整。", "The question bank is not complete."))
    if exam is not None and "questions.csv" not in unreadable:
        check_filled(exam, documents["exam.yaml"], questions + (centre.questions if centre else ()), problems)
    registers = {name: found for name, document in documents.items() if NAME.fullmatch(name) and (found := _register(document, problems)) is not None}
    check_pointing({name: (one, documents[name]) for name, one in registers.items()}, centre.registers if centre else {}, problems)
    units = read_units(documents["training"].data, problems) if "training" in documents else ()
    if manifest is not None:
        for name, document in documents.items():
            if isinstance(document.data, dict) and name.endswith(".yaml"):
                _check_basis(document.data, (), document, {one.id for one in manifest.regulations}, problems)
    if problems or manifest is None:
        raise Problems(problems)
    return Bundle({name: document.data for name, document in documents.items()}, manifest, form, criteria, review, exam, questions, units,
                  letters.letters if letters else {}, cases, {one.id: one for one in registers.values()}, centre, lines={name: document.lines for name, document in documents.items()})


def _register(document: Document, problems: list[Problem]) -> Register | None:
    found = check(RegisterDocument, document, problems)
    return build_register(found, document, problems) if found is not None else None


def _required(manifest: Manifest) -> list[tuple[str, str]]:
    if manifest.kind == "centre":
        return [("application.yaml", "共用栏目"), ("letters.yaml", "各事件的信函")]
    names = [("criteria.yaml", "入库条件"), ("review.yaml", "审核表"), ("cases.yaml", "案例")]
    if manifest.pipeline and manifest.pipeline.exam.value:
        names += [("exam.yaml", "pipeline 开启了考试"), ("questions.csv", "pipeline 开启了考试")]
    if manifest.pipeline and manifest.pipeline.training.value:
        names.append(("training", "pipeline 开启了培训，须有 training/*.md"))
    return names


def _check_in_force(manifest: Manifest | None, document: CriteriaDocument, source: Document, problems: list[Problem]) -> None:
    if manifest is None:
        return
    for name, parameter in document.parameters.items():
        if parameter.dated_on(manifest.effective_from) is None:
            problems.append(source.problem(("parameters", name), f"参数“{name}”在规则包生效之日（{manifest.effective_from}）没有值，请补上。",
                                           f"Parameter '{name}' has no value on {manifest.effective_from}, when the bundle takes effect; add one.", "C201"))


def _check_basis(data: Any, path: Path, source: Document, regulations: set[str], problems: list[Problem]) -> None:
    """Every clause cited anywhere names a regulation of bundle.yaml."""
    if isinstance(data, list):
        for at, one in enumerate(data):
            _check_basis(one, (*path, at), source, regulations, problems)
    elif isinstance(data, dict):
        if set(data) == {"reg", "article"} and isinstance(data["reg"], str) and data["reg"] not in regulations:
            zh, en = meant(data["reg"], regulations)
            problems.append(source.problem((*path, "reg"), f"bundle.yaml 的 regulations 中没有“{data['reg']}”。{zh}", f"bundle.yaml lists no regulation '{data['reg']}'. {en}", "C304"))
        for key, one in data.items():
            _check_basis(one, (*path, key), source, regulations, problems)
