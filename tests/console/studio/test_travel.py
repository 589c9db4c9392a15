"""What comes from outside becomes a draft, once, and says from which release it started; what goes out comes back byte for byte."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select

from console import audit, prepare
from console.departments import services
from console.departments.models import Release
from console.scope import System
from console.studio import archive as archives
from console.studio import drafts, publication, travel
from console.studio.errors import UnknownFile
from console.studio.models import RuleDraft
from console.studio.travel import AlreadyBrought, Drift, NoSuchDepartment, NoSuchVersion, NothingNew
from rules.bundle import Bundle, read_documents, read_folder
from tests.console.studio.making import (
    REASON,
    asked_for,
    change_age,
    editor,
    lower_age,
    make_draft,
    make_replay,
    publisher,
)
from tests.factories import department

SEED = System("seed")
HERE = System("bundle_import")


def on_disk(code: str) -> dict[str, bytes]:
    return {path.relative_to(prepare.PLUGINS / code).as_posix(): path.read_bytes() for path in (prepare.PLUGINS / code).rglob("*.*")}


@pytest.fixture
def folder(tmp_path: Path):
    """Answers the transport department's folder with its age limit changed, read as a bundle."""
    shutil.copytree(prepare.PLUGINS, tmp_path / "plugins")
    centre = read_folder(tmp_path / "plugins" / "centre")

    def changed(limit: int | None = 60) -> Bundle:
        path = tmp_path / "plugins" / "transport"
        text = (prepare.PLUGINS / "transport" / "criteria.yaml").read_text(encoding="utf-8")
        (path / "criteria.yaml").write_text(lower_age(text, start="2027-06-01", limit=limit) if limit else text, encoding="utf-8")
        return read_folder(path, centre=centre)

    return changed


def publish(session, today, **values) -> Release:
    """A second version of the transport rules, written and published here."""
    draft = asked_for(session, editor(session), effective_on=today, start="2027-06-01", **values)
    return publication.publish(session, draft, reason=REASON, actor=publisher(session))


def count(session) -> int:
    return session.scalar(select(func.count(RuleDraft.id)))


# -- out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["centre", "finance", "housing", "natural_resources", "transport", "water"])
def test_a_release_comes_out_as_its_folder_went_in(session, code):
    found = travel.release(session, code)
    assert travel.files_of(found) == on_disk(code)
    download = travel.archive_of(session, found, actor=SEED)
    archive = archives.unpack(download.content)
    assert (download.name, archive.files, archive.content_hash, archive.base_hash) == (f"{code}-v1.ruku.zip", on_disk(code), found.content_hash, None)


def test_a_release_whose_files_are_not_known_is_written_so_that_it_reads_the_same(session):
    first = travel.release(session, "water")
    centre = read_folder(prepare.PLUGINS / "centre")
    stored = Bundle.from_data(json.loads(first.content), centre=centre)
    old = services.write_release(session, first.department, stored, base=first, actor=SEED)  # as before files were kept
    assert old.sources is None
    files = travel.files_of(old)
    assert {*files} == {*on_disk("water")} and files != on_disk("water")
    assert read_documents(files, centre=centre, code="water").hash == first.content_hash
    assert archives.unpack(travel.archive_of(session, old, actor=SEED).content).base_hash == first.content_hash


