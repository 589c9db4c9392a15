"""What is taken, what is refused, and in which words. Every hostile file here is made by the test."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from console import files
from console.errors import NotFound


@pytest.fixture(autouse=True)
def store(tmp_path):
    files.configure(str(tmp_path / "files"))
    return tmp_path / "files"


def pdf(pages: int = 1, change=None) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    if change:
        change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def picture(kind: str = "JPEG", size=(40, 30), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.html", "<script>alert(1)</script>")
    return out.getvalue()


def kept(store) -> list[str]:
    return sorted(path.name for path in store.rglob("*") if path.is_file())


def test_a_pdf_is_kept_as_it_is_under_its_hash(store):
    content = pdf(3)

    stored = files.store(content, "聘书.pdf")

    assert (stored.media_type, stored.size, stored.pages, stored.name) == ("application/pdf", len(content), 3, "聘书.pdf")
    assert files.read(stored.hash) == content
    assert kept(store) == [stored.hash]
    assert files.store(content, "同一份.pdf").hash == stored.hash and kept(store) == [stored.hash]


def test_a_picture_is_written_again_without_what_it_carried(store):
    exif = Image.Exif()
    exif[0x010F] = "camera of somebody"
    content = picture(exif=exif) + zipped()

    stored = files.store(content, "职称证书.JPEG")

    rewritten = files.read(stored.hash)
    assert b"evil.html" not in rewritten and b"camera of somebody" not in rewritten
    assert Image.open(io.BytesIO(rewritten)).size == (40, 30)
    assert stored.media_type == "image/jpeg"


def test_a_transparent_png_lands_on_white_paper(store):
    out = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(out, "PNG")

    stored = files.store(out.getvalue(), "印章.png")

    assert Image.open(io.BytesIO(files.read(stored.hash))).getpixel((0, 0)) == (255, 255, 255)


def _huge_png() -> bytes:
    """A PNG whose header promises 30,000 × 30,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b"")


def _script(writer: PdfWriter) -> None:
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert('hello')")}
    )
    writer.root_object[NameObject("/OpenAction")] = action


def _launch(writer: PdfWriter) -> None:
    action = DictionaryObject({NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd.exe")})
    writer.root_object[NameObject("/OpenAction")] = action


def _submits(writer: PdfWriter) -> None:
    page = writer.pages[0]
    page[NameObject("/AA")] = DictionaryObject(
        {NameObject("/O"): DictionaryObject({NameObject("/S"): NameObject("/SubmitForm")})}
    )


def _attachment(writer: PdfWriter) -> None:
    writer.add_attachment("payload.exe", b"MZ")


def _disguised_script() -> bytes:
    """The name written so that a search of the bytes does not find it."""
    return pdf(1, _script).replace(b"/S /JavaScript", b"/S /J#61vaScript")


REFUSED = {
    "empty": (b"", "空.pdf", files.EmptyFile),
    "not a kind we take": (b"MZ", "setup.exe", files.KindNotAccepted),
    "no ending": (pdf(), "聘书", files.KindNotAccepted),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "图.svg", files.KindNotAccepted),
    "a zip called pdf": (zipped(), "聘书.pdf", files.ContentMismatch),
    "a page called png": (b"<html><script>1</script>", "图.png", files.ContentMismatch),
    "a png called jpg": (picture("PNG"), "图.jpg", files.ContentMismatch),
    "a pdf with a zip behind it": (pdf() + zipped(), "聘书.pdf", files.DamagedFile),
    "a pdf cut short": (pdf()[:200], "聘书.pdf", files.DamagedFile),
    "only a pdf's first line": (b"%PDF-1.7\n%%EOF", "聘书.pdf", files.DamagedFile),
    "a picture cut short": (picture("JPEG", (400, 300))[:500], "图.jpg", files.DamagedFile),
    "a picture that unfolds": (_huge_png(), "图.png", files.TooManyPixels),
    "two hundred pages": (pdf(200), "合同.pdf", files.TooManyPages),
    "a password": (pdf(1, lambda writer: writer.encrypt("secret")), "合同.pdf", files.LockedPdf),
    "only an owner's password": (pdf(1, lambda w: w.encrypt("", "owner")), "合同.pdf", files.LockedPdf),
    "a script": (pdf(1, _script), "合同.pdf", files.ActivePdf),
    "a script with a spelled name": (_disguised_script(), "合同.pdf", files.ActivePdf),
    "a program to start": (pdf(1, _launch), "合同.pdf", files.ActivePdf),
    "a form that posts": (pdf(1, _submits), "合同.pdf", files.ActivePdf),
    "a file inside": (pdf(1, _attachment), "合同.pdf", files.ActivePdf),
    "more than it may weigh": (picture() + b"\0" * (1024 * 1024), "图.jpg", files.FileTooLarge),
}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.replace(" ", "-"))
def test_what_is_refused_is_named_and_not_kept(case, store):
    content, name, error = REFUSED[case]

    with pytest.raises(error) as refused:
        files.store(content, name, max_mb=1)

    assert type(refused.value) is error
    assert f"“{name}”" in str(refused.value)
    assert kept(store) == []


def test_the_field_says_which_kinds_it_takes():
    with pytest.raises(files.KindNotAccepted) as refused:
        files.store(picture(), "图.jpg", accept=["pdf"])

    assert str(refused.value) == "“图.jpg”不是可以上传的类型，请换成 PDF。"
    assert files.store(picture(), "图.jpg", accept=["pdf", "jpeg"]).pages == 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\高娃\\证书.pdf", "证书.pdf"),
        ("证\u202e书\x00.pdf", "证书.pdf"),
        ("长" * 300 + ".pdf", "长" * 116 + ".pdf"),
        ("   ", "file"),
    ],
)
def test_names_are_kept_as_text_and_lose_what_could_mislead(given, shown):
    assert files.clean_name(given) == shown


def test_pages_are_pictures():
    stored = files.store(pdf(2), "合同.pdf")
    photo = files.store(picture("JPEG", (4000, 300)), "图.jpg")

    assert Image.open(io.BytesIO(files.page_png(stored.hash, 2))).size == (1240, 1755)
    assert Image.open(io.BytesIO(files.page_png(photo.hash, 1, width=600))).format == "PNG"
    for content_hash, page in [(stored.hash, 3), (stored.hash, 0), (photo.hash, 2), ("0" * 64, 1), ("../../etc", 1)]:
        with pytest.raises(NotFound):
            files.page_png(content_hash, page)


def test_what_is_kept_can_still_be_read_by_another_reader():
    stored = files.store(pdf(2), "合同.pdf")

    assert len(PdfReader(io.BytesIO(files.read(stored.hash))).pages) == 2


def test_the_store_says_whether_it_can_be_written(store):
    assert files.is_writable()
    assert kept(store) == []
