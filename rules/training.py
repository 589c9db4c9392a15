"""Training units out of Markdown files: a head with id, title and minutes, and the text. Rendering is the training room's."""

from __future__ import annotations

from collections.abc import Mapping

from rules.documents import Document, Path, Problem, Problems, check, read_yaml
from rules.parts import Part, Positive, Slug, Text, Words


class Head(Part):
    id: Slug
    title: Words
    minutes: Positive


class Unit(Part):
    """One unit; `body` is Markdown, in English when somebody wrote it."""

    id: Slug
    title: Text
    minutes: Positive
    body: Text


def read_units(files: Mapping[str, str], problems: list[Problem]) -> tuple[Unit, ...]:
    """Read `{file name: text}` in the order of the names; `x.en.md` is the English text of `x.md`."""
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        problems.append(Problem("training", 1, "", "培训应为“文件名: 正文”的映射。", "Training must be a mapping of file names to texts."))
        return ()
    units: list[Unit] = []
    ids: set[str] = set()
    for name in sorted(files):
        if name.endswith(".en.md"):
            if name.removesuffix(".en.md") + ".md" not in files:
                problems.append(Problem(name, 1, "", "缺少对应的中文文件。", "The Chinese file beside it is missing."))
            continue
        head, body, offset = _parts(files[name])
        if head is None:
            problems.append(Problem(name, 1, "", "开头应有写明 id、title、minutes 的一段，上下各一行“---”。",
                                    "The file must begin with id, title and minutes between two lines of '---'."))
            continue
        try:
            raw = read_yaml(name, head.encode())
        except Problems as error:
            problems.extend(Problem(one.file, one.line + offset, one.key, one.zh, one.en) for one in error.problems)
            continue
        lines: dict[Path, int] = {path: line + offset for path, line in raw.lines.items()}
        found = check(Head, Document(name, raw.data, lines), problems)
        if found is None:
            continue
        if found.id in ids:
            problems.append(Problem(name, lines.get(("id",), 1), "id", f"单元“{found.id}”重复出现，请改名。", f"The unit '{found.id}' appears twice; rename one."))
        ids.add(found.id)
        if not body.strip():
            problems.append(Problem(name, 1, "", "单元没有正文。", "The unit has no text."))
            continue
        english = files.get(name.removesuffix(".md") + ".en.md", "")
        english = (_parts(english)[1] if english.startswith("---") else english).strip()
        units.append(Unit(id=found.id, title=found.title, minutes=found.minutes, body=Text(zh=body.strip(), en=english or None)))
    return tuple(units)


def _parts(text: str) -> tuple[str | None, str, int]:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return None, text, 0
    head, mark, body = text[4:].partition("\n---\n")
    return (head, body, 1) if mark else (None, text, 0)
