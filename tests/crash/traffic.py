"""People at the doors while everything falls: applicants who submit, officers who review, over HTTP. Who gets no answer looks again and tries again.

What they were told is kept (`told`): what the house has acknowledged must be there at the end, once.
"""

from __future__ import annotations

import html
import http.client
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar

from console.roles import Role
from tests.crash.population import PASSWORD, Officer

TRIES, PAUSE = 400, 0.5
LEVELS = {Role.FIRST_REVIEWER: "first_review", Role.SECOND_REVIEWER: "second_review"}


class Browser:
    """Cookies and forms; OSError when the house does not answer."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())).open

    def get(self, path: str) -> tuple[int, str, str]:
        return self._ask(urllib.request.Request(self.address + path))  # noqa: S310 - our own address

    def post(self, path: str, page: str, form: Mapping[str, str]) -> tuple[int, str, str]:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        if token is None:
            return 0, path, ""
        data = urllib.parse.urlencode({"csrf_token": html.unescape(token.group(1)), **form}).encode()
        return self._ask(urllib.request.Request(self.address + path, data=data))  # noqa: S310 - the same

    def _ask(self, request: urllib.request.Request) -> tuple[int, str, str]:
        """(status, where it led, page)."""
        try:
            with self._open(request, timeout=20) as answer:
                return answer.status, urllib.parse.urlsplit(answer.url).path, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, urllib.parse.urlsplit(error.url).path, error.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise OSError(str(error)) from None


@dataclass
class Traffic:
    """Everybody in threads of their own, until `over` and all drafts are submitted."""

    address: str
    over: threading.Event = field(default_factory=threading.Event)
    told: dict[str, list[list[int | str]]] = field(default_factory=lambda: {"submitted": [], "passed": []})
    lost_answers: int = 0
    waiting: dict[int, str] = field(default_factory=dict)  # application → what its applicant last saw
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def applicants(self, drafts: Mapping[int, str], *, threads: int = 4) -> None:
        waiting = list(drafts.items())

        def submit_all() -> None:
            while True:
                with self._lock:
                    if not waiting:
                        return
                    application, phone = waiting.pop(0)
                self._submit(application, phone)

        self._run(submit_all, threads)

    def officers(self, officers: Mapping[tuple[str, Role], Officer]) -> None:
        for (_code, role), officer in officers.items():
            if role in LEVELS:
                self._run(lambda officer=officer, role=role: self._review(officer, LEVELS[role]), 1)

    def is_done(self) -> bool:
        """Whether every draft is submitted."""
        return not any(thread.is_alive() for thread in self._threads if thread.name == "submit_all")

    def go_home(self) -> None:
        """Nobody asks for anything any more."""
        self.over.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, work: Callable[[], None], threads: int) -> None:
        name = getattr(work, "__name__", "")
        for _ in range(threads):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _patiently(self, attempt: Callable[[], bool]) -> bool:
        for _ in range(TRIES):
            try:
                if attempt():
                    return True
            except OSError:
                with self._lock:
                    self.lost_answers += 1
            if self.over.wait(PAUSE):
                return False
        return False

    def _submit(self, application: int, phone: str) -> None:
        browser = Browser(self.address)
        receipt = f"/applications/{application}/receipt"

        def sign_in() -> bool:
            status, path, page = browser.get("/sign-in")
            if status == 200 and path == "/sign-in":  # else the answer that was lost had let them in
                status, path, page = browser.post("/sign-in", page, {"phone": phone, "password": PASSWORD})
            self.waiting[application] = f"{status} {path}"
            return status == 200 and path != "/sign-in"

        def submit() -> bool:
            status, path, page = browser.get(receipt)  # before it is submitted this leads to the page that looks it over
            if status == 200 and path != receipt:
                status, path, page = browser.post(f"/applications/{application}/submit", page, {})
            self.waiting[application] = f"{status} {path} {' '.join(re.findall(r'<li>(.*?)</li>', page)[:3])}"
            return status == 200 and path == receipt

        if self._patiently(sign_in) and self._patiently(submit):
            with self._lock:
                self.told["submitted"].append([application])
                del self.waiting[application]

    def _review(self, officer: Officer, level: str) -> None:
        browser = Browser(f"{self.address}/console")

        def sign_in() -> bool:
            status, path, page = browser.get("/login/")
            if "login" in path:
                status, path, _ = browser.post("/login/", page, {"username": officer.username, "password": PASSWORD})
            return status == 200 and "login" not in path

        if not self._patiently(sign_in):
            return
        while not self.over.wait(PAUSE):
            try:
                _, _, page = browser.get(f"/files/?view=office&step={level}")
                for number in sorted(set(re.findall(r"/console/files/(\d+)", page))):
                    if not self.over.is_set() and self._pass(browser, int(number), level):
                        with self._lock:
                            self.told["passed"].append([int(number), level])
            except OSError:
                with self._lock:
                    self.lost_answers += 1

    @staticmethod
    def _pass(browser: Browser, number: int, level: str) -> bool:
        status, _, page = browser.get(f"/files/{number}")
        version = re.search(r'name="version" value="(\d+)"', page)
        if status != 200 or version is None:
            return False
        form = {"version": version.group(1), "decision": "pass"}
        form |= dict.fromkeys(re.findall(r'name="(check-[^"]+)"', page), "ok")
        form |= dict.fromkeys(re.findall(r'name="(ruling-[^"]+)"', page), "yes")
        form |= dict.fromkeys(re.findall(r'name="(evidence-[^"]+)"', page), "公开平台查询，没有记录")
        form |= {name: most for name, most in re.findall(r'name="(score-[^"]+)"[^>]*max="(\d+)"', page)}
        status, path, _ = browser.post(f"/files/{number}", page, form)
        return status == 200 and path == "/console/files/"
