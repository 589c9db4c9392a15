"""A file brought to a screen: taken in, looked at, confirmed or dropped. The jobs (`jobs.py`) read and write; this is what people may ask."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import audit, clock, files, outbox
from console.crud.screen import Screen
from console.errors import N_, Conflict, ConsoleError, NotAllowed, NotFound
from console.exchange import staging
from console.exchange.exports import roles_of
from console.exchange.models import UNDER_WAY, DataImport, State
from console.exchange.terms import terms
from console.exchange.upload import Refused
from console.files import clean_name
from console.scope import Principal, Staff

BROUGHT = "import.brought"
ORDERED = "import.ordered"
MOST_WAITING = 3


class TooLarge(ConsoleError):
    message = N_("文件有 %(size)s MB，超过 %(limit)s MB。请分成几个文件导入，或者另存为 CSV。")
    status = 413


class NoFile(Refused):
    message = N_("没有收到文件。请先选文件，再按上传。")


class TooManyWaiting(ConsoleError):
    message = N_("您已有 %(count)s 份导入还没有办完。先办完或者放弃一份，再上传。")
    status = 429


class NotChecked(Conflict):
    message = N_("这份文件现在不能导入：还没有核对完，或者已经办过了。请刷新页面看看。")


class AnotherFile(Conflict):
    message = N_("页面上的文件和现在要导入的不是同一份，什么都没有写入。请刷新页面，核对后再确认。")


class WrongRowsLeft(ConsoleError):
    message = N_("还有 %(count)s 行有误，什么都没有写入。请改正后重新上传，或者选择略过这些行。")
    status = 422


class MovedOn(Conflict):
    """Rows the file would change have been changed by somebody, or its new rows are there by now: nothing was written."""

    message = N_("核对以后，第 %(lines)s 行对应的内容被别人改过、删过或者新增了，什么都没有写入。请重新上传核对。")


class Lost(Conflict):
    message = N_("核对的结果已经不在了（数据库重启过），什么都没有写入。请重新上传核对。")


class NotLet(ConsoleError):
    message = N_("有 %(count)s 行不在您可以改动的范围内，什么都没有写入。")
    status = 403


def may_import(screen: Screen, actor: Principal) -> bool:
    return bool(screen.importable) and bool(roles_of(actor) & screen.write)


def bring(session: Session, screen: Screen, path: Path, name: str, *, actor: Principal, language: str) -> DataImport:
    """Take a file in and have it looked at; nothing of the screen's changes. Raises NotAllowed, NoFile, TooLarge, TooManyWaiting."""
    if not isinstance(actor, Staff) or not may_import(screen, actor):
        raise NotAllowed(act="can_import")
    size = path.stat().st_size
    if not size:
        raise NoFile()
    if size > terms().max_mb * 1_000_000:
        raise TooLarge(size=f"{size / 1_000_000:.1f}", limit=terms().max_mb)
    waiting = session.scalars(select(DataImport.id).where(DataImport.staff_id == actor.id, DataImport.state.in_(UNDER_WAY))).all()
    if len(waiting) >= MOST_WAITING:
        raise TooManyWaiting(count=len(waiting))
    place, digest, size = files.keep_as(path)
    now = clock.now(session)
    brought = DataImport(
        staff_id=actor.id, screen=screen.name, file_name=clean_name(name), size=size, content_hash=digest, place=place, language=language,
        state=str(State.WAITING), asked_at=now, expires_at=now + terms().wait,
    )  # fmt: skip
    session.add(brought)
    session.flush()
    outbox.publish(session, BROUGHT, [brought.id])
    audit.record(session, "import.brought", _subject(brought.id), screen=screen.name, file=digest, size=size)
    return brought


def mine(session: Session, *, actor: Principal, limit: int = 30) -> list[DataImport]:
    if not isinstance(actor, Staff):
        return []
    return list(session.scalars(select(DataImport).where(DataImport.staff_id == actor.id).order_by(DataImport.id.desc()).limit(limit)))


def own(session: Session, import_id: int, *, actor: Principal, lock: bool = False) -> DataImport:
    """One's own by number; NotFound for one that is not there and for somebody else's."""
    if not isinstance(actor, Staff):
        raise NotFound()
    asked = select(DataImport).where(DataImport.id == import_id, DataImport.staff_id == actor.id)
    found = session.scalar(asked.with_for_update() if lock else asked)
    if found is None:
        raise NotFound()
    return found


