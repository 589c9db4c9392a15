"""One bundle in one file, `transport-v3.ruku.zip`: its documents as written, and a manifest that says what they are.

The same bundle is the same archive, byte for byte: names sorted, nothing compressed, no time of the day. An archive from elsewhere is
looked at as a stranger: names, sizes and kinds first, then the contents against the manifest, all in memory. It carries documents and
never code.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rules.bundle import MAX_FILES, YAML_FILES
from rules.documents import MAX_BYTES, Problem, Problems, canonical, meant, read_json

SUFFIX = ".ruku.zip"
MANIFEST = "MANIFEST.json"
SIGNATURE = "SIGNATURE.json"
FORMAT = 1
MAX_ARCHIVE = 20_000_000  # bytes, packed; the same holds for all contents together
MAX_RATIO = 100  # contents against what they take in the archive; documents reach about 10
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"(training|registers)/[\w.\-]{1,100}|[\w.\-]{1,100}")
_DOCUMENT = re.compile(r"training/[\w.\-]+\.md|registers/[\w.\-]+\.yaml|questions\.csv|" + "|".join(map(re.escape, YAML_FILES)))


@dataclass(frozen=True)
class Archive:
    """What an archive holds. `manifest_text` is what a signature is over; `signature` is the text of its signature, if it has one."""

    code: str
    version: int | None
    content_hash: str
    base_hash: str | None
    files: Mapping[str, bytes]
    manifest_text: bytes
    signature: bytes | None = None

    @property
    def name(self) -> str:
        """What the archive is called: `transport-v3.ruku.zip`; a draft has no version yet and goes by its hash."""
        return f"{self.code}-{f'v{self.version}' if self.version else self.content_hash[:8]}{SUFFIX}"


def pack(
    files: Mapping[str, bytes], *, code: str, content_hash: str, version: int | None = None, base_hash: str | None = None
) -> bytes:
    """The archive of a bundle's files. `content_hash` is the bundle's, `base_hash` that of the release it came from."""
    manifest = {
        "format": FORMAT,
        "code": code,
        "version": version,
        "hash": content_hash,
        "base": base_hash,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return _zip({**files, MANIFEST: (canonical(manifest) + "\n").encode()})


def with_signature(archive: Archive, signature: bytes) -> bytes:
    """The same archive, carrying this signature."""
    return _zip({**archive.files, MANIFEST: archive.manifest_text, SIGNATURE: signature})


def _zip(entries: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name, content in sorted(entries.items()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # the same on every machine
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            packed.writestr(info, content)
    return out.getvalue()


def unpack(content: bytes) -> Archive:
    """Look an archive through and read it, without a file of its being written anywhere. Problems names everything that is wrong."""
    entries = _entries(content)
    problems: list[Problem] = []
    manifest_text = entries.pop(MANIFEST, None)
    signature = entries.pop(SIGNATURE, None)
    if manifest_text is None:
        raise _refused(
            MANIFEST,
            "压缩包里没有 MANIFEST.json，不是规则包。请用 bundle export 导出。",
            "The archive has no MANIFEST.json, it is no bundle; make one with `bundle export`.",
        )
    manifest = _manifest(manifest_text)
    listed: Mapping[str, str] = manifest["files"]
    for name in sorted({*listed, *entries}):
        if name not in entries:
            problems.append(Problem(name, 1, "", "清单里有此文件，压缩包里没有。", "The manifest lists this file; the archive lacks it."))
        elif name not in listed:
            problems.append(Problem(name, 1, "", "压缩包里有此文件，清单里没有。", "The manifest does not list this file."))
        elif hashlib.sha256(entries[name]).hexdigest() != listed[name]:
            problems.append(
                Problem(name, 1, "", "内容与清单中的指纹不符，文件被改动过。", "The content does not match the manifest: the file was altered.")
            )
    if problems:
        raise Problems(problems)
    return Archive(
        manifest["code"], manifest["version"], manifest["hash"], manifest["base"], dict(sorted(entries.items())), manifest_text, signature
    )


def documents(content: bytes) -> dict[str, bytes]:
    """The documents of an archive of ours, or of a folder that somebody packed by hand: without a manifest, its own name in front."""
    entries = _entries(content, packed_by_hand=True)
    return dict(unpack(content).files) if MANIFEST in entries else entries


def _entries(content: bytes, *, packed_by_hand: bool = False) -> dict[str, bytes]:
    """The contents of a zip file, after everything that can be asked of it without unpacking."""
    if len(content) > MAX_ARCHIVE:
        raise _refused(
            "", f"文件 {len(content)} 字节，超过上限 {MAX_ARCHIVE} 字节。", f"The archive has {len(content)} bytes; at most {MAX_ARCHIVE} are taken."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            infos = [info for info in packed.infolist() if not (info.is_dir() and info.file_size == 0)]
            folder = ""
            if packed_by_hand:
                infos = [info for info in infos if not info.filename.startswith("__MACOSX/") and not info.filename.endswith(".DS_Store")]
                folder = _folder(infos)
                for info in infos:
                    info.filename = info.filename.removeprefix(folder)
            problems = _faults(infos, folder)
            if problems:
                raise Problems(problems)
            return {info.filename: packed.read(info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        what = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise _refused("", f"不是完好的压缩包（{what}）。", f"This is not a sound zip archive ({what}).") from None


def _folder(infos: list[zipfile.ZipInfo]) -> str:
    """The one folder that everything lies in, `transport/`; empty when the documents lie open."""
    tops = {info.filename.partition("/")[0] if "/" in info.filename else "" for info in infos}
    top = next(iter(tops)) if len(tops) == 1 else ""
    return f"{top}/" if top and top not in ("training", "registers", "..", ".") else ""


def _faults(infos: list[zipfile.ZipInfo], folder: str = "") -> list[Problem]:
    problems: list[Problem] = []

    def say(name: str, zh: str, en: str) -> None:
        problems.append(Problem("".join(char if char.isprintable() else "?" for char in name)[:120], 1, "", zh, en))

    if len(infos) > MAX_FILES + 2:
        say("", f"压缩包里有 {len(infos)} 个文件，最多 {MAX_FILES} 个。", f"The archive has {len(infos)} files; at most {MAX_FILES} are taken.")
        return problems
    if sum(info.file_size for info in infos) > MAX_ARCHIVE:
        say("", f"解压后共超过 {MAX_ARCHIVE} 字节。", f"Unpacked it has more than {MAX_ARCHIVE} bytes.")
    seen: set[str] = set()
    for info in infos:
        name, mode = info.filename, info.external_attr >> 16
        if name in seen or folder + name != info.orig_filename:
            say(name, "文件名重复，或含有不可见的字符。", "The file name appears twice, or has invisible characters.")
        seen.add(name)
        if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
            say(name, "是链接或特殊文件，不能收。", "It is a link or a special file; only plain files are taken.")
        elif info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            say(name, "文件加了密，或用了不认识的压缩方法。", "It is encrypted or packed by an unknown method.")
        elif not _NAME.fullmatch(name) or ".." in name:
            say(name, "文件名指向规则包之外，或含有不允许的字符。", "The name leads outside the bundle, or has characters that are not allowed.")
        elif info.file_size > MAX_BYTES:
            say(name, f"文件 {info.file_size} 字节，超过上限 {MAX_BYTES} 字节。", f"It has {info.file_size} bytes; at most {MAX_BYTES} are taken.")
        elif info.file_size > MAX_RATIO * max(info.compress_size, 1_000):
            say(name, "压缩比不正常，可能是压缩炸弹。", "It is packed beyond reason; it may be a zip bomb.")
        elif name.endswith((".py", ".pyc", ".so", ".sh", ".exe", ".js")):
            say(name, "规则包不带程序，请删去此文件。", "A bundle carries no code; remove this file.")
        elif name not in (MANIFEST, SIGNATURE) and not _DOCUMENT.fullmatch(name):
            zh, en = meant(name, (*YAML_FILES, "questions.csv"))
            say(name, f"规则包里没有这种文件。{zh}", f"A bundle has no such file. {en}")
    return problems


_HASH = re.compile(r"[0-9a-f]{64}")


def _manifest(text: bytes) -> dict[str, Any]:
    manifest = read_json(text, name=MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _refused(
            MANIFEST, "MANIFEST.json 不是本系统认识的格式，可能来自更新的版本。", "MANIFEST.json has a format unknown here; it may come from a newer version."
        )
    version, base, files = manifest.get("version"), manifest.get("base"), manifest.get("files")
    sound = (
        set(manifest) == {"format", "code", "version", "hash", "base", "files"}
        and isinstance(manifest["code"], str)
        and re.fullmatch(r"[a-z][a-z0-9_]{0,39}", manifest["code"])
        and (version is None or (type(version) is int and 0 < version < 1_000_000))
        and _is_hash(manifest["hash"])
        and (base is None or _is_hash(base))
        and isinstance(files, dict)
        and all(_is_hash(one) for one in files.values())
        and text == (canonical(manifest) + "\n").encode()
    )
    if not sound:
        raise _refused(MANIFEST, "MANIFEST.json 的内容不完整或被改动过。", "MANIFEST.json is not complete, or was altered.")
    return manifest


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and bool(_HASH.fullmatch(value))


def _refused(file: str, zh: str, en: str) -> Problems:
    return Problems([Problem(file or "zip", 1, "", zh, en)])
