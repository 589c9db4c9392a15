"""Every sentence on a screen exists in Chinese and English, whole, with the same slots."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from console import words
from console.words import BrokenCatalogue


@cache
def report() -> words.WordsReport:
    """Reading every module and template takes two seconds."""
    return words.check()


def test_every_sentence_has_english():
    assert [f"{sentence.place}: {sentence.text}" for sentence in report().missing] == []


def test_no_translation_of_what_nobody_says():
    assert report().unused == []


def test_sentences_are_marked_whole():
    assert report().glued == []


def test_parts_become_one_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    write(tmp_path, "portal", {"提交": "Submit"})
    write(tmp_path, "console", {"退回": "Return", "第 %(n)s 页": "Page %(n)s"})

    written = words.compile_all()
    again = words.compile_all()

    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["en/LC_MESSAGES/messages.mo"]
    assert again == []
    assert {m.id: m.string for m in words.catalogue("en") if m.id} == {"提交": "Submit", "退回": "Return", "第 %(n)s 页": "Page %(n)s"}


def test_two_parts_that_disagree_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    write(tmp_path, "portal", {"提交": "Submit"})
    write(tmp_path, "zoo", {"提交": "Send"})

    with pytest.raises(BrokenCatalogue, match=r"zoo\.po: “提交” is translated differently in portal\.po"):
        words.catalogue("en")


def test_slot_that_the_sentence_does_not_have_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    write(tmp_path, "portal", {"第 %(n)s 页": "Page %(number)s"})

    with pytest.raises(BrokenCatalogue, match="names a slot"):
        words.catalogue("en")


def write(folder: Path, part: str, sentences: dict[str, str]) -> None:
    (folder / "en").mkdir(exist_ok=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    body = "".join(f'\nmsgid "{zh}"\nmsgstr "{en}"\n' for zh, en in sentences.items())
    (folder / "en" / f"{part}.po").write_text(head + body, encoding="utf-8")