def confirm(session: Session, brought: DataImport, screen: Screen, *, actor: Principal, content_hash: str, leave_wrong: bool) -> None:
    """The sender's yes to what the page showed, which names the file by its hash. With wrong rows it needs a second word: leave them out.

    Raises NotAllowed, NotChecked, AnotherFile and WrongRowsLeft.
    """
    if not may_import(screen, actor):
        raise NotAllowed(act="can_import")
    if brought.state != State.CHECKED or brought.expires_at <= clock.now(session):
        raise NotChecked()
    if content_hash != brought.content_hash:
        raise AnotherFile()
    if brought.wrong and not leave_wrong:
        raise WrongRowsLeft(count=brought.wrong)
    brought.state, brought.confirmed_at, brought.leave_wrong = str(State.ORDERED), clock.now(session), bool(brought.wrong)
    session.flush()
    outbox.publish(session, ORDERED, [brought.id])
    audit.record(session, "import.confirmed", _subject(brought.id), screen=brought.screen, file=brought.content_hash, left_out=brought.wrong or 0)


def cancel(session: Session, brought: DataImport, *, actor: Principal) -> None:
    """Drop it; while it is being written, the writing is stopped and undone. Afterwards nothing is left of it but its row."""
    if brought.state not in (*UNDER_WAY, State.CHECKED):
        return
    brought.cancel_asked_at = clock.now(session)
    if brought.state in (State.WAITING, State.CHECKED, State.ORDERED):
        brought.state, brought.finished_at = str(State.CANCELLED), brought.cancel_asked_at
    session.flush()
    audit.record(session, "import.cancelled", _subject(brought.id), screen=brought.screen)


# ── what the jobs say ────────────────────────────────────────────────────────────────────────────────────────


def begin(session: Session, import_id: int, state: State) -> None:
    session.execute(update(DataImport).where(DataImport.id == import_id).values(state=str(state), progress=0, error=None))


def note(session: Session, import_id: int, progress: int) -> bool:
    """How many rows were looked at; False when the sender wants it stopped."""
    said = update(DataImport).where(DataImport.id == import_id).values(progress=progress).returning(DataImport.cancel_asked_at)
    return session.execute(said).scalar_one_or_none() is None


def checked(session: Session, import_id: int, **found: Any) -> None:
    """What the dry run found; without a row to write it is over."""
    nothing = not found["fresh"] and not found["changed"]
    now = clock.now(session)
    values = {"state": str(State.DONE if nothing and not found["wrong"] else State.CHECKED), "checked_at": now, "progress": found.pop("rows")}
    if nothing and not found["wrong"]:
        values["finished_at"] = now
    session.execute(update(DataImport).where(DataImport.id == import_id).values(**values, **found))


def finish(session: Session, import_id: int, *, grants: list[int], **facts: Any) -> None:
    """Its rows are written: one entry for the whole, beside the rows' own."""
    now = clock.now(session)
    session.execute(update(DataImport).where(DataImport.id == import_id).values(state=str(State.DONE), finished_at=now, grants=grants))
    audit.record(session, "import.made", _subject(import_id), **facts)
    staging.clear(session, import_id)


def end(session: Session, *, import_id: int, state: State, error: str | None = None) -> None:
    session.execute(
        update(DataImport)
        .where(DataImport.id == import_id, DataImport.state.in_(UNDER_WAY))
        .values(state=str(state), error=error, finished_at=clock.now(session))
    )
    staging.clear(session, import_id)


def forget(session: Session, *, limit: int = 200) -> int:
    """Erase the files and waiting rows whose time is over; what was never confirmed is dropped. Under System."""
    now = clock.now(session)
    over = session.scalars(
        select(DataImport)
        .where(DataImport.expires_at <= now, DataImport.erased_at.is_(None), DataImport.state.not_in(UNDER_WAY))
        .order_by(DataImport.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for brought in over:
        for place in _places(brought):
            files.forget(place)
        staging.clear(session, brought.id)
        if brought.state == State.CHECKED:
            brought.state, brought.finished_at = str(State.CANCELLED), now
        brought.place, brought.problems_place, brought.problems, brought.erased_at = None, None, [], now
    session.flush()
    return len(over)


def _places(brought: DataImport) -> Iterable[str]:
    return [place for place in (brought.place, brought.problems_place) if place is not None]


def _subject(import_id: int) -> str:
    return f"data_import:{import_id}"
