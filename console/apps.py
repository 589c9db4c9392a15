"""The two apps, assembled: `create_portal(settings)` and `create_console(settings)`. They share one engine and one session
registry, and nothing else: cookies, secrets and principals are their own.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
from typing import Any

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import AppBuilder
from flask_babel import Babel
from flask_babel import gettext as _
from werkzeug.exceptions import SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Mode, Settings
from console import assembly, maintenance, process
from console.accounts import access_tokens_door, gate, level_views, oidc, permissions, sessions
from console.accounts.attempts import Attempts
from console.accounts.provider_views import oidc_name
from console.accounts.security import GrantSecurity, Officer, principal
from console.crud import api, api_writing  # noqa: F401  # its routes
from console.crud.navigation import Entry, Navigation, navigation
from console.crud.screen import MY_WORK
from console.crud.views import make_view, view_name
from console.db import Session
from console.doors import closed, error_pages, headers, health, look, preferences, problems, request_log, traffic
from console.doors.preferences import language
from console.forms import build as forms
from console.registers import loading as registers
from console.roles import ROLES
from console.scope import Applicant, Public, become

MAX_BODY = 40 * 1024 * 1024  # an application's uploads; rooms check each file by itself
#: routes of the console that need nobody: everything else needs a signed-in officer
PUBLIC_CONSOLE = frozenset(
    {
        "static", "preferences.lang", "preferences.theme", "health.healthz", "health.readyz", "metrics.scrape",
        "SignIn.login", "SecondStep.home", "Joining.home", "AtProvider.start", "AtProvider.back",
    }
)  # fmt: skip


def _base(settings: Settings, *, door: str, secret: str) -> Flask:
    """An app with everything both doors share."""
    app = Flask("console", static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=secret,
        TESTING=settings.mode is Mode.TEST,
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=3_000,
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=list(settings.hosts) or None,
        WTF_CSRF_TIME_LIMIT=int(dt.timedelta(hours=12).total_seconds()),
        WTF_CSRF_SSL_STRICT=settings.https,
        BABEL_DEFAULT_LOCALE="zh_Hans_CN",
        BABEL_TRANSLATION_DIRECTORIES="translations",
        REDIS_URL=settings.redis_url,
        RUKU=settings,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    watch = maintenance.Watch(settings.redis_url, process.REVISION)
    app.wsgi_app = closed.Closing(app, app.wsgi_app, watch)  # type: ignore[method-assign]
    app.session_interface = sessions.WebSessions(door, secure=settings.https)
    app.extensions["attempts"] = Attempts(settings.redis_url)
    traffic.configure(settings.redis_url, by_itself=settings.mode is not Mode.TEST)
    access_tokens_door.FormTokens(app)
    request_log.install(app, door=door, trusted_proxies=settings.trusted_proxies, slow_ms=settings.slow_request_ms)
    headers.install(app, inline_style_attributes=door == "console", https=settings.https)
    look.install(app, door=door)
    error_pages.install(app)
    app.before_request(_known_host)
    app.register_blueprint(preferences.preferences)
    app.register_blueprint(health.health)
    return app


def _known_host() -> ResponseReturnValue | None:
    """A host we do not answer for gets one plain line: no page of ours can make an address for it."""
    if isinstance(request.routing_exception, SecurityError):
        return "unknown host\n", 400, {"Content-Type": "text/plain"}
    return None


def _enter(who: Any) -> None:
    g.principal = become(who)
    g.principal.__enter__()


def _leave(error: BaseException | None) -> None:
    Session.remove()
    entered = g.pop("principal", None)
    if entered is not None:
        entered.__exit__(None, None, None)


# ── the portal ───────────────────────────────────────────────────────────────────────────────────────────────


def create_portal(settings: Settings) -> Flask:
    """The citizen's door. `process.begin("web")` comes first."""
    from console import portal  # a door of its own, written beside this one; it reads this module's helpers

    app = _base(settings, door="portal", secret=settings.portal_secret_key)
    Babel(app, locale_selector=preferences.locale)

    @app.before_request
    def who() -> None:
        found = sessions.found()
        address = request.remote_addr
        _enter(Applicant(found.person_id, found.name, address) if found else Public(address))

    app.teardown_request(_leave)
    portal.register(app)
    look.keep_words(app)
    return app


# ── the console ──────────────────────────────────────────────────────────────────────────────────────────────


