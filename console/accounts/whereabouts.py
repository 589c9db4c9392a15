"""Where a row lies: through which offices, and as what class of rows, anybody comes to see it.

Says of one row what `scope`'s mixins say of whole tables. Read through the asker's own scope.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from console.accounts.explaining import Place, Whereabouts
from console.accounts.models import AccessToken, SignInLink, StaffAccount, StaffGrant
from console.applications.models import Admission
from console.db import Base
from console.departments.models import Division, Office
from console.roles import Subject
from console.scope import AdmissionPart, Guarded, Scoped, ThroughAdmission

#: the classes of rows that say something about staff: a person always sees what is about themselves
ABOUT_STAFF = frozenset(subject for subject in Subject if subject in ("people", "recusals"))


def of(session: Session, row: Any) -> Whereabouts:
    """The whereabouts of one row."""
    if isinstance(row, StaffGrant):
        return Whereabouts(_reached(session, row), own=row.staff_id)
    if isinstance(row, Scoped):
        home = _place(session, row.subject, row.office_id)
        own = getattr(row, "staff_id", None) if row.subject in ABOUT_STAFF else None
        shared = getattr(type(row), "shared_with", "")  # a register of a department, or of all
        return Whereabouts((replace(home, shared=shared), *_also(session, row)), home, own=own)
    if isinstance(row, ThroughAdmission):
        ours, theirs = row.admission_link
        return Whereabouts(_through(session, theirs, getattr(row, ours)))
    if isinstance(row, SignInLink | AccessToken):
        account = session.get(StaffAccount, row.staff_id)
        own = row.staff_id if isinstance(row, AccessToken) else None
        return Whereabouts((_place(session, Subject.PEOPLE, account.office_id),) if account else (), own=own)
    if isinstance(row, Guarded) and hasattr(row, "staff_id"):
        return Whereabouts((), own=row.staff_id)  # what is one person's: a token, a view, a file that was asked for
    if getattr(type(row), "applicants_alone", False):
        return Whereabouts(())  # no officer's, whatever their grants
    if isinstance(row, Guarded) and not getattr(type(row), "open_to_staff", False):
        raise TypeError(f"nothing here says where a {type(row).__name__} lies: who sees it?")
    return Whereabouts(open=True)  # reference data, and what every officer may read


def is_guarded(model: type[Any]) -> bool:
    """Whether some officers see a row of this class and others do not."""
    return issubclass(model, Guarded) and not getattr(model, "open_to_staff", False)


def _place(session: Session, subject: Subject, office_id: int) -> Place:
    office = session.get_one(Office, office_id)
    return Place(subject, office.department_id, office.division_code)


def _also(session: Session, row: Scoped) -> tuple[Place, ...]:
    """Other ways to it: through what the model names as `shared_through` (table, its key to us), or through its admission."""
    shared: tuple[str, str] | None = getattr(type(row), "shared_through", None)
    if shared is None:
        follows = isinstance(row, AdmissionPart) and not hasattr(type(row), "shared_through")
        return _through(session, "id", row.admission_id) if follows else ()  # type: ignore[attr-defined]
    name, key = shared
    other: Any = next(mapper.class_ for mapper in Base.registry.mappers if getattr(mapper.class_, "__tablename__", "") == name)
    return _places(session, row.subject, select(other.office_id).where(getattr(other, key) == row.id))  # type: ignore[attr-defined]


def _through(session: Session, theirs: str, value: Any) -> tuple[Place, ...]:
    return _places(session, Subject.FILES, select(Admission.office_id).where(getattr(Admission, theirs) == value))


def _places(session: Session, subject: Subject, offices: Any) -> tuple[Place, ...]:
    rows = session.execute(select(Office.department_id, Office.division_code).where(Office.id.in_(offices)).order_by(Office.id))
    return tuple(Place(subject, department_id, code) for department_id, code in rows)


def _reached(session: Session, grant: StaffGrant) -> tuple[Place, ...]:
    rows = session.execute(
        select(Office.department_id, Office.division_code)
        .join(Division, Division.code == grant.division_code)
        .where(
            true() if grant.department_id is None else Office.department_id == grant.department_id,
            func.starts_with(Office.division_code, func.left(Division.code, Division.level * 2)),
        )
        .order_by(Office.id)
    )
    return tuple(Place(Subject.PEOPLE, department_id, code) for department_id, code in rows)
