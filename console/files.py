"""Files people hand in: what they really are, kept by the hash of their content.

Nothing is believed but the content. Images are decoded and written again, which drops hidden passengers, positions and
cameras; a PDF that carries a script, a launch, another file or a password is refused with the way out. Content lies in a folder
or an fsspec URL under its SHA-256 and is shown to people only as pictures of its pages (`page_png`); the original leaves
as a download. Whose file it is, and who may look, is asked by the rooms.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import unicodedata
import uuid
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filetype
import fsspec
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from console.errors import N_, ConsoleError, NotFound

if TYPE_CHECKING:
    from pypdf import PdfReader

#: what may be handed in: the word a bundle's `accept` uses → the media type
KINDS = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}
MAX_MB = 20  # a field may ask for less
MAX_PAGES = 100
MAX_PIXELS = 60_000_000  # the cameras of today's phones; a drawing that unfolds to gigabytes is not evidence
LONG_SIDE = 3_508  # A4 at 300 dpi: a seal and a serial number stay readable
MAX_OBJECTS = 100_000

_WORDS = {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg"}
_HASH = re.compile(r"[0-9a-f]{64}")
_ACTIVE_ACTIONS = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition"}
_ACTIVE_KEYS = {"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/XFA", "/RichMedia"}
_ACTIVE_BYTES = (b"/JavaScript", b"/Launch", b"/EmbeddedFile")
_pdfium = threading.Lock()  # pdfium is not thread-safe
_root: tuple[Any, str] | None = None

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # we count ourselves, and refuse


class FileRefused(ConsoleError):
    """The file cannot be taken; the sentence names it and says what to do."""

    message = N_("“%(name)s”不能用，请换一份。")
    status = 422


class EmptyFile(FileRefused):
    message = N_("“%(name)s”是空的，请重新选择文件。")


class FileTooLarge(FileRefused):
    message = N_("“%(name)s”有 %(size)s MB，超过 %(limit)s MB。请压缩，或分成几份上传。")
    status = 413


class KindNotAccepted(FileRefused):
    message = N_("“%(name)s”不是可以上传的类型，请换成 %(accepted)s。")


class ContentMismatch(FileRefused):
    message = N_("“%(name)s”的内容与文件名不符：看内容不是 %(claimed)s。请用原件重新导出或拍照，不要只改文件名。")


class DamagedFile(FileRefused):
    message = N_("“%(name)s”打不开，可能已经损坏。请在自己的设备上打开核对，再重新上传。")


class TooManyPixels(FileRefused):
    message = N_("图片“%(name)s”超过 %(limit)s 个像素。请缩小后再传。")


class TooManyPages(FileRefused):
    message = N_("“%(name)s”有 %(pages)s 页，超过 %(limit)s 页。请只上传要用的那几页。")


class LockedPdf(FileRefused):
    message = N_("“%(name)s”设了密码或权限保护，审核人看不到。请另存一份没有密码的再上传。")


class ActivePdf(FileRefused):
    message = N_("“%(name)s”里带有脚本、附件或会自动执行的内容。请用“打印为 PDF”另存一份再上传。")


@dataclass(frozen=True)
class StoredFile:
    """What lies in the store; `hash` is the SHA-256 of the content as kept, which for images is the one written again."""

    hash: str
    media_type: str
    size: int
    pages: int
    name: str = ""


def configure(url: str) -> None:
    """Once per process: where files lie."""
    global _root
    system, path = fsspec.core.url_to_fs(url, **({"auto_mkdir": True} if "://" not in url else {}))
    _root = (system, path.rstrip("/"))
    page_png.cache_clear()


def clean_name(name: str) -> str:
    """The name as text: no folders, no control or direction characters, at most 120 characters with its ending."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    last = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip() or "file"
    if len(last) <= 120:
        return last
    stem, dot, ending = last.rpartition(".")
    return f"{stem[: 119 - len(ending)]}.{ending}" if dot and len(ending) < 10 else last[:120]


