"""`python -m console bundle …`: check, compare, bring in, take out, sign. What it does in the database, it does as drafts.

A bundle is named by a folder, by an archive (`….ruku.zip`), or by its department: `transport` is the newest published release,
`transport@3` the third.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.documents import Problems

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from console.studio.archive import Archive
    from rules.bundle import Bundle
    from rules.checks import Remark

EXITS = """exit codes: 0 it is so (in order, nothing differs, signed, done); 1 it is not so, or could not be done: the sentences say why;
2 the settings or the command line cannot be used"""


def add(parser: argparse.ArgumentParser) -> None:
    """The actions of `bundle` with their options."""
    parser.description, parser.epilog = __doc__.split("\n\n", 1)[1] if __doc__ else None, EXITS
    actions = parser.add_subparsers(title="actions", metavar="", required=True)

    def action(name: str, run: Callable[[argparse.Namespace], int], help_: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=help_, description=help_, epilog=EXITS)
        added.set_defaults(act=run)
        added.add_argument("--lang", choices=("zh", "en"), default="zh", help="language of what is said about documents")
        return added

    checking = action("check", check, "read everything, run the cases, and say what is wrong; needs no database")
    checking.add_argument("bundle", nargs="?", help="a folder, a folder of folders, or an archive; default: plugins/")
    checking.add_argument("--all", action="store_true", help="show the warnings too, not only how many there are")
    bringing = action("import", bring_in, "make a draft of a folder or an archive; nothing is published by it")
    bringing.add_argument("path", help="a folder, an archive, or an XLSX workbook that was exported from here")
    bringing.add_argument("--accept", action="store_true", help="a workbook: save what it changes; without this it is only shown, row by row")
    bringing.add_argument("--base", type=int, metavar="N", help="the version a folder was made from (an archive says it itself); default: the newest")
    taking = action("export", take_out, "write a release as an archive or a folder, the files as they were written")
    taking.add_argument("department")
    taking.add_argument("--version", type=int, metavar="N", help="default: the newest published")
    taking.add_argument("--to", metavar="PATH", help="an archive (….zip), a workbook (….xlsx) or a folder; default: ./DEPARTMENT-vN.ruku.zip")
    taking.add_argument("--force", action="store_true", help="overwrite files that differ")
    comparing = action("diff", compare, "say in words what changes from one bundle to another")
    comparing.add_argument("before", help="a folder, an archive, a department or department@version")
    comparing.add_argument("after")
    signing = action("sign", sign, "sign an archive with an Ed25519 key; the signature goes into the archive")
    signing.add_argument("archive")
    signing.add_argument("--key", required=True, metavar="FILE", help="the private key, PEM, readable by its owner only")
    verifying = action("verify", verify, "say who signed an archive, and whether it is as it was signed")
    verifying.add_argument("archive")
    verifying.add_argument("--key", metavar="FILE", help="a public key, PEM; default: the keys of BUNDLE_KEYS")
    making = action("keygen", keygen, "make a pair of keys: NAME.pem, to be kept, and NAME.pub.pem, to be given away")
    making.add_argument("name", help="letters and digits, at most 12: by this name BUNDLE_KEYS knows the key")
    schemas = action("schema", schema, "say whether docs/schemas, for editors, are those of this program; needs no database")
    schemas.add_argument("--write", action="store_true", help="make them so")
    action("drift", drift, "say for each department how far its folder in plugins/ and the database are apart")


def run(options: argparse.Namespace) -> int:
    """Run the action; problems of documents are printed one to a line."""
    from console.errors import ConsoleError

    try:
        code: int = options.act(options)
    except Problems as error:
        for problem in error.problems:
            print(problem.show(options.lang), file=sys.stderr)
        return 1
    except ConsoleError as error:
        print(_sentence(error, options.lang), file=sys.stderr)
        return 1
    return code


def _sentence(error: Any, lang: str) -> str:
    from console import words

    known = words.catalogue("en").get(error.message) if lang == "en" else None
    return str(known.string) % error.facts if known is not None and known.string else str(error)


# ── without a database ───────────────────────────────────────────────────────────────────────────────────────


def check(options: argparse.Namespace) -> int:
    from console import clock as hands
    from console import prepare
    from console.process import NotReady
    from rules.checks import check_bundle
    from rules.checks.folders import check_folders

    root = Path(options.bundle) if options.bundle else prepare.PLUGINS
    today = dt.datetime.now(hands.ZONE).date()
    if root.is_file():
        bundles = [_of_archive(_unpack(root))]
        said: Mapping[str, tuple[Remark, ...]] = {root.name: check_bundle(bundles[0], on=today)}
    elif not root.is_dir():
        raise NotReady(f"{root} is neither a folder nor an archive: name one that holds a bundle, or a folder per department.")
    elif (root / "bundle.yaml").is_file() and not (root.resolve().parent / "centre" / "bundle.yaml").is_file():
        bundles = [_of_folder(root)]
        said = {root.name: check_bundle(bundles[0], on=today)}
    else:
        bundles, said = check_folders(root, on=today)
    errors = warnings = 0
    for folder, remarks in said.items():
        shown = [one for one in remarks if options.all or one.is_error]
        errors += sum(one.is_error for one in remarks)
        warnings += sum(not one.is_error for one in remarks)
        for file in sorted({one.file for one in shown}):
            print(f"{folder}/{file}")
            for one in (one for one in shown if one.file == file):
                print(f"  {one.line or 1}: {one.severity} {one.code} {one.en if options.lang == 'en' else one.zh}")
    if errors:
        print(f"{errors} errors, {warnings} warnings. docs/checks.md says what each code means{'' if options.all else '; --all shows the warnings'}.", file=sys.stderr)
        return 1
    cases = sum(len(one.cases.cases) for one in bundles if one.cases is not None)
    print(f"{len(bundles)} bundles in {root} are in order; {cases} cases came out as declared; {warnings} warnings{'' if options.all or not warnings else ' (--all shows them)'}.")
    return 0


def schema(options: argparse.Namespace) -> int:
    from console import bundle_schemas

    names = bundle_schemas.write() if options.write else bundle_schemas.differing()
    for name in names:
        print(f"docs/schemas/{name}")
    print(f"{len(names)} schemas were written." if options.write else f"{len(names)} schemas are not those of this program; --write makes them so."
          if names else "docs/schemas are those of this program.")
    return 1 if names and not options.write else 0


def sign(options: argparse.Namespace) -> int:
    from console.studio import signing
    from console.studio.archive import with_signature

    path = Path(options.archive)
    key = signing.read_private(Path(options.key))
    archive = _unpack(path)
    before = signing.verify(archive, {"the same key": key.public_key()})
    _write(path, with_signature(archive, signing.sign(archive, key)))
    replaced = " The signature of another key was replaced." if before.standing is signing.Standing.OTHER_KEY else ""
    print(f"{path.name}: signed with key {signing.fingerprint(key.public_key())}.{replaced}")
    return 0


def verify(options: argparse.Namespace) -> int:
    from console.studio import signing

    archive = _unpack(Path(options.archive))
    keys = {Path(options.key).name: signing.read_public(Path(options.key))} if options.key else _trusted()
    verdict = signing.verify(archive, keys)
    print(f"{archive.name}: {verdict.show(options.lang)}", file=sys.stdout if verdict.is_good else sys.stderr)
    return 0 if verdict.is_good else 1


def keygen(options: argparse.Namespace) -> int:
    import base64

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from console.process import NotReady
    from console.studio import signing

    if not (options.name.isalnum() and options.name.isascii() and options.name.islower() and len(options.name) <= 12):
        raise NotReady(f"'{options.name}' is no name for a key: up to 12 small letters and digits.")
    private, public = Path(f"{options.name}.pem"), Path(f"{options.name}.pub.pem")
    if private.exists() or public.exists():
        raise NotReady(f"{private} or {public} is there already: a key is not overwritten.")
    secret, shown = signing.new_key()
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    public.write_bytes(shown)
    key = signing.read_public(public)
    raw = base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    print(f"Keep {private}, give away {public}. Who shall know this key sets BUNDLE_KEYS={options.name}:{raw} (key {signing.fingerprint(key)}).")
    return 0


def _unpack(path: Path) -> Archive:
    from console.process import NotReady
    from console.studio.archive import MAX_ARCHIVE, unpack

    if not path.is_file():
        raise NotReady(f"{path} is no file: name an archive that `bundle export` made.")
    with path.open("rb") as file:
        return unpack(file.read(MAX_ARCHIVE + 1))


def _trusted() -> dict[str, Ed25519PublicKey]:
    """The public keys that the settings name."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    import config

    return {name: Ed25519PublicKey.from_public_bytes(raw) for name, raw in config.load().bundle_keys.items()}


