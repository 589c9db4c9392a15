"""Replay on past files: asked for, watched, stopped; who would come out otherwise, by which criterion, where; and the list as a workbook."""

from __future__ import annotations

import datetime as dt
import tempfile
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import allowed, expose
from console.db import transaction
from console.departments.models import Division
from console.doors.preferences import language
from console.errors import N_, InvalidAnswers
from console.scope import current
from console.studio import drafts, queries
from console.studio.desk import EDITORS, PUBLISHERS, READERS, Desk, attachment, draft_values, problems_of, sentence_of
from console.studio.models import Replay
from console.studio.replay import queries as replay_queries
from console.studio.replay import services as replays
from console.studio.replay.queries import KIND_WORDS, PLACE_WORDS, Asked

KIND_STATUS = {"admitted": "done", "refused": "no", "returned": "back", "referred": "hold", "flagged": "back", "not_asked": "wait", "unchanged": "wait"}
FILTERS = ("kind", "criterion", "league", "place")
MOST_BARS = 8


class RuleReplays(Desk):
    """The replays of a draft."""

    name, title, icon = "rule-replays", N_("往卷重算"), "scale"
    route_base = "/rules/replays"
    permissions = {"can_read": READERS, "can_ask": EDITORS | PUBLISHERS}

    @expose("/of/<int:draft_id>")
    @allowed("read")
    def home(self, draft_id: int) -> Any:
        return self._home(draft_id)

    @expose("/of/<int:draft_id>", methods=["POST"])
    @allowed("ask")
    def ask(self, draft_id: int) -> Any:
        try:
            with transaction() as session:
                draft = queries.draft_seen(session, draft_id, current())
                try:
                    day = dt.date.fromisoformat(request.form["as_if"]) if request.form.get("as_if") else None
                except ValueError:
                    raise InvalidAnswers({"as_if": N_("日期请写成 2027-01-31 的样子。")}) from None
                replay_id = replays.ask(session, draft, as_if=day, actor=current()).id
        except InvalidAnswers as error:
            return self._home(draft_id, problems=problems_of(error)), 422
        except (replays.NotReadable, replays.NoCriteria) as error:
            return self._home(draft_id, failure=sentence_of(error)), error.status
        return redirect(url_for(".show", replay_id=replay_id), 303)

    @expose("/<int:replay_id>")
    @allowed("read")
    def show(self, replay_id: int) -> Any:
        with transaction() as session:
            replay = self._seen(session, replay_id)
            draft = replay.draft
            asked = Asked(**{name: request.args.get(name) or None for name in FILTERS})
            after = request.args.get("after", default=0, type=int)
            places = _places(session)
            totals = replay.summary or {}
            page = replay_queries.page(session, replay, asked, after=after) if replay.summary else replay_queries.Page([], None)
            facts = _facts(session, draft) if totals.get("not_asked") else {}
            return self.render(
                session, "studio/replay.html", title=_("往卷重算"), replay=replay, totals=totals, page=page, asked=asked, after=after,
                visible=sum(replay_queries.visible(session, replay).values()) if replay.summary else 0,
                changed=sum(n for kind, n in totals.get("kinds", {}).items() if kind not in ("unchanged", "not_asked")),
                admitted_already=sum(n for kind, n in totals.get("places", {}).get("roster", {}).items() if kind not in ("unchanged", "not_asked")),
                place_name=lambda code: places.get(code, code), chips=_chips(totals, asked, places), links=_links(replay, asked),
                leagues=_leagues(totals, places), fact_words=lambda name: _label(facts, name), fact_list=lambda names: _("、").join(_label(facts, name) for name in names), kind_words=lambda kind: _(KIND_WORDS[kind]),
                kind_status=KIND_STATUS.__getitem__, under_way=replay.state in replays.UNDER_WAY, stale=drafts.head(session, draft).content_hash != replay.content_hash,
                may_ask=self._may_ask(draft), **draft_values(session, draft, "replays"),
            )  # fmt: skip

    @expose("/<int:replay_id>/cancel", methods=["POST"])
    @allowed("ask")
    def cancel(self, replay_id: int) -> Any:
        with transaction() as session:
            replays.cancel(session, self._seen(session, replay_id), actor=current())
        flash(_("已停止。算过的部分还能看，但不能用来申请发布。"), "info")
        return redirect(url_for(".show", replay_id=replay_id), 303)

    @expose("/<int:replay_id>/names.xlsx")
    @allowed("read")
    def names(self, replay_id: int) -> Any:
        """The outcomes this officer may see, as they are narrowed on the page."""
        from console.studio.replay import report  # slow: openpyxl, which few requests need

        with transaction() as session:
            replay = self._seen(session, replay_id)
            asked = Asked(**{name: request.args.get(name) or None for name in FILTERS})
            out = tempfile.TemporaryFile()  # noqa: SIM115 - the answer reads it and closes it; a million names do not lie in memory
            report.export(session, replay, out, say=_, lang=language(), asked=asked)
            name = f"{replay.department.code}-replay-{replay.id}.xlsx"
        out.seek(0)
        return attachment(name, out)

    def _home(self, draft_id: int, *, problems: list[tuple[str, str]] | None = None, failure: str = "") -> Any:
        with transaction() as session:
            draft = queries.draft_seen(session, draft_id, current())
            return self.render(
                session, "studio/replays.html", title=_("往卷重算"), replays=replay_queries.of_draft(session, draft), today=clock.today(session),
                may_ask=self._may_ask(draft), typed=request.form, problems=problems or [], failure=failure, **draft_values(session, draft, "replays"),
            )  # fmt: skip

    @staticmethod
    def _seen(session: Session, replay_id: int) -> Replay:
        replay = replay_queries.replay_by_id(session, replay_id)
        queries.draft_seen(session, replay.draft_id, current())
        return replay

    @staticmethod
    def _may_ask(draft: Any) -> bool:
        return queries.may_replay(draft, current())


