"""A bundle in one file: the same bytes every time, and strangers' archives looked through before anything is read."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.studio.archive import MANIFEST, Archive, documents, pack, unpack, with_signature
from rules.bundle import read_folder
from rules.bundle_files import files_of
from rules.documents import Problems

PLUGINS = Path(__file__).parents[3] / "plugins"
FILES = {"bundle.yaml": b"code: roads\n", "criteria.yaml": "# 备注\n".encode(), "training/01-law.md": b"---\n"}


def packed(**changes: object) -> bytes:
    return pack(**{"files": FILES, "code": "roads", "content_hash": "a" * 64, "version": 3, "base_hash": "b" * 64, **changes})  # type: ignore[arg-type]


def zipped(entries: dict[str, bytes], *, method: int = zipfile.ZIP_STORED, change: Callable[[zipfile.ZipInfo], None] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            if change:
                change(info)
            archive.writestr(info, content)
    return out.getvalue()


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        return {name: read.read(name) for name in read.namelist()}


def said(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Problems) as caught:
        unpack(content)
    assert all(one.zh and one.en for one in caught.value.problems)
    return [(one.file, one.en) for one in caught.value.problems]


def test_an_archive_is_the_same_bytes_whatever_the_order_and_comes_back_whole():
    archive = unpack(packed())
    assert packed(files=dict(reversed(FILES.items()))) == packed()
    assert (archive.name, archive.code, archive.version, archive.content_hash, archive.base_hash) == ("roads-v3.ruku.zip", "roads", 3, "a" * 64, "b" * 64)
    assert archive.files == FILES and archive.signature is None
    assert unpack(packed(version=None, base_hash=None)).name == "roads-aaaaaaaa.ruku.zip"


@pytest.mark.parametrize("code", ["centre", "transport", "water"])
def test_a_shipped_folder_travels_byte_for_byte(code):
    centre = read_folder(PLUGINS / "centre")
    bundle = centre if code == "centre" else read_folder(PLUGINS / code, centre=centre)
    files = files_of(bundle.to_data(), bundle.sources)
    archive = unpack(pack(files, code=code, content_hash=bundle.hash))
    assert archive.files == files == {path.relative_to(PLUGINS / code).as_posix(): path.read_bytes() for path in (PLUGINS / code).rglob("*.*")}


def test_a_hand_packed_archive_of_the_same_contents_is_taken():
    assert unpack(zipped({**contents(packed()), "training/": b""}, method=zipfile.ZIP_DEFLATED)).files == FILES


@pytest.mark.parametrize("name", ["../x.yaml", "/etc/passwd", "training/../../x.md", "C:\\x.yaml", "training/a/b.md", "..", "x\n.yaml", "\u202ex.yaml", "a" * 300 + ".yaml"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    assert [en for _, en in said(zipped({**contents(packed()), name: b""}))] == ["The name leads outside the bundle, or has characters that are not allowed."]


@pytest.mark.parametrize(("name", "says"), [
    ("hooks.py", "no code"), ("training/run.sh", "no code"), ("criterion.yaml", "Did you mean 'criteria.yaml'?"), ("training/x.html", "no such file"), ("README.md", "no such file"),
])
def test_code_and_files_a_bundle_does_not_have_are_refused(name, says):
    assert [(file, says in en) for file, en in said(zipped({**contents(packed()), name: b""}))] == [(name, True)]


def test_links_and_encrypted_files_are_refused():
    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (stat.S_IFLNK | 0o777) << 16

    assert {en for _, en in said(zipped(contents(packed()), change=link))} == {"It is a link or a special file; only plain files are taken."}
    locked = bytearray(zipped({"bundle.yaml": b"x"}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert said(bytes(locked)) == [("bundle.yaml", "It is encrypted or packed by an unknown method.")]


def test_what_unpacks_beyond_reason_is_refused_without_unpacking():
    bomb = zipped({"criteria.yaml": b"\0" * 50_000_000}, method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    assert "at most 2000000" in said(bomb)[0][1] or "more than" in said(bomb)[0][1]
    assert "zip bomb" in said(zipped({"criteria.yaml": b"\0" * 1_900_000}, method=zipfile.ZIP_DEFLATED))[0][1]
    assert "files; at most 300" in said(zipped({f"training/{n}.md": b"" for n in range(400)}))[0][1]
    assert "at most 20000000" in said(b"PK" + b"0" * 20_000_001)[0][1]


def test_a_size_that_lies_about_the_contents_is_refused():
    content = bytearray(zipped({**contents(packed()), "criteria.yaml": b"x" * 5000}, method=zipfile.ZIP_DEFLATED))
    at = content.index((5000).to_bytes(4, "little"), content.index(b"PK\x01\x02"))
    content[at : at + 4] = (10).to_bytes(4, "little")
    assert [en.split(" (")[0] for _, en in said(bytes(content))] == ["This is not a sound zip archive"]


def test_two_files_of_one_name_are_refused():
    out = io.BytesIO(packed())
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("bundle.yaml", b"code: other\n")
    assert said(out.getvalue()) == [("bundle.yaml", "The file name appears twice, or has invisible characters.")]


@pytest.mark.parametrize(("change", "says"), [
    ({"bundle.yaml": b"code: roadz\n"}, ("bundle.yaml", "The content does not match the manifest: the file was altered.")),
    ({"exam.yaml": b""}, ("exam.yaml", "The manifest does not list this file.")),
    ({"bundle.yaml": None}, ("bundle.yaml", "The manifest lists this file; the archive lacks it.")),
    ({MANIFEST: None}, (MANIFEST, "The archive has no MANIFEST.json, it is no bundle; make one with `bundle export`.")),
    ({MANIFEST: b"{}"}, (MANIFEST, "MANIFEST.json has a format unknown here; it may come from a newer version.")),
    ({MANIFEST: b'{"format":1}'}, (MANIFEST, "MANIFEST.json is not complete, or was altered.")),
])
def test_what_the_manifest_does_not_say_is_named(change, says):
    entries = {name: content for name, content in {**contents(packed()), **change}.items() if content is not None}
    assert said(zipped(entries)) == [says]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.builds(lambda at, byte: packed()[:at] + bytes([byte]) + packed()[at + 1 :], st.integers(0, len(packed()) - 1), st.integers(0, 255)))
def test_any_bytes_are_an_archive_or_a_list_of_problems(content):
    try:
        archive = unpack(content)
    except Problems as error:
        assert error.problems
    else:
        assert (archive.files, archive.content_hash) == (FILES, "a" * 64)


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
    st.sampled_from(["format", "code", "version", "hash", "base", "files", "x"]), inner, max_size=6), max_leaves=8))
def test_any_manifest_is_taken_or_refused_with_a_sentence(manifest):
    manifest = {**json.loads(contents(packed())[MANIFEST]), **manifest} if isinstance(manifest, dict) else manifest
    try:
        assert isinstance(unpack(zipped({**contents(packed()), MANIFEST: json.dumps(manifest).encode()})), Archive)
    except Problems as error:
        assert error.problems


def test_an_archive_carries_its_signature_along():
    archive = unpack(with_signature(unpack(packed()), b"{}"))
    assert (archive.signature, archive.files) == (b"{}", FILES)


# ── packed by hand ───────────────────────────────────────────────────────────────────────────────────────────


def by_hand(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("folder", ["", "transport/", "交通运输厅 改/"])
def test_a_folder_packed_by_hand_gives_its_documents(folder):
    files = {"criteria.yaml": b"a: 1\n", "training/01-law.md": b"x"}
    packed = {folder + name: content for name, content in files.items()} | {"__MACOSX/._criteria.yaml": b"?"}
    assert documents(by_hand(packed)) == files


@pytest.mark.parametrize("name", ["transport/../criteria.yaml", "transport/hooks.py", "transport/sub/criteria.yaml"])
def test_a_folder_packed_by_hand_is_looked_at_like_any_other(name):
    with pytest.raises(Problems):
        documents(by_hand({"transport/bundle.yaml": b"", name: b""}))


def test_an_archive_of_ours_is_held_to_its_manifest_however_it_comes():
    packed = pack({"bundle.yaml": b"code: x\n"}, code="x", content_hash="0" * 64)
    assert documents(packed) == {"bundle.yaml": b"code: x\n"}
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        contents = {name: found.read(name) for name in found.namelist()}
    with pytest.raises(Problems):
        documents(by_hand(contents | {"bundle.yaml": b"code: y\n"}))