def _of_archive(archive: Archive) -> Bundle:
    from rules.bundle import read_documents

    manifest = archive.files.get("bundle.yaml", b"")
    return read_documents(archive.files, centre=None if b"kind: centre" in manifest else _centre(None), code=archive.code)


def _of_folder(folder: Path) -> Bundle:
    from rules.bundle import read_folder

    return read_folder(folder, centre=None if folder.resolve().name == "centre" else _centre(folder))


def _centre(folder: Path | None) -> Bundle:
    """The centre's bundle beside which a department's is read: the folder's neighbour, else the shipped one."""
    from console import prepare
    from rules.bundle import read_folder

    beside = folder.resolve().parent / "centre" if folder is not None else None
    return read_folder(beside if beside is not None and (beside / "bundle.yaml").is_file() else prepare.PLUGINS / "centre")


# ── with the database ────────────────────────────────────────────────────────────────────────────────────────


def bring_in(options: argparse.Namespace) -> int:
    from console import db, process
    from console.scope import System, become
    from console.studio import signing, travel

    path, actor = Path(options.path), System("bundle_import")
    if path.name.endswith((".xlsx", ".xlsm")):
        return _workbook(path, options)
    archive = _unpack(path) if path.is_file() else None
    process.begin("worker")
    with become(actor), db.transaction() as session:
        if archive is not None:
            signer = signing.verify(archive, _trusted())
            print(f"{archive.name}: {signer.show(options.lang)}")
            made = travel.import_archive(session, archive, signer=signer, actor=actor)
        elif path.is_dir():
            code = path.resolve().name
            made = travel.import_folder(session, code, travel.read_folder_files(path), origin=code, version=options.base, actor=actor)
        else:
            raise process.NotReady(f"{path} is neither a folder nor an archive.")
        base = f"started from v{made.base.version}" if made.base is not None else "started from nothing"
        print(f"Draft {made.draft.id} of {made.draft.department.code}, {base}; {len(made.problems)} problems. Nothing is in force by it.")
        for problem in made.problems:
            print(problem.show(options.lang))
    return 1 if made.problems else 0


