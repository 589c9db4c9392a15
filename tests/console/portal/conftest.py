"""A citizen with a browser that has no scripts: pages are read, forms are posted as they stand on the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pypdf import PdfWriter

from console import clock, db, files
from console.applications import queries, registration, services
from console.applications.models import Applicant as ApplicantRow
from console.scope import Applicant, System, become
from rules import forms
from tests import browsing
from tests.factories import id_number

PASSWORD = "草原上的 工程师 2026"


class Page(HTMLParser):
    """What a test asks of a page: its text, links, and the forms with the values they would post."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.forms: list[dict[str, Any]] = []
        self.links: dict[str, str] = {}
        self.ids: set[str] = set()
        self.texts: list[str] = []
        self._quiet = 0
        self._form: dict[str, Any] | None = None
        self._select: str | None = None
        self._area: str | None = None
        self._link: tuple[str, list[str]] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if "id" in a:
            self.ids.add(a["id"])
        if tag in ("script", "style", "svg"):
            self._quiet += 1
        elif tag == "form":
            self._form = {"action": a.get("action", ""), "id": a.get("id", ""), "method": a.get("method", "get"), "data": []}
            self.forms.append(self._form)
        elif tag == "a" and "href" in a:
            self._link = (a["href"], [])
        elif self._form is not None and "disabled" not in a:
            self._control(tag, a)

    def _control(self, tag: str, a: dict[str, str]) -> None:
        assert self._form is not None
        data, name = self._form["data"], a.get("name", "")
        if tag == "input" and name and a.get("type") not in ("file", "submit"):
            if a.get("type") not in ("checkbox", "radio") or "checked" in a:
                data.append((name, a.get("value", "on")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in a:
            data.append((self._select, a.get("value", "")))
        elif tag == "textarea":
            self._area = name
            data.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "svg"):
            self._quiet -= 1
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None
        elif tag == "a" and self._link:
            self.links["".join(self._link[1]).strip()] = self._link[0]
            self._link = None

    def handle_data(self, text: str) -> None:
        if self._area and self._form:
            name, value = self._form["data"][-1]
            self._form["data"][-1] = (name, value + text.removeprefix("\n"))
        if not self._quiet:
            self.texts.append(text)
        if self._link:
            self._link[1].append(text)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))

    def form(self, action: str) -> dict[str, Any]:
        return next(f for f in self.forms if action in f["action"] or action == f["id"])

    @property
    def problems(self) -> list[str]:
        """The sentences of the summary at the top."""
        found = re.search(r'class="error-summary".*?</div>', self.html, re.S)
        return [re.sub(r"<[^>]+>", "", item).strip() for item in re.findall(r"<li>(.*?)</li>", found.group(), re.S)] if found else []


@dataclass
class Citizen:
    """Somebody at the portal; `get` and `submit` answer (status, page) and follow redirects like a browser."""

    client: Any
    person: Applicant | None = None
    phone: str = ""
    page: Page = field(default_factory=lambda: Page(""))
    status: int = 0
    path: str = ""

    def get(self, path: str, *, status: int = 200) -> Page:
        return self._seen(self.client.get(path, follow_redirects=True), status)

    def submit(
        self, action: str, values: dict[str, Any] | None = None, *, do: str | None = None, status: int = 200,
        files: dict[str, tuple[bytes, str]] | None = None,
    ) -> Page:  # fmt: skip
        """Post a form of the page at hand, with these controls changed and this button pressed."""
        form = self.page.form(action)
        data: dict[str, list[Any]] = {}
        for name, value in form["data"]:
            data.setdefault(name, []).append(value)
        for name, value in (values or {}).items():
            data[name] = value if isinstance(value, list) else [value]
        if do is not None:
            data["do"] = [do]
        for name, (content, filename) in (files or {}).items():
            data[name] = [(io.BytesIO(content), filename)]
        answer = self.client.post(
            form["action"] or self.path, data=data, follow_redirects=True, content_type="multipart/form-data"
        )
        return self._seen(answer, status)

    def _seen(self, answer: Any, status: int) -> Page:
        self.status, self.path = answer.status_code, answer.request.full_path.rstrip("?")
        self.page = Page(answer.get_data(as_text=True))
        assert self.status == status, (self.path, self.status, self.page.text[:600])
        return self.page

    def post(self, path: str, values: dict[str, Any], *, headers: dict[str, str] | None = None) -> Any:
        """A request as portal.js makes it."""
        token = dict(self.page.forms[0]["data"])["csrf_token"] if self.page.forms else ""
        return self.client.post(path, data=values, headers={"X-CSRFToken": token, "X-Requested-With": "fetch", **(headers or {})})


def one_page_pdf() -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


@pytest.fixture
def code_sent(committed_db: Any) -> Callable[[], str]:
    """The code in the newest short message."""

    def read() -> str:
        folder = Path(committed_db.settings.sms_url.removeprefix("folder:"))
        newest = max(folder.glob("*.txt"), key=lambda path: path.stat().st_mtime_ns)
        found = re.search(r"\d{6}", newest.read_text())
        assert found
        return found.group()

    return read