def kind_of(name: str) -> str:
    """The kind a name claims: `pdf`, `jpg`, `png`, or whatever stands after the last dot."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return _WORDS.get(ending, ending)


def store(content: bytes, name: str, *, accept: Collection[str] = (), max_mb: int = MAX_MB) -> StoredFile:
    """Check and keep a file; the same content twice is kept once. Raises FileRefused, in words for the person at the form."""
    name = clean_name(name)
    accepted = [kind for kind in KINDS if not accept or kind in {_WORDS.get(a.lower(), a.lower()) for a in accept}]
    if not content:
        raise EmptyFile(name=name)
    if len(content) > max_mb * 1024 * 1024:
        raise FileTooLarge(name=name, size=f"{len(content) / 1024 / 1024:.1f}", limit=max_mb)
    claimed = kind_of(name)
    if claimed not in accepted:
        raise KindNotAccepted(name=name, accepted="、".join(kind.upper() for kind in accepted))
    found = filetype.guess(content)
    if found is None or found.mime != KINDS[claimed]:
        raise ContentMismatch(name=name, claimed=claimed.upper())
    if claimed == "pdf":
        pages = _checked_pdf(content, name)
    else:
        content, pages = _rewritten_image(content, name, claimed), 1
    digest = hashlib.sha256(content).hexdigest()
    _keep(digest, content)
    return StoredFile(digest, KINDS[claimed], len(content), pages, name)


def _rewritten_image(content: bytes, name: str, kind: str) -> bytes:
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
        if image.width * image.height > MAX_PIXELS:  # asked before anything is decoded
            raise TooManyPixels(name=name, limit=f"{MAX_PIXELS:,}")
        image.draft("RGB", (LONG_SIDE, LONG_SIDE))
        image = ImageOps.exif_transpose(image)
        image = _on_white(image) if image.has_transparency_data else image.convert("RGB")
        image.thumbnail((LONG_SIDE, LONG_SIDE))
        clean = Image.frombytes("RGB", image.size, image.tobytes())  # pixels only: no profile, no text chunk
    except Image.DecompressionBombError:
        raise TooManyPixels(name=name, limit=f"{MAX_PIXELS:,}") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise DamagedFile(name=name) from None
    written = io.BytesIO()
    if kind == "jpg":
        clean.save(written, "JPEG", quality=88)
    else:
        clean.save(written, "PNG")
    return written.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, image).convert("RGB")


def _checked_pdf(content: bytes, name: str) -> int:
    """The number of pages of a PDF that is nothing but pages."""
    from pypdf import PdfReader  # slow, and of all that a process does only an upload needs it
    from pypdf.errors import PyPdfError

    _, _, tail = content.rpartition(b"%%EOF")
    if tail.strip(b"\0\t\n\f\r ") or b"%%EOF" not in content:
        raise DamagedFile(name=name)  # what stands behind the end is another file, or the end is missing
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise LockedPdf(name=name)
        pages = len(reader.pages)
        if pages > MAX_PAGES:
            raise TooManyPages(name=name, pages=pages, limit=MAX_PAGES)
        if any(mark in content for mark in _ACTIVE_BYTES) or _is_active(reader, name):
            raise ActivePdf(name=name)
    except FileRefused:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError):
        raise DamagedFile(name=name) from None
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(content)
            seen = len(document)
            document.close()
        except pypdfium2.PdfiumError:
            raise DamagedFile(name=name) from None
    if seen != pages or not pages:
        raise DamagedFile(name=name)  # two readers see two files
    return pages


def _is_active(reader: PdfReader, name: str) -> bool:
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject  # slow

    numbers = [(number, generation) for generation, table in reader.xref.items() for number in table]
    numbers += [(number, 0) for number in reader.xref_objStm]
    if len(numbers) > MAX_OBJECTS:
        raise DamagedFile(name=name)
    todo: list[Any] = [reader.trailer]
    for number, generation in numbers:
        todo.append(reader.get_object(IndirectObject(number, generation, reader)))
    while todo:
        thing = todo.pop()
        if isinstance(thing, DictionaryObject):
            action = str(thing.raw_get("/S")) if "/S" in thing else ""
            if _ACTIVE_KEYS & thing.keys() or action in _ACTIVE_ACTIONS:
                return True
            # references are among the numbered objects already
            todo += [value for value in (thing.raw_get(key) for key in thing) if isinstance(value, DictionaryObject | ArrayObject)]
        elif isinstance(thing, ArrayObject):
            todo += [value for value in list.__iter__(thing) if isinstance(value, DictionaryObject | ArrayObject)]
    return False


# ── the store ────────────────────────────────────────────────────────────────────────────────────────────────


def _place(content_hash: str) -> tuple[Any, str]:
    if _root is None:
        raise RuntimeError("files.configure() has not been called in this process")
    if not _HASH.fullmatch(content_hash):
        raise NotFound()
    system, path = _root
    return system, f"{path}/{content_hash[:2]}/{content_hash[2:4]}/{content_hash}"


def _keep(content_hash: str, content: bytes) -> None:
    system, path = _place(content_hash)
    if system.exists(path):
        return
    fresh = f"{path}.{uuid.uuid4().hex}"  # a half-written file never has its final name
    with system.open(fresh, "wb") as target:
        target.write(content)
    system.mv(fresh, path)


def read(content_hash: str) -> bytes:
    """The content; NotFound when it is not in the store."""
    system, path = _place(content_hash)
    try:
        with system.open(path, "rb") as source:
            return bytes(source.read())
    except FileNotFoundError:
        raise NotFound() from None


def forget(content_hash: str) -> bool:
    """Take a content out of the store, when nothing refers to it any more: that is the caller's to know. False when it was not there."""
    system, path = _place(content_hash)
    page_png.cache_clear()
    try:
        system.rm(path)
    except FileNotFoundError:
        return False
    return True