def test_a_draft_goes_out_with_the_release_it_started_from(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    change_age(session, draft, actor)
    archive = archives.unpack(travel.archive_of_draft(session, draft, actor=actor).content)
    assert (archive.version, archive.base_hash, archive.content_hash) == (None, draft.base.content_hash, drafts.head(session, draft).content_hash)
    drafts.revise(session, draft, {"criteria.yaml": b"criteria: ["}, expected=2, actor=actor)
    with pytest.raises(travel.NotReadable):
        travel.archive_of_draft(session, draft, actor=actor)


def test_what_is_not_there_is_named(session):
    with pytest.raises(NoSuchDepartment, match="forestry"):
        travel.release(session, "forestry")
    with pytest.raises(NoSuchVersion, match="第 7 版"):
        travel.release(session, "transport", 7)


# -- in ---------------------------------------------------------------------------------------------------------------


def test_an_archive_becomes_a_draft_and_nothing_else(session, clock):
    first = travel.release(session, "transport")
    second = publish(session, clock.today())
    old = archives.unpack(archives.pack({**on_disk("transport"), "criteria.yaml": lower_age(on_disk("transport")["criteria.yaml"].decode(), start="2027-06-01", limit=58).encode()},
                                        code="transport", content_hash="0" * 64, base_hash=first.content_hash))
    made = travel.import_archive(session, old, actor=HERE)

    assert (made.draft.state, made.draft.opened_by, made.base, made.problems) == ("open", "system:bundle_import", first, ())
    assert drafts.moved_base(session, made.draft) == second  # it says that it started from the first
    assert drafts.newest_published(session, second.department_id) == second
    assert drafts.head(session, made.draft).sources["criteria.yaml"] == old.files["criteria.yaml"].decode()
    assert session.scalar(select(audit.AuditEntry.action).where(audit.AuditEntry.action == "bundle.imported")) == "bundle.imported"


def test_documents_with_problems_come_in_with_their_problems(session):
    files = {**on_disk("transport"), "criteria.yaml": on_disk("transport")["criteria.yaml"].replace(b"param: age_limit", b"param: age_limt")}
    made = travel.import_folder(session, "transport", files, origin="transport", actor=HERE)
    assert [(one.file, "age_limit" in one.en) for one in made.problems if "age_limt" in one.en] == [("criteria.yaml", True)]


def test_the_same_content_is_not_brought_in_again(session):
    with pytest.raises(NothingNew, match="第 1 版"):
        travel.import_folder(session, "transport", on_disk("transport"), origin="transport", actor=HERE)
    changed = {**on_disk("transport"), "criteria.yaml": lower_age(on_disk("transport")["criteria.yaml"].decode()).encode()}
    made = travel.import_folder(session, "transport", changed, origin="transport", actor=HERE)
    with pytest.raises(AlreadyBrought, match=f"草稿 {made.draft.id}"):
        travel.import_folder(session, "transport", changed, origin="transport", actor=HERE)
    drafts.discard(session, made.draft, reason="不要了", actor=HERE)
    assert travel.import_folder(session, "transport", changed, origin="transport", actor=HERE).draft.id > made.draft.id  # asked for by a person


def test_a_file_that_is_no_document_is_refused(session):
    with pytest.raises(UnknownFile, match=r"notes\.txt"):
        travel.import_folder(session, "transport", {**on_disk("transport"), "notes.txt": b"x"}, origin="transport", actor=HERE)
    with pytest.raises(NoSuchVersion):
        travel.import_folder(session, "transport", {**on_disk("transport"), "exam.yaml": b""}, origin="transport", version=9, actor=HERE)


# -- drift ------------------------------------------------------------------------------------------------------------


def state(session, bundle: Bundle) -> tuple[Drift, int | None, int | None]:
    found = travel.apart(session, bundle)
    assert found.show("zh") and found.show("en").startswith("transport: ")
    return found.drift, found.newest and found.newest.version, found.common and found.common.version


def test_how_far_folder_and_database_are_apart(session, folder, clock):
    assert state(session, folder(None)) == (Drift.SAME, 1, 1)
    assert state(session, folder(60)) == (Drift.FILE_NEWER, 1, 1)
    publish(session, clock.today(), limit=58)
    assert state(session, folder(None)) == (Drift.EDITED_HERE, 2, 1)
    assert state(session, folder(60)) == (Drift.BOTH_CHANGED, 2, 1)
    assert state(session, folder(58))[0] in (Drift.SAME, Drift.FILE_NEWER, Drift.BOTH_CHANGED)
    unknown = dataclasses.replace(folder(None), manifest=folder(None).manifest.model_copy(update={"code": "forestry"}))
    assert travel.apart(session, unknown).drift is Drift.ONLY_ON_DISK
    assert [(one.department, one.drift) for one in travel.only_here(session, {"centre", "finance", "housing", "water", "natural_resources"})] == [("transport", Drift.ONLY_HERE)]


def test_a_changed_folder_becomes_a_draft_once(session, folder):
    before = count(session)
    made = travel.bring(session, folder(60), actor=SEED)
    again = travel.bring(session, folder(60), actor=SEED)

    assert (made.drift, made.is_new, made.draft.base.version) == (Drift.FILE_NEWER, True, 1)
    assert (again.draft, again.is_new, count(session)) == (made.draft, False, before + 1)
    assert drafts.head(session, made.draft).sources == dict(folder(60).sources)
    assert travel.release(session, "transport").version == 1
    drafts.discard(session, made.draft, reason="不采用", actor=SEED)
    assert travel.bring(session, folder(60), actor=SEED).draft == made.draft and count(session) == before + 1
    assert travel.bring(session, folder(55), actor=SEED).is_new


def test_after_both_changed_the_draft_starts_from_what_both_had(session, folder, clock):
    second = publish(session, clock.today(), limit=58)
    made = travel.bring(session, folder(60), actor=SEED)
    assert (made.drift, made.is_new, made.draft.base.version) == (Drift.BOTH_CHANGED, True, 1)
    assert drafts.moved_base(session, made.draft) == second
    assert "both changed since v1; the database has v2. imported as draft" in made.show("en")


def test_a_folder_that_was_published_here_is_the_common_state_from_then_on(session, folder, clock):
    bundle = folder(60)
    draft = travel.bring(session, bundle, actor=SEED).draft
    publication.plan(session, draft, effective_on=clock.today(), actor=SEED)
    make_replay(session, draft)
    publication.request(session, draft, expected=1, reason=REASON, actor=editor(session))
    publication.publish(session, draft, reason=REASON, actor=publisher(session))
    assert state(session, bundle) == (Drift.SAME, 2, 2)
    assert state(session, folder(55)) == (Drift.FILE_NEWER, 2, 2)
    assert state(session, folder(None)) == (Drift.EDITED_HERE, 2, 1)
    assert department(session, "transport").id == draft.department_id


def test_a_brought_draft_that_was_edited_here_is_not_what_the_folder_said(session, folder, clock):
    draft = travel.bring(session, folder(60), actor=SEED).draft
    actor = editor(session)
    text = drafts.head(session, draft).sources["criteria.yaml"].replace("value: 60", "value: 61")
    drafts.revise(session, draft, {"criteria.yaml": text.encode()}, expected=1, actor=actor)
    publication.plan(session, draft, effective_on=clock.today(), actor=actor)
    make_replay(session, draft)
    publication.request(session, draft, expected=2, reason=REASON, actor=actor)
    publication.publish(session, draft, reason=REASON, actor=publisher(session))
    assert state(session, folder(60)) == (Drift.BOTH_CHANGED, 2, 1)
    assert travel.bring(session, folder(60), actor=SEED).is_new is False  # it was brought, and became what is published
    made = travel.bring(session, folder(55), actor=SEED)
    assert (made.is_new, made.draft.base.version) == (True, 1)