def _facts(session: Session, draft: Any) -> Any:
    """The draft's facts by name, for their labels."""
    bundle = drafts.text_of(session, draft).bundle
    return bundle.criteria.facts if bundle is not None and bundle.criteria is not None else {}


def _places(session: Session) -> dict[str, str]:
    return dict(session.execute(select(Division.code, Division.name_en if language() == "en" else Division.name)).all())


def _label(facts: Any, name: str) -> str:
    known = facts.get(name)
    label = getattr(known, "label", None)
    return str((label.en if language() == "en" and label.en else label.zh) if label is not None else name)


def _title(row: dict[str, Any]) -> str:
    title = row["title"]
    return str(title.get("en") if language() == "en" and title.get("en") else title["zh"])


def _chips(totals: dict[str, Any], asked: Asked, places: dict[str, str]) -> list[dict[str, Any]]:
    """What the list can be narrowed by, with what it is narrowed to."""
    kinds = [(kind, f"{_(KIND_WORDS[kind])} {n}") for kind, n in totals.get("kinds", {}).items() if kind != "unchanged"]
    criteria = [(name, _title(row)) for name, row in totals.get("criteria", {}).items()]
    leagues = [(code, places.get(code, code)) for code in totals.get("leagues", {})]
    where = [(place, _(PLACE_WORDS[place])) for place in totals.get("places", {})]
    made = []
    for name, words, options in (("kind", _("变动"), kinds), ("criterion", _("哪一条"), criteria), ("league", _("盟市"), leagues), ("place", _("现在"), where)):
        chosen = getattr(asked, name)
        made.append({"name": name, "title": words, "options": options, "said": dict(options).get(chosen, chosen) if chosen else ""})
    return made


def _links(replay: Replay, asked: Asked) -> Any:
    def link(endpoint: str = ".show", **changes: Any) -> str:
        said = {name: getattr(asked, name) for name in FILTERS if getattr(asked, name)} | changes
        return url_for(endpoint, replay_id=replay.id, **{name: value for name, value in said.items() if value})

    return link


def _leagues(totals: dict[str, Any], places: dict[str, str]) -> list[tuple[str, str, int]]:
    """(code, name, how many change), the most first."""
    rows = [(code, places.get(code, code), sum(n for kind, n in row.items() if kind not in ("unchanged", "not_asked"))) for code, row in totals.get("leagues", {}).items()]
    return sorted((row for row in rows if row[2]), key=lambda row: -row[2])[:MOST_BARS]
