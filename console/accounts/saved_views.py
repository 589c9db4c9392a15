"""Views people keep of their lists: saved, renamed, opened by default, shared with one's department, dropped. A way of looking, nothing more:
what a view shows is what the one who opens it may see."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console.accounts.models import SavedView, StaffAccount
from console.departments.models import Office
from console.errors import N_, Conflict, ConsoleError, NotFound
from console.scope import Principal, Staff

MOST = 20
TITLE_MOST, QUERY_MOST = 40, 2_000


class NoTitle(ConsoleError):
    message = N_("请给视图起个名字，最多 40 个字。")
    status = 422


class TooLong(ConsoleError):
    message = N_("条件太长，不能存成视图。去掉一两个条件再存。")
    status = 422


class TooManyViews(Conflict):
    message = N_("一个名单最多存 %(most)s 个视图。先删掉一个不用的。")


class TitleTaken(Conflict):
    message = N_("您已有一个视图叫“%(title)s”。请换个名字。")


def keep(session: Session, screen: str, title: str, query: str, *, actor: Principal) -> SavedView:
    """Save a list under a name; one's own view of the same name becomes what the list is now."""
    staff, title = _staff(actor), _title(title)
    if len(query) > QUERY_MOST:
        raise TooLong()
    own = select(SavedView).where(SavedView.staff_id == staff.id, SavedView.screen == screen)
    view = session.scalars(own.where(SavedView.title == title)).one_or_none()
    if view is None:
        if (session.scalar(select(func.count()).select_from(own.subquery())) or 0) >= MOST:
            raise TooManyViews(most=MOST)
        view = SavedView(staff_id=staff.id, screen=screen, title=title)
        session.add(view)
    view.query = query
    session.flush()
    return view


def one(session: Session, screen: str, view_id: int, *, actor: Principal) -> SavedView:
    """One of the actor's own views; NotFound also for what somebody else shares."""
    mine = (SavedView.id == view_id, SavedView.screen == screen, SavedView.staff_id == _staff(actor).id)
    view = session.scalars(select(SavedView).where(*mine)).one_or_none()
    if view is None:
        raise NotFound()
    return view


def rename(session: Session, view: SavedView, title: str) -> None:
    title = _title(title)
    same = select(SavedView.id).where(
        SavedView.staff_id == view.staff_id, SavedView.screen == view.screen, SavedView.title == title, SavedView.id != view.id
    )
    if session.scalar(same) is not None:
        raise TitleTaken(title=title)
    view.title = title
    session.flush()


def open_by_default(session: Session, view: SavedView, *, on: bool = True) -> None:
    """Open the list with this view from now on, and with no other."""
    others = update(SavedView).where(SavedView.staff_id == view.staff_id, SavedView.screen == view.screen, SavedView.is_default)
    session.execute(others.values(is_default=False))
    view.is_default = on
    session.flush()


def share(session: Session, view: SavedView, *, on: bool = True) -> None:
    """Show the view to everybody who works in its owner's department, or to nobody else."""
    home = select(Office.department_id).join(StaffAccount, StaffAccount.office_id == Office.id)
    view.department_id = session.scalar(home.where(StaffAccount.staff_id == view.staff_id)) if on else None
    session.flush()


def drop(session: Session, view: SavedView) -> None:
    session.delete(view)
    session.flush()


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not 0 < len(title) <= TITLE_MOST:
        raise NoTitle()
    return title


def _staff(actor: Principal) -> Staff:
    if not isinstance(actor, Staff):
        raise NotFound()
    return actor