class Builder(AppBuilder):
    """FAB without its static files, which our look replaces."""

    def _add_global_static(self) -> None:
        from flask import Blueprint
        from flask_appbuilder import base

        app = _app(self)
        app.register_blueprint(Blueprint("appbuilder", base.__name__, template_folder="templates"))

    def _add_admin_views(self) -> None:
        self._indexview: Any = None
        self.sm.register_views()


def _app(builder: Any) -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def sources() -> tuple[list[Any], list[Any]]:
    """Every declared screen and every page of the rooms, in the rooms' order."""
    screens = assembly.screens()
    pages = [page for module in assembly.modules("views") for page in getattr(module, "PAGES", ())]
    return screens, pages


def role_table() -> dict[str, dict[str, Any]]:
    """What `permissions.sync()` writes in the migrate command; needs no app."""
    from console.ops.access import DESK

    screens, pages = sources()
    return permissions.declared([*screens, *pages, DESK])


def create_console(settings: Settings) -> Flask:
    """The officers' door, with the ops desk under /ops. `process.begin("web")` comes first."""
    from console import ops  # slow: Flask-Admin

    app = _base(settings, door="console", secret=settings.secret_key)
    app.config.update(
        APP_NAME="Ruku",
        METRICS_TOKEN=settings.metrics_token,
        FAB_BASE_TEMPLATE="console/base.html",
        FAB_CREATE_DB=False,
        FAB_UPDATE_PERMS=False,
        FAB_ADD_SECURITY_VIEWS=False,
        FAB_ADD_SECURITY_API=False,
        FAB_ADD_MENU_API=False,
        FAB_ADD_OPENAPI_VIEWS=False,
        FAB_ALLOW_GET_UNSAFE_MUTATIONS=False,
        FAB_SECURITY_SIGNALS_ENABLED=False,
        LANGUAGES={"zh_Hans_CN": {"name": "中文"}, "en": {"name": "English"}},
    )
    forms.install(app)
    app.extensions["registers"] = registers.applied()
    app.extensions["navigation"] = Navigation()
    app.extensions["boards"] = [module.boards for module in assembly.modules("boards")]
    app.extensions["provider"] = oidc.from_settings(settings)
    problems.install(app)
    app.before_request(_officer)
    app.after_request(_used)
    app.teardown_request(_leave)
    app.jinja_env.globals.update(
        navigation_html=lambda: navigation().html(_granted()),
        staff=lambda: g.get("staff"),
        scope_line=scope_line,
        role_line=role_line,
        find_url=_find_url,
        sign_out_url=lambda: url_for("SignIn.logout"),
        account_url=lambda: url_for("Account.home"),
        oidc_name=oidc_name,
        staff_url=lambda: url_for(f"{view_name('staff')}.list"),
        may_make=lambda: ("can_manage", "people") in _granted(),
        access_url=_access_url,
        recusal_url=_recusal_url,
    )
    with app.app_context():
        builder = Builder(security_manager_class=GrantSecurity, base_template="console/base.html")
        builder.init_app(app, Session)  # type: ignore[arg-type]  # the registry stands for the session
        app.extensions["babel"].locale_selector = preferences.locale  # FAB's own keeps a locale in the session
        _add_rooms(app, builder)
        ops.register(app)
    look.keep_words(app)
    app.register_blueprint(api.api)
    app.add_url_rule("/", "home", _home)
    return app


def _add_rooms(app: Flask, builder: Builder) -> None:
    screens, pages = sources()
    menu = app.extensions["navigation"]
    for page in pages:
        view = builder.add_view_no_menu(page)
        if page.menu:
            permission = (next(iter(page.permissions)), page.name)
            menu.add(Entry(page.menu, page.title, page.icon, f"{view.endpoint}.{page.default_view}", permission, page.count))
    views = app.extensions["screens"] = {}
    for screen in screens:
        views[screen.name] = builder.add_view_no_menu(make_view(screen))
        if screen.menu:
            endpoint = f"{view_name(screen.name)}.list"
            menu.add(Entry(screen.menu, screen.title, screen.icon, endpoint, ("can_list", screen.name)))


def _officer() -> ResponseReturnValue | None:
    """Who is this? Nobody may go on except to the few public routes."""
    if problems.wanted():
        return _machine()
    found = sessions.found()
    if found is None:
        _enter(Public(request.remote_addr))
        if request.endpoint in PUBLIC_CONSOLE:
            return None
        if request.method in {"GET", "HEAD"}:
            return redirect(url_for("SignIn.login", next=preferences.here()))
        return redirect(url_for("SignIn.login"), 303)
    _keep_up(found.registers)
    g.officer = Officer(found)
    g.staff = principal(found, request.remote_addr)
    _enter(g.staff)
    first = gate.due(found, request.endpoint)
    return redirect(url_for(first), 303) if first else None


