"""How I want to be told: what of which channel, and when nothing rings."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from console.db import transaction
from console.errors import InvalidAnswers
from console.notifications import preferences
from console.notifications.kinds import CHANNELS, KINDS, muting
from console.portal.door import door, me, page
from console.post import channels
from console.post.wording import channel_words


def _page(problems: dict[str, str], *, status: int = 200) -> ResponseReturnValue:
    """The choices as they are, or as they were just made; of a channel that cannot be used, why."""
    typed = request.form if request.method == "POST" and "wanted" in request.form.get("form", "wanted") else None
    with transaction() as session:
        person = preferences.own(session, actor=me())
        reach = preferences.reach_of(person)
        on = set(typed.getlist("wanted")) if typed is not None else {muting(k, c) for k in KINDS for c in CHANNELS} - set(reach.muted)
        rows = [
            (kind, [(channel, muting(kind, channel), muting(kind, channel) in on, channel in reach.addresses, _alone(kind.must, channel, reach.addresses)) for channel in CHANNELS])
            for kind in KINDS
        ]
        quiet = typed.get("quiet", "own") if typed is not None else "off" if person.quiet_off else "own" if person.quiet_from is not None else "house"
        house = channels.settings().quiet_hours
        shown = page(
            "reaching",
            person=person,
            rows=rows,
            channel_words=channel_words,
            channels=CHANNELS,
            house=house,
            quiet=quiet,
            quiet_from=typed.get("quiet_from", "")[:10] if typed is not None else f"{person.quiet_from:%H:%M}" if person.quiet_from else "",
            quiet_until=typed.get("quiet_until", "")[:10] if typed is not None else f"{person.quiet_until:%H:%M}" if person.quiet_until else "",
            failed=person.email_failed_at,
            phone_failed=person.phone_failed_at,
            problems={name: _(sentence) for name, sentence in problems.items()},
            here="me",
        )
    return shown, status


def _alone(must: bool, channel: str, addresses: tuple[str, ...]) -> bool:
    """Whether a channel is the only one left for what must be told: it stays on."""
    return must and addresses == (channel,)


@door.route("/account/letters", methods=["GET", "POST"])
def reaching() -> ResponseReturnValue:
    if request.method == "GET":
        return _page({})
    form = request.form
    hours = ("", "") if form.get("quiet") == "house" else (form.get("quiet_from", "").strip(), form.get("quiet_until", "").strip())
    try:
        with transaction() as session:
            person = preferences.own(session, actor=me())
            alone = {muting(k, c) for k in KINDS for c in CHANNELS if _alone(k.must, c, preferences.reach_of(person).addresses)}
            preferences.choose(
                session, wanted={*form.getlist("wanted")[:50], *alone}, quiet_from=hours[0], quiet_until=hours[1], quiet_off=form.get("quiet") == "off", actor=me()
            )
    except InvalidAnswers as error:
        return _page(error.problems, status=422)
    flash(_("接收方式已存好，从下一封信起照办。"), "ok")
    return redirect(url_for(".reaching"), 303)
