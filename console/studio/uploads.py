"""What a browser sends for a draft, sorted out: documents by their names, one workbook, one archive; and what waits for a yes.

A download is often saved as `criteria (1).yaml` and a training text has lost its folder: both are put right here, everything else is
refused with its sentence. What waits for a yes (a workbook's rows, files whose draft moved on) travels with the page, signed for one
person and one draft, so that nothing half-accepted lies anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

from console.errors import N_, ConsoleError
from console.scope import Principal
from console.studio import archive, drafts
from console.studio.models import RuleDraft
from rules.bundle import YAML_FILES

MOST_UPLOADS = 130
LONGEST_WAIT = 12 * 3600  # seconds, as long as a form holds
MOST_WAITING = 1_500_000  # characters of what travels with a page; a form carries 2 MB
_COPY = re.compile(r"\s*(\(\d{1,3}\)|（\d{1,3}）|[-_ ]?(副本|copy|Copy))+(?=\.[a-z]+$)")


class NotUsable(ConsoleError):
    """An upload that cannot be taken at all."""

    message = N_("没有收到文件。请先选文件，再按上传。")
    status = 422


class StaleYes(ConsoleError):
    message = N_("这一页放得太久，或者不是给您的，什么都没有保存。请重新上传。")
    status = 409


class TooMuchWaiting(ConsoleError):
    message = N_("变动太多，不能先看再存。请改传 CSV 或 YAML 文件，或分几次改。")
    status = 422


class Alone(ConsoleError):
    message = N_("“%(name)s”请单独上传：工作簿和压缩包一次只收一个。")
    status = 422


class NotKept(ConsoleError):
    """Some files cannot be kept, and none was saved; `refused` says why, one by one."""

    message = N_("有 %(count)s 个文件不能收，这次一个也没有保存。")
    status = 422

    def __init__(self, refused: Sequence[ConsoleError]) -> None:
        super().__init__(count=len(refused))
        self.refused = tuple(refused)


@dataclass(frozen=True)
class Uploads:
    """What came: `files` by the names they have in a draft; None as a content removes one."""

    files: Mapping[str, bytes | None]
    workbook: bytes | None = None


def sort_out(given: Iterable[tuple[str, bytes]], known: Iterable[str], *, into: str = "") -> Uploads:
    """Put every upload where it belongs; `known` are the draft's files, `into` the one that was asked for by name.

    Raises NotUsable, Problems of an archive, or NotKept with every file that cannot be kept.
    """
    uploads = [(name, content) for name, content in given if name or content]
    if not uploads or len(uploads) > MOST_UPLOADS:
        raise NotUsable()
    known = set(known)
    if len(uploads) == 1 and _plain(uploads[0][0]).endswith(".zip"):
        return _of_archive(uploads[0][1], known)
    if len(uploads) == 1 and _plain(uploads[0][0]).endswith(".xlsx"):
        return Uploads({}, uploads[0][1])
    files: dict[str, bytes | None] = {}
    refused: list[ConsoleError] = []
    for name, content in uploads:
        plain = _plain(name)
        target = into if into and len(uploads) == 1 and plain.rpartition(".")[2] == into.rpartition(".")[2] else _place(plain, known)
        try:
            if plain.endswith((".xlsx", ".zip")):
                raise Alone(name=plain)
            drafts.readable(target, content)
        except ConsoleError as error:
            refused.append(error)
            continue
        files[target] = content
    if refused:
        raise NotKept(refused)
    return Uploads(files)


def _plain(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    return re.sub(r"\.yml$", ".yaml", _COPY.sub("", last)[:120])


def _place(name: str, known: set[str]) -> str:
    if name in YAML_FILES or name == "questions.csv":
        return name
    for folder in ("training", "registers"):
        if f"{folder}/{name}" in known or (folder == "training" and name.endswith(".md")):
            return f"{folder}/{name}"
    return name


def _of_archive(content: bytes, known: set[str]) -> Uploads:
    """A whole bundle, an archive of ours or a folder packed by hand: what it has replaces the draft's, what it lacks goes."""
    found = archive.documents(content)
    return Uploads({**dict.fromkeys(known - set(found)), **found})


# ── what waits for a yes ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Waiting:
    """Files that a person has not said yes to yet."""

    files: Mapping[str, bytes | None]
    note: str


def seal(waiting: Waiting, draft: RuleDraft, *, actor: Principal, secret: str) -> str:
    """The files as one signed word for the page; TooMuchWaiting when a form could not carry it."""
    files = {name: None if content is None else content.decode("utf-8") for name, content in waiting.files.items()}
    word = _signer(secret).dumps({"draft": draft.id, "who": actor.who, "files": files, "note": waiting.note})
    text = word if isinstance(word, str) else word.decode()
    if len(text) > MOST_WAITING:
        raise TooMuchWaiting()
    return text


def unseal(word: str, draft: RuleDraft, *, actor: Principal, secret: str) -> Waiting:
    """What `seal()` put on this person's page of this draft; StaleYes for anything else."""
    try:
        said = _signer(secret).loads(word, max_age=LONGEST_WAIT)
    except BadSignature:
        raise StaleYes() from None
    if said["draft"] != draft.id or said["who"] != actor.who:
        raise StaleYes()
    return Waiting({name: None if text is None else text.encode("utf-8") for name, text in said["files"].items()}, said["note"])


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="studio.waiting")

