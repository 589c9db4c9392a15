"""One field of many rows at once (批量修改): rows ticked on a list, the field, what it says now, the new value and why.

Every row goes through the very saving a single edit goes through, each under a savepoint of one transaction: what is refused leaves nothing of itself behind,
and what the answer says stands or falls with what was written. A row that says something else than the page showed is left alone and told, as a single edit
is; one that says the new value already is left alone too, so that a form sent twice does nothing the second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import inspect as mapped
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.exc import StaleDataError

from console.crud import columns, meeting, refusals
from console.crud.picking import Picking
from console.crud.screen import Screen
from console.crud.telling import sentence, telling
from console.crud.writing import Writing
from console.db import transaction
from console.errors import N_, Conflict, ConsoleError, NotAllowed, NotFound

FIELD, REASON = "change-field", "change-reason"  # no column is called so
FEWEST = 4  # characters of a reason
MOST_SHOWN = 20
LONGEST = 60  # characters of a value among others


class NotOffered(NotFound):
    message = N_("“%(name)s”不是本表可以批量修改的一项，什么都没有改。")


@dataclass(frozen=True)
class Told:
    """One row that was not changed: its name, its page, and why."""

    key: str
    name: str
    url: str
    why: str


@dataclass
class Outcome:
    """What became of the picked rows. `same` said the new value already, `missing` are not there for the reader."""

    changed: int = 0
    same: int = 0
    missing: int = 0
    refused: list[Told] = field(default_factory=list)
    meanwhile: list[Told] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not (self.refused or self.meanwhile or self.missing)

    @property
    def words(self) -> str:
        said = [ngettext("改了 %(num)s 条", "改了 %(num)s 条", self.changed)]
        for count, part in (
            (self.same, N_("%(count)s 条本来就是这样，没有动")), (len(self.refused), N_("%(count)s 条没有改成")),
            (len(self.meanwhile), N_("%(count)s 条刚被别人改过，没有动")), (self.missing, N_("%(count)s 条找不到，或者不在您的范围内")),
        ):  # fmt: skip
            if count:
                said.append(_(part, count=count))
        return _("%(parts)s。", parts=_("；").join(said))


class Changing(Picking, Writing):
    change_template = "appbuilder/general/model/change.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"change"} if screen.edit else set()

    def changeable(self) -> dict[str, Any]:
        """Of what a single edit writes, all but what only one row may have: a value of its own, the key, what says which version it is."""
        kept: dict[str, Any] = self.__dict__
        if "_changeable" not in kept:
            kept["_changeable"] = self._found_changeable()
        found: dict[str, Any] = kept["_changeable"]
        return found

    def _found_changeable(self) -> dict[str, Any]:
        model = self.screen.model
        mapper = mapped(model)
        alone = [*mapper.primary_key, mapper.version_id_col]
        table = model.metadata.tables[model.__tablename__]
        for one in (*table.constraints, *table.indexes):
            if (isinstance(one, UniqueConstraint) or (isinstance(one, Index) and one.unique)) and len(one.columns) == 1:
                alone += one.columns
        held = {column.name for column in alone if column is not None}
        found = [(name, columns.column(model, name)) for name in self.screen.edit if not columns.is_secret(model, name)]
        return {name: self.label_columns[name] for name, column in found if column is not None and not column.unique and column.name not in held}

    @expose("/change", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def change(self) -> Any:
        """Choose the field (GET), see what it says and say what it shall say (GET with FIELD), and do it (POST)."""
        if not (offered := self.changeable()):
            raise NotAllowed(act=self.screen.name)
        if (keys := self._keys()) is None:
            return redirect(url_for(".list"), 303)
        name = request.values.get(FIELD, "")
        if (name or request.method == "POST") and name not in offered:
            raise NotOffered(name=name[:60])
        with telling() as told, transaction() as session:
            page = self._many(session, keys, name)
        if told.error is not None:
            flash(sentence(told.error), "bad")  # what had been written is gone with the transaction
            back: dict[str, Any] = {"rowid": keys, FIELD: name}
            return redirect(url_for(".change", **back), 303)
        outcome: Outcome | None = page.pop("outcome", None)
        if outcome is not None and outcome.is_whole:
            flash(outcome.words, "ok")
            return redirect(url_for(".list"), 303)
        page |= {"screen": self.screen, "title": _("批量修改"), "offered": offered, "name": name, "keys": keys, "outcome": outcome}
        return self.render_template(self.change_template, **page), Conflict.status if outcome is not None and outcome.meanwhile else page["status"]

    def _many(self, session: OrmSession, keys: list[str], name: str) -> dict[str, Any]:
        posted = request.method == "POST"
        rows = self._picked(session, keys, names=(name,) if name else (), held=posted)
        page: dict[str, Any] = {"names": [self.name_of(row) for row in rows], "missing": len(keys) - len(rows), "status": 200}
        if not name or not rows:
            return page
        says = Counter(_short(self.cell(row, name)) for row in rows).most_common()
        form, reason, problems = self.form_of(session, name, rows[0] if len(says) == 1 else None), request.form.get(REASON, "").strip(), []
        if posted:
            problems = self.problems_of(session, form, name)
            if len(reason) < FEWEST:
                problems.append((REASON, _("请写明理由，至少 %(least)s 个字。", least=FEWEST)))
            if not problems:
                return page | {"outcome": self._save_many(session, rows, form, name, reason, page["missing"])}
        return page | {
            "form": form, "problems": problems, "status": 422 if problems else 200, "marks": request.form.getlist(meeting.FIELD) if posted else self._marks(rows),
            "says": says[:MOST_SHOWN], "further": len(says) - MOST_SHOWN, "is_relation": self.datamodel.is_relation(name), **self.around(session, form),
        }  # fmt: skip

    def _save_many(self, session: OrmSession, rows: Sequence[Any], form: Any, name: str, reason: str, missing: int) -> Outcome:
        outcome, seen = Outcome(missing=missing), set(request.form.getlist(meeting.FIELD))
        for row, mark in [*zip(rows, self._marks(rows), strict=True)]:
            key, called = self.key(row), self.name_of(row)
            url = url_for(".show", pk=key)
            if self.says(row, form, name):
                outcome.same += 1
            elif mark not in seen:
                last = self.latest(session, row)
                said = _("现在是“%(now)s”。", now=_short(self.cell(row, name)))
                said = _("%(who)s 于 %(when)s 改过。", who=last["who"], when=last["when"]) + said if last else said
                outcome.meanwhile.append(Told(key, called, url, said))
            else:
                try:
                    with session.begin_nested():
                        self.put(session, row, form, name, reason)
                    outcome.changed += 1
                except (ConsoleError, IntegrityError, StaleDataError, StatementError) as error:
                    outcome.refused.append(Told(key, called, url, refusals.words(self, error, form)))
        return outcome

    # ── what a room that reads its fields by itself says instead ─────────────────────────────────────────────

    def form_of(self, session: OrmSession, name: str, like: Any | None) -> Any:
        """The edit form with this field only, as it was posted; or as the one value says that all rows have."""
        form = self.edit_form(obj=like)
        for other in [one.name for one in form if one.name not in (name, "csrf_token")]:
            del form[other]
        return form

    def problems_of(self, session: OrmSession, form: Any, name: str) -> list[tuple[str, str]]:
        """What is wrong with the new value whatever the row: pairs of a field's id and a sentence."""
        return [] if form.validate() else [(one.id, str(said)) for one in form for said in one.errors]

    def says(self, row: Any, form: Any, name: str) -> bool:
        """Whether the row says the new value already."""
        return name in meeting.untouched(form, row, (name,))

    def put(self, session: OrmSession, row: Any, form: Any, name: str, reason: str) -> None:
        """Save it, as a single edit does."""
        self._save(session, row, form, only=name, reason=reason)

    def around(self, session: OrmSession, form: Any) -> dict[str, Any]:
        """What the page needs to draw the field, besides the form."""
        return {}


def _short(value: Any) -> str:
    text = " ".join((str(value.striptags()) if isinstance(value, Markup) else str(value)).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
