"""The tree of `console.errors`, and HTTP's own errors, as pages in the reader's words; nothing of the inside is shown."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, current_app, g, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from console.db import Session
from console.doors import problems as machine
from console.errors import N_, ConsoleError

log = logging.getLogger("ruku.web")

TITLES: dict[int, str] = {
    400: N_("这个请求看不懂"),
    401: N_("请先登录"),
    403: N_("没有权限"),
    404: N_("没有找到"),
    405: N_("不能这样打开"),
    409: N_("内容有变化"),
    412: N_("内容有变化"),
    413: N_("内容太大"),
    415: N_("格式不对"),
    422: N_("有需要修改的地方"),
    428: N_("须说明依据哪一版"),
    429: N_("尝试次数过多"),
    500: N_("系统出了问题"),
    503: N_("暂时不能用"),
}
WORDS: dict[int, str] = {
    400: N_("请回到上一页，再试一次。"),
    403: N_("您没有办理这件事的权限。需要时请联系本部门管理员。"),
    404: N_("没有找到这项内容，或者您不能查看它。"),
    405: N_("这个地址只能从页面上的按钮进入，请回到上一页。"),
    413: N_("一次上传的内容超过了上限，请减小文件后再传。"),
    500: N_("不是您的操作有误。问题已记录，请稍后再试；一直不好时，请把下面的编号告诉运维。"),
    503: N_("系统正在恢复，请稍后再试。"),
}


#: where a machine is told something else than a person in front of a page
MACHINE_WORDS: dict[int, str] = {
    400: N_("这个请求看不懂，什么都没有做。"),
    401: N_("没有令牌，或者令牌不对、已到期、已撤销。请在“我的账号”里另建一个。"),
    405: N_("这个地址不接受这种方法，Allow 头列出了接受哪些。"),
    412: N_("这一行已被别人改过，没有保存。请重新读取，核对后再提交。"),
    413: N_("请求体超过 2 MB，没有处理。大批数据请用页面上的导入。"),
    415: N_("请求体须是 application/json，UTF-8 编码。"),
    428: N_("修改和删除须带 If-Match 头，填读取这一行时得到的 ETag。"),
    503: N_("系统正在恢复，请稍后再试。"),
}


def page(status: int, sentence: str | None = None, *, problems: Any = None, headers: Any = None) -> Any:
    """One error page; a door may name its own template in `ERROR_TEMPLATE`. A machine gets the same as a problem document.

    `problems`: sentences, or sentences by the path of the field they are about.
    """
    title = _(TITLES.get(status, TITLES[400]))
    if machine.wanted():
        words = sentence or _(MACHINE_WORDS.get(status) or WORDS.get(status, MACHINE_WORDS[400]))
        by_field = problems.items() if isinstance(problems, dict) else [("", said) for said in problems or ()]
        return machine.answer(status, title, words, errors=by_field, headers=headers)
    words = sentence or _(WORDS.get(status, WORDS[400]))
    problems = list(problems.values()) if isinstance(problems, dict) else problems
    html = render_template(
        current_app.config["ERROR_TEMPLATE"], title=title, status=status, sentence=words, problems=problems, request_id=g.get("request_id")
    )
    return html, status


def install(app: Flask) -> None:
    app.config.setdefault("ERROR_TEMPLATE", "errors/page.html")

    @app.errorhandler(ConsoleError)
    def known(error: ConsoleError) -> Any:
        Session.rollback()
        return page(error.status, _(error.message, **error.facts), problems=getattr(error, "problems", None))

    @app.errorhandler(CSRFError)
    def stale_form(error: CSRFError) -> Any:
        if machine.wanted():
            return page(400, _("浏览器会话发出的写入须带 X-CSRFToken 头；机器请用访问令牌。什么都没有做。"))
        return page(400, _("这张表单放得太久，已经失效，什么都没有保存。请回到上一页刷新后再提交。"))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        status = error.code or 500
        if status < 400:
            return error
        allow = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if isinstance(error, MethodNotAllowed) else None
        return page(status, headers=allow)

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
