"""The public board, objections, and the check of a certificate: for anyone, signed in or not."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from flask import session as visit
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from console import clock
from console.db import transaction
from console.doors.deadlines import drawn
from console.errors import N_, InvalidAnswers, NotFound
from console.portal.door import address, attempts, door, lang, me, page
from console.portal.public import notice_deadline
from console.publicity import queries, services
from console.publicity.errors import AlreadyRuled
from console.publicity.models import NoticeItem
from console.qr_codes import qr_svg
from console.roster import queries as roster
from console.scope import Public, become
from rules.deadline_words import deadline_words


@door.get("/notices")
def notices() -> ResponseReturnValue:
    with transaction() as session:
        board = queries.notices_on_board(session, clock.today(session))
        in_force = [(line, notice_deadline(session, line)) for line in board.in_force]
        return page("notices", in_force=in_force, recent=board.recent, here="board")


@door.get("/notices/<number>")
def notice(number: str) -> ResponseReturnValue:
    with transaction() as session:
        shown = queries.notice_page(session, number)
        announced = deadline_words(
            shown.announced_last_day, shown.notice.days, lang=lang(), provisional=shown.notice.is_provisional, year=True
        )  # as it was published; what was added since stands beside it
        return page(
            "notice", shown=shown, notice=shown.notice, deadline=drawn(shown.term, today=shown.today), announced=announced,
            simulated=clock.is_simulated(session), here="board",
        )  # fmt: skip


@door.get("/notices/<number>/original")
def notice_original(number: str) -> ResponseReturnValue:
    """The very bytes the fingerprints are of."""
    with transaction() as session:
        shown = queries.notice_page(session, number)
        answer = Response(shown.notice.content.encode(), mimetype="application/json")
        answer.headers.set("Content-Disposition", "attachment", filename=f"{shown.notice.number}.json")
        return answer


@door.get("/notices/<number>/corrections/<which>")
def correction_original(number: str, which: str) -> ResponseReturnValue:
    """A correction's own bytes, which its fingerprint is of."""
    with transaction() as session:
        made = next((one for one in queries.notice_page(session, number).corrections if one.number == which), None)
        if made is None:
            raise NotFound()
        answer = Response(made.content.encode(), mimetype="application/json")
        answer.headers.set("Content-Disposition", "attachment", filename=f"{made.number}.json")
        return answer


# ── objections ───────────────────────────────────────────────────────────────────────────────────────────────


@door.route("/notices/<number>/objection", methods=["GET", "POST"])
def object_to(number: str) -> ResponseReturnValue:
    """Asked for and written as the public: who objects is tied to no account."""
    problems: dict[str, str] = {}
    with become(Public(address())):
        if request.method == "POST":
            attempts().check("objection", account=address(), address=address())
            try:
                code = _object(number)
            except InvalidAnswers as error:
                problems = {path: _(text) for path, text in error.problems.items()}
            else:
                attempts().failed("objection", account=address(), address=address())  # counted: a flood holds people for nothing
                visit["objection"] = {"number": number, "code": code}
                return redirect(url_for(".objection_made"), 303)
        with transaction() as session:
            shown = queries.notice_page(session, number)
    wanted = request.values.get("person", type=int)
    html = page("objection", shown=shown, notice=shown.notice, wanted=wanted, problems=problems, typed=request.form, here="board")
    return html, 422 if problems else 200


@door.get("/objections/made")
def objection_made() -> ResponseReturnValue:
    """The receipt: its code is in this browser's session and nowhere else in the clear."""
    made = visit.get("objection")
    if not made:
        return redirect(url_for(".notices"))
    return page("objection_made", number=made["number"], code=made["code"], here="board")


def _object(number: str) -> str:
    with transaction() as session:
        shown = queries.notice_page(session, number)
        chosen = next((p.item for p in shown.people if p.item.id == request.form.get("person", type=int)), None)
        given = {name: request.form.get(name, "") for name in ("objector", "contact", "ground")}
        if chosen is None:
            raise InvalidAnswers({"person": N_("请选是对谁提出异议。"), **services.wrong_words(given)})
        item = session.scalars(select(NoticeItem).where(NoticeItem.id == chosen.id)).one()
        return services.object_to(session, item, actor=Public(address()), **given).code


@door.get("/objections")
def objection_state() -> ResponseReturnValue:
    """What became of an objection, for whoever kept its code."""
    code = request.args.get("code", "").strip()
    state, unknown = None, False
    if code:
        attempts().check("objection_code", account=address(), address=address())
        with become(Public(address())), transaction() as session:
            try:
                state = queries.objection_by_code(session, code)
            except NotFound:
                attempts().failed("objection_code", account=address(), address=address())
                unknown = True
    return page("objection_state", code=code, state=state, unknown=unknown, problem="", here="board"), 404 if unknown else 200


@door.post("/objections/withdraw")
def take_back_objection() -> ResponseReturnValue:
    """Whoever kept the code takes the objection back, having said that they are sure; as the public, whoever is signed in."""
    code = request.form.get("code", "").strip()[:40]
    attempts().check("objection_code", account=address(), address=address())
    with become(Public(address())):
        try:
            with transaction() as session:
                state = queries.objection_by_code(session, code)
                if request.form.get("sure") != "yes":
                    problem = _("请勾选确定撤回。")
                    return page("objection_state", code=code, state=state, unknown=False, problem=problem, here="board"), 422
                services.take_back(session, code)
        except NotFound:
            attempts().failed("objection_code", account=address(), address=address())
            return page("objection_state", code=code, state=None, unknown=True, problem="", here="board"), 404
        except AlreadyRuled:
            pass  # somebody was quicker: the page says what they said
    return redirect(url_for(".objection_state", code=code), 303)


# ── certificates ─────────────────────────────────────────────────────────────────────────────────────────────


@door.get("/verify")
def verify() -> ResponseReturnValue:
    code = request.args.get("code", "").strip()
    if code:
        return redirect(url_for(".verify_code", code=code))
    return page("verify", standing=None, code="", unknown=False, here="check")


@door.get("/verify/<code>")
def verify_code(code: str) -> ResponseReturnValue:
    """Today's standing, asked as the public whoever is signed in. Guessing codes is counted."""
    attempts().check("verify", account=address(), address=address())
    try:
        with become(Public(address())), transaction() as session:
            found = roster.standing(session, code)
    except NotFound:
        attempts().failed("verify", account=address(), address=address())
        return page("verify", standing=None, code=code, unknown=True, here="check"), 404
    return page("verify", standing=found, code=code, unknown=False, here="check")


@door.get("/certificate")
def certificate() -> ResponseReturnValue:
    """My certificate, with the QR code anyone may check it by."""
    with transaction() as session:
        entry = roster.own_entry(session)
        if entry is None:
            return page("no_certificate", name=me().name, here="file")
        found = roster.certificate(session, entry)
        link = url_for(".verify_code", code=entry.code, _external=True)
        return page("certificate", certificate=found, entry=entry, link=link, qr=Markup(qr_svg(link)), today=clock.today(session), here="file")