def _used(response: Any) -> Any:
    access_tokens_door.note_use()
    return response


def _machine() -> ResponseReturnValue | None:
    """Under /api/: an access token, or a browser's session; never a page to go to first."""
    bearer = access_tokens_door.shown() if access_tokens_door.carried() else None
    found = bearer.found if bearer else sessions.found()
    if found is None:
        _enter(Public(request.remote_addr))
        return error_pages.page(401)  # type: ignore[no-any-return]
    if bearer:
        if seconds := access_tokens_door.wait(bearer):
            _enter(Public(request.remote_addr))
            said = _("这个令牌一分钟内问得太多，请 %(seconds)s 秒后再试。", seconds=seconds)
            return error_pages.page(429, said, headers={"Retry-After": str(seconds)})  # type: ignore[no-any-return]
        g.bearer = bearer
    g.officer = Officer(found)
    g.staff = principal(found, request.remote_addr)
    _enter(g.staff)
    if gate.due(found, request.endpoint):
        return error_pages.page(403, _("您的账号须先登录页面，完成登录后要先办的事（例如设置两步验证）。"))  # type: ignore[no-any-return]
    return None


def _keep_up(applied: str) -> None:
    """Screens are made when a process begins. When registers have been applied since, this one asks its master for fresh ones, which take its place
    as they come; it answers until then."""
    app: Any = current_app
    if applied != app.extensions["registers"] and "gunicorn" in request.environ.get("SERVER_SOFTWARE", ""):
        app.extensions["registers"] = applied  # asked once
        os.kill(os.getppid(), signal.SIGHUP)


def _granted() -> frozenset[tuple[str, str]]:
    return current_app.extensions["appbuilder"].sm.granted()  # type: ignore[no-any-return]


def _find_url() -> str:
    """Where the search box of the top line looks: the files, by number, name or specialty, for whoever may read them."""
    return url_for("Files.home") if ("can_read", "files") in _granted() else ""


def _access_url() -> str:
    """“我的权限”, for whoever holds any grant."""
    return url_for("Access.home") if ("can_read", "access") in _granted() else ""


def _recusal_url() -> str:
    """“我的回避”, for whoever holds any grant."""
    return url_for("MyRecusals.home") if ("can_read", "my-recusals") in _granted() else ""


def _home() -> ResponseReturnValue:
    """This person's own work; for whoever has none on these pages, what their grants allow and where that is."""
    groups = navigation().groups(_granted())
    if groups:
        numbers = url_for("Dashboard.home")  # everybody's: one's own desk comes before it
        own = [entry for entry in groups[0].entries if groups[0].title == _(MY_WORK) and "/screens/" not in entry.url and entry.url != numbers]
        if own:
            return redirect(own[0].url)
        return redirect(level_views.first_page(_granted(), g.officer.roles) or _access_url() or groups[0].entries[0].url)
    return error_pages.page(403, _("您的账号还没有任何有效授权。请联系本部门管理员。"))


def scope_line() -> str:
    """“自治区交通运输厅 · 全区”: where this person's grants reach, in words."""
    officer = g.get("officer")
    if officer is None:
        return ""
    english = language() == "en"
    said = []
    for words in officer.found.grant_words:
        department = (words.department_en if english else words.department) or _("各部门")
        place = _("全区") if words.level == 1 else words.division_en if english else words.division
        said.append(f"{department} · {place}")
    distinct = list(dict.fromkeys(said))
    if not distinct:
        return _("没有有效授权")
    line = distinct[0]
    if len(distinct) > 1:
        line = _("%(first)s 等 %(count)s 处", first=line, count=len(distinct))
    return _("%(where)s　运维台，无审核权", where=line) if (request.blueprint or "").startswith("ops") else line


def role_line() -> str:
    """“初审员、统筹协调员”"""
    officer = g.get("officer")
    if officer is None:
        return ""
    roles = list(dict.fromkeys(words.role for words in officer.found.grant_words))
    if language() == "en":
        return ", ".join(ROLES[role].title_en for role in roles)
    return "、".join(ROLES[role].title for role in roles)