@pytest.fixture
def visitor(portal: Any, committed_db: Any) -> Citizen:
    files.configure(committed_db.settings.files_url)
    return Citizen(portal)


def register(name: str = "高娃", phone: str = "13900001234") -> Applicant:
    """An account made by the real service with a code that was really made."""
    sent: list[str] = []
    with become(System("register")), db.transaction() as session:
        registration.request_code(session, phone=phone, purpose="register", send=lambda _phone, code: sent.append(code))
        row: ApplicantRow = registration.register(
            session, name=name, phone=phone, email=None, password=PASSWORD, code=sent[0], consent_version="2026-11"
        )
        return Applicant(row.id, row.name)


@pytest.fixture
def citizen(visitor: Citizen) -> Citizen:
    """A registered citizen, signed in."""
    visitor.person, visitor.phone = register(), "13900001234"
    visitor.get("/sign-in")
    visitor.submit("", {"phone": visitor.phone, "password": PASSWORD})
    return visitor


GOOD: dict[str, Any] = {
    "name": "高娃",
    "id_number": id_number(7),
    "phone": "13900001234",
    "email": "gaowa@example.cn",
    "citizen_capacity": "true",
    "healthy": "true",
    "electronic_evaluation": "true",
}
#: what differs from “the first option, yes, and some text” for somebody who meets the transport department's conditions
SPECIAL: dict[str, Any] = GOOD | {
    "employment_status": "employed", "title_level": "associate_senior", "qualification_level": "none", "work_field": "transport",
    "months": {"start": "2008-03", "end": "now"}, "employer_uscc": "91150100MA0N0BXY6M", "work_division": "150105",
}  # fmt: skip
NO = ("civil_servant", "works_for_supervisor", "works_for_centre")
YES = ("citizen_capacity", "healthy", "electronic_evaluation", "unit_agrees", "employer_agrees")


def answer_for(field: Any) -> Any:
    """A plausible answer to any field of any department; a question about bad conduct is answered with no."""
    if field.id in SPECIAL:
        return SPECIAL[field.id]
    if field.kind == "boolean":
        good = field.must_be is True or field.id in YES or "agree" in field.id or "consent" in field.id
        return "true" if good and field.id not in NO else "false"
    return {
        "integer": "3", "decimal": "12.50", "date": "2024-06-30", "choice": None, "uscc": "91150100MA0N0BXY6M", "division": "150105",
        "period": {"start": "2008-03", "end": "now"}, "phone": "13900001234", "email": "gaowa@example.cn",
    }.get(field.kind) or (field.options[0].value if field.kind == "choice" else [field.options[0].value] if field.kind == "choices" else "草原公路工程监理有限公司")  # fmt: skip


def fill_in(application_id: int, person: Applicant, *, entries: int = 2) -> None:
    """Answer everything that is asked, by the services, evidence included."""
    with become(person), db.transaction() as session:
        application = queries.own_application(session, application_id)
        form = services.form_of(session, application)
        for question in form.questions():
            shown = forms.visible(form, services.open_answers(application), today=clock.today(session))
            if question.key not in shown:
                continue
            if question.parts:
                rows = [{p.id: answer_for(p.field) for p in question.parts if p.field.kind != "file"} for _ in range(entries)]
                services.save_field(session, application, question.key, rows, actor=person)
                for row in range(entries):
                    for part in (p for p in question.parts if p.field.kind == "file"):
                        services.attach(session, application, f"{question.key}.{row}.{part.id}", "证明.pdf", one_page_pdf(), actor=person)
            elif question.field.kind == "file":
                services.attach(session, application, question.key, "证明.pdf", one_page_pdf(), actor=person)
            else:
                services.save_field(session, application, question.key, answer_for(question.field), actor=person)


@pytest.fixture
def draft(citizen: Citizen) -> Iterator[int]:
    """A draft with a specialty of the transport department and a place of work."""
    assert citizen.person is not None
    with become(citizen.person), db.transaction() as session:
        application = services.begin_application(session, actor=citizen.person)
        services.choose(
            session, application, specialties=[("316-2018", "A050302")], division_code="150105", actor=citizen.person
        )
        number = application.id
    yield number


# ── a browser ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def page(browser: Any, live_server: str) -> Any:
    """A page that keeps what it asked of whom, and what the browser complained about."""
    page = browser.new_page()
    page.strangers, page.complaints = [], []
    host = urlsplit(live_server).netloc
    page.on("request", lambda r: page.strangers.append(r.url) if urlsplit(r.url).netloc not in (host, "") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" and "status of 4" not in m.text else None)
    return page


def sound(page: Any, *, widths: tuple[int, ...] = (390,), lights: tuple[str, ...] = ("light",)) -> None:
    """Nothing serious by axe, nothing wider than the screen, no stranger, no complaint."""
    for light in lights:
        page.emulate_media(color_scheme=light)
        assert browsing.serious(page) == [], (page.url, light)
    twice = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) !== at)")
    assert twice == [], page.url
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, (page.url, width)
    page.set_viewport_size({"width": 390, "height": 844})
    assert (page.strangers, page.complaints) == ([], []), page.url