def _workbook(path: Path, options: argparse.Namespace) -> int:
    """Show the rows a workbook changes; save them as a draft when that was asked for."""
    from console import db, process
    from console.scope import System, become
    from console.studio import workbooks
    from console.workbook_guard import MAX_FILE

    if not path.is_file():
        raise process.NotReady(f"{path} is no file.")
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    process.begin("worker")
    with become(System("bundle_import")), db.transaction() as session:
        upload, draft = workbooks.import_workbook(session, content, save=options.accept, actor=System("bundle_import"))
        for row in upload.changes:
            print(row.show(options.lang))
        for row in upload.conflicts:
            print(f"conflict, not saved: {row.show(options.lang)}", file=sys.stderr)
        if draft is not None:
            print(f"Draft {draft.id} of {draft.department.code}, revision {draft.revision}. Nothing is in force by it.")
        else:
            print(f"{len(upload.changes)} rows would change; --accept saves them." if upload.changes else "Nothing would change.")
    return 1 if upload.conflicts else 0


def take_out(options: argparse.Namespace) -> int:
    from console import db, process
    from console.scope import System, become
    from console.studio import travel, workbooks

    actor = System("bundle_export")
    process.begin("worker")
    with become(actor), db.transaction() as session:
        found = travel.release(session, options.department, options.version)
        download = travel.archive_of(session, found, actor=actor)
        files = travel.files_of(found)
        path = Path(options.to) if options.to else Path(download.name)
        if path.name.endswith(".xlsx"):
            files, folder = {path.name: workbooks.workbook_of_release(session, found).content}, path.parent
        elif path.name.endswith(".zip"):
            files, folder = {path.name: download.content}, path.parent
        else:
            folder = path
        differing = [name for name, content in files.items() if (folder / name).exists() and (folder / name).read_bytes() != content]
        if differing and not options.force:
            raise process.NotReady(f"Not written: {', '.join(differing[:10])} in {folder} would be overwritten and say something else; --force does it.")
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _write(folder / name, content)
        print(f"{found.department.code} v{found.version} written to {path}: {len(files)} files, content {found.content_hash[:12]}.")
        if folder == path:
            others = sorted({*travel.read_folder_files(path)} - {*files})
            if others:
                print(f"Also there and not part of it: {', '.join(others[:20])}.")
    return 0


def compare(options: argparse.Namespace) -> int:
    from rules.comparison import compare as differences

    changes = differences(_named(options.before), _named(options.after))
    for file in dict.fromkeys(one.file for one in changes):
        print(file)
        for one in (one for one in changes if one.file == file):
            print(f"  {one.show(options.lang)}")
    print(f"{len(changes)} differences." if changes else "They say the same.")
    return 1 if changes else 0


def _named(name: str) -> Bundle:
    """The bundle behind a folder, an archive, `department` or `department@3`."""
    path = Path(name)
    if path.is_dir():
        return _of_folder(path)
    if path.is_file() or name.endswith(".zip"):
        return _of_archive(_unpack(path))
    from console import db, process
    from console.departments import queries
    from console.scope import System, become
    from console.studio import travel

    code, _, version = name.partition("@")
    if version and not (version.isascii() and version.isdigit() and len(version) < 7):
        raise process.NotReady(f"'{name}' names no release: write {code}@3 for the third.")
    process.begin("worker")
    with become(System("bundle_diff")), db.transaction() as session:
        found = travel.release(session, code, int(version) if version else None)
        return queries.read_release(found, None if found.department.is_centre else travel.release(session, queries.centre(session).code))


def drift(options: argparse.Namespace) -> int:
    from console import db, prepare, process
    from console.departments.services import read_bundles
    from console.scope import System, become
    from console.studio import travel

    bundles = read_bundles(prepare.PLUGINS)
    process.begin("worker")
    with become(System("bundle_drift")), db.transaction() as session:
        found = [travel.apart(session, one) for one in bundles] + travel.only_here(session, {one.code for one in bundles})
        for one in found:
            print(one.show(options.lang))
    return 0 if all(one.drift is travel.Drift.SAME for one in found) else 1


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)
