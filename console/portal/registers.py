"""What everybody may read of the departments' registers: their list, one row, and what became of something sent in."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from console.db import transaction
from console.errors import NotFound
from console.portal.door import address, attempts, door, page
from console.registers import draws, published
from console.registers.loading import Loaded
from console.registers.published import Asked
from console.scope import Public, become


@door.get("/registers")
def registers() -> ResponseReturnValue:
    """All that is public, and all that may be sent in."""
    return page("public_registers", published=published.published(), asking=published.asking(), here="open")


@door.get("/registers/<department>/<register>")
def register(department: str, register: str) -> ResponseReturnValue:
    one = published.found(department, register)
    public = published.public_of(one)
    chosen = {name: value[:40] for name in public.filters if (value := request.args.get(name, "").strip())}
    asked = Asked(request.args.get("q", "").strip()[:60], chosen, min(request.args.get("after", 0, type=int), 2**31 - 1))
    with become(Public(address())), transaction() as session:
        found = published.listed(session, one, asked)
        lines = [(row.id, published.cells(session, one, row, public.columns)) for row in found.rows]
        further = _address(one, asked, after=found.next) if found.next else ""
        first = _address(one, asked) if asked.after else ""
        return page("public_register", one=one, public=public, asked=asked, found=found, lines=lines, further=further, first=first,
                    choices=published.choices(session, one), here="open")  # fmt: skip


def _address(one: Loaded, asked: Asked, **more: Any) -> str:
    given = {"q": asked.words or None, **asked.chosen, **more}
    return url_for(".register", department=one.declared.department, register=one.declared.id, **given)


@door.get("/registers/<department>/<register>/<int:number>")
def register_row(department: str, register: str, number: int) -> ResponseReturnValue:
    one = published.found(department, register)
    public = published.public_of(one)
    if number > 2**31 - 1:
        raise NotFound()
    with become(Public(address())), transaction() as session:
        row = published.row(session, one, number)
        names = list(dict.fromkeys((*public.columns, *public.details)))
        cells = published.cells(session, one, row, names)
        return page("public_row", one=one, public=public, row=row, cells=cells, related=published.related(session, one, row), here="open")


# ── what became of it ────────────────────────────────────────────────────────────────────────────────────────


@door.get("/registers/<department>/<register>/progress")
def intake_progress(department: str, register: str) -> ResponseReturnValue:
    """Asked with the code of the receipt. Guessing is counted."""
    one = published.found(department, register)
    intake = published.intake_of(one)
    code = request.args.get("code", "").strip()[:40]
    standing, unknown = None, False
    if code:
        attempts().check("intake_code", account=address(), address=address())
        with become(Public(address())), transaction() as session:
            try:
                standing = published.standing(session, one, code)
            except NotFound:
                attempts().failed("intake_code", account=address(), address=address())
                unknown = True
    return page("intake_progress", one=one, intake=intake, code=code, standing=standing, unknown=unknown, here="open"), 404 if unknown else 200


# ── draws ────────────────────────────────────────────────────────────────────────────────────────────────────


@door.get("/registers/<department>/<register>/draws")
def register_draws(department: str, register: str) -> ResponseReturnValue:
    """Every draw of a share of a public register: what was committed to, and how anybody draws again."""
    one = published.drawn_in_public(department, register)
    with become(Public(address())), transaction() as session:
        found = [(draw, draws.proof(draw), draws.holds(draw)) for draw in draws.draws_of(session, one)]
        names = published.named(session, one, [number for draw, _proof, _holds in found for number in draw.drawn or ()])
        return page("public_draws", one=one, draws=found, names=names, here="open")


@door.get("/registers/<department>/<register>/draws/<period>.json")
def register_draw(department: str, register: str, period: str) -> ResponseReturnValue:
    """The proof as a file."""
    one = published.drawn_in_public(department, register)
    with become(Public(address())), transaction() as session:
        text = json.dumps(draws.proof(draws.draw_of(session, one, period)), ensure_ascii=False, indent=1)
    answer = Response(text + "\n", mimetype="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{one.declared.name}-{period[:10]}.json")
    return answer
