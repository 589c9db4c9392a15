"""The tree of `console.errors`, and HTTP's own errors, as pages in the reader's words; nothing of the inside is shown."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, current_app, g, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from console.db import Session
from console.errors import N_, ConsoleError

log = logging.getLogger("ruku.web")

TITLES: dict[int, str] = {
    400: N_("这个请求看不懂"),
    401: N_("请先登录"),
    403: N_("没有权限"),
    404: N_("没有找到"),
    405: N_("不能这样打开"),
    409: N_("内容有变化"),
    413: N_("内容太大"),
    422: N_("有需要修改的地方"),
    429: N_("尝试次数过多"),
    500: N_("系统出了问题"),
    503: N_("暂时不能用"),
}
WORDS: dict[int, str] = {
    400: N_("请回到上一页，再试一次。"),
    403: N_("您没有办理这件事的权限。需要时请联系本部门管理员。"),
    404: N_("没有找到这项内容，或者它不在您的办理范围内。"),
    405: N_("这个地址只能从页面上的按钮进入，请回到上一页。"),
    413: N_("一次上传的内容超过了上限，请减小文件后再传。"),
    500: N_("不是您的操作有误。问题已记录，请稍后再试；一直不好时，请把下面的编号告诉运维。"),
    503: N_("系统正在恢复，请稍后再试。"),
}


def page(status: int, sentence: str | None = None, *, problems: Any = None) -> tuple[str, int]:
    """One error page; a door may name its own template in `ERROR_TEMPLATE`."""
    title = _(TITLES.get(status, TITLES[400]))
    words = sentence or _(WORDS.get(status, WORDS[400]))
    html = render_template(
        current_app.config["ERROR_TEMPLATE"], title=title, status=status, sentence=words, problems=problems, request_id=g.get("request_id")
    )
    return html, status


def install(app: Flask) -> None:
    app.config.setdefault("ERROR_TEMPLATE", "errors/page.html")

    @app.errorhandler(ConsoleError)
    def known(error: ConsoleError) -> Any:
        Session.rollback()
        problems = getattr(error, "problems", None)
        listed = list(problems.values()) if isinstance(problems, dict) else problems
        return page(error.status, _(error.message, **error.facts), problems=listed)

    @app.errorhandler(CSRFError)
    def stale_form(error: CSRFError) -> Any:
        return page(400, _("这张表单放得太久，已经失效，什么都没有保存。请回到上一页刷新后再提交。"))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        status = error.code or 500
        if status < 400:
            return error
        return page(status)

    @app.before_request
    def readable() -> Any:
        """No address of ours has a NUL in it, and PostgreSQL would take none."""
        if b"%00" in request.query_string or "\x00" in request.path:
            return page(400)
        return None

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Any:
        Session.rollback()
        log.exception("unhandled error", extra={"endpoint": request.endpoint, "request_id": g.get("request_id")})
        if app.testing or app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        return page(500)