def keep_as(path: Path) -> tuple[str, str, int]:
    """Put a file of ours into the store: (place, SHA-256 of the content, bytes). The place is nobody's content, so that two like files are
    two, and either may go; `opened` and `forget` take it."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        while part := source.read(1 << 20):
            digest.update(part)
            size += len(part)
    place = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    system, target = _place(place)
    system.put(str(path), target)
    return place, digest.hexdigest(), size


def opened(place: str) -> Any:
    """The content as an open file; NotFound when it is not in the store."""
    system, path = _place(place)
    try:
        return system.open(path, "rb")
    except FileNotFoundError:
        raise NotFound() from None


def held() -> Iterator[str]:
    """The name of everything in the store, for a backup; what is only half written is not in it yet."""
    if _root is None:
        raise RuntimeError("files.configure() has not been called in this process")
    system, path = _root
    for found in system.find(path) if system.exists(path) else ():
        name = found.rpartition("/")[2]
        if _HASH.fullmatch(name):
            yield name


def has(place: str) -> bool:
    """Whether this is in the store."""
    system, path = _place(place)
    return bool(system.exists(path))


def put_back(place: str, path: Path) -> None:
    """From a backup, under the name it had; what lies there already is written again."""
    system, target = _place(place)
    fresh = f"{target}.{uuid.uuid4().hex}"
    system.put(str(path), fresh)
    system.mv(fresh, target)


def is_writable() -> bool:
    """Whether a file can be kept right now, for `/readyz` and `doctor`; leaves nothing behind."""
    probe = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    system, path = _place(probe)
    try:
        with system.open(path, "wb") as target:
            target.write(b"probe")
        system.rm(path)
        return True
    except OSError:
        return False


@lru_cache(maxsize=48)
def page_png(content_hash: str, page: int, *, width: int = 1_240) -> bytes:
    """Page `page` (from 1) as a picture at most `width` wide; NotFound when there is no such file or page."""
    content = read(content_hash)
    if content.startswith(b"%PDF-"):
        with _pdfium:
            document = pypdfium2.PdfDocument(content)
            try:
                if not 1 <= page <= len(document):
                    raise NotFound()
                sheet = document[page - 1]
                points_wide, points_high = sheet.get_size()
                scale = min(width / max(points_wide, 1), 4 * width / max(points_high, 1))  # no strip a kilometre long
                image = sheet.render(scale=scale, may_draw_forms=False).to_pil()
            finally:
                document.close()
    elif page == 1:
        image = Image.open(io.BytesIO(content))
        image.thumbnail((width, 4 * width))
    else:
        raise NotFound()
    written = io.BytesIO()
    image.convert("RGB").save(written, "PNG")
    return written.getvalue()
